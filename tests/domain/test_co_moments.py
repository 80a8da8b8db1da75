"""Pairwise correlation: as pandas and numpy have it, exact in any order, the same bits by update and by refit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.analytics.estimates.co_moments import UNITS, CoMoments, common_windows, too_large
from tests.effort import examples


def drawn(days: int, securities: int, seed: int = 1, absent: float = 0.05) -> np.ndarray:
    """Log returns of 1 % a day with a common factor; the first third listed later, and holes."""
    random = np.random.default_rng(seed)
    returns = random.normal(0, 0.01, (days, securities)) + random.normal(0, 0.006, (days, 1))
    returns[random.random(returns.shape) < absent] = np.nan
    for column in range(securities // 3):
        returns[: random.integers(0, days), column] = np.nan
    return returns


def theirs(returns: np.ndarray, minimum: int = 60) -> np.ndarray:
    return pd.DataFrame(returns).corr(min_periods=minimum).to_numpy()


def in_units(returns: np.ndarray) -> np.ndarray:
    return np.rint(returns * UNITS) / UNITS


def same(one: CoMoments, other: CoMoments) -> bool:
    return (
        np.array_equal(one.correlation(2), other.correlation(2), equal_nan=True)
        and np.array_equal(one.common_days(), other.common_days())
        and np.array_equal(one.observations, other.observations)
        and one.days == other.days
    )


def test_it_is_what_pandas_gives_with_the_same_gaps():
    returns = drawn(2_520, 40)
    ours = CoMoments.of(returns).correlation()

    assert np.array_equal(np.isnan(ours), np.isnan(theirs(returns)))
    assert np.nanmax(np.abs(ours - theirs(in_units(returns)))) < 1e-13, "of the same whole numbers"
    assert np.nanmax(np.abs(ours - theirs(returns))) < 1e-6, "what rounding costs where 60 days are common"


def test_of_complete_data_it_is_what_numpy_gives():
    returns = drawn(2_520, 20, absent=0.0)[:, 10:]
    ours = CoMoments.of(returns).correlation()

    assert ours == pytest.approx(np.corrcoef(in_units(returns).T), abs=1e-14)
    assert ours == pytest.approx(np.corrcoef(returns.T), abs=3e-7)
    assert np.array_equal(ours, ours.T)
    assert np.array_equal(np.diagonal(ours), np.ones(10))


@pytest.mark.parametrize("deviation", [0.0005, 0.001, 0.01, 0.05])
def test_rounding_costs_what_the_docstring_says(deviation: float):
    returns = np.random.default_rng(3).normal(0, deviation, (2_520, 30))

    errors = (CoMoments.of(returns).correlation() - np.corrcoef(returns.T))[np.triu_indices(30, 1)]

    assert errors.std() == pytest.approx(2.4e-8 / (deviation * np.sqrt(2_520)), rel=0.15)


@settings(deadline=None, max_examples=examples(60))
@given(st.data())
def test_moving_a_window_day_by_day_gives_the_bits_of_a_refit(data):
    """Days come and go in any portions, securities join; the pending days are folded on the way."""
    days, securities = data.draw(st.integers(20, 200)), data.draw(st.integers(1, 6))
    returns = drawn(
        days, securities, seed=data.draw(st.integers(0, 2**16)), absent=data.draw(st.sampled_from([0, 0.3]))
    )
    known = data.draw(st.integers(1, securities))
    first = data.draw(st.integers(1, days))
    joined = data.draw(st.integers(first, days))
    returns[:joined, known:] = np.nan
    moved, begin = CoMoments.of(returns[:first, :known]), 0
    for start, end, width in ((first, joined, known), (joined, days, securities)):
        while start < end:
            portion = data.draw(st.integers(1, end - start))
            moved = moved.plus(returns[start : start + portion, :width])
            start += portion
            gone = data.draw(st.integers(0, min(3, start - begin - 1)))
            moved = moved.minus(returns[begin : begin + gone, :width])
            begin += gone

    assert same(moved, CoMoments.of(returns[begin:, : moved.observations.size]))


def test_many_days_at_once_are_folded_and_still_the_same():
    returns = drawn(600, 7)

    assert same(CoMoments.of(returns[:100]).plus(returns[100:]).minus(returns[:90]), CoMoments.of(returns[90:]))


def test_an_update_leaves_what_it_came_from_as_it_was():
    returns = drawn(300, 5)
    window = CoMoments.of(returns[:200])
    before = window.correlation()

    window.plus(returns[200:]).minus(returns[:150])

    assert np.array_equal(window.correlation(), before, equal_nan=True)


@settings(deadline=None, max_examples=examples(40))
@given(arrays(np.int64, (12, 4), elements=st.integers(-(2**21), 2**21)), st.permutations(range(12)), st.data())
def test_neither_the_order_of_days_nor_that_of_securities_changes_a_bit(numbers, order, data):
    returns = np.where(numbers % 5 == 0, np.nan, numbers / UNITS)
    columns = data.draw(st.permutations(range(4)))

    one, other = CoMoments.of(returns), CoMoments.of(returns[order][:, columns])

    assert np.array_equal(one.correlation(2)[np.ix_(columns, columns)], other.correlation(2), equal_nan=True)
    assert np.array_equal(one.common_days()[np.ix_(columns, columns)], other.common_days())


@settings(deadline=None, max_examples=examples(40))
@given(arrays(np.int64, (70, 3), elements=st.integers(-(2**18), 2**18)))
def test_a_correlation_is_within_one_symmetric_and_does_not_change_with_scale(numbers):
    matrix = CoMoments.of(numbers / UNITS).correlation()

    known = matrix[~np.isnan(matrix)]
    assert ((known >= -1) & (known <= 1)).all()
    assert np.array_equal(matrix, matrix.T, equal_nan=True)
    assert CoMoments.of(numbers * 4 / UNITS).correlation() == pytest.approx(matrix, abs=1e-12, nan_ok=True)


def test_below_sixty_common_days_there_is_no_correlation():
    returns = drawn(120, 2, absent=0.0)
    returns[:61, 0] = np.nan
    assert np.isnan(CoMoments.of(returns).correlation()[0]).all()
    assert CoMoments.of(returns).common_days().tolist() == [[59, 59], [59, 120]]
    returns[60, 0] = 0.01
    assert not np.isnan(CoMoments.of(returns).correlation()).any()


def test_a_pair_is_of_common_days_only():
    returns = np.array([[0.0, 4.0], [2.0, 0.0], [np.nan, 9.0]]) / 10
    assert CoMoments.of(returns).correlation(2).tolist() == [[1, -1], [-1, 1]]


@pytest.mark.parametrize("constant", [0.0, 0.0123, 1e-9])
def test_what_does_not_vary_has_no_correlation(constant: float):
    returns = drawn(100, 2, absent=0.0)
    returns[:, 1] = constant
    matrix = CoMoments.of(returns).correlation()
    assert np.isnan(matrix).tolist() == [[False, True], [True, True]]


def test_a_security_whose_squares_pass_the_bound_is_named_and_refused():
    returns = drawn(100, 3, absent=0.0)
    returns[:, 1] = 0.6  # 100 x 0.36 is more than 32
    assert too_large(returns).tolist() == [False, True, False]
    with pytest.raises(ValueError, match=r"sum to 32 or more in column 1"):
        CoMoments.of(returns)
    with pytest.raises(ValueError, match=r"in column 1"):
        CoMoments.of(returns[:50]).plus(returns[50:])


def test_just_below_the_bound_sums_are_exact():
    returns = np.full((89, 2), 0.599) * np.where(np.arange(89) % 2, 1, -1)[:, None]  # 31.93
    units = [int(value) for value in np.rint(returns[:, 0] * UNITS)]
    window = CoMoments.of(returns)
    assert not too_large(returns).any()
    assert int(window._sums.products[0, 1]) == sum(one * one for one in units)


@pytest.mark.parametrize("bad", [np.zeros(3), np.array([[np.inf, 0.0]])])
def test_what_is_no_table_of_returns_is_refused(bad):
    with pytest.raises(ValueError, match="days by securities"):
        CoMoments.of(bad)


def test_what_does_not_fit_the_window_is_refused():
    returns = drawn(80, 3, absent=0.0)
    window = CoMoments.of(returns)
    with pytest.raises(ValueError, match="fewer than the 3 securities"):
        window.plus(returns[:1, :2])
    with pytest.raises(ValueError, match="not the window's 3 securities"):
        window.minus(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="never added"):
        window.minus(np.vstack([returns, returns[:1]]))


def test_an_empty_window_has_no_correlation():
    assert np.isnan(CoMoments.of(np.empty((0, 2))).correlation()).all()
    assert CoMoments.of(np.empty((0, 0))).correlation().shape == (0, 0)


@settings(deadline=None, max_examples=examples(60))
@given(arrays(np.bool_, st.tuples(st.integers(0, 12), st.integers(1, 4))))
def test_the_window_of_a_pair_begins_and_ends_on_a_common_day(present):
    first, last = common_windows(present)
    for i in range(present.shape[1]):
        for j in range(present.shape[1]):
            common = np.flatnonzero(present[:, i] & present[:, j])
            assert (first[i, j], last[i, j]) == ((common[0], common[-1]) if len(common) else (-1, -1))
