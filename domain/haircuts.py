"""Haircuts: how much less than its value a lender counts a security for.

A schedule is asked by security, then by (asset type, issuer class, residual maturity), then for its default. Haircuts
are fractions, stated for a holding period of 10 business days and scaled by sqrt(T/10) to the schedule's own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from domain.errors import InvalidInput, InvalidNumber
from domain.money import ZERO, product

SUPERVISORY = "SUPERVISORY"
ONE = Decimal(1)
_STATED_FOR_DAYS = 10
_LONGEST_HOLDING_DAYS = 250


class Maturity(StrEnum):
    """How long a bond still runs."""

    UP_TO_1_YEAR = "UP_TO_1_YEAR"
    UP_TO_5_YEARS = "UP_TO_5_YEARS"
    ABOVE_5_YEARS = "ABOVE_5_YEARS"


@dataclass(frozen=True, slots=True)
class SecurityTraits:
    """Facts that a schedule asks about a security; None: not known, or none of such a one. A cap sums over `issuer`."""

    security_id: int
    asset_type: str
    currency: str
    issuer: str
    issuer_class: str | None = None
    maturity_date: date | None = None

    def maturity(self, on: date) -> Maturity | None:
        if self.maturity_date is None:
            return None
        if self.maturity_date <= _years_after(on, 1):
            return Maturity.UP_TO_1_YEAR
        return Maturity.UP_TO_5_YEARS if self.maturity_date <= _years_after(on, 5) else Maturity.ABOVE_5_YEARS


@dataclass(frozen=True, slots=True)
class HaircutClass:
    """A class of securities; None stands for any."""

    asset_type: str
    issuer_class: str | None = None
    maturity: Maturity | None = None


@dataclass(frozen=True, slots=True)
class HaircutSchedule:
    """Haircuts and what may be lent at all.

    `main_index` lists the equities that count as class MAIN_INDEX. `issuer_cap` is the largest share of the book's
    lendable value, before any cap, that counts of one issuer; sovereigns are not capped.
    """

    name: str
    default: Decimal
    fx: Decimal = Decimal("0.08")
    by_security: Mapping[int, Decimal] = field(default_factory=dict)
    by_class: Mapping[HaircutClass, Decimal] = field(default_factory=dict)
    main_index: frozenset[int] = frozenset()
    holding_days: int = _STATED_FOR_DAYS
    excluded: frozenset[int] = frozenset()
    max_price_age_days: int = 7
    issuer_cap: Decimal | None = None

    def __post_init__(self) -> None:
        for haircut in (self.default, self.fx, *self.by_security.values(), *self.by_class.values()):
            if not ZERO <= haircut <= ONE:
                raise InvalidNumber("haircut", haircut, "is not between 0 and 1")
        if not 1 <= self.holding_days <= _LONGEST_HOLDING_DAYS:
            raise InvalidInput("holding_days", f"is not between 1 and {_LONGEST_HOLDING_DAYS}")
        if self.issuer_cap is not None and not ZERO < self.issuer_cap <= ONE:
            raise InvalidNumber("issuer_cap", self.issuer_cap, "is not above 0 and at most 1")

    def haircut(self, traits: SecurityTraits, on: date) -> Decimal:
        """For the security itself, else its narrowest class, else the default; scaled to the holding period."""
        return self._scaled(self._stated(traits, on))

    def fx_haircut(self, currency: str, settled_in: str) -> Decimal:
        """0 unless the security's currency is another one than the collateral is counted in."""
        return ZERO if currency == settled_in else self._scaled(self.fx)

    def with_haircuts(self, by_security: Mapping[int, Decimal]) -> Self:
        """This schedule with other haircuts for some securities; then it is not the one of that name any more."""
        if not by_security:
            return self
        own = f"{self.name} with own haircuts"
        return replace(self, name=own, by_security={**self.by_security, **by_security})

    @property
    def terms(self) -> str:
        """All that the schedule says, as canonical JSON."""
        said = {
            "name": self.name,
            "default": self.default,
            "fx": self.fx,
            "by_security": {str(key): haircut for key, haircut in self.by_security.items()},
            "by_class": {
                "/".join(part or "*" for part in (key.asset_type, key.issuer_class, key.maturity)): haircut
                for key, haircut in self.by_class.items()
            },
            "main_index": sorted(self.main_index),
            "holding_days": self.holding_days,
            "excluded": sorted(self.excluded),
            "max_price_age_days": self.max_price_age_days,
            "issuer_cap": self.issuer_cap,
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":"), default=_normal)

    def _stated(self, traits: SecurityTraits, on: date) -> Decimal:
        if traits.security_id in self.by_security:
            return self.by_security[traits.security_id]
        kind = traits.asset_type
        issuer_class = "MAIN_INDEX" if traits.security_id in self.main_index else traits.issuer_class
        narrowing = (
            HaircutClass(kind, issuer_class, traits.maturity(on)),
            HaircutClass(kind, issuer_class),
            HaircutClass(kind),
        )
        return next((self.by_class[key] for key in narrowing if key in self.by_class), self.default)

    def _scaled(self, haircut: Decimal) -> Decimal:
        if self.holding_days == _STATED_FOR_DAYS:
            return haircut
        return min(ONE, product(haircut, (Decimal(self.holding_days) / _STATED_FOR_DAYS).sqrt()))


def supervisory_schedule() -> HaircutSchedule:
    """The standard supervisory haircuts of 12 CFR 1240.39, table 1 to paragraph (b)(2)(ii)(A).

    Risk weights stand behind issuer classes: SOVEREIGN 0 %, AGENCY 20 %, MUNICIPAL 50 % (revenue obligations, since
    the class does not tell them from general ones) and CORPORATE 100 %. What it does not know is "other", 25 %; a
    fund's is the highest of what it may hold, so 25 % too.
    """
    percent_by_maturity = {
        "SOVEREIGN": ("0.5", "2", "4"),
        "AGENCY": ("1", "4", "8"),
        "MUNICIPAL": ("2", "6", "12"),
        "CORPORATE": ("4", "8", "16"),
    }
    bonds = {
        HaircutClass("BOND", issuer_class, maturity): _fraction(percent)
        for issuer_class, row in percent_by_maturity.items()
        for maturity, percent in zip(Maturity, row, strict=True)
    }
    others = {
        HaircutClass("EQUITY", "MAIN_INDEX"): _fraction("15"),
        HaircutClass("GOLD"): _fraction("15"),
        HaircutClass("EQUITY"): _fraction("25"),
        HaircutClass("CASH"): ZERO,
    }
    return HaircutSchedule(SUPERVISORY, default=_fraction("25"), by_class={**bonds, **others})


def _fraction(percent: str) -> Decimal:
    return product(Decimal(percent), Decimal("0.01"))


def _years_after(day: date, years: int) -> date:
    """The same day of a later year; 29 February becomes the 28th."""
    last = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year + years, day=last)


def _normal(value: Decimal) -> str:
    return f"{value.normalize():f}"
