"""Scores of a forecast distribution against what happened, and the tables that many of them add up to.

A forecast is a sample of log wealth, or a normal distribution of it. PIT: the share of the forecast below what
happened; uniform if forecasts are right. CRPS: the integral of the squared distance of distribution functions; pinball
loss: the mean over the fan's percentiles. Both are in log wealth, and less is better.

Source: Gneiting and Raftery (2007), "Strictly Proper Scoring Rules, Prediction, and Estimation"; Wilson (1927) for the
interval of a share.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.simulation.figures import PERCENTILES

_SHARES = np.asarray(PERCENTILES) / 100
_NORMAL = NormalDist()
_QUANTILES = np.array([_NORMAL.inv_cdf(share) for share in _SHARES])
_Z = _NORMAL.inv_cdf(0.975)
BANDS = (50, 80, 90)
DECILES = 10
ALL, JUDGED = "ALL", "JUDGED"
"""Spans of starts: every one, or those after the data that shapes were fitted on."""
OWN_DRIFT = "own"
"""The drift of historical sequences: what they had."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of k forecasts: `pit`, `crps` and `pinball` (k,)."""

    pit: Float64
    crps: Float64
    pinball: Float64

    @classmethod
    def of_samples(cls, samples: Float64, happened: Float64) -> "Scores":
        """Score `samples` (k, m), in any order, against `happened` (k,).

        CRPS = mean |x - y| - sum (2 i - m - 1) x_(i) / m^2.
        """
        ordered = np.sort(samples, axis=1)
        m = ordered.shape[1]
        ranks = (2 * np.arange(1, m + 1) - m - 1) / m**2
        rank = _SHARES * (m - 1)
        low = np.floor(rank).astype(int)
        high = np.minimum(low + 1, m - 1)
        quantiles = ordered[:, low] + (rank - low) * (ordered[:, high] - ordered[:, low])
        away = np.abs(ordered - happened[:, None]).mean(axis=1)
        return cls((ordered < happened[:, None]).mean(axis=1), away - ordered @ ranks, _pinball(quantiles, happened))

    @classmethod
    def of_normal(cls, mean: Float64, deviation: Float64, happened: Float64) -> "Scores":
        """Score normal distributions with `mean` (k,) and `deviation` (k,) > 0."""
        z = (happened - mean) / deviation
        below = np.array([_NORMAL.cdf(one) for one in z.tolist()])
        density = np.array([_NORMAL.pdf(one) for one in z.tolist()])
        crps = deviation * (z * (2 * below - 1) + 2 * density - 1 / sqrt(np.pi))
        return cls(below, crps, _pinball(mean[:, None] + deviation[:, None] * _QUANTILES, happened))


def _pinball(quantiles: Float64, happened: Float64) -> Float64:
    """The mean (k,) over the percentiles (k, 7) of share x what is above, (1 - share) x what is below."""
    missed = happened[:, None] - quantiles
    return np.asarray(np.maximum(_SHARES * missed, (_SHARES - 1) * missed).mean(axis=1))


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share that was seen in n independent trials."""
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def record(scores: Scores, baseline: Scores, n_starts: int, months: int) -> dict[str, float]:
    """A track record: coverage of the bands, the share below p5, mean scores beside the baseline's, and PIT deciles.

    Windows of `months` from `n_starts` months in a row overlap: the interval goes by how many of them do not.
    """
    away = np.abs(scores.pit - 0.5)
    coverage = {f"coverage_{band}": float((away <= band / 200).mean()) for band in BANDS}
    separate = max(1, n_starts // months)
    low, high = wilson(coverage["coverage_90"], separate)
    deciles = np.minimum((scores.pit * DECILES).astype(int), DECILES - 1)
    return {
        "n_starts": n_starts,
        "n_separate": separate,
        **coverage,
        "coverage_90_low": low,
        "coverage_90_high": high,
        "share_below_p5": float((scores.pit < 0.05).mean()),
        "crps_log": float(scores.crps.mean()),
        "crps_log_baseline": float(baseline.crps.mean()),
        "pinball_log": float(scores.pinball.mean()),
        "pinball_log_baseline": float(baseline.pinball.mean()),
        **{f"pit_{one + 1}": float((deciles == one).mean()) for one in range(DECILES)},
    }
