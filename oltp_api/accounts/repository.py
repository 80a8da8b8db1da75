"""A user's accounts on PostgreSQL: open, list, edit, archive; and which one a transaction may use."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from domain.accounts import MAIN_ACCOUNT, AccountType, parse_account_identifier, parse_broker
from domain.errors import (
    AccountArchived,
    AccountInUse,
    AccountNotFound,
    AlreadyExists,
    DefaultAccount,
    InvalidInput,
    plain,
)
from oltp_api.connections import Deferred, RowLock, savepoint
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.etags import Match, account_etag
from oltp_api.web.pages import fetch_page, orders, text
from storage.queries import statements

ORDERS = orders(
    created={"created_at": datetime.fromisoformat, "account_id": int},
    identifier={"identifier": text, "account_id": int},
    broker={"broker": text, "account_id": int},
)
_ACCOUNTS = statements("oltp_api/accounts/queries.sql")
_ANY: Mapping[str, object] = {"identifier": None, "broker": None, "account_type": None, "archived": None}


_LOCKS: Mapping[RowLock, LiteralString] = {
    RowLock.WAIT: "for key share",
    RowLock.SKIP: "for key share skip locked",
    RowLock.NONE: "",
}


class Account(NamedTuple):
    account_id: int
    is_archived: bool


def usable(account: Account | None, identifier: str) -> int:
    """The id of an account for a transaction, unless there is none or it is archived."""
    if account is None:
        raise InvalidInput("account", f"{identifier[:40]!r} is not one of your accounts")
    if account.is_archived:
        raise AccountArchived(identifier)
    return account.account_id


class Accounts:
    """Every question and edit is of one user's own accounts; another's do not exist."""

    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection
        self._now = work.recorded_at

    def id_of(self, user_id: UUID, identifier: str) -> int:
        """The account for a transaction; it stays open until the transaction is committed."""
        found = self.fetch_later([(user_id, identifier)], RowLock.WAIT)()
        return usable(found.get((user_id, identifier)), identifier)

    def fetch_later(
        self, named: Sequence[tuple[UUID, str]], lock: RowLock
    ) -> Deferred[Mapping[tuple[UUID, str], Account]]:
        """The users' accounts of these names, which stay open until the commit if they are locked; with RowLock.SKIP
        those that nobody is changing."""
        if not named:
            return dict
        asked = {
            "user_ids": [user_id for user_id, _ in named],
            "identifiers": [identifier for _, identifier in named],
        }
        found = self._connection.execute(f"{_ACCOUNTS['usable']}\n{_LOCKS[lock]}", asked)

        def accounts() -> Mapping[tuple[UUID, str], Account]:
            return {
                (row["user_id"], row["identifier"]): Account(row["account_id"], row["archived_at"] is not None)
                for row in found.fetchall()
            }

        return accounts

    def open_ones(self, user_id: UUID) -> Mapping[str, int]:
        """The ids of the user's open accounts."""
        rows = self._connection.execute(_ACCOUNTS["open"], {"user_id": user_id}).fetchall()
        return {row["identifier"]: row["account_id"] for row in rows}

    def one(self, user_id: UUID, identifier: str) -> DictRow:
        asked = {**_ANY, "user_id": user_id, "identifier": identifier}
        row = self._connection.execute(_ACCOUNTS["accounts"], asked).fetchone()
        if row is None:
            raise AccountNotFound(identifier)
        return row

    def page(self, user_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object) -> dict[str, Any]:
        asked = {**_ANY, **wanted, "user_id": user_id}
        return fetch_page(self._connection, _ACCOUNTS["accounts"], asked, ORDERS[sort], limit, cursor)

    def open(self, user_id: UUID, identifier: str, broker: str, account_type: AccountType) -> DictRow:
        values = {
            "user_id": user_id,
            "identifier": parse_account_identifier(identifier),
            "broker": parse_broker(broker),
            "account_type": account_type.value,
        }
        self._write("add", values)
        return self.one(user_id, str(values["identifier"]))

    def edit(self, user_id: UUID, identifier: str, match: Match, given: Mapping[str, Any]) -> DictRow:
        """Change what is `given`: the identifier, the broker, the type."""

        def change(account: dict[str, Any]) -> None:
            if account["archived_at"] is not None:
                raise AccountArchived(identifier)
            account.update(given)
            account["identifier"] = parse_account_identifier(account["identifier"])
            account["broker"] = parse_broker(account["broker"])
            if identifier == MAIN_ACCOUNT and account["identifier"] != identifier:
                raise DefaultAccount(MAIN_ACCOUNT)

        return self._change(user_id, identifier, match, change)

    def archive(self, user_id: UUID, identifier: str, match: Match) -> DictRow:
        """Close the account for transactions; refused while it holds units. What it held stays in the ledger."""

        def change(account: dict[str, Any]) -> None:
            if identifier == MAIN_ACCOUNT:
                raise DefaultAccount(MAIN_ACCOUNT)
            held = self._connection.execute(_ACCOUNTS["held"], account).fetchall()
            if held:
                raise AccountInUse(identifier, [_in_words(holding) for holding in held])
            account["archived_at"] = account["archived_at"] or self._now

        return self._change(user_id, identifier, match, change)

    def unarchive(self, user_id: UUID, identifier: str, match: Match) -> DictRow:
        return self._change(user_id, identifier, match, lambda account: account.update(archived_at=None))

    def _change(
        self, user_id: UUID, identifier: str, match: Match, change: Callable[[dict[str, Any]], None]
    ) -> DictRow:
        asked = {"user_id": user_id, "identifier": identifier}
        before = self._connection.execute(_ACCOUNTS["lock"], asked).fetchone()
        if before is None:
            raise AccountNotFound(identifier)
        match.check(account_etag(before["revision"]))
        after = dict(before)
        change(after)
        if after != before:
            self._write("save", after)
        return self.one(user_id, after["identifier"])

    def _write(self, statement: str, values: Mapping[str, object]) -> None:
        try:
            with savepoint(self._connection):
                self._connection.execute(_ACCOUNTS[statement], values)
        except psycopg.errors.UniqueViolation as error:
            raise AlreadyExists("account", str(values["identifier"])) from error


def _in_words(holding: Mapping[str, Any]) -> dict[str, str]:
    return {name: plain(value) if name == "quantity" else str(value) for name, value in holding.items()}
