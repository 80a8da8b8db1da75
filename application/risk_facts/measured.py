"""Facts that a review measures: return, risk on both bases, components, exposure, concentration and limits."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np

from domain.analytics.allocation import concentration_of
from domain.analytics.returns.periods import PeriodPerformance, performance
from domain.analytics.review import Component, ReviewInputs, risk_of
from domain.analytics.risk.limits import Limit, LimitCheck, LimitState, Measure
from domain.analytics.risk.profile import Basis, RiskProfile
from domain.analytics.risk.value_at_risk import Method
from domain.references import escaped
from domain.risk_analyses.facts import Sense, SheetMaker, Unit, signed

_PERIODS = {
    "1Y": "the last year",
    "3Y": "three years",
    "5Y": "five years",
    "SINCE_INCEPTION": "all the time since it began",
}
_BASES = {Basis.REALISED: "what the owner went through", Basis.CURRENT_WEIGHTS: "what is held now"}
_MOST_COMPONENTS = 5
_FEW = 3
"""With so few holdings one always makes much of the risk."""
_TAILS = (
    ("var", 0.95, 1, "value_at_risk/day", "loss on a day that is not passed with a confidence of {{confidence}}"),
    ("es", 0.95, 1, "shortfall/day", "mean loss on the days that are worse than with a confidence of {{confidence}}"),
    ("var", 0.99, 10, "value_at_risk/ten_days", "a stretch of {{horizon}} at a confidence of {{confidence}}"),
)
_NAMED_LIKE = {"security": "SECURITY", "issuer": "ISSUER", "sector": "SECTOR", "country": "COUNTRY"}
_SECTORS = (
    *("Communication Services", "Consumer Discretionary", "Consumer Staples", "Energy", "Financials", "Health Care"),
    *("Industrials", "Information Technology", "Materials", "Real Estate", "Utilities", "Funds", "Bonds"),
    *("Sovereign bonds", "Agency bonds", "Municipal bonds", "Corporate bonds", "Unclassified"),
)
_PUBLIC = {
    "SECTOR": re.compile("|".join(_SECTORS)),
    "COUNTRY": re.compile("[A-Z]{2}|Unclassified"),
    "CURRENCY": re.compile("[A-Z]{3}"),
    "ASSET_CLASS": re.compile("EQUITY|ETF|FUND|BOND|INDEX"),
}
"""By kind, the names that a writer outside may be told."""


def tell_return(maker: SheetMaker, portfolio_id: UUID, of: ReviewInputs) -> None:
    """Value, what was paid in, and returns by period beside the benchmark's."""
    source = _of_returns(portfolio_id)
    index = maker.plain("INDEX", of.benchmark.name) if of.benchmark else "the benchmark"
    periods = performance(of.series, of.benchmark)
    for one in periods:
        if one.period in _PERIODS and one.status == "OK":
            _tell_period(maker, one, _PERIODS[one.period], index, source)
    last = next(one for one in periods if one.period == "SINCE_INCEPTION")
    at = "/periods/SINCE_INCEPTION"
    maker.add(
        "value/now",
        "what the portfolio is worth",
        _cents(last.end_value),
        Unit.MONEY,
        place=f"{at}/end_value",
        **source,
    )
    maker.add(
        "value/paid_in",
        "what was paid in, less what was taken out",
        _cents(last.net_contributions),
        Unit.MONEY,
        place=f"{at}/net_contributions",
        **source,
    )
    maker.add(
        "value/gain",
        "what the portfolio made since it began",
        _cents(last.gain),
        Unit.MONEY,
        sense=signed(last.gain, Sense.ROSE, Sense.FELL),
        place=f"{at}/gain",
        **source,
    )


def _tell_period(maker: SheetMaker, one: PeriodPerformance, words: str, index: str, source: dict[str, Any]) -> None:
    at, moved = f"/periods/{one.period}", (Sense.ROSE, Sense.FELL)
    for name, label, unit_of in (
        ("twr", f"return over {words}, time-weighted", moved),
        ("twr_annual", f"return a year over {words}, time-weighted", moved),
        ("xirr", f"return a year over {words}, money-weighted", moved),
        ("benchmark_twr", f"return of {index} over {words}", moved),
        ("active_return", f"return beyond {index} over {words}", (Sense.AHEAD, Sense.BEHIND)),
    ):
        if one.period == "1Y" and name in ("twr_annual", "xirr"):
            continue  # of a year they are the year's
        value = getattr(one, name)
        maker.add(
            f"return/{one.period}/{name}",
            label,
            value,
            Unit.FRACTION,
            sense=signed(value, *unit_of),
            place=f"{at}/{name}",
            **source,
        )


def tell_risk(maker: SheetMaker, portfolio_id: UUID, of: ReviewInputs) -> None:
    """Risk on both bases, drawdown now, and the components of the risk of what is held."""
    found = risk_of(of)
    for profile in found.profiles:
        _tell_profile(maker, profile, _of_basis(portfolio_id, profile.basis))
    falls = of.series.growth.falls
    if len(falls):
        source = _of_returns(portfolio_id)
        maker.add(
            "drawdown/now",
            "distance below the last high",
            float(falls[-1]),
            Unit.FRACTION,
            sense=signed(float(falls[-1]), Sense.ROSE, Sense.FELL),
            **source,
        )
        at_high = np.flatnonzero(falls == 0)
        since = of.series.growth.days[at_high[-1]] if len(at_high) else of.series.days[0]
        days = int((np.datetime64(of.series.as_of, "D") - since).astype(int))
        maker.add("drawdown/days", "time since the last high", days, Unit.DAYS, **source)
    if found.backtest:
        maker.add(
            "backtest/exceptions",
            "days of the last year that lost more than the value at risk said",
            found.backtest.exceptions,
            Unit.COUNT,
            place="/risk/backtest/exceptions",
            **_of_returns(portfolio_id),
        )
    _tell_components(maker, portfolio_id, found.components)


def _tell_components(maker: SheetMaker, portfolio_id: UUID, components: Sequence[Component]) -> None:
    """The holdings that most of the value at risk is of; the largest has measures of its own."""
    parts = sorted((one for one in components if one.var is not None), key=lambda one: -(one.var or 0.0))
    total = sum(one.var or 0.0 for one in parts)
    for i, one in enumerate(parts[:_MOST_COMPONENTS]):
        token, at = maker.name("SECURITY", one.ticker), f"/risk/components/{escaped(one.ticker)}"
        key = {"portfolio_id": str(portfolio_id), "ticker": one.ticker}
        source: dict[str, Any] = {"table": "marts/fact_risk_component", "key": key}
        part, weight = (f"component/{one.ticker}/part", f"component/{one.ticker}/weight")
        label = f"part of {token} in the value at risk of a day"
        if i == 0:
            part, weight, label = "component/largest", "component/largest_weight", token
            if total > 0 and len(parts) > _FEW:
                share = (one.var or 0.0) / total
                words = f"share of {token} in the value at risk of a day"
                maker.add("component/largest_share", words, share, Unit.FRACTION, **source)
        maker.add(part, label, one.var, Unit.FRACTION, place=f"{at}/var", **source)
        maker.add(weight, f"weight of {token}", one.weight, Unit.FRACTION, place=f"{at}/weight", **source)


def _tell_profile(maker: SheetMaker, profile: RiskProfile, source: dict[str, Any]) -> None:
    at, whose = f"/risk/profiles/{profile.basis}", _BASES[profile.basis]
    if profile.status != "OK":
        maker.gap(f"risk of {whose}: {profile.status}")
        return
    for name, label, unit, sense in (
        ("volatility", "volatility a year", Unit.FRACTION, Sense.LEVEL),
        ("sharpe", "Sharpe ratio", Unit.RATIO, signed(profile.sharpe, Sense.ROSE, Sense.FELL)),
        ("sortino", "Sortino ratio", Unit.RATIO, signed(profile.sortino, Sense.ROSE, Sense.FELL)),
        ("beta", "beta against the benchmark", Unit.RATIO, Sense.LEVEL),
        ("alpha", "alpha a year", Unit.FRACTION, signed(profile.alpha, Sense.AHEAD, Sense.BEHIND)),
        ("tracking_error", "deviation from the benchmark a year", Unit.FRACTION, Sense.LEVEL),
    ):
        value = getattr(profile, name)
        maker.add(
            f"{name}/{profile.basis}", f"{label}, of {whose}", value, unit, sense=sense, place=f"{at}/{name}", **source
        )
    is_own = profile.basis is Basis.REALISED
    maker.add(
        "drawdown/deepest" if is_own else f"drawdown/{profile.basis}",
        f"deepest fall, of {whose}",
        profile.max_drawdown,
        Unit.FRACTION,
        sense=signed(profile.max_drawdown, Sense.ROSE, Sense.FELL),
        place=f"{at}/max_drawdown",
        **source,
    )
    if profile.basis is Basis.CURRENT_WEIGHTS:
        tails = {(one.confidence, one.horizon_days): one for one in profile.tails if one.method is Method.HISTORICAL}
        for name, confidence, horizon, measure, words in _TAILS:
            if found := tails.get((confidence, horizon)):
                label = words.replace("{{confidence}}", maker.plain("CONFIDENCE", f"{100 * confidence:.0f} %"))
                label = label.replace("{{horizon}}", maker.plain("HORIZON", f"{horizon} days"))
                place = f"{at}/tails/{Method.HISTORICAL}-{confidence}-{horizon}/{name}"
                value = getattr(found, name)
                maker.add(measure, label, value, Unit.FRACTION, sense=Sense.LOSS, place=place, **source)


def tell_concentration(maker: SheetMaker, portfolio_id: UUID, of: ReviewInputs, limits: Sequence[Limit]) -> None:
    """Exposure, how much is in few hands by each dimension, what is in other currencies, and every limit."""
    found, key = concentration_of(of, limits), {"portfolio_id": str(portfolio_id)}
    leverage = found.exposure.leverage
    exposed = {"table": "marts/fact_exposure", "key": key, "place": "/concentration/exposure/leverage"}
    maker.add("exposure/leverage", "size of all positions over worth", leverage, Unit.RATIO, **exposed)
    for one in found.dimensions:
        at = f"/concentration/dimensions/{one.dimension}"
        source: dict[str, Any] = {"table": "marts/fact_concentration", "key": {**key, "dimension": one.dimension}}
        words = one.dimension.replace("_", " ")
        if one.dimension in ("security", "sector", "currency"):
            measure = f"concentration/{one.dimension}"
            value = one.whole.effective_number
            label = f"equal holdings by {words} that would be as concentrated"
            maker.add(f"{measure}/effective", label, value, Unit.RATIO, place=f"{at}/effective_number", **source)
        if one.dimension == "security":
            for name, label in (("hhi", "concentration index by security"), ("top_5", "weight of the largest few")):
                value = getattr(one.whole, name)
                unit = Unit.RATIO if name == "hhi" else Unit.FRACTION
                maker.add(f"concentration/security/{name}", label, value, unit, place=f"{at}/{name}", **source)
        for group in islice((group for group in one.groups if group.label != "Cash"), 1):
            token = _named(maker, one.dimension, group.label)
            maker.add(
                f"largest/{one.dimension}",
                f"weight of the largest {words}, {token}",
                group.gross,
                Unit.FRACTION,
                table="marts/fact_allocation",
                key={**key, "dimension": one.dimension, "label": group.label},
                place=f"{at}/groups/{escaped(group.label)}/gross",
            )
        if one.dimension == "currency":
            foreign = [group.gross for group in one.groups if group.label != of.currency]
            value = sum(share for share in foreign if share is not None)
            label = "share in currencies other than the portfolio's"
            maker.add("currency/foreign", label, value, Unit.FRACTION, **source)
    for check in found.limits:
        _tell_limit(maker, check, key)


def _tell_limit(maker: SheetMaker, check: LimitCheck, key: dict[str, str]) -> None:
    """Groups that are well within their limit are not told: they would be a list of all that is held."""
    limit, state = check.limit, check.state
    if state not in (LimitState.BREACH, LimitState.WARN) and check.label is not None:
        return
    if state in (LimitState.TOO_FEW, LimitState.UNDEFINED) or check.value is None:
        return
    named = [str(one) for one in (limit.dimension, limit.measure, check.label) if one is not None]
    at = "/concentration/limits/" + escaped("-".join(named))
    measure = f"limit/{'/'.join(named)}"
    unit = Unit.RATIO if limit.measure in (Measure.HHI, Measure.LEVERAGE) else Unit.FRACTION
    if check.label is not None:
        label = f"the weight of {_named(maker, limit.dimension, check.label)}"
    elif limit.measure is Measure.LEVERAGE:
        label = "the leverage"
    else:
        label = f"the {_MEASURES[limit.measure]} by {limit.dimension}"
    source: dict[str, Any] = {
        "table": "marts/fact_limit",
        "key": {**key, "dimension": limit.dimension, "measure": str(limit.measure), "label": check.label or ""},
    }
    is_over = state is LimitState.BREACH
    sense = Sense.OVER if is_over else Sense.WITHIN
    maker.add(measure, label, check.value, unit, sense=sense, state=str(state), place=f"{at}/value", **source)
    bound = limit.breach_at
    maker.add(f"bound/{measure}", f"limit of {label}", bound, unit, place=f"{at}/breach_at", **source)


_MEASURES = {
    Measure.HHI: "concentration index",
    Measure.TOP_5: "weight of the largest few",
    Measure.TOP_10: "weight of the largest several",
    Measure.GROSS_WEIGHT: "weight",
    Measure.NET_WEIGHT: "net weight",
}


def _named(maker: SheetMaker, dimension: str, label: str) -> str:
    kind = _NAMED_LIKE.get(dimension, dimension.upper())
    return maker.name(kind, label, label if is_public(kind, label) else None)


def is_public(kind: str, label: str) -> bool:
    """True for a name that is nobody's own word: whoever registers a security writes its sector as they like."""
    known = _PUBLIC.get(kind)
    return known is not None and known.fullmatch(label) is not None


def _of_returns(portfolio_id: UUID) -> dict[str, Any]:
    return {"table": "marts/fact_return_daily", "key": {"portfolio_id": str(portfolio_id), "level": "PORTFOLIO"}}


def _of_basis(portfolio_id: UUID, basis: Basis) -> dict[str, Any]:
    return {"table": "marts/fact_risk", "key": {"portfolio_id": str(portfolio_id), "basis": str(basis)}}


def _cents(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
