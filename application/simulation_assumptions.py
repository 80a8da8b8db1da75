"""How the securities of a simulation are assumed to move, in one release, with where each number comes from.

Belongs here: which data of the release go into the drift, the volatility and the model, and the rows that say so. Does
not: a formula, those are in domain/analytics; nor what is held, which is the caller's.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import log
from typing import Any

import numpy as np

from application.simulation_inputs import InputRow, array_row, per_security, single
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.arrays import Days, Float64
from domain.analytics.estimates.moments import WINDOW_YEARS, historical_moments
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
from domain.analytics.fixed_income.curves import MAX_CARRIED_DAYS, Curve
from domain.analytics.fixed_income.day_counts import plus_months
from domain.analytics.returns.series import MIN_OBSERVATIONS
from domain.analytics.simulation.fitted import MODELS, SHARES, Past, model_of
from domain.analytics.simulation.history import BlockBootstrap, HistoricalSequences
from domain.analytics.simulation.models import Model, RegimeSwitching, StudentT
from domain.errors import InvalidInput, MissingParameters
from storage.bundled import LONG_SERIES, MARKET, PRICES, long_series, market_index
from storage.lake.mounted import OWN_PRICES

CURVE_CURRENCY = "USD"
"""The Treasury's curve and US consumer prices are the only ones that there are."""
MONTH_ROWS = 21
"""Sessions in a month."""
_SHORT_MONTHS = 3
_LONG_MONTHS_OLD = 12
_PRICES, _MU, _VOLATILITY = "marts/fact_price_daily", "marts/security_historical_mu", "marts/security_volatility"
_YIELDS, _CONSUMER = "raw/yield_curve", "raw/consumer_price"
_BUNDLED_INDEX, _BUNDLED_MONTHS = f"sample_data/{PRICES}", f"sample_data/{LONG_SERIES}"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """How n securities are assumed to move, in the order asked; the parts of `SimulationInputs` that are not holdings.

    mu_annual, mu_deviation, volatility_annual : (n,), as in `SimulationInputs`; correlation (n, n).
    model : made for these securities. `risk_free`: the continuous rate of the horizon, None where none is known.
    cash_rate : continuous. `inflation_annual` : continuous, or None with the `inflation_reason`.
    rows : every number above with its unit, its window and its table, for `simulation_input`.
    """

    tickers: tuple[str, ...]
    mu_annual: Float64
    mu_deviation: Float64
    volatility_annual: Float64
    correlation: Float64
    model: Model
    risk_free: float | None
    cash_rate: float
    inflation_annual: float | None
    inflation_reason: str | None
    rows: tuple[InputRow, ...]


def assumptions(
    parameters: LakeSimulationParamsRepository,
    security_ids: Sequence[int],
    *,
    model: str,
    drift: str,
    horizon_years: int,
    given: Mapping[str, float] | None = None,
    currency: str = CURVE_CURRENCY,
) -> Assumptions:
    """Gather them from the release of `parameters`; `given` are the owner's drifts by ticker, if `drift` is given.

    MissingParameters names the securities that have no estimates, or no drift of the chosen kind. InvalidInput for an
    unknown model or drift, and for a drift that needs a risk-free rate where none is known.
    """
    if model not in MODELS:
        raise InvalidInput("model", f"must be one of {', '.join(MODELS)}, not {model}")
    if drift not in list(DriftChoice):
        raise InvalidInput("drift", f"must be one of {', '.join(DriftChoice)}, not {drift}")
    market = _Market.of(parameters, security_ids)
    rates = _Rates.of(parameters, horizon_years, currency)
    chosen, drift_rows = _drift(DriftChoice(drift), market, rates, given or {})
    correlation = np.array(parameters.get_correlation(security_ids), dtype=float).reshape(2 * (len(security_ids),))
    made, model_rows = _model(model, market)
    return Assumptions(
        tickers=market.tickers,
        mu_annual=chosen.mu_annual,
        mu_deviation=chosen.deviation,
        volatility_annual=market.volatility,
        correlation=correlation,
        model=made,
        risk_free=rates.risk_free,
        cash_rate=rates.cash_rate,
        inflation_annual=rates.inflation,
        inflation_reason=rates.inflation_reason,
        rows=(
            *rates.rows,
            *_of_own_prices(drift_rows, parameters.own_tickers),
            *_of_own_prices(market.rows, parameters.own_tickers),
            array_row("correlation", correlation, "of daily log returns, on common days", "marts/security_correlation"),
            *model_rows,
        ),
    )


def _of_own_prices(rows: Iterable[InputRow], tickers: Collection[str]) -> Iterator[InputRow]:
    """The rows, those of securities with the owner's own prices as made of these."""
    for row in rows:
        is_own = row.ticker in tickers and row.source in (_PRICES, _MU, _VOLATILITY)
        yield replace(row, source=OWN_PRICES) if is_own else row


@dataclass(frozen=True, slots=True, eq=False)
class _Market:
    """Estimates from prices of n securities: of their window `mean` and `of_window`, of all days `of_all`, `beta` and
    `loading` on the index (NaN where there are too few common days), and `log_returns` (d, n) of the window."""

    tickers: tuple[str, ...]
    estimates: Sequence[Mapping[str, Any]]
    mean: Float64
    of_window: Float64
    of_all: Float64
    beta: Float64
    loading: Float64
    log_returns: Float64
    spans: Sequence[tuple[date, date]]

    @classmethod
    def of(cls, parameters: LakeSimulationParamsRepository, security_ids: Sequence[int]) -> "_Market":
        known = parameters.get_security_params(security_ids)
        estimates = parameters.estimates(security_ids)
        days, log_returns = parameters.returns(security_ids)
        everything = [historical_moments(column) for column in log_returns.T]
        spans = [_span(days, column) for column in log_returns.T]
        window = days > np.datetime64(parameters.window_start, "D")
        index = _index_returns(days[window])
        beta = market_beta(log_returns[window], index)
        deviation = np.array([_common_deviation_ratio(column, index) for column in log_returns[window].T])
        return cls(
            tickers=tuple(one.ticker for one in known),
            estimates=estimates,
            mean=np.array([one.mu_annual for one in known]),
            of_window=np.array([one.volatility_annual for one in known]),
            of_all=np.array([one.volatility_annual for one in everything], dtype=float),
            beta=beta,
            loading=np.clip(np.nan_to_num(beta * deviation), -1, 1),
            log_returns=log_returns[window],
            spans=spans,
        )

    @property
    def volatility(self) -> Float64:
        return blended_volatility(self.of_window, self.of_all)

    @property
    def months(self) -> Float64:
        """(r, n) log returns of `MONTH_ROWS` common sessions from each of them on; of cash alone there is nothing."""
        if not self.tickers:
            return np.zeros((2 * MONTH_ROWS, 0))
        common = self.log_returns[~np.isnan(self.log_returns).any(axis=1)]
        sums = np.vstack([np.zeros(common.shape[1]), common.cumsum(axis=0)])
        return np.asarray(sums[MONTH_ROWS:] - sums[:-MONTH_ROWS])

    @property
    def windows(self) -> list[tuple[date, date]]:
        return [(one["window_start"], one["window_end"]) for one in self.estimates]

    @property
    def rows(self) -> Iterable[InputRow]:
        how = "half the variance of the window and half that of all returns known"
        yield from per_security("volatility_window", self, self.of_window, "the window's own", _VOLATILITY)
        yield from per_security("volatility_all", self, self.of_all, "of all returns known", _PRICES, self.spans)
        yield from per_security("volatility_annual", self, self.volatility, how, _PRICES, self.spans)


def _span(days: Days, column: Float64) -> tuple[date, date]:
    present = days[~np.isnan(column)]
    return present[0].item(), present[-1].item()


def _index_returns(days: Days) -> Float64:
    """(n,) log returns of the bundled index from one of `days` to the next; NaN where it has none."""
    known, closes = market_index()
    place = np.searchsorted(known, days)
    found = (place > 0) & (place < len(known))
    at = np.where(found, place, 1)
    found &= known[at] == days
    return np.where(found, np.log(closes[at] / closes[at - 1]), np.nan)


def _common_deviation_ratio(column: Float64, index: Float64) -> float:
    """The index's deviation over the security's, on common days: a slope times it is a correlation."""
    common = np.isfinite(column) & np.isfinite(index)
    deviation = float(column[common].std()) if common.any() else 0.0
    return float(index[common].std()) / deviation if deviation else 0.0


@dataclass(frozen=True, slots=True)
class _Rates:
    """Rates at which money earns and loses: continuous rates a year, None where they are not known, and their rows."""

    risk_free: float | None
    cash_rate: float
    inflation: float | None
    inflation_reason: str | None
    rows: tuple[InputRow, ...]

    @classmethod
    def of(cls, parameters: LakeSimulationParamsRepository, horizon_years: int, currency: str) -> "_Rates":
        as_of = parameters.as_of
        curve = _curve(parameters.newest_yields(), as_of)
        if curve:
            risk_free: float | None = _zero_rate(curve, 12 * horizon_years)
            how = f"ln(1 + the zero yield of {horizon_years} years) of the Treasury's par curve"
            free = single("risk_free", risk_free, how, _YIELDS, (curve.day, curve.day))
        else:
            risk_free, free = _long_rate(as_of)
        if currency != CURVE_CURRENCY:
            free = replace(free, how=f"{free.how}; the dollar's, as no rate of {currency} is here")
            cash = single("cash_rate", 0.0, f"no short rate of {currency} is here, so that cash earns nothing", None)
        elif curve:
            rate = _zero_rate(curve, _SHORT_MONTHS)
            cash = single("cash_rate", rate, "the three-month Treasury yield", _YIELDS, (curve.day, curve.day))
        else:
            cash = single("cash_rate", 0.0, "no curve of the last days is here, so that cash earns nothing", None)
        inflation, why, prices = _inflation(parameters.consumer_prices(), as_of, currency)
        return cls(risk_free, cash.value or 0.0, inflation, why, (free, cash, prices))


def _curve(yields: Mapping[str, Any], as_of: date) -> Curve | None:
    if not yields or not len(yields["curve_date"]):
        return None
    day = yields["curve_date"][0].astype("datetime64[D]").item()
    if (as_of - day).days > MAX_CARRIED_DAYS:
        return None
    return Curve.of(day, dict(zip(yields["tenor_months"].tolist(), yields["par_yield_pct"].tolist(), strict=True)))


def _zero_rate(curve: Curve, months: int) -> float:
    """The continuous rate of one payment after so many months."""
    end = plus_months(np.array([np.datetime64(curve.day, "D")]), np.array([months]))[0].item()
    return -log(curve.discount(end)) * 12 / months


def _long_rate(as_of: date) -> tuple[float | None, InputRow]:
    """The ten-year yield of the last month before `as_of`'s that the long series has, unless it is over a year old."""
    series = long_series()
    this_month = np.datetime64(as_of, "M")
    last = int(np.searchsorted(series.months, this_month)) - 1
    if last < 0 or this_month - series.months[last] > np.timedelta64(_LONG_MONTHS_OLD, "M"):
        return None, single("risk_free", None, "no curve of the last days and no yield of the last year is here", None)
    month = series.months[last].astype("datetime64[D]").item()
    rate = float(series.long_rate[last])
    how = "ln(1 + the ten-year yield), as there is no curve of the last days"
    return rate, single("risk_free", rate, how, _BUNDLED_MONTHS, (month, month))


def _inflation(found: Mapping[str, Any], as_of: date, currency: str) -> tuple[float | None, str | None, InputRow]:
    """The mean rise of ten years in the consumer prices that the release has; newer than a year, and of dollars."""
    why = None
    months = found["index_month"].astype("datetime64[M]") if found else np.empty(0, "datetime64[M]")
    first = np.flatnonzero(months == months[-1] - 12 * WINDOW_YEARS) if len(months) else np.empty(0, np.int64)
    if currency != CURVE_CURRENCY:
        why = f"no consumer prices of {currency} are here"
    elif not len(months) or np.datetime64(as_of, "M") - months[-1] > np.timedelta64(_LONG_MONTHS_OLD, "M"):
        why = "no consumer prices of the last year are here"
    elif not len(first):
        why = f"consumer prices do not go back {WINDOW_YEARS} years"
    if why:
        return None, why, single("inflation_annual", None, why, None)
    levels = found["index_level"]
    rate = log(levels[-1] / levels[first[0]]) / WINDOW_YEARS
    span = (months[first[0]].astype("datetime64[D]").item(), months[-1].astype("datetime64[D]").item())
    how = f"mean log rise of ten years of {found['series'][-1]}, US consumer prices"
    return rate, None, single("inflation_annual", rate, how, _CONSUMER, span)


def _drift(
    choice: DriftChoice, market: _Market, rates: _Rates, given: Mapping[str, float]
) -> tuple[Drift, list[InputRow]]:
    rows: list[InputRow] = []
    if choice is DriftChoice.HISTORICAL:
        chosen, how = Drift.exact(market.mean, 1.0), "the mean of the window"
    elif choice is DriftChoice.GIVEN:
        chosen, how = Drift.exact(_of_all(market.tickers, given), 0.0), "given by the owner"
    elif choice is DriftChoice.FORWARD:
        forward = {one["ticker"]: one["forward_mu"] for one in market.estimates if one["forward_mu"] is not None}
        chosen, how = Drift.exact(_of_all(market.tickers, forward), 0.0), "the analysts' target over the price"
    else:
        chosen, how = _with_a_prior(choice, market, rates)
        beta_how = f"OLS slope of daily log returns on the {MARKET}; 1 below {MIN_OBSERVATIONS} common days"
        rows += [single("premium", PREMIUM, "of the market above the risk-free rate, by rule", None)]
        rows += [single("tau", TAU, "deviation of the prior, by rule", None)]
        rows += per_security("beta", market, _known_beta(market.beta), beta_how, _BUNDLED_INDEX, unit="1")
    source = {DriftChoice.FORWARD: "marts/security_forward_mu", DriftChoice.GIVEN: None}.get(choice, _MU)
    rows += per_security("historical_mu", market, market.mean, "252 x mean log return + s^2 / 2", _MU)
    rows += per_security("weight_of_data", market, chosen.weight, "tau^2 / (tau^2 + s^2 / 10)", None, unit="1")
    rows += per_security("mu_annual", market, chosen.mu_annual, f"{choice}: {how}", source)
    rows += per_security("mu_deviation", market, chosen.deviation, "how far the drift itself is not known", None)
    return chosen, rows


def _with_a_prior(choice: DriftChoice, market: _Market, rates: _Rates) -> tuple[Drift, str]:
    if rates.risk_free is None:
        raise InvalidInput("drift", f"{choice} needs a risk-free rate, and none is known; choose historical or given")
    beta = _known_beta(market.beta)
    if choice is DriftChoice.EQUILIBRIUM:
        return equilibrium_drift(rates.risk_free, beta), "r + p x beta"
    found = posterior_drift(rates.risk_free, beta, market.mean, market.of_window)
    return found, "(1 - w) (r + p x beta) + w x the window's mean"


def _known_beta(beta: Float64) -> Float64:
    return np.where(np.isnan(beta), 1.0, beta)


def _of_all(tickers: Sequence[str], drifts: Mapping[str, float]) -> Float64:
    if missing := [ticker for ticker in tickers if ticker not in drifts]:
        raise MissingParameters(missing)
    return np.array([float(drifts[ticker]) for ticker in tickers])


def _model(name: str, market: _Market) -> tuple[Model, list[InputRow]]:
    series = long_series()
    try:
        made = model_of(name, SHARES, Past(market.loading, market.months, MONTH_ROWS, series.share_returns))
    except ValueError as error:
        raise InvalidInput("model", f"{name} cannot be made of these securities: {error}") from error
    until = f"fitted on data until {SHARES.until}"
    if isinstance(made, StudentT):
        return made, [single("df", made.df, f"degrees of freedom of a month, {until}", None, unit="1")]
    if isinstance(made, BlockBootstrap):
        return made, [
            single("mean_block", made.mean_block, f"mean length of a block, {until}", None, unit="months"),
            array_row("returns", made.returns, f"log returns of {MONTH_ROWS} sessions from each day on", _PRICES),
        ]
    if isinstance(made, RegimeSwitching):
        named = {"stay": made.stay, "mean": made.mean, "deviation": made.deviation}
        return made, [
            *(
                single(f"{regime}_{what}", pair[place], f"of the market in {regime}, {until}", None, unit="1")
                for what, pair in named.items()
                for place, regime in enumerate(("calm", "crisis"))
            ),
            *per_security("loading", market, made.loading, f"correlation with the {MARKET}", _BUNDLED_INDEX, unit="1"),
        ]
    if isinstance(made, HistoricalSequences):
        how = "total log returns of the S&P 500's monthly means; every share moves as they did"
        return made, [array_row("returns", made.returns, how, _BUNDLED_MONTHS)]
    return made, []
