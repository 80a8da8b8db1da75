"""Position snapshots: what a book held and was worth at one moment, kept as a fact of record.

Each stored snapshot is immutable and carries the hash of its payload. One per (book, business date) is current. A
newer one supersedes it; newer means a higher (portfolio version, release). Equal or older is skipped with a reason.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.money import share


@dataclass(frozen=True, slots=True)
class SnapshotLine:
    """One security in one account. `close` and `market_value` are None where the release has no price.

    `cost_basis` is None where nobody knows what the units cost.
    """

    account_id: int
    security_id: int
    ticker: str
    quantity: Decimal
    cost_basis: Decimal | None
    close: Decimal | None
    price_date: date | None
    market_value: Decimal | None


@dataclass(frozen=True, slots=True)
class PositionSnapshot:
    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    taken_at: datetime
    portfolio_version: int
    release_id: int
    lines: tuple[SnapshotLine, ...]

    @property
    def rank(self) -> tuple[int, int]:
        """Key that orders snapshots of one book and day."""
        return (self.portfolio_version, self.release_id)

    @property
    def payload(self) -> str:
        """The lines as canonical JSON: sorted, decimals as plain text."""
        lines = sorted(self.lines, key=lambda line: (line.account_id, line.security_id))
        return json.dumps(
            [{name: _plain(getattr(line, name)) for name in SnapshotLine.__slots__} for line in lines],
            sort_keys=True,
            separators=(",", ":"),
        )

    @property
    def payload_hash(self) -> str:
        return hashlib.sha256(self.payload.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SnapshotPrice:
    """The last close that a release has for a security; of `units` units, since bonds are quoted per 100 of face."""

    ticker: str
    close: Decimal
    price_date: date
    units: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class ReleasedQuotes:
    """Last close of every security in a release; `release_id` is the refresh that made it."""

    release_id: int
    by_security: Mapping[int, SnapshotPrice]


NOTHING_RELEASED = ReleasedQuotes(0, {})
"""Before the first release a book still holds what it holds: its snapshot names release 0 and has no prices."""


@dataclass(frozen=True, slots=True)
class BookHolding:
    account_id: int
    security_id: int
    ticker: str
    quantity: Decimal
    cost_basis: Decimal | None


@dataclass(frozen=True, slots=True)
class Book:
    """Holdings of a portfolio at one version of its ledger."""

    portfolio_id: UUID
    version: int
    time_zone: str
    holdings: tuple[BookHolding, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why a snapshot was not stored."""

    portfolio_id: UUID
    business_date: date
    reason: str


def snapshot_of(
    book: Book,
    quotes: Mapping[int, SnapshotPrice],
    release_id: int,
    taken_at: datetime,
    business_date: date,
    snapshot_id: UUID,
) -> PositionSnapshot:
    """The book valued with the release's last closes. A holding without a quote has no value, never 0."""
    lines = tuple(_line(holding, quotes.get(holding.security_id)) for holding in book.holdings)
    return PositionSnapshot(snapshot_id, book.portfolio_id, business_date, taken_at, book.version, release_id, lines)


def decide(current: PositionSnapshot | None, candidate: PositionSnapshot) -> PositionSnapshot | Skipped:
    """The candidate if it is newer than the current one of its book and day; else why it is skipped."""
    if current is None or candidate.rank > current.rank:
        return candidate
    relation = "equal to" if candidate.rank == current.rank else "older than"
    reason = "version {} of release {} is {} version {} of release {}".format(*candidate.rank, relation, *current.rank)
    return Skipped(candidate.portfolio_id, candidate.business_date, reason)


def superseded_by(newer: PositionSnapshot) -> str:
    """The reason that a superseded snapshot keeps for good."""
    return f"superseded by version {newer.portfolio_version} of release {newer.release_id} ({newer.snapshot_id})"


def business_date(moment: datetime, zone: str) -> date:
    """The day that `moment` (with its own zone) belongs to in the book's zone, never the server's."""
    assert moment.tzinfo is not None, "a moment without a zone has no business date"
    return moment.astimezone(ZoneInfo(zone)).date()


def _line(holding: BookHolding, quote: SnapshotPrice | None) -> SnapshotLine:
    return SnapshotLine(
        account_id=holding.account_id,
        security_id=holding.security_id,
        ticker=holding.ticker,
        quantity=holding.quantity,
        cost_basis=holding.cost_basis,
        close=quote.close if quote else None,
        price_date=quote.price_date if quote else None,
        market_value=share(holding.quantity, quote.close, quote.units) if quote else None,
    )


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value
