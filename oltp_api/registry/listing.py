"""The identifiers of the bundled shares, with where they are from in `sample_data/README.md`."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from domain.listing import Listing
from domain.securities import Identifier, IdentifierType, KnownIdentifier
from storage.settings import REPOSITORY

_FILE = REPOSITORY / "sample_data" / "identifiers.csv"


@lru_cache(maxsize=1)
def listed_isins() -> Mapping[str, Sequence[KnownIdentifier]]:
    """The ISINs of each ticker, each with its days."""
    found: dict[str, list[KnownIdentifier]] = {}
    with _FILE.open(newline="") as lines:
        for row in csv.DictReader(lines):
            isin = Identifier.parse(IdentifierType.ISIN, row["isin"])
            first, end = (date.fromisoformat(row[name]) if row[name] else None for name in ("valid_from", "valid_to"))
            found.setdefault(row["ticker"], []).append(KnownIdentifier(isin, end is None, first, end))
    return found


@lru_cache(maxsize=1)
def listing() -> Listing:
    return Listing.of({known.identifier.value: ticker for ticker, isins in listed_isins().items() for known in isins})
