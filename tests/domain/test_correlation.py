"""From measured correlations to a matrix that a model can use: shrunk, complete, repaired."""

import numpy as np
import pytest

from domain.analytics.estimates.correlation import shrunk
from domain.analytics.estimates.moments import ledoit_wolf

DRAWN = np.random.default_rng(8).normal(0, 0.01, (400, 12)) + np.random.default_rng(9).normal(0, 0.008, (400, 1))


def measured(returns: np.ndarray) -> np.ndarray:
    return np.asarray(np.corrcoef(returns.T))


@pytest.mark.parametrize("days", [60, 400])
def test_on_complete_data_it_is_what_scikit_learn_gives(days):
    from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf  # takes two seconds

    returns = DRAWN[:days]
    theirs, intensity = sklearn_ledoit_wolf((returns - returns.mean(axis=0)) / returns.std(axis=0))

    ours = shrunk(measured(returns), returns)

    assert ours.shrinkage == pytest.approx(intensity, abs=1e-13)
    assert ours.matrix == pytest.approx(theirs, abs=1e-13)
    assert ours.psd_distance == 0.0


def test_it_is_the_intensity_of_the_moments():
    scaled = DRAWN / DRAWN.std(axis=0, ddof=1)
    matrix, intensity = ledoit_wolf(scaled)
    ours = shrunk(measured(DRAWN), DRAWN)
    assert ours.shrinkage == pytest.approx(intensity, abs=1e-13)
    assert ours.matrix == pytest.approx(matrix, abs=1e-13)


def test_more_securities_than_days_still_have_an_inverse():
    wide = np.random.default_rng(2).normal(0, 0.01, (60, 90))
    assert np.linalg.eigvalsh(shrunk(measured(wide), wide).matrix).min() > 0


def test_only_days_that_all_have_tell_how_far_to_draw():
    holed = DRAWN.copy()
    holed[:100, 3] = np.nan
    assert shrunk(measured(DRAWN), holed).shrinkage != shrunk(measured(DRAWN), DRAWN).shrinkage
    holed[:341, 3] = np.nan
    ours = shrunk(measured(DRAWN), holed)
    assert ours.shrinkage is None, "of 59 common days nothing is said"
    assert np.array_equal(ours.matrix, measured(DRAWN))


def test_what_is_not_positive_semi_definite_is_repaired_and_how_far_is_said():
    impossible = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    ours = shrunk(impossible, np.full((0, 3), np.nan))
    assert ours.psd_distance == pytest.approx(np.linalg.norm(ours.matrix - impossible))
    assert ours.psd_distance > 0.5
    assert np.linalg.eigvalsh(ours.matrix).min() > -1e-12
    assert np.diagonal(ours.matrix).tolist() == [1, 1, 1]


def test_who_lacks_the_most_correlations_is_left_out():
    matrix = measured(DRAWN[:, :5])
    for one, other in ((1, 4), (2, 4), (3, 3)):
        matrix[one, other] = matrix[other, one] = np.nan

    ours = shrunk(matrix, DRAWN[:, :5])

    assert ours.kept.tolist() == [True, True, True, False, False], "3 has none with itself, 4 lacks two"
    assert np.isnan(ours.matrix).tolist() == (~np.outer(ours.kept, ours.kept)).tolist()


def test_of_two_that_lack_each_other_the_last_is_left_out():
    matrix = measured(DRAWN[:, :3])
    matrix[0, 2] = matrix[2, 0] = np.nan
    assert shrunk(matrix, DRAWN[:, :3]).kept.tolist() == [True, True, False]


def test_without_any_correlation_nothing_is_kept():
    ours = shrunk(np.full((2, 2), np.nan), np.full((3, 2), np.nan))
    assert not ours.kept.any()
    assert (ours.shrinkage, ours.psd_distance) == (None, 0.0)
    assert shrunk(np.empty((0, 0)), np.empty((0, 0))).matrix.shape == (0, 0)
