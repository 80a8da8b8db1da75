"""Automatic starts of runs: sensors that pick up the ledger and requests, and schedules that follow the clock."""

import time
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import dagster as dg

from domain.ledger import FIRST_DAY
from pipelines.pickup import PastRun, RefreshDecision, decide
from pipelines.risk_analyses.queue import due_analyses
from pipelines.runtime.partitions import year_of
from pipelines.runtime.resources import (
    REFRESH_LOCK,
    RISK_ANALYSIS_LOCK,
    SIMULATION_LOCK,
    Platform,
    bundled_market,
)
from pipelines.runtime.run_process import cancel_if_it_cannot_start, was_killed
from pipelines.simulations.queue import due_simulations
from pipelines.sources.tracking import new_in_market, without_history
from storage.postgres import database as postgres
from storage.postgres.horizon import unseen

# A sensor of jobs that are made of ops is copied with a parameter that Dagster calls beta; pinned, and known.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*initializer `SensorDefinition.*")

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_RUNS_LOOKED_AT = 12  # 30 minutes of back-off are reached after 6
_NEWEST_EDIT = "select created_at from outbox order by seq desc limit 1"
_WATCHED_SECONDS, _LOOK_SECONDS = 10, 1  # `make down` waits for a tick to end


def refresh_sensor(refresh: Any, pick_up: Any) -> dg.SensorDefinition:
    """Asks for what a release needs when the ledger, a request or reference data is ahead of the newest one.

    The first time that is the whole graph with all years. Later it is the graph from the replica on: a trade is no
    reason to fetch the market again. While there is nothing to do a tick watches the ledger: Dagster looks every five
    seconds for a sensor that is due, at 0.1 s of a core each time.
    """

    @dg.sensor(
        name="ledger_is_ahead",
        jobs=[refresh, pick_up],
        minimum_interval_seconds=2,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a refresh when something recorded is not in the newest release.",
    )
    def ledger_is_ahead(context: dg.SensorEvaluationContext, platform: Platform) -> dg.RunRequest | dg.SkipReason:
        watch(platform)
        decision = due_now(context.instance, platform, [refresh.name, pick_up.name])
        if not decision.is_due:
            return dg.SkipReason(decision.reason)
        why = {"lakefolio/why": decision.reason}
        if platform.lake.version("raw/price_daily") is None or not reaches_back(platform):
            return dg.RunRequest(job_name=refresh.name, tags={**all_years(platform), **why})
        return dg.RunRequest(job_name=pick_up.name, tags=why)

    return ledger_is_ahead


def all_years(platform: Platform) -> dict[str, str]:
    """The tags of a run over every year there is; one that the market has not reached is empty."""
    return {RANGE_START: year_of(FIRST_DAY), RANGE_END: year_of(platform.clock.now().date())}


def years_due(platform: Platform) -> dict[str, str]:
    """The tags of a refresh: over the current year, or all while a ticker of the market still lacks its history.

    A provider is asked once per ticker either way.
    """
    if not reaches_back(platform):
        return all_years(platform)
    if platform.settings.market_source == "live":
        with postgres.connect(platform.database.admin_url) as connection:
            if without_history(connection, platform.lake, platform.market_today):
                return all_years(platform)
    elif new_in_market(bundled_market(platform.settings.market_source), platform.lake):
        return all_years(platform)
    this_year = year_of(platform.market_today)
    return {RANGE_START: this_year, RANGE_END: this_year}


def reaches_back(platform: Platform) -> bool:
    """True if the lake's calendar begins with the ledger's first day; one made before 2026-11-28 begins in 1990."""
    table = "raw/trading_calendar"
    if not platform.lake.exists(table):
        return False
    years = [int(partition["year"]) for partition in platform.lake.open(table).partitions()]
    return min(years, default=9999) <= FIRST_DAY.year


def watch(platform: Platform, seconds: float = _WATCHED_SECONDS) -> None:
    """Until something recorded is not in the newest release; not longer than `seconds`."""
    until, head = time.monotonic() + seconds, platform.releases.head()
    with postgres.connect(platform.database.admin_url, autocommit=True) as connection:
        while head and not unseen(connection, head.horizon) and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)


def due_now(instance: dg.DagsterInstance, platform: Platform, job_names: Sequence[str]) -> RefreshDecision:
    """The pick-up decision from the database, the newest release and the runs' own records."""
    head = platform.releases.head()
    with postgres.connect(platform.database.admin_url) as connection:
        behind = unseen(connection, head.horizon) if head else ["everything"]
        if not behind:
            return decide(datetime.now(UTC), [], False, [], None)
        is_locked = postgres.is_locked(connection, REFRESH_LOCK)
        edit = connection.execute(_NEWEST_EDIT).fetchone()
    return decide(datetime.now(UTC), behind, is_locked, past_runs(instance, job_names), edit[0] if edit else None)


def past_runs(instance: dg.DagsterInstance, job_names: Sequence[str]) -> list[PastRun]:
    """The last runs of some jobs, newest first, without those whose process was killed: they tried nothing. If such a
    run had not begun, it is canceled, which makes room in the queue."""
    found = []
    for job_name in job_names:
        for record in instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=_RUNS_LOOKED_AT):
            if was_killed(record.dagster_run):
                cancel_if_it_cannot_start(instance, record.dagster_run)
            else:
                found.append(PastRun.of(record))
    return sorted(found, key=lambda run: run.asked_at, reverse=True)


def requests_sensor(simulate: Any, analyse: Any) -> dg.SensorDefinition:
    """Asks for a run of the simulations, and one of the risk analyses, that wait for a result, unless one is at it.

    One sensor for both, since each that is due costs a tenth of a second of a core.
    """

    @dg.sensor(
        name="requests_are_due",
        jobs=[simulate, analyse],
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs requested simulations, standing ones whose portfolio has moved on, and risk analyses.",
    )
    def requests_are_due(
        context: dg.SensorEvaluationContext, platform: Platform
    ) -> list[dg.RunRequest] | dg.SkipReason:
        head = platform.releases.head()
        kinds = (
            (simulate, SIMULATION_LOCK, "simulations", due_simulations(platform, head)),
            (analyse, RISK_ANALYSIS_LOCK, "risk analyses", due_analyses(platform, head)),
        )
        asked, reasons = [], []
        for job, lock, what, due in kinds:
            decision = _due_requests(context.instance, platform, job.name, lock, due)
            if decision.is_due:
                asked.append(dg.RunRequest(job_name=job.name, tags={"lakefolio/why": f"{len(due)} {what} wait"}))
            reasons.append(f"{len(due)} {what} wait; {decision.reason}")
        return asked or dg.SkipReason("; ".join(reasons))

    return requests_are_due


def _due_requests(
    instance: dg.DagsterInstance, platform: Platform, job_name: str, lock: str, due: Sequence[UUID]
) -> RefreshDecision:
    if not due:
        return decide(datetime.now(UTC), [], False, [], None)
    with postgres.connect(platform.database.admin_url) as connection:
        is_locked = postgres.is_locked(connection, lock)
    return decide(datetime.now(UTC), [str(one) for one in due], is_locked, past_runs(instance, [job_name]), None)


def schedules(refresh: Any, take_snapshots: Any, score_risks: Any) -> list[dg.ScheduleDefinition]:
    """The daily refresh of the current year, a snapshot and ranking of every book every 10 minutes, and after each
    quarter the scores of risk analyses."""

    @dg.schedule(
        name="refresh_daily",
        job=refresh,
        cron_schedule="30 18 * * 1-5",
        execution_timezone="America/New_York",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="After the close of every weekday: the current year's market data and all that follows; for a new "
        "ticker of a live market, all years.",
    )
    def refresh_daily(platform: Platform) -> dg.RunRequest:
        return dg.RunRequest(tags=years_due(platform))

    snapshots = dg.ScheduleDefinition(
        name="snapshot_every_10_minutes",
        job=take_snapshots,
        cron_schedule="*/10 * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A position snapshot of every book, and its ranking; an unchanged book is skipped.",
    )
    scores = dg.ScheduleDefinition(
        name="score_risks_quarterly",
        job=score_risks,
        cron_schedule="0 6 2 1,4,7,10 *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="After each quarter: whether the risks that analyses named came true.",
    )
    return [refresh_daily, snapshots, scores]
