"""Past fans are the kernel's, know nothing of what came later, and are right in a world that is as they say."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from domain.analytics.estimates.posterior_drift import PREMIUM, TAU, Drift
from domain.analytics.simulation.calibration import (
    NUM_PATHS,
    PastStart,
    merged,
    records,
    tallied,
    walked,
)
from domain.analytics.simulation.fitted import MODELS
from domain.analytics.simulation.history import HistoricalSequences
from domain.analytics.simulation.inputs import SimulationInputs, SimulationSpec
from domain.analytics.simulation.kernel import paths_of
from domain.analytics.simulation.long_series import OF_MONTH_ENDS, LongSeries
from domain.analytics.simulation.models import Gaussian
from domain.analytics.simulation.past_starts import (
    DailyMarket,
    daily_starts,
    long_starts,
    month_ends,
    random_portfolios,
)
from domain.analytics.simulation.scores import ALL, JUDGED

WALKED = [name for name in MODELS if name != HistoricalSequences.name]


def daily_market(years: int = 13, securities: int = 4, seed: int = 11) -> DailyMarket:
    random = np.random.default_rng(seed)
    first = np.datetime64("1990-01-01", "D")
    days = np.arange(first, first + 365 * years)
    days = days[np.is_busday(days)]
    index = random.normal(0.0003, 0.01, len(days))
    moves = 0.8 * index[:, None] + random.normal(0.0002, 0.015, (len(days), securities))
    ends = month_ends(days)
    rates = {months: np.full(len(ends), 0.03) for months in (12, 60, 120)}
    closes, level = (100 * np.exp(one.cumsum(axis=0)) for one in (moves, index))
    return DailyMarket(days, closes, level, random_portfolios(securities, 3, 7), ends, rates)


def monthly_series(months: int = 12 * 45, seed: int = 12, deviation: float = 0.04, rate_pct: float = 3.0) -> LongSeries:
    random = np.random.default_rng(seed)
    level = 100 * np.exp(random.normal(0.005, deviation, months).cumsum())
    return LongSeries(
        np.datetime64("1950-01", "M") + np.arange(months),
        level,
        np.zeros(months),
        np.ones(months),
        np.full(months, rate_pct),
    )


@pytest.mark.parametrize("name", WALKED)
def test_a_past_fan_is_the_kernels(name: str) -> None:
    start = next(daily_starts(daily_market(), monthly_series()))
    model, drift = start.models[name], start.drifts[12]["posterior"]
    inputs = SimulationInputs(
        start.weights[0], drift.mu_annual, start.volatility_annual, start.correlation, mu_deviation=drift.deviation
    )
    held = np.flatnonzero(start.weights[0])
    alone = replace(
        start,
        weights=start.weights[:1, held],
        volatility_annual=start.volatility_annual[held],
        correlation=start.correlation[np.ix_(held, held)],
    )
    assert len(held) < len(start.weights[0]), "what is not held is left out by the kernel"
    model = _of(model, held)
    paths = paths_of(_of_inputs(inputs, held), model, SimulationSpec(1, NUM_PATHS, start.seed))

    moves, doubts = walked(alone, model, (12,))

    volatility = alone.volatility_annual[:, None]
    log_prices = moves[0] + drift.mu_annual[held, None] - volatility**2 / 2 + drift.deviation[held, None] * doubts
    assert alone.weights[0] @ np.exp(log_prices) == pytest.approx(paths.moving[-1], rel=2e-5)


def _of(model: Any, held: np.ndarray) -> Any:
    """The model of some of its securities."""
    return replace(
        model,
        **{
            one.name: getattr(model, one.name)[..., held] for one in fields(model) if one.name in ("returns", "loading")
        },
    )


def _of_inputs(inputs: SimulationInputs, held: np.ndarray) -> SimulationInputs:
    assert inputs.mu_deviation is not None
    return SimulationInputs(
        inputs.values[held],
        inputs.mu_annual[held],
        inputs.volatility_annual[held],
        inputs.correlation[np.ix_(held, held)],
        mu_deviation=inputs.mu_deviation[held],
    )


def known(start: PastStart) -> list[bytes]:
    """All that a start knows, as bytes."""
    drifts = [one for of_horizon in start.drifts.values() for one in of_horizon.values()]
    arrays: list[Any] = [start.volatility_annual, start.correlation, start.past_mean, start.past_variance]
    arrays += [getattr(drift, one.name) for drift in drifts for one in fields(Drift)]
    for model in start.models.values():
        arrays += [getattr(model, one.name) for one in fields(model)]
    return [np.asarray(one).tobytes() for one in arrays]


def test_a_start_knows_nothing_of_what_came_later():
    market, series = daily_market(), monthly_series()
    number = 6
    end = int(market.month_ends[120 + number])
    later, just_before = market.closes.copy(), market.closes.copy()
    later[end + 1 :] *= 1.5
    just_before[end - 1] *= 1.5
    index = market.index.copy()
    index[end + 1 :] *= 0.5
    month = market.days[end].astype("datetime64[M]")
    level = np.where(series.months > month, 2 * series.level, series.level)

    def at(of: DailyMarket, long: LongSeries) -> PastStart:
        return next(daily_starts(of, long, number, number + 1))

    seen = at(market, series)
    assert known(at(replace(market, closes=later, index=index), replace(series, level=level))) == known(seen)
    assert known(at(replace(market, closes=just_before), series)) != known(seen), "the control"
    assert at(replace(market, closes=later), series).futures[12] != pytest.approx(seen.futures[12])


def test_a_month_of_the_long_series_knows_nothing_of_what_came_later():
    series, number = monthly_series(), 30
    at = 120 + number  # the first return to come; its month is number at + 1
    level, yields = series.level.copy(), series.long_yield_pct.copy()
    level[at + 1 :] *= 1.5
    yields[at + 1 :] += 2

    def start(of: LongSeries) -> PastStart:
        return next(long_starts(of, number, number + 1))

    seen = start(series)
    assert seen.month == series.months[at + 1]
    assert known(start(replace(series, level=level, long_yield_pct=yields))) == known(seen)
    level[at] *= 1.5
    assert known(start(replace(series, level=level))) != known(seen), "the control"
    assert seen.futures[60] == pytest.approx(np.log(series.level[at + 60] / series.level[at]))


def gaussian_starts(starts: Sequence[PastStart], scale: float = 1.0) -> list[PastStart]:
    return [
        replace(one, models={Gaussian.name: Gaussian()}, volatility_annual=scale * one.volatility_annual)
        for one in starts
    ]


def test_fans_are_right_in_a_world_that_is_as_they_say():
    """The default's 90 % band holds 90 % of what comes after histories with the prior's drifts; the control, bands of
    half the volatility, does not, and neither do bands that take a ten-year mean for the truth."""
    random = np.random.default_rng(21)
    starts = []
    for _ in range(400):
        log_drift = random.normal(np.log(1.03) + PREMIUM, TAU) - 0.15**2 / 2
        moves = random.normal(log_drift / 12, 0.15 / np.sqrt(12), 12 * 15 + 1)
        start = next(long_starts(replace(monthly_series(len(moves)), level=np.exp(moves.cumsum()))))
        own = {name: start.drifts[60][name] for name in ("posterior", "equilibrium", "historical")}
        starts.append(replace(start, futures={60: start.futures[60]}, drifts={60: own}))
    # These are month-ends, so that what the long series' means need is taken off again.
    right, narrow = (
        {
            row["drift"]: row["coverage_90"]
            for row in records("world", tallied(gaussian_starts(starts[:n], scale / OF_MONTH_ENDS)), "1950-01")
        }
        for scale, n in ((1.0, 400), (0.5, 100))
    )

    assert right["posterior"] == pytest.approx(0.9, abs=0.035)  # two standard errors of 400
    assert right["equilibrium"] == pytest.approx(0.9, abs=0.035)
    assert narrow["posterior"] < 0.8
    assert right["historical"] < right["posterior"] - 0.05


def test_scores_in_parts_are_scores_in_one():
    starts = gaussian_starts(list(long_starts(monthly_series(12 * 14))))

    whole, parts = tallied(starts), [tallied(starts[:7]), tallied(starts[7:])]

    assert records("a", merged(parts), "1960-06") == records("a", whole, "1960-06")
    spans = {row["span"]: row for row in records("a", whole, "1960-06") if row["drift"] == "posterior"}
    assert spans[ALL]["n_starts"] > spans[JUDGED]["n_starts"] > 0
    assert str(spans[JUDGED]["first_start"]) == "1960-06-01"
