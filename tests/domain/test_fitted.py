"""FittedShape shapes are what the bundled data until their cut-off give, and nothing later."""

import numpy as np
import pytest

from domain.analytics.simulation.fitted import LONG_SERIES, MODELS, SHARES, FittedShape, Past, model_of
from storage.bundled import long_series, market_index, share_closes
from tests.effort import IS_LONG
from tests.oracles.model_fits import Regimes, degrees_of_freedom, mean_block, regimes

FROM_AFAR = (np.array([0.95, 0.85]), np.array([0.1, -0.3]), np.array([0.7, 1.6]))


def returns_until(month: str) -> np.ndarray:
    series = long_series()
    return series.share_returns[series.between("1871-02", month)]


def shares_by_month() -> np.ndarray:
    days, _ = market_index()
    months = days.astype("datetime64[M]")
    ends = np.flatnonzero((months[1:] != months[:-1]) & (months[:-1] <= np.datetime64(SHARES.until, "M")))
    return np.diff(np.log(share_closes()[1][ends]), axis=0)


def as_fitted(of: FittedShape) -> Regimes:
    return np.array(of.stay), np.array(of.mean), np.array(of.deviation)


def test_degrees_of_freedom_and_blocks_are_fitted_on_data_until_the_cut_offs():
    shares = shares_by_month()

    assert degrees_of_freedom(returns_until("1975-12")[:, None]) == pytest.approx(LONG_SERIES.df, abs=0.01)
    assert mean_block(returns_until("1975-12")) == pytest.approx(LONG_SERIES.mean_block, abs=0.01)
    assert degrees_of_freedom(shares) == pytest.approx(SHARES.df, abs=0.01)
    assert np.mean([mean_block(one) for one in shares.T]) == pytest.approx(SHARES.mean_block, abs=0.01)


@pytest.mark.parametrize("of", [LONG_SERIES, SHARES], ids=["long series", "shares"])
def test_regimes_are_where_the_fit_stands_still(of: FittedShape) -> None:
    first, iterations = (FROM_AFAR, 500) if IS_LONG else (as_fitted(of), 20)

    for found, expected in zip(regimes(returns_until(of.until), first, iterations), as_fitted(of), strict=True):
        assert found == pytest.approx(expected, abs=2e-4)


def test_later_data_would_have_been_fitted_otherwise():
    """The control."""
    assert degrees_of_freedom(returns_until("2023-06")[:, None]) != pytest.approx(LONG_SERIES.df, abs=0.01)
    moved = regimes(returns_until("2023-06"), as_fitted(LONG_SERIES), 20)
    assert moved[0] != pytest.approx(np.array(LONG_SERIES.stay), abs=2e-4)


def test_each_model_is_made_by_its_name():
    past = Past(np.array([0.5]), np.random.default_rng(1).normal(size=(90, 1)), 21, np.zeros(30))

    assert [model_of(name, SHARES, past).name for name in MODELS] == list(MODELS)
    with pytest.raises(ValueError, match="must be one of gaussian, student_t"):
        model_of("merton", SHARES, past)
