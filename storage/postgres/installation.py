"""Market of a state folder: set once, by whoever starts first; another one is refused."""

from storage.errors import SetupError
from storage.postgres.database import Database, connect

_CLAIM = "insert into installation (market_source) values (%s) on conflict do nothing"
_MARKET = "select market_source from installation"


def claim_market(database: Database, market_source: str) -> None:
    """SetupError if the database, and so the lake beside it, was filled from another market.

    Only the tables' owner claims; who is not told the owner's address finds what is claimed.
    """
    with connect(database.of_owner or database.app_url) as connection:
        if database.of_owner:
            connection.execute(_CLAIM, (market_source,))
        row = connection.execute(_MARKET).fetchone()
    if row and row[0] != market_source:
        raise SetupError(
            f"this state was made with MARKET_SOURCE={row[0]}, and prices of two markets are never mixed; set that, or "
            f"give {market_source!r} a state of its own (LAKEFOLIO_HOME, or DATABASE_URL and LAKE_URI)"
        )
