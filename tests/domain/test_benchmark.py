"""Beta, alpha, tracking error and information ratio, of series made to have them, and when there are none."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.risk.benchmark import (
    active_return_annual,
    alpha_annual,
    beta,
    information_ratio,
    tracking_error_annual,
)
from tests.effort import examples

MARKET = np.array([0.01, -0.02, 0.005, 0.03, -0.01, 0.0])
EVERY = (beta, alpha_annual, tracking_error_annual, information_ratio)


@given(st.floats(-3, 3), st.floats(-0.01, 0.01))
@settings(max_examples=examples(50), deadline=None)
def test_a_line_through_the_market_has_its_slope_and_252_times_its_intercept(slope, intercept):
    mine = intercept + slope * MARKET
    assert beta(mine, MARKET) == pytest.approx(slope, abs=1e-9)
    assert alpha_annual(mine, MARKET) == pytest.approx(252 * intercept, abs=1e-9)


def test_alpha_is_the_intercept_of_the_least_squares_line():
    mine = np.array([0.012, -0.01, 0.0, 0.02, -0.02, 0.004])
    (intercept, slope), *_ = np.linalg.lstsq(np.column_stack([np.ones(6), MARKET]), mine, rcond=None)
    assert beta(mine, MARKET) == pytest.approx(slope, abs=1e-12)
    assert alpha_annual(mine, MARKET) == pytest.approx(252 * intercept, abs=1e-12)


def test_the_information_ratio_is_active_return_over_tracking_error():
    mine = MARKET + np.array([0.001, 0.003, -0.001, 0.001, 0.0, 0.002])
    assert active_return_annual(mine, MARKET) == pytest.approx(252 * 0.001)
    assert tracking_error_annual(mine, MARKET) == pytest.approx(sqrt(10e-6 / 5) * sqrt(252))
    assert information_ratio(mine, MARKET) == pytest.approx(
        active_return_annual(mine, MARKET) / tracking_error_annual(mine, MARKET)
    )


@pytest.mark.parametrize("measure", [*EVERY, active_return_annual])
def test_a_day_missing_in_one_series_is_dropped_from_both(measure):
    mine, market = MARKET[::-1].copy(), MARKET.copy()
    mine[1], market[4] = np.nan, np.nan
    days = [0, 2, 3, 5]
    assert measure(mine, market) == measure(mine[days], market[days])


@pytest.mark.parametrize("measure", EVERY)
def test_one_common_day_is_not_enough(measure):
    assert measure(np.array([0.01, np.nan, 0.02]), np.array([0.01, 0.02, np.nan])) is None


def test_without_a_common_day_there_is_no_active_return():
    assert active_return_annual(np.array([np.nan]), np.array([0.01])) is None


def test_a_benchmark_that_does_not_move_has_no_beta_and_no_alpha():
    flat = np.full(6, 0.01)
    assert beta(MARKET, flat) is None
    assert alpha_annual(MARKET, flat) is None


def test_the_benchmark_itself_has_beta_one_and_no_information_ratio():
    assert beta(MARKET, MARKET) == pytest.approx(1.0)
    assert alpha_annual(MARKET, MARKET) == pytest.approx(0.0, abs=1e-15)
    assert tracking_error_annual(MARKET, MARKET) == 0.0
    assert information_ratio(MARKET, MARKET) is None


@pytest.mark.parametrize("measure", [*EVERY, active_return_annual])
def test_series_of_different_lengths_are_refused(measure):
    with pytest.raises(ValueError, match="benchmark"):
        measure(MARKET, MARKET[1:])
