"""Differences of a newer release from an older one about the same days of a portfolio, and their causes.

A restatement is of days that the older release had, or that lie before its last one. What came after is new, not
restated. Causes are the ledger rows that the older release had not and that reach back, the prices and rates that are
others now, and the portfolio's settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from storage.errors import SchemaChanged
from storage.lake.delta import Lake
from storage.lake.held import held_in, is_shown
from storage.lake.mounted import MountedRelease
from storage.lake.releases import Release
from storage.queries import statements

_SQL = statements("application/release_diff.sql")
_MOST_DAYS = 100
_VALUES, _LEDGER = "marts/fact_portfolio_value_daily", "raw/pg_transaction_ledger"
_NO_INDEX = "cast(null as double) as twr_index"  # of many portfolios, which are told by their values
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RestatedDay:
    """A day's value then and now; None where a release has not the day. `*_index` is growth since inception, None where
    many portfolios are compared at once."""

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
class ChangedSetting:
    setting: str
    before: str
    after: str


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
    settings: Sequence[ChangedSetting]

    @property
    def caused_since(self) -> date | None:
        """The first day that a cause reaches; None if there is no cause."""
        if self.settings:
            return date.min
        rows = [row["business_date"] for row in self.transactions]
        return min([*rows, *(changed.first_day for changed in [*self.prices, *self.rates])], default=None)

    @property
    def without_cause(self) -> Sequence[RestatedDay]:
        """Members of `days` that no cause reaches."""
        since = self.caused_since
        return [day for day in self.days if since is None or day.business_date < since]


@dataclass(frozen=True, slots=True)
class RestatedPortfolio:
    """`largest` is the day whose value moved most; `ledger_since` the first day of a ledger row that is new."""

    portfolio_id: UUID
    n_days: int
    first_day: date
    last_day: date
    largest: RestatedDay
    ledger_since: date | None

    @property
    def has_new_rows(self) -> bool:
        """True if new ledger rows reach every restated day."""
        return self.ledger_since is not None and self.ledger_since <= self.first_day


def restated_portfolios(lake: Lake, before: Release, after: Release) -> list[RestatedPortfolio]:
    """Every portfolio of which `after` says something else than `before`, the most changed first.

    Only the files that one of the two has not are read, and of `before` its last day. SchemaChanged if they have other
    columns, which only other code makes.
    """
    old, new = (release.versions.get(_VALUES) for release in (before, after))
    if old is None or new is None or old == new:
        return []
    if lake.open(_VALUES, old).schema() != lake.open(_VALUES, new).schema():
        raise SchemaChanged(f"{_VALUES} has other columns than before")
    known = lake.scan(_VALUES, old)
    with lake.connect() as connection:
        (until,) = connection.execute(f"select max(business_date) from {known}").fetchone() or (None,)
        older, newer = lake.scan_apart(_VALUES, old, new)
        query = f"""
            with before as (from {known}),
            older as (select *, {_NO_INDEX} from {older} where business_date <= $until),
            newer as (select *, {_NO_INDEX} from {newer} where business_date <= $until),
            compared as ({_SQL["compared_days"]})
            {_SQL["restated_portfolios"]}
        """
        rows = connection.execute(query, {"until": until}).fetchall()
    reaching = _new_rows(lake, before, after) if rows else {}
    return [
        RestatedPortfolio(UUID(portfolio_id), n_days, first, last, RestatedDay(**largest), reaching.get(portfolio_id))
        for portfolio_id, n_days, first, last, largest in rows
    ]


def _new_rows(lake: Lake, before: Release, after: Release) -> dict[str, date]:
    """By portfolio, the first day of the ledger rows that `before` had not."""
    if _LEDGER not in before.versions or _LEDGER not in after.versions:
        return {}
    older, newer = lake.scan_apart(_LEDGER, before.versions[_LEDGER], after.versions[_LEDGER])
    was_held, whole = held_in(lake, before), lake.scan(_LEDGER, after.versions[_LEDGER])
    if was_held:  # what it had replicated and did not show is new
        newer = f"(from {newer} union select * from {whole} where not ({is_shown(was_held)}))"
        older = f"(from {older} where {is_shown(was_held)})"
    with lake.connect() as connection:
        query = f"with older as (from {older}), newer as (from {newer}) {_SQL['reaching_back']}"
        return dict(connection.execute(query).fetchall())


def restatement(before: MountedRelease, after: MountedRelease, portfolio_id: UUID) -> Restatement:
    """Return how `after` differs from `before`; nothing, if `before` has no day of the portfolio."""
    asked: dict[str, Any] = {"portfolio_id": str(portfolio_id)}
    before, after = before.of_portfolio(portfolio_id), after.of_portfolio(portfolio_id)
    known = before.rows(_SQL["last_day"], **asked)
    until = known[0]["last_day"] if known else None
    if until is None:
        return Restatement(before.release, after.release, None, 0, None, None, None, None, (), (), (), (), ())
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
        settings=[ChangedSetting(**row) for row in compared("settings", "changed_settings")],
    )


def _day(row: Row) -> RestatedDay:
    return RestatedDay(**{name: value for name, value in row.items() if name not in ("portfolio_id", "is_restated")})


def _named(statement: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that the statement names; DuckDB takes no others."""
    return {name: value for name, value in parameters.items() if f"${name}" in _SQL[statement]}
