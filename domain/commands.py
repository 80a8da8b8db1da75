"""What can be asked of the system, in the imperative. Values only; the handlers do the work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.ledger import TxnType
from domain.portfolio import PortfolioKind
from domain.securities import AssetType, Identifier, PriceKind


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
class DescribeSecurity:
    """Facts about a security by name, in the three kinds; None is not said."""

    equity: Mapping[str, Any] = field(default_factory=dict)
    fund: Mapping[str, Any] = field(default_factory=dict)
    bond: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisterSecurity:
    """`price_kind` None is the usual one of the type."""

    identifiers: tuple[Identifier, ...]
    asset_type: AssetType
    currency: str
    display_name: str
    price_kind: PriceKind | None = None
    described: DescribeSecurity = field(default_factory=DescribeSecurity)


@dataclass(frozen=True, slots=True)
class AddIdentifier:
    """One more name of `security`, given by any it has; without dates since ever and until further notice."""

    security: str
    identifier: Identifier
    valid_from: date | None = None
    valid_to: date | None = None


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
