"""Sums of gains and income: what is not known is in no sum, and is counted."""

from dataclasses import fields
from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.disposals import Disposal
from domain.gains import GainTotal, IncomeLine, IncomeTotal, IncomeType, gain_total, gain_total_base, income_total
from domain.ledger import TxnType

D = Decimal
DAY = date(2017, 3, 1)


def disposal(proceeds: str, cost: str | None, rate: str = "1", fx_gain: str = "0") -> Disposal:
    """A sale of one unit, whose cost in base currency is at the sale's rate less what the rate gained."""
    given, bought = D(proceeds), None if cost is None else D(cost)
    known = None if bought is None else (bought, given - bought, bought * D(rate) - D(fx_gain))
    cost_, gain, cost_base = known or (None, None, None)
    figures = {
        **{"proceeds": given, "cost": cost_, "gain": gain, "proceeds_base": given * D(rate), "cost_base": cost_base},
        "gain_base": None if cost_base is None else given * D(rate) - cost_base,
        "fx_gain_base": None if cost_base is None else D(fx_gain),
    }
    facts = dict.fromkeys(field.name for field in fields(Disposal))
    named = {"portfolio_id": UUID(int=1), "txn_type": TxnType.SELL, "units": D(1), "currency": "EUR"}
    return Disposal(**{**facts, **named, **figures})


def line(amount: str, base: str | None) -> IncomeLine:
    known = None if base is None else D(base)
    return IncomeLine(1, IncomeType.DIVIDEND, DAY, 1, "MAIN", 1, "KO", "EUR", D(amount), known)


def test_gains_sum_in_their_currency_and_in_the_portfolios() -> None:
    both = [disposal("1200", "1000", "1.2", "100"), disposal("50", "60", "1.1")]

    assert gain_total(both) == GainTotal(2, 0, D(1250), D(1060), D(190), None, D(0))
    assert gain_total_base(both) == GainTotal(2, 0, D(1495), D(1166), D(329), D(100), D(0))


def test_a_gain_that_is_not_known_is_counted_and_in_no_sum() -> None:
    known, unknown = disposal("12", "10"), disposal("7", None)

    assert gain_total([known, unknown]) == GainTotal(2, 1, D(12), D(10), D(2), None, D(7))
    assert gain_total_base([unknown]) == GainTotal(1, 1, None, None, None, None, D(7))


def test_of_nothing_the_sum_is_nothing() -> None:
    assert gain_total_base([]) == GainTotal(0, 0, D(0), D(0), D(0), D(0), D(0))
    assert income_total([]) == IncomeTotal(0, 0, D(0), D(0))


def test_income_without_a_rate_is_counted_and_not_added() -> None:
    assert income_total([line("10", "12"), line("-1", None)]) == IncomeTotal(2, 1, D(9), D(12))
    assert income_total([line("5", None)]) == IncomeTotal(1, 1, D(5), None)
