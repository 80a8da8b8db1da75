"""The terms that are registered of a bond, and which terms are refused.

Here: a bond that cannot be priced as what it is, is not registered as something else. A term that no valuation uses is
refused by its name, with the reason; so are dates of which no schedule can be made. Not here: what terms are worth.

Rows that were registered before a term was refused stay as they are: only what is new is looked at.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.analytics.fixed_income.bond_facts import LISTS, TERMS, bond_of
from domain.analytics.fixed_income.bonds import ImpossibleTerms, Steps
from domain.analytics.fixed_income.payment_calendars import PaymentCalendar, PaymentConvention
from domain.errors import InvalidInput, InvalidNumber, Refusal
from domain.limits import MOST_COUPON_PCT, MOST_SPREAD_BPS, refuse_beyond
from domain.money import parse_quantity, refuse_negative

PRICED_DAY_COUNTS = ("ACT/ACT ICMA", "30/360 US", "30E/360", "ACT/360", "ACT/365F")
PRICED_FREQUENCIES = (1, 2, 4, 12)
_CHOICES: Mapping[str, Collection[str]] = {
    "day_count": PRICED_DAY_COUNTS,
    "payment_convention": tuple(PaymentConvention),
    "payment_calendar": tuple(PaymentCalendar),
}
_MONTHS = 12
_UNPRICED = (
    (
        r"float|frn|libor|sofr|sonia|euribor|fed_?funds|reference_rate",
        "its coupons are set by a rate that is not known here",
    ),
    (
        r"index|inflation|link|cpi|rpi|hicp|tips|deflation|real_",
        "its payments follow an index, which a curve of nominal yields does not price",
    ),
    (r"margin|reset|fixing|cap$|cap_|floor|variable", "its coupons are set by a rate that is not known here"),
    (r"call|make_whole", "what its issuer may redeem early is said in call_schedule, by coupon dates and prices"),
    (r"put", "its holder may give it back early, so that it is worth more than a bullet"),
    (r"conver[st]|exchangeable|coco|contingent|write_?down", "it may become shares, which are not priced with it"),
    (
        r"amorti[sz]|sink|principal|instal|factor|pay_?down|prepay|pool|notional|balloon|serial",
        "principal that comes back in parts is said in amortisation, by days and per cent of the face at issue",
    ),
    (r"step|schedule|coupons|rates", "a coupon that changes on the way is said in coupon_steps"),
    (r"perpetual|undated|no_maturity", "without a maturity there is no schedule"),
    (r"pik|capitali[sz]|defer|compound|toggle", "its interest may be paid later than it accrues"),
    (r"default|recovery|distress", "what it will pay is not what its terms say"),
    (r"redemption|redeem", "redemption is at par"),
    (r"currenc|fx_", "it pays in the currency of the security alone"),
    (
        r"ex_|record_date",
        "a seller keeps the coupon for ex_coupon_days or ex_coupon_business_days, and by no other rule",
    ),
    (r"dated|accrual|accrues|interest_commence", "interest accrues from dated_date, else from issue_date"),
    (r"last_|next_to_last|stub", "the coupon before an odd last one is its penultimate_coupon_date"),
    (r"convention|holiday|calendar|payment|business|adjust|roll", "payments move by payment_convention and _calendar"),
)
"""Words in the name of a term, and why there is no price with it; the first that fits says it."""


class TermsNotPriced(Refusal):
    """A term that the product does not price: a bond that has it is not valued as one that has not."""

    code = "bond_terms_not_priced"

    def __init__(self, term: str, why: str) -> None:
        super().__init__(
            f"{term} is not priced here: {why}; such a bond cannot be registered, one of other terms leaves it out",
            field=term,
        )


class TermsNotScheduled(InvalidInput):
    """Terms of which no schedule of payments can be made."""

    code = "bond_terms_not_scheduled"


@dataclass(frozen=True, slots=True)
class BondDetails:
    """The terms that price a bond; a coupon of 0 % is a zero-coupon bond and has no frequency.

    `spread_bps` is what it yields over the Treasury curve: without one only a SOVEREIGN is valued from the curve.
    """

    maturity_date: date
    coupon_rate_pct: Decimal
    day_count: str
    coupon_frequency: int | None = None
    issuer: str | None = None
    issuer_class: str | None = None
    issue_date: date | None = None
    first_coupon_date: date | None = None
    denomination: Decimal | None = None
    spread_bps: Decimal | None = None
    dated_date: date | None = None
    penultimate_coupon_date: date | None = None
    ex_coupon_days: int | None = None
    ex_coupon_business_days: int | None = None
    payment_convention: str | None = None
    payment_calendar: str | None = None
    coupon_steps: Steps | None = None
    amortisation: Steps | None = None
    call_schedule: Steps | None = None

    def __post_init__(self) -> None:
        refuse_negative("coupon_rate_pct", self.coupon_rate_pct)
        refuse_beyond("coupon_rate_pct", self.coupon_rate_pct, MOST_COUPON_PCT)
        for term in LISTS:
            for _, number in getattr(self, term) or ():
                refuse_negative(term, number)
                refuse_beyond(term, number, MOST_COUPON_PCT)
        if self.denomination is not None and parse_quantity(self.denomination, "denomination") <= 0:
            raise InvalidNumber("denomination", self.denomination, "must be above 0")
        if self.spread_bps is not None:
            refuse_beyond("spread_bps", parse_quantity(self.spread_bps, "spread_bps"), MOST_SPREAD_BPS)
        if (self.coupon_rate_pct == 0) != (self.coupon_frequency is None):
            raise TermsNotScheduled("coupon_frequency", "belongs to every bond with a coupon and to no other")
        if self.coupon_rate_pct == 0 and self.first_coupon_date:
            raise TermsNotScheduled("first_coupon_date", "does not belong to a bond without a coupon")
        in_order = [day for day in (self.issue_date, self.first_coupon_date, self.maturity_date) if day]
        if in_order != sorted(in_order) or self.issue_date in in_order[1:]:
            raise TermsNotScheduled("maturity_date", "must be on or after the first coupon, and both after the issue")


def refuse_unpriced(stated: Mapping[str, object], known: Collection[str]) -> None:
    """TermsNotPriced for the first of the terms, as somebody says them, that no valuation here uses.

    `known` are the names of terms. A known one is refused too if it says what is not priced: another day count,
    frequency, convention or calendar, or a list of another form.
    """
    for term in stated:
        if term not in known:
            raise TermsNotPriced(f"bond.{_shown(term)}", _why(term) or "it is not among the terms that a bond has here")
    for term, choices in _CHOICES.items():
        if (value := stated.get(term)) is not None and value not in choices:
            raise TermsNotPriced(f"bond.{term}", f"{_shown(str(value))} is none of {', '.join(choices)}")
    frequency = stated.get("coupon_frequency")
    if frequency is not None and frequency not in PRICED_FREQUENCIES:
        if isinstance(frequency, int) and (frequency <= 0 or _MONTHS % frequency):
            raise TermsNotScheduled("bond.coupon_frequency", f"must divide a year into whole months, not {frequency}")
        raise TermsNotPriced("bond.coupon_frequency", f"{_shown(str(frequency))} is none of {PRICED_FREQUENCIES}")
    for term, number in LISTS.items():
        if (listed := stated.get(term)) is not None and not _are_days_with(number, listed):
            raise TermsNotPriced(f"bond.{term}", f"it is said as a list of objects, each with its day and its {number}")


def _are_days_with(number: str, listed: object) -> bool:
    return isinstance(listed, list) and all(isinstance(item, Mapping) and {*item} == {"day", number} for item in listed)


def refuse_words_of_bonds(stated: Mapping[str, object], known: Collection[str]) -> None:
    """TermsNotPriced for the first term of an unpriced bond that is stated beside `bond`, where it would belong."""
    for term in stated:
        if term not in known and (why := _why(term)):
            raise TermsNotPriced(_shown(term), why)


def refuse_unscheduled(details: BondDetails, before: BondDetails | None) -> None:
    """TermsNotScheduled if no schedule can be made of `details`; what was known `before` and is unchanged stays."""
    if before is None or _scheduled(details) != _scheduled(before):
        try:
            bond_of(_scheduled(details))
        except ImpossibleTerms as error:
            raise TermsNotScheduled(error.term, error.why) from None


def _scheduled(details: BondDetails) -> dict[str, Any]:
    return {name: getattr(details, name) for name in TERMS}


def _why(term: str) -> str | None:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|[\s-]+", "_", term).lower()
    return next((why for words, why in _UNPRICED if re.search(words, name)), None)


def _shown(text: str) -> str:
    return text[:40].encode("ascii", "backslashreplace").decode()
