"""Limits on what is held: which holdings they are about."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from domain.analytics.allocation import PortfolioConcentration, concentration_of
from domain.analytics.review import Cash, ReviewInputs, ValuedHolding
from domain.analytics.risk.limits import DEFAULT_LIMITS


def held(ticker: str, value: str, asset_type: str = "EQUITY", **facts: Any) -> ValuedHolding:
    known = {"issuer": f"{ticker} Inc.", "sector": None, "country": "US", "issuer_class": None, **facts}
    return ValuedHolding(1, ticker, ticker, asset_type, "USD", quantity=Decimal(1), value=Decimal(value), **known)


def measured(*holdings: ValuedHolding, cash: str = "0") -> PortfolioConcentration:
    inputs: Any = dict.fromkeys(("series", "benchmark", "risk_free", "days", "returns", "sessions"))
    of = ReviewInputs(
        **inputs, currency="USD", holdings=holdings, cash=[Cash("USD", Decimal(cash))], subjects=None, names={}
    )
    return concentration_of(of, DEFAULT_LIMITS)


def urgent(found: PortfolioConcentration) -> list[tuple[str, str | None, str]]:
    return [(one.limit.dimension, one.label, one.state) for one in found.limits if one.state in ("WARN", "BREACH")]


def test_a_portfolio_of_treasuries_breaches_nothing() -> None:
    """One issuer and one kind of bond, and neither is what limits of concentration are for."""
    found = measured(*(held(f"T{i}", "100", "BOND", issuer="US Treasury", issuer_class="SOVEREIGN") for i in range(2)))
    sectors = next(one for one in found.dimensions if one.dimension == "sector")

    assert urgent(found) == []
    assert [(group.label, group.gross) for group in sectors.groups] == [("Sovereign bonds", 1), ("Cash", 0)]


def test_a_portfolio_of_one_fund_breaches_nothing() -> None:
    assert urgent(measured(held("VWCE", "100", "ETF"), held("TRUST", "100", "FUND"))) == []


def test_a_fund_is_looked_through_to_the_sector_that_is_known() -> None:
    assert urgent(measured(held("XLK", "61", "ETF", sector="Tech"), cash="39")) == [("sector", "Tech", "BREACH")]


def test_a_companys_bonds_and_shares_are_one_issuer_and_the_bond_is_in_no_sector() -> None:
    bond = held("ACME30", "20", "BOND", issuer="ACME Inc.", issuer_class="CORPORATE")
    found = measured(held("ACME", "20", sector="Tech"), bond, cash="60")
    sectors = next(one for one in found.dimensions if one.dimension == "sector")

    assert urgent(found) == [("issuer", "ACME Inc.", "BREACH")]
    assert {group.label for group in sectors.groups} == {"Tech", "Corporate bonds", "Cash"}


def test_cash_is_no_concentration() -> None:
    found = measured(held("ACME", "10", sector="Tech"), cash="90")

    assert urgent(found) == []
    assert all(one.label != "Cash" for one in found.limits)


def test_five_lines_are_no_breach_by_their_number() -> None:
    found = measured(*(held(name, "100", sector=name) for name in "abcde"))
    top_5 = next(one for one in found.limits if one.limit.measure == "TOP_5")

    assert (top_5.value, top_5.state) == (pytest.approx(1), "TOO_FEW")
    assert not [one for one in found.limits if one.state == "BREACH"]


def test_one_share_alone_is_one_issuer_and_said_so() -> None:
    found = measured(held("ACME", "100", sector="Tech"))

    assert ("issuer", "ACME Inc.", "BREACH") in urgent(found)


def test_a_short_is_measured_against_equity() -> None:
    """1,000 paid in and 2,270 sold short: 227 % of equity, of which there is one issuer and a leverage of 2.27 (c)."""
    found = measured(held("ACME", "-2270", sector="Tech"), cash="3270")

    assert found.exposure.leverage == pytest.approx(2.27)
    assert [state for _, _, state in urgent(found)].count("BREACH") == 4  # issuer, sector, HHI, leverage
    assert (np.sign(found.exposure.net), found.exposure.equity) == (-1, 1000)


def test_without_equity_no_limit_is_within() -> None:
    found = measured(held("ACME", "-2270", sector="Tech"), cash="2270")

    assert found.exposure.status == "NO_EQUITY"
    assert {one.state for one in found.limits} == {"UNDEFINED"}
    assert {group.gross for one in found.dimensions for group in one.groups} == {None}
