"""The security registry on PostgreSQL. What is known is never rewritten; the database's own triggers refuse it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from domain.analytics.fixed_income.bond_facts import LISTS, steps_of
from domain.bond_terms import BondDetails
from domain.errors import AlreadyExists, SecurityNotFound, plain
from domain.listing import IdentifierNotFound, Withdrawal, counterparts
from domain.securities import (
    AnyDetails,
    AssetType,
    Details,
    EquityDetails,
    FundDetails,
    Identifier,
    IdentifierType,
    KnownIdentifier,
    PriceKind,
    Reference,
    Security,
)
from oltp_api.connections import Deferred, savepoint
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.pages import fetch_page, orders, text
from storage.queries import statements

ORDERS = orders(
    ticker={"ticker": text, "security_id": int},
    name={"display_name": text, "security_id": int},
    registered={"created_at": datetime.fromisoformat, "security_id": int},
)
Named = tuple[Reference, date | None]
"""A security as it was named, on a day or by default now."""
_REGISTRY = statements("oltp_api/registry/queries.sql")
_SECURITY = tuple(each.name for each in fields(Security))
_ANY = {"security_id": None, "asset_type": None, "currency": None, "q": None}
_TABLES: dict[type[Details], str] = {
    EquityDetails: "equity_details",
    FundDetails: "fund_details",
    BondDetails: "bond_details",
}


def security_of(row: DictRow) -> Security:
    facts: DictRow = {
        **row,
        "asset_type": AssetType(row["asset_type"]),
        "price_kind": PriceKind(row["price_kind"]),
    }
    return Security(**facts)


def _known(row: DictRow) -> KnownIdentifier:
    named = Identifier(IdentifierType(row["id_type"]), row["id_value"])
    return KnownIdentifier(named, row["is_primary"], row["valid_from"], row["valid_to"])


class Securities:
    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection

    def find(self, identifier: str, on: date | None = None) -> Security | None:
        """Return the security that an identifier means on a day, by default now; None if there is none."""
        return self.look_up(Reference.parse(identifier), on)

    def look_up(self, reference: Reference, on: date | None = None) -> Security | None:
        return self.fetch_later([(reference, on)])().get((reference, on))

    def fetch_later(self, named: Sequence[Named]) -> Deferred[Mapping[Named, Security]]:
        """The securities that are meant, each on its day; one that nobody registered is absent."""
        if not named:
            return dict
        asked: dict[str, list[Any]] = {
            "values": [reference.value for reference, _ in named],
            "id_types": [reference.id_type for reference, _ in named],
            "security_ids": [reference.security_id for reference, _ in named],
            "days": [on for _, on in named],
        }
        own_ids = any(asked["security_ids"])
        found = self._connection.execute(_REGISTRY["find"], asked)
        found_by_id = self._connection.execute(_REGISTRY["find_by_id"], asked) if own_ids else None

        def securities() -> Mapping[Named, Security]:
            rows = [*found.fetchall(), *(found_by_id.fetchall() if found_by_id else ())]
            return {named[row.pop("number") - 1]: security_of(row) for row in rows}

        return securities

    def tickers(self, security_ids: Collection[int]) -> Mapping[int, str]:
        rows = self._connection.execute(_REGISTRY["tickers"], {"security_ids": list(security_ids)}).fetchall()
        return {row["security_id"]: row["ticker"] for row in rows}

    def lock(self, identifier: str, for_withdrawal: bool = False) -> Security:
        """The security, which nobody else completes until the commit; nor records anything of, for a withdrawal."""
        security = self.find(identifier)
        if security is None:
            raise SecurityNotFound(identifier)
        statement = "lock_for_withdrawal" if for_withdrawal else "lock"
        self._connection.execute(_REGISTRY[statement], {"security_id": security.security_id})
        return security

    def registered(self, tickers: Sequence[str]) -> set[str]:
        rows = self._connection.execute(_REGISTRY["registered"], {"tickers": list(tickers)}).fetchall()
        return {row["ticker"] for row in rows}

    def add(self, security: Security, identifiers: Sequence[Identifier] = (), user_id: UUID | None = None) -> Security:
        """The security with the id it got; AlreadyExists if an identifier has a meaning, also from a parallel request.

        `user_id` is who adds it, None for what is bundled. Without `identifiers` it goes by what its `ticker` is: a
        ticker, an ISIN or a CUSIP.
        """
        values = {
            "asset_type": security.asset_type.value,
            "currency": security.currency,
            "display_name": security.display_name,
            "price_kind": security.price_kind.value,
        }
        with savepoint(self._connection):
            row = self._connection.execute(_REGISTRY["add"], values).fetchone()
            assert row is not None
            for identifier in sorted(identifiers or [Identifier.guess(security.ticker)], key=lambda one: one.value):
                self.add_identifier(row["security_id"], KnownIdentifier(identifier, is_primary=True), user_id)
        added = self.look_up(Reference(security_id=row["security_id"]))
        assert added is not None
        return added

    def add_identifier(self, security_id: int, known: KnownIdentifier, user_id: UUID | None = None) -> None:
        """One more name; AlreadyExists if it has a meaning, or an ISIN that contains it (or a CUSIP in it) another."""
        self._refuse_another_counterpart(security_id, known.identifier)
        values = {
            "added_by": user_id,
            "security_id": security_id,
            "id_type": known.identifier.id_type.value,
            "id_value": known.identifier.value,
            "is_primary": known.is_primary,
            "valid_from": known.valid_from,
            "valid_to": known.valid_to,
        }
        if not self._connection.execute(_REGISTRY["add_identifier"], values).rowcount:
            raise AlreadyExists("security", known.identifier.value)

    def _refuse_another_counterpart(self, security_id: int, identifier: Identifier) -> None:
        others = counterparts(identifier)
        if others:
            cusip = min(identifier, *others, key=lambda each: len(each.value)).value
            self._connection.execute(_REGISTRY["lock_counterparts"], {"cusip": cusip})
            asked = {"security_id": security_id, "values": [each.value for each in others]}
            if row := self._connection.execute(_REGISTRY["another_counterpart"], asked).fetchone():
                raise AlreadyExists("security", row["id_value"])

    def withdrawal(self, security: Security, identifier: Identifier) -> Withdrawal:
        """Return what may keep an identifier with the security: who added it, if it is used, and if it is the last."""
        asked = {"security_id": security.security_id, "id_type": identifier.id_type, "id_value": identifier.value}
        row = self._connection.execute(_REGISTRY["withdrawal"], asked).fetchone()
        if row is None:
            raise IdentifierNotFound(security.ticker, identifier.value)
        return Withdrawal(**row)

    def withdraw(self, security_id: int, identifier: Identifier) -> None:
        asked = {"security_id": security_id, "id_type": identifier.id_type, "id_value": identifier.value}
        self._connection.execute(_REGISTRY["withdraw"], asked)

    def identifiers(self, security_id: int) -> list[KnownIdentifier]:
        rows = self._connection.execute(_REGISTRY["identifiers"], {"security_id": security_id}).fetchall()
        return [_known(row) for row in rows]

    def ever_meant(self, values: Sequence[str]) -> list[tuple[KnownIdentifier, Security]]:
        """All identifiers, of all times, of the securities that one of the values has ever meant."""
        rows = self._connection.execute(_REGISTRY["ever_meant"], {"values": values}).fetchall()
        return [(_known(row), security_of({name: row[name] for name in _SECURITY})) for row in rows]

    def displayed_as(self, names: Sequence[str]) -> list[Security]:
        """Securities by their names, which are given in lower case."""
        rows = self._connection.execute(_REGISTRY["displayed_as"], {"names": names}).fetchall() if names else []
        return [security_of(row) for row in rows]

    def details(self, security_id: int, kind: type[AnyDetails]) -> AnyDetails | None:
        row = self._connection.execute(_REGISTRY[_TABLES[kind]], {"security_id": security_id}).fetchone()
        if row:
            row |= {term: steps_of(row[term]) for term in LISTS if row.get(term) is not None}
        return kind(**row) if row else None

    def save_details(self, security_id: int, details: Details) -> None:
        values: dict[str, Any] = {"security_id": security_id, **asdict(details)}
        for term, number in LISTS.items():
            if values.get(term) is not None:
                listed = [{"day": day.isoformat(), number: plain(value)} for day, value in values[term]]
                values[term] = Jsonb(listed)
        self._connection.execute(_REGISTRY[f"save_{_TABLES[type(details)]}"], values)

    def state_price_kind(self, ticker: str, price_kind: PriceKind) -> None:
        """Say it where nobody has; what was said stays."""
        values = {"ticker": ticker, "price_kind": price_kind.value}
        self._connection.execute(_REGISTRY["state_price_kind"], values)

    def one(self, identifier: str, on: date | None = None) -> DictRow:
        """All that is registered of the security."""
        security = self.find(identifier, on)
        if security is None:
            raise SecurityNotFound(identifier)
        asked = {**_ANY, "security_id": security.security_id}
        row = self._connection.execute(_REGISTRY["securities"], asked).fetchone()
        assert row is not None
        return row

    def page(self, sort: str, limit: int, cursor: str | None, **wanted: object) -> dict[str, Any]:
        """Securities with `q` in an identifier or the name, of a type, in a currency."""
        asked = {**_ANY, **wanted}
        return fetch_page(self._connection, _REGISTRY["securities"], asked, ORDERS[sort], limit, cursor)
