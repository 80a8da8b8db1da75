"""A row that is read, with its security found, as a request to the ledger: amounts, rates and prices compared."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import ValidationError

from domain.currencies import CURRENCIES, parse_quoted
from domain.errors import plain
from domain.ledger import TxnType
from domain.money import money, payable, share
from domain.securities import AssetType, Security
from domain.stated_amounts import rounding_of
from oltp_api.imports.canonical import BASE, CellRefused, Draft, Reader
from oltp_api.imports.trade_amounts import (
    compare_gross,
    compare_whole,
    imply_fees,
    note_inexact,
    refuse_hundredfold,
    with_fees,
)
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.web.fields import Currency, Number

_TRADES = (TxnType.BUY, TxnType.SELL)
_INCOME = (TxnType.DIVIDEND, TxnType.COUPON, TxnType.RETURN_OF_CAPITAL)
_CASH = (TxnType.DEPOSIT, TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX, TxnType.INTEREST)
_HAVE_UNITS = (*_TRADES, TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT, TxnType.CASH_IN_LIEU)
_FIELDS = frozenset({
    "quantity", "price", "fees", "amount", "fx_rate", "accrued", "withheld", "split_new", "split_old", "units_new",
    "units_old", "basis_share",
})  # fmt: skip
_HUNDREDTH = Decimal("0.01")
_ONE = Decimal(1)
_ALL_DIGITS = Decimal("1e-15")
_NEAR_RATE = 1.05
_NEAR_EXCHANGE = 1.01
"""How far two amounts may be from the rate between them: a fee may be in it."""


class ExchangeRequest(TransactionRequest):
    """Cash of a file that becomes cash of another currency: no flow."""

    received: Number
    received_currency: Currency


KnownRate = Callable[[str, str, date], float | None]
"""One unit of a currency in another on a day, by the last release; None where none is known."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Decisions about every row, by the file and its portfolio."""

    reader: Reader
    base_currency: str
    known_rate: KnownRate
    price_unit: Literal["major", "minor"] | None = None
    income: Literal["net", "gross"] | None = None
    rate: Literal["currency", "base"] | None = None

    def request(self, draft: Draft, security: Security | None) -> TransactionRequest:
        """The request that a row makes. Its amount is the record; what does not come to it is refused."""
        kind, numbers, texts = draft.kind, draft.numbers, draft.texts
        assert kind is not None
        _rounded(draft)
        priced_in = texts.get("price_currency")
        if texts.get("currency") == BASE:
            texts["currency"] = self.base_currency
        worth = numbers.pop("base_amount", None), numbers.get("fx_rate")
        is_settled = self._in_one_currency(draft, security)
        currency = texts.get("currency") or (security.currency if security else self.base_currency)
        draft.currency = currency = parse_quoted(currency)[0]
        if "received" in numbers:
            self._compare_exchange(draft)
        self._at_a_rate(draft, currency, is_settled)
        if kind in _TRADES:
            self._traded(draft, security, currency)
            self._compare_worth(draft, *worth)
        elif kind in _INCOME:
            self._paid(draft, currency)
        elif kind in (TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT):
            numbers.pop("amount", None)
            self._compare_worth(draft, *worth)
        else:
            compare_whole(self.reader, draft)
        if security is not None and kind not in _TRADES and security.currency not in (currency, priced_in):
            draft.flags.append(f"it is in {currency}, and {security.ticker} in {security.currency}")
        elif kind in _CASH and numbers.get("amount") is None:
            self._per_unit(draft)
        if self.reader.profile.cash == "unrounded":
            _round_to_payable(draft, currency)
        fields: dict[str, object] = {name: value for name, value in numbers.items() if name in _FIELDS}
        fields = self._belonging(draft, fields, currency)
        fields |= {
            name: texts[name] for name in ("account", "note", "currency", "fee_currency", "into") if name in texts
        }
        if not fields.get("fees"):
            fields.pop("fee_currency", None)
        fields["event_ts" if draft.event_ts else "business_date"] = draft.event_ts or draft.day
        if draft.ex_date is not None and kind in _INCOME:
            fields["ex_date"] = draft.ex_date
        if draft.naming and draft.takes_security:
            fields["ticker"] = f"id:{security.security_id}" if security else draft.naming.ticker or draft.naming.isin
        fields["note"] = str(fields.get("note", ""))[:1000]
        try:
            if "received" in numbers:
                exchange = {"received": numbers["received"], "received_currency": texts.get("received_currency")}
                return ExchangeRequest.model_validate({**fields, **exchange, "type": kind})
            return TransactionRequest.model_validate({**fields, "type": kind})
        except ValidationError as error:
            first = error.errors()[0]
            raise CellRefused(draft.line, self.reader.header(str(first["loc"][0])), first["msg"]) from error

    def _belonging(self, draft: Draft, fields: dict[str, object], currency: str) -> dict[str, object]:
        """The numbers without those that brokers fill in though the type has none, such as a quantity of 0."""
        kind = draft.kind
        if kind not in _HAVE_UNITS:
            for name in ("quantity", "price", "accrued") if kind is not TxnType.SPLIT else ("price", "accrued"):
                fields.pop(name, None)
        if kind not in _TRADES:
            fees = fields.pop("fees", None)
            if fees:
                why = f"says {plain(draft.numbers['fees'])} {currency}, in a {kind}, which has no fees"
                raise CellRefused(draft.line, self.reader.header("fees"), why, "uncounted")
        if draft.numbers.get("price_fees"):
            why = f"says {plain(draft.numbers['price_fees'])}, which is counted nowhere"
            raise CellRefused(draft.line, self.reader.header("price_fees"), why, "uncounted")
        if kind not in _INCOME:
            withheld = fields.pop("withheld", None)
            if withheld:
                why = f"says {plain(draft.numbers['withheld'])} {currency}, in a {kind}, of which none is withheld"
                raise CellRefused(draft.line, self.reader.header("withheld"), why, "uncounted")
        if kind is TxnType.TRANSFER_OUT:
            fields.pop("price", None)
        if not fields.get("amount"):
            fields.pop("amount", None)
        if kind not in _TRADES or not fields.get("accrued"):
            fields.pop("accrued", None)
        if not fields.get("withheld"):
            fields.pop("withheld", None)
        for name in ("price", "quantity"):
            if fields.get(name) == 0 and kind in _HAVE_UNITS and name == "price" and fields.get("amount"):
                del fields[name]
        return fields

    def _in_one_currency(self, draft: Draft, security: Security | None) -> bool:
        """Turn a trade whose price and amount are in two currencies into one of the security's; say whether that has
        settled what its rate is of."""
        numbers, texts = draft.numbers, draft.texts
        price_currency, currency = texts.pop("price_currency", None), texts.get("currency")
        if price_currency is None or draft.kind not in (*_TRADES, *_INCOME):
            if price_currency is not None:
                texts.setdefault("currency", price_currency)
            return False
        unit, size = parse_quoted(price_currency)
        if currency is None or unit == parse_quoted(currency)[0]:
            if numbers.get("price_fees"):
                numbers["fees"] = numbers.get("fees", Decimal(0)) + numbers.pop("price_fees") * size
            texts["currency"] = unit if currency is None else parse_quoted(currency)[0]
            if "price" in numbers:
                numbers["price"] *= size
            return False
        if draft.kind in _INCOME:
            numbers.pop("price", None)
            return False
        self._compare_at_rate(draft, unit, parse_quoted(currency)[0], size)
        if security is not None and security.currency == unit:
            texts["currency"] = unit
            numbers.pop("amount", None)
            if texts.get("fee_currency") is None and numbers.get("fees"):
                texts["fee_currency"] = currency
            numbers["price"] = numbers.get("price", _ONE) * size
        else:
            numbers.pop("price", None)
            numbers.pop("fx_rate", None)
            draft.notes.append(f"its price is in {unit}; the amount in {currency} is the record, and implies the price")
        return True

    def _compare_at_rate(self, draft: Draft, unit: str, currency: str, size: Decimal) -> None:
        """Refuse a trade of which the amount in another currency is not quantity x price x rate, with the figures."""
        numbers = draft.numbers
        quantity, price, rate, amount = (numbers.get(name) for name in ("quantity", "price", "fx_rate", "amount"))
        if amount is None or quantity is None or price is None:
            return
        header = self.reader.header("amount")
        if not rate:
            self._imply_rate(draft, unit, currency, size)
            return
        fees = numbers.get("fees", Decimal(0)) if draft.texts.get("fee_currency") in (None, currency) else Decimal(0)
        priced = numbers.pop("price_fees", Decimal(0)) * size
        sign = 1 if draft.kind is TxnType.BUY else -1
        amount, worth = abs(amount), quantity * price * size
        stated = self.rate or self.reader.profile.rate
        inverse = (_ONE / rate).quantize(
            _ALL_DIGITS
        )  # so that what it leaves open is left open by the rate's own digits
        by_direction = {"currency": worth * rate, "base": worth / rate}
        charged = {"currency": fees + priced * rate, "base": fees + priced / rate}
        near = {
            name: min(abs(amount - value), abs(amount - value - sign * charged[name]))
            <= rounding_of(quantity, price * size, currency, amount, rate=rate if name == "currency" else inverse)
            + (_of_inverse(rate) * worth if name == "base" else 0)
            for name, value in by_direction.items()
        }
        if stated is None:
            stated = "base" if near["base"] and not near["currency"] else "currency"
        if near[stated]:
            if priced:
                numbers["fees"] = payable(charged[stated], currency)
                draft.notes.append(f"charges of {plain(priced)} {unit} are in its fees at the rate of the trade")
            if stated == "base":
                draft.notes.append(f"its rate {plain(rate)} is {unit} for one {currency}")
                numbers["fx_rate"] = share(_ONE, _ONE, rate)
            return
        expected = by_direction[stated]
        why = f"{plain(amount)} {currency} is not quantity x price x rate, {plain(money(expected))}"
        if near["base" if stated == "currency" else "currency"]:
            why += f"; the rate {plain(rate)} is the other way round, not {currency} for one of the price's currency"
        raise CellRefused(draft.line, header, why, "amount_differs")

    def _compare_exchange(self, draft: Draft) -> None:
        """Refuse an exchange of cash that did not happen at the rate that is written beside it, either way round."""
        numbers = draft.numbers
        rate, amount, received = numbers.pop("fx_rate", None), numbers.get("amount"), numbers["received"]
        if not rate or not amount or not received:
            return
        implied = float(amount / received / rate), float(received / amount / rate)
        if not any(1 / _NEAR_EXCHANGE < each < _NEAR_EXCHANGE for each in implied):
            why = f"{plain(amount)} and {plain(received)} are not what the rate {plain(rate)} makes of each other"
            raise CellRefused(draft.line, self.reader.header("amount"), why, "amount_differs")

    def _imply_rate(self, draft: Draft, unit: str, currency: str, size: Decimal) -> None:
        """Take the rate that the amount implies, of a broker that never states one; refuse one that is far off the
        day's."""
        numbers, header = draft.numbers, self.reader.header("amount")
        if self.reader.profile.rate != "implied":
            why = f"is in {currency}, the price is in {unit}; a rate between them is needed in a column fx rate"
            raise CellRefused(draft.line, header, why)
        assert draft.day is not None
        worth = numbers["quantity"] * numbers["price"] * size
        implied, known = share(abs(numbers["amount"]), _ONE, worth), self.known_rate(unit, currency, draft.day)
        if known is not None and not 1 / _NEAR_RATE < float(implied) / known < _NEAR_RATE:
            why = f"implies {plain(implied)} {currency} for one {unit}, which is far off the day's {known:g}"
            raise CellRefused(draft.line, header, why, "amount_differs")
        numbers["fx_rate"] = implied
        draft.notes.append(f"its amount implies {plain(implied)} {currency} for one {unit}")

    def _at_a_rate(self, draft: Draft, currency: str, is_settled: bool) -> None:
        """The rate as one unit of the row's currency in base currency, by the stated direction, or else the nearer."""
        rate = draft.numbers.get("fx_rate")
        if rate is None:
            return
        is_other = draft.texts.get("rate_currency", self.base_currency) != self.base_currency and not is_settled
        if currency == self.base_currency or not rate or is_other:
            del draft.numbers["fx_rate"]
            return
        direction = "currency" if is_settled else self.rate or self.reader.profile.rate
        if direction is None:
            direction = self._nearer(draft, rate, currency)
        if direction == "base":
            draft.numbers["fx_rate"] = turned = share(_ONE, _ONE, rate)
            shown = f"{plain(rate)} is {currency} for one {self.base_currency}; recorded is {plain(turned)}"
            draft.notes.append(f"its rate {shown}")

    def _nearer(self, draft: Draft, rate: Decimal, currency: str) -> Literal["currency", "base"]:
        assert draft.day is not None
        known = self.known_rate(currency, self.base_currency, draft.day)
        if known is None:
            why = f"{plain(rate)} could be {currency} for one {self.base_currency} or the other way round; say rate="
            raise CellRefused(draft.line, self.reader.header("fx_rate"), why, "rate_direction_unknown")
        ratio, turned = float(rate) / known, float(rate) * known
        return "base" if max(turned, 1 / turned) < max(ratio, 1 / ratio) else "currency"

    def _traded(self, draft: Draft, security: Security | None, currency: str) -> None:
        """The price in whole units of its currency, and the cash that moved: the amount, with the fees."""
        numbers = draft.numbers
        price, quantity, amount = numbers.get("price"), numbers.get("quantity"), numbers.get("amount")
        factor = security.price_factor if security else _ONE
        if price is not None and (self.price_unit or self.reader.profile.price_unit) == "minor":
            numbers["price"] = price = money(price * _HUNDREDTH)
        if numbers.get("accrued") and security is not None and security.asset_type is not AssetType.BOND:
            draft.flags.append(f"it has accrued interest, and {security.ticker} is no bond")
        implies = self.reader.profile.fees == "implied" or (
            self.reader.profile.fees == "implied_in_sales" and draft.kind is TxnType.SELL
        )
        if implies and amount and quantity and price:
            imply_fees(draft, quantity * price * factor, currency)
        compare_gross(self.reader, draft, currency, factor)
        if amount and quantity and price:
            numbers["amount"] = moved = with_fees(draft, currency, factor)
            refuse_hundredfold(self.reader, draft, currency, factor, moved)
            note_inexact(draft, currency, factor)

    def _compare_worth(self, draft: Draft, worth: Decimal | None, rate: Decimal | None) -> None:
        """Refuse a trade whose worth in base currency is not quantity x price at its rate, with its fees or without."""
        quantity, price, fees = (draft.numbers.get(name, Decimal(0)) for name in ("quantity", "price", "fees"))
        if not worth or not quantity or not price:
            return
        rate = rate or _ONE
        turned = (_ONE / rate).quantize(_ALL_DIGITS) if (self.rate or self.reader.profile.rate) == "base" else rate
        near = (
            rounding_of(quantity, price, self.base_currency, abs(worth), rate=turned)
            + _of_inverse(rate) * quantity * price
        )
        if all(abs(abs(worth) - (quantity * price + each) * turned) > near for each in (Decimal(0), fees, -fees)):
            why = f"{plain(worth)} {self.base_currency} is not quantity x price at the rate {plain(rate)}"
            raise CellRefused(draft.line, self.reader.header("base_amount"), why, "amount_differs")

    def _per_unit(self, draft: Draft) -> None:
        """The amount as units x amount per unit, of a row that says no other."""
        quantity, price = draft.numbers.get("quantity"), draft.numbers.get("price")
        if quantity and price:
            draft.numbers["amount"] = amount = money(quantity * price)
            if amount != quantity * price:
                draft.notes.append("its amount is units x amount per unit, rounded")

    def _paid(self, draft: Draft, currency: str) -> None:
        """Income before the tax that was withheld of it; units x price per unit where there is no amount."""
        numbers = draft.numbers
        compare_whole(self.reader, draft)
        gross, withheld = numbers.pop("gross", None), numbers.get("withheld")
        quantity, price = numbers.get("quantity"), numbers.get("price")
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
            draft.notes.append(f"{told} were withheld before its amount, which is net of them")
            return
        if income is None:
            why = f"says {plain(withheld)}, and not whether the amount is before or after it; say income=net or gross"
            raise CellRefused(draft.line, self.reader.header("withheld"), why, "income_net_or_gross")
        if income == "net":
            if gross is not None and abs(gross - numbers["amount"] - withheld) > _HUNDREDTH / 2:
                why = f"{plain(gross)} is not the amount and what was withheld, {plain(numbers['amount'] + withheld)}"
                raise CellRefused(draft.line, self.reader.header("gross"), why, "amount_differs")
            numbers["amount"] += withheld


def _rounded(draft: Draft) -> None:
    """Round a price or quantity of more than 8 decimals half up, and say so."""
    for name in ("quantity", "price", "fx_rate"):
        value = draft.numbers.get(name)
        if value is not None and (fitted := money(value)) != value:
            draft.numbers[name] = fitted
            draft.notes.append(f"{name} {plain(value)} was rounded to {plain(fitted)}")


def _round_to_payable(draft: Draft, currency: str) -> None:
    """Round cash of more decimals than can be paid, as some brokers book it, and say so."""
    units = {"amount": currency, "withheld": currency, "received": draft.texts.get("received_currency", "")}
    for name, unit in units.items():
        value = draft.numbers.get(name)
        if value is not None and unit in CURRENCIES and (paid := payable(value, unit)) != value and paid:
            draft.numbers[name] = paid
            draft.notes.append(f"{name} {plain(value)} {unit} was rounded to {plain(paid)}")


def _of_inverse(rate: Decimal) -> Decimal:
    """How far one over a rate may be from what the rate's own digits leave open."""
    exponent = rate.as_tuple().exponent
    half = Decimal(5).scaleb(int(exponent) - 1) if isinstance(exponent, int) and exponent < 0 else Decimal(0)
    return half / (rate * rate)
