"""The audits on the whole files of the yardstick, which are quotes for personal use and not ours to keep.

    python -m tests.pipelines.quality_yardstick <folder of yfinance's tests/data>

prints what each bad, repaired and control file raises, by kind of defect. docs/quarantine.md has the figures, and
test_quality_cases.py tests the excerpts that come with the project.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.quality.actions import audited_actions
from pipelines.quality.adjusted import audited_adjusted
from pipelines.quality.prices import audited
from tests.price_rows import ACTIONS, PRICES, session, table, weekdays

CASES = Path(__file__).parents[1] / "cases" / "data_quality_yfinance.json"
MATCHING = {
    "bad-div": {"action BAD_DIVIDEND", "adjusted BAD_ADJUSTED_CLOSE", "adjusted NOT_A_NUMBER"},
    "100x-error": {"close TIMES_100"},
    "bad-unit": {"close TIMES_100"},
    "bad-stock-split": {"close UNADJUSTED_SPLIT"},
    "cg-double-count": {"adjusted BAD_ADJUSTED_CLOSE"},
}
"""Names of each kind of defect: who raises it, and the reason."""
Quote = dict[str, Any]


def quotes(file: Path) -> list[Quote]:
    """A file's quotes in order of time, also those without a close, which the source has on some days of dividends."""
    with file.open() as opened:
        listed = list(csv.DictReader(opened))
    stamp = "Date" if "Date" in listed[0] else "Datetime"
    return sorted(({**row, "at": row[stamp]} for row in listed), key=lambda row: str(row["at"]))


def raised(new: Sequence[Quote], known: Sequence[Quote] = ()) -> Counter[str]:
    """Reasons that the three audits give; each quote, of a day, week or hour, is taken as the next session's."""
    count = len(known)
    prices = table([_price(row, count + n) for n, row in enumerate(new)], PRICES)
    before = table([_price(row, n) for n, row in enumerate(known)], PRICES)
    actions = table([action for n, row in enumerate([*known, *new]) for action in _actions(row, n)], ACTIONS)
    closes = audited(
        prices, before, actions, currencies={"T": "USD"}, calendar=weekdays().slice(0, 0), today=date(2999, 1, 1)
    )
    judged = audited_actions(actions, closes.accepted)
    adjusted = audited_adjusted(closes.accepted, judged.accepted, judged.quarantined)
    audits = {"close": closes, "action": judged, "adjusted": adjusted}
    return Counter(f"{name} {row}" for name, audit in audits.items() for row in audit.quarantined["reason"].to_pylist())


def _price(row: Quote, number: int) -> tuple[Any, ...]:
    close, adjusted, volume = (_number(row.get(name)) for name in ("Close", "Adj Close", "Volume"))
    return ("T", session(number), close, "USD", "SPLIT_ADJUSTED", adjusted, volume)


def _actions(row: Quote, number: int) -> list[tuple[Any, ...]]:
    dividend, split = _number(row.get("Dividends")) or 0.0, _number(row.get("Stock Splits")) or 0.0
    day = session(number)
    paid = [("T", day, "DIVIDEND", None, None, dividend)] if dividend else []
    return [*paid, *([("T", day, "SPLIT", split, 1.0, None)] if split else [])]


def _number(value: object) -> float | None:
    return None if value in (None, "") else float(str(value))


def main(folder: Path) -> None:
    cases = json.loads(CASES.read_text())
    hits: Counter[str] = Counter()
    for case in cases["cases"]:
        kind = case["defect"]
        bad, fixed = (quotes(folder / Path(case[name]).name) for name in ("bad_file", "fixed_file"))
        versions = {"bad": raised(bad), "fixed": raised(fixed)}
        if kind == "100x-error":  # most of these rows are bad: which side is right only what was known can tell
            versions["bad, 3 known"] = raised(bad[3:], fixed[:3])
        for name, found in versions.items():
            is_raised = bool(MATCHING[kind] & set(found))
            hits[f"{kind}: {name}"] += is_raised
            print(f"{case['id']:28} {name:13} {'raised' if is_raised else '-':7} {_said(found)}")
    for control in cases["controls_no_defect"]:
        print(f"{Path(control).stem:28} {'control':21} {_said(raised(quotes(folder / Path(control).name)))}")
    for name, count in sorted(hits.items()):
        print(f"{name:32} raised for {count} of {sum(f['defect'] == name.split(':')[0] for f in cases['cases'])}")


def _said(found: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(found.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
