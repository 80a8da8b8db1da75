"""Short paper: bills sold at a discount, and notes that pay all their interest at maturity.

Here: simple-interest formulas per 100 of face. Not here: how `years` are counted, which is a day count's matter
(ACT/360 for US Treasury bills). A Treasury bill is also a zero-coupon `Bond`, which is how it is valued daily.
Rates and yields are in per cent a year. Source: SIFMA Standard Securities Calculation Methods; 31 CFR 356, Appendix B.
"""

from math import sqrt
from typing import TypeVar

from domain.analytics.arrays import Float64

FloatOrFloats = TypeVar("FloatOrFloats", float, Float64)

_BILL_YEAR = 360
_LONG_BILL_DAYS = 182  # a longer one is compared with a bond that would have paid a coupon on the way


def price_from_discount(discount_pct: float, years: float, redemption: float = 100.0) -> float:
    """Return the price today of `redemption` after `years`; below 0 if the discount is more than all of it."""
    return redemption * (1 - discount_pct / 100 * years)


def discount_from_price(price: FloatOrFloats, years: FloatOrFloats, redemption: float = 100.0) -> FloatOrFloats:
    """The bank discount rate: what is saved, as a share of what comes back. ZeroDivisionError after 0 years."""
    return 100 * (1 - price / redemption) / years


def simple_yield(price: float, years: float, redemption: float = 100.0) -> float:
    """The money-market yield: what is earned, as a share of what is paid. ZeroDivisionError after 0 years."""
    return 100 * (redemption / price - 1) / years


def bond_equivalent_yield(discount_pct: float, days: int, year_days: int = 365) -> float:
    """The yield in per cent at which a US Treasury bill of `days` compares with semiannual bonds.

    Simple up to half a year. From there on with one coupon reinvested: y solves
    (1 + (days / year_days - 1/2) y) (1 + y / 2) = 100 / price. `year_days` is 366 if a 29 February is in the year that
    begins with settlement. ValueError if the discount leaves no price.
    """
    price = price_from_discount(discount_pct, days / _BILL_YEAR)
    if price <= 0:
        raise ValueError(f"a discount of {discount_pct} % over {days} days leaves a price of {price:g}")
    years = days / year_days
    if days <= _LONG_BILL_DAYS:
        return simple_yield(price, years)
    earned = 100 / price - 1
    return 100 * 2 * earned / (years + sqrt(years**2 + (2 * years - 1) * earned))


def price_with_interest_at_maturity(rate_pct: float, yield_pct: float, total: float, accrued: float) -> float:
    """Clean price of a note that pays 100 and all its interest, `rate_pct` for `total` years, at maturity.

    `accrued` of these years are over.
    """
    return (100 + rate_pct * total) / (1 + yield_pct / 100 * (total - accrued)) - rate_pct * accrued


def yield_with_interest_at_maturity(rate_pct: float, clean: float, total: float, accrued: float) -> float:
    """The simple yield in per cent that gives such a note its `clean` price. ZeroDivisionError at maturity."""
    return simple_yield(clean + rate_pct * accrued, total - accrued, 100 + rate_pct * total)
