"""Portfolios on PostgreSQL: locked and loaded in one round trip, saved in another. SQL in `queries.sql`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow, args_row
from pydantic_core import to_json

from application.ledger import holding_columns
from domain.entries import When
from domain.events import DomainEvent, PositionUpdated
from domain.history import History
from domain.holdings import CostMethod, Holding, Lot
from domain.ledger import NONE_SET, Figures, Transaction, TxnType, chained, figures_of, first_hash, seldom_set, text_of
from domain.money import ZERO
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import HoldingKey, Positions
from domain.securities import Reference
from domain.timeline import CashStep
from oltp_api.connections import Deferred, RowLock
from oltp_api.unit_of_work import UnitOfWork
from storage.events.outbox import payload_of
from storage.queries import statements

RecordedEvent = tuple[UUID, int, DomainEvent]
"""An event with its aggregate's id and version."""
WantedPortfolio = tuple[UUID, UUID, Sequence[Reference]]
"""A user's portfolio, with the holdings of whatever the references may mean."""
LOCKS: Mapping[RowLock, LiteralString] = {
    RowLock.WAIT: "for update",
    RowLock.SKIP: "for update skip locked",
    RowLock.NONE: "",
}

_PORTFOLIOS = statements("oltp_api/ledger/queries.sql")
_SAVED = ("portfolios", "holdings", "cash", "others", "updates")
_ROWS_AT_ONCE = 500
"""Rows that go to the database together: some 100 KB, which a socket takes without waiting for who reads it."""


class Decided(NamedTuple):
    """A portfolio after its decisions, what caused them (a correlation id), and what happened before them with them."""

    portfolio: Portfolio
    cause: str
    others: Sequence[RecordedEvent] = ()


class _ToWrite(NamedTuple):
    """A portfolio that is saved: its new rows, its root without the hash of the last one, and all else in JSON."""

    portfolio: Portfolio
    cause: str
    rows: Sequence[Transaction]
    root: Mapping[str, object]
    more: Mapping[str, Sequence[bytes]]

    @classmethod
    def of(cls, decided: Decided) -> "_ToWrite":
        portfolio, cause, others = decided
        more = {
            "others": [to_json(_event_row(*event, cause)) for event in others],
            "holdings": [to_json(_holding_row(portfolio, key)) for key in _held_or_reserved(portfolio)],
            "cash": [to_json(each) for each in _cash_rows(portfolio)],
            "updates": [to_json(_event_row(*event, cause)) for event in _updates_of(portfolio)],
        }
        return cls(portfolio, cause, portfolio.rows, _root_row(portfolio), more)


class RecordedRow(NamedTuple):
    """Cash and units that a recorded row moved."""

    seq: int
    cash_effect: Decimal
    currency: str
    quantity: Decimal | None


class Portfolios:
    """Portfolios for writing. A lock keeps every other writer of the portfolio out until the commit."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._connection = work.connection

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

    def fetch_later(self, wanted: Sequence[WantedPortfolio], lock: RowLock) -> Deferred[Mapping[UUID, Portfolio]]:
        """The portfolios that exist, and with RowLock.SKIP that nobody else has locked."""
        portfolio_ids = [portfolio_id for _, portfolio_id, _ in wanted]
        users = {"portfolio_ids": portfolio_ids, "user_ids": [user_id for user_id, _, _ in wanted]}
        roots = self._connection.execute(f"{_PORTFOLIOS['roots']}\n{LOCKS[lock]}", users)
        # Statements of their own: their snapshots are taken after the lock, so they see what the last writer committed.
        balances = self._connection.execute(_PORTFOLIOS["cash"], {"portfolio_ids": portfolio_ids})
        named = [(portfolio_id, security) for _, portfolio_id, securities in wanted for security in securities]
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

    def fetch_recorded_later(
        self, named: Sequence[tuple[UUID, str]]
    ) -> Deferred[Mapping[tuple[UUID, str], RecordedRow]]:
        """The row of each external id, by its portfolio, that is recorded."""
        if not named:
            return dict
        asked = {"portfolio_ids": [one for one, _ in named], "external_ids": [one for _, one in named]}
        found = self._connection.execute(_PORTFOLIOS["recorded"], asked)
        return lambda: {
            (row["portfolio_id"], row["external_id"]): RecordedRow(*(row[name] for name in RecordedRow._fields))
            for row in found.fetchall()
        }

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

    def save(self, *decided: Decided) -> None:
        """Append the rows that were decided, with holdings, balances and events: one statement, with the commit. Of
        many rows the first ones go ahead of it, and are written down by the database while the next are made here."""
        for _ in self.saving(*decided):
            pass

    def saving(self, *decided: Decided) -> Iterator[None]:
        """`save`, a piece with each step: what is done between two, the database writes the first piece meanwhile.
        Portfolios are saved as they are now, and can be decided on before the last step."""
        return self._writing([_ToWrite.of(each) for each in decided]) if decided else iter(())

    def _writing(self, decided: Sequence["_ToWrite"]) -> Iterator[None]:
        roots = [each.portfolio.portfolio_id for each in decided]
        is_long = sum(len(each.rows) for each in decided) > _ROWS_AT_ONCE
        with self._work.pipelined() if is_long else nullcontext():
            made, rows = {name: list[bytes]() for name in _SAVED}, list[str]()
            asked = {"portfolio_ids": roots, "causes": [each.cause for each in decided]}
            for portfolio, _, ledger, root, more in decided:
                head = portfolio.ledger_hash or first_hash(portfolio.portfolio_id)
                made["others"] += more["others"]
                for row in ledger:
                    if len(rows) == _ROWS_AT_ONCE:
                        self._work.send(_PORTFOLIOS["save"], {**asked, **self._saved(made, rows)})
                        made, rows = {name: list[bytes]() for name in _SAVED}, []
                        yield
                    figures = figures_of(row)
                    head = chained(head, row, figures, self._work.recorded_at)
                    rows.append(_ledger_row(row, figures, head))
                if ledger:
                    portfolio.ledger_hash = head
                for name in ("holdings", "cash", "updates"):
                    made[name] += more[name]
                made["portfolios"].append(to_json({**root, "ledger_hash": portfolio.ledger_hash.hex()}))
            self._work.defer(_PORTFOLIOS["save"], {**asked, **self._saved(made, rows)})

    def _saved(self, made: Mapping[str, Sequence[bytes]], rows: Sequence[str]) -> Mapping[str, object]:
        values = {name: f"[{b','.join(listed).decode()}]" for name, listed in made.items()}
        return {**values, "rows": f"{{{','.join(rows)}}}", "recorded_at": self._work.recorded_at}


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


def _ledger_row(row: Transaction, figures: Figures, row_hash: bytes) -> str:
    """The literal of a ledger_row, as an item of an array's: its fields in their order, and the hash."""
    cash, quantity, price, fees, gross, accrued, rate = figures
    seldom = "," * 7
    if (found := seldom_set(row)) != NONE_SET:
        *others, external_id, cost_effect, basis_share = found
        told = None if external_id is None else _quoted(external_id)
        seldom = ",".join(map(_or_null, (*others, told, cost_effect, basis_share)))
    return (
        f'"({text_of(row.portfolio_id)},{row.seq},{row.account_id},{row.txn_type},{_quoted(row.currency)},{cash},'
        f"{text_of(row.event_ts)},{text_of(row.business_date)},{_or_null(row.security_id)},{quantity},{price},{fees},"
        f'{_quoted(row.note)},{gross},{accrued},{rate},{seldom},\\\\\\\\x{row_hash.hex()})"'
    )


def _or_null(value: object) -> str:
    return "" if value is None else str(value)


def _quoted(text: str) -> str:
    """A text as a field of a row in an array, within the quotes of both."""
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\" * 4).replace('"', '\\"\\"')
    return f'\\"{text}\\"'


def _root_row(portfolio: Portfolio) -> dict[str, object]:
    last = portfolio.last
    return {
        "portfolio_id": portfolio.portfolio_id,
        "version": portfolio.version,
        "last_business_date": last.business_date if last else None,
        "last_event_ts": last.event_ts if last else None,
        "cost_method": portfolio.cost_method.value,
    }


def _event_row(aggregate_id: UUID, version: int, event: DomainEvent, cause: str) -> dict[str, object]:
    return {
        "aggregate_id": aggregate_id,
        "version": version,
        "event_type": type(event).__name__,
        "payload": payload_of(event),
        "correlation_id": cause,
    }


def _updates_of(portfolio: Portfolio) -> Iterator[RecordedEvent]:
    """An event of every holding that was changed."""
    for key in sorted(portfolio.changed):
        yield portfolio.portfolio_id, portfolio.version, _updated(portfolio, key)


def _updated(portfolio: Portfolio, key: HoldingKey) -> PositionUpdated:
    held = portfolio.holdings[key]
    return PositionUpdated(portfolio.portfolio_id, *key, held.quantity, held.cost_basis, held.realised)
