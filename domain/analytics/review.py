"""A portfolio's return and risk on a day: which of its days, holdings and series go into which measure.

One place for a request and for a mart. The formulas are in the modules that this one uses; concentration is in
`allocation.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from domain.analytics.arrays import Bools, Days, Float64, Int64
from domain.analytics.estimates.moments import common_days, covariance
from domain.analytics.returns.panel import Column
from domain.analytics.returns.periods import Period, PeriodPerformance, period_performance
from domain.analytics.returns.series import Benchmark, Daily, Growth, PortfolioSeries, first_value
from domain.analytics.returns.subjects import Level, ReturnSeries, subject_performance
from domain.analytics.risk.backtests import Backtest, kupiec_of
from domain.analytics.risk.component_risk import parametric_components
from domain.analytics.risk.concentration import Weights, weights_of
from domain.analytics.risk.profile import (
    Basis,
    Fall,
    Ratio,
    RiskProfile,
    deepest_fall,
    risk_profile,
    sharpe_ratio,
    weighted_returns,
)
from domain.analytics.risk.ratios import moves, volatility_annual
from domain.analytics.risk.value_at_risk import historical_vars

WINDOW_YEARS = 10
"""How far back the returns of today's weights go."""
COVERED_AT = 0.95
"""Least part of what is held, by size, whose returns say what the whole does."""
_POINTS = 600
_BACKTEST_DAYS, _BACKTEST_WINDOW, _BACKTEST_CONFIDENCE = 252, 252, 0.95


@dataclass(frozen=True, slots=True)
class ValuedHolding:
    """A security at a day's close, all accounts together, with what it is grouped by.

    `value` and `cost` are in the portfolio's currency, None without a price or a rate, or a basis; `issuer` of an
    equity is its own name.
    """

    security_id: int
    ticker: str
    name: str
    asset_type: str
    currency: str
    issuer: str | None
    sector: str | None
    country: str | None
    quantity: Decimal
    value: Decimal | None
    issuer_class: str | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Cash:
    """A balance in one currency; `value` is in the portfolio's, None without a rate."""

    currency: str
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class ReviewInputs:
    """Data behind all measures of one portfolio on one day; amounts in `currency`, the portfolio's.

    `returns` (m, k + c) are simple ones of the sessions `days` (m,) in that currency, of each of the k valued holdings
    and then of the c valued balances; NaN where there is none.
    `subjects` are the portfolio, its accounts and all that it ever held, None if they were not asked for or are not
    there; `names` are the tickers of securities.
    """

    series: PortfolioSeries
    benchmark: Benchmark | None
    risk_free: Daily
    currency: str
    holdings: Sequence[ValuedHolding]
    cash: Sequence[Cash]
    days: Days
    returns: Float64
    sessions: Days
    subjects: ReturnSeries | None
    names: Mapping[int, str]

    @property
    def valued(self) -> list[ValuedHolding]:
        return [holding for holding in self.holdings if holding.value is not None]

    @property
    def values(self) -> Float64:
        """(n,) Of the valued holdings."""
        return np.array([float(holding.value or 0) for holding in self.valued])

    @property
    def valued_cash(self) -> list[Cash]:
        return [cash for cash in self.cash if cash.value is not None]

    @property
    def cash_values(self) -> Float64:
        return np.array([float(cash.value or 0) for cash in self.valued_cash])

    @property
    def weights(self) -> Weights:
        """Weights of the valued holdings and then of the valued cash."""
        return weights_of(self.values, self.cash_values)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Holdings and cash that have no price or no rate, and so no weight."""
        unrated = [f"{cash.currency} cash" for cash in self.cash if cash.value is None]
        return (*(holding.ticker for holding in self.holdings if holding.value is None), *unrated)


@dataclass(frozen=True, slots=True)
class Contribution:
    """A holding's part of the time-weighted return of a period, a fraction of 1 at its start."""

    ticker: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Contributions:
    """`parts` by size, the largest gain first, and `other`: cash, exchange rates, standalone fees and tax.

    `twr` is their sum, the return of the period.
    """

    parts: tuple[Contribution, ...]
    other: float
    twr: float


@dataclass(frozen=True, slots=True)
class HoldingPerformance:
    """Performance of an ACCOUNT, or of a POSITION with its contribution to the portfolio, over a period."""

    level: Level
    account_id: int | None
    security_id: int | None
    ticker: str | None
    performance: PeriodPerformance
    contribution: float | None


@dataclass(frozen=True, slots=True)
class Component:
    """A holding's weight in the portfolio with its cash, and its part of the one-day parametric VaR and ES at 95 % of
    CURRENT_WEIGHTS: the parts sum to them."""

    ticker: str
    weight: float
    var: float | None
    es: float | None


@dataclass(frozen=True, slots=True)
class PortfolioRisk:
    """Both bases, whose risk it is, and how the realised VaR held over the last year.

    `left_out` of CURRENT_WEIGHTS and the components is what has no value or no returns. What is in them is `coverage`
    of all holdings and balances in other currencies, by size; below COVERED_AT they have no figures.
    """

    profiles: tuple[RiskProfile, ...]
    components: tuple[Component, ...]
    backtest: Backtest | None
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RealisedFigures:
    """Risk that the owner went through since the first transaction: annual volatility of two returns and more, else
    None; Sharpe ratio; and the deepest fall from what was paid in on."""

    volatility: float | None
    sharpe: Ratio
    fall: Fall


@dataclass(frozen=True, slots=True)
class ValueCurve:
    """At most 600 evenly spaced days, the last among them; all (p,). Amounts are rounded to 0.01.

    `drawdown` is the deepest since the day before in the curve; `index` is NaN while there is none, after a ruin;
    `benchmark` is growth of 1 since the close of the first value, NaN before and where it is not known.
    """

    days: tuple[date, ...]
    value: Float64
    contributed: Float64
    index: Float64
    drawdown: Float64
    benchmark: Float64


def holdings_performance(of: ReviewInputs) -> tuple[HoldingPerformance, ...]:
    """List the performance of every account and position by period; accounts first, then the largest contributions."""
    if of.subjects is None:
        return ()
    found = []
    for period, columns in _by_period(of).items():
        for i, subject in enumerate(of.subjects.subjects):
            if subject.level is not Level.PORTFOLIO:
                one = period_performance(period, columns, i)
                part = float(columns["contribution"][i])
                ticker = None if subject.security_id is None else named(of, subject.security_id)
                ids = subject.account_id, subject.security_id
                contribution = None if np.isnan(part) else part
                found.append(HoldingPerformance(subject.level, *ids, ticker, one, contribution))
    return tuple(sorted(found, key=lambda one: (one.level, -(one.contribution or 0.0))))


def contributions_of(of: ReviewInputs) -> dict[Period, Contributions]:
    """By period, of those that the portfolio is old enough for."""
    if of.subjects is None:
        return {}
    (whole,) = np.flatnonzero(of.subjects.at(Level.PORTFOLIO)).tolist()
    found = {}
    for period, columns in _by_period(of).items():
        twr = float(np.nan_to_num(columns["twr"][whole]))
        parts = np.nan_to_num(columns["contribution"])
        order = np.argsort(-parts, kind="stable")
        shown = [
            Contribution(named(of, of.subjects.subjects[i].security_id), float(parts[i])) for i in order if parts[i]
        ]
        if columns["status"][whole] == "OK":
            found[period] = Contributions(tuple(shown), twr - float(parts.sum()), twr)
    return found


def named(of: ReviewInputs, security_id: int | None) -> str:
    """The ticker of a security, or else its number."""
    return of.names.get(security_id or 0, str(security_id))


def _by_period(of: ReviewInputs) -> dict[Period, Mapping[str, Column]]:
    assert of.subjects is not None, "the caller has looked"
    return subject_performance(of.subjects, of.series.as_of, of.sessions, of.benchmark)


def risk_of(of: ReviewInputs) -> PortfolioRisk:
    """Source: RULEBOOK 9, which keeps realised risk and that of today's weights apart."""
    names = [*(holding.ticker for holding in of.valued), *(f"{cash.currency} cash" for cash in of.valued_cash)]
    moves: Bools = np.array([True] * len(of.valued) + [cash.currency != of.currency for cash in of.valued_cash], bool)
    is_measured = moves & np.isfinite(of.returns).any(axis=0)
    measured = np.flatnonzero(is_measured)
    coverage = _coverage(of, is_measured, moves)
    profile = _weighted(of, measured, coverage)
    components: tuple[Component, ...] = ()
    days, realised = of.series.session_returns()
    if profile.status in ("OK", "INSUFFICIENT") and of.weights.net is not None:
        components = _components([names[i] for i in measured], of.weights.net[measured], of.returns[:, measured])
    return PortfolioRisk(
        profiles=(_profile(of, Basis.REALISED, days, realised, of.series.growth), profile),
        components=components,
        backtest=_backtest(realised),
        left_out=(*(names[i] for i in np.flatnonzero(moves & ~is_measured)), *of.left_out),
    )


def _weighted(of: ReviewInputs, measured: Int64, coverage: float) -> RiskProfile:
    """The profile of CURRENT_WEIGHTS of the columns `measured`: without equity there are no weights, and of a part of
    what is held too little is known to say anything of the whole."""
    if of.weights.net is None:
        return RiskProfile(Basis.CURRENT_WEIGHTS, "NO_EQUITY", None, None, 0, coverage=coverage)
    returns = weighted_returns(of.weights.net[measured], of.returns[:, measured])
    found = _profile(of, Basis.CURRENT_WEIGHTS, of.days, returns if len(measured) else np.full(len(of.days), np.nan))
    if found.status == "OK" and coverage < COVERED_AT:
        return RiskProfile(found.basis, "UNCOVERED", found.first_day, found.last_day, found.n, coverage=coverage)
    return replace(found, coverage=coverage)


def _coverage(of: ReviewInputs, is_measured: Bools, moves: Bools) -> float:
    """The share of what `moves` that is measured, by size; of what has no value by cost. By number, if one has neither,
    as it may be the largest."""
    costs = [holding.cost for holding in of.holdings if holding.value is None]
    costs += [None for cash in of.cash if cash.value is None]
    known = [abs(float(cost)) for cost in costs if cost is not None]
    sizes, unknown = np.abs(np.concatenate([of.values, of.cash_values])), sum(known)
    if len(known) < len(costs):
        sizes, unknown = np.ones(len(sizes)), float(len(costs))
    whole = float(sizes[moves].sum()) + unknown
    return float(sizes[is_measured].sum()) / whole if whole else 1.0


def realised_figures(of: ReviewInputs) -> RealisedFigures:
    """See RealisedFigures."""
    days, returns = of.series.session_returns()
    return RealisedFigures(
        volatility_annual(returns), sharpe_ratio(returns, of.risk_free.on(days)), deepest_fall(of.series.growth)
    )


def weights_in(of: ReviewInputs) -> dict[int, float]:
    """The net weight of each valued holding by its security, cash in the whole; empty where that is worth nothing."""
    net = of.weights.net
    return {} if net is None else {holding.security_id: float(net[i]) for i, holding in enumerate(of.valued)}


def curve_days(of: ReviewInputs) -> tuple[date, ...]:
    """The days of `curve_of`."""
    return tuple(of.series.day(int(i)) for i in _curve_rows(of))


def _curve_rows(of: ReviewInputs) -> Int64:
    n = len(of.series)
    return np.unique(np.linspace(0, n - 1, min(n, _POINTS)).round().astype(np.int64))


def curve_of(of: ReviewInputs) -> ValueCurve:
    """See ValueCurve."""
    series, n, at = of.series, len(of.series), _curve_rows(of)
    falls = np.concatenate([[0.0], series.growth.falls])[np.cumsum(series.is_session)]
    market = (
        of.benchmark.growth_since(first_value(series.days, series.inflow, series.value), series.days)
        if of.benchmark
        else np.full(n, np.nan)
    )
    return ValueCurve(
        days=curve_days(of),
        value=series.value[at].round(2),
        contributed=np.cumsum(series.inflow - series.outflow)[at].round(2),
        index=series.index[at],
        drawdown=np.minimum.reduceat(falls, np.concatenate([[0], at[:-1] + 1])),
        benchmark=market[at],
    )


def _profile(of: ReviewInputs, basis: Basis, days: Days, returns: Float64, growth: Growth | None = None) -> RiskProfile:
    market = of.benchmark.sessions.on(days) if of.benchmark else None
    return risk_profile(basis, days, returns, of.risk_free.on(days), market, growth)


def _components(tickers: Sequence[str], weights: Float64, returns: Float64) -> tuple[Component, ...]:
    common = common_days(returns, minimum=0)
    if not tickers or len(common) < 2:
        return ()
    parts = parametric_components(weights, covariance(common, minimum=2), common.mean(axis=0), len(common))
    if parts.var is None or parts.es is None:
        return tuple(Component(ticker, float(weights[i]), None, None) for i, ticker in enumerate(tickers))
    return tuple(
        Component(ticker, float(weights[i]), float(parts.var[i]), float(parts.es[i]))
        for i, ticker in enumerate(tickers)
    )


def _backtest(returns: Float64) -> Backtest | None:
    """Test the historical VaR that each of the last days had from the window before it; None without one such
    day, or where nothing moves and so nothing can be lost."""
    observed = returns[~np.isnan(returns)]
    n = min(_BACKTEST_DAYS, len(observed) - _BACKTEST_WINDOW)
    if n < 1 or not moves(observed):
        return None
    windows = np.lib.stride_tricks.sliding_window_view(observed, _BACKTEST_WINDOW)[-n - 1 : -1]
    return kupiec_of(observed[-n:], historical_vars(-windows, _BACKTEST_CONFIDENCE), _BACKTEST_CONFIDENCE)
