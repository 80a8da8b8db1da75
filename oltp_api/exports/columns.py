"""Columns of our own export: one row for each of the ledger, in whatever format (csv, JSON, Parquet).

Every cell has one text, by which `digest` is made, so that a row that was changed since, by hand or by a spreadsheet
that rewrites days and numbers, is known. What is the same for all rows is in every row, and what is registered of a
security in the first row of it: a table that any program opens, without a line that is no row.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import LiteralString

from domain.errors import plain
from storage.queries import our_own

FORM = "ledger 1"
"""Name and version of the form, in the first column; what a later version adds, an older reader refuses by name."""


class Kind(Enum):
    """Type of a cell. Money has 28 digits and other numbers 18, 8 of them after the point."""

    TEXT = auto()
    WHOLE = auto()
    NUMBER = auto()
    MONEY = auto()
    DAY = auto()
    MOMENT = auto()


_TEXTS: Mapping[Kind, LiteralString] = {  # days and moments in DateStyle ISO, which the transaction sets
    Kind.TEXT: "{0}",
    Kind.WHOLE: "{0}::text",
    Kind.NUMBER: "trim_scale({0})::text",
    Kind.MONEY: "trim_scale({0})::text",
    Kind.DAY: "{0}::text",
    Kind.MOMENT: "replace(({0} at time zone 'UTC')::text, ' ', 'T') || 'Z'",
}


@dataclass(frozen=True, slots=True)
class Column:
    """`is_written` is what a person may have written; a spreadsheet must not run it."""

    name: LiteralString
    kind: Kind = Kind.TEXT
    is_of_portfolio: bool = False
    is_written: bool = False

    @property
    def sql(self) -> LiteralString:
        """SQL of the cell's text."""
        return _TEXTS[self.kind].format(f"ledger.{self.name}")


COLUMNS = (
    Column("lakefolio", is_of_portfolio=True),
    Column("seq", Kind.WHOLE),
    Column("type"),
    Column("business_date", Kind.DAY),
    Column("event_ts", Kind.MOMENT),
    Column("recorded_at", Kind.MOMENT),
    Column("account", is_written=True),
    Column("ticker", is_written=True),
    Column("isin"),
    Column("security_name", is_written=True),
    Column("quantity", Kind.NUMBER),
    Column("price", Kind.NUMBER),
    Column("gross", Kind.MONEY),
    Column("fees", Kind.MONEY),
    Column("accrued", Kind.MONEY),
    Column("cash_effect", Kind.MONEY),
    Column("currency"),
    Column("fx_rate", Kind.NUMBER),
    Column("ex_date", Kind.DAY),
    Column("split_new", Kind.NUMBER),
    Column("split_old", Kind.NUMBER),
    Column("cost_effect", Kind.MONEY),
    Column("basis_share", Kind.NUMBER),
    Column("transfer_id"),
    Column("reverses_seq", Kind.WHOLE),
    Column("external_id", is_written=True),
    Column("note", is_written=True),
    Column("cusip", is_written=True),
    Column("asset_type"),
    Column("security_currency"),
    Column("price_kind"),
    Column("security_details"),
    Column("account_broker", is_written=True),
    Column("account_type"),
    Column("portfolio", is_of_portfolio=True, is_written=True),
    Column("base_currency", is_of_portfolio=True),
    Column("kind", is_of_portfolio=True),
    Column("cost_method", is_of_portfolio=True),
    Column("time_zone", is_of_portfolio=True),
    Column("rows", Kind.WHOLE, is_of_portfolio=True),
)
NAMES = tuple(column.name for column in COLUMNS)
DIGEST = "digest"
OF_PORTFOLIO = tuple(column.name for column in COLUMNS if column.is_of_portfolio)
BETWEEN = "\x1f"
_DIGITS = 16
JOINED: Mapping[LiteralString, Sequence[LiteralString]] = {
    "named": ("ticker", "isin", "security_name"),
    "classed": ("cusip", "asset_type", "security_currency", "price_kind"),
    "held_at": ("account_broker", "account_type"),
    "owned_by": ("portfolio", "base_currency", "kind", "cost_method", "time_zone", "rows"),
    "seldom": (
        "ex_date", "split_new", "split_old", "cost_effect", "basis_share", "transfer_id", "reverses_seq", "external_id",
    ),
}  # fmt: skip
"""Columns that stand beside each other and are the same for all rows of a security, an account or the portfolio, which
the query makes one text of once and not for each row, with `BETWEEN` between them; and those that most rows have none
of."""
_SELDOM = [column for column in COLUMNS if column.name in JOINED["seldom"]]
_VALUES = ", ".join(f"ledger.{column.name}" for column in _SELDOM)
_TOLD = ", ".join(f"coalesce({column.sql}, '')" for column in _SELDOM)
_SELDOM_SQL = our_own(
    f"case when num_nonnulls({_VALUES}) = 0 then repeat(E'\\x1f', {len(_SELDOM) - 1})"
    f" else concat_ws(E'\\x1f', {_TOLD}) end"
)
_JOINED_SQL: Mapping[LiteralString, LiteralString] = {text: f"ledger.{text}" for text in JOINED} | {
    "seldom": _SELDOM_SQL
}
TEXTS_SQL = ", ".join(
    [
        *(f"{column.sql} as {column.name}" for column in COLUMNS),
        *(f"{sql} as {text}" for text, sql in _JOINED_SQL.items()),
    ]
)
"""SQL of the text of each cell of `ledger`, and of those that are joined, by its name."""
_IN_ONE = {names[0]: f"cells.{text}" for text, names in JOINED.items()} | {
    name: "" for names in JOINED.values() for name in names[1:]
}
_PARTS = ", ".join(filter(None, (_IN_ONE.get(name, f"coalesce(cells.{name}, '')") for name in NAMES)))
DIGEST_SQL = our_own(
    f"encode(substr(sha256(convert_to(concat_ws(E'\\x1f', {_PARTS}), 'UTF8')), 1, {_DIGITS // 2}), 'hex')"
)
"""SQL of the digest of a row of `cells`, which are texts."""


def digest_of(cells: Mapping[str, str | None]) -> str:
    """The digest of a row, by the text of its cells; the same as DIGEST_SQL."""
    joined = BETWEEN.join(cells.get(name) or "" for name in NAMES)
    return hashlib.sha256(joined.encode()).hexdigest()[:_DIGITS]


def text_of(value: object) -> str | None:
    """The one text of a cell's value; the same as its column's `sql`."""
    match value:
        case None:
            return None
        case Decimal():
            return plain(value)
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None).isoformat()
            return (moment.rstrip("0") if "." in moment else moment) + "Z"
        case date():
            return value.isoformat()
        case _:
            return str(value)
