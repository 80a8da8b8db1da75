"""Facts of what is held: securities by the ports, ages of prices, and bonds."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from application.analytics.review import LakeAnalyticsRepository
from application.risk_facts.measured import is_public
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.review import ReviewInputs
from domain.errors import MissingParameters
from domain.ports import ValuedPosition
from domain.risk_analyses.facts import Sense, SheetMaker, Unit, signed

_MOST = 3
"""Holdings that are told one by one."""
_YEAR = timedelta(days=365)


def tell_holdings(
    maker: SheetMaker,
    of: ReviewInputs,
    analytics: LakeAnalyticsRepository,
    parameters: LakeSimulationParamsRepository,
) -> None:
    """The largest holdings: what they are, price, return and volatility; costs of funds; the pairs."""
    largest = sorted(of.valued, key=lambda one: abs(float(one.value or 0)), reverse=True)[:_MOST]
    tickers = [one.ticker for one in largest]
    details, returns = analytics.get_ticker_details(tickers), analytics.get_performance_for_tickers(tickers)
    for holding in largest:
        about = details.get(holding.ticker)
        token = maker.name("SECURITY", holding.ticker)
        what = token
        if about and about.sector:
            told = about.sector if is_public("SECTOR", about.sector) else None
            what = f"{token} ({about.asset_type.lower()}, {maker.name('SECTOR', about.sector, told)})"
        source: dict[str, Any] = {"table": "marts/fact_price_daily", "key": {"security_id": str(holding.security_id)}}
        on = of.series.as_of - _YEAR
        before, now = (analytics.get_price_for_date(holding.ticker, day) for day in (on, of.series.as_of))
        if before and now:
            label = f"price of {what} a year ago"
            known = {**source, "as_of": before.price_date, "currency": before.currency}
            maker.add(f"security/{holding.ticker}/price_before", label, before.close, Unit.MONEY, **known)
            known = {**source, "as_of": now.price_date, "currency": now.currency}
            maker.add(f"security/{holding.ticker}/price", f"price of {token}", now.close, Unit.MONEY, **known)
        if found := returns.get(holding.ticker):
            label = f"return of the price of {token} over all the time that it has prices"
            known = {**source, "as_of": found.as_of, "sense": signed(found.total_return, Sense.ROSE, Sense.FELL)}
            maker.add(f"security/{holding.ticker}/return", label, found.total_return, Unit.FRACTION, **known)
        _tell_parameters(maker, holding.security_id, holding.ticker, token, parameters)
    _tell_funds(maker, of, analytics)
    _tell_pairs(maker, of, analytics, parameters)


def _tell_parameters(
    maker: SheetMaker, security_id: int, ticker: str, token: str, parameters: LakeSimulationParamsRepository
) -> None:
    try:
        (known,) = parameters.get_security_params([security_id])
    except MissingParameters:
        return
    key = {"security_id": str(security_id)}
    label = f"volatility of {token} a year"
    told: dict[str, Any] = {"table": "marts/security_volatility", "key": key}
    maker.add(f"security/{ticker}/volatility", label, known.volatility_annual, Unit.FRACTION, **told)


def _tell_funds(maker: SheetMaker, of: ReviewInputs, analytics: LakeAnalyticsRepository) -> None:
    funds = [one.ticker for one in of.valued if one.asset_type in ("ETF", "FUND")][:_MOST]
    for ticker, known in analytics.get_fund_metadata_for_tickers(funds).items():
        label = f"yearly costs of the fund {maker.name('SECURITY', ticker)}"
        source: dict[str, Any] = {"table": "marts/dim_funds", "key": {"ticker": ticker}}
        maker.add(f"security/{ticker}/expense", label, known.expense_ratio_bps, Unit.BASIS_POINTS, **source)


def _tell_pairs(
    maker: SheetMaker,
    of: ReviewInputs,
    analytics: LakeAnalyticsRepository,
    parameters: LakeSimulationParamsRepository,
) -> None:
    tickers = sorted({one.ticker for one in of.valued})
    found = analytics.get_correlation_extremes(tickers)
    named = {"correlation/lowest": found[0], "correlation/highest": found[1]} if len(found) == 2 else {}
    for measure, (one, other, correlation) in named.items():
        both = f"{maker.name('SECURITY', one)} and {maker.name('SECURITY', other)}"
        source: dict[str, Any] = {"table": "marts/security_correlation", "key": {"pair": f"{one}, {other}"}}
        sense = signed(correlation, Sense.TOGETHER, Sense.OPPOSITE)
        maker.add(measure, both, correlation, Unit.RATIO, sense=sense, **source)
        if measure == "correlation/highest":
            try:
                shared = parameters.get_historical_returns([one, other])
            except MissingParameters:
                continue
            label = f"days on which both of {both} have a return"
            told: dict[str, Any] = {"table": "marts/fact_price_daily", "key": {"pair": f"{one}, {other}"}}
            maker.add("correlation/days", label, len(shared.dates), Unit.COUNT, **told)


def tell_liquidity(
    maker: SheetMaker, portfolio_id: UUID, of: ReviewInputs, positions: Sequence[ValuedPosition]
) -> None:
    """How much is valued at old prices, and how much is not valued at all."""
    source: dict[str, Any] = {
        "table": "marts/fact_position_daily",
        "key": {"portfolio_id": str(portfolio_id), "business_date": of.series.as_of.isoformat()},
    }
    sizes = [(abs(float(one.market_value_base or 0)), one) for one in positions]
    total = sum(size for size, _ in sizes)
    if not positions or not total:
        return
    stale = sum(size for size, one in sizes if one.status != "PRICED" or one.fx_status != "PRICED")
    maker.add("liquidity/stale", "share valued at an old price or rate", stale / total, Unit.FRACTION, **source)
    unknown = [one for one in positions if one.market_value_base is None]
    cost = sum(abs(float(one.cost_basis or 0)) for one in positions)
    uncovered = sum(abs(float(one.cost_basis or 0)) for one in unknown) / cost if cost else float(bool(unknown))
    maker.add("liquidity/uncovered", "share by cost without a price or a rate", uncovered, Unit.FRACTION, **source)
    oldest = max(one.stale_days for one in positions)
    maker.add("liquidity/oldest", "sessions since the oldest price in use", oldest, Unit.COUNT, **source)


def tell_bonds(maker: SheetMaker, portfolio_id: UUID, of: ReviewInputs, analytics: LakeAnalyticsRepository) -> None:
    """Duration and what a step of the curve costs, of all bonds held in the portfolio's currency."""
    worth = float(of.series.value[-1])
    rows = analytics.get_bonds_held(portfolio_id, of.series.as_of)
    if not rows or worth <= 0:
        return
    source: dict[str, Any] = {
        "table": "marts/fact_bond_valuation_daily",
        "key": {"portfolio_id": str(portfolio_id), "price_date": of.series.as_of.isoformat()},
    }
    value = sum(row.value for row in rows)
    dv01 = sum(row.dv01 for row in rows)
    duration = sum(row.value * row.duration for row in rows) / value if value else None
    maker.add("bonds/weight", "weight of the bonds", value / worth, Unit.FRACTION, **source)
    maker.add("bonds/duration", "modified duration of the bonds", duration, Unit.YEARS, **source)
    step = maker.plain("STEP", "one basis point")
    maker.add(
        "bonds/dv01", f"loss of the bonds for {step} of yield", dv01, Unit.MONEY, sense=Sense.COST_OF_YIELDS, **source
    )
    point = maker.plain("STEP", "one percentage point")
    label = f"loss of the portfolio for {point} of yield"
    told = {**source, "sense": Sense.COST_OF_YIELDS}
    maker.add("bonds/loss_per_point", label, 100 * dv01 / worth, Unit.FRACTION, **told)
