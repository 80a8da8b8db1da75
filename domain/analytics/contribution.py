"""What each holding added to a portfolio's return: parts that sum to it, over any number of days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.analytics.series import Float64, PortfolioSeries


@dataclass(frozen=True, slots=True)
class Contribution:
    """A holding's part of the time-weighted return of a period, a fraction of 1 at its start."""

    ticker: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Contributions:
    """`parts` by size, the largest gain first, and `other`: cash, exchange rates, standalone fees and tax.

    `twr` is their sum, the return of the period.
    """

    parts: tuple[Contribution, ...]
    other: float
    twr: float


def contributions(series: PortfolioSeries, tickers: Sequence[str], gains: Float64, first: int = 0) -> Contributions:
    """The contributions from day `first` of the series to its end.

    Parameters
    ----------
    gains : (n, k) what each of k holdings gained on each day of the series, in the portfolio's currency: the change of
        its value, plus what it paid or was sold for, less what was paid for it.
    first : position of the first day that counts.

    Notes
    -----
    A day's gain over the day's capital (begin + inflow) is its part of that day's return; times the growth from the
    start of the period to the start of the day it is its part of the period's, since
    index(T) - 1 = sum over t of index(t - 1) x return(t). So nothing is left over by compounding, and no smoothing is
    needed. On a break nothing is earned and nothing contributed. ValueError for shapes that do not fit.
    Source: that identity.
    """
    if gains.shape != (len(series), len(tickers)):
        raise ValueError(f"gains {gains.shape} do not fit {len(series)} days and {len(tickers)} tickers")
    returns = np.nan_to_num(series.returns[first:])
    growth = np.concatenate([[1.0], np.cumprod(1 + returns)])
    capital = (series.begin + series.inflow)[first:]
    counts = ~np.isnan(series.returns[first:]) & (capital > 0)
    weights = np.divide(growth[:-1], capital, out=np.zeros_like(capital), where=counts)
    parts = weights @ np.nan_to_num(gains[first:])
    twr = float(growth[-1] - 1)
    order = np.argsort(-parts, kind="stable")
    return Contributions(
        tuple(Contribution(tickers[i], float(parts[i])) for i in order if parts[i]),
        twr - float(parts.sum()),
        twr,
    )
