"""Bodies of requests to a portfolio's ledger, and views of its rows and of what they add up to."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from domain.commands import (
    AddHolding,
    ChangeCostMethod,
    ConvertCash,
    RecordTransaction,
    ReverseTransaction,
    TransferUnits,
)
from domain.currencies import CURRENCIES, parse_quoted
from domain.errors import InvalidInput
from domain.holdings import CostMethod
from domain.ledger import TRADES, Transaction, TxnType
from domain.money import ZERO
from oltp_api.web.fields import Amount, Currency, Day, Moment, Number, QuotedCurrency, ShortText, Text
from oltp_api.web.schemas import TICKER, Request, View

_FIELDS: Mapping[TxnType, tuple[str, str]] = {
    TxnType.BUY: ("ticker quantity", "price amount fees fee_currency fee_fx_rate accrued fx_rate"),
    TxnType.SELL: ("ticker quantity", "price amount fees fee_currency fee_fx_rate accrued fx_rate"),
    TxnType.CASH_IN_LIEU: ("ticker quantity", "price amount fees fx_rate"),
    TxnType.DEPOSIT: ("amount", "fx_rate"),
    TxnType.WITHDRAW: ("amount", "fx_rate"),
    TxnType.FEE: ("amount", "ticker fx_rate"),
    TxnType.TAX: ("amount", "ticker fx_rate"),
    TxnType.INTEREST: ("amount", "ticker fx_rate"),
    TxnType.DIVIDEND: ("ticker", "amount per_unit ex_date withheld fx_rate"),
    TxnType.COUPON: ("ticker", "amount per_unit ex_date withheld fx_rate"),
    TxnType.RETURN_OF_CAPITAL: ("ticker", "amount per_unit ex_date fx_rate"),
    TxnType.COST_ADJUSTMENT: ("ticker amount", "is_paid fx_rate"),
    TxnType.TRANSFER_IN: ("ticker quantity", "price fx_rate"),
    TxnType.TRANSFER_OUT: ("ticker quantity", ""),
    TxnType.SPLIT: ("ticker", "split_new split_old quantity units_new in_lieu_price fx_rate"),
    TxnType.BONUS: ("ticker units_new units_old", "in_lieu_price fx_rate"),
    TxnType.SPIN_OFF: ("ticker into units_new units_old basis_share", "in_lieu_price fx_rate into_fx_rate"),
    TxnType.RIGHTS: ("ticker into units_new units_old", "basis_share in_lieu_price fx_rate into_fx_rate"),
    TxnType.MERGER: (
        "ticker",
        "into units_new units_old basis_share amount per_unit in_lieu_price fx_rate into_fx_rate",
    ),
    TxnType.EXCHANGE: ("ticker into", "units_new units_old in_lieu_price fx_rate into_fx_rate"),
}
"""Fields that each type needs, and those that it may have; others of these are refused."""
_EITHER: Mapping[TxnType, Sequence[tuple[str, str]]] = {
    **dict.fromkeys((TxnType.BUY, TxnType.SELL, TxnType.CASH_IN_LIEU), (("price", "amount"),)),
    **dict.fromkeys((TxnType.DIVIDEND, TxnType.COUPON, TxnType.RETURN_OF_CAPITAL), (("amount", "per_unit"),)),
}
"""Facts that can be said in two ways, of which one is needed."""
_SPLIT_WAYS = ({"split_new", "split_old"}, {"quantity"}, {"units_new"})
_OF_A_SPLIT = set().union(*_SPLIT_WAYS)
_QUOTED = ("price", "accrued", "amount", "per_unit", "withheld", "in_lieu_price")
_WITH_FEES = (*_QUOTED, "fees")
_NEEDED = {kind: set(needed.split()) for kind, (needed, _) in _FIELDS.items()}
_ALLOWED = {kind: set(allowed.split()) for kind, (_, allowed) in _FIELDS.items()}
_DEPENDENT = frozenset().union(*_NEEDED.values(), *_ALLOWED.values())
_CHARGES = ("fees", "accrued", "withheld")


class TransactionRequest(Request):
    """A transaction to record. `type` decides which fields are needed; one that does not belong to it is refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"type": "BUY", "ticker": "AAPL", "quantity": "10", "price": "140.25", "fees": "1"},
                {"type": "DEPOSIT", "amount": "5000", "business_date": "2016-01-04"},
                {"type": "DIVIDEND", "ticker": "ACME", "amount": "35", "ex_date": "2016-03-11", "withheld": "5.25"},
                {"type": "SPLIT", "ticker": "ACME", "split_new": "2", "split_old": "1", "business_date": "2015-12-24"},
            ]
        }
    )

    type: TxnType
    ticker: ShortText | None = Field(default=None, validation_alias=TICKER, description="Or another identifier.")
    quantity: Number | None = Field(default=None, description="Units, above 0; for a bond, the face amount.")
    price: Number | None = Field(
        default=None,
        description="Per unit; for a bond, clean, per cent of par; absent where the amount says it. TRANSFER_IN: the "
        "unit cost, absent if not known.",
    )
    fees: Number | None = Field(default=None, description="In the trade's currency, or in fee_currency. BUY and SELL.")
    fee_currency: QuotedCurrency | None = Field(default=None, description="The fees' own, if it is another.")
    fee_fx_rate: Number | None = Field(default=None, description="One unit of fee_currency in base currency.")
    accrued: Number | None = Field(default=None, description="Interest bought or sold with a bond. BUY and SELL.")
    amount: Number | None = Field(
        default=None,
        description="Of cash or income, above 0; negative for a refund (FEE, TAX), interest paid or income corrected. "
        "BUY and SELL: the cash that moved, as the statement has it; it is the record.",
    )
    per_unit: Number | None = Field(default=None, description="Income per unit held before ex_date, for amount.")
    ex_date: Day | None = Field(default=None, description="DIVIDEND and COUPON.")
    withheld: Number | None = Field(default=None, description="Tax withheld; it becomes a TAX row of its own.")
    split_new: Number | None = Field(
        default=None, description="SPLIT: so many units ... or quantity, all that result, or units_new, all that come."
    )
    split_old: Number | None = Field(default=None, description="... replace so many.")
    into: ShortText | None = Field(default=None, description="The security that is received, in an event of two.")
    units_new: Number | None = Field(default=None, description="So many units are received ...")
    units_old: Number | None = Field(default=None, description="... for so many that are held.")
    basis_share: Number | None = Field(default=None, description="Fraction of the cost that goes to what is received.")
    into_fx_rate: Number | None = Field(
        default=None, description="One unit of the currency of `into` in base currency."
    )
    is_paid: bool | None = Field(default=None, description="COST_ADJUSTMENT: the amount is paid, as an instalment.")
    in_lieu_price: Number | None = Field(default=None, description="What a fraction of a unit is paid.")
    currency: QuotedCurrency | None = Field(
        default=None,
        description="The security's, else the portfolio's; income, a fee and a tax have their own. GBX, ZAc, ILA are "
        "hundredths, and recorded in what they are hundredths of.",
    )
    fx_rate: Number | None = Field(
        default=None, description="One unit of currency in base currency. Needed for trades in another currency."
    )
    account: ShortText | None = Field(default=None, description="The account's identifier; MAIN if absent.")
    business_date: Day | None = Field(default=None, description="That of event_ts, else today.")
    event_ts: Moment | None = Field(default=None, description="16:00 of the business date if absent.")
    external_id: ShortText | None = Field(default=None, min_length=1, description="The broker's id; recorded once.")
    note: Text = Field(default="", max_length=1000)

    def command(self, user_id: UUID, portfolio_id: UUID) -> RecordTransaction:
        return command_of(self.fields(), user_id, portfolio_id)

    def fields(self) -> Mapping[str, Any]:
        """The fields that say something, by their names."""
        values = self.__dict__
        return {name: values[name] for name in self.model_fields_set if values[name] is not None}


def command_of(fields: Mapping[str, Any], user_id: UUID, portfolio_id: UUID) -> RecordTransaction:
    """The command of the fields of a request; InvalidInput if one is missing, or does not belong to its type."""
    said = dict(fields)
    kind = said.pop("type")
    if kind is TxnType.REVERSAL:
        raise InvalidInput("type", "is made by POST .../transactions/{seq}/reversal")
    _refuse_misfits(kind, _DEPENDENT.intersection(said))
    for name in _CHARGES:
        if name in said:
            said[name] = said[name] or ZERO
    return RecordTransaction(user_id, portfolio_id, kind, **_in_major_units(said))


@lru_cache(maxsize=1_024)
def _refuse_misfits(kind: TxnType, given: frozenset[str]) -> None:
    """Refuse a transaction that lacks one of its facts, has another type's, or says one in two ways or in none."""
    for name in sorted(_NEEDED[kind] - given):
        raise InvalidInput(name, f"is required for a {kind}")
    for name in sorted(given - _NEEDED[kind] - _ALLOWED[kind]):
        raise InvalidInput(name, f"does not belong to a {kind}")
    for name, other in _EITHER.get(kind, ()):
        if name not in given and other not in given:
            raise InvalidInput(name, f"or {other} is required for a {kind}")
    if kind not in TRADES and {"amount", "per_unit"} <= given:
        raise InvalidInput("amount", f"or per_unit, one of them, is required for a {kind}")
    if kind is TxnType.SPLIT and given & _OF_A_SPLIT not in _SPLIT_WAYS:
        raise InvalidInput("split_new", "and split_old, or quantity, or units_new, are required for a SPLIT")


def _in_major_units(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with what is written in hundredths, such as pence, in what they are hundredths of."""
    of_currency = _QUOTED if "fee_currency" in fields else _WITH_FEES
    for currency, names in (("currency", of_currency), ("fee_currency", ("fees",))):
        if (quoted := fields.get(currency)) is not None and quoted not in CURRENCIES:
            fields[currency], size = parse_quoted(quoted)
            fields |= {name: fields[name] * size for name in names if fields.get(name)}
    return fields


class ReversalRequest(Request):
    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "the broker cancelled it"}]})

    note: Text = Field(default="", max_length=1000)

    def command(self, user_id: UUID, portfolio_id: UUID, seq: int) -> ReverseTransaction:
        return ReverseTransaction(user_id, portfolio_id, seq, self.note)


class TransferRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ticker": "AAPL", "quantity": "5", "from_account": "MAIN", "to_account": "PENSION"}]
        }
    )

    ticker: ShortText = Field(validation_alias=TICKER)
    quantity: Number
    from_account: ShortText
    to_account: ShortText
    business_date: Day | None = None
    note: Text = Field(default="", max_length=1000)

    def command(self, user_id: UUID, portfolio_id: UUID) -> TransferUnits:
        return TransferUnits(user_id=user_id, portfolio_id=portfolio_id, **self.model_dump())


class ConversionRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"from_currency": "USD", "amount": "1100", "to_currency": "EUR", "received": "1000"}]
        }
    )

    from_currency: Currency
    amount: Number
    to_currency: Currency
    received: Number
    business_date: Day | None = None
    note: Text = Field(default="", max_length=1000)

    def command(self, user_id: UUID, portfolio_id: UUID) -> ConvertCash:
        return ConvertCash(user_id=user_id, portfolio_id=portfolio_id, **self.model_dump())


class HoldingAdded(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"account": "MAIN", "ticker": "AAPL", "quantity": "10", "cost_per_unit": "25.50"},
                {"account": "MAIN", "ticker": "KO", "quantity": "3", "cost_per_unit": "0", "is_received": True},
            ]
        }
    )

    account: ShortText
    ticker: ShortText = Field(validation_alias=TICKER)
    quantity: Number
    cost_per_unit: Number | None = Field(default=None, description="Above 0; 0 or absent only for received units.")
    is_received: bool = Field(default=False, description="Given or a bonus, not bought.")
    fx_rate: Number | None = None
    business_date: Day | None = None
    note: Text = Field(default="", max_length=1000)

    def command(self, user_id: UUID, portfolio_id: UUID) -> AddHolding:
        return AddHolding(user_id=user_id, portfolio_id=portfolio_id, **self.model_dump())


class CostMethodRequest(Request):
    model_config = ConfigDict(json_schema_extra={"examples": [{"cost_method": "FIFO"}]})

    cost_method: CostMethod

    def command(self, user_id: UUID, portfolio_id: UUID) -> ChangeCostMethod:
        return ChangeCostMethod(user_id, portfolio_id, self.cost_method)


_SAME = tuple(name for name in Transaction.__slots__ if name not in ("account_id", "txn_type"))


class TransactionView(View):
    """A ledger row. `quantity` and `cash_effect` are signed: a sale takes units and brings cash."""

    portfolio_id: UUID
    seq: int
    type: TxnType = Field(validation_alias="txn_type")
    account: str
    security_id: int | None
    ticker: str | None
    quantity: Amount | None
    price: Amount | None
    gross: Amount | None
    fees: Amount
    accrued: Amount
    cash_effect: Amount
    currency: str
    fx_rate: Amount | None
    business_date: date
    event_ts: datetime
    recorded_at: datetime
    ex_date: date | None
    split_new: Amount | None
    split_old: Amount | None
    transfer_id: UUID | None
    reverses_seq: int | None
    external_id: str | None
    cost_effect: Amount | None = Field(description="What a COST_ADJUSTMENT adds to the cost.")
    basis_share: Amount | None = Field(description="Fraction of the cost that an event takes to another security.")
    note: str

    @classmethod
    def of(cls, row: Transaction, account: str, ticker: str | None, recorded_at: datetime) -> "TransactionView":
        """The view of a row that was just recorded; the same as reading it back."""
        same = {name: getattr(row, name) for name in _SAME}
        return cls.model_construct(**same, type=row.txn_type, account=account, ticker=ticker, recorded_at=recorded_at)


class TransactionPage(View):
    items: Sequence[TransactionView]
    next_cursor: str | None


class TransactionsView(View):
    """The rows that one command recorded, in ledger order."""

    transactions: Sequence[TransactionView]


class LotView(View):
    """Units opened together; only FIFO portfolios keep lots apart."""

    quantity: Amount
    cost: Amount
    cost_base: Amount
    opened_on: date | None
    seq: int | None


class AccountHoldingView(View):
    """Units of the security in one account; cost and gains are null where their basis is not known."""

    account: str
    quantity: Amount
    reserved: Amount
    avg_cost: Amount | None
    cost_basis: Amount | None
    cost_basis_base: Amount | None
    realised: Amount | None
    realised_base: Amount | None
    realised_fx_base: Amount | None
    basis: str = Field(description="KNOWN or UNKNOWN.")
    lots: Sequence[LotView] | None


class HoldingView(View):
    """The sum of the accounts' holdings of one security. What ends in `_base` is in the portfolio's currency.

    Cost and gains are absent where a basis is not known: they would not be figures.
    """

    security_id: int
    ticker: str
    currency: str
    quantity: Amount
    avg_cost: Amount | None
    cost_basis: Amount | None
    cost_basis_base: Amount | None
    realised: Amount | None
    realised_base: Amount | None
    realised_fx_base: Amount | None
    basis: str
    accounts: Sequence[AccountHoldingView]


class HoldingsView(View):
    portfolio_id: UUID
    holdings: Sequence[HoldingView]


class BalanceView(View):
    currency: str
    balance: Amount
    reserved: Amount = Field(description="Set aside for open orders.")
    available: Amount


class CashView(View):
    portfolio_id: UUID
    balances: Sequence[BalanceView]
