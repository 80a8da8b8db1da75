"""Daily values of registered bonds: which rows there are, and what an older release's terms mean."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from domain.analytics.fixed_income.bond_prices import price_from_curve
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curve
from domain.analytics.fixed_income.day_counts import days_of
from pipelines.marts.bonds import valued

TERMS: Mapping[str, Any] = {
    "security_id": 1,
    "maturity_date": date(2020, 1, 7),
    "coupon_rate_pct": Decimal(4),
    "day_count": "ACT/ACT ICMA",
    "coupon_frequency": 2,
    "issuer_class": "SOVEREIGN",
    "currency": "USD",
    "issue_date": date(2015, 1, 7),
    "first_coupon_date": None,
    "spread_bps": None,
}
YIELDS = {6: 2.0, 12: 2.5, 120: 3.0}
SESSIONS = days_of([date(2016, 6, day) for day in (27, 28, 29, 30)] + [date(2016, 7, day) for day in (6, 7, 8)])
CURVE = pa.table(
    {
        "curve_date": pa.array([date(2016, 6, 27), date(2016, 7, 4)] * 3),
        "tenor_months": [6, 6, 12, 12, 120, 120],
        "par_yield_pct": [2.0, 2.0, 2.5, 2.5, 3.0, 3.0],
    }
)


def rows_of(**terms: Any) -> tuple[dict[date, dict[str, Any]], Mapping[int, str]]:
    rows, refused = valued(pa.Table.from_pylist([{**TERMS, **terms}]), CURVE, SESSIONS)
    return {row["price_date"]: row for row in rows.to_pylist()}, refused


def test_terms_of_an_older_release_have_no_columns_of_the_new_ones_and_mean_none() -> None:
    none = dict.fromkeys(("dated_date", "ex_coupon_days", "payment_convention", "payment_calendar", "coupon_steps"))

    assert rows_of() == rows_of(**none)
    assert len(rows_of()[0]) == len(SESSIONS)


def test_a_bond_is_worth_less_from_its_ex_coupon_date_on_and_its_accrued_is_negative_then() -> None:
    rows, _ = rows_of(ex_coupon_days=8)
    plain, _ = rows_of()

    before, after = date(2016, 6, 28), date(2016, 6, 29)
    assert rows[before]["accrued"] == plain[before]["accrued"] > 0
    assert rows[after]["accrued"] == pytest.approx(plain[after]["accrued"] - 2, abs=Decimal("1e-8"))
    assert float(rows[after]["dirty_price"]) < float(rows[before]["dirty_price"]) - 1.98
    assert date(2016, 6, 29) in rows_of(ex_coupon_days=8)[0], "a row on the ex-coupon date"
    assert rows_of(ex_coupon_days=4)[0][date(2016, 7, 3)]["accrued"] < 0, "which need not be a session"


def test_steps_of_a_coupon_are_read_from_the_text_that_is_replicated() -> None:
    steps = '[{"day": "2017-01-07", "rate_pct": "5"}]'
    rows, _ = rows_of(coupon_steps=steps)

    bond = Bond.of(
        TERMS["maturity_date"], Decimal(4), "ACT/ACT ICMA", 2, TERMS["issue_date"],
        coupon_steps=((date(2017, 1, 7), Decimal(5)),),
    )  # fmt: skip
    expected = price_from_curve(bond, date(2016, 6, 27), Curve.of(date(2016, 6, 27), YIELDS)).clean
    assert float(rows[date(2016, 6, 27)]["clean_price"]) == pytest.approx(expected, abs=1e-8)


def test_a_callable_bond_has_the_value_of_the_call_at_which_it_is_worth_least_and_says_when() -> None:
    rows, _ = rows_of(call_schedule='[{"day": "2018-01-07", "price": "100"}]')
    plain, _ = rows_of()
    until_call, _ = rows_of(maturity_date=date(2018, 1, 7))

    day = date(2016, 6, 27)
    assert rows[day] == {**until_call[day], "redemption_date": date(2018, 1, 7)}
    assert rows[day]["clean_price"] < plain[day]["clean_price"]
    assert plain[day]["redemption_date"] == TERMS["maturity_date"]


def test_a_bill_has_a_discount_rate_and_a_note_has_none() -> None:
    terms = {"coupon_rate_pct": Decimal(0), "coupon_frequency": None, "day_count": "ACT/360"}
    rows, _ = rows_of(**terms, maturity_date=date(2016, 12, 27), issue_date=None)

    bill = rows[date(2016, 6, 27)]
    assert bill["discount_pct"] == pytest.approx(float(100 - bill["clean_price"]) * 360 / 183, abs=1e-6)
    assert {row["discount_pct"] for row in rows_of()[0].values()} == {None}


def test_a_bond_that_the_curve_does_not_price_has_accrued_interest_and_no_price() -> None:
    plain, _ = rows_of()
    for terms in ({"issuer_class": "CORPORATE"}, {"currency": "EUR"}):
        rows, refused = rows_of(**terms)
        assert {day: row["accrued"] for day, row in rows.items()} == {day: row["accrued"] for day, row in plain.items()}
        unknown = ("clean_price", "dirty_price", "yield_pct", "dv01", "spread_bps", "curve_date", "redemption_date")
        assert {row[name] for row in rows.values() for name in unknown} == {None}
        assert "spread_bps" in refused[1]
    assert rows_of(currency="EUR", spread_bps=Decimal(10))[1] == {}


def test_terms_that_could_once_be_registered_and_make_no_schedule_have_no_value_and_the_reason_is_said() -> None:
    rows, refused = rows_of(first_coupon_date=date(2015, 9, 1))

    assert rows == {}
    assert "first_coupon_date" in refused[1]
