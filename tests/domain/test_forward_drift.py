"""Analysts' expectation as a drift, and every reason why there is none. Figures: RULEBOOK 11."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from math import exp, log

import pytest

from domain.analytics.estimates.forward_drift import ForwardStatus, Target, TargetPrice, forward_drift

TODAY = date(2017, 3, 29)
TARGET = Target(Decimal(110), Decimal(108), "USD", TODAY)
QUOTE = TargetPrice(Decimal(100), "USD", "AS_TRADED", TODAY)


def test_a_mean_target_is_the_drift_itself():
    found = forward_drift(TARGET, QUOTE, 0.2, TODAY)
    assert found.mu_annual == pytest.approx(log(1.1))
    assert (found.method, found.target, found.status, found.reason) == ("ANALYST_MEAN", Decimal(110), "OK", None)
    assert forward_drift(TARGET, QUOTE, None, TODAY) == found, "a mean needs no volatility"


def test_a_median_target_has_half_the_variance_added():
    found = forward_drift(replace(TARGET, mean=None), QUOTE, 0.2, TODAY)
    assert found.mu_annual == pytest.approx(log(1.08) + 0.02)
    assert (found.method, found.target) == ("ANALYST_MEDIAN", Decimal(108))


def test_the_rulebooks_mean_and_median_after_a_year_are_one_drift():
    # mu 7 %, s 15 % from 100: the mean is 100 exp(m), the median 100 exp(m - s^2 / 2).
    mean, median = (Decimal(str(round(100 * exp(x), 8))) for x in (0.07, 0.07 - 0.15**2 / 2))
    of_mean = forward_drift(replace(TARGET, mean=mean), QUOTE, 0.15, TODAY).mu_annual
    of_median = forward_drift(replace(TARGET, mean=None, median=median), QUOTE, 0.15, TODAY).mu_annual
    assert of_mean == pytest.approx(0.07, abs=1e-9)
    assert of_median == pytest.approx(0.07, abs=1e-9)


@pytest.mark.parametrize(
    ("target", "quote", "status", "reason"),
    [
        ({"mean": None, "median": None}, {}, "INSUFFICIENT", "no target above 0"),
        ({"mean": Decimal(0)}, {}, "INSUFFICIENT", "no target above 0"),
        ({}, {"price": Decimal(0)}, "INSUFFICIENT", "no price above 0"),
        ({}, {"kind": "TOTAL_RETURN"}, "NOT_AS_TRADED", "its price is TOTAL_RETURN"),
        ({}, {"kind": "DERIVED"}, "NOT_AS_TRADED", "its price is DERIVED"),
        ({"currency": "EUR"}, {}, "OTHER_CURRENCY", "the target is in EUR, the price in USD"),
        ({"as_of": TODAY - timedelta(93)}, {}, "STALE", "the target is of 2016-12-26, over 92 days ago"),
        ({}, {"on": TODAY - timedelta(8)}, "STALE", "the price is of 2017-03-21, over 7 days ago"),
        ({}, {"split_since": 4.0}, "SPLIT_SINCE", "a unit has become 4 since"),
    ],
)
def test_what_cannot_be_set_against_the_screen_has_no_number(target, quote, status, reason):
    found = forward_drift(replace(TARGET, **target), replace(QUOTE, **quote), 0.2, TODAY)
    assert found.mu_annual is None
    assert found.status == status
    assert reason in (found.reason or "")


def test_on_the_last_day_allowed_there_is_a_number():
    target, quote = replace(TARGET, as_of=TODAY - timedelta(92)), replace(QUOTE, on=TODAY - timedelta(7))
    assert forward_drift(target, quote, None, TODAY).status is ForwardStatus.OK


def test_without_a_price_or_a_medians_volatility_there_is_no_number():
    assert forward_drift(TARGET, None, 0.2, TODAY).reason == "there is no price above 0"
    found = forward_drift(replace(TARGET, mean=None), QUOTE, None, TODAY)
    assert (found.mu_annual, found.status) == (None, "INSUFFICIENT")
    assert found.reason == "a median target needs a volatility, and there is none"
