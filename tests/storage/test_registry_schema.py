"""Constraints of the database itself on the registry and on lifetimes, whoever writes; and the upgrade from 0001."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg.errors import ExclusionViolation, ForeignKeyViolation, InsufficientPrivilege, UniqueViolation

from oltp_api.registry.repository import Securities
from storage.postgres import embedded
from storage.postgres.database import Database, embedded_database, prepare
from storage.settings import REPOSITORY

USER = "00000000-0000-4000-8000-000000000001"
PORTFOLIO = "00000000-0000-4000-8000-0000000000aa"
_SECURITY = """
    insert into security_registry (asset_type, currency, display_name) values (%s, 'USD', %s) returning security_id
"""
_TICKER = """
    insert into security_identifier (security_id, id_type, id_value, is_primary, valid_from, valid_to)
    values (%s, %s, %s, %s, %s, %s)
"""
_NEW_PORTFOLIO = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    values (%s, %s, 'Core', 'USD', 'INVESTMENT', 'UTC')
"""


def migrated(database: Database, revision: str) -> None:
    config = Config(toml_file=str(REPOSITORY / "pyproject.toml"))
    config.attributes["url"] = database.sqlalchemy_url
    command.upgrade(config, revision)


@pytest.fixture
def at_0001(postgres_home: Path) -> Iterator[Database]:
    """A database of the first schema, with a security that is held."""
    socket_dir = embedded.start(postgres_home)
    maintenance = embedded_database(socket_dir, "postgres").admin_url
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute("create database before_the_registry")
    database = embedded_database(socket_dir, "before_the_registry")
    migrated(database, "0001")
    with psycopg.connect(database.admin_url) as connection:
        for ticker, asset_type in (("AAPL", "EQUITY"), ("SP500", "INDEX")):
            added = connection.execute(_SECURITY, (asset_type, ticker)).fetchone()
            assert added
            connection.execute("insert into security_identifier values (%s, 'TICKER', %s, true)", (added[0], ticker))
        connection.execute("insert into equity_details (security_id, sector) values (1, 'IT')")
        connection.execute(_NEW_PORTFOLIO, (PORTFOLIO, USER))
        connection.execute("insert into position_current values (%s, 1, 1, 10, 100, 0)", (PORTFOLIO,))
    yield database
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute("drop database before_the_registry (force)")


def test_a_database_with_rows_is_upgraded_and_keeps_them(at_0001: Database) -> None:
    prepare(at_0001)

    with psycopg.connect(at_0001.services_url) as connection:
        names = connection.execute("select security_id, name from security_name order by security_id").fetchall()
        details = connection.execute("select security_id, sector from equity_details").fetchall()
        account = connection.execute("select identifier, revision, archived_at from account").fetchall()
        portfolio = connection.execute("select name, version, revision from portfolio").fetchall()
        kinds = connection.execute("select distinct price_kind from security_registry").fetchall()
    assert names == [(1, "AAPL"), (2, "SP500")]
    assert details == [(1, "IT")]
    assert account == [("MAIN", 1, None)]
    assert portfolio == [("Core", 0, 0)]
    assert kinds == [(None,)]


def test_of_an_upgraded_database_the_sample_market_says_what_its_prices_are(at_0001: Database) -> None:
    from oltp_api.registry.sample_market import register_sample_market, securities_of
    from oltp_api.unit_of_work import UnitOfWork
    from storage.clock import SampleMarketClock

    prepare(at_0001)
    with psycopg.connect(at_0001.app_url, row_factory=psycopg.rows.dict_row) as connection:
        work = UnitOfWork(connection, SampleMarketClock())
        assert register_sample_market(work, securities_of("sample")) > 15
        kinds = [Securities(work).find(ticker).price_kind for ticker in ("AAPL", "SP500", "MSFT")]

    assert kinds == ["TOTAL_RETURN", "PRICE_INDEX", "TOTAL_RETURN"]


@pytest.fixture
def registry(new_database: Callable[[], Database]) -> Database:
    """Two securities: 1 is FB from 2012 on, 2 has no identifier."""
    created = new_database()
    with psycopg.connect(created.services_url) as connection:
        for name in ("Meta", "Another"):
            connection.execute(_SECURITY, ("EQUITY", name))
        connection.execute(_TICKER, (1, "TICKER", "FB", True, "2012-05-18", None))
        connection.execute("insert into equity_details (security_id, sector) values (1, 'IT')")
    return created


def test_a_ticker_that_changes_hands_is_a_new_identifier_with_dates_and_not_a_new_meaning_for_the_old(
    registry: Database,
) -> None:
    with psycopg.connect(registry.admin_url) as owner:
        owner.execute("update security_identifier set valid_to = '2022-06-09'")
    with psycopg.connect(registry.services_url) as connection:
        connection.execute(_TICKER, (2, "TICKER", "FB", True, "2022-06-09", None))
        meant = connection.execute(
            "select day::date::text, security_id from unnest(array['2022-06-08', '2022-06-09']::date[]) as day"
            " join security_identifier on daterange(valid_from, valid_to) @> day order by day"
        ).fetchall()

    assert meant == [("2022-06-08", 1), ("2022-06-09", 2)]


@pytest.mark.parametrize(
    ("id_type", "valid_from", "valid_to"),
    [
        ("TICKER", None, None),
        ("TICKER", "2020-01-01", "2020-01-02"),
        ("TICKER", None, "2012-05-19"),
        ("ISIN", None, None),
    ],
)
def test_a_text_names_one_security_at_a_time_whatever_its_type(
    registry: Database, id_type: str, valid_from: str | None, valid_to: str | None
) -> None:
    with psycopg.connect(registry.services_url) as connection, pytest.raises(ExclusionViolation):
        connection.execute(_TICKER, (2, id_type, "FB", True, valid_from, valid_to))


def test_control_without_the_constraint_a_text_could_name_two(registry: Database) -> None:
    with psycopg.connect(registry.admin_url) as owner:
        owner.execute("alter table security_identifier drop constraint one_meaning_at_a_time")
    with psycopg.connect(registry.services_url) as connection:
        connection.execute(_TICKER, (2, "TICKER", "FB", True, None, None))


def test_a_text_may_have_named_another_security_before(registry: Database) -> None:
    with psycopg.connect(registry.services_url) as connection:
        connection.execute(_TICKER, (2, "TICKER", "FB", False, None, "2012-05-18"))


def test_a_security_has_one_primary_identifier_of_each_type(registry: Database) -> None:
    with psycopg.connect(registry.services_url) as connection, pytest.raises(UniqueViolation):
        connection.execute(_TICKER, (1, "TICKER", "META", True, None, None))


REWRITES = {
    "a known detail": "update equity_details set sector = 'Energy'",
    "a known detail to unknown": "update equity_details set sector = null",
    "another security's details": "update equity_details set security_id = 2",
    "a name": "update security_registry set display_name = 'Renamed'",
    "a meaning": "update security_identifier set security_id = 2",
    "an end": "update security_identifier set valid_to = '2022-06-09'",
    "no identifier": "delete from security_identifier",
    "a known kind of price": "update security_registry set price_kind = 'TOTAL_RETURN'",
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_the_application_role_cannot_rewrite_or_redirect_what_is_known(registry: Database, rewrite: str) -> None:
    with psycopg.connect(registry.services_url) as connection:
        connection.execute("update security_registry set price_kind = 'AS_TRADED' where price_kind is null")
    with psycopg.connect(registry.services_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(rewrite)


def test_control_without_the_trigger_the_application_role_could_rewrite_details(registry: Database) -> None:
    with psycopg.connect(registry.admin_url) as owner:
        owner.execute("drop trigger refuse_rewrite on equity_details")
    with psycopg.connect(registry.services_url) as connection:
        assert connection.execute(REWRITES["a known detail"]).rowcount == 1


def test_the_application_role_can_fill_in_what_is_missing(registry: Database) -> None:
    with psycopg.connect(registry.services_url) as connection:
        assert connection.execute("update equity_details set country = 'US', sector = sector").rowcount == 1


def test_only_the_owner_can_mend_a_mistake(registry: Database) -> None:
    with psycopg.connect(registry.admin_url) as owner:
        assert owner.execute(REWRITES["a known detail"]).rowcount == 1


def test_the_registry_is_shared_by_all_since_no_row_of_it_belongs_to_a_user(new_database) -> None:
    """Whatever refers to a user by a foreign key belongs to one; portfolios do, so the question finds what there is."""
    with psycopg.connect(new_database().services_url) as connection:
        owned = connection.execute(
            "select conrelid::regclass::text from pg_constraint"
            " where contype = 'f' and confrelid = 'app_user'::regclass"
        ).fetchall()
    registry = {"security_registry", "security_identifier", "equity_details", "bond_details", "fund_details"}
    names = {name for (name,) in owned}

    assert "portfolio" in names
    assert not names & registry


def test_a_portfolio_is_never_deleted(new_database: Callable[[], Database]) -> None:
    database = new_database()
    with psycopg.connect(database.services_url) as connection:
        connection.execute(_NEW_PORTFOLIO, (PORTFOLIO, USER))
    with psycopg.connect(database.services_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("delete from portfolio")


def test_deleting_a_user_never_cascades(new_database: Callable[[], Database]) -> None:
    database = new_database()
    with psycopg.connect(database.admin_url) as owner:
        owner.execute(_NEW_PORTFOLIO, (PORTFOLIO, USER))
        cascading = owner.execute(
            "select conrelid::regclass::text, conname from pg_constraint"
            " where contype = 'f' and confdeltype <> 'a' and connamespace = 'public'::regnamespace"
        ).fetchall()
        owner.commit()
        with pytest.raises(ForeignKeyViolation):
            owner.execute("delete from app_user")

    assert cascading == [("recovery_code", "recovery_code_user_id_fkey")], (
        "which goes with its second factor, not with a user"
    )
