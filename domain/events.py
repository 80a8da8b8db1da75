"""What happened, in the past tense. Each is written to the outbox in the unit of work that made it true."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PortfolioCreated:
    portfolio_id: UUID
    name: str
    base_currency: str
    kind: str


@dataclass(frozen=True, slots=True)
class TransactionRecorded:
    portfolio_id: UUID
    seq: int
    txn_type: str
    business_date: date
    security_id: int | None
    quantity: Decimal | None
    price: Decimal | None
    cash_effect: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class SimulationRequested:
    simulation_id: UUID
    portfolio_id: UUID


@dataclass(frozen=True, slots=True)
class PositionSnapshotCreated:
    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    taken_at: datetime
    portfolio_version: int
    release_id: int


@dataclass(frozen=True, slots=True)
class CollateralRanked:
    ranking_id: UUID
    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    schedule: str
    valuation_basis: str
    lendable_value: Decimal
    payload_hash: str


DomainEvent = PortfolioCreated | TransactionRecorded | SimulationRequested | PositionSnapshotCreated | CollateralRanked
