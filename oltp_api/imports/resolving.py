"""Securities that a file names: found in the registry by ISIN, ticker, CUSIP or name, or proposed for registration."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from domain.currencies import parse_quoted
from domain.errors import AlreadyExists, InvalidIdentifier, InvalidInput, Refusal, UnknownSecurity
from domain.securities import AssetType, Identifier, IdentifierType, KnownIdentifier, Security, isin_check_digit
from oltp_api.imports.drafts import BASE, Draft, Naming
from oltp_api.imports.forms import SHARED_SIGNS
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork

_Meaning = tuple[KnownIdentifier, Security]
"""An identifier, with the days on which it means a security."""
_CUSIP = re.compile(r"[A-Z0-9]{9}")
_TYPES: Mapping[str, AssetType] = {
    **{kind.value: kind for kind in AssetType if kind is not AssetType.INDEX},
    "STOCK": AssetType.EQUITY, "STOCKS": AssetType.EQUITY, "EQUITIES": AssetType.EQUITY, "SHARE": AssetType.EQUITY,
    "STK": AssetType.EQUITY, "COMMON STOCK": AssetType.EQUITY, "AKTIE": AssetType.EQUITY, "AKTIEN": AssetType.EQUITY,
    "MUTUAL FUND": AssetType.FUND, "MUTUALFUND": AssetType.FUND, "FONDS": AssetType.FUND, "BONDS": AssetType.BOND,
}  # fmt: skip


class _NotAsked:
    """Stands for the answer to a question that was not asked before."""


_NOT_ASKED = _NotAsked()


class NameMeansSeveral(InvalidInput):
    code = "security_name_is_unclear"


class IdentifiersDisagree(InvalidInput):
    code = "identifiers_disagree"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A body for POST /securities, of what the file says of a security that nobody registered, and on which lines."""

    body: Mapping[str, Any]
    lines: Sequence[int]
    missing: Sequence[str]


class NamedSecurities:
    """All that the names in one file may mean, asked once."""

    def __init__(self, drafts: Iterable[Draft], stated: Mapping[str, str], work: UnitOfWork) -> None:
        """`stated` says for names of the file as what they are registered."""
        self._stated = {name.strip().casefold(): identifier for name, identifier in stated.items()}
        named = {each.naming for each in drafts if each.naming and each.refusal is None}
        values = {value.strip().upper() for each in named for value in (each.ticker, each.isin, each.cusip) if value}
        values |= {identifier.strip().upper() for identifier in stated.values()}
        names = {each.name.strip().casefold() for each in named if each.name and not (each.isin or each.ticker)}
        values |= {isin for each in named if each.cusip for isin in _isins_of(each.cusip)}
        self._by_value: dict[str, list[_Meaning]] = defaultdict(list)
        self._isins: dict[int, set[str]] = defaultdict(set)
        self._of_all_days: dict[Naming, Security | None] = {}
        self._are_dated = False
        self._by_name: dict[str, list[Security]] = defaultdict(list)
        for known, security in Securities(work).ever_meant(sorted(values)):
            self._by_value[known.identifier.value].append((known, security))
            self._are_dated |= known.valid_from is not None or known.valid_to is not None
            if known.identifier.id_type is IdentifierType.ISIN:
                self._isins[security.security_id].add(known.identifier.value)
        for security in Securities(work).displayed_as(sorted(names)):
            self._by_name[security.display_name.strip().casefold()].append(security)

    def find(self, naming: Naming, day: date) -> Security | None:
        """The security on a day, or else now; None for one that nobody registered. Refused where names disagree."""
        found = self._of_all_days.get(naming, _NOT_ASKED)
        if isinstance(found, _NotAsked):
            found = self._find(naming, day)
            if not self._are_dated:
                self._of_all_days[naming] = found
        return found

    def _find(self, naming: Naming, day: date) -> Security | None:
        stated = next((self._stated[each] for each in _words(naming) if each in self._stated), None)
        if stated is not None:
            return self._by(stated, day)
        by_isin = self._by(naming.isin, day, IdentifierType.ISIN) or self._by_cusip(naming.cusip, day)
        by_ticker = self._by(naming.ticker, day)
        if by_isin is not None and by_ticker is not None and by_isin.security_id != by_ticker.security_id:
            why = f"{naming.ticker} is {by_ticker.display_name}, and {naming.isin or naming.cusip} is {by_isin.ticker}"
            raise IdentifiersDisagree("ticker", why)
        found = by_isin or by_ticker
        if found is not None:
            self._refuse_another_isin(found, naming)
            return found
        if naming.name and not (naming.isin or naming.ticker):
            several = self._by_name.get(naming.name.strip().casefold(), [])
            if len(several) > 1:
                tickers = ", ".join(each.ticker for each in several)
                raise NameMeansSeveral("name", f"{naming.name!r} is the name of {tickers}; say which: security=")
            return several[0] if several else None
        return None

    def _by(self, value: str | None, day: date, kind: IdentifierType | None = None) -> Security | None:
        meanings = self._by_value.get(value.strip().upper(), []) if value else []
        fitting = [(known, found) for known, found in meanings if kind in (None, known.identifier.id_type)]
        on_day = [each for each in fitting if each[0].holds_on(day)] or [
            each for each in fitting if each[0].valid_to is None
        ]
        on_day.sort(key=lambda each: each[0].identifier.id_type is not IdentifierType.TICKER)
        return on_day[0][1] if on_day else None

    def _by_cusip(self, cusip: str | None, day: date) -> Security | None:
        isins = _isins_of(cusip) if cusip else []
        found = (self._by(isin, day, IdentifierType.ISIN) for isin in isins)
        return self._by(cusip, day, IdentifierType.CUSIP) or next((each for each in found if each is not None), None)

    def _refuse_another_isin(self, found: Security, naming: Naming) -> None:
        """Refuse a ticker whose security is registered with another ISIN than the file gives it."""
        known = self._isins[found.security_id]
        if naming.isin and known and naming.isin.strip().upper() not in known:
            raise IdentifiersDisagree("isin", f"{naming.isin} is not the ISIN of {found.ticker}")


def proposals(drafts: Iterable[Draft]) -> list[Proposal]:
    """A body for each security that is named and unknown; what the file does not say is left out, and said so."""
    by_naming: dict[tuple[str, ...], list[Draft]] = defaultdict(list)
    for each in drafts:
        naming = each.naming
        by_naming[
            tuple(value or "" for value in (naming.isin or naming.cusip or naming.ticker or naming.name,))
        ].append(each)
    return [_proposed(each) for each in by_naming.values()]


def _proposed(drafts: Sequence[Draft]) -> Proposal:
    said: dict[str, Any] = {}
    for each in drafts:
        naming, texts = each.naming, each.texts
        named = [_guessed(naming.ticker), _parsed(IdentifierType.ISIN, naming.isin)]
        for identifier in (*named, _parsed(IdentifierType.CUSIP, naming.cusip)):
            if identifier is not None:
                said.setdefault(identifier.id_type.value.lower(), identifier.value)
        if naming.name:
            said.setdefault("display_name", naming.name[:200])
        currency = texts.get("price_currency") or texts.get("currency")
        if currency and currency != BASE and currency not in SHARED_SIGNS:
            said.setdefault("currency", parse_quoted(currency)[0])
        if kind_of := _TYPES.get(texts.get("asset_type", "").strip().upper()):
            said.setdefault("asset_type", kind_of.value)
    missing = [name for name in ("asset_type", "currency") if name not in said]
    if not said.keys() & {"ticker", "isin", "cusip"}:
        missing.insert(0, "ticker")
    return Proposal(said, sorted({each.line for each in drafts}), missing)


def register(proposed: Sequence[Proposal], base_currency: str, user_id: UUID, work: UnitOfWork) -> None:
    """Register what has a ticker, as what the file says it is, else as an EQUITY in base currency: as was asked for."""
    for each in sorted(proposed, key=lambda one: str(one.body.get("ticker"))):  # one order for all: no deadlock
        body = each.body
        if "ticker" not in body:
            continue
        kind = AssetType(body.get("asset_type", AssetType.EQUITY))
        named = Security(
            0, body["ticker"], kind, body.get("currency", base_currency), body.get("display_name") or body["ticker"]
        )
        identifiers = [Identifier(IdentifierType.TICKER, body["ticker"])]
        if "isin" in body:
            identifiers.append(Identifier(IdentifierType.ISIN, body["isin"]))
        try:
            Securities(work).add(named, identifiers, user_id=user_id)
        except AlreadyExists:  # then a parallel request was first, and has committed
            continue


def unknown(naming: Naming) -> Refusal:
    return UnknownSecurity(naming.ticker or naming.isin or naming.cusip or naming.name or "")


def _guessed(text: str | None) -> Identifier | None:
    try:
        return Identifier.guess(text) if text else None
    except (InvalidIdentifier, InvalidInput):
        return None


def _parsed(kind: IdentifierType, text: str | None) -> Identifier | None:
    """The identifier, if it is a right one: what has a wrong check digit is not proposed."""
    try:
        return Identifier.parse(kind, text) if text else None
    except (InvalidIdentifier, InvalidInput):
        return None


def _isins_of(cusip: str) -> list[str]:
    """The American and the Canadian ISIN that contain a CUSIP."""
    bare = cusip.strip().upper()
    return [
        f"{country}{bare}{isin_check_digit(f'{country}{bare}')}" for country in ("US", "CA") if _CUSIP.fullmatch(bare)
    ]


def _words(naming: Naming) -> list[str]:
    return [each.strip().casefold() for each in (naming.isin, naming.ticker, naming.cusip, naming.name) if each]
