"""Rates of a file: between a price and an amount, of a row to base currency, of cash that became other cash."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from domain.currencies import parse_quoted, smallest_unit
from domain.errors import plain
from domain.ledger import TxnType
from domain.money import money, payable, share
from domain.securities import Security
from domain.stated_amounts import rounding_of
from oltp_api.imports.canonical import Reader
from oltp_api.imports.drafts import BOUGHT_OR_SOLD, INCOME, CellRefused, Draft
from oltp_api.imports.trade_amounts import most_implied

KnownRate = Callable[[str, str, date], float | None]
"""One unit of a currency in another on a day, by the last release; None where none is known."""

_ONE = Decimal(1)
_NEED_RATES = (*BOUGHT_OR_SOLD, TxnType.RETURN_OF_CAPITAL, TxnType.TRANSFER_IN)
_ALL_DIGITS = Decimal("1e-15")
_NEAR_RATE = 1.05
_NEAR_EXCHANGE = 1.01
"""How far two amounts may be from the rate between them: a fee may be in it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of one file, by what is stated of them, what its profile knows, and the central bank's of the day."""

    reader: Reader
    base_currency: str
    known_rate: KnownRate
    stated: Literal["currency", "base"] | None = None

    @property
    def direction(self) -> Literal["currency", "base", "implied"] | None:
        """Say what a rate is for one unit of, where that is stated."""
        return self.stated or self.reader.profile.rate

    def in_one_currency(self, draft: Draft, security: Security | None) -> bool:
        """Turn a trade whose price and amount are in two currencies into one of the security's; say whether that has
        settled what its rate is of."""
        numbers, texts = draft.numbers, draft.texts
        price_currency, currency = texts.pop("price_currency", None), texts.get("currency")
        if price_currency is None or draft.kind not in (*BOUGHT_OR_SOLD, *INCOME):
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
        if draft.kind in INCOME:
            numbers.pop("price", None)
            return False
        paid_in = parse_quoted(currency)[0]
        exchanged = self._compare_at_rate(draft, unit, paid_in, size)
        if security is not None and security.currency == unit and "price" in numbers:
            texts["currency"] = unit
            numbers.pop("amount", None)
            if texts.get("fee_currency") is None and numbers.get("fees"):
                texts["fee_currency"] = currency
            numbers["price"] *= size
            if exchanged is not None:
                self._settle(draft, exchanged, paid_in)
        else:
            numbers.pop("price", None)
            numbers.pop("fx_rate", None)
            draft.note(f"its price is in {unit}; the amount in {currency} is the record, and implies the price")
        return True

    def _settle(self, draft: Draft, exchanged: Decimal, paid_in: str) -> None:
        """Let the trade be paid in the cash that the file says; its rate to that is none to another base currency."""
        gross = draft.numbers.pop("gross", None)
        if gross and abs(abs(gross) - exchanged) > smallest_unit(paid_in):
            why = f"{plain(gross)} is not the amount without charges, {plain(payable(exchanged, paid_in))}"
            raise CellRefused(draft.line, self.reader.header("gross"), why, "amount_differs")
        draft.numbers["settled"] = payable(exchanged, paid_in)
        draft.texts["settled_currency"] = paid_in
        if paid_in != self.base_currency:
            rate = draft.numbers.pop("fx_rate", None)
            if rate and draft.texts["currency"] == self.base_currency:
                draft.numbers["fee_fx_rate"] = share(_ONE, _ONE, rate)
        what = "exchanged for it" if draft.kind is TxnType.BUY else "what it was exchanged for"
        draft.note(f"{plain(draft.numbers['settled'])} {paid_in} of cash are {what}")

    def at_a_rate(self, draft: Draft, currency: str, is_settled: bool) -> None:
        """The rate as one unit of the row's currency in base currency, by the stated direction, or else the nearer."""
        self._charged_of_the_day(draft)
        rate = draft.numbers.pop("fx_rate", None)
        is_other = draft.texts.get("rate_currency", self.base_currency) != self.base_currency and not is_settled
        if currency == self.base_currency:
            return
        if not rate or is_other:
            self._of_the_day(draft, currency)
            return
        draft.numbers["fx_rate"] = rate
        direction = "currency" if is_settled else self.direction
        if direction is None:
            direction = self._nearer(draft, rate, currency)
        if direction == "base":
            draft.numbers["fx_rate"] = turned = share(_ONE, _ONE, rate)
            shown = f"{plain(rate)} is {currency} for one {self.base_currency}; recorded is {plain(turned)}"
            draft.note(f"its rate {shown}")

    def _of_the_day(self, draft: Draft, currency: str) -> None:
        """Where the file states no rate that a row needs, the central bank's of its day, if the last release has it."""
        if draft.kind not in _NEED_RATES or (draft.kind is TxnType.TRANSFER_IN and not draft.numbers.get("price")):
            return
        if rate := self._known(draft, currency):
            draft.numbers["fx_rate"] = rate

    def _charged_of_the_day(self, draft: Draft) -> None:
        """The same for charges in a currency of their own."""
        currency = draft.texts.get("fee_currency", self.base_currency)
        if currency == self.base_currency or not draft.numbers.get("fees") or draft.kind not in BOUGHT_OR_SOLD:
            draft.numbers.pop("fee_fx_rate", None)
            return
        is_own = currency != draft.texts.get("currency") and "fee_fx_rate" not in draft.numbers
        if is_own and (rate := self._known(draft, parse_quoted(currency)[0])):
            draft.numbers["fee_fx_rate"] = rate

    def _known(self, draft: Draft, currency: str) -> Decimal | None:
        assert draft.day is not None
        known = self.known_rate(currency, self.base_currency, draft.day)
        if not known:
            return None
        rate = money(Decimal(str(known)))
        told = f"{plain(rate)} {self.base_currency} for one {currency}"
        draft.note(f"the file has no rate; the central bank's of its day is taken, {told}")
        return rate

    def compare_exchange(self, draft: Draft) -> None:
        """Refuse an exchange of cash that did not happen at the rate that is written beside it, either way round."""
        numbers = draft.numbers
        rate, amount, received = numbers.pop("fx_rate", None), numbers.get("amount"), numbers["received"]
        if not rate or not amount or not received:
            return
        implied = float(amount / received / rate), float(received / amount / rate)
        if not any(1 / _NEAR_EXCHANGE < each < _NEAR_EXCHANGE for each in implied):
            why = f"{plain(amount)} and {plain(received)} are not what the rate {plain(rate)} makes of each other"
            raise CellRefused(draft.line, self.reader.header("amount"), why, "amount_differs")

    def compare_worth(self, draft: Draft, worth: Decimal | None, rate: Decimal | None) -> None:
        """Refuse a trade whose worth in base currency is not quantity x price at its rate, with its fees or without."""
        if not worth:
            return
        quantity, price, fees = (draft.numbers.get(name, Decimal(0)) for name in ("quantity", "price", "fees"))
        if not quantity or not price:
            return
        rate = rate or _ONE
        turned = (_ONE / rate).quantize(_ALL_DIGITS) if self.direction == "base" else rate
        near = (
            rounding_of(quantity, price, self.base_currency, abs(worth), rate=turned)
            + _of_inverse(rate) * quantity * price
        )
        if all(abs(abs(worth) - (quantity * price + each) * turned) > near for each in (Decimal(0), fees, -fees)):
            why = f"{plain(worth)} {self.base_currency} is not quantity x price at the rate {plain(rate)}"
            raise CellRefused(draft.line, self.reader.header("base_amount"), why, "amount_differs")

    def _compare_at_rate(
        self, draft: Draft, unit: str, currency: str, size: Decimal, is_of_unit: bool = False
    ) -> Decimal | None:
        """Return a trade's amount in another currency without charges; refuse one that is not quantity x price x rate,
        with the figures."""
        numbers = draft.numbers
        quantity, price, rate, amount = (numbers.get(name) for name in ("quantity", "price", "fx_rate", "amount"))
        if amount is None or quantity is None or price is None:
            return None
        header = self.reader.header("amount")
        if not rate:
            return self._imply_rate(draft, unit, currency, size)
        fees = draft.fees_in(currency)
        priced = numbers.pop("price_fees", Decimal(0)) * size
        sign = 1 if draft.kind is TxnType.BUY else -1
        amount, worth = abs(amount), quantity * price * size
        stated = self.direction
        inverse = (_ONE / rate).quantize(_ALL_DIGITS)  # what it leaves open is left open by the rate's own digits
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
        if self.reader.profile.fees == "implied" and not fees and not any(near.values()):
            gaps = {name: sign * (amount - value) for name, value in by_direction.items()}
            least = min((name for name in gaps if gaps[name] > 0), key=gaps.__getitem__, default=None)
            if least is not None and gaps[least] <= most_implied(by_direction[least]):
                stated, near[least], charged[least] = least, True, payable(gaps[least], currency)
                numbers["fees"] = charged[least]
                draft.note(f"its fees, {plain(charged[least])} {currency}, are between its amount and its worth")
        if near[stated]:
            if priced:
                numbers["fees"] = payable(charged[stated], currency)
                draft.note(f"charges of {plain(priced)} {unit} are in its fees at the rate of the trade")
            if stated == "base":
                draft.note(f"its rate {plain(rate)} is {unit} for one {currency}")
                numbers["fx_rate"] = share(_ONE, _ONE, rate)
            clean = amount - sign * charged[stated]
            return min(amount, clean, key=lambda each: abs(each - by_direction[stated]))
        if size != _ONE and not is_of_unit:  # a rate may be of what the price is written in, such as of pence
            numbers |= {"fx_rate": rate * size if stated == "base" else rate / size, "price_fees": priced / size}
            return self._compare_at_rate(draft, unit, currency, size, is_of_unit=True)
        expected = by_direction[stated]
        why = f"{plain(amount)} {currency} is not quantity x price x rate, {plain(money(expected))}"
        if near["base" if stated == "currency" else "currency"]:
            why += f"; the rate {plain(rate)} is the other way round, not {currency} for one of the price's currency"
        raise CellRefused(draft.line, header, why, "amount_differs")

    def _imply_rate(self, draft: Draft, unit: str, currency: str, size: Decimal) -> Decimal:
        """Take the rate that the amount without charges implies, and return that; refuse one that is far off the day's,
        and any where neither that is known nor the broker one that never states any."""
        numbers, header = draft.numbers, self.reader.header("amount")
        assert draft.day is not None
        known = self.known_rate(unit, currency, draft.day)
        if self.reader.profile.rate != "implied" and known is None:
            why = f"is in {currency}, the price is in {unit}; a rate between them is needed in a column fx rate"
            raise CellRefused(draft.line, header, why)
        fees = draft.fees_in(currency)
        clean = abs(numbers["amount"]) - (fees if draft.kind is TxnType.BUY else -fees)
        implied = share(clean, _ONE, numbers["quantity"] * numbers["price"] * size)
        if known is not None and not 1 / _NEAR_RATE < float(implied) / known < _NEAR_RATE:
            why = f"implies {plain(implied)} {currency} for one {unit}, which is far off the day's {known:g}"
            raise CellRefused(draft.line, header, why, "amount_differs")
        numbers["fx_rate"] = implied
        draft.note(f"its amount implies {plain(implied)} {currency} for one {unit}")
        return clean

    def _nearer(self, draft: Draft, rate: Decimal, currency: str) -> Literal["currency", "base"]:
        assert draft.day is not None
        known = self.known_rate(currency, self.base_currency, draft.day)
        if known is None:
            why = f"{plain(rate)} could be {currency} for one {self.base_currency} or the other way round; say rate="
            raise CellRefused(draft.line, self.reader.header("fx_rate"), why, "rate_direction_unknown")
        ratio, turned = float(rate) / known, float(rate) * known
        return "base" if max(turned, 1 / turned) < max(ratio, 1 / ratio) else "currency"


def _of_inverse(rate: Decimal) -> Decimal:
    """How far one over a rate may be from what the rate's own digits leave open."""
    exponent = rate.as_tuple().exponent
    half = Decimal(5).scaleb(int(exponent) - 1) if isinstance(exponent, int) and exponent < 0 else Decimal(0)
    return half / (rate * rate)
