"""How often fans were right: simulated from past months, with what was known then, and held against what came.

Belongs here: a past start, its simulation under every model and drift, and the records that all starts add up to. Does
not: what was known of which data, which is in `past_starts`; nor any score, which is in `scores`.

The moves are the models' own, from the same streams as in `kernel`; one walk serves every drift, horizon and portfolio
of a start. A test holds them against `kernel.paths_of`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from domain.analytics.arrays import Float32, Float64
from domain.analytics.estimates.correlation import nearest_correlation
from domain.analytics.estimates.posterior_drift import Drift, DriftChoice
from domain.analytics.simulation.history import HistoricalSequences
from domain.analytics.simulation.kernel import CHUNK_ROWS
from domain.analytics.simulation.lanes import LANES, Lanes
from domain.analytics.simulation.models import MONTHS, Block, Gaussian, Model, Moving, symmetric_root
from domain.analytics.simulation.scores import ALL, JUDGED, OWN_DRIFT, Scores, record

NUM_PATHS = 2 * LANES
MIN_WINDOWS = 120
"""Historical sequences are no distribution below so many of them."""


@dataclass(frozen=True, slots=True, eq=False)
class PastStart:
    """A past month: what was known before it of n securities, and what came of p portfolios of them, bought and held.

    Attributes
    ----------
    month : the first month of what came, datetime64[M].
    volatility_annual : (n,), `correlation` (n, n), `models` by name, and `drifts` by months ahead and name.
    weights : (p, n), each row sums to 1.
    futures : log growth (p,) over so many months, by that number; as far as it is known today.
    past_mean, past_variance : (p,) of a month's log returns, as the baseline takes them.
    """

    month: np.datetime64
    volatility_annual: Float64
    correlation: Float64
    drifts: Mapping[int, Mapping[str, Drift]]
    models: Mapping[str, Model]
    weights: Float64
    futures: Mapping[int, Float64]
    past_mean: Float64
    past_variance: Float64

    @property
    def seed(self) -> int:
        """Months since January of year 1: each start has numbers of its own, so that errors of paths cancel out."""
        return int((self.month - np.datetime64("0001-01", "M")).astype(np.int64))


@dataclass(slots=True)
class _Tally:
    months: list[np.datetime64] = field(default_factory=list)
    scores: list[Scores] = field(default_factory=list)
    baseline: list[Scores] = field(default_factory=list)


Tallies = dict[tuple[str, str, int], _Tally]
"""By model, drift and months."""


def tallied(starts: Iterable[PastStart]) -> Tallies:
    """Score every model, drift and horizon of each start, as far as what came is known; with one BLAS thread."""
    tallies: Tallies = defaultdict(_Tally)
    with threadpool_limits(limits=1, user_api="blas"):
        for start in starts:
            baselines = {months: _baseline(start, months) for months in start.futures}
            for name, model in start.models.items():
                for drift, months, samples in _forecasts(start, model):
                    tally = tallies[name, drift, months]
                    tally.months.append(start.month)
                    tally.scores.append(Scores.of_samples(samples, start.futures[months]))
                    tally.baseline.append(baselines[months])
    return dict(tallies)


def merged(parts: Sequence[Tallies]) -> Tallies:
    """The tallies of starts that were scored in parts."""
    tallies: Tallies = defaultdict(_Tally)
    for part in parts:
        for key, one in part.items():
            tallies[key].months += one.months
            tallies[key].scores += one.scores
            tallies[key].baseline += one.baseline
    return dict(tallies)


def records(series: str, tallies: Tallies, judged_from: str) -> list[dict[str, Any]]:
    """Rows of `simulation_calibration`: one per model, drift, horizon and span, of which JUDGED starts later than what
    was fitted ends."""
    rows = []
    for (model, drift, months), tally in sorted(tallies.items()):
        of_month = np.array(tally.months)
        for span, first in ((ALL, of_month.min()), (JUDGED, np.datetime64(judged_from, "M"))):
            chosen = np.flatnonzero(of_month >= first)
            if not len(chosen):
                continue
            scores, baseline = (_joined([found[one] for one in chosen]) for found in (tally.scores, tally.baseline))
            rows.append(
                {
                    "series": series,
                    "model": model,
                    "drift": drift,
                    "horizon_years": months // MONTHS,
                    "span": span,
                    "first_start": of_month[chosen].min().astype("datetime64[D]").item(),
                    "last_start": of_month[chosen].max().astype("datetime64[D]").item(),
                    **record(scores, baseline, len(chosen), months),
                }
            )
    return rows


def _joined(scores: Sequence[Scores]) -> Scores:
    return Scores(*(np.concatenate([getattr(one, name) for one in scores]) for name in Scores.__slots__))


def _baseline(start: PastStart, months: int) -> Scores:
    mean, deviation = start.past_mean * months, np.sqrt(start.past_variance * months)
    return Scores.of_normal(mean, deviation, start.futures[months])


def _forecasts(start: PastStart, model: Model) -> Iterable[tuple[str, int, Float64]]:
    """The drift, the months and samples (p, paths) of log wealth."""
    portfolios = len(start.weights)
    if isinstance(model, HistoricalSequences):
        for months in start.futures:
            if model.windows(months) >= MIN_WINDOWS:
                yield OWN_DRIFT, months, np.repeat(_windows(model, months)[None], portfolios, axis=0)
        return
    horizons = sorted(start.futures)
    moves, doubts = walked(start, model, horizons)
    volatility = start.volatility_annual[:, None]
    weights = start.weights.astype(np.float32)
    for place, months in enumerate(horizons):
        years = months / MONTHS
        for name, drift in start.drifts[months].items():
            if isinstance(model, Gaussian) or name in list(DriftChoice):  # other priors with the default model alone
                log_drift = (drift.mu_annual[:, None] - volatility**2 / 2) * years
                unknown = (drift.deviation[:, None] * years).astype(np.float32)
                prices = np.exp(moves[place] + log_drift.astype(np.float32) + unknown * doubts)
                yield name, months, np.log(weights @ prices).astype(np.float64)


def walked(start: PastStart, model: Model, horizons: Sequence[int]) -> tuple[Float32, Float32]:
    """Log returns (h, n, paths) up to each of the ascending `horizons`, without drift; and the standard normals
    (n, paths) of variance 1 by which each path's drift departs from its mean."""
    n = len(start.volatility_annual)
    correlation, _ = nearest_correlation(start.correlation)
    deviation = start.volatility_annual / np.sqrt(MONTHS)
    moving = Moving(np.arange(n), deviation, symmetric_root(correlation), MONTHS)
    seeds = np.random.SeedSequence(start.seed).spawn(NUM_PATHS // LANES)
    moves = np.empty((len(horizons), n, NUM_PATHS), np.float32)
    doubts = np.empty((n, NUM_PATHS), np.float32)
    chunk = max(1, CHUNK_ROWS // n)  # as the kernel, for the same numbers
    for block, seed in enumerate(seeds):
        at = slice(block * LANES, (block + 1) * LANES)
        drawn = Lanes(seed.spawn(1)[0]).normals(np.empty((n + 1, LANES), np.float32))
        doubts[:, at] = (drawn[:1] + drawn[1:]) * np.float32(np.sqrt(0.5))
        walk = model.walk(moving, Block(seed, block * LANES))
        total = np.zeros((n, LANES), np.float32)
        for first in range(0, horizons[-1], chunk):
            for step, row in enumerate(walk.moves(min(chunk, horizons[-1] - first)), start=first + 1):
                total += row
                if step in horizons:
                    moves[horizons.index(step), :, at] = total
    return moves, doubts


def _windows(model: HistoricalSequences, months: int) -> Float64:
    """(windows,) log returns of every stretch of so many months."""
    totals = np.concatenate([[0.0], model.returns[:, 0].cumsum()])
    return np.asarray(totals[months:] - totals[:-months])
