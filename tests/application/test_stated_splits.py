"""A split that a portfolio has recorded, in the returns of its security's own prices: its own, and nobody else's."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from application.analytics.review import LakeAnalyticsRepository
from application.simulation_history import monthly_returns
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.estimates.moments import historical_moments
from domain.analytics.review import risk_of
from domain.analytics.simulation.scenarios import Stretch
from storage.lake.delta import Lake
from tests.risk_release import SESSIONS, Held, publish_risk_release

OWNER, OTHER = "11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333"
DAY = 70
STEADY = Held(1, "STEADY", np.where(np.arange(142) < DAY, 90.0, 180.0))
LOGS = np.random.default_rng(3).normal(0, 0.01, (142, 2))
MOVES = np.exp(np.cumsum(LOGS, axis=0))
MOVING = Held(2, "MOVING", np.round(MOVES[:, 0] * 100 / np.where(np.arange(142) < DAY, 1, 3), 8))
BESIDE = Held(3, "BESIDE", np.round(MOVES[:, 1] * 50, 8))
SPLITS = [
    {"portfolio_id": OWNER, "security_id": 1, "business_date": SESSIONS[DAY].item(), "split_new": 1, "split_old": 2},
    {"portfolio_id": OWNER, "security_id": 2, "business_date": SESSIONS[DAY].item(), "split_new": 3},
]
HELD = {OWNER: {1: 100.0, 2: 100.0}, OTHER: {1: 100.0}}


@pytest.fixture
def new_lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), lock=nullcontext)


@pytest.fixture
def volatility(new_lake: Lake) -> Callable[..., float]:
    """The annual volatility of the weights of a portfolio."""

    def of(owner: str, steady: Held = STEADY, **published: object) -> float:
        publish_risk_release(new_lake, [steady, MOVING, BESIDE], HELD, **published)
        found = LakeAnalyticsRepository.newest(new_lake).get_reviewed(UUID(owner), "USD", "SP500")
        assert found is not None
        return float(risk_of(found).profiles[1].volatility or 0)

    return of


def test_a_split_in_the_ledger_is_no_crash_in_the_risk_of_own_prices(volatility) -> None:
    """One for two at twice the price has returns of 0, three for one at a third of it those of the unsplit price."""
    unsplit = np.diff(np.exp(np.cumsum(LOGS[:, 0]))) / np.exp(np.cumsum(LOGS[:, 0]))[:-1]

    assert volatility(OWNER, splits=SPLITS) == pytest.approx(0.5 * unsplit.std(ddof=1) * np.sqrt(252), rel=1e-6)


def test_a_split_changes_the_numbers_of_whom_it_was_recorded_by_only(volatility) -> None:
    crash = np.append(np.zeros(140), 1.0)

    assert volatility(OTHER, splits=SPLITS) == pytest.approx(crash.std(ddof=1) * np.sqrt(252))


def test_a_split_that_was_taken_back_counts_no_more(volatility) -> None:
    back = {**SPLITS[0], "txn_type": "REVERSAL", "reverses_seq": 1}

    assert volatility(OWNER, splits=[*SPLITS, back]) > 0.5


def test_a_split_that_the_market_tells_too_counts_once(volatility) -> None:
    """The returns of the mart have it: here they are those of a price that has not moved."""
    told = {"ticker": "STEADY", "action_date": SESSIONS[DAY + 2].item(), "split_new": 1, "split_old": 2}

    assert volatility(OWNER, splits=SPLITS, actions=[told]) > 0.5


def test_a_split_between_sessions_is_in_the_return_of_the_next(volatility) -> None:
    monday = next(place for place in range(DAY, 80) if SESSIONS[place] - SESSIONS[place - 1] > np.timedelta64(1, "D"))
    weekend = {**SPLITS[0], "portfolio_id": OTHER, "business_date": (SESSIONS[monday] - 1).item()}
    later = np.where(np.arange(142) < monday, 90.0, 180.0)

    steady = Held(1, "STEADY", later)
    assert volatility(OTHER, steady, splits=[weekend]) == 0


def test_a_simulation_starts_from_moments_with_the_split(new_lake: Lake) -> None:
    publish_risk_release(new_lake, [STEADY, MOVING, BESIDE], HELD, splits=SPLITS)
    analytics = LakeAnalyticsRepository.newest(new_lake)
    parameters = LakeSimulationParamsRepository(analytics.mounted(), analytics.get_stated_splits([OWNER])[OWNER])

    (found,) = parameters.get_security_params([2])
    expected = historical_moments(LOGS[1:, 0])
    assert (found.mu_annual, found.volatility_annual) == (
        pytest.approx(expected.mu_annual, rel=1e-5),
        pytest.approx(expected.volatility_annual, rel=1e-5),
    )
    assert parameters.get_correlation([2, 3])[0][1] == pytest.approx(np.corrcoef(LOGS[1:].T)[0, 1], abs=1e-6)
    assert OTHER not in analytics.get_stated_splits([OTHER])


def test_a_replayed_stretch_knows_the_split_in_it_and_none_of_before(new_lake: Lake) -> None:
    publish_risk_release(new_lake, [STEADY, MOVING, BESIDE], HELD, splits=SPLITS)
    analytics = LakeAnalyticsRepository.newest(new_lake)
    parameters = LakeSimulationParamsRepository(analytics.mounted(), analytics.get_stated_splits([OWNER])[OWNER])
    months = SESSIONS.astype("datetime64[M]")
    first = months[DAY].astype("datetime64[D]").item()
    last = (months[DAY] + 1).astype("datetime64[D]").item()

    with_it = monthly_returns(parameters, {2: "MOVING", 3: "BESIDE"}, Stretch(first, last))
    after_it = monthly_returns(parameters, {2: "MOVING", 3: "BESIDE"}, Stretch(last, last))

    own = [LOGS[months == month].sum(axis=0) for month in (months[DAY], months[DAY] + 1)]
    assert with_it == pytest.approx(np.array(own), abs=1e-6)
    assert after_it == pytest.approx(np.array(own[1:]), abs=1e-6)
