"""The yardstick: real defects and their repairs, as far as the excerpts of the case file go.

An excerpt has one to three changed rows of a series, so each is set between sessions that stand still at its repaired
close. Where what is wrong (a dividend, a phantom) is on a row that the excerpt does not have, the case is only in the
whole files: `quality_yardstick.py` judges those, and docs/quarantine.md has what it found.
"""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.quality.actions import audited_actions
from pipelines.quality.adjusted import audited_adjusted
from pipelines.quality.prices import audited
from tests.price_rows import ACTIONS, NO_ACTIONS, PRICES, session, table, weekdays

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "cases" / "data_quality_yfinance.json").read_text()
)["cases"]
ACTION_ELSEWHERE = {"CNE-L-1d-bad-stock-split": (33, 70), "MOB-ST-1d-bad-stock-split": (1, 10)}
"""Splits some sessions after the bad row, on rows that the source's file has and the excerpt has not."""
DEFECT_ELSEWHERE = {
    "1398-HK-1d-bad-div": "the dividend of 2024-07-08 is in no adjusted close",
    "CLC-L-1d-bad-div": "three dividends are adjusted for at a hundredth",
    "DODFX-1d-cg-double-count": "the capital gain of 2025-12-18 is adjusted for twice",
    "JENYX-1d-cg-double-count": "five capital gains are adjusted for twice",
    "KAP-IL-1d-bad-div": "2022-07-13 repeats the dividend of the day before",
    "KME-MI-1d-bad-div": "a dividend of 22 % of the price, which did not fall",
    "LSC-L-1d-bad-div": "four dividends over 100 % of the price",
    "NVT-L-1d-bad-div": "a dividend of a hundredth of its neighbours",
    "REL-L-1d-bad-div": "dividends of 65 to 147 % of the price",
    "SAND-1d-bad-div": "the row repeats the dividend of 2024-01-16, which is the only sign of it",
    "TEM-L-1d-bad-div": "a phantom dividend a hundred times the next one",
    "TENT-L-1d-bad-div": "eleven dividends at a hundredth: missed in the whole file too, no close shows so little",
    "VWILX-1d-cg-double-count": "two capital gains are adjusted for twice",
}
MISSED = {
    "AV-L-1wk-bad-stock-split": "a week: the special dividend of the same row, 19 % of the price, explains the fall"
}
MATCHING = {
    "100x-error": {"TIMES_100"},
    "bad-unit": {"TIMES_100"},
    "bad-stock-split": {"UNADJUSTED_SPLIT"},
    "bad-div": {"BAD_DIVIDEND", "NOT_A_NUMBER", "BAD_ADJUSTED_CLOSE"},
    "cg-double-count": {"BAD_ADJUSTED_CLOSE"},
}


def said(case: dict[str, Any], version: str) -> set[str]:
    """Every reason that the three audits give for the excerpt's rows, `bad` or `fixed`."""
    return {reason for example in case["examples"] for reason in _said(case["id"], example, version)}


def _said(name: str, example: dict[str, Any], version: str) -> set[str]:
    row, still = example[version], example["fixed"]["Close"]
    prices = table([_price(n, still, None) for n in range(6)] + [_price(6, row["Close"], row["Adj Close"])], PRICES)
    after = table([_price(n, still, None) for n in range(7, 12)], PRICES)
    delivered = pa.concat_tables([prices, after])
    acted = table(_actions(name, row), ACTIONS)
    options = {"currencies": {"T": "USD"}, "calendar": weekdays(), "today": date(2029, 1, 1)}
    closes = audited(delivered.slice(5), delivered.slice(0, 5), acted, **options)
    actions = audited_actions(acted, closes.accepted)
    adjusted = audited_adjusted(closes.accepted, NO_ACTIONS, NO_ACTIONS)
    audits = (closes, actions, adjusted)
    return {str(reason) for audit in audits for reason in audit.quarantined["reason"].to_pylist()}


def _price(number: int, close: float, adjusted: float | None) -> tuple[Any, ...]:
    return ("T", session(number), close, "USD", "SPLIT_ADJUSTED", adjusted, None)


def _actions(name: str, row: dict[str, float]) -> list[tuple[Any, ...]]:
    new, old = ACTION_ELSEWHERE.get(name, (row["Stock Splits"], 1.0))
    day = session(9 if name in ACTION_ELSEWHERE else 6)
    splits = [("T", day, "SPLIT", new, old, None)] if new else []
    return [*splits, *([("T", day, "DIVIDEND", None, None, row["Dividends"])] if row["Dividends"] else [])]


WITHIN = [case for case in CASES if case["id"] not in DEFECT_ELSEWHERE]


@pytest.mark.parametrize("case", WITHIN, ids=[case["id"] for case in WITHIN])
def test_a_defect_is_named_and_its_repair_raises_nothing(case: dict[str, Any]) -> None:
    is_named = bool(said(case, "bad") & MATCHING[case["defect"]])

    assert is_named == (case["id"] not in MISSED)
    assert not said(case, "fixed") & MATCHING[case["defect"]]


def test_the_count_of_each_kind() -> None:
    kinds = Counter(case["defect"] for case in CASES)
    elsewhere = Counter(case["defect"] for case in CASES if case["id"] in DEFECT_ELSEWHERE)
    hits, alarms = (
        Counter(case["defect"] for case in WITHIN if said(case, version) & MATCHING[case["defect"]])
        for version in ("bad", "fixed")
    )
    for kind in kinds:
        print(
            f"{kind:16} {kinds[kind]:3} cases {elsewhere[kind]:3} elsewhere {hits[kind]:3} hits {alarms[kind]:3} false"
        )

    assert dict(kinds) == {"100x-error": 2, "bad-unit": 1, "bad-stock-split": 3, "bad-div": 13, "cg-double-count": 3}
    assert dict(elsewhere) == {"bad-div": 10, "cg-double-count": 3}
    assert dict(hits) == {"100x-error": 2, "bad-unit": 1, "bad-stock-split": 2, "bad-div": 3}
    assert dict(alarms) == {}
