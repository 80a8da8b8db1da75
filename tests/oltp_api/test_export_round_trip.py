"""Any history comes out and in again: exported in each format and replayed, it holds, owes and has gained the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg.rows import dict_row

from application.ledger import verify
from domain.accounts import AccountType
from domain.disposals import disposals
from domain.entries import Terms, When
from domain.holdings import CostMethod, Relief
from domain.ledger import Transaction, effective
from domain.portfolio import Portfolio
from domain.positions import HoldingKey, Positions
from domain.securities import AssetType
from oltp_api.accounts.repository import Accounts
from oltp_api.context import LOCAL_USER
from oltp_api.exports.forms import own
from oltp_api.exports.repository import LedgerExports
from oltp_api.imports import own_export
from oltp_api.imports.own_rows import read
from oltp_api.ledger.repository import Decided, Portfolios
from oltp_api.registry.handlers import register_security
from oltp_api.registry.repository import Securities
from oltp_api.registry.schemas import SecurityRequest
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SystemClock
from storage.postgres.database import Database
from tests.domain.test_portfolio_machine import BOND, DOLLAR, EURO, PortfolioMachine, something
from tests.effort import IS_LONG

EXAMPLES = 150 if IS_LONG else 6
OWN_FORMATS = {"csv": own.as_csv, "json": own.as_json, "parquet": own.as_parquet}
TERMS: dict[str, Any] = {"maturity_date": "2027-02-15", "coupon_rate_pct": "2.25", "day_count": "ACT/ACT ICMA"}
SECURITIES: dict[int, dict[str, Any]] = {
    DOLLAR: {
        "ticker": "DLR",
        "isin": "US0000000002",
        "currency": "USD",
        "display_name": "=Dollar",
        "sector": "+",
    },
    EURO: {"ticker": "EUF", "asset_type": "FUND", "currency": "EUR", "fund": {"fund_family": "@Euro"}},
    BOND: {"ticker": "BND", "asset_type": "BOND", "bond": {**TERMS, "coupon_frequency": 2, "issuer": 'A "b"\nc'}},
}


@contextmanager
def unit_of(database: Database) -> Iterator[UnitOfWork]:
    with psycopg.connect(database.services_url, row_factory=dict_row) as connection:
        work = UnitOfWork(connection, SystemClock())
        yield work
        work.commit()


def registered(work: UnitOfWork) -> dict[int, int]:
    """The machine's securities, by its numbers."""
    return {
        number: register_security(SecurityRequest.model_validate(body).command(LOCAL_USER), work).security_id
        for number, body in SECURITIES.items()
    }


def opened(work: UnitOfWork) -> dict[int, int]:
    """The machine's eight accounts, by its numbers."""
    for number in range(1, 9):
        Accounts(work).open(LOCAL_USER, f"account {number}", "=broker", AccountType.CUSTODY)
    ids = Accounts(work).open_ones(LOCAL_USER)
    return {number: ids[f"account {number}"] for number in range(1, 9)}


def recorded(machine: PortfolioMachine, accounts: dict[int, int], securities: dict[int, int], work: UnitOfWork) -> UUID:
    """The machine's ledger, stored as the repository stores what was decided."""
    portfolio_id = uuid4()

    def key(of: HoldingKey) -> HoldingKey:
        return (accounts[of[0]], securities[of[1]])

    def moved(row: Transaction) -> Transaction:
        security_id = securities[row.security_id] if row.security_id is not None else None
        note = ("", "=1+1", "'=x", 'two\nlines, "quoted" \\', "plain")[row.seq % 5]
        external_id = f"@{row.seq}" if row.seq % 7 == 0 else None
        ids = {"portfolio_id": portfolio_id, "account_id": accounts[row.account_id], "security_id": security_id}
        return replace(row, **ids, note=note, external_id=external_id)

    ledger = [moved(row) for row in machine.ledger]
    notes = {row.seq: row.note for row in ledger}
    ledger = [replace(row, note=notes[row.seq]) for row in ledger]
    stored = machine.stored
    positions = Positions(
        stored.cost_method, {key(of): held for of, held in stored.holdings.items()}, dict(stored.cash)
    )
    portfolio = replace(stored, portfolio_id=portfolio_id, user_id=LOCAL_USER, positions=positions, rows=ledger)
    Portfolios(work).add(replace(portfolio, rows=[]))
    Portfolios(work).save(Decided(portfolio, "test"))
    return portfolio_id


def empty_like(portfolio: Portfolio, work: UnitOfWork) -> UUID:
    found = Portfolio(
        uuid4(), LOCAL_USER, "copy", portfolio.base_currency, portfolio.kind, positions=Positions(portfolio.cost_method)
    )
    Portfolios(work).add(found)
    return found.portfolio_id


def state_of(portfolio_id: UUID, work: UnitOfWork) -> dict[str, Any]:
    """All that is projected of a portfolio, by names that are the same in every database."""
    work.flush()
    holdings = work.connection.execute(
        """
        select account.identifier, security_name.name, quantity, cost_basis, cost_basis_base, realised, realised_base,
               realised_fx_base, is_basis_known, is_realised_known, lots
        from account_holding inner join account using (account_id) inner join security_name using (security_id)
        where portfolio_id = %s and (quantity <> 0 or cost_basis <> 0 or realised <> 0 or realised_base <> 0
            or realised_fx_base <> 0 or not is_realised_known)
        order by 1, 2
        """,
        (portfolio_id,),
    ).fetchall()
    for held in holdings:
        held["lots"] = held["lots"] and [[*map(Decimal, lot[:3]), *lot[3:]] for lot in held["lots"]]
    cash = work.connection.execute(
        "select currency, balance from cash_balance where portfolio_id = %s and balance <> 0 order by currency",
        (portfolio_id,),
    ).fetchall()
    return {"holdings": holdings, "cash": cash, "disposals": disposals_of(portfolio_id, work)}


def disposals_of(portfolio_id: UUID, work: UnitOfWork) -> list[dict[str, Any]]:
    """All that its ledger has realised, lot by lot."""
    asked = work.connection.execute("select cost_method from portfolio where portfolio_id = %s", (portfolio_id,))
    state, found = Positions(CostMethod(asked.fetchall()[0]["cost_method"])), list[dict[str, Any]]()
    for row in effective(Portfolios(work).history(portfolio_id)):
        reliefs: list[Relief] = []
        state.apply(row, reliefs)
        found += map(asdict, disposals(row, reliefs, state.method))
    own_to_it = ("portfolio_id", "account_id", "security_id")
    return [{name: value for name, value in each.items() if name not in own_to_it} for each in found]


def rows_of(portfolio_id: UUID, work: UnitOfWork) -> list[dict[str, Any]]:
    """The rows without what is the database's own; what belongs to one transfer is numbered by its first row."""
    names = work.connection.execute(
        """
        select ledger.*, account.identifier as account, security_name.name as ticker,
               min(seq) filter (where transfer_id is not null) over (partition by transfer_id) as transfer
        from transaction_ledger as ledger inner join account using (account_id)
        left join security_name using (security_id)
        where portfolio_id = %s order by seq
        """,
        (portfolio_id,),
    ).fetchall()
    own_to_it = ("portfolio_id", "account_id", "security_id", "recorded_at", "row_hash", "xid", "transfer_id")
    return [{name: value for name, value in row.items() if name not in own_to_it} for row in names]


@pytest.fixture(scope="module")
def elsewhere(new_database: Callable[[], Database]) -> Database:
    """Another state, which knows nothing of the first one's securities and accounts."""
    return new_database()


def test_any_history_is_exported_and_replayed_to_the_same_state(database: Database, elsewhere: Database) -> None:
    with unit_of(database) as work:
        accounts, securities = opened(work), registered(work)

    class ExportingMachine(PortfolioMachine):
        """At its end, its ledger is exported and comes in again, in the same state and in another."""

        def teardown(self) -> None:
            if not hasattr(self, "stored"):
                return
            with unit_of(database) as work:
                portfolio_id = recorded(self, accounts, securities, work)
                work.flush()
                expected, rows = state_of(portfolio_id, work), rows_of(portfolio_id, work)
                assert len(expected["holdings"]) == len(something(self.stored.holdings))
                files = {
                    name: b"".join(written(LedgerExports(work.connection), portfolio_id))
                    for name, written in OWN_FORMATS.items()
                }
            for place, file in enumerate(files.values()):
                with unit_of(elsewhere if place else database) as work:
                    assert own_export.is_own_export(file)
                    copy = empty_like(self.stored, work)
                    report = own_export.replay(file, LOCAL_USER, copy, work)
                    assert [row.seq for row in report] == [row["seq"] for row in rows]
                    assert state_of(copy, work) == expected
                    assert rows_of(copy, work) == rows
                    assert own_cells(b"".join(own.as_csv(LedgerExports(work.connection), copy))) == own_cells(
                        files["csv"]
                    )

    run_state_machine_as_test(
        ExportingMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    for each in (database, elsewhere):
        with psycopg.connect(each.admin_url) as connection:
            assert [str(wrong) for checked in verify(connection) for wrong in checked.differences] == []


def own_cells(file: bytes) -> list[dict[str, str | None]]:
    """Cells of an export but for those that a copy has anew."""
    anew = ("recorded_at", "transfer_id", "portfolio", "time_zone", "digest")
    return [{name: text for name, text in cells.items() if name not in anew} for cells in read(file)]


def test_what_is_registered_of_a_security_comes_in_with_its_ledger(
    database: Database, new_database: Callable[[], Database]
) -> None:
    body = {
        "isin": "US912828V988",
        "asset_type": "BOND",
        "display_name": "Step 2027",
        "bond": {
            **TERMS,
            "coupon_frequency": 2,
            "issuer_class": "SOVEREIGN",
            "issue_date": "2017-02-15",
            "coupon_steps": [{"day": "2022-02-15", "rate_pct": "3.125"}],
            "call_schedule": [{"day": "2025-02-15", "price": "101.5"}],
        },
    }
    when = datetime(2017, 3, 1, tzinfo=UTC)
    with unit_of(database) as work:
        security = register_security(SecurityRequest.model_validate(body).command(LOCAL_USER), work)
        ids = Accounts(work).open_ones(LOCAL_USER)
        portfolio = Portfolio(uuid4(), LOCAL_USER, "bonds", "USD")
        Portfolios(work).add(portfolio)
        at = When(when, when.date())
        portfolio.deposit(ids["MAIN"], Decimal(2000), at)
        terms = Terms(price_factor=security.price_factor)
        portfolio.transfer_in(ids["MAIN"], security.security_id, Decimal(1000), Decimal(99), at, terms)
        Portfolios(work).save(Decided(portfolio, "test"))
        work.flush()
        file = b"".join(own.as_parquet(LedgerExports(work.connection), portfolio.portfolio_id))
        was = facts_of("US912828V988", work)

    with unit_of(new_database()) as work:
        own_export.replay(file, LOCAL_USER, empty_like(portfolio, work), work)
        assert facts_of("US912828V988", work) == was
        assert was["asset_type"] == AssetType.BOND
        assert was["bond"]["coupon_steps"] == [{"day": "2022-02-15", "rate_pct": "3.125"}]


def facts_of(identifier: str, work: UnitOfWork) -> dict[str, Any]:
    found = dict(Securities(work).one(identifier))
    return {name: fact for name, fact in found.items() if name not in ("security_id", "created_at")}
