"""Exact decimals: how every quantity, price and amount of money is parsed and rounded.

Quantities, prices and rates have 18 digits, 8 after the point; money has 28, 8 after the point. A product or
quotient of money is rounded at once by `money`, half up (away from zero), as PostgreSQL and DuckDB round.
"""

from decimal import ROUND_HALF_UP, Context, Decimal

from domain.errors import InvalidNumber

ZERO = Decimal(0)
SCALE = Decimal("0.00000001")
_MAX_QUANTITY = Decimal(10) ** 10
_MAX_MONEY = Decimal(10) ** 20
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def money(value: Decimal) -> Decimal:
    """`value` rounded half up to 8 places; the one place where Python rounds money."""
    return value.quantize(SCALE, rounding=ROUND_HALF_UP, context=_EXACT)


def product(left: Decimal, right: Decimal) -> Decimal:
    """left x right, rounded once as money."""
    return money(_EXACT.multiply(left, right))


def share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """total x part / whole, multiplied before it is divided and rounded once as money."""
    return money(_EXACT.divide(_EXACT.multiply(total, part), whole))


def parse_quantity(value: Decimal, name: str) -> Decimal:
    """`value` if it fits numeric(18,8) exactly; otherwise InvalidNumber says what does not fit."""
    return _fitted(value, name, _MAX_QUANTITY)


def parse_money(value: Decimal, name: str) -> Decimal:
    """`value` if it fits numeric(28,8) exactly; otherwise InvalidNumber says what does not fit."""
    return _fitted(value, name, _MAX_MONEY)


def _fitted(value: Decimal, name: str, limit: Decimal) -> Decimal:
    if not value.is_finite():
        raise InvalidNumber(name, value, "is not a finite number")
    if abs(value) >= limit:
        raise InvalidNumber(name, value, f"is not below {limit:,}")
    fitted = money(value)
    if fitted != value:
        raise InvalidNumber(name, value, "has more than 8 decimals")
    return fitted
