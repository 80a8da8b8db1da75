"""Collateral rankings in PostgreSQL: one unit of work reads the snapshot, ranks it, stores the ranking and its event.

Used by the API, by the event's handler and by the pipelines. `inputs_hash` covers all that a ranking is made from, so
that ranking the same snapshot by the same terms again, or twice at once, stores one ranking and one event.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row, tuple_row

from application.snapshots import PostgresPositionSnapshotRepository
from domain.collateral import CollateralItem, CollateralRanking, Ineligible, ValuationBasis, rank
from domain.errors import SnapshotPruned
from domain.events import CollateralRanked
from domain.haircuts import SUPERVISORY, HaircutSchedule, SecurityTraits, supervisory_schedule
from domain.ports import EventMessage
from domain.snapshots import PositionSnapshot
from storage.events.outbox import write_event

_BASE_CURRENCY = "select base_currency from portfolio where portfolio_id = %s"
# The one place where a security's traits are read. An equity's issuer is what it is called.
_TRAITS = """
    select security_id, asset_type, currency, coalesce(issuer, display_name) as issuer, issuer_class, maturity_date
    from security_registry left join bond_details using (security_id)
    where security_id = any(%s)
"""
_STORE = """
    insert into collateral_ranking (ranking_id, snapshot_id, portfolio_id, business_date, schedule, valuation_basis,
                                    currency, lendable_value, inputs, inputs_hash, payload, payload_hash)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (snapshot_id, inputs_hash) do nothing
"""
_COLUMNS = """
    ranking_id, snapshot_id, portfolio_id, business_date, schedule, valuation_basis, currency, lendable_value, inputs,
    payload, payload_hash, created_at
"""
_BY_INPUTS = f"select {_COLUMNS} from collateral_ranking where snapshot_id = %s and inputs_hash = %s"
# Of the newest snapshot first: an event that comes late must not bring back the ranking of a superseded one.
_NEWEST = f"""
    select {_COLUMNS} from collateral_ranking
    join (select snapshot_id, portfolio_version, release_id from position_snapshot) as ranked using (snapshot_id)
    where portfolio_id = %(portfolio_id)s
      and (%(business_date)s::date is null or business_date = %(business_date)s)
      and (%(schedule)s::text is null or schedule = %(schedule)s)
      and (%(basis)s::text is null or valuation_basis = %(basis)s)
    order by business_date desc, portfolio_version desc, release_id desc, seq desc limit 1
"""
_UNRANKED = """
    select distinct on (portfolio_id) snapshot_id
    from position_snapshot as snapshot join portfolio using (portfolio_id)
    where is_current and archived_at is null
      and not exists (
          select from collateral_ranking as ranking
          where ranking.snapshot_id = snapshot.snapshot_id and schedule = %s and valuation_basis = %s
            and inputs -> 'fx_rates' = '{}'
      )
      and not exists (
          select from position_snapshot as newer
          where newer.portfolio_id = snapshot.portfolio_id and newer.is_current
            and newer.business_date > snapshot.business_date
      )
    order by portfolio_id
"""


@dataclass(frozen=True, slots=True)
class StoredRanking:
    """A ranking of record. `inputs` are the terms it was made by; `payload` its items."""

    ranking_id: UUID
    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    schedule: str
    valuation_basis: str
    currency: str
    lendable_value: Decimal
    inputs: Mapping[str, Any]
    payload: list[dict[str, Any]]
    payload_hash: str
    created_at: datetime

    @property
    def ranking(self) -> CollateralRanking:
        return CollateralRanking(tuple(_item(item) for item in self.payload))


class PostgresCollateralRankings:
    """Rankings, within the connection's transaction. What is stored is never changed."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._cursor = connection.cursor(row_factory=class_row(StoredRanking))

    def newest(
        self,
        portfolio_id: UUID,
        business_date: date | None = None,
        schedule: str | None = None,
        basis: str | None = None,
    ) -> StoredRanking | None:
        """The newest ranking of the book, or of one business date of it."""
        asked = {
            "portfolio_id": portfolio_id,
            "business_date": business_date,
            "schedule": schedule,
            "basis": basis,
        }
        return self._cursor.execute(_NEWEST, asked).fetchone()

    def unranked(self) -> list[UUID]:
        """The newest current snapshot of every book that has no ranking by the default terms."""
        cursor = self._connection.cursor(row_factory=tuple_row)
        rows = cursor.execute(_UNRANKED, (SUPERVISORY, ValuationBasis.MARKET)).fetchall()
        return [row[0] for row in rows]

    def store(self, ranked: CollateralRanked, currency: str, inputs: str, payload: str, snapshot_version: int) -> bool:
        """Store the ranking, with its event, if it is new; True if it is."""
        values = (
            ranked.ranking_id,
            ranked.snapshot_id,
            ranked.portfolio_id,
            ranked.business_date,
            ranked.schedule,
            ranked.valuation_basis,
            currency,
            ranked.lendable_value,
            inputs,
            _hash(inputs),
            payload,
            ranked.payload_hash,
        )
        is_new = self._connection.execute(_STORE, values).rowcount == 1
        if is_new:
            write_event(self._connection, ranked.portfolio_id, snapshot_version, ranked)
        return is_new

    def by_inputs(self, snapshot_id: UUID, inputs: str) -> StoredRanking:
        stored = self._cursor.execute(_BY_INPUTS, (snapshot_id, _hash(inputs))).fetchone()
        assert stored is not None, "what was stored, or was there before, is found"
        return stored


def rank_snapshot(
    connection: psycopg.Connection[Any],
    snapshot_id: UUID,
    schedule: HaircutSchedule | None = None,
    basis: ValuationBasis = ValuationBasis.MARKET,
    rates: Mapping[str, Decimal] | None = None,
) -> tuple[StoredRanking, bool]:
    """The snapshot's ranking by these terms, and whether it is new; then it is stored with its event. One unit of work.

    By default the supervisory schedule ranks at market value, in the book's base currency.
    """
    with connection.transaction():
        return _ranked(connection, snapshot_id, schedule or supervisory_schedule(), basis, rates or {})


def on_position_snapshot_created(connection: psycopg.Connection[Any], message: EventMessage) -> None:
    """Rank the snapshot that was taken; delivered again, it changes nothing. The caller commits.

    One that has lost its payload meanwhile was superseded long ago: there is nothing to rank, and nothing wrong.
    """
    try:
        _ranked(connection, UUID(message.payload["snapshot_id"]), supervisory_schedule(), ValuationBasis.MARKET, {})
    except SnapshotPruned:
        return


def _ranked(
    connection: psycopg.Connection[Any],
    snapshot_id: UUID,
    schedule: HaircutSchedule,
    basis: ValuationBasis,
    rates: Mapping[str, Decimal],
) -> tuple[StoredRanking, bool]:
    snapshot = PostgresPositionSnapshotRepository(connection).get(snapshot_id)
    currency = _base_currency(connection, snapshot.portfolio_id)
    traits = _traits(connection, snapshot)
    ranking = rank(snapshot, traits, schedule, currency, basis, rates)
    inputs = _inputs(snapshot, traits, schedule, currency, basis, rates)
    event = CollateralRanked(
        uuid4(),
        snapshot_id,
        snapshot.portfolio_id,
        snapshot.business_date,
        schedule.name,
        basis.value,
        ranking.lendable_value,
        ranking.payload_hash,
    )
    rankings = PostgresCollateralRankings(connection)
    is_new = rankings.store(event, currency, inputs, ranking.payload, snapshot.portfolio_version)
    return rankings.by_inputs(snapshot_id, inputs), is_new


def _base_currency(connection: psycopg.Connection[Any], portfolio_id: UUID) -> str:
    row = connection.cursor(row_factory=tuple_row).execute(_BASE_CURRENCY, (portfolio_id,)).fetchone()
    assert row is not None, "a snapshot's portfolio exists"
    return str(row[0])


def _traits(connection: psycopg.Connection[Any], snapshot: PositionSnapshot) -> dict[int, SecurityTraits]:
    held = sorted({line.security_id for line in snapshot.lines})
    rows = connection.cursor(row_factory=class_row(SecurityTraits)).execute(_TRAITS, (held,)).fetchall()
    return {traits.security_id: traits for traits in rows}


def _inputs(
    snapshot: PositionSnapshot,
    traits: Mapping[int, SecurityTraits],
    schedule: HaircutSchedule,
    currency: str,
    basis: ValuationBasis,
    rates: Mapping[str, Decimal],
) -> str:
    """All that a ranking is made from, as canonical JSON."""
    made_from = {
        "snapshot": snapshot.payload_hash,
        "traits": {
            str(number): [str(getattr(of, name)) for name in SecurityTraits.__slots__] for number, of in traits.items()
        },
        "schedule": json.loads(schedule.terms),
        "currency": currency,
        "valuation_basis": basis.value,
        "fx_rates": {name: f"{rate.normalize():f}" for name, rate in rates.items()},
    }
    return json.dumps(made_from, sort_keys=True, separators=(",", ":"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _item(stored: Mapping[str, Any]) -> CollateralItem:
    facts = dict(stored)
    for name in _DECIMALS:
        facts[name] = Decimal(stored[name]) if stored[name] is not None else None
    facts["reason"] = Ineligible(stored["reason"]) if stored["reason"] else None
    return CollateralItem(**facts)


_DECIMALS = (
    "quantity",
    "price",
    "market_value",
    "haircut",
    "fx_haircut",
    "before_cap",
    "lendable_value",
    "cumulative_value",
)
