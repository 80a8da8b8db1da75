"""Events, in the past tense. Each is written to the outbox in the unit of work that made it true."""

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
class PositionUpdated:
    """One security in one account, after the transaction that made it so; quantity 0 says that it is closed."""

    portfolio_id: UUID
    account_id: int
    security_id: int
    quantity: Decimal
    cost_basis: Decimal
    realised: Decimal


@dataclass(frozen=True, slots=True)
class CostMethodChanged:
    """The portfolio was restated: every cost and gain since its first row is now by this method."""

    portfolio_id: UUID
    cost_method: str


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
class PortfolioRenamed:
    portfolio_id: UUID
    name: str
    revision: int


@dataclass(frozen=True, slots=True)
class PortfolioArchived:
    portfolio_id: UUID
    archived_at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class PortfolioUnarchived:
    portfolio_id: UUID
    revision: int


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


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    order_id: UUID
    portfolio_id: UUID
    account_id: int
    security_id: int
    side: str
    order_type: str
    quantity: Decimal
    limit_price: Decimal | None
    reserved_cash: Decimal
    reserved_quantity: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """One fill; `is_complete` with the last. `seq` is the ledger row that it wrote."""

    order_id: UUID
    portfolio_id: UUID
    fill_id: str
    quantity: Decimal
    price: Decimal
    fees: Decimal
    source: str
    seq: int
    is_complete: bool
    is_overdrawn: bool


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    order_id: UUID
    portfolio_id: UUID
    reason: str
    filled_quantity: Decimal


DomainEvent = (
    PortfolioCreated
    | PositionUpdated
    | CostMethodChanged
    | SimulationRequested
    | PositionSnapshotCreated
    | PortfolioRenamed
    | PortfolioArchived
    | PortfolioUnarchived
    | CollateralRanked
    | OrderPlaced
    | OrderFilled
    | OrderCancelled
)
