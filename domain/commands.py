"""Commands to the system, in the imperative. Values only; the handlers do the work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.errors import Refusal
from domain.holdings import CostMethod
from domain.ledger import TxnType
from domain.money import ZERO
from domain.orders import Execution, OrderType, Side
from domain.portfolio import PortfolioKind
from domain.securities import AssetType, Identifier, PriceKind
from domain.simulations import SimulationTerms
from domain.values import quickly_made


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
    cost_method: CostMethod = CostMethod.AVCO


@quickly_made
@dataclass(frozen=True, slots=True)
class RecordTransaction:
    """One transaction; which fields it needs depends on its type, as `oltp_api.schemas` says.

    A DIVIDEND or COUPON is an `amount`, or `per_unit` of what was held at the close before `ex_date`. The `amount` of a
    trade is the cash that moved; `fee_currency` is of `fees`, if it is another; `into` what an event gives. A WITHDRAW
    with `received` is cash that becomes so much of `received_currency`: no flow. A trade with `settled` was paid
    in, or came as, so much of `settled_currency`, and its own cash is exchanged for it.
    """

    user_id: UUID
    portfolio_id: UUID
    txn_type: TxnType
    business_date: date | None = None
    event_ts: datetime | None = None
    account: str | None = None
    currency: str | None = None
    ticker: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    fees: Decimal = ZERO
    accrued: Decimal = ZERO
    fx_rate: Decimal | None = None
    amount: Decimal | None = None
    per_unit: Decimal | None = None
    ex_date: date | None = None
    withheld: Decimal = ZERO
    split_new: Decimal | None = None
    split_old: Decimal | None = None
    in_lieu_price: Decimal | None = None
    fee_currency: str | None = None
    fee_fx_rate: Decimal | None = None
    into: str | None = None
    units_new: Decimal | None = None
    units_old: Decimal | None = None
    basis_share: Decimal | None = None
    into_fx_rate: Decimal | None = None
    is_paid: bool = False
    received: Decimal | None = None
    received_currency: str | None = None
    settled: Decimal | None = None
    settled_currency: str | None = None
    note: str = ""
    external_id: str | None = None


class BatchMode(StrEnum):
    ALL_OR_NOTHING = "all_or_nothing"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Many transactions of one portfolio. They are decided and numbered in order of event, those of one moment in the
    order given, so that none is back-dated by another. With `assumes_cash`, cash that is not there is
    deposited first, in a row of its own."""

    user_id: UUID
    portfolio_id: UUID
    rows: tuple[RecordTransaction | Refusal, ...]
    mode: BatchMode = BatchMode.PARTIAL
    assumes_cash: bool = False


@dataclass(frozen=True, slots=True)
class TransferUnits:
    """Units of one security from one account of a portfolio to another."""

    user_id: UUID
    portfolio_id: UUID
    ticker: str
    quantity: Decimal
    from_account: str
    to_account: str
    business_date: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConvertCash:
    """`amount` of one currency becomes `received` of another."""

    user_id: UUID
    portfolio_id: UUID
    from_currency: str
    amount: Decimal
    to_currency: str
    received: Decimal
    business_date: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReverseTransaction:
    user_id: UUID
    portfolio_id: UUID
    seq: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class AddHolding:
    """Units that an account holds already. `cost_per_unit` is above 0 for units that were bought; it may be 0, or None
    for an unknown basis, for units that were `received`."""

    user_id: UUID
    portfolio_id: UUID
    account: str
    ticker: str
    quantity: Decimal
    cost_per_unit: Decimal | None
    is_received: bool = False
    fx_rate: Decimal | None = None
    business_date: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class RemoveHolding:
    """All units of a security that an account holds, taken out with their cost."""

    user_id: UUID
    portfolio_id: UUID
    account: str
    ticker: str
    business_date: date | None = None


@dataclass(frozen=True, slots=True)
class ChangeCostMethod:
    user_id: UUID
    portfolio_id: UUID
    method: CostMethod


@dataclass(frozen=True, slots=True)
class DescribeSecurity:
    """Facts about a security by name, in the three kinds; None is not said."""

    equity: Mapping[str, Any] = field(default_factory=dict)
    fund: Mapping[str, Any] = field(default_factory=dict)
    bond: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisterSecurity:
    """`price_kind` None is the usual one of the type; `user_id` None is what is bundled."""

    identifiers: tuple[Identifier, ...]
    asset_type: AssetType
    currency: str
    display_name: str
    price_kind: PriceKind | None = None
    described: DescribeSecurity = field(default_factory=DescribeSecurity)
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AddIdentifier:
    """One more name of `security`, given by any it has; without dates since ever and until further notice."""

    security: str
    identifier: Identifier
    valid_from: date | None = None
    valid_to: date | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class WithdrawIdentifier:
    """Take back an identifier of `security` that was added by mistake."""

    user_id: UUID
    security: str
    identifier: Identifier


@dataclass(frozen=True, slots=True)
class RequestSimulation:
    """`seed` None lets the system draw one, which is then stored with the request."""

    user_id: UUID
    portfolio_id: UUID
    name: str
    seed: int | None
    terms: SimulationTerms


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """`fees` are those expected; they are reserved with the price of a purchase."""

    user_id: UUID
    portfolio_id: UUID
    ticker: str
    quantity: Decimal
    side: Side = Side.BUY
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    fees: Decimal = ZERO
    account: str | None = None


@dataclass(frozen=True, slots=True)
class PostBondIncome:
    """Record every coupon and redemption that is due and not in the ledger."""

    user_id: UUID
    portfolio_id: UUID


@dataclass(frozen=True, slots=True)
class FillOrder:
    user_id: UUID
    order_id: UUID
    execution: Execution


@dataclass(frozen=True, slots=True)
class CancelOrder:
    user_id: UUID
    order_id: UUID
    reason: str = ""
