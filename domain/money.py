"""Exact decimals: how every quantity, price and amount of money is parsed and rounded.

Quantities, prices and rates have 18 digits, 8 after the point; money has 28, 8 after the point. A product or
quotient of money is rounded at once by `money`, half up (away from zero), as PostgreSQL and DuckDB round. What moves as
cash has its currency's digits: `payable`.
"""

from decimal import ROUND_HALF_UP, Context, Decimal

from domain.currencies import smallest_unit
from domain.errors import InvalidNumber
from domain.limits import MONEY_BELOW, MOST_MONEY, MOST_PRICE, MOST_RATE, UNITS_BELOW, OutOfRange, refuse_beyond

ZERO = Decimal(0)
SCALE = Decimal("0.00000001")
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def money(value: Decimal) -> Decimal:
    """`value` rounded half up to 8 places; the one place where Python rounds money."""
    return _EXACT.quantize(value, SCALE)


def product(left: Decimal, right: Decimal) -> Decimal:
    """left x right, rounded once as money."""
    return money(_EXACT.multiply(left, right))


def share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """total x part / whole, multiplied before it is divided and rounded once as money."""
    return money(_EXACT.divide(_EXACT.multiply(total, part), whole))


def payable(value: Decimal, currency: str) -> Decimal:
    """`value` rounded half up to what can be paid in `currency`; the one place where an amount becomes cash."""
    return _EXACT.quantize(value, smallest_unit(currency))


def rounded_up(value: Decimal, currency: str) -> Decimal:
    """The least that can be paid in `currency` and is not less than `value`."""
    nearest = payable(value, currency)
    return nearest if nearest >= value else nearest + smallest_unit(currency)


def is_payable(value: Decimal, currency: str) -> bool:
    return payable(value, currency) == value


def parse_payable(value: Decimal, currency: str, name: str = "amount") -> Decimal:
    """`value` if it is an amount that somebody may pay in `currency`; otherwise InvalidNumber or OutOfRange."""
    parse_amount(value, name)
    if not is_payable(value, currency):
        raise InvalidNumber(
            name, value, f"has more decimals than {currency} has; its least is {smallest_unit(currency)}"
        )
    return value


def parse_quantity(value: Decimal, name: str) -> Decimal:
    """`value` if it fits numeric(18,8) exactly; otherwise InvalidNumber says what does not fit."""
    return _fitted(value, name, UNITS_BELOW)


def parse_money(value: Decimal, name: str) -> Decimal:
    """`value` if it fits numeric(28,8) exactly; otherwise InvalidNumber says what does not fit."""
    return _fitted(value, name, MONEY_BELOW)


def parse_amount(value: Decimal, name: str) -> Decimal:
    """`value` if it is money that somebody may state; otherwise InvalidNumber or OutOfRange."""
    return _within(parse_money(value, name), name, MOST_MONEY)


def parse_price(value: Decimal, name: str = "price") -> Decimal:
    """`value` if it is a price that somebody may state; otherwise InvalidNumber or OutOfRange."""
    return _within(parse_quantity(value, name), name, MOST_PRICE)


def parse_rate(value: Decimal, name: str = "fx_rate") -> Decimal:
    """`value` if it is an exchange rate that somebody may state; otherwise InvalidNumber or OutOfRange."""
    return _within(parse_quantity(value, name), name, MOST_RATE)


def refuse_negative(name: str, value: Decimal) -> None:
    """InvalidNumber if `value` is below 0, or does not fit numeric(18,8) exactly."""
    if parse_quantity(value, name) < 0:
        raise InvalidNumber(name, value, "must not be negative")


def _within(value: Decimal, name: str, most: Decimal) -> Decimal:
    refuse_beyond(name, value, most)
    return value


def _fitted(value: Decimal, name: str, limit: Decimal) -> Decimal:
    if not value.is_finite():
        raise InvalidNumber(name, value, "is not a finite number")
    if abs(value) >= limit:
        raise OutOfRange(name, value, limit - SCALE)
    fitted = money(value)
    if fitted != value:
        raise InvalidNumber(name, value, "has more than 8 decimals")
    return fitted
