"""Amounts that a statement gives beside quantity and price: the amount is the record, the others explain it.

A broker rounds quantity and price when it prints them, and not the cash that moved. So the product may differ from the
amount by what the digits as written leave open, and by no more: beyond that one of the numbers means something else,
such as a price in pence, and is refused with all the figures.
"""

from decimal import Decimal

from domain.currencies import smallest_unit
from domain.errors import InvalidNumber, plain

_MOST_SHARE = Decimal("0.01")
_ONE = Decimal(1)
_MOST_RATIO = 1.03


class AmountDiffers(InvalidNumber):
    """An amount that its quantity, price and fees do not come to."""

    code = "amount_differs"

    def __init__(self, amount: Decimal, expected: Decimal, tolerance: Decimal, currency: str) -> None:
        why = (
            f"{plain(amount)} {currency} is not quantity x price with fees, {plain(expected)}, "
            f"from which rounding explains at most {plain(tolerance)}"
        )
        super().__init__("amount", amount, why)
        self.facts |= {"expected": plain(expected), "tolerance": plain(tolerance)}


class InverseRate(InvalidNumber):
    """An exchange rate that is far from the released one of its day, and near the inverse of it."""

    code = "rate_is_inverse"

    def __init__(self, name: str, given: Decimal, known: float, currency: str, base_currency: str) -> None:
        super().__init__(
            name,
            given,
            f"says {plain(given)} {base_currency} for one {currency}; the central bank's of that day is {known:.8g}, "
            f"and {plain(given)} is near its inverse, {1 / known:.8g}",
        )
        self.facts |= {"known": f"{known:.8g}"}


def refuse_inverse(name: str, given: Decimal, known: float | None, currency: str, base_currency: str) -> None:
    """InverseRate if `given` is more than 3 % off `known` and nearer, as a ratio, to its inverse."""
    if known is None:
        return
    ratio, turned = float(given) / known, float(given) * known
    off, turned_off = max(ratio, 1 / ratio), max(turned, 1 / turned)
    if off > _MOST_RATIO and turned_off < off:
        raise InverseRate(name, given, known, currency, base_currency)


def half_a_digit(value: Decimal) -> Decimal:
    """Half a unit of the last decimal of `value` as written: 0.005 for 30.96, 0 without decimals."""
    exponent = value.as_tuple().exponent
    return Decimal(5).scaleb(exponent - 1) if isinstance(exponent, int) and exponent < 0 else Decimal(0)


def rounding_of(
    quantity: Decimal, price: Decimal, currency: str, amount: Decimal, factor: Decimal = _ONE, rate: Decimal = _ONE
) -> Decimal:
    """How far `amount` may be from quantity x price x rate by their digits alone; never more than 1 % of it.

    `factor` is 0.01 for a price in per cent of par; `rate` is what lies between the price's currency and the amount's.
    Source: RULEBOOK 3.
    """
    by_digits = (
        half_a_digit(quantity) * price * factor * rate
        + half_a_digit(price) * quantity * factor * rate
        + half_a_digit(rate) * quantity * price * factor
        + smallest_unit(currency) / 2
    )
    return min(by_digits, abs(amount) * _MOST_SHARE)


def refuse_other(
    amount: Decimal,
    expected: Decimal,
    quantity: Decimal,
    price: Decimal,
    currency: str,
    factor: Decimal = _ONE,
) -> None:
    """AmountDiffers unless rounding explains how far `amount` is from `expected`, quantity x price with fees."""
    if amount == expected:
        return
    tolerance = rounding_of(quantity, price, currency, amount, factor)
    if abs(amount - expected) > tolerance:
        raise AmountDiffers(amount, expected, tolerance, currency)
