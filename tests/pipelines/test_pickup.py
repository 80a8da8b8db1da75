import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import dagster as dg
import psycopg
import pytest
from dagster import DagsterRunStatus

from domain.events import PortfolioCreated
from pipelines.automation import due_now, watch
from pipelines.pickup import LONGEST_BACK_OFF, START_UP, PastRun, RefreshDecision, backed_off_until, decide
from pipelines.runtime.resources import REFRESH_LOCK, Platform
from storage.events.outbox import write_event
from storage.lake.delta import Lake
from storage.lake.releases import Release, Releases
from storage.postgres import database as postgres
from storage.postgres.database import Database
from storage.postgres.horizon import current_horizon

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AHEAD = ["transaction_ledger"]
LONG_AGO = timedelta(days=1)


def run(status: str, asked: timedelta, took: timedelta | None = None) -> PastRun:
    """A run that was asked for so long before noon."""
    asked_at = NOON - asked
    return PastRun(DagsterRunStatus(status), asked_at, asked_at + took if took is not None else None)


def failures(count: int, last_ended: timedelta) -> list[PastRun]:
    """So many failed runs an hour apart, newest first; the last one took a second and ended so long before noon."""
    second = timedelta(seconds=1)
    return [run("FAILURE", last_ended + second + timedelta(hours=n), second) for n in range(count)]


def at_noon(
    runs: list[PastRun], unseen: list[str] = AHEAD, is_locked: bool = False, newest_edit: datetime | None = None
) -> RefreshDecision:
    return decide(NOON, unseen, is_locked, runs, newest_edit)


def test_it_is_due_when_the_ledger_is_ahead() -> None:
    assert at_noon([]) == RefreshDecision(True, "not released yet: transaction_ledger")


def test_it_is_not_due_when_everything_was_released() -> None:
    assert not at_noon([], unseen=[]).is_due


def test_it_is_not_due_while_a_worker_holds_the_lock() -> None:
    assert at_noon([], is_locked=True) == RefreshDecision(False, "a refresh is running")


@pytest.mark.parametrize("status", ["QUEUED", "NOT_STARTED", "STARTING", "STARTED"])
def test_it_is_not_due_when_it_was_just_asked_for(status: str) -> None:
    assert not at_noon([run(status, asked=timedelta(seconds=1))]).is_due


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTING", "STARTED"])
def test_a_run_that_was_killed_does_not_block_the_next(status: str) -> None:
    assert at_noon([run(status, asked=START_UP)]).is_due


def test_a_run_that_is_slow_to_start_is_not_asked_for_again_while_its_process_lives() -> None:
    slow = replace(run("STARTED", asked=LONG_AGO), is_alive=True)

    assert not at_noon([slow]).is_due


def test_a_run_in_the_queue_is_not_asked_for_again_however_long_it_waits() -> None:
    assert not at_noon([run("QUEUED", asked=LONG_AGO)]).is_due


def test_control_a_run_that_was_killed_would_block_it_if_its_status_were_believed() -> None:
    killed = run("STARTED", asked=LONG_AGO)

    assert not dg.DagsterRun(job_name="refresh", run_id=str(uuid4()), status=killed.status).is_finished
    assert at_noon([killed]).is_due


@pytest.mark.parametrize(
    ("count", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (12, 30), (2000, 30)]
)
def test_failures_in_a_row_back_off(count: int, minutes: int) -> None:
    until = backed_off_until(NOON, failures(count, last_ended=LONG_AGO), newest_edit=None)

    assert until == NOON - LONG_AGO + timedelta(minutes=minutes)


def test_the_longest_back_off_is_half_an_hour() -> None:
    assert timedelta(minutes=30) == LONGEST_BACK_OFF


def test_it_is_not_due_until_the_back_off_has_passed() -> None:
    waited = timedelta(minutes=2)

    assert not at_noon(failures(2, last_ended=waited - timedelta(seconds=1))).is_due
    assert at_noon(failures(2, last_ended=waited)).is_due


def test_the_reason_says_when_the_next_is_tried() -> None:
    assert "tried at 12:00:30" in at_noon(failures(1, last_ended=timedelta(seconds=30))).reason


def test_a_failure_without_an_end_backs_off_from_its_beginning() -> None:
    assert backed_off_until(NOON, [run("FAILURE", asked=LONG_AGO)], None) == NOON - LONG_AGO + timedelta(minutes=1)


def test_a_newer_edit_resets_the_back_off() -> None:
    assert at_noon(failures(6, last_ended=timedelta(seconds=1)), newest_edit=NOON).is_due


def test_an_older_edit_does_not_reset_the_back_off() -> None:
    assert not at_noon(failures(6, last_ended=timedelta(seconds=1)), newest_edit=NOON - LONG_AGO).is_due


def test_after_a_newer_edit_the_back_off_starts_again_at_a_minute() -> None:
    runs = failures(6, last_ended=timedelta(seconds=1))

    until = backed_off_until(NOON, runs, newest_edit=runs[1].asked_at + timedelta(minutes=1))

    assert until == NOON - timedelta(seconds=1) + timedelta(minutes=1)


def test_a_success_resets_the_back_off() -> None:
    succeeded = run("SUCCESS", asked=timedelta(seconds=2), took=timedelta(seconds=1))

    assert at_noon([succeeded, *failures(6, last_ended=timedelta(seconds=3))]).is_due


def test_only_failures_after_the_last_success_count() -> None:
    succeeded = run("SUCCESS", asked=timedelta(minutes=30), took=timedelta(seconds=1))
    runs = [*failures(1, last_ended=LONG_AGO), succeeded, *failures(6, last_ended=timedelta(hours=2))]

    assert backed_off_until(NOON, runs, None) == NOON - LONG_AGO + timedelta(minutes=1)


def test_a_run_that_was_killed_between_failures_does_not_end_their_row() -> None:
    first, second = failures(2, last_ended=LONG_AGO)

    assert backed_off_until(NOON, [first, run("STARTED", asked=LONG_AGO), second], None) == backed_off_until(
        NOON, [first, second], None
    )


class RefreshBroke(Exception):
    pass


def job_called(name: str, fails: bool) -> dg.JobDefinition:

    @dg.op
    def work() -> None:
        if fails:
            raise RefreshBroke()

    @dg.job(name=name)
    def job() -> None:
        work()

    return job


@pytest.fixture
def platform(new_database: Callable[[], Database], tmp_path: Path) -> Platform:
    """A database of this test's own and an empty lake."""
    database = new_database()
    return Platform(
        lakefolio_home=str(tmp_path),
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        database_services_url=database.services_url,
        lake_uri=str(tmp_path / "lake"),
        market_source="sample",
    )


def release_now(platform: Platform) -> None:
    """A release that has seen everything until now."""
    with psycopg.connect(platform.database.admin_url) as connection:
        horizon = current_horizon(connection)
    release = Release(0, None, None, "REFRESH", datetime.now(UTC), None, horizon, "code", "a run", {})
    Releases(Lake(platform.settings.lake, nullcontext)).publish(release, base=None)


def edit(platform: Platform) -> None:
    """A new portfolio with its event."""
    portfolio_id = uuid4()
    with psycopg.connect(platform.database.services_url) as connection:
        connection.execute(
            """
            insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
            values (%s, '00000000-0000-4000-8000-000000000001', 'Core', 'USD', 'INVESTMENT', 'America/New_York')
            """,
            (portfolio_id,),
        )
        write_event(connection, portfolio_id, 0, created(portfolio_id))


def created(portfolio_id: UUID) -> PortfolioCreated:
    return PortfolioCreated(portfolio_id, "Core", "USD", "INVESTMENT")


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_before_the_first_release_everything_is_due(instance: dg.DagsterInstance, platform: Platform) -> None:
    assert due_now(instance, platform, ["refresh"]) == RefreshDecision(True, "not released yet: everything")


def test_after_a_release_nothing_is_due(instance: dg.DagsterInstance, platform: Platform) -> None:
    edit(platform)
    release_now(platform)

    assert not due_now(instance, platform, ["refresh"]).is_due


def test_after_an_edit_it_is_due(instance: dg.DagsterInstance, platform: Platform) -> None:
    release_now(platform)
    edit(platform)

    assert due_now(instance, platform, ["refresh"]) == RefreshDecision(True, "not released yet: portfolio")


def test_a_tick_watches_until_an_edit_or_for_its_time(platform: Platform) -> None:
    release_now(platform)
    began = time.monotonic()
    watch(platform, 1.5)
    with_nothing = time.monotonic() - began

    edited = threading.Timer(0.2, edit, [platform])
    edited.start()
    watch(platform, 60)
    with_an_edit = time.monotonic() - began - with_nothing
    edited.join()

    assert with_nothing >= 1.5
    assert with_an_edit < 10


def test_while_the_lock_is_held_it_is_not_due(instance: dg.DagsterInstance, platform: Platform) -> None:
    with postgres.advisory_lock(platform.database.admin_url, REFRESH_LOCK):
        assert due_now(instance, platform, ["refresh"]) == RefreshDecision(False, "a refresh is running")


def test_a_run_that_was_created_is_not_asked_for_again(instance: dg.DagsterInstance, platform: Platform) -> None:
    instance.add_run(dg.DagsterRun(job_name="refresh", run_id=str(uuid4()), status=DagsterRunStatus.NOT_STARTED))

    assert due_now(instance, platform, ["refresh"]) == RefreshDecision(False, "a refresh was asked for and is starting")


def test_a_run_of_another_job_does_not_count(instance: dg.DagsterInstance, platform: Platform) -> None:
    instance.add_run(dg.DagsterRun(job_name="simulate", run_id=str(uuid4()), status=DagsterRunStatus.NOT_STARTED))

    assert due_now(instance, platform, ["refresh"]).is_due


def test_a_run_that_failed_backs_off(instance: dg.DagsterInstance, platform: Platform) -> None:
    job_called("refresh", fails=True).execute_in_process(instance=instance, raise_on_error=False)

    assert "the last refresh failed" in due_now(instance, platform, ["refresh"]).reason


def test_the_runs_of_several_jobs_are_one_row_of_tries(instance: dg.DagsterInstance, platform: Platform) -> None:
    job_called("refresh", fails=False).execute_in_process(instance=instance)
    job_called("pick_up", fails=True).execute_in_process(instance=instance, raise_on_error=False)

    assert "the last refresh failed" in due_now(instance, platform, ["pick_up", "refresh"]).reason


def test_an_edit_after_the_failure_is_tried_at_once(instance: dg.DagsterInstance, platform: Platform) -> None:
    job_called("refresh", fails=True).execute_in_process(instance=instance, raise_on_error=False)
    edit(platform)

    assert due_now(instance, platform, ["refresh"]).is_due


def test_a_run_that_succeeded_does_not_back_off(instance: dg.DagsterInstance, platform: Platform) -> None:
    job_called("refresh", fails=False).execute_in_process(instance=instance)

    assert due_now(instance, platform, ["refresh"]).is_due


# A clock that was set back


IN_A_YEAR = -timedelta(days=365)


@pytest.mark.parametrize("status", ["STARTED", "FAILURE", "SUCCESS"])
def test_a_run_that_was_asked_for_before_the_clock_was_set_back_holds_nothing_up(status: str) -> None:
    assert at_noon([run(status, asked=IN_A_YEAR, took=timedelta(seconds=1))]).is_due


def test_failures_back_off_by_the_clock_as_it_is_now_whatever_was_edited_or_ran_ahead_of_it() -> None:
    runs = [run("FAILURE", asked=IN_A_YEAR, took=timedelta(seconds=1)), *failures(3, timedelta(seconds=10))]

    assert not at_noon(runs, newest_edit=NOON - IN_A_YEAR).is_due
    assert at_noon([*runs[:1], *failures(3, timedelta(minutes=5))], newest_edit=NOON - IN_A_YEAR).is_due


def test_a_run_that_ended_before_the_clock_was_set_back_is_taken_to_have_ended_when_it_was_asked_for() -> None:
    ended_ahead = run("FAILURE", asked=timedelta(minutes=3), took=-IN_A_YEAR)

    assert at_noon([ended_ahead]).is_due
