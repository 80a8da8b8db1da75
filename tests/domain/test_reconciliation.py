"""Agreement of a statement and the ledger, and how a difference is named."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.entries import When
from domain.history import History
from domain.holdings import CostMethod
from domain.ledger import Transaction
from domain.portfolio import Portfolio
from domain.reconciliation import (
    Finding,
    Ours,
    Stated,
    Tolerance,
    cash_on,
    reconcile_cash,
    reconcile_units,
    units_on,
)

D = Decimal
MAIN, OTHER = 1, 2
AAPL, MSFT = 10, 11
_NUMBERS = st.decimals(min_value=-1000, max_value=1000, places=8)


def on(day: int) -> When:
    return When(datetime(2017, 3, day, 16, tzinfo=UTC), date(2017, 3, day))


def ledger() -> list[Transaction]:
    mine = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", history=History())
    mine.deposit(MAIN, D(1000), on(1))
    mine.buy(MAIN, AAPL, D(10), D(10), D(0), on(2))
    mine.buy(OTHER, AAPL, D(5), D(10), D(0), on(3))
    mine.transfer_in(MAIN, MSFT, D(3), None, on(4))
    mine.sell(MAIN, AAPL, D(10), D(12), D(0), on(6))
    return mine.rows


def test_the_ledger_is_folded_as_of_the_statements_day() -> None:
    asked = [(None, AAPL)]
    for day, units in ((1, 0), (2, 10), (5, 15), (6, 5)):
        held = units_on(ledger(), date(2017, 3, day), CostMethod.AVCO, asked, None)
        assert held[None, AAPL].quantity == units
    assert cash_on(ledger(), date(2017, 3, 3), None) == {"USD": D(850)}
    assert cash_on(ledger(), date(2017, 3, 3), {OTHER}) == {"USD": D(-50)}


def test_a_security_is_compared_per_account_or_in_sum_as_it_is_stated() -> None:
    held = units_on(ledger(), date(2017, 3, 5), CostMethod.AVCO, [(MAIN, AAPL), (OTHER, AAPL)], None)

    assert {place: ours.quantity for place, ours in held.items()} == {
        (MAIN, AAPL): 10,
        (OTHER, AAPL): 5,
        (MAIN, MSFT): 3,
    }
    assert held[MAIN, MSFT].cost is None  # received with an unknown basis


def test_what_the_statement_does_not_cover_is_not_missing_there() -> None:
    held = units_on(ledger(), date(2017, 3, 5), CostMethod.AVCO, [(OTHER, AAPL)], {OTHER})

    assert set(held) == {(OTHER, AAPL)}


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance", "finding"),
    [
        ("10", "10", "0", Finding.MATCHED),
        ("10", "10.00000001", "0", Finding.QUANTITY_DIFFERS),
        ("10", "10.001", "0.001", Finding.MATCHED),
        ("10", "10.002", "0.001", Finding.QUANTITY_DIFFERS),
        ("0", "3", "0", Finding.MISSING_HERE),
        ("3", "0", "0", Finding.MISSING_THERE),
        ("0", "0", "0", Finding.MATCHED),
        ("-3", "3", "0", Finding.QUANTITY_DIFFERS),
        ("0", "0.0005", "0.001", Finding.MATCHED),
    ],
)
def test_a_difference_is_named_for_the_side_that_lacks_it(ours, theirs, tolerance, finding) -> None:
    (line,) = reconcile_units({(None, 1): Ours(D(ours), D(5))}, {(None, 1): Stated(D(theirs))}, Tolerance(D(tolerance)))

    assert (line.finding, line.difference) == (finding, D(ours) - D(theirs))


def test_what_only_we_hold_is_missing_there_and_what_we_sold_is_not() -> None:
    lines = reconcile_units({(MAIN, 1): Ours(D(2), D(5)), (MAIN, 2): Ours(D(0), D(0))}, {}, Tolerance())

    assert [(line.place, line.finding) for line in lines] == [((MAIN, 1), Finding.MISSING_THERE)]


def test_a_difference_is_worth_its_price_and_cost_is_told_but_does_not_decide() -> None:
    (line,) = reconcile_units({(None, 1): Ours(D(10), D(90))}, {(None, 1): Stated(D(10), D(100), D(7))}, Tolerance())
    assert (line.finding, line.cost_difference, line.value_of_difference) == (Finding.MATCHED, -10, 0)

    (unknown,) = reconcile_units({(None, 1): Ours(D(12), None)}, {(None, 1): Stated(D(10), D(100), D(7))}, Tolerance())
    assert (unknown.cost_difference, unknown.value_of_difference) == (None, 14)


def test_lots_of_a_statement_add_up() -> None:
    assert Stated(D(1), D(10), D(7)) + Stated(D(2), D(30)) == Stated(D(3), D(40), D(7))
    assert (Stated(D(1), D(10)) + Stated(D(2))).cost is None


def test_cash_is_compared_to_a_cent_in_every_currency_of_either_side() -> None:
    ours = {"USD": D("100.009"), "EUR": D(5), "CHF": D(0)}
    lines = reconcile_cash(ours, {"USD": D(100), "GBP": D(1)}, Tolerance())

    assert [(line.currency, line.finding, line.difference) for line in lines] == [
        ("EUR", Finding.CASH_DIFFERS, D(5)),
        ("GBP", Finding.CASH_DIFFERS, D(-1)),
        ("USD", Finding.MATCHED, D("0.009")),
    ]


@given(st.dictionaries(st.integers(1, 9), _NUMBERS), st.dictionaries(st.integers(1, 9), _NUMBERS))
def test_differences_add_up_to_what_we_have_less_what_they_have(ours, theirs) -> None:
    here = {(None, key): Ours(value, None) for key, value in ours.items()}
    there = {(None, key): Stated(value) for key, value in theirs.items()}
    lines = reconcile_units(here, there, Tolerance())

    assert sum(line.difference for line in lines) == sum(ours.values()) - sum(theirs.values())
    assert all((line.finding is Finding.MATCHED) == (line.difference == 0) for line in lines)


@given(st.dictionaries(st.integers(1, 9), _NUMBERS))
def test_a_ledger_is_reconciled_with_itself(ours) -> None:
    here = {(None, key): Ours(value, None) for key, value in ours.items()}
    there = {place: Stated(held.quantity) for place, held in here.items()}

    assert {line.finding for line in reconcile_units(here, there, Tolerance())} <= {Finding.MATCHED}
