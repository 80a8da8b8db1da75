"""Shapes of moves that were fitted once, on data that ends before any window that they are judged on.

`tests/oracles/model_fits.py` fits them again from the bundled data, and a test compares.
"""

from dataclasses import dataclass

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.simulation.history import BlockBootstrap, HistoricalSequences
from domain.analytics.simulation.models import Gaussian, Model, RegimeSwitching, StudentT


@dataclass(frozen=True, slots=True)
class FittedShape:
    """Shape of a month's log returns, as estimated on data until `until`; the cut-off for what may be judged by it.

    df : of Student's t, by maximum likelihood with the sample's variance and correlation.
    mean_block : months, by Politis and White (2004, corrected 2009) for the stationary bootstrap's mean.
    stay, mean, deviation : of a calm and a crisis regime, by Hamilton's (1990) EM, over the market's own deviation.
    """

    until: str
    df: float
    mean_block: float
    stay: tuple[float, float]
    mean: tuple[float, float]
    deviation: tuple[float, float]

    def regimes(self, loading: Float64) -> RegimeSwitching:
        """The regimes, with mean 0 and variance 1 to the last digit; `loading` (n,) is each one's correlation."""
        calm = (1 - self.stay[1]) / (2 - sum(self.stay))
        share = np.array([calm, 1 - calm])
        mean, deviation = np.array(self.mean), np.array(self.deviation)
        mean = mean - share @ mean
        size = np.sqrt(share @ (deviation**2 + mean**2))
        (a, b), (c, d) = (mean / size).tolist(), (deviation / size).tolist()
        return RegimeSwitching(self.stay, (a, b), (c, d), loading)


LONG_SERIES = FittedShape("1975-12", 3.74, 5.51, (0.9832, 0.8792), (0.0783, -0.5639), (0.7123, 2.0462))
"""On the months of the long series from 1871-02 to 1975-12: 1,259 total returns."""
SHARES = FittedShape("2003-12", 13.27, 1.69, (0.9767, 0.8457), (0.0890, -0.5901), (0.7187, 1.9510))
"""df on the month-ends of the 20 shares from 1990 to 2003 together, the mean block on each of them, averaged; regimes
on the long series until 2003-12, since 14 years hold too few crises."""

MODELS = (Gaussian.name, StudentT.name, BlockBootstrap.name, RegimeSwitching.name, HistoricalSequences.name)


@dataclass(frozen=True, slots=True)
class Past:
    """Data of n securities, for the models that are made of data.

    loading : (n,) correlation of each security with the market.
    rows : (r, n) log returns of one month each, `stride` rows from one month to the next.
    sequence : (months,) log returns of the market, as far back as they go.
    """

    loading: Float64
    rows: Float64
    stride: int
    sequence: Float64


def model_of(name: str, fitted: FittedShape, past: Past) -> Model:
    """The model by its name, for the n securities of `past`. ValueError for another name, naming all there are."""
    if name == Gaussian.name:
        return Gaussian()
    if name == StudentT.name:
        return StudentT(fitted.df)
    if name == BlockBootstrap.name:
        return BlockBootstrap(past.rows, past.stride, fitted.mean_block)
    if name == RegimeSwitching.name:
        return fitted.regimes(past.loading)
    if name == HistoricalSequences.name:
        return HistoricalSequences(np.repeat(past.sequence[:, None], len(past.loading), axis=1))
    raise ValueError(f"model must be one of {', '.join(MODELS)}, not {name}")
