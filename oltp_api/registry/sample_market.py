"""The securities of a bundled market, registered so that a fresh installation can trade them."""

import csv
import logging
from collections.abc import Mapping
from pathlib import Path

from domain.commands import DescribeSecurity, RegisterSecurity
from domain.errors import Refusal
from domain.securities import AssetType, Identifier, IdentifierType, PriceKind, joined
from oltp_api.registry.handlers import register_security
from oltp_api.registry.listing import listed_isins
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork
from storage.settings import REPOSITORY

_SAMPLE_DATA = REPOSITORY / "sample_data"
_LOG = logging.getLogger(__name__)
_DETAILS = ("exchange", "country", "sector", "industry")


def securities_of(market_source: str) -> Path:
    """The file that lists what a bundled market has."""
    return (_SAMPLE_DATA if market_source == "sample" else _SAMPLE_DATA / market_source) / "securities.csv"


def tickers_of(market_source: str) -> frozenset[str]:
    """Return the tickers that a bundled market has prices of."""
    with securities_of(market_source).open(newline="") as lines:
        return frozenset(row["ticker"] for row in csv.DictReader(lines))


def register_sample_market(work: UnitOfWork, file: Path) -> int:
    """How many were new; those already registered are left as they are."""
    with file.open(newline="") as lines:
        rows = {row["ticker"]: row for row in csv.DictReader(lines)}
    known = Securities(work).registered(list(rows))
    missing = sorted(rows.keys() - known)
    for ticker in missing:
        register_security(_command(rows[ticker]), work)
    for ticker in sorted(known):  # those of a database that is older than the column have no kind of price yet
        Securities(work).state_price_kind(ticker, PriceKind(rows[ticker]["price_kind"]))
    for ticker in sorted(rows):
        _state_isins(rows[ticker], work)
    return len(missing)


def _state_isins(row: Mapping[str, str], work: UnitOfWork) -> None:
    """Its bundled ISINs. Where an older state has said otherwise, or given one away, that stays and is logged."""
    ticker = row["ticker"]
    security = Securities(work).find(ticker)
    if security is None or ticker not in listed_isins():
        return
    if security.currency != row["currency"]:
        _LOG.warning("%s is registered in %s, and its market is in %s", ticker, security.currency, row["currency"])
    known = Securities(work).identifiers(security.security_id)
    for isin in listed_isins()[ticker]:
        if isin in known:
            continue
        try:
            new = joined(isin.identifier, known, isin.valid_from, isin.valid_to)
            Securities(work).add_identifier(security.security_id, new)
            known.append(new)
        except Refusal as refusal:
            _LOG.warning("%s is not registered as the ISIN of %s: %s", isin.identifier.value, ticker, refusal)


def _command(row: dict[str, str]) -> RegisterSecurity:
    asset_type = AssetType(row["asset_type"])
    described = asset_type in (AssetType.EQUITY, AssetType.ETF)
    return RegisterSecurity(
        (Identifier.parse(IdentifierType.TICKER, row["ticker"]),),
        asset_type,
        row["currency"],
        row["display_name"],
        PriceKind(row["price_kind"]),
        DescribeSecurity(equity={name: row[name] or None for name in _DETAILS} if described else {}),
    )
