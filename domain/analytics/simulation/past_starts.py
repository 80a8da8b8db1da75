"""Starts of past months, with what was known then, of the long series and of daily prices.

No number here is of a day after the start: a test moves everything that came later, and nothing changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.analytics.arrays import Days, Float64, Int64
from domain.analytics.estimates.moments import WINDOW_YEARS
from domain.analytics.estimates.posterior_drift import (
    PREMIUM,
    TAU,
    Drift,
    DriftChoice,
    blended_volatility,
    equilibrium_drift,
    market_beta,
    posterior_drift,
)
from domain.analytics.risk.ratios import TRADING_DAYS
from domain.analytics.simulation.calibration import PastStart
from domain.analytics.simulation.fitted import LONG_SERIES, MODELS, SHARES, Past, model_of
from domain.analytics.simulation.long_series import OF_MONTH_ENDS, LongSeries
from domain.analytics.simulation.models import MONTHS

WINDOW_MONTHS = WINDOW_YEARS * MONTHS
SESSIONS = 21
LONG_HORIZONS, SHARE_HORIZONS = (12, 60, 120, 360), (12, 60, 120)
"""Months ahead."""
PREMIUMS, TAUS = (0.03, 0.045, 0.06), (0.02, 0.03, 0.04)
"""Beside the rule's own, to show how much hangs on them."""
EWMA_DECAY = 0.97
"""Weight of a month over that of the next, in the baseline's variance: RiskMetrics (1996)."""


def long_starts(series: LongSeries, first: int = 0, last: int | None = None) -> Iterator[PastStart]:
    """Every month of the series after its first ten years, from number `first` to `last`; one security, the market."""
    returns, rate = series.share_returns, series.long_rate
    places = range(WINDOW_MONTHS, len(returns) - min(LONG_HORIZONS) + 1)
    for at in places[first:last]:
        window, known = returns[at - WINDOW_MONTHS : at], returns[:at]
        of_window = _annual(window[:, None], MONTHS) * OF_MONTH_ENDS
        of_all = _annual(known[:, None], MONTHS) * OF_MONTH_ENDS
        mean = window.mean() * MONTHS + of_window**2 / 2
        past = Past(np.ones(1), window[:, None], 1, known)
        yield PastStart(
            month=series.months[at + 1].astype("datetime64[M]"),
            volatility_annual=blended_volatility(of_window, of_all),
            correlation=np.ones((1, 1)),
            drifts=dict.fromkeys(LONG_HORIZONS, _drifts(float(rate[at]), np.ones(1), mean, of_window)),
            models={name: model_of(name, LONG_SERIES, past) for name in MODELS},
            weights=np.ones((1, 1)),
            futures=_futures(returns[:, None], at, LONG_HORIZONS),
            past_mean=np.array([window.mean()]),
            past_variance=np.array([_ewma_variance(known)]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class DailyMarket:
    """Prices of n securities, and p portfolios of them.

    On `days` (d,) `closes` (d, n) and the `index` (d,), all positive; `weights` (p, n). `month_ends` (m,) are the
    places of the months' last days, `risk_free` the continuous rates (m,) of these days, by months ahead.
    """

    days: Days
    closes: Float64
    index: Float64
    weights: Float64
    month_ends: Int64
    risk_free: Mapping[int, Float64]


def month_ends(days: Days) -> Int64:
    """The places of the last day of every month, but of the one that `days` end in."""
    months = days.astype("datetime64[M]")
    return np.flatnonzero(months[1:] != months[:-1])


def daily_starts(
    market: DailyMarket, series: LongSeries, first: int = 0, last: int | None = None
) -> Iterator[PastStart]:
    """The end of every month after the first ten years; securities are bought at its last close."""
    log_returns = np.diff(np.log(market.closes), axis=0)
    of_index = np.diff(np.log(market.index))
    by_month = np.diff(np.log(market.closes[market.month_ends]), axis=0)
    portfolios = np.log(np.exp(by_month) @ market.weights.T)
    for number in range(WINDOW_MONTHS, len(market.month_ends) - min(SHARE_HORIZONS))[first:last]:
        end = market.month_ends[number]
        start_day = market.days[end]
        since = np.searchsorted(market.days, start_day - np.timedelta64(365 * WINDOW_YEARS + 2, "D"))
        window, index = log_returns[since:end], of_index[since:end]
        of_window, of_all = _annual(window, TRADING_DAYS), _annual(log_returns[:end], TRADING_DAYS)
        mean = window.mean(axis=0) * TRADING_DAYS + of_window**2 / 2
        loading = np.corrcoef(np.column_stack([index, window]).T)[0, 1:]
        sums = np.vstack([np.zeros(window.shape[1]), window.cumsum(axis=0)])
        month = start_day.astype("datetime64[M]") + 1
        sequence = series.share_returns[: int(np.searchsorted(series.months[1:], month))]
        past = Past(loading, sums[SESSIONS:] - sums[:-SESSIONS], SESSIONS, sequence)
        known = portfolios[:number]
        beta = market_beta(window, index)
        yield PastStart(
            month=month,
            volatility_annual=blended_volatility(of_window, of_all),
            correlation=np.corrcoef(window.T).reshape(2 * window.shape[1:]),
            drifts={
                months: _drifts(float(rates[number]), beta, mean, of_window)
                for months, rates in market.risk_free.items()
            },
            models={name: model_of(name, SHARES, past) for name in MODELS},
            weights=market.weights,
            futures=_bought_and_held(market, number),
            past_mean=known[-WINDOW_MONTHS:].mean(axis=0),
            past_variance=np.array([_ewma_variance(column) for column in known.T]),
        )


def random_portfolios(securities: int, portfolios: int, seed: int) -> Float64:
    """Weights (p, n): each portfolio has a quarter to three quarters of the securities, in random shares."""
    random = np.random.default_rng(seed)
    weights = np.zeros((portfolios, securities))
    for row in weights:
        held = random.integers(securities // 4, 3 * securities // 4, endpoint=True)
        row[random.choice(securities, held, replace=False)] = random.dirichlet(np.ones(held))
    return weights


def _drifts(risk_free: float, beta: Float64, mean: Float64, volatility: Float64) -> dict[str, Drift]:
    """The drifts of rulebook 11, and beside the posterior those with other premiums and deviations of the prior."""
    others = {
        prior_name(premium, tau): posterior_drift(risk_free, beta, mean, volatility, premium, tau)
        for premium in PREMIUMS
        for tau in TAUS
        if (premium, tau) != (PREMIUM, TAU)
    }
    return {
        DriftChoice.POSTERIOR: posterior_drift(risk_free, beta, mean, volatility),
        DriftChoice.HISTORICAL: Drift.exact(mean, 1.0),
        DriftChoice.EQUILIBRIUM: equilibrium_drift(risk_free, beta),
        **others,
    }


def prior_name(premium: float, tau: float) -> str:
    """The name of a posterior whose prior is not the rule's, such as posterior (p 3.0 %, tau 2.0 %)."""
    return f"{DriftChoice.POSTERIOR} (p {100 * premium:.1f} %, tau {100 * tau:.1f} %)"


def _annual(log_returns: Float64, a_year: int) -> Float64:
    return np.asarray(log_returns.std(axis=0, ddof=1) * np.sqrt(a_year))


def _ewma_variance(log_returns: Float64) -> float:
    """Variance of a month, each weighing `EWMA_DECAY` times as much as the next."""
    weights = EWMA_DECAY ** np.arange(len(log_returns) - 1, -1, -1)
    return float(weights @ (log_returns - log_returns.mean()) ** 2 / weights.sum())


def _futures(log_returns: Float64, at: int, horizons: Sequence[int]) -> dict[int, Float64]:
    """Log growth (n,) from return number `at` on, of the horizons that the data reach."""
    return {months: log_returns[at : at + months].sum(axis=0) for months in horizons if at + months <= len(log_returns)}


def _bought_and_held(market: DailyMarket, number: int) -> dict[int, Float64]:
    start = market.closes[market.month_ends[number]]
    return {
        months: np.log(market.weights @ (market.closes[market.month_ends[number + months]] / start))
        for months in SHARE_HORIZONS
        if number + months < len(market.month_ends)
    }
