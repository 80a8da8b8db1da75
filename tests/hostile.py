"""Requests that no careful client sends, for every operation of an OpenAPI document, and what an answer to one must be.

Half of what is drawn is valid, or a request would never reach what stores it. Bodies are written as text, because a
library would refuse to send two keys of one name, half of a surrogate pair, or more digits than a double has.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import httpx

Document = Mapping[str, Any]
TEXTS = [
    *("", " ", "a", "AAPL", "MAIN", "0", "null", "é", "ß", "İ", "\u202eright", "😀", "\ufffd", "\ufeff", "a\tb\nc"),
    *(
        "\x00",
        "a\x00b",
        "\x01",
        "\x7f",
        "\x85",
        "\u2028",
        "\ud800",
        "a\udfffb",
        "\ud83d",
        "\\",
        '"',
        "'",
        "%",
        "%00",
        "%s",
    ),
    *(
        "'; drop table portfolio; --",
        "{{7*7}}",
        "<script>",
        "../../etc/passwd",
        "=1+1",
        "id:1",
        "id:x",
        "id:-1",
        "ISIN:",
    ),
    *(
        f"id:{2**63}",
        f"id:{'9' * 60}",
        "ISIN:US0378331005",
        "x" * 60,
        "x" * 200,
        "x" * 201,
        "é" * 200,
        "x" * 1001,
        "x" * 5000,
    ),
    *(
        "2017-03-29",
        "2017-02-30",
        "0000-00-00",
        "9999-12-31",
        "2017-03-29T20:00:00Z",
        "١٢٣",
        "１",
        "NaN",
        "Infinity",
        "-0",
    ),
]
NUMBERS = [
    *("0", "-0", "0.0", "1", "-1", "10", "0.1", "2.5", "100.00", "0.00000001", "0.000000001", "0.1234567891"),
    *("0.1000000000000000055", "0.30000000000000004", "9007199254740993", "1.00000000000000001", "9999999999.99999999"),
    *(
        "10000000000",
        "1e5",
        "1E-9",
        "1e400",
        "-1e400",
        "1e-400",
        "1e999999999999",
        "123456789012345678901234567890.12345",
    ),
    *(
        "9" * 40,
        "9" * 41,
        "9" * 400,
        "9" * 5000,
        "0." + "0" * 39 + "1",
        "1." + "0" * 200,
        "2147483648",
        "9223372036854775808",
    ),
    *("NaN", "Infinity", "-Infinity", "1" + "0" * 38, "170141183460469231731687303715884105728"),
]
DAYS = [
    "2016-01-04",
    "2015-06-30",
    "2017-03-29",
    "1970-01-01",
    "1969-12-31",
    "2017-03-30",
    "9999-12-31",
    "2016-02-30",
    "0001-01-01",
]
MOMENTS = [
    "2016-01-04T16:00:00Z",
    "2016-01-04T16:00:00+23:59",
    "1970-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
]
CURRENCIES = ["USD", "USD", "EUR", "JPY", "ZZZ", "usd", "US", "\x00\x00\x00"]
TICKERS = ["AAPL", "MSFT", "IBM", "SP500", "NOSUCH", "aapl", "US0378331005", "037833100", "id:1"]
TYPES = ["application/json"] * 12 + [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
]
TYPES += ["application/json; charset=utf-16", "text/csv", "text/csv; charset=latin-1", "application/xml", ""]
FILES = [
    "type,date,ticker,quantity,price,amount\nDEPOSIT,2016-01-04,,,,100\nBUY,2016-01-05,AAPL,1,10,\n",
    "type,date,amount\nDEPOSIT,2016-01-04,1e5\nDEPOSIT,2016-01-04,0.123456789\nDEPOSIT,9999-12-31,1\n",
    "type;date;amount\nDEPOSIT;2016-01-04;1,5\nDEPOSIT;2016-01-04;100.000\n",
    "type,date,amount,note\nDEPOSIT,2016-01-04,1,a\x00b\n",
    "type,date,amount,external id\nDEPOSIT,2016-01-04,1,\ud800\n",
    *("\n" * 1000, ",", '"', "type,date\n" * 30, "ticker,quantity\nAAPL,1\nCASH,1\n"),
    "ticker,quantity,currency\nCASH,1e400,USD\n",
]  # fmt: skip


class Literal(str):
    """Text that stands in a body as it is, without quotes."""


@dataclass(frozen=True)
class Request:
    method: str
    template: str
    address: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    sent: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.address[:300]!r} {self.headers} {self.body[:1500]!r}"


@dataclass
class Generator:
    """Draws requests for the operations of `document`; `known` are ids and names that exist, by their parameter."""

    document: Document
    known: Mapping[str, Sequence[str]]
    draw: random.Random
    operations: Sequence[tuple[str, str, Document]] = field(init=False)

    def __post_init__(self) -> None:
        self.operations = [
            (method.upper(), path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        ]

    def request(self, method: str, path: str, operation: Document) -> Request:
        address, query, headers = path.encode(), [], []
        for parameter in operation.get("parameters", ()):
            name, where = parameter["name"], parameter["in"]
            if where == "path":
                address = address.replace(
                    f"{{{name}}}".encode(), self._escaped(self._valued(name, parameter["schema"]))
                )
            elif where == "query" and (parameter.get("required") or self.draw.random() < 0.35):
                value = self._escaped(self._valued(name, parameter["schema"]))
                query += [name.encode() + b"=" + value] * (2 if self.draw.random() < 0.03 else 1)
            elif where == "header" and self.draw.random() < 0.6:
                value = self.draw.choice(
                    [
                        '"1"',
                        "*",
                        '"2.0"',
                        'W/"1"',
                        "x",
                        "key-1",
                        "é",
                        '"1", "2"',
                        "k" * 201,
                        f"k{self.draw.random()}",
                    ]
                )
                headers += [(name.lower().encode(), value.encode())] * (2 if self.draw.random() < 0.05 else 1)
        sent, body = None, b""
        content = operation.get("requestBody", {}).get("content", {})
        if content or (method != "GET" and self.draw.random() < 0.05):
            kind = self.draw.choice(TYPES) if self.draw.random() < 0.3 else self.draw.choice([*content] or TYPES)
            sent = self.value("body", content.get("application/json", {}).get("schema", {}))
            body = self._written(kind, sent)
            sent = None if kind.startswith("text/csv") or not body else sent
            if kind:
                headers.append((b"content-type", kind.encode()))
        if self.draw.random() < 0.1:
            headers.append((b"x-request-id", self.draw.choice([b"mine", b"\xff", b"x" * 300, b"a b"])))
        return Request(method, path, address + (b"?" + b"&".join(query) if query else b""), headers, body, sent)

    def _written(self, kind: str, sent: Any) -> bytes:
        if kind.startswith("text/csv"):
            return self.draw.choice(FILES).encode("utf-8", "surrogatepass")
        text = written(sent, self.draw)
        match self.draw.randrange(40):
            case 0:
                return text[: len(text) // 2].encode()
            case 1:
                return b"\xff" + text.encode()
            case 2:
                return text.encode("utf-16")
            case 3:
                return b'{"a": ' * 9_000
            case 4:
                return b""
            case 5 if text.startswith('{"'):
                return (text[:-1] + "," + text[1:]).encode()
            case _:
                return text.encode()

    def value(self, name: str, schema: Document) -> Any:
        """Something of the schema, or something that it is not."""
        if self.draw.random() < 0.04:
            return self.draw.choice([None, True, 0, [], {}, [[[]]], *map(Literal, NUMBERS), *TEXTS])
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            return self.value(name, self.draw.choice(schema["anyOf"]))
        if "enum" in schema:
            return self.draw.choice(schema["enum"])
        if "properties" in schema or schema.get("type") == "object":
            return self._object(schema)
        if schema.get("type") == "array":
            return [self.value(name, schema.get("items", {})) for _ in range(self.draw.choice([0, 1, 1, 2, 3]))]
        return self._leaf(name, schema)

    def _object(self, schema: Document) -> Any:
        is_example = schema.get("examples") and self.draw.random() < 0.5
        made = dict(self.draw.choice(schema["examples"])) if is_example else {}
        needed = schema.get("required", ())
        for name, described in schema.get("properties", {}).items():
            if (name in needed and name not in made) or self.draw.random() < 0.25:
                made[name] = self.value(name, described)
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and self.draw.random() < 0.5:
            keys = self.draw.sample(CURRENCIES + TICKERS + TEXTS[:30], 3)
            made.update({key: self.value("value", more) for key in keys})
        if self.draw.random() < 0.03:
            made[self.draw.choice(TEXTS)] = 1
        return made

    def _leaf(self, name: str, schema: Document) -> Any:
        if name in self.known and self.draw.random() < 0.85:
            return self.draw.choice(self.known[name])
        kind, pattern = schema.get("type"), schema.get("pattern", "")
        if kind == "boolean":
            return self.draw.choice([True, False])
        if kind in ("integer", "number"):
            return self.draw.choice([0, 1, 2, 5, 30, Literal(self.draw.choice(NUMBERS))])
        if "currency" in name or pattern == "^[A-Z]{3}$":
            return self.draw.choice(CURRENCIES)
        if "[0-9]{1,40}" in pattern:
            number = self.draw.choice(NUMBERS[:12] if self.draw.random() < 0.5 else NUMBERS)
            return Literal(number) if self.draw.random() < 0.4 else number
        if schema.get("format") == "date" or name.endswith("date") or name in ("from", "to", "on", "day"):
            return self.draw.choice(DAYS)
        if schema.get("format") == "date-time":
            return self.draw.choice(MOMENTS)
        if name in ("csv",):
            return self.draw.choice(FILES)
        return self.draw.choice(
            TICKERS if name in ("ticker", "identifier", "q") and self.draw.random() < 0.7 else TEXTS
        )

    def _valued(self, name: str, schema: Document) -> bytes:
        if self.draw.random() < 0.03:
            return self.draw.choice([b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"a/b", b".", b".."])
        return str(self.value(name, schema)).encode("utf-8", "surrogatepass")

    def _escaped(self, value: bytes) -> bytes:
        return quote(value, safe="").encode() or b"%20"


def written(value: Any, draw: random.Random) -> str:
    """JSON, in which a number has the digits it was drawn with, and letters are escaped or not."""
    match value:
        case Literal():
            return str(value)
        case dict():
            return "{" + ",".join(f"{written(str(k), draw)}:{written(v, draw)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(written(item, draw) for item in value) + "]"
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                return json.dumps(value)
            return json.dumps(value, ensure_ascii=draw.random() < 0.5)
    return json.dumps(value)


def fault_of(request: Request, answer: httpx.Response, operation: Document) -> str | None:
    """Return what is wrong with an answer; None if it is one that the document tells of, and stored what was sent."""
    if answer.status_code >= 500 and not (answer.status_code == 503 and answer.json()["code"] == "busy"):
        return f"{answer.status_code}"
    if str(answer.status_code) not in operation["responses"] and not _is_of_another_address(request, answer):
        return f"{answer.status_code} is not documented"
    if answer.is_error and request.address.partition(b"?")[0].endswith(b".html") and _is_page(answer):
        return None
    if answer.is_error:
        problem = answer.headers["content-type"] == "application/problem+json" and answer.json()
        return None if problem and problem["code"] and len(problem.get("errors", ())) <= 20 else "no problem"
    is_json = answer.headers.get("content-type", "") == "application/json"
    is_written = request.method != "GET" and isinstance(request.sent, dict)
    return differs(request.sent, answer.json()) if is_json and is_written else None


def _is_page(answer: httpx.Response) -> bool:
    """Say whether a page tells what is wrong, to whoever has sent its form."""
    return answer.headers["content-type"].startswith("text/html") and "<title>" in answer.text


def _is_of_another_address(request: Request, answer: httpx.Response) -> bool:
    """A slash or dots in a path make it another operation's, or nobody's."""
    path = request.address.partition(b"?")[0]
    odd = (b"%2F", b"%2E", b"/.", b"..", b"//")
    return answer.status_code in (404, 405, 307) and any(mark in path for mark in odd)


_TEXTS = {"name", "note", "external_id", "identifier", "broker", "reason", "display_name", "file_name", "fill_id"}


_IDENTIFYING = {"ticker", "security_id"}
"""Answered by the security's own ticker, however it was named."""


def differs(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> str | None:
    """The first text or number whose answer says something else than was sent; None if none does."""
    rows = stored.get("transactions")
    stored = rows[0] if rows and isinstance(rows[0], dict) else stored
    if "fill_price" in sent and stored.get("fills"):
        stored = {**stored, **stored["fills"][-1]}
    for name, value in sent.items():
        told = stored.get(name)
        if told is None or value is None or name in _IDENTIFYING:
            continue
        if isinstance(value, dict) and isinstance(told, dict):
            within = differs(value, told)
            if within is not None:
                return f"{name}.{within}"
        elif name in _TEXTS:
            if isinstance(value, str) and told != value and told != value.strip():
                return f"{name} {value!r} became {told!r}"
        elif _number(value) is not None and abs(_number(told) or Decimal(0)) != abs(_number(value) or Decimal(0)):
            return f"{name} {value!r} became {told!r}"
    return None


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
        return number if number.is_finite() else None
    except InvalidOperation:
        return None
