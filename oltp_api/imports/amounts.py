"""Amounts in brokers' files: what was rounded when it was printed, and what a trade moved with its fees."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from domain.errors import plain
from domain.ledger import TxnType
from domain.money import money
from domain.stated_amounts import rounding_of

_FACTORS = (Decimal(1), Decimal("0.01"))


def rounded(fields: dict[str, object]) -> Iterator[str]:
    """Round a price or quantity of more than 8 decimals half up, and say so."""
    for name in ("quantity", "price", "fx_rate"):
        value = fields.get(name)
        if isinstance(value, Decimal) and (fitted := money(value)) != value:
            fields[name] = fitted
            yield f"{name} {plain(value)} was rounded to {plain(fitted)}"


def with_fees(kind: TxnType, fields: Mapping[str, object], amount: Decimal) -> Decimal:
    """The cash that a trade moved: the amount, with the fees if the file has it without them."""
    quantity, price, fees = (fields.get(name) for name in ("quantity", "price", "fees"))
    if not (isinstance(quantity, Decimal) and isinstance(price, Decimal) and isinstance(fees, Decimal) and fees):
        return amount
    if fields.get("fee_currency") not in (None, fields.get("currency")):
        return amount
    accrued, sign = Decimal(str(fields.get("accrued", 0))), 1 if kind is TxnType.BUY else -1
    currency = str(fields.get("currency", "USD"))
    tolerance = rounding_of(quantity, price, currency, amount)
    clean = [quantity * price * factor + accrued for factor in _FACTORS]
    if any(abs(abs(amount) - abs(each + sign * fees)) <= tolerance for each in clean):
        return amount
    if any(abs(abs(amount) - each) <= tolerance for each in clean):
        return abs(amount) + sign * fees
    return amount
