"""Parts of VaR and ES sum to the whole, are the whole's change per unit of weight, and grow with the weights."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.analytics.risk.component_risk import parametric_components
from domain.analytics.risk.value_at_risk import Method, normal_tail, value_at_risk
from tests.effort import examples

WEIGHTS = arrays(np.float64, 4, elements=st.floats(-2, 2))
FACTORS = arrays(np.float64, (4, 4), elements=st.floats(-0.05, 0.05))
RETURNS = arrays(np.float64, (80, 4), elements=st.floats(-0.3, 0.3))
HORIZONS = st.sampled_from([1, 10])
MEAN = np.array([0.001, -0.0005, 0.0, 0.002])
DRAWN = np.random.default_rng(3).multivariate_normal(np.zeros(3), [[4, 1, 0], [1, 9, -2], [0, -2, 1]], 500) / 100
HELD = np.array([0.5, 0.3, -0.2])


@given(WEIGHTS, FACTORS, st.floats(0.5, 0.999), HORIZONS)
@settings(max_examples=examples(100), deadline=None)
def test_parametric_parts_sum_to_the_whole(weights, factors, confidence, horizon):
    found = parametric_components(weights, factors @ factors.T, MEAN, 250, confidence, horizon)
    assert found.var.sum() == pytest.approx(found.total.var, abs=1e-12)
    assert found.es.sum() == pytest.approx(found.total.es, abs=1e-12)


@given(WEIGHTS, RETURNS, st.floats(0.1, 10))
@settings(max_examples=examples(50), deadline=None)
def test_parts_grow_with_the_weights(weights, returns, times):
    assume(np.abs(weights).max() > 1e-3)
    covariance = np.cov(returns.T)
    assume(weights @ covariance @ weights > 1e-9)
    one, more = (parametric_components(each, covariance, np.zeros(4), 80) for each in (weights, weights * times))
    assert more.var == pytest.approx(one.var * times, rel=1e-6, abs=1e-9)


def test_a_parametric_part_is_weight_times_the_change_of_the_whole():
    covariance = np.cov(DRAWN.T)
    found = parametric_components(HELD, covariance, MEAN[:3], 500, 0.99)
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-6
        above, below = (parametric_components(HELD + s, covariance, MEAN[:3], 500, 0.99).total for s in (step, -step))
        assert found.var[i] == pytest.approx(HELD[i] * (above.var - below.var) / 2e-6, rel=1e-6)
        assert found.es[i] == pytest.approx(HELD[i] * (above.es - below.es) / 2e-6, rel=1e-6)


def test_the_whole_is_the_portfolios_own_value_at_risk():
    series = DRAWN @ HELD
    parametric = value_at_risk(series, method=Method.PARAMETRIC)
    by_moments = parametric_components(HELD, np.cov(DRAWN.T), DRAWN.mean(axis=0), 500).total
    assert (by_moments.var, by_moments.es) == pytest.approx((parametric.var, parametric.es), abs=1e-12)


def test_a_hedge_takes_risk_away():
    covariance = np.array([[0.0004, 0.0004], [0.0004, 0.0004]])
    found = parametric_components(np.array([1.0, -0.5]), covariance, np.zeros(2), 250)
    whole = normal_tail(0, 0.01, 0.95)
    assert found.var == pytest.approx([2 * whole.var, -whole.var])


def test_a_portfolio_that_does_not_move_loses_its_mean():
    found = parametric_components(np.array([1.0, 1.0]), np.zeros((2, 2)), np.array([-0.01, 0.02]), 250)
    assert found.var == pytest.approx([0.01, -0.02])
    assert found.total.var == pytest.approx(-0.01)


def test_fewer_than_sixty_observations_are_no_number():
    found = parametric_components(HELD, np.cov(DRAWN.T), MEAN[:3], 59)
    assert (found.total.status, found.total.n) == ("INSUFFICIENT", 59)
    assert (found.total.var, found.var, found.es) == (None, None, None)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"weights": HELD[:2]}, "weights"),
        ({"weights": np.array([0.5, np.nan, 0.5])}, "finite"),
        ({"mean": np.zeros(2)}, "mean"),
        ({"covariance": np.triu(np.ones((3, 3)))}, "symmetric"),
        ({"covariance": np.diag([-1.0, 1.0, 1.0])}, "variance"),
        ({"confidence": 1.0}, "confidence"),
        ({"horizon_days": 0}, "horizon_days"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changed, named):
    good = {"weights": HELD, "covariance": np.eye(3), "mean": np.zeros(3), "n": 250}
    with pytest.raises(ValueError, match=named):
        parametric_components(**(good | changed))
