"""A user's accounts on PostgreSQL: open, list, edit, archive; and which one a transaction may use."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from domain.accounts import AccountType, parse_account_identifier, parse_broker
from domain.errors import (
    AccountArchived,
    AccountInUse,
    AccountNotFound,
    AlreadyExists,
    DefaultAccount,
    InvalidInput,
    plain,
)
from oltp_api.connections import Asked, Connection, Cursor, savepoint
from oltp_api.etags import Match
from oltp_api.pages import fetch_page, orders, text
from oltp_api.schemas.accounts import AccountPage, AccountView
from storage.queries import statements

MAIN_ACCOUNT = "MAIN"
ORDERS = orders(
    created={"created_at": datetime.fromisoformat, "account_id": int},
    identifier={"identifier": text, "account_id": int},
    broker={"broker": text, "account_id": int},
)
_ACCOUNTS = statements("oltp_api", "accounts")
_ANY: Mapping[str, object] = {"identifier": None, "broker": None, "account_type": None, "archived": None}


class PostgresAccountRepository:
    """Every question and edit is of one user's own accounts; another's do not exist."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def id_of(self, user_id: UUID, identifier: str) -> int:
        """The account for a transaction; it stays open until the transaction is committed."""
        return self.ask(user_id, identifier)()

    def ask(self, user_id: UUID, identifier: str) -> Asked[int]:
        """`id_of`, to be waited for later."""
        usable = self._ask(_ACCOUNTS["usable"], [(user_id, identifier)])

        def account_id() -> int:
            row = usable.fetchone()
            if row is None:
                raise InvalidInput("account", f"{identifier[:40]!r} is not one of your accounts")
            if row["archived_at"] is not None:
                raise AccountArchived(identifier)
            return int(row["account_id"])

        return account_id

    def ask_free(self, named: Sequence[tuple[UUID, str]]) -> Asked[Mapping[tuple[UUID, str], int]]:
        """The ids of those accounts of users that are open and that nobody is changing; it waits for none."""
        usable = self._ask(f"{_ACCOUNTS['usable']} skip locked", named)

        def account_ids() -> Mapping[tuple[UUID, str], int]:
            rows = [row for row in usable.fetchall() if row["archived_at"] is None]
            return {(row["user_id"], row["identifier"]): row["account_id"] for row in rows}

        return account_ids

    def _ask(self, statement: str, named: Sequence[tuple[UUID, str]]) -> Cursor:
        asked = {
            "user_ids": [user_id for user_id, _ in named],
            "identifiers": [identifier for _, identifier in named],
        }
        return self._connection.execute(statement, asked)

    def view(self, user_id: UUID, identifier: str) -> AccountView:
        asked = {**_ANY, "user_id": user_id, "identifier": identifier}
        row = self._connection.execute(_ACCOUNTS["accounts"], asked).fetchone()
        if row is None:
            raise AccountNotFound(identifier)
        return AccountView(**row)

    def page(self, user_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object) -> AccountPage:
        asked = {**_ANY, **wanted, "user_id": user_id}
        page = fetch_page(self._connection, _ACCOUNTS["accounts"], asked, ORDERS[sort], limit, cursor)
        return AccountPage.model_validate(page)

    def open(self, user_id: UUID, identifier: str, broker: str, account_type: AccountType) -> AccountView:
        values = {
            "user_id": user_id,
            "identifier": parse_account_identifier(identifier),
            "broker": parse_broker(broker),
            "account_type": account_type.value,
        }
        self._write("add", values)
        return self.view(user_id, str(values["identifier"]))

    def edit(self, user_id: UUID, identifier: str, match: Match, given: Mapping[str, Any]) -> AccountView:
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

    def archive(self, user_id: UUID, identifier: str, match: Match) -> AccountView:
        """Close the account for transactions; refused while it holds units. What it held stays in the ledger."""

        def change(account: dict[str, Any]) -> None:
            if identifier == MAIN_ACCOUNT:
                raise DefaultAccount(MAIN_ACCOUNT)
            held = self._connection.execute(_ACCOUNTS["held"], account).fetchall()
            if held:
                raise AccountInUse(identifier, [_in_words(holding) for holding in held])
            account["archived_at"] = account["archived_at"] or self._now

        return self._change(user_id, identifier, match, change)

    def unarchive(self, user_id: UUID, identifier: str, match: Match) -> AccountView:
        return self._change(user_id, identifier, match, lambda account: account.update(archived_at=None))

    def _change(
        self, user_id: UUID, identifier: str, match: Match, change: Callable[[dict[str, Any]], None]
    ) -> AccountView:
        asked = {"user_id": user_id, "identifier": identifier}
        before = self._connection.execute(_ACCOUNTS["lock"], asked).fetchone()
        if before is None:
            raise AccountNotFound(identifier)
        match.check(AccountView(**before).etag)
        after = dict(before)
        change(after)
        if after != before:
            self._write("save", after)
        return self.view(user_id, after["identifier"])

    def _write(self, statement: str, values: Mapping[str, object]) -> None:
        try:
            with savepoint(self._connection):
                self._connection.execute(_ACCOUNTS[statement], values)
        except psycopg.errors.UniqueViolation as error:
            raise AlreadyExists("account", str(values["identifier"])) from error


def _in_words(holding: Mapping[str, Any]) -> dict[str, str]:
    return {name: plain(value) if name == "quantity" else str(value) for name, value in holding.items()}
