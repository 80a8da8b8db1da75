"""A row that is read, with its security found, as a request to the ledger: amounts, rates and prices compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import ValidationError

from domain.currencies import CURRENCIES, MINOR_UNITS, parse_quoted
from domain.errors import plain
from domain.ledger import TxnType
from domain.money import money, payable
from domain.securities import AssetType, Security
from domain.stated_amounts import rounding_of
from oltp_api.imports.canonical import Reader
from oltp_api.imports.drafts import BASE, BOUGHT_OR_SOLD, INCOME, LEAVES, CellRefused, Draft
from oltp_api.imports.forms import SHARED_SIGNS
from oltp_api.imports.rates import Rates
from oltp_api.imports.trade_amounts import (
    compare_gross,
    compare_whole,
    imply_fees,
    in_per_cent,
    note_inexact,
    refuse_hundredfold,
    with_fees,
)
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.web.fields import Currency, Number, is_plain_number, is_plain_text

_CASH = (TxnType.DEPOSIT, TxnType.INTEREST, *LEAVES)
_HAVE_UNITS = (*BOUGHT_OR_SOLD, TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT, TxnType.CASH_IN_LIEU)
_FIELDS = frozenset({
    "quantity", "price", "fees", "amount", "fx_rate", "accrued", "withheld", "split_new", "split_old", "units_new",
    "units_old", "basis_share", "fee_fx_rate",
})  # fmt: skip
_TEXTS = frozenset({"account", "note", "currency", "fee_currency", "into"})
_CURRENCIES = ("currency", "fee_currency", "settled_currency")
_QUOTED = CURRENCIES | MINOR_UNITS.keys()
_HUNDREDTH = Decimal("0.01")
_ONE, _HUNDRED = Decimal(1), Decimal(100)


class ExchangeRequest(TransactionRequest):
    """Cash of a file that becomes cash of another currency: no flow."""

    received: Number
    received_currency: Currency


class SettledRequest(TransactionRequest):
    """A trade of a file in its security's currency, which the broker paid in cash of another."""

    settled: Number
    settled_currency: Currency


@dataclass(frozen=True, slots=True)
class Rules:
    """Decisions about every row, by the file and its portfolio."""

    reader: Reader
    rates: Rates
    price_unit: Literal["major", "minor"] | None = None
    income: Literal["net", "gross"] | None = None

    def fields(self, draft: Draft, security: Security | None) -> Mapping[str, Any]:
        """The fields of the request that a row makes. Its amount is the record; what does not come to it is refused."""
        kind, numbers, texts = draft.kind, draft.numbers, draft.texts
        assert kind is not None
        _rounded(draft)
        in_per_cent(self.reader, draft, security)
        priced_in = texts.get("price_currency")
        if texts.get("currency") == BASE:
            texts["currency"] = self.rates.base_currency
        elif texts.get("currency") in SHARED_SIGNS:
            self._tell_apart(draft, security)
        worth = numbers.pop("base_amount", None), numbers.get("fx_rate")
        is_settled = self.rates.in_one_currency(draft, security)
        currency = texts.get("currency") or (security.currency if security else self.rates.base_currency)
        draft.currency = currency = parse_quoted(currency)[0]
        if "received" in numbers:
            self.rates.compare_exchange(draft)
        self.rates.at_a_rate(draft, currency, is_settled)
        if kind in BOUGHT_OR_SOLD:
            self._traded(draft, security, currency)
            self.rates.compare_worth(draft, *worth)
        elif kind in INCOME:
            self._paid(draft, currency)
        elif kind in (TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT):
            numbers.pop("amount", None)
            self.rates.compare_worth(draft, *worth)
        else:
            compare_whole(self.reader, draft)
        usual = (currency, priced_in) if currency != self.rates.base_currency else (security and security.currency,)
        if security is not None and kind not in BOUGHT_OR_SOLD and security.currency not in usual:
            draft.flag(f"it is in {currency}, and {security.ticker} in {security.currency}")
        elif kind in _CASH and numbers.get("amount") is None:
            self._per_unit(draft)
        if self.reader.profile.cash == "unrounded":
            _round_to_payable(draft, currency)
        fields: dict[str, object] = {name: value for name, value in numbers.items() if name in _FIELDS}
        fields = self._belonging(draft, fields, currency)
        for name in _TEXTS & texts.keys():
            fields[name] = texts[name]
        if not fields.get("fees"):
            fields.pop("fee_currency", None)
        fields["event_ts" if draft.event_ts else "business_date"] = draft.event_ts or draft.day
        if draft.ex_date is not None and kind in INCOME:
            fields["ex_date"] = draft.ex_date
        if draft.naming and draft.takes_security:
            fields["ticker"] = f"id:{security.security_id}" if security else draft.naming.ticker or draft.naming.isin
        fields["note"] = str(fields.get("note", ""))[:1000]
        model = TransactionRequest
        if "settled" in numbers:
            model = SettledRequest
            fields |= {"settled": numbers["settled"], "settled_currency": texts["settled_currency"]}
        elif "received" in numbers:
            model = ExchangeRequest
            fields |= {"received": numbers["received"], "received_currency": texts.get("received_currency")}
        if model is not ExchangeRequest and is_sound(fields):
            fields["type"] = kind
            return fields
        try:
            return model.model_validate({**fields, "type": kind}).fields()
        except ValidationError as error:
            first = error.errors()[0]
            raise CellRefused(draft.line, self.reader.header(str(first["loc"][0])), first["msg"]) from error

    def _tell_apart(self, draft: Draft, security: Security | None) -> None:
        """The currency that a sign such as $ stands for: the security's, or else the portfolio's, if that has it."""
        sign = draft.texts["currency"]
        meant = [security.currency] if security is not None else []
        meant += [self.rates.base_currency]
        found = next((each for each in meant if each in SHARED_SIGNS[sign]), None)
        if found is None:
            why = f"is in {sign}, and neither the security nor the portfolio is; a column has to name the currency"
            raise CellRefused(draft.line, self.reader.header("amount"), why, "currency_unclear")
        draft.texts["currency"] = found

    def _belonging(self, draft: Draft, fields: dict[str, object], currency: str) -> dict[str, object]:
        """The numbers without those that brokers fill in though the type has none, such as a quantity of 0."""
        kind = draft.kind
        if kind not in _HAVE_UNITS:
            for name in ("quantity", "price", "accrued") if kind is not TxnType.SPLIT else ("price", "accrued"):
                fields.pop(name, None)
        if kind not in BOUGHT_OR_SOLD:
            fees = fields.pop("fees", None)
            if fees:
                why = f"says {plain(draft.numbers['fees'])} {currency}, in a {kind}, which has no fees"
                raise CellRefused(draft.line, self.reader.header("fees"), why, "uncounted")
        if draft.numbers.get("price_fees"):
            why = f"says {plain(draft.numbers['price_fees'])}, which is counted nowhere"
            raise CellRefused(draft.line, self.reader.header("price_fees"), why, "uncounted")
        if kind not in INCOME:
            withheld = fields.pop("withheld", None)
            if withheld:
                why = f"says {plain(draft.numbers['withheld'])} {currency}, in a {kind}, of which none is withheld"
                raise CellRefused(draft.line, self.reader.header("withheld"), why, "uncounted")
        if kind is TxnType.TRANSFER_OUT:
            fields.pop("price", None)
        if not fields.get("amount"):
            fields.pop("amount", None)
        if kind not in BOUGHT_OR_SOLD or not fields.get("accrued"):
            fields.pop("accrued", None)
        if not fields.get("withheld"):
            fields.pop("withheld", None)
        if fields.get("price") == 0 and kind in _HAVE_UNITS and fields.get("amount"):
            del fields["price"]
        return fields

    def _traded(self, draft: Draft, security: Security | None, currency: str) -> None:
        """The price in whole units of its currency, and the cash that moved: the amount, with the fees."""
        numbers = draft.numbers
        price, quantity, amount = numbers.get("price"), numbers.get("quantity"), numbers.get("amount")
        factor = security.price_factor if security else _ONE
        if price is not None and (self.price_unit or self.reader.profile.price_unit) == "minor":
            numbers["price"] = price = money(price * _HUNDREDTH)
        if numbers.get("accrued") and security is not None and security.asset_type is not AssetType.BOND:
            draft.flag(f"it has accrued interest, and {security.ticker} is no bond")
        implies = self.reader.profile.fees in ("implied", "implied_small") or (
            self.reader.profile.fees == "implied_in_sales" and draft.kind is TxnType.SELL
        )
        if implies and amount and quantity and price:
            imply_fees(draft, quantity * price * factor, currency, self.reader.profile.fees == "implied_small")
        compare_gross(self.reader, draft, currency, factor)
        if amount and quantity and price:
            worth = quantity * price * factor
            numbers["amount"] = moved = with_fees(draft, currency, factor, worth)
            if factor == 1:
                refuse_hundredfold(self.reader, draft, currency, moved, worth)
            note_inexact(draft, currency, worth)

    def _per_unit(self, draft: Draft) -> None:
        """The amount as units x amount per unit, of a row that says no other."""
        quantity, price = draft.numbers.get("quantity"), draft.numbers.get("price")
        if quantity and price:
            draft.numbers["amount"] = amount = money(quantity * price)
            if amount != quantity * price:
                draft.note("its amount is units x amount per unit, rounded")

    def _flag_per_unit(self, draft: Draft, gross: Decimal | None, currency: str) -> None:
        """Flag income that is not units x amount per unit, neither before what was withheld of it nor after."""
        numbers = draft.numbers
        quantity, price, amount = numbers.get("quantity"), numbers.get("price"), numbers.get("amount")
        if not quantity or not price or not amount:
            return
        expected, withheld = abs(quantity * price), numbers.get("withheld", Decimal(0))
        of_any_size = _HUNDRED * max(abs(amount), expected)  # for a share per unit is rounded whatever it comes to
        near = rounding_of(abs(quantity), price, currency, of_any_size)
        paid = (abs(amount), abs(amount) + withheld, abs(amount) - withheld, gross or amount)
        if all(abs(each - expected) > near for each in paid):
            draft.flag(f"its amount {plain(amount)} is not units x amount per unit, {plain(money(expected))}")

    def _paid(self, draft: Draft, currency: str) -> None:
        """Income before the tax that was withheld of it; units x price per unit where there is no amount."""
        numbers = draft.numbers
        compare_whole(self.reader, draft)
        gross, withheld = numbers.pop("gross", None), numbers.get("withheld")
        quantity, price = numbers.get("quantity"), numbers.get("price")
        self._flag_per_unit(draft, gross, currency)
        income: Literal["net", "gross"] | None = "gross"
        if numbers.get("amount") is None and gross is not None:
            numbers["amount"] = gross
        elif numbers.get("amount") is None and quantity and price:
            self._per_unit(draft)
        else:
            income = self.income or self.reader.profile.income
        if numbers.get("amount") is None or not withheld:
            return
        if draft.texts.get("withheld_currency", currency) != currency:
            told = f"{plain(withheld)} {draft.texts['withheld_currency']}"
            del numbers["withheld"]
            if income != "net":
                why = f"says {told}, which is not the income's currency; send it as a TAX of its own"
                raise CellRefused(draft.line, self.reader.header("withheld"), why, "uncounted")
            draft.note(f"{told} were withheld before its amount, which is net of them")
            return
        if income is None:
            why = f"says {plain(withheld)}, and not whether the amount is before or after it; say income=net or gross"
            raise CellRefused(draft.line, self.reader.header("withheld"), why, "income_net_or_gross")
        if income == "net":
            if gross is not None and abs(gross - numbers["amount"] - withheld) > _HUNDREDTH / 2:
                why = f"{plain(gross)} is not the amount and what was withheld, {plain(numbers['amount'] + withheld)}"
                raise CellRefused(draft.line, self.reader.header("gross"), why, "amount_differs")
            numbers["amount"] += withheld


def is_sound(fields: Mapping[str, Any]) -> bool:
    """Say whether a validated request would have the fields as they are; of what is odd, validation has the last
    word."""
    for name, value in fields.items():
        kind = type(value)
        if kind is Decimal:
            is_as_it_is = is_plain_number(value)
        elif kind is str:
            is_as_it_is = value in _QUOTED if name in _CURRENCIES else is_plain_text(value)
        else:
            is_as_it_is = kind is date
        if not is_as_it_is:
            return False
    return True


def _rounded(draft: Draft) -> None:
    """Round a price or quantity of more than 8 decimals half up, and say so."""
    for name in ("quantity", "price", "fx_rate"):
        value = draft.numbers.get(name)
        if value is not None and (fitted := money(value)) != value:
            draft.numbers[name] = fitted
            draft.note(f"{name} {plain(value)} was rounded to {plain(fitted)}")


def _round_to_payable(draft: Draft, currency: str) -> None:
    """Round cash of more decimals than can be paid, as some brokers book it, and say so."""
    units = {"amount": currency, "withheld": currency, "received": draft.texts.get("received_currency", "")}
    for name, unit in units.items():
        value = draft.numbers.get(name)
        if value is not None and unit in CURRENCIES and (paid := payable(value, unit)) != value and paid:
            draft.numbers[name] = paid
            draft.note(f"{name} {plain(value)} {unit} was rounded to {plain(paid)}")
