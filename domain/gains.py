"""Gains of a year: what was disposed of, and what was received, withheld and paid beside it.

The rows come from a release; here they are only added up, and a sum says how much of it is not known.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from domain.disposals import Disposal, Term
from domain.money import ZERO


class IncomeType(StrEnum):
    """ACCRUED_INTEREST is what was sold less what was bought with bonds. TRADE_FEE is in cost or proceeds already."""

    DIVIDEND = "DIVIDEND"
    COUPON = "COUPON"
    INTEREST = "INTEREST"
    ACCRUED_INTEREST = "ACCRUED_INTEREST"
    TAX = "TAX"
    FEE = "FEE"
    TRADE_FEE = "TRADE_FEE"


@dataclass(frozen=True, slots=True)
class ReleasedDisposal(Disposal):
    """A disposal as a release has it, with its term and names."""

    term: Term | None
    account: str
    ticker: str
    isin: str | None
    name: str


@dataclass(frozen=True, slots=True)
class IncomeLine:
    """Money that a ledger row received, or with a negative `amount` withheld or paid; `amount_base` is at the rate of
    the day's close, None where there is none."""

    seq: int
    income_type: IncomeType
    business_date: date
    account_id: int
    account: str
    security_id: int | None
    ticker: str | None
    currency: str
    amount: Decimal
    amount_base: Decimal | None


@dataclass(frozen=True, slots=True)
class ClosedPosition:
    """A security of which units were held and none are, over all accounts; gains are None where some are not known.

    What left without a sale realised nothing.
    """

    security_id: int
    ticker: str
    name: str
    currency: str
    opened_on: date
    closed_on: date
    realised: Decimal | None
    base_currency: str
    realised_base: Decimal | None


@dataclass(frozen=True, slots=True)
class GainTotal:
    """Sums of `n` disposals. Of `n_unknown` the basis is not known: their proceeds are `proceeds_unknown`, and the
    other sums are of the rest; None where there is no rest."""

    n: int
    n_unknown: int
    proceeds: Decimal | None
    cost: Decimal | None
    gain: Decimal | None
    fx_gain: Decimal | None
    proceeds_unknown: Decimal


@dataclass(frozen=True, slots=True)
class IncomeTotal:
    """Sums of `n` amounts, None where `n_fx_missing` is all of them."""

    n: int
    n_fx_missing: int
    amount: Decimal
    amount_base: Decimal | None


Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Rows by `key`, in the order of the first of each."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def gain_total(disposed: Iterable[Disposal]) -> GainTotal:
    """In the currency of the disposals, which is one; the rate has no part in it."""
    return _total([(one.proceeds, one.cost, one.gain, None) for one in disposed])


def gain_total_base(disposed: Iterable[Disposal]) -> GainTotal:
    """In the portfolio's currency."""
    return _total([(one.proceeds_base, one.cost_base, one.gain_base, one.fx_gain_base) for one in disposed])


def income_total(lines: Iterable[IncomeLine]) -> IncomeTotal:
    """Sums of lines of one currency; of several, only `amount_base` is a figure."""
    listed = list(lines)
    known = [line.amount_base for line in listed if line.amount_base is not None]
    return IncomeTotal(
        len(listed),
        len(listed) - len(known),
        sum((line.amount for line in listed), ZERO),
        sum(known, ZERO) if known or not listed else None,
    )


_Figures = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]


def _total(rows: list[_Figures]) -> GainTotal:
    known = [row for row in rows if row[2] is not None]
    unknown = [row for row in rows if row[2] is None]

    def summed(column: int) -> Decimal | None:
        figures = [figure for row in known if (figure := row[column]) is not None]
        return sum(figures, ZERO) if len(figures) == len(known) and (known or not rows) else None

    return GainTotal(
        n=len(rows),
        n_unknown=len(unknown),
        proceeds=summed(0),
        cost=summed(1),
        gain=summed(2),
        fx_gain=summed(3),
        proceeds_unknown=sum((row[0] or ZERO for row in unknown), ZERO),
    )
