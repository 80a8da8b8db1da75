"""VaR and ES: the rulebook's vectors, what must hold of any returns, and when there is no number."""

from math import pi, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.analytics.risk.value_at_risk import (
    Method,
    cornish_fisher_tail,
    historical_tail,
    horizon_returns,
    normal_tail,
    skew_and_excess_kurtosis,
    value_at_risk,
)
from tests.effort import examples

RETURNS = arrays(np.float64, st.integers(60, 200), elements=st.floats(-0.5, 0.5))
CONFIDENCES = st.floats(0.5, 0.999)
NORMAL = NormalDist()


def fat(n: int = 500) -> np.ndarray:
    """Student's t with four degrees of freedom, as daily returns, a little to the left."""
    drawn = np.random.default_rng(7).standard_t(4, n) * 0.01
    return np.where(drawn < 0, 1.2 * drawn, drawn)


def test_a_normal_loss_is_the_rulebooks():
    # RULEBOOK 9: sd 2 %, mean 0
    at_95, at_99 = normal_tail(0, 0.02, 0.95), normal_tail(0, 0.02, 0.99)
    assert (at_95.var, at_95.es) == pytest.approx((0.0328971, 0.0412543), abs=5e-8)
    assert (at_99.var, at_99.es) == pytest.approx((0.0465270, 0.0533043), abs=5e-8)


def test_the_mean_is_taken_off_a_normal_loss():
    plain, rising = normal_tail(0, 0.02, 0.95), normal_tail(0.001, 0.02, 0.95)
    assert (rising.var, rising.es) == pytest.approx((plain.var - 0.001, plain.es - 0.001))


def test_a_historical_loss_is_the_linear_quantile_and_the_mean_from_it_on():
    losses = np.arange(1.0, 102.0)  # 95 % is 96 exactly; between, 97.5 % is 98.5
    assert (historical_tail(losses, 0.95).var, historical_tail(losses, 0.95).es) == pytest.approx((96.0, 98.5))
    assert (historical_tail(losses, 0.975).var, historical_tail(losses, 0.975).es) == pytest.approx((98.5, 100.0))


def test_the_loss_that_the_quantile_falls_on_is_in_the_shortfall_whatever_its_rounding():
    # 0.7 x 90 is 62.99999999999999 in doubles: type 7 falls on the loss of 63, a rounding error below it.
    losses = np.arange(91.0)
    for share in np.arange(1, 90) / 90:
        at = round(share * 90)
        assert historical_tail(losses, share).es == pytest.approx((at + 90) / 2)


@pytest.mark.parametrize(("skewness", "kurtosis"), [(0, 0), (-0.8, 3.0), (0.4, 1.5), (-1.5, 9.0)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_cornish_fisher_shortfall_is_the_mean_of_its_quantiles_beyond_the_var(skewness, kurtosis, confidence):
    found = cornish_fisher_tail(0.001, 0.02, skewness, kurtosis, confidence)
    z = np.linspace(-12, NORMAL.inv_cdf(1 - confidence), 20_001)
    q = z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36
    mean_beyond = np.trapezoid(q * np.exp(-(z**2) / 2) / sqrt(2 * pi), z) / (1 - confidence)
    assert found.es == pytest.approx(-(0.001 + 0.02 * mean_beyond), rel=1e-6)


def test_without_skew_and_kurtosis_cornish_fisher_is_normal():
    assert cornish_fisher_tail(0.001, 0.02, 0, 0, 0.99) == normal_tail(0.001, 0.02, 0.99)


def test_an_expansion_that_falls_in_the_tail_gives_no_number():
    # Skewness 1 without kurtosis: the quantile has its least at z = -1.8 and rises again farther out.
    assert cornish_fisher_tail(0, 0.02, 1.0, 0.0, 0.95) is None
    assert cornish_fisher_tail(0, 0.02, 0.0, -2.0, 0.95) is None
    lottery = np.where(np.arange(100) % 10 == 0, 0.02, 0.001)  # rare gains: skewness 2.7, kurtosis 5.1
    found = value_at_risk(lottery, 0.95, 1, Method.CORNISH_FISHER)
    assert (found.var, found.es, found.status, found.n) == (None, None, "NOT_MONOTONE", 100)


@given(st.floats(-2, 2), st.floats(-2, 30), CONFIDENCES)
@settings(max_examples=examples(200), deadline=None)
def test_a_cornish_fisher_shortfall_is_never_below_its_var(skewness, kurtosis, confidence):
    assume(kurtosis >= skewness**2 - 2)  # no distribution has less
    found = cornish_fisher_tail(0, 1, skewness, kurtosis, confidence)
    assert found is None or found.es >= found.var


@given(RETURNS, CONFIDENCES, st.sampled_from(Method), st.sampled_from([1, 10]))
@settings(max_examples=examples(200), deadline=None)
def test_es_is_never_below_var(returns, confidence, method, horizon):
    found = value_at_risk(returns, confidence, horizon, method)
    if found.status == "OK":
        assert found.es >= found.var
    else:
        assert (found.var, found.es) == (None, None)


@given(RETURNS, st.sampled_from(Method), st.floats(0.1, 10))
@settings(max_examples=examples(100), deadline=None)
def test_twice_the_position_is_twice_the_loss(returns, method, times):
    assume(returns.std() > 1e-6)
    one, more = value_at_risk(returns, 0.95, 1, method), value_at_risk(returns * times, 0.95, 1, method)
    assume(one.status == more.status == "OK")
    assert (more.var, more.es) == pytest.approx((one.var * times, one.es * times), rel=1e-6, abs=1e-9)


@given(RETURNS, st.floats(-0.1, 0.1))
@settings(max_examples=examples(50), deadline=None)
def test_a_sure_gain_takes_itself_off_the_loss(returns, gain):
    one, more = value_at_risk(returns), value_at_risk(returns + gain)
    assert more.var == pytest.approx(one.var - gain, abs=1e-12)


def test_a_higher_confidence_is_a_greater_loss():
    for method in Method:
        losses = [value_at_risk(fat(), confidence, 1, method).var for confidence in (0.9, 0.95, 0.975, 0.99)]
        assert losses == sorted(losses)


def test_fat_tails_lose_more_than_a_normal_far_out():
    found = {method: value_at_risk(fat(), 0.99, 1, method) for method in Method}
    assert found[Method.CORNISH_FISHER].var > found[Method.PARAMETRIC].var
    assert found[Method.HISTORICAL].es > found[Method.PARAMETRIC].es


@pytest.mark.parametrize("method", Method)
def test_fewer_than_sixty_observations_are_no_number(method):
    returns = np.concatenate([fat(59), [np.nan, np.nan]])
    found = value_at_risk(returns, 0.95, 1, method)
    assert (found.var, found.es, found.n, found.status) == (None, None, 59, "INSUFFICIENT")
    assert value_at_risk(fat(60), 0.95, 1, method).status == "OK"


def test_sixty_historical_windows_of_ten_days_take_sixty_nine_days():
    assert value_at_risk(fat(68), 0.95, 10).status == "INSUFFICIENT"
    assert (value_at_risk(fat(69), 0.95, 10).status, value_at_risk(fat(69), 0.95, 10).n) == ("OK", 60)


def test_a_historical_horizon_compounds_every_window_without_a_break():
    returns = np.array([0.1, 0.2, np.nan, -0.5, 0.1, 0.2])
    assert horizon_returns(returns, 2) == pytest.approx([0.32, -0.45, 0.32])
    assert list(horizon_returns(returns, 1)) == [0.1, 0.2, -0.5, 0.1, 0.2]
    assert len(horizon_returns(returns, 7)) == 0
    assert len(horizon_returns(np.array([]), 1)) == 0


def test_a_window_missing_in_one_column_is_left_out_of_all():
    returns = np.array([[0.1, 0.0], [0.1, np.nan], [0.1, 0.1], [0.1, 0.1]])
    assert horizon_returns(returns, 2) == pytest.approx(np.array([[0.21, 0.21]]))


def test_parametric_moments_grow_with_the_horizon_and_its_root():
    returns = fat()
    ten = value_at_risk(returns, 0.99, 10, Method.PARAMETRIC)
    expected = normal_tail(10 * returns.mean(), sqrt(10) * returns.std(ddof=1), 0.99)
    assert (ten.var, ten.es, ten.n) == (expected.var, expected.es, 500)


def test_ten_independent_days_are_nearer_to_normal_than_one():
    returns = fat()
    skewness, kurtosis = skew_and_excess_kurtosis(returns)
    expected = cornish_fisher_tail(
        10 * returns.mean(), sqrt(10) * returns.std(ddof=1), skewness / sqrt(10), kurtosis / 10, 0.99
    )
    ten = value_at_risk(returns, 0.99, 10, Method.CORNISH_FISHER)
    assert (ten.var, ten.es) == (expected.var, expected.es)


def test_returns_that_do_not_move_lose_what_they_lose_each_day():
    for method in Method:
        found = value_at_risk(np.full(60, -0.01), 0.95, 1, method)
        assert (found.var, found.es) == pytest.approx((0.01, 0.01))
    assert skew_and_excess_kurtosis(np.full(60, -0.01)) == (0.0, 0.0)


def test_a_gain_even_in_the_tail_is_a_negative_loss():
    assert value_at_risk(np.full(60, 0.01)).var == pytest.approx(-0.01)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        value_at_risk(fat(), confidence)


def test_what_cannot_be_measured_is_refused_by_name():
    with pytest.raises(ValueError, match="horizon_days"):
        value_at_risk(fat(), 0.95, 0)
    with pytest.raises(ValueError, match="infinite"):
        value_at_risk(np.append(fat(), np.inf))
    with pytest.raises(ValueError, match="deviation"):
        normal_tail(0, -0.01, 0.95)
    with pytest.raises(ValueError, match="finite"):
        cornish_fisher_tail(0, 0.01, float("nan"), 0, 0.95)
    with pytest.raises(ValueError, match="losses"):
        historical_tail(np.array([]), 0.95)
    with pytest.raises(ValueError, match="returns"):
        skew_and_excess_kurtosis(np.array([]))
