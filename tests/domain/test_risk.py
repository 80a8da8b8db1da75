"""Volatility, Sharpe ratio and drawdown, against empyrical's and Portfolio Performance's own test figures."""

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from domain.analytics.risk.ratios import (
    Drawdown,
    downside_deviation_annual,
    max_drawdown,
    sharpe,
    sortino,
    volatility_annual,
)

FOLDER = Path(__file__).parents[1] / "cases"
EMPYRICAL = json.loads((FOLDER / "empyrical.json").read_text())
PORTFOLIO_PERFORMANCE = json.loads((FOLDER / "portfolio_performance.json").read_text())["cases"]
NOT_RUN = {
    "max_drawdown-17": "of no returns: here an empty index is refused (tested below)",
    "sharpe_ratio-53": "of constant returns: infinite upstream, None here (tested below)",
}


def series(name: str) -> np.ndarray:
    given = EMPYRICAL["series"][name]
    if name == "flat_line_1_tz":  # "1000 daily values, all 0.01"
        return np.full(1000, 0.01)
    return np.array([np.nan if value is None else value for value in given["values"]], dtype=float)


def index_of(returns: np.ndarray) -> np.ndarray:
    return np.concatenate([[1.0], np.cumprod(1 + returns)])


def cases_of(function: str) -> list:
    found = [case for case in EMPYRICAL["cases"] if case["function"] == function and case["id"] not in NOT_RUN]
    return [pytest.param(case, id=case["id"]) for case in found]


def test_every_case_not_run_exists_and_has_a_reason():
    # The other functions of the file are in test_risk_cases.py.
    assert set(NOT_RUN) <= {case["id"] for case in EMPYRICAL["cases"]}
    assert [len(cases_of(name)) for name in ("annual_volatility", "sharpe_ratio", "max_drawdown")] == [2, 5, 2]


@pytest.mark.parametrize("case", cases_of("annual_volatility"))
def test_volatility_is_empyricals(case):
    # Ours is of daily returns: the weekly case is compared after undoing its sqrt(52).
    per_year = {"daily": 252, "weekly": 52}[case["inputs"]["period"]]
    found = volatility_annual(series(case["inputs"]["returns"])) * sqrt(per_year / 252)
    assert found == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize("case", cases_of("sharpe_ratio"))
def test_sharpe_on_excess_returns_is_empyricals(case):
    free = case["inputs"]["risk_free"]
    excess = series(case["inputs"]["returns"]) - (series(free) if isinstance(free, str) else free)
    assert sharpe(excess) == (
        None if case["expected"] is None else pytest.approx(case["expected"], abs=case["tolerance"])
    )


@pytest.mark.parametrize("case", cases_of("max_drawdown"))
def test_drawdown_is_empyricals_as_a_positive_number(case):
    depth = max_drawdown(index_of(series(case["inputs"]["returns"]))).depth
    assert depth == pytest.approx(-case["expected"], abs=1e-7)


@pytest.mark.parametrize("name", ["risk-drawdown-accumulated", "risk-drawdown-2"])
def test_drawdown_of_accumulated_returns_is_portfolio_performances(name):
    # The duration of risk-drawdown-2 counts upstream's calendar days under water and is not a figure of ours.
    case = next(case for case in PORTFOLIO_PERFORMANCE if case["id"] == name)
    found = max_drawdown(1 + np.array(case["inputs"]["accumulated"]))
    assert found.depth == pytest.approx(case["expected"]["max_drawdown"], abs=case["tolerance"])


def test_recovery_is_the_first_day_back_at_the_old_high():
    # Portfolio Performance, risk-recovery: from 2015-01-04 to 2015-01-12, days 3 and 11.
    case = next(case for case in PORTFOLIO_PERFORMANCE if case["id"] == "risk-recovery")
    found = max_drawdown(1 + np.array(case["inputs"]["accumulated"], dtype=float))
    assert (found.peak, found.trough, found.recovery) == (1, 3, 11)


def test_a_fall_that_has_not_recovered_says_so():
    assert max_drawdown(np.array([1.0, 2.0, 2.0, 1.0, 1.5])) == Drawdown(0.5, peak=2, trough=3, recovery=None)


def test_of_equal_falls_the_first_counts():
    assert max_drawdown(np.array([2.0, 1.0, 2.0, 1.0])) == Drawdown(0.5, peak=0, trough=1, recovery=2)


def test_an_index_that_never_falls_has_no_drawdown():
    assert max_drawdown(np.array([1.0, 1.0, 1.2])) == Drawdown(0.0, 0, 0, 0)


@pytest.mark.parametrize("index", [[], [1.0, np.nan], [0.0, 1.0], [-1.0]])
def test_what_is_no_index_is_refused(index):
    with pytest.raises(ValueError, match="index"):
        max_drawdown(np.array(index))


def test_constant_excess_has_volatility_zero_and_no_sharpe_ratio():
    assert volatility_annual(series("flat_line_1")) == pytest.approx(0.0, abs=1e-15)
    assert sharpe(series("flat_line_1")) is None
    assert sharpe(np.zeros(10)) is None


def test_breaks_are_no_observations():
    returns = np.array([0.01, np.nan, -0.02, 0.03])
    assert volatility_annual(returns) == volatility_annual(returns[~np.isnan(returns)])
    assert volatility_annual(np.array([0.01, np.nan])) is None


def test_the_downside_deviation_divides_by_all_days():
    # Two days of four below, by 0.03 and 0.01: sqrt((0.0009 + 0.0001) / 4), not / 2.
    returns = np.array([0.02, -0.03, 0.05, -0.01])
    assert downside_deviation_annual(returns) == pytest.approx(sqrt(0.001 / 4) * sqrt(252))


def test_a_target_is_one_number_or_one_a_day():
    returns, target = np.array([0.02, -0.03, np.nan, 0.05]), np.array([0.01, np.nan, 0.0, 0.06])
    assert downside_deviation_annual(returns, target) == pytest.approx(sqrt(0.0001 / 2) * sqrt(252))
    assert sortino(returns, target) == pytest.approx(0.0, abs=1e-12)
    assert sortino(returns, 0.01) == sortino(returns, np.full(4, 0.01))
    with pytest.raises(ValueError, match="target"):
        sortino(returns, target[:1])


def test_without_a_day_below_its_target_there_is_no_sortino_ratio():
    assert downside_deviation_annual(np.array([0.01, 0.02])) == 0.0
    assert sortino(np.array([0.01, 0.02])) is None
    assert sortino(np.array([-0.01])) is None
    assert downside_deviation_annual(np.array([np.nan])) is None
