"""Numbers, days and states in the words of a page. What is not known is said so, and is never 0."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from math import isfinite

from oltp_api.analytics.schemas import PortfolioValueView
from oltp_api.risk_analyses.schemas import FactView

UNKNOWN = "unknown"
TOO_FEW = "too few days"
SPACE = "\u202f"  # narrow, and not broken: between a number and its unit
MINUS = "\u2212"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"))
_PERIODS = {
    "1D": "1 day",
    "1W": "1 week",
    "MTD": "Month to date",
    "1M": "1 month",
    "3M": "3 months",
    "YTD": "Year to date",
    "1Y": "1 year",
    "3Y": "3 years",
    "5Y": "5 years",
    "SINCE_INCEPTION": "Since inception",
}
_METHODS = {"HISTORICAL": "Historical", "PARAMETRIC": "Parametric", "CORNISH_FISHER": "Cornish-Fisher"}
_BASES = {"REALISED": "What you went through", "CURRENT_WEIGHTS": "What today’s weights would have"}
_MEASURES = {
    "GROSS_WEIGHT": "gross weight",
    "NET_WEIGHT": "net weight",
    "HHI": "HHI",
    "TOP_5": "five largest",
    "TOP_10": "ten largest",
    "LEVERAGE": "leverage",
}
_STATES = {"OK": "OK", "WARN": "▲ WARN", "BREACH": "■ BREACH", "TOO_FEW": "too few holdings", "UNDEFINED": "no equity"}
_NO_RISK = {"INSUFFICIENT": TOO_FEW, "UNCOVERED": "too little is known", "NO_EQUITY": "no equity"}
_NO_TAIL = {"INSUFFICIENT": TOO_FEW, "NOT_MONOTONE": "no fit"}
_NO_RATIO = {
    "INSUFFICIENT": TOO_FEW,
    "NO_VARIATION": "does not move",
    "NO_BENCHMARK": "no benchmark",
    "NO_RISK_FREE": "no risk-free rate",
    "NO_DOWNSIDE": "never below",
}
_NO_MONEY_WEIGHTED = {"NO_SIGN_CHANGE": "no solution", "UNCOVERED": "value not known"}


def number(value: Decimal | float | None, digits: int = 2, *, signed: bool = False, unit: str = "") -> str:
    """Such as "+1,234.50", with a true minus; a rounded zero has no sign."""
    if value is None or not isfinite(value):
        return UNKNOWN
    digits_only = f"{abs(value):,.{digits}f}"
    is_zero = not digits_only.strip("0.,")
    sign = "" if is_zero else MINUS if value < 0 else "+" if signed else ""
    return f"{sign}{digits_only}{SPACE}{unit}" if unit else f"{sign}{digits_only}"


def percent(fraction: float | None, digits: int = 2, *, signed: bool = False) -> str:
    return number(None if fraction is None else fraction * 100, digits, signed=signed, unit="%")


def ages(total: PortfolioValueView) -> str:
    """How old the prices and rates in a value are, in a word or two."""
    said = {"PRICED": "of the day", "STALE": "some are stale", "MISSING": "some are missing"}
    return {**said, "UNCONFIRMED": "some jump, and nothing confirms them"}.get(total.status, total.status)


def stale(total: PortfolioValueView) -> str:
    """Sentences about prices and rates that are older than the value's day."""
    said = []
    if total.n_stale:
        sessions = "session" if total.stale_days == 1 else "sessions"
        said.append(
            f"{_counted(total.n_stale, 'holding')} at an older price, the oldest of {total.stale_days} {sessions} ago."
        )
    if total.n_fx_stale:
        said.append(
            f"{_counted(total.n_fx_stale, 'holding or balance', 'holdings or balances')} at an older exchange rate."
        )
    return " ".join(said)


def aged(status: str, stale_days: int, fx_status: str) -> str:
    """Reason to doubt a holding's value; empty if price and rate are of the day."""
    price = {
        "STALE": f"price {stale_days} sessions old",
        "MISSING": "no price",
        "UNCONFIRMED": "price jumps, and nothing confirms it",
    }.get(status, "")
    rate = {"STALE": "old exchange rate", "FX_MISSING": "no exchange rate"}.get(fx_status, "")
    return ", ".join(part for part in (price, rate) if part)


def aged_of(n: int) -> str:
    """The same of some holdings together."""
    return f"{n} at an older price or rate" if n else ""


def _counted(n: int, one: str, more: str = "") -> str:
    return f"One {one} is" if n == 1 else f"{n} {more or one + 's'} are"


def covered(share_pct: float) -> str:
    """Never rounded up: 99.999 % is not all."""
    return number(Decimal(repr(share_pct)).quantize(Decimal("0.01"), ROUND_DOWN), 2, unit="%")


def short(value: float, step: float, digits: int) -> str:
    """A tick of a money axis: whole amounts up to ten million, then 12.5 m, bn or tn, as exact as its `step`."""
    for size, unit in _SCALES:
        if abs(value) >= max(size, 1e7):
            return number(value / size, 0 if step >= size else min(3, len(f"{size / step:.0f}") - 1), unit=unit)
    return number(value, digits)


def day(value: date | None) -> str:
    return UNKNOWN if value is None else f"{value.day}\u00a0{_MONTHS[value.month - 1]}\u00a0{value.year}"


def month(value: date) -> str:
    return f"{_MONTHS[value.month - 1]}\u00a0{value.year}"


def day_of_month(value: date) -> str:
    return f"{value.day}\u00a0{_MONTHS[value.month - 1]}"


def moment(value: datetime) -> str:
    at = value.astimezone(UTC)
    return f"{day(at.date())}, {at:%H:%M}\u00a0UTC"


def period(name: str) -> str:
    return _PERIODS.get(name, name)


def method(name: str) -> str:
    return _METHODS.get(name, name)


def basis(name: str) -> str:
    return _BASES.get(name, name)


def dimension(name: str) -> str:
    return name.replace("_", " ")


def measure(name: str) -> str:
    return _MEASURES.get(name, name)


def state(name: str) -> str:
    return _STATES.get(name, name)


def of_measure(name: str, value: float | None) -> str:
    """HHI is a number between 0 and 1, leverage a multiple, the others are shares."""
    digits = {"HHI": 3, "LEVERAGE": 2}.get(name)
    return percent(value, 1) if digits is None else number(value, digits)


def annual(per_year: float | None, whole: float | None) -> str:
    """A return per year, which one of under a year has not."""
    return "under a year" if per_year is None and whole is not None else percent(per_year, signed=True)


def time_weighted(value: float | None, status: str) -> str:
    """None of a period in which the portfolio was worth less than nothing."""
    return "ruined" if status == "RUINED" else percent(value, signed=True)


def money_weighted(value: float | None, status: str | None) -> str:
    if value is None:
        return _NO_MONEY_WEIGHTED.get(status or "", UNKNOWN)
    return percent(value, signed=True) + (" *" if status == "MULTIPLE" else "")


def ratio(value: float | None, status: str) -> str:
    return no_ratio(status) or number(value)


def no_ratio(status: str) -> str:
    """Reason why there is no ratio; empty if there is one."""
    return _NO_RATIO.get(status, "")


def no_risk(status: str) -> str:
    """Say why a profile has no figures."""
    return _NO_RISK.get(status, UNKNOWN)


def tail(value: float | None, status: str) -> str:
    return _NO_TAIL.get(status, UNKNOWN) if value is None else percent(value)


def is_reason(text: str) -> bool:
    """Say whether `text` stands where a number would, and says why there is none."""
    return text[:1].islower() and not any(letter.isdigit() for letter in text)


def references(facts: Sequence[FactView]) -> Mapping[str, str]:
    """Where each fact of an analysis is explained, by its id."""
    return {fact.fact_id: fact.explain for fact in facts}
