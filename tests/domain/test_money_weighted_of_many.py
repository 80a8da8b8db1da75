"""The rates of many investments at once are those of each alone, and pyxirr's where the answer is one."""

import numpy as np
import pytest
import pyxirr
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.returns.money_weighted import xirr, xirr_many
from tests.effort import examples

DAY = np.datetime64("2010-01-04")
flows = st.lists(st.tuples(st.integers(0, 3000), st.integers(-10_000, 10_000)), max_size=12)
investments = st.lists(flows, min_size=1, max_size=8)


def laid_out(given_flows: list[list[tuple[int, int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ordered = [sorted(one) for one in given_flows]
    offsets = np.cumsum([0, *map(len, ordered)])
    days = np.array([DAY + day for one in ordered for day, _ in one], dtype="datetime64[D]")
    return offsets, days, np.array([amount for one in ordered for _, amount in one], dtype=float)


@settings(deadline=None, max_examples=examples(40))
@given(investments)
def test_together_each_has_the_rate_it_has_alone_to_the_bit(many: list[list[tuple[int, int]]]) -> None:
    offsets, days, amounts = laid_out(many)

    rates, status = xirr_many(offsets, days, amounts)

    for i in range(len(many)):
        rows = slice(offsets[i], offsets[i + 1])
        alone = xirr(days[rows].astype(object).tolist(), amounts[rows].tolist())
        assert status[i] == alone.status
        assert np.array_equal(rates[i], np.nan if alone.rate is None else alone.rate, equal_nan=True)


@settings(deadline=None, max_examples=examples(40))
@given(flows)
def test_a_rate_leaves_nothing_of_the_flows(one: list[tuple[int, int]]) -> None:
    offsets, days, amounts = laid_out([one])
    (rate,), (status,) = xirr_many(offsets, days, amounts)

    if status != "NO_SIGN_CHANGE" and rate > -0.99:  # nearer to -1 a double has too few digits of 1 + rate
        discounted = amounts * (1 + rate) ** -((days - days[0]).astype(float) / 365)
        assert abs(discounted.sum()) <= 1e-8 * np.abs(discounted).sum()
    elif status == "NO_SIGN_CHANGE":
        assert np.isnan(rate)


def portfolios(n: int, flows_each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deposits and now and then a withdrawal over ten years, and what is left at the end."""
    random = np.random.default_rng(20170329)
    days = np.sort(random.choice(3650, (n, flows_each), replace=True), axis=1)
    amounts = np.where(random.random(days.shape) < 0.8, -1.0, 0.5) * random.integers(100, 5_000, days.shape)
    amounts[:, 0], days[:, 0] = -50_000.0, 0
    amounts[:, -1] = -amounts[:, :-1].sum(axis=1) * random.uniform(0.7, 2.5, n)
    return np.arange(n + 1) * flows_each, (DAY + days.ravel()).astype("datetime64[D]"), amounts.ravel()


def test_ordinary_portfolios_have_pyxirrs_rates() -> None:
    offsets, days, amounts = portfolios(300, 40)

    rates, status = xirr_many(offsets, days, amounts)

    theirs = [
        pyxirr.xirr(days[rows].astype(object).tolist(), amounts[rows].tolist())
        for rows in (slice(offsets[i], offsets[i + 1]) for i in range(300))
    ]
    assert set(status) == {"OK"}
    assert rates == pytest.approx(theirs, abs=1e-9)


def test_an_investment_may_have_no_flows() -> None:
    offsets, days, amounts = np.array([0, 0, 2, 2]), np.array([DAY, DAY + 365]), np.array([-100.0, 110.0])

    rates, status = xirr_many(offsets, days, amounts)

    assert status == ["NO_SIGN_CHANGE", "OK", "NO_SIGN_CHANGE"]
    assert rates == pytest.approx([np.nan, 0.1, np.nan], nan_ok=True)


def test_two_rates_are_told_and_the_one_nearest_ten_per_cent_is_given() -> None:
    days = DAY + np.array([0, 365, 730])
    (rate,), (status,) = xirr_many(np.array([0, 3]), days, np.array([-100.0, 240.0, -143.0]))

    assert (rate, status) == (pytest.approx(0.1), "MULTIPLE")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_amount_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="amounts must be finite"):
        xirr_many(np.array([0, 2]), np.array([DAY, DAY + 1]), np.array([-1.0, bad]))
