"""Bonds with coupons that are known beforehand: what has accrued, and what they have yet to pay.

Here: the terms and the cash flows. Not here: what these are worth (`bond_prices`, `bond_values`), or how periods are
counted (`schedules`). All amounts are per 100 of face; of a bond that repays in parts, of the face that is outstanding.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Days, Float64, Int64
from domain.analytics.fixed_income.day_counts import DayCount, day_plus_months, days_of, is_month_end
from domain.analytics.fixed_income.payment_calendars import (
    PaymentCalendar,
    PaymentConvention,
    business_days_before,
    moved,
)
from domain.analytics.fixed_income.schedules import Schedule, accruals_of, paid_at, regular_dates

REDEMPTION = 100
_FREQUENCIES = (0, 1, 2, 4, 12)
_PERIODS_OF_A_ZERO = 2  # a bond without coupons compounds as the coupon bonds it is compared with
_AMOUNT_PLACES = Decimal("1e-12")
_LONGEST_MOVE = timedelta(15)  # a payment goes no further than a weekend, Christmas or a decreed holiday is long
_SHORTEST_MONTH = 28
_MOST_PERIODS = 4_000  # a thousand years of quarters: there have been such bonds
_LISTS = ("coupon_steps", "amortisation", "call_schedule")

Steps = tuple[tuple[date, Decimal], ...]
"""Days in order, each with a number: what holds from it on, or is paid on it."""

Call = tuple[date, Decimal]
"""A day of a call schedule, and the price per 100 of face."""


class ImpossibleTerms(ValueError):
    """Terms that make no schedule: `term` is the first that is wrong, `why` what is wrong with it."""

    def __init__(self, term: str, why: str) -> None:
        super().__init__(f"{term} {why}")
        self.term, self.why = term, why


@dataclass(frozen=True, slots=True)
class CashFlow:
    """A payment on `day` of `amount` per 100 of face, to 12 places: a ledger row multiplies it by face / 100.

    Face is what is outstanding at the close before: of a bond that repays in parts, a REDEMPTION of 25 is of a quarter.

    It is due to whoever held at the close before `ex_date`, which is its own day where nothing is ex coupon.
    """

    day: date
    kind: Literal["COUPON", "REDEMPTION"]
    amount: Decimal
    ex_date: date


@dataclass(frozen=True, slots=True)
class Remaining:
    """Payments that a bond still owes after each of n days, at most k. Amounts are per 100.

    `amounts` (n, k), 0 if already paid by that day, or another's by the ex-coupon date; `periods` (n, k) coupon periods
    until its date in the schedule, of which there are `frequency` a year; `calendar_days` (n, k) until it is paid;
    `accrued` (n,); `is_last_period` (n,).
    """

    amounts: Float64
    periods: Float64
    calendar_days: Int64
    accrued: Float64
    is_last_period: NDArray[np.bool_]
    frequency: int


@dataclass(frozen=True, slots=True)
class Bond:
    """A bond, of one redemption or several. `coupon_rate_pct` is per year, `coupon_frequency` 0 a zero-coupon bond.

    It accrues from its `dated_date`, else its `issue_date`; without both it has always accrued, or since one period
    before its `first_coupon_date`. By the end-of-month rule a bond whose regular dates are anchored at the end of a
    month pays at the end of each, unless `end_of_month` is False or the first coupon is not at one.

    `penultimate_coupon_date` is the coupon before an odd last one. `coupon_steps` are days at which a period begins and
    the rates from there on. A payment that falls on no business day of `payment_calendar` goes where
    `payment_convention` says, and accrues nothing for it. From so many days before payment, `ex_coupon_days` of the
    calendar or `ex_coupon_business_days` of the payment calendar, the seller keeps the coupon. `amortisation` are
    coupon dates and the per cent of the face at issue that are repaid on each; the rest is at maturity.
    `call_schedule` are coupon dates on which its issuer may redeem it, and the price that it would be at.

    ImpossibleTerms: a frequency that is not 0, 1, 2, 4 or 12 or does not go with the rate; dates out of order; a first
    coupon, a step or a repayment on no date of its own; a day count that no bond has (ACT/ACT EXCEL); an ex-coupon
    period that is half as long as a coupon's; a convention without a calendar.
    """

    maturity_date: date
    coupon_rate_pct: Decimal
    day_count: DayCount
    coupon_frequency: int = 0
    issue_date: date | None = None
    first_coupon_date: date | None = None
    end_of_month: bool = True
    dated_date: date | None = None
    penultimate_coupon_date: date | None = None
    ex_coupon_days: int = 0
    ex_coupon_business_days: int = 0
    payment_convention: PaymentConvention | None = None
    payment_calendar: PaymentCalendar | None = None
    coupon_steps: Steps = ()
    amortisation: Steps = ()
    call_schedule: Steps = ()

    def __post_init__(self) -> None:
        if self.coupon_frequency not in _FREQUENCIES:
            raise ImpossibleTerms("coupon_frequency", f"must be one of {_FREQUENCIES}, not {self.coupon_frequency}")
        if (self.coupon_rate_pct == 0) != (self.coupon_frequency == 0) or self.coupon_rate_pct < 0:
            why = f"of {self.coupon_rate_pct} % does not go with {self.coupon_frequency} coupons a year"
            raise ImpossibleTerms("coupon_rate_pct", why)
        if self.day_count is DayCount.ACT_ACT_EXCEL:
            raise ImpossibleTerms("day_count", "ACT/ACT EXCEL is a spreadsheet's, no bond accrues by it")
        self._refuse_days_out_of_order()
        self._refuse_too_many_periods()
        self._refuse_irregular_days()
        self._refuse_payments_at_odds()
        self._refuse_early_repayments_at_odds()

    def _refuse_days_out_of_order(self) -> None:
        if self.dated_date and self.issue_date and self.dated_date > self.issue_date:
            raise ImpossibleTerms("dated_date", f"{self.dated_date} must not be after the issue on {self.issue_date}")
        if not self.coupon_frequency:
            others = ("first_coupon_date", "penultimate_coupon_date", "ex_coupon_days", "ex_coupon_business_days")
            for term in (*others, *_LISTS):
                if getattr(self, term):
                    raise ImpossibleTerms(term, "does not belong to a bond without a coupon")
        begins = self.issue_date or self.dated_date
        coupons = [day for day in (self.first_coupon_date, self.penultimate_coupon_date) if day]
        stated = [day for day in (begins, *coupons, self.maturity_date) if day]
        if stated != sorted(stated) or begins in stated[1:] or self.penultimate_coupon_date == self.maturity_date:
            told = ", ".join(map(str, stated))
            raise ImpossibleTerms("maturity_date", f"must be after the coupons, and these after the issue, not {told}")

    def _refuse_too_many_periods(self) -> None:
        begins = self.accrues_from or self.maturity_date
        if (self.maturity_date.year - begins.year) * self.compounding_frequency > _MOST_PERIODS:
            raise ImpossibleTerms("maturity_date", f"is more than {_MOST_PERIODS} coupon periods after the issue")

    def _refuse_irregular_days(self) -> None:
        if self.first_coupon_date and self.first_coupon_date not in self._dates(self.first_coupon_date).tolist():
            regular = ", ".join(str(day) for day in self._dates(self.first_coupon_date)[:2])
            why = (
                f"{self.first_coupon_date} is not among the regular dates {regular} ...; if the last period is odd,"
                " state its penultimate_coupon_date"
            )
            raise ImpossibleTerms("first_coupon_date", why)
        for term in _LISTS:
            days = [day for day, _ in getattr(self, term)]
            if days != sorted(set(days)) or any(number < 0 for _, number in getattr(self, term)):
                raise ImpossibleTerms(term, "must have days in order, each with a number that is not negative")
        for day, _ in self.coupon_steps:
            if not (self.accrues_from or date.min) < day < self.maturity_date or day not in self._dates(day).tolist():
                raise ImpossibleTerms("coupon_steps", f"{day} is no date on which a period of it begins")

    def _refuse_early_repayments_at_odds(self) -> None:
        for term in ("amortisation", "call_schedule"):
            days = [day for day, _ in getattr(self, term)]
            paid = self._coupon_dates(days[0]) if days else set()
            if wrong := [day for day in days if day not in paid]:
                raise ImpossibleTerms(term, f"{wrong[0]} is no date before maturity on which a coupon is paid")
        if self.amortisation and self.call_schedule:
            raise ImpossibleTerms("call_schedule", "is not priced with an amortisation")
        if sum(share for _, share in self.amortisation) >= REDEMPTION:
            raise ImpossibleTerms("amortisation", "must leave something of the face to be repaid at maturity")

    def _coupon_dates(self, since: date) -> set[date]:
        """Return the dates before maturity on which a coupon is paid."""
        plan = self.schedule(min(since, self.maturity_date) - _LONGEST_MOVE)
        return {day for day in plan.dates[:-1][plan.is_paid[:-1]].tolist() if day > (self.accrues_from or date.min)}

    def _refuse_payments_at_odds(self) -> None:
        if (self.payment_convention is None) != (self.payment_calendar is None) and not self.ex_coupon_business_days:
            raise ImpossibleTerms("payment_convention", "and payment_calendar belong together")
        if self.ex_coupon_business_days and self.payment_calendar is None:
            raise ImpossibleTerms("ex_coupon_business_days", "needs the payment_calendar that they are days of")
        if self.ex_coupon_days and self.ex_coupon_business_days:
            raise ImpossibleTerms("ex_coupon_days", "are stated beside ex_coupon_business_days, and only one can hold")
        for term in ("ex_coupon_days", "ex_coupon_business_days"):
            if not 0 <= 2 * getattr(self, term) < _SHORTEST_MONTH * self._months:
                raise ImpossibleTerms(term, "must be shorter than half a coupon period, and not below 0")

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
        begins = self.dated_date or self.issue_date
        if begins or not self.first_coupon_date:
            return begins
        return day_plus_months(self.first_coupon_date, -self._months, self._keeps_month_end)

    @property
    def paid_off_on(self) -> date:
        """The day of its last payment: maturity, or where that is moved to."""
        return self.paid_on(self.maturity_date)

    def paid_on(self, day: date) -> date:
        """The day on which what is due on `day` is paid."""
        return date.fromisoformat(str(self._pays(days_of([day]))[0]))

    def schedule(self, since: date) -> Schedule:
        """Regular periods from one that contains `since` and the begin of accrual, both if known, up to maturity."""
        begins, maturity = self.accrues_from, days_of(self.maturity_date)
        regular = self._dates(min(since, begins or since, self.maturity_date - timedelta(1)))
        opens, closes = regular[:-1], regular[1:]
        ends = np.minimum(closes, maturity)
        dates = np.concatenate([opens[:1], ends])
        starts = np.maximum(opens, days_of(begins)) if begins else opens
        faces = self._faces(dates)
        rates = self._rates_pct(opens) * (1 - faces.cumsum()[:-1] if self.amortisation else 1.0)
        accruals = rates * accruals_of(self.day_count, self.compounding_frequency, starts, ends, opens, closes)
        anchor = int(np.searchsorted(dates, days_of(self._anchor)))
        is_paid = self._is_paid(dates, anchor)
        pays = self._pays(dates)
        return Schedule(
            self.day_count,
            self.compounding_frequency,
            opens,
            closes,
            dates,
            starts,
            rates,
            accruals,
            paid_at(accruals, is_paid),
            faces,
            REDEMPTION * faces,
            pays,
            self._ex_days(pays),
            is_paid,
            anchor if self.penultimate_coupon_date else len(opens) - 1,
        )

    def accrued(self, day: date) -> float:
        """Coupon that accrued up to `day`: 0 on a coupon date, up to the issue, without coupons, and once paid off."""
        return float(self.remaining(days_of([day])).accrued[0]) if day < self.paid_off_on else 0.0

    def cash_flows(self, after: date, until: date) -> list[CashFlow]:
        """Coupons and redemption paid with `after` < day <= `until`, in order; a coupon before the redemption."""
        plan = self.schedule(after - _LONGEST_MOVE)
        flows = []
        outstanding = plan.outstanding_before()
        for place in np.flatnonzero((plan.pays > days_of(after)) & (plan.pays <= days_of(until))).tolist():
            day, face = plan.pays[place].item(), outstanding[place]
            if plan.coupons[place]:
                flows.append(CashFlow(day, "COUPON", _amount(plan.coupons[place] / face), plan.ex_days[place].item()))
            if plan.faces[place]:
                flows.append(CashFlow(day, "REDEMPTION", _amount(REDEMPTION * plan.faces[place] / face), day))
        return flows

    def remaining(self, days: Days, call: Call | None = None) -> Remaining:
        """Return the payments still to come after each of `days` (n,), all before the last (else ValueError).

        A payment on the day itself is no longer to come. Before the issue nothing has accrued. With a `call` of its
        schedule they are those until it, and its price.

        Notes
        -----
        Periods are counted by the street convention: the part of the current one that is left, in the day count's days
        of equal months or in calendar days, and whole ones from there on, to the dates of the schedule, wherever their
        payments are moved to.
        """
        plan = self.schedule(date.fromisoformat(str(days.min())) - _LONGEST_MOVE)
        if call:
            plan = plan.until(days_of(call[0]), float(call[1]))
        if (days >= plan.pays[-1]).any():
            raise ValueError(f"a bond that matures on {plan.dates[-1]} has nothing to pay after {days.max()}")
        paid = np.flatnonzero((plan.coupons + plan.redemptions != 0) & (plan.pays > days.min()))
        coupons = np.where(days[:, None] < plan.ex_days[paid], plan.coupons[paid], 0.0)
        calendar_days = (plan.pays[paid] - days[:, None]).astype(np.int64)
        face = np.where(calendar_days > 0, plan.faces[paid], 0.0).sum(axis=1) if self.amortisation else 1.0
        places = np.arange(len(plan.dates), dtype=np.float64)
        if plan.closes[-1] != plan.dates[-1]:
            places[-1] = plan.positions(plan.dates[-1:])[0]
        periods = places[paid] - plan.positions(days)[:, None]
        return Remaining(
            np.where(calendar_days > 0, coupons + plan.redemptions[paid], 0.0) / np.reshape(face, (-1, 1)),
            np.maximum(periods, 0.0),
            calendar_days,
            plan.accrued(days) / face,
            plan.is_last_period(days),
            self.compounding_frequency,
        )

    def redemptions_after(self, day: date) -> list[Call | None]:
        """Ways in which what is left after `day` may end: at maturity, which is None, or by each call still to come."""
        return [None, *(call for call in self.call_schedule if self.paid_on(call[0]) > day)]

    @property
    def _months(self) -> int:
        return 12 // self.compounding_frequency

    @property
    def _anchor(self) -> date:
        return self.penultimate_coupon_date or self.maturity_date

    @property
    def _keeps_month_end(self) -> bool:
        stated = [day for day in (self.first_coupon_date, self._anchor) if day]
        return self.end_of_month and bool(is_month_end(stated).all())

    def _dates(self, since: date) -> Days:
        """Regular dates from the last one that is not after `since` to the first that is not before maturity."""
        return regular_dates(self._anchor, self.maturity_date, since, self._months, self._keeps_month_end)

    def _rates_pct(self, opens: Days) -> Float64:
        rates = np.array([self.coupon_rate_pct, *(rate for _, rate in self.coupon_steps)], dtype=np.float64)
        return rates[np.searchsorted(days_of([day for day, _ in self.coupon_steps]), opens, "right")]

    def _faces(self, dates: Days) -> Float64:
        """The part of the face at issue (k + 1,) that is repaid on each of `dates`, which end at maturity.

        Of repayments before them all is on the first, so that what is outstanding is right from there on.
        """
        faces = np.zeros(len(dates))
        for day, share in self.amortisation:
            faces[np.searchsorted(dates, days_of(day))] += float(share) / REDEMPTION
        faces[-1] = 1 - faces.sum()
        return faces

    def _is_paid(self, dates: Days, anchor: int) -> NDArray[np.bool_]:
        begins = self.accrues_from
        first = 0
        if self.first_coupon_date:
            first = int(np.searchsorted(dates, days_of(self.first_coupon_date), "left"))
        elif begins:
            first = int(np.searchsorted(dates, days_of(begins), "right"))
        places = np.arange(len(dates))
        return np.asarray(((places >= first) & (places <= anchor)) | (places == len(dates) - 1))

    def _pays(self, days: Days) -> Days:
        if self.payment_convention is None or self.payment_calendar is None:
            return days
        return moved(days, self.payment_convention, self.payment_calendar)

    def _ex_days(self, pays: Days) -> Days:
        if self.ex_coupon_business_days and self.payment_calendar:
            return business_days_before(pays, self.ex_coupon_business_days, self.payment_calendar)
        return pays - np.timedelta64(self.ex_coupon_days, "D")


def _amount(value: float) -> Decimal:
    return Decimal(value).quantize(_AMOUNT_PLACES)
