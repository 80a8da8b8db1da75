"""Files of brokers with what they mean: each goes in over HTTP as an owner would send it, and is judged.

Here: the form of an index, the way of one file (register what the dry run names, import, again, undo, turned round) and
its verdict: right, wrong or refused. Not here: states to run in (file_states.py), and rows compared (file_rows.py).
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from storage.settings import REPOSITORY
from tests.yardsticks.file_rows import Found, differences_of, found_in, turned_round

READABLE = {".csv", ".tsv", ".txt", ".json", ".xml", ".ofx", ".qfx"}
Entry = Mapping[str, Any]
Release = Callable[[set[str]], None]
"""Makes a release that has the rates of some currencies."""
OpenedState = Callable[[], AbstractContextManager[httpx.Client]]
"""Opens the API over an empty ledger and registry of its own."""


class Wrong(Exception):
    """Something that is not as the index says, or not as an import has to be."""


class Refused(Exception):
    """A file that does not go in, with the reasons that its owner is told."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The verdict, right, wrong or refused, why, and what the owner had to say."""

    verdict: str
    why: tuple[str, ...] = ()
    stated: Mapping[str, str] = field(default_factory=dict)


def indexes(folder: Path) -> Iterator[tuple[Path, list[Entry]]]:
    """Every index of a folder, with its entries."""
    for path in sorted(folder.glob("index*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def file_of(folder: Path, entry: Entry) -> Path:
    """The file to send: its companion in CSV where the index names one, or where its own form cannot be sent."""
    path = folder / entry["file"]
    if named := entry.get("companion") or entry.get("csv"):
        return folder / str(named)
    beside = [path.with_name(f"{path.name}.csv"), path.with_suffix(".csv")]
    if path.suffix.lower() in READABLE:
        return path
    return next((each for each in beside if each.exists()), path)


def content_of(path: Path) -> bytes:
    """The file to send; of a ledger of beancount what its owner's own query makes of it, as the profile says."""
    if path.suffix != ".beancount":
        return path.read_bytes()
    query = (REPOSITORY / "oltp_api/imports/profiles/beancount.bql").read_text(encoding="utf-8")
    command = [str(Path(sys.executable).with_name("bean-query")), "-f", "csv", "-q", str(path), query]
    return subprocess.run(command, check=True, capture_output=True).stdout


def judged(folder: Path, entry: Entry, opened: OpenedState, release: Release, is_whole: bool = True) -> FileOutcome:
    """Send one file to a state of its own, and judge all that comes of it."""
    try:
        with opened() as api:
            way = Way(api, entry, file_of(folder, entry), release, is_whole)
            way.go()
            return FileOutcome("right", stated=way.options)
    except Refused as refused:
        return FileOutcome("refused", tuple(map(str, refused.args)))
    except Wrong as wrong:
        return FileOutcome("wrong", tuple(map(str, wrong.args)))
    except (httpx.HTTPError, LookupError, TypeError, ValueError, ArithmeticError, OSError) as error:
        return FileOutcome("wrong", (f"it could not be played: {type(error).__name__} {error}",))


class Way:
    """One file on its way into a portfolio of its own; the whole way goes again, beside itself, back and turned round
    too, and looks whether a dry run stores anything. `options` are what its owner had to state."""

    def __init__(self, api: httpx.Client, entry: Entry, path: Path, release: Release, is_whole: bool = True) -> None:
        self._api, self._entry, self._expected = api, entry, entry["expected"]
        self._file, self._name, self._release = content_of(path), path.name, release
        self._is_whole = is_whole
        self.options: dict[str, str] = {}
        self._currencies = {entry["base_currency"], *(row["currency"] for row in self._expected["transactions"])}
        self._is_short = any(Decimal(cash) < 0 for cash in self._expected["cash"].values())

    def prepare(self) -> str:
        """Open the portfolio, and register what the file needs; return the portfolio's id."""
        self._open()
        self._planned()
        return self._portfolio

    def go(self) -> None:
        """Raise Wrong or Refused unless all is as it has to be."""
        self._open()
        plan = self._planned()
        if not self._is_whole:
            self._import(self._file, plan)
            return
        empty = self._look()
        self._import(self._file, plan)
        self._again(self._file)
        self._undo_another()
        self._undo()
        if self._look().standing != empty.standing:
            raise Wrong("undone, positions, cash or gains are not as before")
        if (reversed_file := turned_round(self._file, self._name, plan)) is not None:
            self._import(reversed_file, None)
            self._undo()

    def _open(self) -> None:
        body = {
            "name": self._name,
            "base_currency": self._entry["base_currency"],
            "cost_method": "FIFO",
            "business_date": min((row["day"] for row in self._expected["transactions"]), default="2015-01-01"),
        }
        self._portfolio = str(self._asked("POST", "/portfolios", json=body)["portfolio_id"])
        for name in self._entry.get("setup", {}).get("accounts", ()):
            self._asked("POST", "/accounts", json={"identifier": name, "broker": self._name})
        if self._is_short:
            self.options["missing_cash"] = "assume"

    def _planned(self) -> Mapping[str, Any]:
        """The dry run in which nothing is unknown and nothing asked any more; it has stored nothing."""
        for _ in range(5):
            before = self._look() if self._is_whole else None
            answer = self._sent(self._file, dry_run="true")
            if before is not None and self._look() != before:
                raise Wrong("a dry run has stored something")
            if not (self._answered(answer) if answer.status_code == 422 else self._registered(answer)):
                break
        plan = self._report(answer)
        self._refuse_refused(plan)
        return plan

    def _answered(self, answer: httpx.Response) -> bool:
        """State what the refusal asks for and the index says; say whether anything was."""
        said, before = answer.json().get("detail", ""), dict(self.options)
        if "encoding=" in said:
            self.options["encoding"] = self._entry["encoding"]
        elif "dates=" in said:
            self.options["dates"] = self._entry["date_form"]
        return self.options != before

    def _registered(self, answer: httpx.Response) -> bool:
        """Register what the dry run names as unknown, and make a release if a rate has to be known."""
        plan = self._report(answer)
        for proposal in plan["unknown_securities"]:
            self._register(proposal, plan)
        if any(row.get("code") == "rate_direction_unknown" for row in plan["report"]):
            if "release" in self.options:
                return False
            self._release(self._currencies)
            self.options["release"] = "one"
            return True
        return bool(plan["unknown_securities"])

    def _register(self, proposal: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
        """Send the proposal's body, completed and corrected by what the index says of the security."""
        ticker = self._ticker_of(proposal, plan)
        currency = next(
            (row["currency"] for row in self._expected["transactions"] if row["security"] == ticker),
            self._entry["base_currency"],
        )
        isin = self._entry.get("setup", {}).get("isin", {}).get(ticker)
        body = {**proposal["body"], "ticker": ticker, "currency": currency, **({"isin": isin} if isin else {})}
        body.setdefault("asset_type", "EQUITY")
        answer = self._api.post("/securities", json=body)
        if answer.status_code not in (201, 409):
            raise Wrong(f"the proposal for {ticker} cannot be registered: {answer.text[:300]}")

    def _ticker_of(self, proposal: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
        """The index's name of a security that the file calls in its own way."""
        body, setup = proposal["body"], self._entry.get("setup", {}).get("isin", {})
        tickers = {row["security"] for row in self._expected["transactions"] if row["security"] != "-"}
        if body.get("ticker") in tickers:
            return str(body["ticker"])
        if by_isin := [ticker for ticker, isin in setup.items() if isin == body.get("isin")]:
            return by_isin[0]
        names = self._entry.get("setup", {}).get("names", {})
        if by_name := [ticker for ticker, name in names.items() if name == body.get("display_name")]:
            return by_name[0]
        if len(tickers) == 1:
            return tickers.pop()
        days = {row["read"]["business_date"] for row in plan["report"] if row["line"] in proposal["lines"]}
        fitting = [row["security"] for row in self._expected["transactions"] if row["day"] in days]
        if not fitting:
            raise Wrong(f"no security of the index is {body}")
        return str(max(set(fitting), key=fitting.count))

    def _import(self, file: bytes, plan: Mapping[str, Any] | None) -> None:
        """The real run: it says the same as the dry run, and gives what is expected."""
        planned = plan or self._report(self._sent(file, dry_run="true"))
        real = self._report(self._sent(file))
        self._refuse_refused(real)
        if self._told(planned) != self._told(real):
            raise Wrong("the dry run and the real run say different things")
        flags = [f"line {row['line']}: {flag}" for row in real["report"] for flag in row.get("flags", ())]
        if flags:
            raise Wrong("the file is flagged, though nothing is wrong with it", *flags)
        turned = "" if plan else "with its rows reversed, "
        differences = differences_of(self._expected, self._look(), real, self._is_short)
        if differences:
            raise Wrong(*(turned + each for each in differences))
        self._import_id = real["import_id"]

    def _again(self, file: bytes) -> None:
        before = self._look()
        report = self._report(self._sent(file))
        if report["recorded"] or report["refused"] or self._look().ledger != before.ledger:
            said = ", ".join(f"{name} {report[name]}" for name in ("recorded", "duplicates", "refused"))
            raise Wrong(f"a second time it is not known again: {said}")

    def _undo_another(self) -> None:
        """Import the file beside itself, as another source's, and undo that: what was there stays to the last lot. One
        whose rows name their accounts is known by them."""
        before = self._look()
        another = self._report(self._sent(self._file, source="another"))
        if another["recorded"] and self._look().standing == before.standing:
            raise Wrong("as another source's it changes nothing")
        self._asked("POST", f"/imports/{another['import_id']}/undo")
        if self._look().standing != before.standing:
            raise Wrong("another import undone, positions, cash or gains are not as before")

    def _undo(self) -> None:
        self._asked("POST", f"/imports/{self._import_id}/undo")

    def _told(self, report: Mapping[str, Any]) -> Any:
        """All that a dry run and the real one have to say alike."""
        rows = [
            {name: row.get(name) for name in ("line", "status", "code", "detail", "seq", "notes", "flags")}
            for row in report["report"]
        ]
        names = ("total", "recorded", "duplicates", "refused", "skipped", "balances", "reading", "assumed_cash")
        return rows, {name: report[name] for name in names}

    def _refuse_refused(self, report: Mapping[str, Any]) -> None:
        refused = [row["detail"] for row in report["report"] if row["status"] in ("REFUSED", "CHANGED")]
        if refused:
            raise Refused(*refused)

    def _sent(self, file: bytes, **more: str) -> httpx.Response:
        options = {name: value for name, value in self.options.items() if name != "release"}
        return self._api.post(
            f"/portfolios/{self._portfolio}/imports",
            content=file,
            params={**options, **more, "file_name": self._name},
            headers={"content-type": "text/csv"},
        )

    def _report(self, answer: httpx.Response) -> Mapping[str, Any]:
        if answer.status_code >= 500:
            raise Wrong(f"{answer.status_code}: {answer.text[:300]}")
        if answer.status_code != 201:
            raise Refused(f"{answer.status_code}: {answer.json().get('detail', answer.text)[:300]}")
        report: Mapping[str, Any] = answer.json()
        return report

    def _look(self) -> Found:
        return found_in(self._api, self._portfolio)

    def _asked(self, method: str, path: str, **content: Any) -> Mapping[str, Any]:
        answer = self._api.request(method, path, **content)
        if not answer.is_success:
            raise Wrong(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        body: Mapping[str, Any] = answer.json()
        return body
