"""Contributions sum to the return whatever is bought, sold or paid in between."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.contribution import contributions
from domain.analytics.series import PortfolioSeries


def portfolio(gains: np.ndarray, inflow: np.ndarray, outflow: np.ndarray) -> PortfolioSeries:
    """What holdings that gain so much make of the flows; no cash earns anything."""
    n = len(gains)
    value = np.cumsum(gains.sum(axis=1) + inflow - outflow)
    base = np.concatenate([[0.0], value[:-1]]) + inflow
    returns = np.full(n, np.nan)
    np.divide(value + outflow, base, out=returns, where=base > 0)
    true = np.ones(n, dtype=bool)
    days = np.datetime64("2015-01-01") + np.arange(n)
    return PortfolioSeries(days, value, inflow, outflow, np.zeros(n), returns - 1, true, true, true, true)


def test_two_days_by_hand() -> None:
    """100 grow to 110 by A's 10; then B gains 22 of 110: 20 % on what A had made."""
    series = portfolio(np.array([[10.0, 0.0], [0.0, 22.0]]), np.array([100.0, 0.0]), np.zeros(2))

    found = contributions(series, ["A", "B"], np.array([[10.0, 0.0], [0.0, 22.0]]))

    assert {part.ticker: part.contribution for part in found.parts} == {
        "A": pytest.approx(0.1),
        "B": pytest.approx(0.22),
    }
    assert found.twr == pytest.approx(0.32)
    assert found.other == pytest.approx(0, abs=1e-12)


def test_a_day_that_is_a_break_contributes_nothing() -> None:
    gains = np.array([[10.0], [5.0], [11.5]])
    series = portfolio(gains, np.array([100.0, 0.0, 0.0]), np.zeros(3))
    broken = replace(series, returns=np.array([0.1, np.nan, 0.1]))

    found = contributions(broken, ["A"], gains)

    assert found.twr == pytest.approx(0.21)
    assert found.parts[0].contribution == pytest.approx(0.1 + 1.1 * 11.5 / 115)


def test_what_does_not_fit_is_refused() -> None:
    series = portfolio(np.ones((3, 1)), np.array([100.0, 0.0, 0.0]), np.zeros(3))

    with pytest.raises(ValueError, match=r"gains \(3, 1\) do not fit 3 days and 2 tickers"):
        contributions(series, ["A", "B"], np.ones((3, 1)))


a_gain = st.floats(-2, 2.5)
days_of_three = st.lists(st.tuples(a_gain, a_gain, a_gain), min_size=2, max_size=30)


@given(days_of_three, st.lists(st.floats(0, 50), min_size=30, max_size=30), st.integers(0, 29))
def test_contributions_sum_to_the_return_of_every_period(
    rows: list[tuple[float, float, float]], flows: list[float], first: int
) -> None:
    gains = np.array(rows)
    inflow, outflow = np.array(flows[: len(rows)]), np.array(flows[::-1][: len(rows)]) / 10
    inflow[0] += 1000
    series = portfolio(gains, inflow, outflow)

    found = contributions(series, ["A", "B", "C"], gains, first % len(rows))

    whole = np.prod(1 + series.returns[first % len(rows) :]) - 1
    assert sum(part.contribution for part in found.parts) == pytest.approx(whole, abs=1e-12)
    assert found.other == pytest.approx(0, abs=1e-12)
    assert found.twr == pytest.approx(whole, abs=1e-12)
