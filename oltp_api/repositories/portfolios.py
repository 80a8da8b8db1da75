"""Portfolios on PostgreSQL: locked and loaded in one round trip, saved in another. SQL in `sql/portfolios.sql`."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow, args_row

from domain.entries import When
from domain.errors import PortfolioNotFound
from domain.events import DomainEvent
from domain.holdings import CostMethod, Holding, Lot
from domain.ledger import Transaction, TxnType, first_hash, row_hash
from domain.money import ZERO
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import HoldingKey, Positions
from domain.securities import Reference
from domain.timeline import CashStep, History
from oltp_api.connections import Asked, Connection, Later
from storage.correlation import correlation_id
from storage.ledger import holding_columns
from storage.outbox import payload_of
from storage.queries import statements

Happened = tuple[UUID, int, DomainEvent]
"""An event with its aggregate's id and version."""
Wanted = tuple[UUID, UUID, Reference | None]
"""A user's portfolio, with the holdings of whatever the reference may mean."""

_PORTFOLIOS = statements("oltp_api", "portfolios")


class PostgresPortfolioRepository:
    """Portfolios for writing. `lock` keeps every other writer of the portfolio out until the commit."""

    LOCK = _PORTFOLIOS["lock"]

    def __init__(self, connection: Connection, recorded_at: datetime, later: Later | None = None) -> None:
        """Without `later`, what is saved is sent at once."""
        self._connection = connection
        self._recorded_at = recorded_at
        self._later: Later = later or connection.execute

    def add(self, portfolio: Portfolio) -> None:
        self._connection.execute(
            _PORTFOLIOS["add"],
            {
                "portfolio_id": portfolio.portfolio_id,
                "user_id": portfolio.user_id,
                "name": portfolio.name,
                "base_currency": portfolio.base_currency,
                "kind": portfolio.kind.value,
                "time_zone": portfolio.time_zone,
                "cost_method": portfolio.cost_method.value,
            },
        )

    def lock(self, user_id: UUID, portfolio_id: UUID, security: Reference | None = None) -> Portfolio:
        with self._connection.pipeline():
            asked = self.ask(user_id, portfolio_id, security)
        return asked()

    def ask(
        self, user_id: UUID, portfolio_id: UUID, security: Reference | None = None, is_locked: bool = True
    ) -> Asked[Portfolio]:
        """`lock`, to be waited for later; with the holdings of whatever `security` may mean."""
        lock = self.LOCK if is_locked else self.LOCK.removesuffix("for update")
        asked = self._ask(lock, [(user_id, portfolio_id, security)])

        def loaded() -> Portfolio:
            found = asked()
            if portfolio_id not in found:
                raise PortfolioNotFound(portfolio_id)
            return found[portfolio_id]

        return loaded

    def ask_free(self, wanted: Sequence[Wanted]) -> Asked[Mapping[UUID, Portfolio]]:
        """Lock and load the portfolios that exist and that nobody else has locked; wait for none."""
        return self._ask(f"{self.LOCK} skip locked", wanted)

    def _ask(self, lock: str, wanted: Sequence[Wanted]) -> Asked[Mapping[UUID, Portfolio]]:
        portfolio_ids = [portfolio_id for _, portfolio_id, _ in wanted]
        users = {"portfolio_ids": portfolio_ids, "user_ids": [user_id for user_id, _, _ in wanted]}
        roots = self._connection.execute(lock, users)
        # Statements of their own: their snapshots are taken after the lock, so they see what the last writer committed.
        balances = self._connection.execute(_PORTFOLIOS["cash"], {"portfolio_ids": portfolio_ids})
        named = [(portfolio_id, security) for _, portfolio_id, security in wanted if security is not None]
        held = self._connection.execute(_PORTFOLIOS["holdings"], _holdings_of(named)) if named else None

        def loaded() -> Mapping[UUID, Portfolio]:
            cash: defaultdict[UUID, list[DictRow]] = defaultdict(list)
            for balance in balances.fetchall():
                cash[balance["portfolio_id"]].append(balance)
            found = {row["portfolio_id"]: _portfolio(row, cash[row["portfolio_id"]]) for row in roots.fetchall()}
            for holding in held.fetchall() if held else ():
                if holding["portfolio_id"] in found:
                    _add_holding(found[holding["portfolio_id"]], holding)
            return found

        return loaded

    def load_holdings(self, portfolio: Portfolio) -> None:
        """Add what is held, or was, of every security."""
        asked = _holdings_of([(portfolio.portfolio_id, Reference())])
        for row in self._connection.execute(_PORTFOLIOS["holdings"], asked).fetchall():
            _add_holding(portfolio, row)

    def history(self, portfolio_id: UUID, security_ids: Sequence[int] | None = None) -> list[Transaction]:
        """Every row of the portfolio, or those of some securities."""
        return self._rows(portfolio_id, security_ids, None)

    def later_cash(self, portfolio_id: UUID, since: When) -> list[CashStep]:
        """Changes of cash by rows from a moment on, but those that were taken back."""
        asked = {"portfolio_id": portfolio_id, "business_date": since.business_date, "event_ts": since.event_ts}
        return (
            self._connection.cursor(row_factory=args_row(CashStep)).execute(_PORTFOLIOS["later_cash"], asked).fetchall()
        )

    def load_to_reverse(self, portfolio: Portfolio, seq: int) -> None:
        """Add the history that taking row `seq` back is decided against."""
        portfolio.history = History(self._rows(portfolio.portfolio_id, [], seq), [])
        original = next((row for row in portfolio.history.rows if row.seq == seq), None)
        if original is None:
            return
        if original.security_id is not None:
            portfolio.history.rows = self.history(portfolio.portfolio_id, [original.security_id])
            self.load_holdings(portfolio)
        since = When(original.event_ts, original.business_date)
        portfolio.history.later_cash = self.later_cash(portfolio.portfolio_id, since)

    def _rows(self, portfolio_id: UUID, security_ids: Sequence[int] | None, seq: int | None) -> list[Transaction]:
        asked = {"portfolio_id": portfolio_id, "security_ids": security_ids, "seq": seq}
        return (
            self._connection.cursor(row_factory=args_row(_transaction))
            .execute(_PORTFOLIOS["history"], asked)
            .fetchall()
        )

    def save(self, portfolio: Portfolio, events: Sequence[Happened] = ()) -> None:
        """Append the rows decided since loading, with every holding, balance and event: sent with the commit."""
        changes = Changes(self._recorded_at)
        changes.add(portfolio, events, correlation_id())
        self.save_all(changes)

    def save_all(self, changes: "Changes") -> None:
        """`save`, for several portfolios in one statement."""
        self._later(_PORTFOLIOS["save"], changes.values())


class Changes:
    """Rows of every table that decisions change."""

    def __init__(self, recorded_at: datetime) -> None:
        self._recorded_at = recorded_at
        self._rows: dict[str, list[Mapping[str, object]]] = {
            name: [] for name in ("portfolios", "rows", "holdings", "cash", "events")
        }

    def add(self, portfolio: Portfolio, events: Sequence[Happened], cause: str) -> None:
        """All that was decided on `portfolio`, with its `events`, whose correlation id is `cause`."""
        head = portfolio.ledger_hash or first_hash(portfolio.portfolio_id)
        for row in portfolio.rows:
            head = row_hash(head, row, self._recorded_at)
            self._rows["rows"].append({**_ledger_row(row), "row_hash": head.hex()})
        changed = self._rows
        changed["holdings"] += [_holding_row(portfolio, key) for key in _held_or_reserved(portfolio)]
        changed["cash"] += _cash_rows(portfolio)
        changed["events"] += [_event_row(*event, cause) for event in events]
        changed["portfolios"].append(_root_row(portfolio, head if portfolio.rows else portfolio.ledger_hash))

    def values(self) -> Mapping[str, object]:
        """The parameters of the statement that saves them."""
        encoded = {name: json.dumps(rows, default=str) for name, rows in self._rows.items()}
        roots = [row["portfolio_id"] for row in self._rows["portfolios"]]
        return {**encoded, "portfolio_ids": roots, "recorded_at": self._recorded_at}


def _transaction(portfolio_id: UUID, seq: int, account_id: int, txn_type: str, *more: Any) -> Transaction:
    """From the columns of `history`, which are in the order of the fields."""
    return Transaction(portfolio_id, seq, account_id, TxnType(txn_type), *more)


def _holdings_of(named: Sequence[tuple[UUID, Reference]]) -> Mapping[str, object]:
    return {
        "portfolio_ids": [portfolio_id for portfolio_id, _ in named],
        "identifiers": [security.value for _, security in named],
        "security_ids": [security.security_id for _, security in named],
    }


def _portfolio(row: DictRow, balances: Sequence[DictRow]) -> Portfolio:
    last_event_ts, last_day = row["last_event_ts"], row["last_business_date"]
    return Portfolio(
        portfolio_id=row["portfolio_id"],
        user_id=row["user_id"],
        name=row["name"],
        base_currency=row["base_currency"],
        kind=PortfolioKind(row["kind"]),
        time_zone=row["time_zone"],
        version=row["version"],
        archived=row["archived"],
        last=When(last_event_ts, last_day) if last_event_ts else None,
        positions=Positions(
            CostMethod(row["cost_method"]), cash={balance["currency"]: balance["balance"] for balance in balances}
        ),
        reserved_cash={balance["currency"]: balance["reserved"] for balance in balances if balance["reserved"]},
        ledger_hash=row["ledger_hash"],
    )


def _add_holding(portfolio: Portfolio, row: DictRow) -> None:
    key = (row["account_id"], row["security_id"])
    portfolio.holdings[key] = _holding(row)
    if row["reserved"]:
        portfolio.reserved_units[key] = row["reserved"]


def _holding(row: DictRow) -> Holding:
    if row["lots"] is not None:
        lots = tuple(
            Lot(Decimal(quantity), Decimal(cost), Decimal(base), date.fromisoformat(opened), seq, known)
            for quantity, cost, base, opened, seq, known in row["lots"]
        )
    elif row["quantity"]:
        lots = (Lot(row["quantity"], row["cost_basis"], row["cost_basis_base"], is_known=row["is_basis_known"]),)
    else:
        lots = ()
    return Holding(lots, row["realised"], row["realised_base"], row["realised_fx_base"], row["is_realised_known"])


def _held_or_reserved(portfolio: Portfolio) -> list[HoldingKey]:
    """A trading book may reserve units of what it has never held."""
    return sorted(portfolio.holdings.keys() | portfolio.reserved_units.keys())


def _holding_row(portfolio: Portfolio, key: HoldingKey) -> dict[str, object]:
    return {
        "portfolio_id": portfolio.portfolio_id,
        "account_id": key[0],
        "security_id": key[1],
        "reserved": portfolio.reserved_units.get(key, ZERO),
        **holding_columns(portfolio.positions.holding(key), portfolio.cost_method),
    }


def _cash_rows(portfolio: Portfolio) -> list[dict[str, object]]:
    currencies = sorted(portfolio.cash.keys() | portfolio.reserved_cash.keys())
    return [
        {
            "portfolio_id": portfolio.portfolio_id,
            "currency": currency,
            "balance": portfolio.cash.get(currency, ZERO),
            "reserved": portfolio.reserved_cash.get(currency, ZERO),
        }
        for currency in currencies
    ]


def _ledger_row(row: Transaction) -> dict[str, object]:
    return {name: getattr(row, name) for name in Transaction.__slots__}


def _root_row(portfolio: Portfolio, ledger_hash: bytes) -> dict[str, object]:
    last = portfolio.last
    return {
        "portfolio_id": portfolio.portfolio_id,
        "version": portfolio.version,
        "last_business_date": last.business_date if last else None,
        "last_event_ts": last.event_ts if last else None,
        "cost_method": portfolio.cost_method.value,
        "ledger_hash": ledger_hash.hex(),
    }


def _event_row(aggregate_id: UUID, version: int, event: DomainEvent, cause: str) -> dict[str, object]:
    return {
        "aggregate_id": aggregate_id,
        "version": version,
        "event_type": type(event).__name__,
        "payload": payload_of(event),
        "correlation_id": cause,
    }
