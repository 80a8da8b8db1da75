"""Risk, concentration and moments, as four analytics libraries and closed forms have them.

A measure is compared after its unit: per day, week or month where ours is per year of 252 days.
"""

from collections.abc import Callable
from functools import cache
from math import ceil, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from domain.analytics.estimates.moments import covariance, ewma_mean
from domain.analytics.returns.performance import annualise, twr_index
from domain.analytics.risk.benchmark import active_return_annual, alpha_annual, beta, information_ratio
from domain.analytics.risk.concentration import concentration
from domain.analytics.risk.ratios import downside_deviation_annual, max_drawdown, sharpe, sortino, volatility_annual
from domain.analytics.risk.value_at_risk import historical_tail, skew_and_excess_kurtosis, value_at_risk
from tests.yardsticks.cases import Case
from tests.yardsticks.judging import Convention, Figures, Yardstick

Series = np.ndarray
SAMPLE = Path(__file__).parents[2] / "sample_data" / "price_daily.parquet"
PERIODS = {"daily": 252, "weekly": 52, "monthly": 12, "quarterly": 4, "yearly": 1}
LEAST_CONFIDENCE = 1e-12  # beside 0 and 1, at which a quantile is the least and the largest


def _numbers(values: list[float | None]) -> Series:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _series(case: Case, given: Any) -> Any:
    """A series by its name in the file, or as it is given; a number stays one."""
    if isinstance(given, list):
        return _numbers(given)
    if not isinstance(given, str):
        return given
    named = case.file["series"][given]
    if "values" in named:
        return _numbers(named["values"])
    if named["generator"].startswith("linspace"):
        start, end, count = named["generator"].removeprefix("linspace(").rstrip(")").split(",")
        return np.linspace(float(start), float(end), int(count))
    words = named["generator"].replace(",", "").split()  # "1000 daily values, all 0.01, from 2000-01-30"
    return np.full(int(words[0]), float(words[words.index("all") + 1]))


def _returns(case: Case) -> Series:
    return _series(case, case.inputs["returns"])


def _paired(case: Case) -> tuple[Series, Series]:
    market = _series(case, case.inputs.get("benchmark", case.inputs.get("factor_returns")))
    return _returns(case), market[: len(_returns(case))]


def _per_year(case: Case) -> int:
    return PERIODS[case.inputs.get("period", "daily")]


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _growth(returns: Series) -> Series:
    """The index of returns, where a NaN is a day without a base."""
    base = np.where(np.isnan(returns), 0.0, 1.0)
    return twr_index(base, base * (1 + np.nan_to_num(returns)), np.zeros(len(base)), np.zeros(len(base))).index


def _index(returns: Series) -> Series:
    return np.concatenate([[1.0], _growth(returns)])


def _rising(returns: Series) -> Series:
    """An index whose logarithm is the sum of the returns, so that its falls are those of the sum."""
    return np.exp(np.concatenate([[0.0], np.cumsum(returns[~np.isnan(returns)])]))


def _cumulative(case: Case) -> Series:
    start = case.inputs.get("starting_value", 0)
    return _growth(_returns(case)) * start if start else _growth(_returns(case)) - 1


def _annual(case: Case) -> float | None:
    """Return by calendar days, of which as many observations take their share of 365."""
    if not len(_returns(case)):
        return None
    days = round(len(_returns(case)) * 365 / _per_year(case))
    return float(annualise(_growth(_returns(case))[-1:] - 1, np.array([days]))[0])


def _by_observations(case: Case) -> float:
    return float(_growth(_returns(case))[-1] ** (_per_year(case) / len(_returns(case))) - 1)


def _signed_quantile(case: Case) -> float:
    confidence = min(max(1 - case.inputs["cutoff"], LEAST_CONFIDENCE), 1 - LEAST_CONFIDENCE)
    return -historical_tail(-np.array(_returns(case), dtype=float), confidence).var


@cache
def _sample_returns(ticker: str, since: str = "1990-01-01") -> Series:
    table = pq.read_table(SAMPLE, filters=[("ticker", "==", ticker)], columns=["price_date", "close"])
    rows = zip(table["price_date"].to_pylist(), table["close"].to_pylist(), strict=True)
    close = np.array([float(price) for day, price in rows if str(day) >= since])
    return close[1:] / close[:-1] - 1


def _each(measure: Callable[[Series], Any]) -> Figures:
    """A measure of each security of the bundled market that the case names, or of the returns that it gives."""

    def figures(case: Case) -> Any:
        columns = case.inputs.get("columns")
        return [measure(_sample_returns(ticker)) for ticker in columns] if columns else measure(_returns(case))

    return figures


def _at(case: Case, name: str = "beta", otherwise: float = 0.95) -> float:
    return float(case.row.get("params", {}).get(name, otherwise))


def _each_at(measure: Callable[[Series, float], Any]) -> Figures:
    """As `_each`, at the case's confidence."""
    return lambda case: _each(lambda returns: measure(returns, _at(case)))(case)


def _unbiased(returns: Series, divided: float) -> float:
    return divided * len(returns) / (len(returns) - 1)


def _semivariance(returns: Series, target: float) -> float:
    return float(downside_deviation_annual(returns, target) or 0) ** 2 / 252


def _order_statistic(returns: Series, confidence: float) -> float:
    """The ceil((1 - confidence) n)-th smallest return: the confidence at which type 7 falls on it."""
    n = len(returns)
    return historical_tail(-returns, (n - ceil((1 - confidence) * n)) / (n - 1)).var


def _fractional_shortfall(returns: Series, confidence: float) -> float:
    threshold = _order_statistic(returns, confidence)
    return threshold + float(np.maximum(-returns - threshold, 0).mean()) / (1 - confidence)


def _weighted_means(case: Case) -> dict[str, float]:
    half_life, since = _at(case, "half_life"), case.inputs["dataset"].split()[-1]
    return {ticker: float(ewma_mean(_sample_returns(ticker, since)[:, None], half_life)[0]) for ticker in case.expected}


def _simple(case: Case) -> Series:
    prices = np.array(case.inputs["prices"], dtype=float)
    return prices[1:] / prices[:-1] - 1


def _compound_means(case: Case) -> dict[str, list[float]]:
    columns = _simple(case).T
    return {"mu": [_growth(column)[-1] ** (case.inputs["frequency"] / len(column)) - 1 for column in columns]}


def _concentrated(case: Case) -> dict[str, float]:
    found = concentration(np.array(case.inputs["weights"]))
    return {"hhi": found.hhi, "effective_n": found.effective_number, "doj_points": found.hhi * 10_000}


def _bacon(case: Case, name: str = "portfolio") -> Series:
    return np.array(case.file["inline_data"]["portfolio_bacon"][name])


INFINITE = "a ratio to no risk is infinite there and no number here"
BELOW_A_YEAR = (
    "annualised however short, a year as 252 observations; here of 365 calendar days, from one year on (RULEBOOK 7)"
)
SIGNED_QUANTILE = "a quantile of any number of returns; a loss of fewer than 60 is INSUFFICIENT here (RULEBOOK 9)"
DIVISOR = "divides by n - 1; the downside deviation is over all n (RULEBOOK 9)"
ORDER_STATISTIC = "an order statistic; the quantile is type 7 here (RULEBOOK 9)"
FRACTIONAL = "above an order statistic, by the fraction that makes exactly the tail; here the mean at or beyond VaR"
COMPOUND = "the compound mean of simple returns; RULEBOOK 11 has the mean log return and half the variance"
UNCOMPOUNDED = "falls of the sum of returns, which can pass 100 %; the drawdown is of the index (RULEBOOK 9)"


def _infinite(ratio: Figures) -> tuple[Convention, ...]:
    return (Convention(INFINITE, lambda case: np.inf if ratio(case) is None and len(_returns(case)) > 1 else None),)


def _sharpe(case: Case) -> float | None:
    return _scaled(sharpe(_returns(case) - _series(case, case.inputs["risk_free"])), sqrt(_per_year(case) / 252))


def _sortino(case: Case) -> float | None:
    ratio = sortino(_returns(case), _series(case, case.inputs["required_return"]))
    return _scaled(ratio, sqrt(_per_year(case) / 252))


def _downside(case: Case) -> float | None:
    deviation = downside_deviation_annual(_returns(case), _series(case, case.inputs["required_return"]))
    return _scaled(deviation, sqrt(_per_year(case) / 252))


EMPYRICAL = {
    "cum_returns": Yardstick(_cumulative),
    "cum_returns_final": Yardstick(lambda case: _cumulative(case)[-1] if len(_returns(case)) else None),
    "max_drawdown": Yardstick(
        lambda case: -max_drawdown(_index(_returns(case))).depth if len(_returns(case)) else None
    ),
    "annual_return": Yardstick(_annual, (Convention(BELOW_A_YEAR, _by_observations),)),
    "cagr": Yardstick(_annual, (Convention(BELOW_A_YEAR, _by_observations),)),
    "annual_volatility": Yardstick(
        lambda case: _scaled(volatility_annual(_returns(case)), sqrt(_per_year(case) / 252))
    ),
    "downside_risk": Yardstick(_downside),
    "sortino_ratio": Yardstick(_sortino, _infinite(_sortino)),
    "sharpe_ratio": Yardstick(_sharpe, _infinite(_sharpe)),
    "excess_sharpe": Yardstick(lambda case: _scaled(information_ratio(*_paired(case)), 1 / sqrt(252))),
    "alpha_beta": Yardstick(lambda case: [alpha_annual(*_paired(case)), beta(*_paired(case))]),
    "alpha": Yardstick(lambda case: alpha_annual(*_paired(case))),
    "beta": Yardstick(lambda case: beta(*_paired(case))),
    "value_at_risk": Yardstick(
        lambda case: _scaled(value_at_risk(np.array(_returns(case)), 1 - case.inputs["cutoff"]).var, -1),
        (Convention(SIGNED_QUANTILE, _signed_quantile),),
    ),
}
SKFOLIO = {
    "variance": Yardstick(_each(lambda r: (volatility_annual(r) or 0) ** 2 / 252)),
    "standard deviation": Yardstick(_each(lambda r: (volatility_annual(r) or 0) / sqrt(252))),
    "semi-variance about mean": Yardstick(
        _each(lambda r: _semivariance(r, r.mean())),
        (Convention(DIVISOR, _each(lambda r: _unbiased(r, _semivariance(r, r.mean())))),),
    ),
    "semi-variance about 0": Yardstick(
        _each(lambda r: _semivariance(r, 0.0)),
        (Convention(DIVISOR, _each(lambda r: _unbiased(r, _semivariance(r, 0.0)))),),
    ),
    "semi-deviation about mean": Yardstick(
        _each(lambda r: sqrt(_semivariance(r, r.mean()))),
        (Convention(DIVISOR, _each(lambda r: sqrt(_unbiased(r, _semivariance(r, r.mean()))))),),
    ),
    "semi-deviation about 0": Yardstick(
        _each(lambda r: sqrt(_semivariance(r, 0.0))),
        (Convention(DIVISOR, _each(lambda r: sqrt(_unbiased(r, _semivariance(r, 0.0))))),),
    ),
    "skew": Yardstick(_each(lambda r: skew_and_excess_kurtosis(r)[0])),
    "kurtosis": Yardstick(_each(lambda r: skew_and_excess_kurtosis(r)[1] + 3)),
    "historical var": Yardstick(
        _each_at(lambda r, at: value_at_risk(r, at).var), (Convention(ORDER_STATISTIC, _each_at(_order_statistic)),)
    ),
    "cvar": Yardstick(
        _each_at(lambda r, at: value_at_risk(r, at).es), (Convention(FRACTIONAL, _each_at(_fractional_shortfall)),)
    ),
    "max drawdown compounded": Yardstick(_each(lambda r: max_drawdown(_index(r)).depth)),
    "max drawdown": Yardstick(
        _each(lambda r: max_drawdown(_index(r)).depth),
        (Convention(UNCOMPOUNDED, _each(lambda r: -log(1 - max_drawdown(_rising(r)).depth))),),
    ),
    "mean": Yardstick(_each(lambda r: (active_return_annual(r, np.zeros(len(r))) or 0) / 252)),
    "exponentially weighted mean": Yardstick(_weighted_means),
    "effective number": Yardstick(lambda case: concentration(np.array(case.inputs["weights"])).effective_number),
}
OTHERS = {
    "kappa l=2": Yardstick(lambda case: _scaled(sortino(_bacon(case), _at(case, "mar", 0)), 1 / sqrt(252))),
    "sortinoratio": Yardstick(lambda case: _scaled(sortino(_bacon(case), _at(case, "mar", 0)), 1 / sqrt(252))),
    "downsidedeviation": Yardstick(
        lambda case: _scaled(downside_deviation_annual(_bacon(case), _at(case, "mar", 0)), 1 / sqrt(252))
    ),
    "covariance": Yardstick(lambda case: {"cov_daily": covariance(_simple(case), minimum=2)}),
    "mean return": Yardstick(
        lambda case: {"mu": ewma_mean(_simple(case), np.inf, minimum=2) * case.inputs["frequency"]},
        (Convention(COMPOUND, _compound_means, lambda case: case.inputs["compounding"]),),
    ),
    "hhi": Yardstick(_concentrated),
}
YARDSTICKS = EMPYRICAL | SKFOLIO | OTHERS
