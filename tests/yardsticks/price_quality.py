"""The audits of prices against real defects of a source and their repairs.

A case has one to three changed rows of a series, so each is set between sessions that stand still at its repaired
close. Beside the case file may stand the source's own folder (`tests/data`, quotes for personal use and not ours to
keep): then its whole files are judged, and docs/quarantine.md has what was found.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.quality.actions import audited_actions
from pipelines.quality.adjusted import audited_adjusted
from pipelines.quality.prices import audited
from tests.price_rows import ACTIONS, NO_ACTIONS, PRICES, session, table, weekdays
from tests.yardsticks.cases import Case
from tests.yardsticks.judging import Yardstick

Quote = dict[str, Any]
NAMES = {
    "bad-div": {"BAD_DIVIDEND", "NOT_A_NUMBER", "BAD_ADJUSTED_CLOSE"},
    "100x-error": {"TIMES_100"},
    "bad-unit": {"TIMES_100"},
    "bad-stock-split": {"UNADJUSTED_SPLIT"},
    "cg-double-count": {"BAD_ADJUSTED_CLOSE"},
}
"""Reasons that name each kind of defect."""
BAD_ROW, N_KNOWN = 6, 3


def _is_named(case: Case, version: str) -> bool:
    """Say whether the audits name the defect in its rows, `bad` or `fixed`."""
    names = NAMES[case.row["defect"]]
    whole = Path(case.file["folder"]) / case.row[f"{version}_file"]
    if whole.exists():
        known = quotes(whole.with_name(Path(case.row["fixed_file"]).name))[:N_KNOWN]
        # Most rows of a 100x-error are bad: which side is right only what was known can tell.
        is_known = case.row["defect"] == "100x-error"
        found = raised(quotes(whole)[N_KNOWN:], known) if is_known else raised(quotes(whole))
        return bool(names & found.keys())
    return any(names & _reasons(case.row["defect"], example, version) for example in case.row["examples"])


def quotes(file: Path) -> list[Quote]:
    """A file's quotes in order of time, also those without a close, which the source has on some days of dividends."""
    with file.open() as opened:
        listed = list(csv.DictReader(opened))
    stamp = "Date" if "Date" in listed[0] else "Datetime"
    return sorted(listed, key=lambda row: row[stamp])


def raised(new: Sequence[Quote], known: Sequence[Quote] = ()) -> Counter[str]:
    """Reasons that the audits give; each quote, of a day, week or hour, is taken as the next session's."""
    names = ("Close", "Adj Close", "Volume")
    count = len(known)
    prices = table([_price(count + n, *map(_number, map(row.get, names))) for n, row in enumerate(new)], PRICES)
    before = table([_price(n, *map(_number, map(row.get, names))) for n, row in enumerate(known)], PRICES)
    listed = [
        _actions(n, _number(row.get("Dividends")), _number(row.get("Stock Splits")))
        for n, row in enumerate([*known, *new])
    ]
    return _audited(prices, before, table([action for some in listed for action in some], ACTIONS), no_calendar=True)


def _reasons(defect: str, example: dict[str, Quote], version: str) -> set[str]:
    """Reasons that the audits give for one row between sessions that stand still at its repaired close."""
    row, still = example[version], example["fixed"]["Close"]
    known = table([_price(n, still) for n in range(BAD_ROW - 1)], PRICES)
    rows = [_price(n, still) for n in range(BAD_ROW - 1, BAD_ROW + 6)]
    rows[1] = _price(BAD_ROW, row["Close"], row.get("Adj Close"))
    actions = _actions(BAD_ROW, row.get("Dividends"), row.get("Stock Splits"))
    if defect == "bad-stock-split" and not row.get(
        "Stock Splits"
    ):  # on a later row that the case has not: its repair says
        ratio = Fraction(example["bad"]["Close"] / still).limit_denominator(100)
        actions = [("T", session(BAD_ROW + 3), "SPLIT", float(ratio.numerator), float(ratio.denominator), None)]
    return set(_audited(table(rows, PRICES), known, table(actions, ACTIONS)))


def _audited(prices: pa.Table, known: pa.Table, actions: pa.Table, no_calendar: bool = False) -> Counter[str]:
    calendar = weekdays().slice(0, 0) if no_calendar else weekdays()
    closes = audited(prices, known, actions, currencies={"T": "USD"}, calendar=calendar, today=date(2999, 1, 1))
    judged = audited_actions(actions, closes.accepted)
    acted = (judged.accepted, judged.quarantined) if no_calendar else (NO_ACTIONS, NO_ACTIONS)
    adjusted = audited_adjusted(closes.accepted, *acted)
    return Counter(str(row) for audit in (closes, judged, adjusted) for row in audit.quarantined["reason"].to_pylist())


def _price(number: int, close: float | None, adjusted: float | None = None, volume: float | None = None) -> Any:
    return ("T", session(number), close, "USD", "SPLIT_ADJUSTED", adjusted, volume)


def _actions(number: int, dividend: float | None, split: float | None) -> list[tuple[Any, ...]]:
    day = session(number)
    splits = [("T", day, "SPLIT", split, 1.0, None)] if split else []
    return [*splits, *([("T", day, "DIVIDEND", None, None, dividend)] if dividend else [])]


def _number(value: object) -> float | None:
    return None if value in (None, "") else float(str(value))


AUDITED = Yardstick(
    lambda case: {"named": _is_named(case, "bad"), "raised by the repair": _is_named(case, "fixed")},
)
YARDSTICKS = dict.fromkeys(NAMES, AUDITED)
