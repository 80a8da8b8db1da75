"""Kupiec's test, against the non-rejection regions of his paper."""

from math import log

import numpy as np
import pytest

from domain.analytics.risk.backtests import kupiec, kupiec_of

# Kupiec's table of non-rejection regions at 5 %, as in Jorion, "Value at Risk": of a 95 % VaR, days and the numbers of
# exceptions just outside.
REGIONS = [(255, 6, 21), (510, 16, 36), (1000, 37, 65)]


@pytest.mark.parametrize(("n", "too_few", "too_many"), REGIONS)
def test_the_regions_are_kupiecs(n, too_few, too_many):
    verdicts = {count: kupiec(count, n, 0.95).verdict for count in range(n + 1)}
    assert [count for count, verdict in verdicts.items() if verdict == "CONSISTENT"] == [*range(too_few + 1, too_many)]
    assert verdicts[too_few] == "TOO_FEW"
    assert verdicts[too_many] == "TOO_MANY"


def test_the_ratio_is_of_the_binomial_likelihoods():
    found = kupiec(20, 252, 0.95)

    def likelihood(share: float) -> float:
        return 232 * log(1 - share) + 20 * log(share)

    assert found.likelihood_ratio == pytest.approx(2 * (likelihood(20 / 252) - likelihood(0.05)))
    assert found.expected == pytest.approx(12.6)


def test_as_many_as_expected_is_certain_to_be_consistent():
    found = kupiec(5, 100, 0.95)
    assert found.likelihood_ratio == pytest.approx(0.0, abs=1e-12)
    assert found.p_value == pytest.approx(1.0)


def test_the_critical_ratio_has_a_p_value_of_five_per_cent():
    # Chi-square with one degree of freedom: 3.841459
    just = [kupiec(count, 255, 0.95) for count in range(256)]
    assert all((each.likelihood_ratio < 3.841459) == (each.p_value > 0.05) for each in just)


def test_no_exceptions_and_nothing_else_have_a_ratio():
    assert kupiec(0, 255, 0.99).likelihood_ratio == pytest.approx(-2 * 255 * log(0.99))
    assert kupiec(255, 255, 0.99).likelihood_ratio == pytest.approx(-2 * 255 * log(0.01))


def test_fewer_than_sixty_days_are_not_judged():
    found = kupiec(30, 59, 0.95)
    assert (found.verdict, found.likelihood_ratio, found.p_value) == ("INSUFFICIENT", None, None)


def test_an_exception_is_a_loss_beyond_what_was_forecast_for_its_day():
    returns = np.concatenate([np.zeros(60), [-0.02, -0.03, -0.05, np.nan, 0.05]])
    forecasts = np.full(65, 0.03)
    forecasts[0] = np.nan
    found = kupiec_of(returns, forecasts, 0.95)
    assert (found.exceptions, found.n) == (1, 63)


def test_counts_and_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="exceptions"):
        kupiec(61, 60, 0.95)
    with pytest.raises(ValueError, match="confidence"):
        kupiec(1, 60, 1.0)
    with pytest.raises(ValueError, match="forecasts"):
        kupiec_of(np.zeros(60), np.zeros(61), 0.95)
