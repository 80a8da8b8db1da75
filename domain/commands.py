"""What can be asked of the system, in the imperative. Values only; the handlers do the work."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.ledger import TxnType
from domain.portfolio import PortfolioKind
from domain.securities import AssetType


@dataclass(frozen=True, slots=True)
class InitialHolding:
    """Units a portfolio starts with; a ticker that nobody registered is registered as an EQUITY."""

    ticker: str
    quantity: Decimal
    avg_cost: Decimal


@dataclass(frozen=True, slots=True)
class CreatePortfolio:
    user_id: UUID
    name: str
    base_currency: str
    kind: PortfolioKind
    time_zone: str
    initial_cash: Decimal
    holdings: tuple[InitialHolding, ...]
    business_date: date | None


@dataclass(frozen=True, slots=True)
class RecordTransaction:
    """`amount` for DEPOSIT, WITHDRAW and FEE; `ticker`, `quantity` (above 0), `price` and `fees` for BUY and SELL."""

    user_id: UUID
    portfolio_id: UUID
    txn_type: TxnType
    business_date: date | None
    event_ts: datetime | None
    account: str | None
    currency: str | None
    ticker: str | None
    quantity: Decimal | None
    price: Decimal | None
    fees: Decimal
    amount: Decimal | None
    note: str


@dataclass(frozen=True, slots=True)
class RegisterSecurity:
    ticker: str
    asset_type: AssetType
    currency: str
    display_name: str
    exchange: str | None = None
    country: str | None = None
    sector: str | None = None
    industry: str | None = None


@dataclass(frozen=True, slots=True)
class RequestSimulation:
    """`seed` None lets the system draw one, which is then stored with the request."""

    user_id: UUID
    portfolio_id: UUID
    name: str
    horizon_years: int
    num_paths: int
    sample_paths: int
    seed: int | None
