"""Bonds with a fixed coupon: their coupon dates, what has accrued, and what they have yet to pay.

Here: the terms and the cash flows. Not here: what these are worth (`bond_prices`, `bond_values`), or business days:
every payment is on its own date. All amounts are per 100 of face.

The schedule goes backwards from maturity in regular periods. A first coupon that is short or long is paid for the part
of those periods since the issue; the dates between are not paid, but time is still counted in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Days, Float64, Int64
from domain.analytics.fixed_income.day_counts import (
    DayCount,
    accrual_years,
    day_plus_months,
    days_between,
    days_of,
    is_month_end,
    plus_months,
)

REDEMPTION = 100
_FREQUENCIES = (0, 1, 2, 4, 12)
_PERIODS_OF_A_ZERO = 2  # a bond without coupons compounds as the coupon bonds it is compared with
_AMOUNT_PLACES = Decimal("1e-12")


TERMS = ("maturity_date", "coupon_rate_pct", "day_count", "coupon_frequency", "issue_date", "first_coupon_date")
"""Facts of a bond, by the names that they are registered under, which decide what it pays and when."""


class ImpossibleTerms(ValueError):
    """Terms that make no schedule: `term` is the first that is wrong, `why` what is wrong with it."""

    def __init__(self, term: str, why: str) -> None:
        super().__init__(f"{term} {why}")
        self.term, self.why = term, why


@dataclass(frozen=True, slots=True)
class CashFlow:
    """A payment of `amount` per 100 of face, to 12 places: a ledger row multiplies it by face / 100."""

    day: date
    kind: Literal["COUPON", "REDEMPTION"]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Schedule:
    """k regular periods up to maturity.

    `dates` (k + 1,) their borders, the last is maturity; `accruals` (k,) years of coupon that accrue in each;
    `first_paid` the place in `dates` of the first coupon that is paid.
    """

    dates: Days
    accruals: Float64
    first_paid: int

    def coupon_years(self) -> Float64:
        """(k + 1,) years of coupon paid on each date; the first pays all that accrued before it."""
        paid = np.concatenate([[0.0], self.accruals])
        paid[self.first_paid] += paid[: self.first_paid].sum()
        paid[: self.first_paid] = 0.0
        return paid


@dataclass(frozen=True, slots=True)
class Remaining:
    """Payments that a bond still owes after each of n days, at most k. Amounts are per 100.

    `amounts` (n, k), 0 if already paid by that day; `periods` (n, k) coupon periods until then, of which there are
    `frequency` a year; `calendar_days` (n, k) until then; `accrued` (n,); `is_last_period` (n,).
    """

    amounts: Float64
    periods: Float64
    calendar_days: Int64
    accrued: Float64
    is_last_period: NDArray[np.bool_]
    frequency: int


@dataclass(frozen=True, slots=True)
class Bond:
    """A bullet bond. `coupon_rate_pct` is per year; `coupon_frequency` 0 is a zero-coupon bond.

    Without an `issue_date` it has always accrued, or since one period before its `first_coupon_date`. By the
    end-of-month rule a bond that matures at the end of a month pays at the end of each, unless `end_of_month` is False
    or the first coupon is not at one.

    ImpossibleTerms: a frequency that is not 0, 1, 2, 4 or 12 or does not go with the rate; dates out of order; a first
    coupon that is not a whole number of periods before maturity; a day count that no bond has (ACT/ACT EXCEL).
    """

    maturity_date: date
    coupon_rate_pct: Decimal
    day_count: DayCount
    coupon_frequency: int = 0
    issue_date: date | None = None
    first_coupon_date: date | None = None
    end_of_month: bool = True

    def __post_init__(self) -> None:
        if self.coupon_frequency not in _FREQUENCIES:
            raise ImpossibleTerms("coupon_frequency", f"must be one of {_FREQUENCIES}, not {self.coupon_frequency}")
        if (self.coupon_rate_pct == 0) != (self.coupon_frequency == 0) or self.coupon_rate_pct < 0:
            why = f"of {self.coupon_rate_pct} % does not go with {self.coupon_frequency} coupons a year"
            raise ImpossibleTerms("coupon_rate_pct", why)
        if self.day_count is DayCount.ACT_ACT_EXCEL:
            raise ImpossibleTerms("day_count", "ACT/ACT EXCEL is a spreadsheet's, no bond accrues by it")
        stated = [day for day in (self.issue_date, self.first_coupon_date, self.maturity_date) if day]
        if stated != sorted(stated) or self.issue_date in stated[1:]:
            told = ", ".join(map(str, stated))
            raise ImpossibleTerms(
                "maturity_date", f"must be after the first coupon, and that after the issue, not {told}"
            )
        if self.first_coupon_date and self.first_coupon_date not in self._dates(self.first_coupon_date).tolist():
            regular = ", ".join(str(day) for day in self._dates(self.first_coupon_date)[:2])
            why = f"{self.first_coupon_date} is not among the dates backwards from maturity: {regular} ..."
            raise ImpossibleTerms("first_coupon_date", why)

    @classmethod
    def of(
        cls,
        maturity_date: date,
        coupon_rate_pct: Decimal,
        day_count: str,
        coupon_frequency: int | None = None,
        issue_date: date | None = None,
        first_coupon_date: date | None = None,
        **others: Any,
    ) -> Self:
        """From the facts that are registered of a bond, whose frequency is None without coupons."""
        kind = DayCount(day_count)
        return cls(maturity_date, coupon_rate_pct, kind, coupon_frequency or 0, issue_date, first_coupon_date, **others)

    @property
    def compounding_frequency(self) -> int:
        """Periods a year in which its yield compounds; 2 without coupons."""
        return self.coupon_frequency or _PERIODS_OF_A_ZERO

    @property
    def accrues_from(self) -> date | None:
        if self.issue_date or not self.first_coupon_date:
            return self.issue_date
        return day_plus_months(self.first_coupon_date, -self._months, self._keeps_month_end)

    def schedule(self, since: date) -> Schedule:
        """Regular periods from one that contains `since` and the issue, both if known, up to maturity."""
        begins = self.accrues_from
        dates = self._dates(min(since, begins or since))
        opens, closes = dates[:-1], dates[1:]
        starts = np.maximum(opens, days_of(begins)) if begins else opens
        years = accrual_years(self.day_count, starts, closes, opens, closes, self.compounding_frequency)
        accruals = np.where(closes > starts, years, 0.0)
        pays_from = self.first_coupon_date or begins
        after: Literal["left", "right"] = "left" if self.first_coupon_date else "right"
        first_paid = int(np.searchsorted(dates, days_of(pays_from), after)) if pays_from else 0
        return Schedule(dates, accruals, first_paid)

    def accrued(self, day: date) -> float:
        """Coupon that accrued up to `day`: 0 on a coupon date, up to the issue, without coupons, and from maturity."""
        return float(self.remaining(days_of([day])).accrued[0]) if day < self.maturity_date else 0.0

    def cash_flows(self, after: date, until: date) -> list[CashFlow]:
        """Coupons and redemption with `after` < day <= `until`, in order; a coupon before the redemption."""
        plan = self.schedule(min(after, self.maturity_date))
        flows = []
        for day, years in zip(plan.dates.tolist(), plan.coupon_years().tolist(), strict=True):
            if after < day <= until and years and self.coupon_frequency:
                flows.append(CashFlow(day, "COUPON", _amount(self.coupon_rate_pct * Decimal(years))))
        if after < self.maturity_date <= until:
            flows.append(CashFlow(self.maturity_date, "REDEMPTION", Decimal(REDEMPTION)))
        return flows

    def remaining(self, days: Days) -> Remaining:
        """Return the payments still to come after each of `days` (n,), all before maturity (else ValueError).

        A payment on the day itself is no longer to come. Before the issue nothing has accrued.

        Notes
        -----
        Periods are counted by the street convention: the part of the current one that is left, in the day count's days
        of equal months or in calendar days, and whole ones from there on.
        """
        if (days >= days_of(self.maturity_date)).any():
            raise ValueError(f"a bond that matures on {self.maturity_date} has nothing to pay after {days.max()}")
        plan = self.schedule(date.fromisoformat(str(days.min())))
        current = np.searchsorted(plan.dates, days, "right") - 1
        amounts = float(self.coupon_rate_pct) * plan.coupon_years()
        amounts[-1] += REDEMPTION
        paid = np.flatnonzero((amounts != 0) & (np.arange(len(amounts)) > current.min()))
        calendar_days = (plan.dates[paid] - days[:, None]).astype(np.int64)
        periods = (paid - current[:, None] - 1) + self._part_left(plan, days, current)[:, None]
        return Remaining(
            np.where(calendar_days > 0, amounts[paid], 0.0),
            np.maximum(periods, 0.0),
            calendar_days,
            float(self.coupon_rate_pct) * self._accrued_years(plan, days, current),
            current == len(plan.accruals) - 1,
            self.compounding_frequency,
        )

    def _part_left(self, plan: Schedule, days: Days, current: Int64) -> Float64:
        opens, closes = plan.dates[current], plan.dates[current + 1]
        if self.day_count.has_equal_months:
            over = days_between(self.day_count, opens, days) * self.compounding_frequency / 360
            return 1 - np.minimum(over, 1.0)
        return np.asarray((closes - days) / (closes - opens))

    def _accrued_years(self, plan: Schedule, days: Days, current: Int64) -> Float64:
        begins = self.accrues_from
        opens, closes = plan.dates[current], plan.dates[current + 1]
        starts = np.maximum(opens, days_of(begins)) if begins else opens
        years = accrual_years(self.day_count, starts, days, opens, closes, self.compounding_frequency)
        unpaid = np.concatenate([[0.0], plan.accruals.cumsum()])[current]
        return np.where(days > starts, years, 0.0) + np.where(current < plan.first_paid, unpaid, 0.0)

    @property
    def _months(self) -> int:
        return 12 // self.compounding_frequency

    @property
    def _keeps_month_end(self) -> bool:
        stated = [day for day in (self.first_coupon_date, self.maturity_date) if day]
        return self.end_of_month and bool(is_month_end(stated).all())

    def _dates(self, since: date) -> Days:
        """Regular dates up to maturity, from the last one that is not after `since`."""
        apart = (self.maturity_date.year - since.year) * 12 + self.maturity_date.month - since.month
        periods = apart // self._months + 2
        months = -self._months * np.arange(periods, -1, -1)
        dates = plus_months(self.maturity_date, months, self._keeps_month_end)
        return dates[np.searchsorted(dates, days_of(since), "right") - 1 :]


def bond_of(facts: Mapping[str, Any]) -> Bond:
    """The bond of facts by name, such as a row of its details; a term that is absent or None is not stated.

    ValueError if these are no terms, such as a day count that nobody knows.
    """
    return Bond.of(**{term: facts[term] for term in TERMS if facts.get(term) is not None})


def _amount(value: Decimal) -> Decimal:
    return value.quantize(_AMOUNT_PLACES)
