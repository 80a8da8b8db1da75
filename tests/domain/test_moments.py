"""Means, covariances, shrinkage and the repair to positive semi-definite."""

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.analytics.estimates.moments import (
    common_days,
    covariance,
    drift_annual,
    ewma_mean,
    ledoit_wolf,
)

DRAWN = np.random.default_rng(5).multivariate_normal([0.001, 0, 0], [[4, 1, 0], [1, 9, -2], [0, -2, 1]], 200) / 100
# In thousandths: LAPACK's own eigenvalues are off by 1e-4 where entries are 1e-162.
SQUARES = arrays(np.int64, (4, 4), elements=st.integers(-1000, 1000)).map(lambda each: (each + each.T) / 2000)


def test_a_day_missing_in_one_column_is_no_day_of_any():
    holed = DRAWN.copy()
    holed[3, 1] = np.nan
    whole = np.delete(DRAWN, 3, axis=0)
    assert np.array_equal(common_days(holed), whole)
    assert np.array_equal(covariance(holed), covariance(whole))


def test_covariance_has_the_divisor_n_less_one():
    assert covariance(DRAWN) == pytest.approx(np.cov(DRAWN.T, ddof=1), abs=1e-15)


def test_the_drift_has_half_the_variance_put_back_once():
    # RULEBOOK 11: m = 252 x mean(log return) + s^2 / 2
    volatility = DRAWN.std(axis=0, ddof=1) * np.sqrt(252)
    assert drift_annual(DRAWN) == pytest.approx(252 * DRAWN.mean(axis=0) + volatility**2 / 2)


def test_recent_days_weigh_more_by_their_half_life():
    days = np.array([[0.04], [0.02], [0.01]])  # weights 1/4, 1/2, 1 of 7/4
    assert ewma_mean(days, 1, minimum=2) == pytest.approx((0.04 / 4 + 0.02 / 2 + 0.01) / 1.75)


def test_without_a_half_life_every_day_weighs_the_same():
    assert ewma_mean(DRAWN, np.inf) == pytest.approx(DRAWN.mean(axis=0))


def test_few_days_are_drawn_far_and_many_hardly():
    (_, few), (_, many) = ledoit_wolf(DRAWN[:60]), ledoit_wolf(np.tile(DRAWN, (50, 1)))
    assert 0 <= many < few <= 1


def test_shrinking_keeps_the_sum_of_variances_and_pulls_covariances_to_zero():
    drawn, by = ledoit_wolf(DRAWN)
    plain = covariance(DRAWN)
    assert np.trace(drawn) == pytest.approx(np.trace(plain))
    assert drawn[0, 1] == pytest.approx((1 - by) * plain[0, 1])


def test_shrinking_scaled_returns_is_a_correlation_that_keeps_its_diagonal():
    drawn, _ = ledoit_wolf(DRAWN / DRAWN.std(axis=0, ddof=1))
    assert np.diagonal(drawn) == pytest.approx(np.ones(3))


def test_more_securities_than_days_still_have_an_inverse():
    wide = np.random.default_rng(2).normal(0, 0.01, (60, 90))
    assert np.linalg.eigvalsh(ledoit_wolf(wide)[0]).min() > 0
    assert np.linalg.eigvalsh(covariance(wide)).min() < 1e-12


def test_returns_that_do_not_move_are_not_drawn():
    drawn, by = ledoit_wolf(np.zeros((60, 2)))
    assert by == 0.0
    assert not drawn.any()


def test_what_cannot_be_measured_is_refused_by_name():
    with pytest.raises(ValueError, match="59 common days are fewer than 60"):
        covariance(DRAWN[:59])
    with pytest.raises(ValueError, match="infinity"):
        common_days(np.array([[np.inf]]))
    with pytest.raises(ValueError, match="half_life_days"):
        ewma_mean(DRAWN, 0)
