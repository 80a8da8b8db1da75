"""Situations that run: requests over HTTP, releases, and what must then be answered, as data.

Here: how one is played and judged as right, refused or wrong. A situation has requests in order, `expected` fields,
`or_refused` refusals that are as good. Not here: where the answers come from (fresh_states.py).
"""

import json
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

Stated = dict[str, Any]
NOTHING = object()
"""Stands for a field that is not there: it equals no value, not even null."""
SAME_WORD = {
    "SPINOFF": "SPIN_OFF",
    "BONUS_ISSUE": "BONUS",
    "RIGHTS_ISSUE": "RIGHTS",
    "TICKER_CHANGE": "EXCHANGE",
    "CAPITAL_CALL": "COST_ADJUSTMENT",
    "new_ticker": "into",
    "cost_share": "basis_share",
    "paid": "is_paid",
}
"""The product's word (a row type or a field) for the one in a request that says `one_way` of saying it."""
NOT_UNDERSTOOD = {"extra_forbidden", "literal_error", "enum"}
"""Codes of an error that says: this word or field does not exist."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_STEP = re.compile(r"\.?(?:(?P<name>\w+)|\[(?P<place>-?\d+)\]|\[(?P<key>\w+)=(?P<of>[^\]]*)\])")
_PAUSES_S = (0.5, 1, 2, 4)
"""How long to wait after an answer that asks to come again."""


@dataclass(frozen=True)
class Outcome:
    """The verdict, right, refused or wrong, and why."""

    verdict: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any

    @property
    def is_done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_not_understood(self) -> bool:
        errors = self.body.get("errors") if isinstance(self.body, dict) else None
        return any(isinstance(one, dict) and one.get("code") in NOT_UNDERSTOOD for one in errors or ())

    def __str__(self) -> str:
        """Why it turned something down, if it did: its problem, or the first row that was refused."""
        said = self.body
        if isinstance(said, dict) and isinstance(said.get("report"), list):
            said = next((row for row in said["report"] if row.get("status") == "REFUSED"), said)
        if isinstance(said, dict) and "detail" in said:
            return f"{self.status} {said.get('code')}: {said['detail']}"
        return f"{self.status} {_shown(said)}"


@dataclass
class Situation:
    """One situation on its way. `play` pauses wherever a release must come first."""

    stated: Stated
    saved: dict[str, str] = field(default_factory=dict)
    replies: dict[int, Reply] = field(default_factory=dict)

    def play(self, api: httpx.Client) -> Generator[None, None, Outcome]:
        """Send the requests in order, ask the questions, and return the outcome; yield where a release is due."""
        for number, request in enumerate(self.stated["requests"], start=1):
            if request.get("refresh"):
                yield
                continue
            outcome = self._sent(api, number, request)
            if outcome is not None:
                return outcome
        if self.stated.get("refresh"):
            yield
        asked: dict[str, Reply] = {}
        differences = tuple(why for one in self.stated["expected"] for why in self._asked(api, one, asked))
        return Outcome("wrong" if differences else "right", differences)

    def _sent(self, api: httpx.Client, number: int, request: Stated) -> Outcome | None:
        """Send one request; the outcome if it ends the situation."""
        path = self._filled(request["path"], quoted=True)
        reply = self.replies[number] = ask(api, request["method"], path, **self._content(request))
        wanted = request.get("status")
        fits = reply.is_done if wanted is None else reply.status in _listed(wanted)
        if not fits and request.get("one_way") and reply.is_not_understood:
            return Outcome("wrong", (f"request {number} is not understood: {reply}",))
        if any(_is_refusal(one, reply) for one in self.stated.get("or_refused", ()) if one["request"] == number):
            return Outcome("refused", (f"request {number}: {reply}",))
        if not fits:
            return Outcome("wrong", (f"request {number}: expected {wanted or '2xx'}, got {reply}",))
        for name, path in request.get("save", {}).items() if reply.is_done else ():
            found = field_of(reply.body, path)
            if found is NOTHING:
                return Outcome("wrong", (f"request {number}: its answer has no {path} to save",))
            self.saved[name] = str(found)
        return None

    def _content(self, request: Stated) -> dict[str, Any]:
        headers = request.get("headers", {})
        if "text" in request:
            return {"content": request["text"].encode(), "headers": headers}
        body = {"prices": list(prices(request["closes"]))} if "closes" in request else self._filled(request.get("body"))
        if request.get("one_way"):
            body = _translated(body)
        return {"headers": headers} if body is None else {"json": body, "headers": headers}

    def _asked(self, api: httpx.Client, expected: Stated, asked: dict[str, Reply]) -> Iterator[str]:
        """Say what does not hold of one expected field; each address is asked once."""
        if "get" in expected:
            path = self._filled(expected["get"], quoted=True)
            if path not in asked:
                asked[path] = ask(api, "GET", path)
            where, reply = expected["get"], asked[path]
            if reply.status != 200:
                yield f"{where}: {reply}"
                return
        else:
            where, reply = f"request {expected['request']}", self.replies[expected["request"]]
        found = field_of(reply.body, self._filled(expected.get("field", "")))
        if not holds(expected, found):
            yield f"{where} {expected.get('field', '')}: expected {_wanted(expected)}, got {_shown(found)}"

    def _filled(self, value: Any, quoted: bool = False) -> Any:
        """`value` with every saved {name} in its place."""
        if isinstance(value, dict):
            return {key: self._filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if isinstance(value, str):
            for name, saved in self.saved.items():
                value = value.replace("{" + name + "}", quote(saved, safe="") if quoted else saved)
        return value


def run(stated: Sequence[Stated], api: httpx.Client, release: Callable[[], str | None]) -> list[Outcome]:
    """Play situations of one market together: a release is made for all that wait for one.

    `release` returns why there was none, if so; who waited for it is wrong then.
    """
    playing = {number: Situation(one).play(api) for number, one in enumerate(stated)}
    outcomes: dict[int, Outcome] = {}
    while playing:
        for number, situation in list(playing.items()):
            try:
                next(situation)
            except StopIteration as end:
                outcomes[number] = end.value
            except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:  # no answer, or not of the form
                outcomes[number] = Outcome("wrong", (f"it could not be played: {error!r}",))
            if number in outcomes:
                del playing[number]
        failure = release() if playing else None
        if failure is not None:
            outcomes |= dict.fromkeys(playing, Outcome("wrong", (f"there was no release: {failure}",)))
            break
    return [outcomes[number] for number in range(len(stated))]


def ask(api: httpx.Client, method: str, path: str, **content: Any) -> Reply:
    """The reply; one that asks to come again is asked again, a few times."""
    for pause in (*_PAUSES_S, None):
        response = api.request(method, path, **content)
        if response.status_code not in (429, 503) or pause is None:
            break
        time.sleep(pause)
    try:
        return Reply(response.status_code, response.json())
    except ValueError:
        return Reply(response.status_code, response.text)


def _translated(body: Any) -> Any:
    """A body in the product's words."""
    if isinstance(body, dict):
        return {SAME_WORD.get(name, name): _translated(value) for name, value in body.items()}
    if isinstance(body, list):
        return [_translated(one) for one in body]
    return SAME_WORD.get(body, body) if isinstance(body, str) else body


def prices(closes: Stated) -> Iterator[dict[str, str]]:
    """Prices of each Monday to Friday from the first step until the last day: the close of the step that was last.

    A step of several closes has them take turns by day; `but` replaces those of single days.
    """
    day, until = date.fromisoformat(min(closes["steps"])), date.fromisoformat(closes["until"])
    turns: list[str] = []
    turn = 0
    while day <= until:
        if str(day) in closes["steps"]:
            turns, turn = _listed(closes["steps"][str(day)]), 0
        if day.weekday() < 5:
            close = closes.get("but", {}).get(str(day), turns[turn % len(turns)])
            yield {"date": str(day), "close": close, "currency": closes["currency"]}
            turn += 1
        day += timedelta(1)


def field_of(body: Any, path: str) -> Any:
    """Follow `path` into an answer: names with dots, [0], [-1] or [name=value]; NOTHING where it leads nowhere."""
    place = 0
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise ValueError(f"{path!r} is no path to a field: it stops at {path[place:]!r}")
        body, place = _stepped(body, **step.groupdict()), step.end()
    return body


def _stepped(body: Any, name: str | None, place: str | None, key: str | None, of: str | None) -> Any:
    if name is not None:
        return body.get(name, NOTHING) if isinstance(body, dict) else NOTHING
    if not isinstance(body, list):
        return NOTHING
    if place is not None:
        return body[int(place)] if -len(body) <= int(place) < len(body) else NOTHING
    return next((one for one in body if isinstance(one, dict) and key in one and str(one[key]) == of), NOTHING)


def _is_refusal(refusal: Stated, reply: Reply) -> bool:
    if "status" in refusal:
        return reply.status in _listed(refusal["status"])
    return holds(refusal, field_of(reply.body, refusal.get("field", "")))


def holds(expected: Stated, found: Any) -> bool:
    """Say whether a field is what is expected of it, in whichever way that is said."""
    if found is NOTHING:
        return False
    if "contains" in expected:
        text = json.dumps(found, ensure_ascii=False).lower()
        return all(word.lower() in text for word in _listed(expected["contains"]))
    if "count" in expected:
        return isinstance(found, list) and len(found) == expected["count"]
    if "not" in expected:
        return not _is_equal(expected["not"], found)
    return any(_is_equal(one["value"], found, one.get("tolerance")) for one in expected.get("any", [expected]))


def _is_equal(expected: Any, found: Any, tolerance: str | None = None) -> bool:
    """Two plain numbers are compared as numbers, however they are written; anything else must be equal."""
    numbers = [_number(value) for value in (expected, found)]
    if None in numbers:
        return type(expected) is type(found) and bool(expected == found)
    one, other = numbers
    return bool(abs(one - other) <= Decimal(tolerance or 0))


def _number(value: Any) -> Decimal | None:
    is_plain = isinstance(value, (int, float, str)) and not isinstance(value, bool)
    return Decimal(str(value)) if is_plain and _NUMBER.fullmatch(str(value)) else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _wanted(expected: Stated) -> str:
    for kind in ("contains", "count", "not", "any"):
        if kind in expected:
            return f"{kind} {_shown(expected[kind])}"
    return _shown(expected["value"]) + (f" +- {expected['tolerance']}" if "tolerance" in expected else "")


def _shown(value: Any) -> str:
    return "nothing" if value is NOTHING else json.dumps(value, ensure_ascii=False)[:200]
