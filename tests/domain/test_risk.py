"""Volatility, Sharpe ratio and drawdown; libraries' own test figures are in tests/yardsticks."""

from math import sqrt

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
    assert volatility_annual(np.full(9, 0.01)) == pytest.approx(0.0, abs=1e-15)
    assert sharpe(np.full(9, 0.01)) is None
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
