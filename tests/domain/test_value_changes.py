"""A change of value: its terms, what rounding leaves, and the words."""

from datetime import date
from decimal import Decimal

import pytest

from domain.value_changes import ChangeCause, ChangeTerm, ValueChange, by_size

D = Decimal
BEGINS, ENDS = date(2016, 12, 31), date(2017, 3, 29)
TERMS = (
    ChangeTerm(ChangeCause.FEE, D(-3), n_rows=1),
    ChangeTerm(ChangeCause.PRICE, D(40), "B"),
    ChangeTerm(ChangeCause.PRICE, D(-50), "A"),
    ChangeTerm(ChangeCause.RATE, D(7), "A", "EUR"),
    ChangeTerm(ChangeCause.PRICE, D(0), "C"),
    ChangeTerm(ChangeCause.PAID_IN, D(100), n_rows=2),
)


def change(*terms: ChangeTerm, begin: str = "1000", end: str = "1094") -> ValueChange:
    return ValueChange(BEGINS, ENDS, "USD", D(begin), D(end), by_size(terms))


def test_terms_stand_by_cause_and_then_by_size_and_those_of_nothing_are_left_out() -> None:
    assert [term.name for term in change(*TERMS).terms] == ["PAID_IN", "PRICE-A", "PRICE-B", "RATE-A-EUR", "FEE"]


def test_what_the_terms_leave_is_rounding() -> None:
    assert change(*TERMS).rounding == 0
    assert change(*TERMS, end="1094.00000003").rounding == D("0.00000003")


def test_the_words_say_what_came_from_outside_and_the_largest_causes_of_either_sign() -> None:
    assert change(*TERMS).sentences == [
        "The value from 2016-12-31 to 2017-03-29 rose by 94.00 USD, from 1,000.00 to 1,094.00 USD.",
        "100.00 came from outside; the portfolio itself lost 6.00.",
        "Most was added by price of B (+40.00), exchange rate of EUR on A (+7.00).",
        "Most was taken by price of A (-50.00), fees (-3.00).",
    ]


@pytest.mark.parametrize(
    ("terms", "end", "said"),
    [
        ((), "1000", "The value from 2016-12-31 to 2017-03-29 is the same: 1,000.00 USD."),
        ((ChangeTerm(ChangeCause.TAKEN_OUT, D(-1)),), "999", "1.00 went outside; the portfolio earned nothing."),
    ],
)
def test_the_words_of_little(terms: tuple[ChangeTerm, ...], end: str, said: str) -> None:
    assert change(*terms, end=end).sentences[-1] == said
