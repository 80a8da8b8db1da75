import json
import random
from datetime import date

import pyarrow as pa
import pytest

from pipelines.quality.actions import audited_actions
from pipelines.quality.adjusted import audited_adjusted
from pipelines.quality.verdicts import SCHEMA, Audited, quarantine_rows
from tests.price_rows import ACTIONS, NO_ACTIONS, dividend, series, session, split, table

CLOSES = [50 + random.Random(n).uniform(-0.4, 0.4) for n in range(60)]
PAYING = [close - (0.5 if n >= 30 else 0) for n, close in enumerate(CLOSES)]


def reasons(audit: Audited) -> list[str]:
    return [str(reason) for reason in audit.quarantined["reason"].to_pylist()]


def adjusted(closes: list[float], paid: dict[int, float]) -> pa.Table:
    """Prices with the adjusted closes that these dividends make."""
    factor, factors = 1.0, []
    for n in reversed(range(len(closes))):
        factors.append(factor)
        factor *= 1 - paid.get(n, 0.0) / closes[n - 1]
    prices = series(closes)
    values = [close * one for close, one in zip(closes, reversed(factors), strict=True)]
    return prices.set_column(5, "adjusted_close", pa.array(values))


def test_a_split_that_no_close_shows_is_invented_and_one_that_comes_later_is_not() -> None:
    late = [close / (4 if n >= 33 else 1) for n, close in enumerate(CLOSES)]

    assert reasons(audited_actions(split(30, 4), series(CLOSES))) == ["INVENTED_SPLIT"]
    assert reasons(audited_actions(split(30, 4), series(late))) == []


def test_a_split_to_come_or_of_a_series_that_has_it_inside_is_believed() -> None:
    assert reasons(audited_actions(split(90, 4), series(CLOSES))) == []
    assert reasons(audited_actions(split(30, 4), series(CLOSES, kind="TOTAL_RETURN"))) == []


def test_a_dividend_that_the_closes_did_not_fall_by_is_bad_and_a_special_one_is_not() -> None:
    special = [close - (20 if n >= 30 else 0) for n, close in enumerate(CLOSES)]

    assert reasons(audited_actions(dividend(30, 20.0), series(CLOSES))) == ["BAD_DIVIDEND"]
    assert reasons(audited_actions(dividend(30, 20.0), series(special))) == []


def test_a_dividend_a_hundred_times_its_neighbour_is_bad_and_one_that_varies_is_not() -> None:
    # CALM paid these in 2023 and 2024: a control of the yardstick.
    paid = [dividend(n, amount) for n, amount in [(5, 0.02), (20, 0.02), (35, 0.0002), (50, 0.016)]]
    varies = [dividend(n, amount) for n, amount in [(5, 2.199), (20, 0.755), (35, 0.006), (50, 0.116)]]

    found = audited_actions(pa.concat_tables(paid), series(CLOSES))

    assert found.quarantined["amount"].to_pylist() == [0.0002]
    assert reasons(audited_actions(pa.concat_tables(varies), series(CLOSES))) == []


def test_of_a_dividend_and_its_phantom_the_one_without_an_adjustment_is_out() -> None:
    twins = pa.concat_tables([dividend(28, 0.5), dividend(30, 0.5)])

    done = audited_actions(twins, adjusted(PAYING, {30: 0.5}))

    assert done.quarantined["action_date"].to_pylist() == [session(28)]
    assert "repeats that of" in done.quarantined["detail"][0].as_py()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("T", session(5), "SPLIT", 0.0, 1.0, None), "ZERO"),
        (("T", session(5), "SPLIT", 2.0, None, None), "NOT_A_NUMBER"),
        (("T", session(5), "DIVIDEND", None, None, -0.3), "NEGATIVE"),
        (("T", session(5), "DIVIDEND", None, None, float("inf")), "NOT_A_NUMBER"),
    ],
)
def test_an_action_without_good_numbers_is_out(row: tuple[object, ...], reason: str) -> None:
    assert reasons(audited_actions(table([row], ACTIONS), series(CLOSES))) == [reason]


def test_of_equal_actions_one_stays_and_of_unequal_ones_none() -> None:
    equal = pa.concat_tables([dividend(5, 0.3), dividend(5, 0.3)])
    unequal = pa.concat_tables([dividend(5, 0.3), dividend(5, 0.4)])

    assert reasons(audited_actions(equal, series(CLOSES))) == ["DUPLICATE"]
    assert reasons(audited_actions(unequal, series(CLOSES))) == ["DUPLICATE", "DUPLICATE"]


def test_a_released_action_is_accepted() -> None:
    held = audited_actions(split(30, 4), series(CLOSES)).quarantined

    assert audited_actions(split(30, 4), series(CLOSES), waived=held).accepted.num_rows == 1


def test_adjusted_closes_that_step_by_their_dividend_are_good() -> None:
    done = audited_adjusted(adjusted(PAYING, {30: 0.5}), dividend(30, 0.5), NO_ACTIONS)

    assert done.quarantined.num_rows == 0


@pytest.mark.parametrize("paid", [{}, {30: 1.0}, {30: 0.005}], ids=["not at all", "twice", "a hundredth"])
def test_adjusted_closes_that_do_not_are_out_from_there_back(paid: dict[int, float]) -> None:
    done = audited_adjusted(adjusted(PAYING, paid), dividend(30, 0.5), NO_ACTIONS)

    assert done.quarantined["price_date"].to_pylist() == [session(n) for n in range(30)]
    assert set(reasons(done)) == {"BAD_ADJUSTED_CLOSE"}


def test_an_adjusted_close_is_bad_with_a_bad_dividend_in_it_and_not_for_lack_of_it() -> None:
    with_it, without = adjusted(CLOSES, {30: 20.0}), adjusted(CLOSES, {})

    assert audited_adjusted(with_it, NO_ACTIONS, dividend(30, 20.0)).quarantined.num_rows == 30
    assert audited_adjusted(without, NO_ACTIONS, dividend(30, 20.0)).quarantined.num_rows == 0


def test_a_row_without_an_adjusted_close_is_accepted_and_an_infinite_one_is_not() -> None:
    rows = series(CLOSES).set_column(5, "adjusted_close", pa.array([None, float("-inf"), *CLOSES[2:]]))

    assert reasons(audited_adjusted(rows, NO_ACTIONS, NO_ACTIONS)) == ["NOT_A_NUMBER"]


def test_the_table_keeps_one_row_an_id_and_none_that_it_has() -> None:
    actions = pa.concat_tables([dividend(5, -1.0), dividend(5, -1.0), dividend(6, float("nan"))])
    held = audited_actions(actions, series(CLOSES)).quarantined

    rows = quarantine_rows("raw/corporate_action", held, "run-1", date_column="action_date")
    later = quarantine_rows(
        "raw/corporate_action", held, "run-2", date_column="action_date", kept=set(rows["id"].to_pylist())
    )

    assert rows.schema == SCHEMA
    assert (rows.num_rows, later.num_rows) == (2, 0)
    assert rows["row_date"].to_pylist() == [date(2020, 1, 13), date(2020, 1, 14)]
    first, second = (json.loads(values) for values in rows["row_values"].to_pylist())
    nothing = {"split_new": None, "split_old": None}
    assert first == {"ticker": "T", "action_date": "2020-01-13", "action_type": "DIVIDEND", "amount": -1.0, **nothing}
    assert second["amount"] == "nan"


def split_series(new: float, old: float = 1) -> pa.Table:
    """The closes, of units that split at the 30th session."""
    return series([close * (old / new if n >= 30 else 1) for n, close in enumerate(CLOSES)])


def test_a_dividend_per_unit_of_before_the_split_of_its_day_is_bad() -> None:
    """10 for 1: 5.00 a unit of before is 0.50 a unit now, 10 % of a price that has not moved but for the split (c)."""
    of_before = pa.concat_tables([split(30, 10), dividend(30, 5.0)])
    of_the_day = pa.concat_tables([split(30, 10), dividend(30, 0.5)])

    assert reasons(audited_actions(of_before, split_series(10))) == ["BAD_DIVIDEND"]
    assert reasons(audited_actions(of_the_day, series([*CLOSES[:30], *[c / 10 - 0.5 for c in CLOSES[30:]]]))) == []


@pytest.mark.parametrize(("new", "old"), [(2, 1), (10, 1), (1, 10), (3, 2)])
def test_a_dividend_of_other_units_than_those_around_it_is_bad(new: float, old: float) -> None:
    """0.10 a unit every quarter, and old / new as much after the split: too little to be seen in the closes (c)."""
    ratio = new / old
    paid = [dividend(5, 0.1), dividend(20, 0.1), dividend(50, 0.1 / ratio)]
    prices = split_series(new, old)

    of_before = audited_actions(pa.concat_tables([split(30, new, old), *paid, dividend(30, 0.1)]), prices)
    of_the_day = audited_actions(pa.concat_tables([split(30, new, old), *paid, dividend(30, 0.1 / ratio)]), prices)

    assert of_before.quarantined.select(["action_date", "reason"]).to_pylist() == [
        {"action_date": session(30), "reason": "BAD_DIVIDEND"}
    ]
    assert reasons(of_the_day) == []


def test_dividends_before_and_after_a_split_of_a_hundred_are_one_anothers_usual() -> None:
    paid = [dividend(5, 1.0), dividend(20, 1.0), dividend(35, 0.01), dividend(50, 0.01)]

    assert reasons(audited_actions(pa.concat_tables([split(30, 100), *paid]), split_series(100))) == []
    assert reasons(audited_actions(pa.concat_tables(paid), series(CLOSES))) != []


def test_a_dividend_told_again_in_other_units_after_a_split_is_a_phantom() -> None:
    twins = [dividend(29, 0.2), dividend(30, 0.1)]

    found = audited_actions(pa.concat_tables([split(30, 2), *twins]), split_series(2))

    assert found.quarantined["action_date"].to_pylist() == [session(30)]
