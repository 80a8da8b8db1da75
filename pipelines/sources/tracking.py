"""Tickers that a live market is asked for, and whether the whole history of each was asked for once.

A ticker that is new has no years before this one: all years are due until its whole history was asked for once. One
that the source does not know is left alone for a while, and then asked for again: it may have been listed since.
"""

from collections.abc import Collection
from datetime import date, timedelta

import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from domain.ports import IncompleteMarket
from pipelines.sources.sample import SamplePriceSource
from storage.lake.delta import Lake

TABLE = "meta/ticker_history"
SCHEMA = pa.schema(
    [
        pa.field("ticker", pa.string(), nullable=False),
        pa.field("is_known", pa.bool_(), nullable=False),  # whether the source had a history
        pa.field("asked_on", pa.date32(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
    ]
)
"""Append only: every time that somebody asked for the whole history of a ticker and got an answer."""
AGAIN = timedelta(days=30)
"""After this time an unknown ticker is asked for again."""
OWN = "raw/own_price"
_REGISTERED = """
    select id_value
    from security_identifier inner join security_registry using (security_id)
    where
        id_type = 'TICKER' and is_primary and valid_to is null and asset_type <> 'BOND'
        and security_id <> all(%s)
        and not exists (
            select from posted_price
            where posted_price.security_id = security_registry.security_id and posted_price.owner_id is null
        )
    order by id_value
"""


def tracked(connection: psycopg.Connection, lake: Lake, today: date) -> list[str]:
    """List the current tickers to ask for, without bonds, the unknown, and securities that are published or in a file.

    A user's own prices keep nobody from the market's.
    """
    own = _priced_for_all(lake.read(OWN)) if lake.exists(OWN) else []
    registered = [row[0] for row in connection.execute(_REGISTERED, (own,))]
    known, unknown = _asked(lake, today)
    return [ticker for ticker in registered if ticker in known or ticker not in unknown]


def _priced_for_all(own: pa.Table) -> list[int]:
    if "owner_id" in own.column_names:  # a lake of before has them all for all
        own = own.filter(pc.is_null(own["owner_id"]))
    return sorted(set(own["security_id"].to_pylist()))


def without_history(connection: psycopg.Connection, lake: Lake, today: date) -> list[str]:
    """List the tracked tickers whose whole history the source has not given yet."""
    known, _ = _asked(lake, today)
    return [ticker for ticker in tracked(connection, lake, today) if ticker not in known]


def new_in_market(source: SamplePriceSource, lake: Lake) -> set[str]:
    """The tickers of a bundled market that the lake has no price of: a later version has brought them."""
    if not lake.exists("raw/price_daily"):
        return source.tickers()
    with lake.connect() as connection:
        rows = connection.execute(f"select distinct ticker from {lake.scan('raw/price_daily')}").fetchall()
    return source.tickers() - {ticker for (ticker,) in rows}


def note(lake: Lake, asked: Collection[str], gaps: IncompleteMarket | None, today: date, run_id: str) -> None:
    """Keep that the whole history of these was asked for; not of those that failed to come for another reason."""
    missing, unknown = (gaps.missing.keys(), gaps.unknown) if gaps else (frozenset(), frozenset())
    known, _ = _asked(lake, today)
    rows = [
        {"ticker": ticker, "is_known": ticker not in missing, "asked_on": today, "run_id": run_id}
        for ticker in asked
        if (ticker not in missing or ticker in unknown) and ticker not in known
    ]
    if rows:
        lake.append(TABLE, pa.Table.from_pylist(rows, schema=SCHEMA), run_id)


def _asked(lake: Lake, today: date) -> tuple[set[str], set[str]]:
    """The tickers with a history, and those of which there was none lately."""
    rows = lake.read(TABLE).to_pylist() if lake.exists(TABLE) else []
    known = {row["ticker"] for row in rows if row["is_known"]}
    return known, {row["ticker"] for row in rows if not row["is_known"] and row["asked_on"] > today - AGAIN}
