"""Facts that are registered of a bond, by their names, read as its terms.

Here: the names and forms in which the registry, its copy in the lake and older releases keep them. Not here: what they
mean (`bonds`), or which are refused.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from domain.analytics.fixed_income.bonds import Bond, Steps
from domain.analytics.fixed_income.payment_calendars import PaymentCalendar, PaymentConvention

TERMS = (
    "maturity_date",
    "coupon_rate_pct",
    "day_count",
    "coupon_frequency",
    "issue_date",
    "first_coupon_date",
    "dated_date",
    "penultimate_coupon_date",
    "ex_coupon_days",
    "ex_coupon_business_days",
    "payment_convention",
    "payment_calendar",
    "coupon_steps",
    "amortisation",
    "call_schedule",
)
"""Facts of a bond, by the names that they are registered under, which decide what it pays and when."""

LISTS: Mapping[str, str] = {"coupon_steps": "rate_pct", "amortisation": "face_pct", "call_schedule": "price"}
"""Terms that are a list of days, and what the number of each is called."""


def bond_of(facts: Mapping[str, Any]) -> Bond:
    """The bond of facts by name, such as a row of its details; a term that is absent or None is not stated.

    ValueError if these are no terms, such as a day count that nobody knows.
    """
    stated = {term: facts[term] for term in TERMS if facts.get(term) is not None}
    return Bond.of(**{term: _READ.get(term, _as_it_is)(value) for term, value in stated.items()})


def steps_of(listed: Any) -> Steps:
    """Days and values in order, as they are kept: a list of objects with a `day` and one number, or the text of one."""
    items = json.loads(listed) if isinstance(listed, str) else listed
    return tuple(item if isinstance(item, tuple) else _step(**item) for item in items)


def _step(day: date | str, **value: Decimal | str) -> tuple[date, Decimal]:
    (number,) = value.values()
    return date.fromisoformat(day) if isinstance(day, str) else day, Decimal(number)


def _as_it_is(value: Any) -> Any:
    return value


_READ: Mapping[str, Callable[[Any], Any]] = {
    "payment_convention": PaymentConvention,
    "payment_calendar": PaymentCalendar,
    **dict.fromkeys(LISTS, steps_of),
}
