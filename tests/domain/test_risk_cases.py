"""Risk, concentration and moments as four analytics libraries and closed forms have them, case by case.

Every case is either equal (after its unit: per day, week or month); or by another convention: then what we give is not
equal, and with the other convention put in its place it is; or out of scope, with the reason. Nothing is unexplained.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from math import ceil, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from domain.analytics.estimates.moments import covariance, ewma_mean
from domain.analytics.returns.performance import annualise, twr_index
from domain.analytics.risk.benchmark import active_return_annual, alpha_annual, beta, information_ratio
from domain.analytics.risk.concentration import concentration
from domain.analytics.risk.ratios import downside_deviation_annual, max_drawdown, sharpe, sortino, volatility_annual
from domain.analytics.risk.value_at_risk import historical_tail, skew_and_excess_kurtosis, value_at_risk

Case = dict[str, Any]
Calculation = Callable[[Case], Any]
FOLDER = Path(__file__).parents[1] / "cases"
SAMPLE = Path(__file__).parents[2] / "sample_data" / "price_daily.parquet"
FILES = {
    name: json.loads((FOLDER / f"{name}.json").read_text())
    for name in ("empyrical", "performanceanalytics", "skfolio_measures", "pypfopt_moments")
}
FILES |= {
    name: json.loads((FOLDER / f"{name}.json").read_text())
    for name in ("montecarlo_and_closed_forms", "twr_mwr_worked_examples")
}
ROWS = [{**case, "file": name} for name, file in FILES.items() for case in file["cases"]]
PERIODS = {"daily": 252, "weekly": 52, "monthly": 12}
BACON = {
    name: np.array(FILES["performanceanalytics"]["inline_data"]["portfolio_bacon"][name])
    for name in ("portfolio", "benchmark")
}


def numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def series(named: str | list[float] | float) -> Any:
    """A series of empyrical's by name, or what was given in its place."""
    if not isinstance(named, str):
        return np.array(named) if isinstance(named, list) else named
    if named == "flat_line_1_tz":  # "1000 daily values, all 0.01"
        return np.full(1000, 0.01)
    if named == "pos_line":
        return np.linspace(0, 1, 1000)
    return numbers(FILES["empyrical"]["series"][named]["values"])


def returns_of(case: Case) -> np.ndarray:
    return series(case["inputs"]["returns"])


def benchmark_of(case: Case) -> np.ndarray:
    return series(case["inputs"].get("benchmark", case["inputs"].get("factor_returns")))


def per_day(case: Case) -> float:
    """Ours takes a year for 252 periods."""
    return sqrt(PERIODS[case["inputs"]["period"]] / 252)


def growth(returns: np.ndarray) -> np.ndarray:
    """The index of returns, where a NaN is a day without a base."""
    base = np.where(np.isnan(returns), 0.0, 1.0)
    return twr_index(base, base * (1 + np.nan_to_num(returns)), np.zeros(len(base)), np.zeros(len(base))).index


def index_of(returns: np.ndarray) -> np.ndarray:
    return np.concatenate([[1.0], growth(returns)])


def per_security(measure: Callable[[np.ndarray], float | None]) -> Calculation:
    return lambda case: [measure(closes_to_returns(ticker)) for ticker in case["inputs"]["columns"]]


@cache
def closes_to_returns(ticker: str, since: str = "1990-01-01") -> np.ndarray:
    table = pq.read_table(SAMPLE, filters=[("ticker", "==", ticker)], columns=["price_date", "close"])
    rows = zip(table["price_date"].to_pylist(), table["close"].to_pylist(), strict=True)
    close = np.array([float(price) for day, price in rows if str(day) >= since])
    return close[1:] / close[:-1] - 1


def simple(case: Case) -> np.ndarray:
    prices = np.array(case["inputs"]["prices"], dtype=float)
    return prices[1:] / prices[:-1] - 1


def scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def rising(returns: np.ndarray) -> np.ndarray:
    """An index whose logarithm is the sum of the returns, so that its falls are those of the sum."""
    return np.exp(np.concatenate([[0.0], np.cumsum(returns[~np.isnan(returns)])]))


def order_statistic(returns: np.ndarray) -> float:
    """The ceil((1 - 95 %) n)-th smallest return: the confidence at which type 7 falls on it."""
    n = len(returns)
    return historical_tail(-returns, (n - ceil(0.05 * n)) / (n - 1)).var


def fractional_shortfall(returns: np.ndarray) -> float:
    threshold = order_statistic(returns)
    return threshold + float(np.maximum(-returns - threshold, 0).mean()) / 0.05


OURS: dict[str, Calculation] = {
    # empyrical
    "cum_returns": lambda c: (
        growth(returns_of(c)) * (c["inputs"]["starting_value"] or 1) - (not c["inputs"]["starting_value"])
    ),
    "cum_returns_final": lambda c: (
        growth(returns_of(c))[-1] * (c["inputs"]["starting_value"] or 1) - (not c["inputs"]["starting_value"])
    ),
    "max_drawdown": lambda c: -max_drawdown(index_of(returns_of(c))).depth if len(returns_of(c)) else None,
    "annual_return": lambda c: annualise(growth(returns_of(c))[-1:] - 1, np.array([days_of(c)]))[0],
    "cagr": lambda c: annualise(growth(returns_of(c))[-1:] - 1, np.array([days_of(c)]))[0],
    "annual_volatility": lambda c: volatility_annual(returns_of(c)) * per_day(c),
    "downside_risk": lambda c: scaled(
        downside_deviation_annual(returns_of(c), series(c["inputs"]["required_return"])), per_day(c)
    ),
    "sortino_ratio": lambda c: scaled(sortino(returns_of(c), series(c["inputs"]["required_return"])), per_day(c)),
    "sharpe_ratio": lambda c: sharpe(returns_of(c) - series(c["inputs"]["risk_free"])),
    "excess_sharpe": lambda c: scaled(information_ratio(returns_of(c), benchmark_of(c)), 1 / sqrt(252)),
    "alpha_beta": lambda c: [alpha_annual(*paired(c)), beta(*paired(c))],
    "alpha": lambda c: alpha_annual(*paired(c)),
    "beta": lambda c: beta(*paired(c)),
    "value_at_risk": lambda c: scaled(value_at_risk(np.array(returns_of(c)), 1 - c["inputs"]["cutoff"]).var, -1),
    # PerformanceAnalytics
    "bacon-Kappa-l=2": lambda c: sortino(BACON["portfolio"], c["params"]["mar"]) / sqrt(252),
    # skfolio
    "var-unbiased": per_security(lambda r: volatility_annual(r) ** 2 / 252),
    "sd-unbiased": per_security(lambda r: volatility_annual(r) / sqrt(252)),
    "semivar-mean": per_security(lambda r: downside_deviation_annual(r, r.mean()) ** 2 / 252),
    "semivar-0": per_security(lambda r: downside_deviation_annual(r) ** 2 / 252),
    "skew": per_security(lambda r: skew_and_excess_kurtosis(r)[0]),
    "kurt": per_security(lambda r: skew_and_excess_kurtosis(r)[1] + 3),
    "var95": per_security(lambda r: value_at_risk(r, 0.95).var),
    "cvar95": per_security(lambda r: value_at_risk(r, 0.95).es),
    "maxdd-compounded": per_security(lambda r: max_drawdown(index_of(r)).depth),
    "maxdd-arithmetic": per_security(lambda r: max_drawdown(index_of(r)).depth),
    "nan-mean": lambda c: active_return_annual(numbers(returns_of_list(c)), np.zeros(7)) / 252,
    "nan-maxdd": lambda c: max_drawdown(index_of(numbers(returns_of_list(c)))).depth,
    "ewma-mean-hl40": lambda c: {
        ticker: float(ewma_mean(closes_to_returns(ticker, "2014-01-01")[:, None], c["params"]["half_life"])[0])
        for ticker in c["expected"]
    },
    "effective-number": lambda c: concentration(np.array(c["inputs"]["weights"])).effective_number,
    # PyPortfolioOpt
    "cov-simple-5x3": lambda c: {"cov_daily": covariance(simple(c), minimum=2)},
    "mu-arithmetic-5x4": lambda c: {"mu": ewma_mean(simple(c), np.inf, minimum=2)},
    # closed forms
    "hhi": lambda c: {
        "hhi": concentration(np.array(c["inputs"]["weights"])).hhi,
        "effective_n": concentration(np.array(c["inputs"]["weights"])).effective_number,
        "doj_points": concentration(np.array(c["inputs"]["weights"])).hhi * 10_000,
    },
}


def returns_of_list(case: Case) -> list[float | None]:
    return case["inputs"]["returns"]


def days_of(case: Case) -> int:
    """Calendar days that as many observations of the period take."""
    return round(len(returns_of(case)) * 365 / PERIODS[case["inputs"]["period"]])


def paired(case: Case) -> tuple[np.ndarray, np.ndarray]:
    mine, market = returns_of(case), benchmark_of(case)
    return mine, market[: len(mine)]


INFINITE = "a ratio to no risk is infinite upstream and None here"
BELOW_A_YEAR = "annualised however short; rulebook 7 annualises from one year on, so here None"
BY_OBSERVATIONS = "a year is 252 observations upstream and 365 calendar days here (rulebook 7)"
SIGNED_QUANTILE = "a quantile of any number of returns; a loss of fewer than 60 is INSUFFICIENT here (rulebook 9)"
DIVISOR = "divides by n - 1; the downside deviation is over all n (rulebook 9)"
UNCOMPOUNDED = "falls of the sum of returns, which can pass 100 %; the drawdown is of the index (rulebook 9)"

ALIGNED: dict[str, tuple[str, Calculation]] = {
    "sharpe_ratio-53": (INFINITE, lambda c: float("inf") if sharpe(returns_of(c)) is None else None),
    "sortino_ratio-68": (INFINITE, lambda c: float("inf") if sortino(returns_of(c)) is None else None),
    "annual_return": (BELOW_A_YEAR, lambda c: by_observations(c)),
    "cagr": (BELOW_A_YEAR, lambda c: by_observations(c)),
    "cagr-93": (BY_OBSERVATIONS, lambda c: by_observations(c)),
    "value_at_risk": (
        SIGNED_QUANTILE,
        lambda c: -historical_tail(-np.array(returns_of(c), dtype=float), 1 - c["inputs"]["cutoff"]).var,
    ),
    "semivar-mean": (DIVISOR, lambda c: [v * 8312 / 8311 for v in OURS["semivar-mean"](c)]),
    "semivar-0": (DIVISOR, lambda c: [v * 8312 / 8311 for v in OURS["semivar-0"](c)]),
    "var95": ("an order statistic; the quantile is type 7 here (rulebook 9)", per_security(order_statistic)),
    "cvar95": (
        "above an order statistic, which counts by the fraction that makes exactly 5 %; here the mean at or beyond VaR",
        per_security(fractional_shortfall),
    ),
    "maxdd-arithmetic": (UNCOMPOUNDED, per_security(lambda r: -log(1 - max_drawdown(rising(r)).depth))),
    "nan-maxdd": (UNCOMPOUNDED, lambda c: -log(1 - max_drawdown(rising(numbers(returns_of_list(c)))).depth)),
}


def by_observations(case: Case) -> float:
    returns = returns_of(case)
    return growth(returns)[-1] ** (PERIODS[case["inputs"]["period"]] / len(returns)) - 1


NO_SUCH_RATIO = "not among the measures of rulebook 9"
ROLLING = "a window that moves over a series: one number per series here"
# PerformanceAnalytics has its series by EDHEC's permission and under the GPL, so they are not carried here.
# The cases below were compared on 2026-11-21 with the series of the commit that the file names.
NOT_CARRIED = "the series cannot be carried; compared by hand: "
EQUAL_BY_HAND = NOT_CARRIED + "equal"
POPULATION = NOT_CARRIED + "equal with its divisor n; here ddof 1 (rulebook 9)"
GEOMETRIC = NOT_CARRIED + "equal with its compound annual return; here 252 x the mean (rulebook 9)"
DEEPEST = NOT_CARRIED + "the first row is our drawdown; the next deepest are not here"
RETURNS = "returns, not risk: tested in test_performance.py"
SIMULATED = "a simulation's distribution: tested in test_simulation.py"

OUT_OF_SCOPE: dict[str, str] = {
    "aggregate_returns": "returns by calendar period are grouped in the marts",
    "calmar_ratio": NO_SUCH_RATIO,
    "omega_ratio": NO_SUCH_RATIO,
    "stability_of_timeseries": NO_SUCH_RATIO,
    "tail_ratio": NO_SUCH_RATIO,
    "capture": NO_SUCH_RATIO,
    "up_capture": NO_SUCH_RATIO,
    "down_capture": NO_SUCH_RATIO,
    "up_down_capture": NO_SUCH_RATIO,
    "roll_max_drawdown": ROLLING,
    "roll_sharpe_ratio": ROLLING,
    "value_at_risk-119": "a confidence of 100 % is refused: no loss is certain to be the worst",
    "value_at_risk-121": "a confidence of 0 % is refused: it asks for the best day",
    "var-hist-95": EQUAL_BY_HAND,
    "sd-monthly": EQUAL_BY_HAND,
    "sharpe-monthly-const-rf": EQUAL_BY_HAND,
    "sharpe-monthly-series-rf": EQUAL_BY_HAND,
    "sharpe-annual-const-rf": EQUAL_BY_HAND,
    "sd-annual-managers": EQUAL_BY_HAND,
    "downside-dev-4pc": EQUAL_BY_HAND,
    "semi-dev": EQUAL_BY_HAND,
    "maxdd-edhec": EQUAL_BY_HAND,
    "capm-r2": EQUAL_BY_HAND,
    "capm-corr": EQUAL_BY_HAND,
    "ret-cum": EQUAL_BY_HAND,
    "var-gauss-95": POPULATION,
    "es-gauss-95": POPULATION,
    "var-cf-95": POPULATION,
    "var-cf-99": POPULATION,
    "sharpe-annual-rf0-geo": GEOMETRIC,
    "information-ratio": GEOMETRIC,
    "dd-table-convertible": DEEPEST,
    "dd-table-short-selling": DEEPEST,
    "ret-annual-geo": NOT_CARRIED + "equal; twelve months are 365 days",
    "calendar-sp500": "returns by calendar period are grouped in the marts",
    "omega": NO_SUCH_RATIO,
    "ulcer": NO_SUCH_RATIO,
    "pain": NO_SUCH_RATIO,
    **{
        case["id"]: NO_SUCH_RATIO
        for case in FILES["performanceanalytics"]["cases"]
        if case["data"] == "portfolio_bacon" and case["id"] != "bacon-Kappa-l=2"
    },
    "portfolio-drift-vs-rebalance": "weights between two rebalancings are the simulation's, not a measure of risk",
    "ddar95-compounded": NO_SUCH_RATIO,
    "cdar95-compounded": NO_SUCH_RATIO,
    "nan-dd-compounded": "the fall on every day; here the deepest, which nan-maxdd has",
    "mu-geometric-5x4": "compound mean of simple returns; rulebook 11 has the mean log return and half the variance",
    "mu-geometric-real-20": "as mu-geometric-5x4; its prices are in a file that the case does not carry",
    "capm-real-20": "an expected return from beta, which rulebook 11 does not have; its prices are not carried",
    "european_option": SIMULATED,
    "gbm_terminal_distribution": SIMULATED,
    **{case["id"]: RETURNS for case in FILES["twr_mwr_worked_examples"]["cases"]},
}


def entry(table: dict[str, Any], row: Case) -> Any:
    """Return what a table says of a case, by its id or else by its function."""
    return table.get(row["id"], table.get(row.get("function", row.get("kind", ""))))


def matches(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(matches(found[k], v, tolerance) for k, v in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(
            matches(one, other, tolerance) for one, other in zip(found, expected, strict=True)
        )
    if expected is None or found is None:
        return found is expected
    return bool(found == float(expected) or abs(found - float(expected)) <= tolerance)


def explained(row: Case) -> str:
    if entry(OUT_OF_SCOPE, row):
        return "out of scope"
    is_ours = matches(entry(OURS, row)(row), row["expected"], row["tolerance"])
    if not entry(ALIGNED, row):
        return "equal" if is_ours else "unexplained"
    _, aligned = entry(ALIGNED, row)
    is_aligned = matches(aligned(row), row["expected"], row["tolerance"])
    return "another convention" if is_aligned and not is_ours else "unexplained"


@pytest.mark.parametrize("row", [row for row in ROWS if not entry(OUT_OF_SCOPE, row)], ids=lambda row: row["id"])
def test_a_measure_is_what_the_library_gives(row: Case) -> None:
    assert explained(row) != "unexplained", entry(OURS, row)(row)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("empyrical", {"equal": 32, "another convention": 8, "out of scope": 27}),
        ("performanceanalytics", {"equal": 1, "out of scope": 37}),
        ("skfolio_measures", {"equal": 8, "another convention": 6, "out of scope": 3}),
        ("pypfopt_moments", {"equal": 2, "out of scope": 3}),
        ("montecarlo_and_closed_forms", {"equal": 2, "out of scope": 24}),
        ("twr_mwr_worked_examples", {"out of scope": 6}),
    ],
)
def test_every_case_is_equal_explained_or_out_of_scope(
    file: str, expected: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    counts = Counter(explained(row) for row in ROWS if row["file"] == file)
    with capsys.disabled():
        print(f"\n{file}: {dict(counts)}", file=sys.__stderr__)

    assert counts == expected


def test_no_entry_is_for_a_case_that_does_not_exist() -> None:
    known = {name for row in ROWS for name in (row["id"], row.get("function", row.get("kind", "")))}
    assert {*OURS, *ALIGNED, *OUT_OF_SCOPE} <= known
