"""Scores of forecasts: against closed forms, and a track record that tells right bands from narrow ones."""

import numpy as np
import pytest

from domain.analytics.simulation.scores import Scores, record, wilson


def test_scores_of_a_sample_are_those_of_its_distribution():
    random = np.random.default_rng(1)
    happened = np.array([-0.7, 0.1, 0.2, 1.4])
    mean, deviation = np.array([0.1, 0.1, -0.3, 0.5]), np.array([0.3, 0.3, 0.5, 1.0])

    samples = mean[:, None] + deviation[:, None] * random.standard_normal((4, 400_000))

    of_samples, of_normal = Scores.of_samples(samples, happened), Scores.of_normal(mean, deviation, happened)
    for name in Scores.__slots__:
        assert getattr(of_samples, name) == pytest.approx(getattr(of_normal, name), abs=2e-3), name


def test_crps_is_the_integral_of_the_squared_distance():
    x = np.array([[0.0, 1.0, 3.0]])
    at = np.linspace(-5, 8, 130_001)
    distribution = (x[0][:, None] <= at).mean(axis=0)

    found = Scores.of_samples(x, np.array([2.0]))

    assert found.crps[0] == pytest.approx(((distribution - (at >= 2)) ** 2).sum() * 1e-4, abs=1e-3)
    assert found.pit[0] == pytest.approx(2 / 3)


def test_wilsons_interval_is_the_published_one():
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20.
    for share, n, expected in [
        (81 / 263, 263, (0.2553, 0.3662)),
        (15 / 148, 148, (0.0624, 0.1605)),
        (0, 20, (0, 0.1611)),
    ]:
        assert wilson(share, n) == pytest.approx(expected, abs=5e-5)
    assert tuple(round(100 * one) for one in wilson(0.9, 46)) == (78, 96), "as the issue writes it"


def test_a_record_tells_right_bands_from_narrow_ones():
    random = np.random.default_rng(2)
    happened = random.standard_normal(4_000)
    right, narrow, wide = (
        Scores.of_normal(np.zeros(4_000), np.full(4_000, deviation), happened) for deviation in (1.0, 0.6, 2.0)
    )

    of_right = record(right, wide, 4_000, 12)

    assert [of_right[f"coverage_{band}"] for band in (50, 80, 90)] == pytest.approx([0.5, 0.8, 0.9], abs=0.02)
    assert [of_right[f"pit_{one}"] for one in range(1, 11)] == pytest.approx([0.1] * 10, abs=0.015)
    assert of_right["share_below_p5"] == pytest.approx(0.05, abs=0.01)
    assert (of_right["n_starts"], of_right["n_separate"]) == (4_000, 333)
    assert of_right["crps_log"] < of_right["crps_log_baseline"]
    assert of_right["pinball_log"] < of_right["pinball_log_baseline"]
    assert record(narrow, right, 4_000, 12)["coverage_90"] < 0.75
