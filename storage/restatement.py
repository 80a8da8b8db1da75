"""What a newer release says otherwise than an older one about the same days of a portfolio, and why.

A restatement is of days that the older release had, or that lie before its last one. What came after is new, not
restated. Causes are the ledger rows that the older release had not and that reach back, and the prices and rates that
are others now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from storage.mounted import MountedRelease
from storage.queries import statements
from storage.releases import Release

_SQL = statements("storage", "restatement")
_MOST_DAYS = 100
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RestatedDay:
    """A day's value then and now; None where a release has not the day. `*_index` is growth since inception."""

    business_date: date
    before_value: Decimal | None
    after_value: Decimal | None
    before_index: float | None
    after_index: float | None

    @property
    def change(self) -> Decimal:
        return (self.after_value or Decimal(0)) - (self.before_value or Decimal(0))


@dataclass(frozen=True, slots=True)
class Changed:
    """A price or rate: on how many days it is another one, and the day on which it moved most."""

    what: str
    n_days: int
    first_day: date
    last_day: date
    largest_day: date
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class Restatement:
    """`until` is the last day of `before`, and `last` that day, restated or not; None all, if there is no such day.

    `days` are the first of the `n_days` restated ones, from `first_day` to `last_day`; `largest` is the one whose value
    moved most.
    """

    before: Release
    after: Release
    until: date | None
    n_days: int
    first_day: date | None
    last_day: date | None
    last: RestatedDay | None
    largest: RestatedDay | None
    days: Sequence[RestatedDay]
    transactions: Sequence[Row]
    prices: Sequence[Changed]
    rates: Sequence[Changed]


def restatement(before: MountedRelease, after: MountedRelease, portfolio_id: UUID) -> Restatement:
    """What `after` says otherwise than `before`; nothing, if `before` has no day of the portfolio."""
    asked: dict[str, Any] = {"portfolio_id": str(portfolio_id)}
    known = before.rows(_SQL["last_day"], **asked)
    until = known[0]["last_day"] if known else None
    if until is None:
        return Restatement(before.release, after.release, None, 0, None, None, None, None, (), (), (), ())
    asked["until"] = until
    asked["held"] = sorted({row["security_id"] for one in (before, after) for row in one.rows(_SQL["held"], **asked)})

    def compared(question: str, comparison: str) -> list[dict[str, Any]]:
        older, newer = (one.table(_SQL[question], **_named(question, asked)) for one in (before, after))
        if older is None or newer is None:
            return []
        return after.over({"older": older, "newer": newer}, _SQL[comparison], **_named(comparison, asked))

    rows = compared("days", "compared_days")
    days = [_day(row) for row in rows if row["is_restated"]]
    return Restatement(
        before=before.release,
        after=after.release,
        until=until,
        n_days=len(days),
        first_day=days[0].business_date if days else None,
        last_day=days[-1].business_date if days else None,
        last=_day(rows[-1]) if rows else None,
        largest=max(days, key=lambda day: abs(day.change), default=None),
        days=days[:_MOST_DAYS],
        transactions=compared("ledger", "new_rows"),
        prices=[Changed(**row) for row in compared("prices", "changed")],
        rates=[Changed(**row) for row in compared("rates", "changed")],
    )


def _day(row: Row) -> RestatedDay:
    return RestatedDay(**{name: value for name, value in row.items() if name != "is_restated"})


def _named(statement: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the statement names; DuckDB takes no others."""
    return {name: value for name, value in parameters.items() if f"${name}" in _SQL[statement]}
