"""Lists, page by page: a cursor says after which row to go on, so rows that come or go meanwhile repeat none.

A cursor is opaque to clients. It carries the order it belongs to and the last row's sort key.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, LiteralString

import psycopg
from fastapi import Query
from psycopg.rows import DictRow

from domain.errors import InvalidInput
from oltp_api.web.fields import Text

Keys = Mapping[LiteralString, Callable[[str], object]]

LimitQuery = Annotated[int, Query(ge=1, le=1000)]
CursorQuery = Annotated[Text | None, Query(max_length=2000, description="`next_cursor` of the page before.")]


@dataclass(frozen=True, slots=True)
class SortOrder:
    """Rows ordered by `keys`: columns of a list, each with how its text in a cursor is read; the last is unique."""

    name: str
    keys: Keys
    descending: bool = False

    def cursor_of(self, row: Mapping[str, Any]) -> str:
        values = [self.name, *(str(row[column]) for column in self.keys)]
        return urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode()

    def read(self, cursor: str) -> list[object]:
        """The sort key that `cursor` carries; refused if it is not one of this order."""
        try:
            name, *values = json.loads(urlsafe_b64decode(cursor))
            if name != self.name:
                raise ValueError(name)
            return [read(str(value)) for read, value in zip(self.keys.values(), values, strict=True)]
        except (ValueError, TypeError) as error:  # JSON and UTF-8 errors are ValueErrors
            raise InvalidInput("cursor", "is not one of this list in this order; start without one") from error


def text(value: str) -> str:
    """A text that the database can hold, for a cursor may have been made up."""
    value.encode()
    if "\0" in value:
        raise ValueError("NUL")
    return value


def orders(**keys: Keys) -> dict[str, SortOrder]:
    """Each named order and, under -name, its reverse."""
    both = [SortOrder(sign + name, columns, sign == "-") for name, columns in keys.items() for sign in ("", "-")]
    return {order.name: order for order in both}


def fetch_page(
    connection: psycopg.Connection[DictRow],
    query: LiteralString,
    parameters: Mapping[str, object],
    order: SortOrder,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """`items`, at most `limit` rows of `query` after `cursor`, and `next_cursor`, None after the last."""
    after = dict(zip(order.keys, order.read(cursor), strict=True)) if cursor else {}
    beyond: LiteralString = "<" if order.descending else ">"
    there = ", ".join(f"%(after_{column})s" for column in after)
    direction: LiteralString = " desc" if order.descending else ""
    text = f"""
        select * from ({query}) as listed
        {f"where ({', '.join(after)}) {beyond} ({there})" if after else ""}
        order by {", ".join(column + direction for column in order.keys)}
        limit %(fetched)s
    """
    asked = {**parameters, **{f"after_{column}": value for column, value in after.items()}, "fetched": limit + 1}
    rows = connection.execute(text, asked).fetchall()
    items = rows[:limit]
    return {"items": items, "next_cursor": order.cursor_of(items[-1]) if len(rows) > limit else None}
