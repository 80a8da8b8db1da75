"""RULEBOOK 10: which haircut applies. The supervisory figures are those of 12 CFR 1240.39."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.errors import InvalidInput, InvalidNumber
from domain.haircuts import HaircutClass, HaircutSchedule, Maturity, SecurityTraits, supervisory_schedule

D = Decimal
TODAY = date(2017, 3, 29)
SUPERVISORY = supervisory_schedule()


def equity(security_id: int = 1) -> SecurityTraits:
    return SecurityTraits(security_id, "EQUITY", "USD", "Acme")


def bond(issuer_class: str | None, matures: date | None, security_id: int = 1) -> SecurityTraits:
    return SecurityTraits(security_id, "BOND", "USD", "Acme", issuer_class, matures)


@pytest.mark.parametrize(
    ("matures", "haircut"),
    [
        (date(2018, 3, 29), "0.005"),
        (date(2018, 3, 30), "0.02"),
        (date(2022, 3, 29), "0.02"),
        (date(2022, 3, 30), "0.04"),
        (date(2047, 3, 29), "0.04"),
    ],
)
def test_sovereigns_up_to_1_year_are_cut_by_half_a_percent_1_to_5_years_by_2_above_by_4(
    matures: date, haircut: str
) -> None:
    assert SUPERVISORY.haircut(bond("SOVEREIGN", matures), TODAY) == D(haircut)


@pytest.mark.parametrize(
    ("issuer_class", "haircuts"),
    [("AGENCY", "0.01 0.04 0.08"), ("MUNICIPAL", "0.02 0.06 0.12"), ("CORPORATE", "0.04 0.08 0.16")],
)
def test_other_issuers_are_cut_by_their_risk_weight_and_maturity(issuer_class: str, haircuts: str) -> None:
    years = [date(2017, 9, 29), date(2020, 3, 29), date(2030, 3, 29)]

    found = [SUPERVISORY.haircut(bond(issuer_class, matures), TODAY) for matures in years]

    assert found == [D(haircut) for haircut in haircuts.split()]


def test_main_index_equity_and_gold_are_cut_by_15_percent() -> None:
    schedule = replace(SUPERVISORY, main_index=frozenset({1}))

    assert schedule.haircut(equity(1), TODAY) == D("0.15")
    assert schedule.haircut(SecurityTraits(9, "GOLD", "USD", "-"), TODAY) == D("0.15")


def test_other_listed_equity_is_cut_by_25_percent() -> None:
    assert SUPERVISORY.haircut(equity(), TODAY) == D("0.25")


def test_cash_is_not_cut() -> None:
    assert SUPERVISORY.haircut(SecurityTraits(9, "CASH", "USD", "-"), TODAY) == 0


@pytest.mark.parametrize("traits", [bond(None, None), bond("SOVEREIGN", None), SecurityTraits(1, "ETF", "USD", "-")])
def test_what_the_schedule_knows_too_little_of_is_cut_by_the_default_of_25_percent(traits: SecurityTraits) -> None:
    assert SUPERVISORY.haircut(traits, TODAY) == D("0.25")


def test_a_security_of_another_currency_is_cut_by_8_percent_more() -> None:
    assert SUPERVISORY.fx_haircut("EUR", settled_in="USD") == D("0.08")
    assert SUPERVISORY.fx_haircut("USD", settled_in="USD") == 0


@pytest.mark.parametrize(
    ("days", "haircut", "fx"),
    [
        (10, "0.25", "0.08"),
        (5, "0.17677670", "0.05656854"),  # x 0.70710678...
        (20, "0.35355339", "0.11313708"),  # x 1.41421356...
        (40, "0.5", "0.16"),
        (250, "1", "0.4"),  # 125 % is cut at the whole value
    ],
)
def test_haircuts_are_scaled_by_the_root_of_the_holding_period_over_10_days(days: int, haircut: str, fx: str) -> None:
    schedule = replace(SUPERVISORY, holding_days=days)

    assert schedule.haircut(equity(), TODAY) == D(haircut)
    assert schedule.fx_haircut("EUR", settled_in="USD") == D(fx)


def test_lookup_is_by_security_then_by_class_then_the_default() -> None:
    sovereign = HaircutClass("BOND", "SOVEREIGN", Maturity.UP_TO_1_YEAR)
    schedule = HaircutSchedule("desk", default=D("0.3"), by_security={1: D("0.01")}, by_class={sovereign: D("0.02")})
    soon = date(2017, 9, 1)

    assert schedule.haircut(bond("SOVEREIGN", soon, security_id=1), TODAY) == D("0.01")
    assert schedule.haircut(bond("SOVEREIGN", soon, security_id=2), TODAY) == D("0.02")
    assert schedule.haircut(bond("CORPORATE", soon, security_id=2), TODAY) == D("0.3")


def test_the_narrowest_class_decides() -> None:
    classes = {
        HaircutClass("BOND"): D("0.3"),
        HaircutClass("BOND", "AGENCY"): D("0.2"),
        HaircutClass("BOND", "AGENCY", Maturity.ABOVE_5_YEARS): D("0.1"),
    }
    schedule = HaircutSchedule("desk", default=D("0.5"), by_class=classes)

    assert schedule.haircut(bond("AGENCY", date(2040, 1, 1)), TODAY) == D("0.1")
    assert schedule.haircut(bond("AGENCY", date(2018, 1, 1)), TODAY) == D("0.2")
    assert schedule.haircut(bond("CORPORATE", date(2018, 1, 1)), TODAY) == D("0.3")


def test_a_bond_bought_on_29_february_has_its_year_on_the_28th() -> None:
    assert bond("AGENCY", date(2017, 2, 28)).maturity(date(2016, 2, 29)) is Maturity.UP_TO_1_YEAR
    assert bond("AGENCY", date(2017, 3, 1)).maturity(date(2016, 2, 29)) is Maturity.UP_TO_5_YEARS


@pytest.mark.parametrize(
    "wrong",
    [{"default": D("1.01")}, {"default": D("-0.01")}, {"fx": D(2)}, {"by_security": {1: D(2)}}, {"issuer_cap": D(0)}],
)
def test_a_haircut_or_cap_that_is_no_fraction_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidNumber):
        HaircutSchedule("desk", **{"default": D("0.1"), **wrong})


@pytest.mark.parametrize("days", [0, 251])
def test_a_holding_period_outside_a_year_is_refused(days: int) -> None:
    with pytest.raises(InvalidInput):
        replace(SUPERVISORY, holding_days=days)


def test_terms_are_the_same_text_whatever_the_order_or_the_trailing_zeros() -> None:
    one = HaircutSchedule("desk", default=D("0.10"), by_security={1: D("0.050"), 2: D(0)})
    two = HaircutSchedule("desk", default=D("0.1"), by_security={2: D("0.00"), 1: D("0.05")})

    assert one.terms == two.terms
    assert replace(one, holding_days=5).terms != one.terms
