"""The default drift: a posterior between a stated prior and ten years of data. Figures: RULEBOOK 11."""

import numpy as np
import pytest

from domain.analytics.estimates.posterior_drift import (
    PREMIUM,
    TAU,
    Drift,
    blended_volatility,
    equilibrium_drift,
    market_beta,
    posterior_drift,
)

ONE = np.ones(1)


def test_the_default_drift_is_the_rulebooks_posterior():
    found = posterior_drift(0.024, ONE, np.array([0.17]), np.array([0.25]))

    assert (PREMIUM, TAU) == (0.045, 0.03)
    assert found.weight == pytest.approx(0.126, abs=5e-4)
    assert found.mu_annual == pytest.approx(0.082, abs=5e-4)
    assert found.deviation == pytest.approx(0.03 * np.sqrt(1 - found.weight))


@pytest.mark.parametrize("mean", [-0.1, 0.05, 0.4])
@pytest.mark.parametrize("volatility", [0.1, 0.25, 0.8])
def test_the_posterior_is_what_bayes_rule_says_on_a_grid(mean: float, volatility: float) -> None:
    found = posterior_drift(0.03, 1.3 * ONE, np.array([mean]), np.array([volatility]), premium=0.05, tau=0.04)

    m = np.linspace(-1, 1.2, 200_001)
    density = np.exp(-(((m - 0.095) / 0.04) ** 2) / 2 - ((mean - m) ** 2) / (2 * volatility**2 / 10))
    expected = (m * density).sum() / density.sum()
    assert found.mu_annual == pytest.approx(expected, abs=1e-9)
    assert found.deviation == pytest.approx(np.sqrt(((m - expected) ** 2 * density).sum() / density.sum()), abs=1e-9)


def test_without_noise_the_data_are_all_and_without_data_the_prior_is():
    certain = posterior_drift(0.03, ONE, np.array([0.2]), np.zeros(1))
    blind = posterior_drift(0.03, ONE, np.array([0.2]), np.array([1e6]))
    prior = equilibrium_drift(0.03, ONE)

    assert (certain.mu_annual[0], certain.deviation[0], certain.weight[0]) == (0.2, 0, 1)
    assert (blind.mu_annual, blind.deviation) == (pytest.approx(prior.mu_annual), pytest.approx(prior.deviation))
    assert (prior.mu_annual[0], prior.deviation[0]) == (pytest.approx(0.075), TAU)
    assert Drift.exact(np.array([0.2]), 1.0).deviation[0] == 0


def test_a_prior_without_deviation_is_refused():
    with pytest.raises(ValueError, match="tau must be above 0"):
        posterior_drift(0.03, ONE, ONE, ONE, tau=0.0)


def test_variance_is_half_the_windows_and_half_that_of_all_returns_known():
    assert blended_volatility(np.array([0.3, 0.2]), np.array([0.1, 0.2])) == pytest.approx([np.sqrt(0.05), 0.2])


def test_beta_is_the_slope_on_the_days_that_both_have():
    random = np.random.default_rng(3)
    market = random.normal(0, 0.01, 300)
    shares = np.column_stack([1.5 * market, 0.4 * market + random.normal(0, 0.02, 300), market])
    shares[:100, 1], market[290:] = np.nan, np.nan
    shares[60:, 2] = np.nan
    both = slice(100, 290)

    found = market_beta(shares, market)

    assert found[0] == pytest.approx(1.5)
    assert found[1] == pytest.approx(np.polyfit(market[both], shares[both, 1], 1)[0])
    assert found[2] == pytest.approx(1.0), "sixty days are enough"
    assert np.isnan(market_beta(shares[1:], market[1:])[2]), "fifty-nine are not"
    assert np.isnan(market_beta(shares, np.zeros(300))).all(), "a market that stands still has no slope"
