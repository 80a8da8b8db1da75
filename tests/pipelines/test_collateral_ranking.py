"""The schedule's job: a snapshot of every book, its ranking, and both in the lake and in an appended release."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pyarrow as pa
import pytest

from application.rankings import rank_snapshot
from pipelines.books.collateral import stored_items
from pipelines.books.snapshots import stored_snapshots
from pipelines.definitions import build_defs
from pipelines.runtime.resources import Platform
from storage.postgres.database import Database
from tests.small_book import BOOK, USER, count, trade, with_small_book
from tests.small_release import publish_small_release

D = Decimal
OTHER = "00000000-0000-4000-8000-0000000000a0"
RANKINGS, SNAPSHOTS = "positions/collateral_ranking", "positions/position_snapshot"


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    return with_small_book(new_database)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.services_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def platform(database: Database, tmp_path: Path) -> Platform:
    return Platform(
        lakefolio_home=str(tmp_path),
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        database_services_url=database.services_url,
        lake_uri=str(tmp_path / "a lake"),
        market_source="sample",
    )


@pytest.fixture
def released(platform: Platform) -> Platform:
    publish_small_release(platform.lake)
    return platform


@lru_cache(maxsize=1)
def job_of(platform: Platform) -> dg.JobDefinition:
    return build_defs(platform).resolve_job_def("take_snapshots")


def run(platform: Platform) -> dict[str, Any]:
    """The job once; what each asset said about itself."""
    with dg.DagsterInstance.ephemeral() as instance:
        done = job_of(platform).execute_in_process(instance=instance)
    assert done.success
    return {
        event.asset_key.to_user_string(): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in done.get_asset_materialization_events()
    }


def items(platform: Platform) -> list[dict[str, Any]]:
    release = platform.releases.head()
    assert release
    return list(platform.lake.read(RANKINGS, release.versions[RANKINGS]).to_pylist())


def snapshots(platform: Platform) -> list[dict[str, Any]]:
    release = platform.releases.head()
    assert release
    return list(platform.lake.read(SNAPSHOTS, release.versions[SNAPSHOTS]).to_pylist())


def in_order(rows: pa.Table) -> list[str]:
    return sorted(map(str, rows.to_pylist()))


def add_book(database: Database, quantity: int = 4) -> None:
    """Another book, with so much of ACME in each of two accounts."""
    with psycopg.connect(database.admin_url) as owner:
        owner.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " values (%s, %s, 'Other', 'USD', 'TRADING_BOOK', 'UTC')",
            (OTHER, USER),
        )
        owner.execute(
            "insert into account (user_id, identifier, broker, account_type) values (%s, 'B', 'B', 'BANK')", (USER,)
        )
        owner.execute(
            "insert into account_holding select %s, account_id, 1, %s, 0, 1, 1, 0, 0, 0, true, true from account",
            (OTHER, quantity),
        )


def test_every_books_snapshot_is_ranked_and_its_items_are_in_the_release(released) -> None:
    made = run(released)

    assert (made[SNAPSHOTS]["snapshots stored"], made[RANKINGS]["snapshots ranked"]) == (1, 1)
    acme, zeta = items(released)
    assert (acme["ticker"], acme["rank"], acme["price"], acme["haircut"]) == ("ACME", 1, 121, D("0.25"))
    assert (acme["market_value"], acme["lendable_value"], acme["cumulative_value"]) == (
        D("1270.5"),
        D("952.875"),
        D("952.875"),
    )
    assert (zeta["rank"], zeta["is_eligible"], zeta["reason"], zeta["lendable_value"]) == (
        None,
        False,
        "NOT_LONG",
        None,
    )


def test_ranked_once_nothing_is_new_the_second_time(released) -> None:
    run(released)
    before = released.releases.head()

    made = run(released)

    assert made[RANKINGS]["snapshots ranked"] == 0
    assert released.releases.head() == before


def test_a_ranking_made_elsewhere_is_published_too(released, connection) -> None:
    run(released)
    row = connection.execute("select snapshot_id from position_snapshot").fetchone()
    assert row
    rank_snapshot(connection, row[0], rates={"EUR": D("1.1")})

    run(released)

    assert len({item["ranking_id"] for item in items(released)}) == 2


@pytest.mark.long
def test_a_newer_snapshot_is_ranked_as_well(released, connection) -> None:
    run(released)
    trade(connection)

    run(released)

    assert [item["quantity"] for item in items(released) if item["ticker"] == "ACME"] == [D("10.5"), 21]


def test_of_two_books_only_the_one_that_traded_is_taken_ranked_and_published_again(
    released, connection, database
) -> None:
    add_book(database)
    assert run(released)[SNAPSHOTS]["dagster/row_count"] == 2
    other = [row for row in snapshots(released) if row["portfolio_id"] == OTHER]
    connection.execute("update portfolio set version = version + 1 where portfolio_id = %s", (BOOK,))
    connection.execute("update account_holding set quantity = 21 where security_id = 1 and portfolio_id = %s", (BOOK,))

    made = run(released)

    assert (made[SNAPSHOTS]["snapshots stored"], made[SNAPSHOTS]["dagster/row_count"]) == (1, 2)
    assert (made[RANKINGS]["snapshots ranked"], made[RANKINGS]["dagster/row_count"]) == (1, 4)
    assert [row for row in snapshots(released) if row["portfolio_id"] == OTHER] == other
    for table, stored in ((SNAPSHOTS, stored_snapshots(connection)), (RANKINGS, stored_items(connection))):
        assert in_order(released.lake.read(table)) == in_order(stored)


def test_other_columns_come_with_all_books(released) -> None:
    run(released)
    released.lake.publish(SNAPSHOTS, released.lake.read(SNAPSHOTS).drop_columns(["pruned_at"]))

    assert run(released)[SNAPSHOTS]["dagster/row_count"] == 1

    assert "pruned_at" in snapshots(released)[0]


def test_an_archived_book_is_neither_taken_nor_ranked(released, connection) -> None:
    connection.execute("update portfolio set archived_at = now() where portfolio_id = %s", (BOOK,))

    run(released)

    assert (count(connection, "position_snapshot"), count(connection, "collateral_ranking")) == (0, 0)


def test_a_book_that_cannot_be_ranked_keeps_no_other_one_waiting(released, connection, database) -> None:
    add_book(database, quantity=9_999_999_999)

    made = run(released)

    assert (made[RANKINGS]["snapshots ranked"], made[RANKINGS]["snapshots refused"]) == (1, 1)


def test_before_the_first_release_there_is_nothing_to_rank(platform) -> None:
    made = run(platform)

    assert (made[RANKINGS]["dagster/row_count"], made[SNAPSHOTS]["dagster/row_count"]) == (0, 0)


def test_old_payloads_are_pruned_after_taking_and_the_table_keeps_the_rest(released, connection, database) -> None:
    run(released)
    trade(connection)
    run(released)
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("update position_snapshot set superseded_at = now() - interval '8 days' where not is_current")

    made = run(released)

    assert made[SNAPSHOTS]["payloads pruned"] == 1
    release = released.releases.head()
    assert release
    rows = released.lake.read(SNAPSHOTS, release.versions[SNAPSHOTS]).to_pylist()
    old, current = sorted(rows, key=lambda row: row["is_current"])
    assert (old["payload"], bool(old["payload_hash"]), bool(old["superseded_reason"])) == (None, True, True)
    assert current["payload"]
    assert old["pruned_at"]
