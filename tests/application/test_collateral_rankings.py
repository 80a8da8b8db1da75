"""Rankings of record: one per snapshot and terms, each with its event, however often it is asked for."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from application.rankings import PostgresCollateralRankings, StoredRanking, on_position_snapshot_created, rank_snapshot
from application.schedules import PostgresHaircutSchedules
from application.snapshot_pruning import prune_payloads
from domain.collateral import Ineligible, ValuationBasis
from domain.errors import InvalidInput, NotFound, ScheduleNotFound, SnapshotPruned, UnknownSecurity
from domain.haircuts import SUPERVISORY, HaircutClass, HaircutSchedule, Maturity, supervisory_schedule
from domain.ports import EventMessage
from domain.snapshots import PositionSnapshot
from oltp_api.worker import consumers
from storage.clock import SystemClock
from storage.events.consumers import deliver, register
from storage.postgres.database import Database
from storage.settings import Settings
from tests.small_book import BOOK, NOON, USER, count, take, trade, wait_until_one_is_blocked, with_small_book

D = Decimal
OWNER = UUID(USER)


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    return with_small_book(new_database)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.services_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def snapshot(connection: psycopg.Connection) -> PositionSnapshot:
    taken = take(connection)
    assert isinstance(taken, PositionSnapshot)
    return taken


def newest(connection: psycopg.Connection) -> StoredRanking:
    found = PostgresCollateralRankings(connection).newest(BOOK)
    assert found
    return found


def test_a_ranking_is_stored_as_it_was_made(connection, snapshot) -> None:
    made, is_new = rank_snapshot(connection, snapshot.snapshot_id)

    stored = newest(connection)
    acme, zeta = stored.ranking.items
    assert (is_new, stored) == (True, made)
    assert (stored.schedule, stored.valuation_basis, stored.currency) == (SUPERVISORY, "market", "USD")
    assert (acme.ticker, acme.market_value, acme.lendable_value) == ("ACME", D("131.25"), D("98.4375"))
    assert (zeta.ticker, zeta.reason) == ("ZETA", Ineligible.NOT_LONG)
    assert stored.ranking.payload_hash == stored.payload_hash


def test_a_bonds_issuer_class_and_maturity_are_those_of_its_details(connection, database, snapshot) -> None:
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("update security_registry set asset_type = 'BOND' where security_id = 1")
        owner.execute(
            "insert into bond_details (security_id, maturity_date, coupon_rate_pct, day_count, issuer, issuer_class)"
            " values (1, '2018-03-29', 0, 'ACT/ACT ICMA', 'US Treasury', 'SOVEREIGN')"
        )

    stored, _ = rank_snapshot(connection, snapshot.snapshot_id)

    bond = stored.ranking.items[0]
    assert (bond.issuer, bond.haircut, bond.lendable_value) == ("US Treasury", D("0.005"), D("130.59375"))


def test_ranking_the_same_snapshot_twice_is_one_ranking_with_one_event(connection, snapshot) -> None:
    first, _ = rank_snapshot(connection, snapshot.snapshot_id)

    again, is_new = rank_snapshot(connection, snapshot.snapshot_id)

    assert (again, is_new) == (first, False)
    assert count(connection, "collateral_ranking") == 1
    assert count(connection, "outbox where event_type = 'CollateralRanked'") == 1


def test_other_terms_are_another_ranking(connection, snapshot) -> None:
    rank_snapshot(connection, snapshot.snapshot_id)
    rank_snapshot(connection, snapshot.snapshot_id, basis=ValuationBasis.COST)
    rank_snapshot(connection, snapshot.snapshot_id, replace(supervisory_schedule(), holding_days=5))
    rank_snapshot(connection, snapshot.snapshot_id, rates={"EUR": D("1.1")})

    assert count(connection, "collateral_ranking") == 4


def test_a_ranking_keeps_the_terms_it_was_made_by(connection, snapshot) -> None:
    stored, _ = rank_snapshot(connection, snapshot.snapshot_id, rates={"EUR": D("1.10")})

    assert stored.inputs["fx_rates"] == {"EUR": "1.1"}
    assert stored.inputs["snapshot"] == snapshot.payload_hash
    assert stored.inputs["schedule"]["by_class"]["EQUITY/*/*"] == "0.25"


def test_the_event_says_what_can_be_lent(connection, snapshot) -> None:
    stored, _ = rank_snapshot(connection, snapshot.snapshot_id)

    row = connection.execute(
        "select aggregate_id, version, payload from outbox where event_type = 'CollateralRanked'"
    ).fetchone()

    assert row
    assert row[:2] == (BOOK, 4)
    assert row[2] == {
        "ranking_id": str(stored.ranking_id),
        "snapshot_id": str(snapshot.snapshot_id),
        "portfolio_id": str(BOOK),
        "business_date": "2017-03-29",
        "schedule": "SUPERVISORY",
        "valuation_basis": "market",
        "lendable_value": "98.4375",
        "payload_hash": stored.payload_hash,
    }


def test_ranking_and_event_are_rolled_back_together(connection, snapshot) -> None:
    with connection.transaction() as unit_of_work:
        rank_snapshot(connection, snapshot.snapshot_id)
        raise psycopg.Rollback(unit_of_work)

    assert count(connection, "collateral_ranking") == 0
    assert count(connection, "outbox where event_type = 'CollateralRanked'") == 0


def test_without_its_event_no_ranking_is_stored(connection, snapshot, database) -> None:
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("alter table outbox add constraint full_up check (event_id is null) not valid")

    with pytest.raises(psycopg.errors.CheckViolation):
        rank_snapshot(connection, snapshot.snapshot_id)

    assert count(connection, "collateral_ranking") == 0


def ranked_by_eight_at_once(database: Database, snapshot_id: UUID) -> list[bool]:
    def work(_: int) -> bool:
        with psycopg.connect(database.services_url, autocommit=True) as connection:
            return rank_snapshot(connection, snapshot_id)[1]

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, range(8)))


def test_of_eight_who_rank_at_once_one_stores(database, connection, snapshot) -> None:
    assert sum(ranked_by_eight_at_once(database, snapshot.snapshot_id)) == 1
    assert count(connection, "outbox where event_type = 'CollateralRanked'") == 1


def test_control_without_the_constraint_more_than_one_is_stored(database, connection, snapshot) -> None:
    """`on conflict` needs the constraint; without it each must look first, and all look before anyone has stored."""
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("alter table collateral_ranking drop constraint collateral_ranking_snapshot_id_inputs_hash_key")

    assert stored_by_two_who_looked(database, snapshot.snapshot_id) == 2


def stored_by_two_who_looked(database: Database, snapshot_id: UUID) -> int:
    looked = "select count(*) from collateral_ranking where snapshot_id = %s"
    store = """
        insert into collateral_ranking (ranking_id, snapshot_id, portfolio_id, business_date, schedule, valuation_basis,
                                        currency, lendable_value, inputs, inputs_hash, payload, payload_hash)
        select %s, snapshot_id, portfolio_id, business_date, 'S', 'market', 'USD', 0, '{}', 'h', '[]', 'h'
        from position_snapshot where snapshot_id = %s
    """
    with psycopg.connect(database.services_url) as one, psycopg.connect(database.services_url) as two:
        for connection in (one, two):
            assert connection.execute(looked, (snapshot_id,)).fetchone() == (0,)
        for connection in (one, two):
            connection.execute(store, (uuid4(), snapshot_id))
            connection.commit()
        row = one.execute(looked, (snapshot_id,)).fetchone()
    assert row
    return int(row[0])


def test_a_stored_ranking_is_immutable(connection, snapshot) -> None:
    rank_snapshot(connection, snapshot.snapshot_id)

    for change in ("update collateral_ranking set lendable_value = 1", "delete from collateral_ranking"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(change)


def created(connection: psycopg.Connection) -> EventMessage:
    """The snapshot's event, as a consumer gets it."""
    columns = "event_id, event_type, aggregate_id, version, created_at, correlation_id, payload"
    row = connection.execute(f"select {columns} from outbox where event_type = 'PositionSnapshotCreated'").fetchone()
    assert row
    return EventMessage(*row)


def test_the_worker_ranks_every_snapshot_that_was_taken(connection, snapshot, database) -> None:
    (collateral,) = (consumer for consumer in consumers(Settings()) if consumer.name == "collateral")
    with psycopg.connect(database.services_url, row_factory=dict_row, autocommit=True) as worker:
        register(worker, collateral)
        delivered = [deliver(worker, collateral, SystemClock()) for _ in range(2)]

    assert delivered == [1, 0]
    assert newest(connection).snapshot_id == snapshot.snapshot_id


@pytest.mark.parametrize("row_factory", [None, dict_row])
def test_the_events_handler_ranks_the_snapshot_and_again_changes_nothing(
    connection, snapshot, database, row_factory
) -> None:
    message = created(connection)
    more = {"row_factory": row_factory} if row_factory else {}
    with psycopg.connect(database.services_url, **more) as consumer:
        for _ in range(2):
            on_position_snapshot_created(consumer, message)
            consumer.commit()

    assert newest(connection).snapshot_id == snapshot.snapshot_id
    assert count(connection, "outbox where event_type = 'CollateralRanked'") == 1


def test_the_handler_leaves_the_commit_to_its_caller(connection, snapshot, database) -> None:
    with psycopg.connect(database.services_url) as consumer:
        on_position_snapshot_created(consumer, created(connection))
        consumer.rollback()

    assert count(connection, "collateral_ranking") == 0


def test_a_snapshot_that_was_pruned_meanwhile_is_refused_but_its_late_event_is_no_failure(connection, snapshot) -> None:
    message = created(connection)
    trade(connection)
    take(connection)
    prune_payloads(connection, NOON.replace(year=2018), 7)

    with pytest.raises(SnapshotPruned):
        rank_snapshot(connection, snapshot.snapshot_id)
    on_position_snapshot_created(connection, message)

    assert count(connection, "collateral_ranking") == 0


def test_a_late_event_does_not_bring_back_the_ranking_of_a_superseded_snapshot(connection, snapshot) -> None:
    message = created(connection)
    trade(connection)
    newer = take(connection)
    assert isinstance(newer, PositionSnapshot)
    rank_snapshot(connection, newer.snapshot_id)

    on_position_snapshot_created(connection, message)

    assert newest(connection).snapshot_id == newer.snapshot_id
    assert count(connection, "collateral_ranking") == 2


def test_an_unknown_snapshot_is_refused(connection) -> None:
    with pytest.raises(NotFound):
        rank_snapshot(connection, uuid4())


def test_due_is_the_newest_current_snapshot_of_every_book_that_has_no_ranking(connection, snapshot) -> None:
    rankings = PostgresCollateralRankings(connection)
    rank_snapshot(connection, snapshot.snapshot_id, basis=ValuationBasis.COST)
    rank_snapshot(connection, snapshot.snapshot_id, rates={"EUR": D(1)})
    rank_snapshot(connection, snapshot.snapshot_id, supervisory_schedule().with_haircuts({1: D(0)}))

    assert rankings.unranked() == [snapshot.snapshot_id]
    rank_snapshot(connection, snapshot.snapshot_id)
    assert rankings.unranked() == []


DESK = HaircutSchedule(
    "desk",
    default=D("0.5"),
    fx=D("0.1"),
    by_security={1: D("0.05")},
    by_class={HaircutClass("BOND", "AGENCY", Maturity.UP_TO_1_YEAR): D("0.01"), HaircutClass("ETF"): D("0.2")},
    main_index=frozenset({1, 2}),
    holding_days=5,
    excluded=frozenset({2}),
    max_price_age_days=3,
    issuer_cap=D("0.25"),
)


def test_a_schedule_comes_back_as_it_was_put(connection) -> None:
    schedules = PostgresHaircutSchedules(connection)
    schedules.put(OWNER, DESK)

    assert schedules.get(OWNER, "desk") == DESK
    assert schedules.names(OWNER, 10) == [SUPERVISORY, "desk"]


def test_putting_a_schedule_again_replaces_the_whole_of_it(connection) -> None:
    schedules = PostgresHaircutSchedules(connection)
    schedules.put(OWNER, DESK)
    schedules.put(OWNER, HaircutSchedule("desk", default=D("0.1")))

    assert schedules.get(OWNER, "desk") == HaircutSchedule("desk", default=D("0.1"))


def test_a_schedule_is_read_whole_while_it_is_edited(connection, database) -> None:
    PostgresHaircutSchedules(connection).put(OWNER, DESK)
    with psycopg.connect(database.services_url) as editor, ThreadPoolExecutor(1) as pool:
        edited = replace(DESK, default=D("0.6"), by_security={1: D("0.06")}, by_class={})
        PostgresHaircutSchedules(editor).put(OWNER, edited)
        read = pool.submit(PostgresHaircutSchedules(connection).get, OWNER, "desk")
        wait_until_one_is_blocked(database)
        editor.commit()

        assert read.result() == edited


def test_schedules_are_their_owners(connection) -> None:
    schedules = PostgresHaircutSchedules(connection)
    schedules.put(OWNER, DESK)

    with pytest.raises(ScheduleNotFound):
        schedules.get(uuid4(), "desk")
    assert schedules.names(uuid4(), 10) == [SUPERVISORY]


def test_everyone_has_the_supervisory_schedule_and_nobody_changes_it(connection) -> None:
    schedules = PostgresHaircutSchedules(connection)

    assert schedules.get(uuid4(), SUPERVISORY) == supervisory_schedule()
    with pytest.raises(InvalidInput):
        schedules.put(OWNER, supervisory_schedule())


def test_a_schedule_that_is_changed_ranks_the_same_snapshot_anew_and_the_old_ranking_stays(
    connection, snapshot
) -> None:
    one, _ = rank_snapshot(connection, snapshot.snapshot_id, HaircutSchedule("desk", default=D("0.1")))
    two, _ = rank_snapshot(connection, snapshot.snapshot_id, HaircutSchedule("desk", default=D("0.2")))

    assert (one.lendable_value, two.lendable_value) == (D("118.125"), D("105"))
    assert newest(connection) == two
    assert count(connection, "collateral_ranking") == 2


def test_an_unknown_identifier_is_refused_by_name(connection) -> None:
    with pytest.raises(UnknownSecurity, match="NOPE"):
        PostgresHaircutSchedules(connection).securities(["ACME", "NOPE"])
