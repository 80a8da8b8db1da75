"""Newest prices that jump: they count, and are marked until something confirms them."""

import math
import random

import pyarrow as pa
import pytest

from pipelines.quality.prices import audited
from pipelines.quality.unconfirmed import unconfirmed
from tests.price_rows import NO_ACTIONS, NO_PRICES, dividend, series, session, split, weekdays

CLOSES = [50 + random.Random(n).uniform(-0.4, 0.4) for n in range(60)]


def marked(prices: pa.Table, actions: pa.Table = NO_ACTIONS, waived: frozenset[str] = frozenset()) -> list[str]:
    found = unconfirmed(prices, actions, waived=waived)
    return [f"{row['ticker']} {row['price_date']} {row['reason']}" for row in found.to_pylist()]


def test_a_fall_of_96_percent_in_the_newest_price_alone_counts_and_is_marked() -> None:
    fallen = series([*CLOSES, 2.0])
    audit = audited(fallen, NO_PRICES, NO_ACTIONS, currencies={}, calendar=weekdays(), today=session(70))

    assert audit.quarantined.num_rows == 0
    assert marked(audit.accepted) == [f"T {session(60)} UNCONFIRMED"]


@pytest.mark.parametrize("after", [[2.0], [2.0, 2.1], [49.9]])
def test_the_next_price_confirms_it_or_puts_it_out(after: list[float]) -> None:
    prices = series([*CLOSES, 2.0, *after])
    audit = audited(prices, NO_PRICES, NO_ACTIONS, currencies={}, calendar=weekdays(), today=session(70))

    assert marked(audit.accepted) == []
    assert audit.quarantined["close"].to_pylist() == ([2.0] if after == [49.9] else [])


def test_a_person_says_that_it_is_right() -> None:
    prices = series([*CLOSES, 2.0])
    (said,) = unconfirmed(prices, NO_ACTIONS)["id"].to_pylist()

    assert marked(prices, waived=frozenset({said})) == []


def test_a_rise_is_marked_as_a_fall_is_and_a_usual_move_is_not() -> None:
    assert marked(series([*CLOSES, 90.0])) == [f"T {session(60)} UNCONFIRMED"]
    assert marked(series([*CLOSES, 55.0])) == []
    assert marked(series([1.0])) == []


def test_what_moves_as_much_every_day_is_not_marked() -> None:
    wild = [50 * math.exp(0.4 * random.Random(n).choice((-1, 1))) for n in range(60)]

    assert marked(series([*wild, wild[-1] / 2])) == []


def test_a_split_or_a_dividend_of_the_day_confirms_it() -> None:
    assert marked(series([*CLOSES, CLOSES[-1] / 10]), split(60, 10)) == []
    assert marked(series([*CLOSES, CLOSES[-1] / 10])) == [f"T {session(60)} UNCONFIRMED"]
    assert marked(series([*CLOSES, CLOSES[-1] - 30]), dividend(60, 30.0)) == []


def test_each_ticker_has_its_own_newest() -> None:
    prices = pa.concat_tables([series([*CLOSES, 2.0], "A"), series(CLOSES, "B"), series([*CLOSES[:20], 3.0], "C")])

    assert marked(prices) == [f"A {session(60)} UNCONFIRMED", f"C {session(20)} UNCONFIRMED"]
