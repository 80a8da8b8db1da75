"""A database of the first revision, with rows of every kind that was written then, comes to the newest one whole."""

import subprocess
import sys
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row

from application.simulations import terms_of
from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.ledger import first_hash, row_hash
from domain.positions import Positions
from domain.securities import Reference
from domain.simulations import SimulationTerms
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import Wanted, load_one, save
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SampleMarketClock
from storage.postgres import embedded
from storage.postgres.database import Database, embedded_database, newest_version, prepare
from storage.settings import REPOSITORY

D = Decimal
USER = UUID("00000000-0000-4000-8000-000000000001")
LONG, SHORT, EMPTY = UUID(int=1), UUID(int=2), UUID(int=3)
RECORDED_AT = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
KEPT, CLOSED = "AAPL", "MSFT"

# (portfolio, type, ticker, signed quantity, price, fees, cash effect, day, note)
ROWS = [
    (LONG, "DEPOSIT", None, None, None, "0", "10000", 1, "initial cash"),
    (LONG, "TRANSFER_IN", KEPT, "3", "33.33333333", "0", "0", 1, 'a "quoted" note, ünïcode'),
    (LONG, "BUY", KEPT, "10", "140.25", "1", "-1403.5", 2, ""),
    (LONG, "BUY", CLOSED, "0.33333333", "300", "0", "-99.999999", 2, ""),
    (LONG, "SELL", CLOSED, "-0.33333333", "330", "0.5", "109.4999989", 3, ""),
    (LONG, "SELL", KEPT, "-4", "150", "2", "598", 6, ""),
    (LONG, "FEE", None, None, None, "0", "-12.5", 7, ""),
    (LONG, "WITHDRAW", None, None, None, "0", "-100", 7, ""),
    (SHORT, "SELL", KEPT, "-50", "182", "0", "9100", 2, ""),
    (SHORT, "BUY", KEPT, "20", "170", "0", "-3400", 3, ""),
]
POSITIONS = [  # portfolio, ticker, quantity, cost, realised; None where it is closed
    (LONG, KEPT, "9", "1040.88461538", "135.38461539"),
    (LONG, CLOSED, None, None, "9.4999999"),
    (SHORT, KEPT, "-30", "-5460", "240"),
]
SIMULATIONS = [("default", True, "DONE"), ("asked", False, "DONE"), ("waits", False, "REQUESTED")]
CASH = [(LONG, "9091.4999999"), (SHORT, "5700")]


@dataclass(frozen=True)
class Upgraded:
    database: Database
    securities: dict[str, int]

    def ask(self, query: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.database.admin_url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def upgraded(postgres_home: Any) -> Upgraded:
    """Written at revision 0001 as its application did, then migrated by `prepare` as every start does."""
    database = embedded_database(embedded.start(postgres_home), "from_first_revision")
    with psycopg.connect(
        embedded_database(embedded.start(postgres_home), "postgres").admin_url, autocommit=True
    ) as owner:
        owner.execute("create database from_first_revision")
    config = Config(toml_file=str(REPOSITORY / "pyproject.toml"))
    config.attributes["url"] = database.sqlalchemy_url
    command.upgrade(config, "0001")
    with psycopg.connect(database.admin_url) as connection:
        securities = write_first_revision(connection)
    prepare(database)
    return Upgraded(database, securities)


def write_first_revision(connection: psycopg.Connection) -> dict[str, int]:
    account = "(select account_id from account where identifier = 'MAIN')"
    securities: dict[str, int] = {}
    for ticker in (KEPT, CLOSED):
        added = connection.execute(
            "insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', %s)"
            " returning security_id",
            (ticker,),
        ).fetchone()
        assert added is not None
        securities[ticker] = added[0]
        connection.execute(
            "insert into security_identifier values (%s, 'TICKER', %s, true)", (securities[ticker], ticker)
        )
    for portfolio_id, kind in ((LONG, "INVESTMENT"), (SHORT, "TRADING_BOOK"), (EMPTY, "INVESTMENT")):
        version = sum(row[0] == portfolio_id for row in ROWS)
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone, version,"
            " last_business_date, last_event_ts) values (%s, %s, 'old', 'USD', %s, 'UTC', %s, %s, %s)",
            (portfolio_id, USER, kind, version, day(7) if version else None, moment(7) if version else None),
        )
    seqs = dict.fromkeys((LONG, SHORT), 0)
    for portfolio_id, kind, row_ticker, quantity, price, fees, cash, on, note in ROWS:
        seqs[portfolio_id] += 1
        connection.execute(
            "insert into transaction_ledger (portfolio_id, seq, account_id, security_id, txn_type, quantity, price,"
            f" fees, cash_effect, currency, business_date, event_ts, recorded_at, note) values (%s, %s, {account},"
            " %s, %s, %s, %s, %s, %s, 'USD', %s, %s, %s, %s)",
            (
                *(portfolio_id, seqs[portfolio_id], securities.get(row_ticker or ""), kind, quantity, price, fees),
                *(cash, day(on), moment(on), RECORDED_AT, note),
            ),
        )
    for portfolio_id, ticker, held, cost, realised in POSITIONS:
        place = (portfolio_id, securities[ticker])
        connection.execute(f"insert into realised_gain values (%s, {account}, %s, %s)", (*place, realised))
        if held:
            connection.execute(
                f"insert into position_current values (%s, {account}, %s, %s, %s, %s)", (*place, held, cost, realised)
            )
    for portfolio_id, balance in CASH:
        connection.execute("insert into cash_balance values (%s, 'USD', %s)", (portfolio_id, balance))
    for name, is_standing, status in SIMULATIONS:
        connection.execute(
            "insert into simulation (simulation_id, portfolio_id, user_id, name, horizon_years, num_paths,"
            " sample_paths, seed, is_standing, status, summary, release_id, requested_at)"
            """ values (gen_random_uuid(), %s, %s, %s, 30, 10000, 10, 42, %s, %s, '{"median": 1}', 7, now())""",
            (LONG, USER, name, is_standing, status),
        )
    return securities


def day(of_march: int) -> date:
    return date(2017, 3, of_march)


def moment(of_march: int) -> datetime:
    return datetime(2017, 3, of_march, 21, tzinfo=UTC)


def test_old_rows_say_what_their_units_were_worth_and_that_their_rate_was_1(upgraded: Upgraded) -> None:
    rows = upgraded.ask("select quantity, price, gross, fx_rate, accrued, reverses_seq from transaction_ledger")

    assert len(rows) == len(ROWS)
    for row in rows:
        assert row["gross"] == (None if row["price"] is None else round(abs(row["quantity"]) * row["price"], 8))
        assert (row["fx_rate"], row["accrued"], row["reverses_seq"]) == (1, 0, None)


@pytest.mark.parametrize("portfolio_id", [LONG, SHORT, EMPTY])
def test_old_rows_are_chained_as_new_ones_would_be(upgraded: Upgraded, portfolio_id: UUID) -> None:
    with psycopg.connect(upgraded.database.services_url, row_factory=dict_row) as connection:
        history = Portfolios(UnitOfWork(connection, SampleMarketClock())).history(portfolio_id)
    stored = upgraded.ask("select row_hash from transaction_ledger where portfolio_id = %s order by seq", portfolio_id)
    head, hashes = first_hash(portfolio_id), []
    for row in history:
        head = row_hash(head, row, RECORDED_AT)
        hashes.append(head)

    assert [row["row_hash"] for row in stored] == hashes
    (said,) = upgraded.ask("select ledger_hash from portfolio where portfolio_id = %s", portfolio_id)
    assert said["ledger_hash"] == (head if history else b"")


def test_open_closed_and_short_positions_are_holdings(upgraded: Upgraded) -> None:
    rows = upgraded.ask("select * from account_holding order by portfolio_id, security_id")
    by_ticker = {number: ticker for ticker, number in upgraded.securities.items()}
    found = [
        (row["portfolio_id"], by_ticker[row["security_id"]], row["quantity"], row["cost_basis"], row["realised"])
        for row in rows
    ]
    expected = [(*place, D(held or 0), D(cost or 0), D(gain)) for *place, held, cost, gain in POSITIONS]

    assert found == expected
    assert all(row["cost_basis_base"] == row["cost_basis"] for row in rows)
    assert all(row["realised_base"] == row["realised"] for row in rows)
    assert all((row["realised_fx_base"], row["reserved"], row["lots"]) == (0, 0, None) for row in rows)
    assert all(row["is_basis_known"] and row["is_realised_known"] for row in rows)


@pytest.mark.parametrize("portfolio_id", [LONG, SHORT])
def test_the_holdings_and_cash_are_what_the_domain_folds_from_the_rows(upgraded: Upgraded, portfolio_id: UUID) -> None:
    with psycopg.connect(upgraded.database.services_url, row_factory=dict_row) as connection:
        folded = Positions.of(Portfolios(UnitOfWork(connection, SampleMarketClock())).history(portfolio_id))
    held = upgraded.ask("select * from account_holding where portfolio_id = %s", portfolio_id)
    (cash,) = upgraded.ask("select balance from cash_balance where portfolio_id = %s", portfolio_id)

    assert {
        (row["account_id"], row["security_id"]): (row["quantity"], row["cost_basis"], row["realised"]) for row in held
    } == {key: (holding.quantity, holding.cost_basis, holding.realised) for key, holding in folded.holdings.items()}
    assert folded.cash == {"USD": cash["balance"]}


def test_the_view_of_positions_shows_what_is_open(upgraded: Upgraded) -> None:
    shown = upgraded.ask("select portfolio_id, quantity from position_current order by portfolio_id")

    assert [(row["portfolio_id"], row["quantity"]) for row in shown] == [(LONG, 9), (SHORT, -30)]


@pytest.mark.parametrize("who", ["app_url", "admin_url"])
@pytest.mark.parametrize("change", ["update transaction_ledger set cash_effect = 0", "delete from transaction_ledger"])
def test_the_ledger_is_append_only_again(upgraded: Upgraded, who: str, change: str) -> None:
    with psycopg.connect(getattr(upgraded.database, who)) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(change)


def test_each_role_may_do_what_it_needs_and_no_more(upgraded: Upgraded) -> None:
    privileges = upgraded.ask(
        "select role, relation, array_agg(privilege order by privilege) filter"
        " (where has_table_privilege(role, relation, privilege)) as has"
        " from unnest(array['lakefolio_app', 'lakefolio_reader']) as role,"
        " unnest(array['transaction_ledger', 'account_holding', 'position_current', 'cash_balance']) as relation,"
        " unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as privilege"
        " group by role, relation"
    )
    assert {(row["role"], row["relation"]): row["has"] for row in privileges} == {
        ("lakefolio_app", "transaction_ledger"): ["INSERT", "SELECT"],
        ("lakefolio_app", "account_holding"): ["INSERT", "SELECT", "UPDATE"],
        ("lakefolio_app", "position_current"): ["SELECT"],
        ("lakefolio_app", "cash_balance"): ["INSERT", "SELECT", "UPDATE"],
        **{
            ("lakefolio_reader", relation): ["SELECT"]
            for relation in ("transaction_ledger", "account_holding", "position_current", "cash_balance")
        },
    }


def test_old_simulations_are_gaussian_and_historical_and_the_standing_one_is_run_again(upgraded: Upgraded) -> None:
    rows = {row["name"]: row for row in upgraded.ask("select * from simulation")}
    terms = {name: terms_of(row) for name, row in rows.items()}

    historical = SimulationTerms(drift=DriftChoice.HISTORICAL)
    assert terms == {"default": SimulationTerms(), "asked": historical, "waits": historical}
    assert {name: (row["status"], row["summary"]) for name, row in rows.items()} == {
        "default": ("REQUESTED", None),
        "asked": ("DONE", {"median": 1}),
        "waits": ("REQUESTED", {"median": 1}),
    }


def test_an_old_portfolio_goes_on(upgraded: Upgraded) -> None:
    with psycopg.connect(upgraded.database.services_url, row_factory=dict_row) as connection:
        work = UnitOfWork(connection, SampleMarketClock())
        mine = load_one(Wanted(USER, SHORT, securities=((Reference.parse(KEPT), None),)), work).portfolio
        ((place, held),) = mine.holdings.items()
        assert mine.last is not None
        mine.buy(*place, -held.quantity, D(100), D(0), mine.last)
        save(mine, work)
        work.flush()

        assert Positions.of(Portfolios(work).history(SHORT)).holdings == mine.holdings
        connection.rollback()


def test_the_ledgers_columns_hold_quantities_in_18_8_and_money_in_28_8(upgraded: Upgraded) -> None:
    units = {"quantity", "price", "fx_rate", "split_new", "split_old", "reserved", "basis_share"}
    columns = upgraded.ask(
        "select table_name, column_name, numeric_precision as digits, numeric_scale as scale"
        " from information_schema.columns where data_type = 'numeric'"
        " and table_name in ('transaction_ledger', 'account_holding', 'cash_balance')"
    )
    assert len(columns) > 12
    for column in columns:
        is_units = column["column_name"] in units and column["table_name"] != "cash_balance"
        assert (column["digits"], column["scale"]) == ((18, 8) if is_units else (28, 8)), column


def test_the_newest_version_is_the_one_that_alembic_migrates_to(upgraded: Upgraded) -> None:
    script = ScriptDirectory.from_config(Config(toml_file=str(REPOSITORY / "pyproject.toml")))

    assert script.get_current_head() == newest_version()
    assert upgraded.ask("select version_num from alembic_version") == [{"version_num": newest_version()}]


def test_a_schema_that_is_up_to_date_is_not_migrated(upgraded: Upgraded) -> None:
    """Seen from a fresh program: it does not even import alembic."""
    work = "import sys; from storage.postgres.database import Database, prepare; prepare(Database(*sys.argv[1:]));"
    work += "print('alembic' in sys.modules)"
    urls = astuple(upgraded.database)

    seen = subprocess.run([sys.executable, "-c", work, *urls], capture_output=True, text=True, check=True, timeout=60)

    assert seen.stdout == "False\n"
