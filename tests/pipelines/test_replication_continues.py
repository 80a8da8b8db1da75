"""A copy of the ledger takes only what the lake's newest version had not seen; all of it wherever that is in doubt.

A real writer, a real PostgreSQL, a real Delta table. `taken` is what the asset does.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pyarrow as pa
import pytest

from pipelines.replication.point import ReplicationPoint
from pipelines.replication.postgres_reader import reader
from pipelines.replication.tables import Copy, Replica, deliver, heads_of, replicate
from storage.errors import TableMoved
from storage.lake.delta import Lake, Publication
from storage.postgres.database import Database
from tests.ledger_writer import Writer, add_security

LEDGER, FILLS = "raw/pg_transaction_ledger", "raw/pg_order_fill"
ONE, OTHER = UUID(int=0xAA, version=4), UUID(int=0xBB, version=4)


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    created = new_database()
    add_security(created)
    return created


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "a lake"), lock=nullcontext)


@pytest.fixture
def writer_of(database: Database) -> Iterator[Callable[[UUID], Writer]]:
    with ExitStack() as open_connections:
        yield lambda portfolio: Writer(
            open_connections.enter_context(psycopg.connect(database.services_url)), portfolio
        )


@pytest.fixture
def writer(writer_of: Callable[[UUID], Writer]) -> Writer:
    """One whose first three rows are there."""
    created = writer_of(ONE)
    buy(created, 1, 2, 3)
    return created


def buy(writer: Writer, *costs: int) -> None:
    writer.buy(*map(Decimal, costs))
    writer.connection.commit()


def seen(database: Database, lake: Lake) -> Replica:
    heads = heads_of(lake, [LEDGER])
    with reader() as connection:
        return replicate(connection, database.reader_dsn, [LEDGER], heads)


def delivered(lake: Lake, replica: Replica) -> Publication:
    return deliver(lake, LEDGER, replica.copies[LEDGER], replica.instant, "run")


def taken(database: Database, lake: Lake) -> tuple[Copy, Publication]:
    replica = seen(database, lake)
    return replica.copies[LEDGER], delivered(lake, replica)


def costs(lake: Lake, version: int | None = None) -> list[int]:
    """List the rows' costs, which tell them apart."""
    return sorted(-int(effect) for effect in lake.read(LEDGER, version)["cash_effect"].to_pylist())


def noted(lake: Lake, rows: pa.Table, instant: ReplicationPoint) -> None:
    """A version that says that it is of `instant`."""
    lake.publish(LEDGER, rows, notes=instant.notes)


def test_the_first_copy_is_whole_and_the_next_only_what_is_new(database: Database, lake: Lake, writer: Writer) -> None:
    first, _ = taken(database, lake)
    buy(writer, 4, 5)
    second, published = taken(database, lake)

    assert (first.head, first.why, first.rows.num_rows) == (None, "it is the first copy", 3)
    assert second.head is not None
    assert (second.rows.num_rows, published.row_count, published.version) == (2, 5, 1)
    assert costs(lake) == [1, 2, 3, 4, 5]


def test_nothing_new_makes_no_new_version_and_loses_nothing_later(
    database: Database, lake: Lake, writer: Writer
) -> None:
    taken(database, lake)
    for _ in range(2):
        copy, published = taken(database, lake)
        assert (copy.rows.num_rows, published.is_new, published.version) == (0, False, 0)
    buy(writer, 4)
    taken(database, lake)

    assert costs(lake) == [1, 2, 3, 4]


def test_a_unit_of_work_that_commits_late_is_not_lost(
    database: Database, lake: Lake, writer: Writer, writer_of: Callable[[UUID], Writer]
) -> None:
    late = writer_of(OTHER)
    late.buy(Decimal(100))
    buy(writer, 4)
    taken(database, lake)
    late.connection.commit()
    copy, _ = taken(database, lake)

    assert copy.rows.num_rows == 1
    assert costs(lake) == [1, 2, 3, 4, 100]


@pytest.mark.parametrize("cursor", ["xid::text::bigint", "recorded_at"])
def test_control_a_cursor_on_the_largest_value_loses_it(
    database: Database, writer: Writer, writer_of: Callable[[UUID], Writer], cursor: str
) -> None:
    late = writer_of(OTHER)
    late.buy(Decimal(100))
    buy(writer, 4)
    with psycopg.connect(database.admin_url, autocommit=True) as own:
        copied_up_to = own.execute(f"select max({cursor}) from transaction_ledger").fetchone()
        late.connection.commit()
        query = f"select cash_effect from transaction_ledger where {cursor} > %s"
        assert own.execute(query, copied_up_to).fetchall() == []


def test_a_run_that_dies_after_its_append_doubles_nothing_when_it_is_run_again(
    database: Database, lake: Lake, writer: Writer
) -> None:
    taken(database, lake)
    buy(writer, 4)
    delivered(lake, seen(database, lake))  # and dies before anybody knows of it
    copy, published = taken(database, lake)

    assert (copy.rows.num_rows, published.version) == (0, 1)
    assert costs(lake) == [1, 2, 3, 4]


def test_what_was_read_after_an_older_version_is_not_appended_to_a_newer_one(
    database: Database, lake: Lake, writer: Writer
) -> None:
    taken(database, lake)
    buy(writer, 4)
    slow = seen(database, lake)
    buy(writer, 5)
    taken(database, lake)

    with pytest.raises(TableMoved):
        delivered(lake, slow)

    assert costs(lake) == [1, 2, 3, 4, 5]


def test_control_appended_to_whatever_is_newest_it_doubles_a_row(
    database: Database, lake: Lake, writer: Writer
) -> None:
    taken(database, lake)
    buy(writer, 4)
    slow = seen(database, lake)
    buy(writer, 5)
    taken(database, lake)
    lake.append(LEDGER, slow.rows[LEDGER])

    assert costs(lake) == [1, 2, 3, 4, 4, 5]


def why_whole(database: Database, lake: Lake) -> str:
    """Why the next copy is whole; it must be what the database has."""
    copy, _ = taken(database, lake)
    with psycopg.connect(database.admin_url) as own:
        rows = own.execute("select -cash_effect::int from transaction_ledger order by 1").fetchall()
    assert costs(lake) == [row[0] for row in rows]
    assert copy.head is None
    return copy.why


def test_a_version_from_before_versions_said_when_is_replaced_whole(
    database: Database, lake: Lake, writer: Writer
) -> None:
    lake.publish(LEDGER, seen(database, lake).rows[LEDGER])
    buy(writer, 4)

    assert why_whole(database, lake) == "version 0 does not say when it was copied"
    assert taken(database, lake)[0].head is not None


def test_another_cluster_is_copied_whole(database: Database, lake: Lake, writer: Writer) -> None:
    replica = seen(database, lake)
    horizon = replace(replica.horizon, system_identifier="7")
    noted(lake, replica.rows[LEDGER], replace(replica.instant, horizon=horizon))
    buy(writer, 4)

    assert why_whole(database, lake) == "version 0 is of database 7"


def test_another_database_of_the_cluster_is_copied_whole(
    database: Database, lake: Lake, writer: Writer, new_database: Callable[[], Database]
) -> None:
    """As after a restore into the same cluster, or one that set the database back: the same number of other rows."""
    taken(database, lake)
    restored = new_database()
    add_security(restored)
    with psycopg.connect(restored.services_url) as connection:
        buy(Writer(connection, ONE), 7, 8, 9)

    assert "has not the hashes" in why_whole(restored, lake)


def test_rows_that_were_stamped_anew_are_not_taken_for_new_ones(database: Database, lake: Lake, writer: Writer) -> None:
    """As a restored dump's are."""
    taken(database, lake)
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("alter table transaction_ledger disable trigger append_only")
        owner.execute("update transaction_ledger set xid = pg_current_xact_id()")
        owner.execute("alter table transaction_ledger enable trigger append_only")

    assert "has not the hashes" in why_whole(database, lake)


def test_a_version_of_a_later_instant_is_not_continued(database: Database, lake: Lake, writer: Writer) -> None:
    replica = seen(database, lake)
    later = replace(replica.horizon, snapshot=f"{replica.horizon.xmax + 1000}:{replica.horizon.xmax + 1000}:")
    noted(lake, replica.rows[LEDGER], replace(replica.instant, horizon=later))

    assert why_whole(database, lake) == "version 0 shows more than this instant"


def test_a_version_that_lacks_a_row_is_not_continued(database: Database, lake: Lake, writer: Writer) -> None:
    replica = seen(database, lake)
    noted(lake, replica.rows[LEDGER].slice(1), replica.instant)
    buy(writer, 4)

    assert why_whole(database, lake) == "version 0 has 2 rows, the database had 3"


def test_other_columns_come_with_the_whole(database: Database, lake: Lake, writer: Writer) -> None:
    replica = seen(database, lake)
    noted(lake, replica.rows[LEDGER].drop_columns(["note"]), replica.instant)
    buy(writer, 4)

    assert why_whole(database, lake) == "its columns have changed"


def test_fills_are_continued_too_and_what_changes_is_copied_whole(
    database: Database, lake: Lake, writer: Writer
) -> None:
    tables = [FILLS, "raw/pg_order"]
    for _ in range(2):
        heads = heads_of(lake, tables)
        with reader() as connection:
            replica = replicate(connection, database.reader_dsn, tables, heads)
        for name, copy in replica.copies.items():
            deliver(lake, name, copy, replica.instant, "run")

    assert [(name, copy.head is not None, copy.why) for name, copy in replica.copies.items()] == [
        (FILLS, True, ""),
        ("raw/pg_order", False, "its rows change"),
    ]
