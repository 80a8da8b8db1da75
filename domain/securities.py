"""The security registry: one security, known under several identifiers. Reference data, shared by all users.

A user may add what is missing. What is known is neither rewritten nor redirected.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self, TypeVar

from domain.bond_terms import BondDetails, refuse_unscheduled
from domain.errors import AlreadyKnown, InvalidIdentifier, InvalidInput
from domain.limits import MOST_EXPENSE_BPS, refuse_beyond
from domain.money import refuse_negative

_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-^=]{0,19}")
_CUSIP = re.compile(r"[A-Z0-9*@#]{8}[0-9]")
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_REFERENCE = re.compile(r"[A-Z0-9*@#][A-Z0-9.\-^=*@#]{0,19}")
_SECURITY_ID = re.compile(r"[0-9]{1,18}")
_PER_CENT = Decimal("0.01")
_ONE = Decimal(1)


class AssetType(StrEnum):
    EQUITY = "EQUITY"
    ETF = "ETF"
    FUND = "FUND"
    BOND = "BOND"
    INDEX = "INDEX"


class PriceKind(StrEnum):
    """Kind of a price series: the price on the screen, or an index with splits in it, and dividends if TOTAL_RETURN."""

    AS_TRADED = "AS_TRADED"
    TOTAL_RETURN = "TOTAL_RETURN"
    PRICE_INDEX = "PRICE_INDEX"


class IdentifierType(StrEnum):
    TICKER = "TICKER"
    CUSIP = "CUSIP"
    ISIN = "ISIN"


@dataclass(frozen=True, slots=True)
class Identifier:
    id_type: IdentifierType
    value: str

    @classmethod
    def parse(cls, id_type: IdentifierType, text: str) -> Self:
        """The identifier in capitals; refused if its form or its check digit is wrong."""
        value = text.strip().upper()
        if id_type is IdentifierType.TICKER:
            parse_ticker(value)
            if _is_isin(value):
                raise InvalidIdentifier(id_type, value, "is an ISIN, and is registered as one")
        elif not (_ISIN if id_type is IdentifierType.ISIN else _CUSIP).fullmatch(value):
            raise InvalidIdentifier(id_type, value, f"does not have the form of one, such as {_EXAMPLES[id_type]}")
        else:
            digit = (isin_check_digit if id_type is IdentifierType.ISIN else cusip_check_digit)(value[:-1])
            if value[-1] != digit:
                raise InvalidIdentifier(id_type, value, f"is mistyped: its check digit would be {digit}")
        return cls(id_type, value)

    @classmethod
    def guess(cls, text: str) -> Self:
        """Return what `text` names by itself: a right ISIN, a right CUSIP that begins with a digit, else a ticker."""
        value = text.strip().upper()
        if _is_isin(value):
            return cls(IdentifierType.ISIN, value)
        # A foreign CUSIP begins with a letter, and so do tickers of nine characters; those are left tickers.
        if _CUSIP.fullmatch(value) and value[0].isdigit() and value[-1] == cusip_check_digit(value[:-1]):
            return cls(IdentifierType.CUSIP, value)
        return cls.parse(IdentifierType.TICKER, value)

    def contradicts(self, other: "Identifier") -> bool:
        """Say whether one is an ISIN that contains another CUSIP than the other is; US and Canadian ones do."""
        values = {one.id_type: one.value for one in (self, other)}
        isin, cusip = values.get(IdentifierType.ISIN), values.get(IdentifierType.CUSIP)
        return isin is not None and cusip is not None and isin[:2] in ("US", "CA") and isin[2:11] != cusip


_EXAMPLES = {IdentifierType.ISIN: "US0378331005", IdentifierType.CUSIP: "037833100"}


@dataclass(frozen=True, slots=True)
class KnownIdentifier:
    """A name of one security from `valid_from` until before `valid_to`; None is since ever, or until further notice."""

    identifier: Identifier
    is_primary: bool
    valid_from: date | None = None
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: "KnownIdentifier") -> bool:
        return all(
            earlier.valid_from is None or later.valid_to is None or earlier.valid_from < later.valid_to
            for earlier, later in ((self, other), (other, self))
        )

    def is_of_another_time(self, other: "KnownIdentifier") -> bool:
        """Say whether this one follows `other`, which began earlier, or ends where `other` goes on."""
        follows = self.valid_from is not None and (other.valid_from is None or other.valid_from < self.valid_from)
        precedes = self.valid_to is not None and (other.valid_to is None or other.valid_to > self.valid_to)
        return follows or precedes


def joined(
    identifier: Identifier,
    known: Sequence[KnownIdentifier],
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> KnownIdentifier:
    """`identifier` as one more name of a security that is `known` so; the first of its type that lasts is primary.

    A security may have several tickers, but one ISIN and one CUSIP at a time, and these must agree. One that is valid
    from a later day follows those before it, and one that is valid until a day came before.
    """
    if valid_from and valid_to and valid_from >= valid_to:
        raise InvalidInput("valid_to", "must be after valid_from")
    same_type = [other for other in known if other.identifier.id_type is identifier.id_type]
    is_primary = valid_to is None and not any(other.is_primary for other in same_type)
    new = KnownIdentifier(identifier, is_primary, valid_from, valid_to)
    if identifier.id_type is not IdentifierType.TICKER:
        for other in same_type:
            if other.overlaps(new) and other.identifier != identifier and not new.is_of_another_time(other):
                raise AlreadyKnown(identifier.id_type.lower(), other.identifier.value)
    for other in known:
        if other.overlaps(new) and identifier.contradicts(other.identifier) and not new.is_of_another_time(other):
            raise InvalidIdentifier(identifier.id_type, identifier.value, f"contradicts {other.identifier.value}")
    return new


@dataclass(frozen=True, slots=True)
class Reference:
    """How somebody points at a security: by any identifier, by one of a type, or by our own id."""

    value: str | None = None
    id_type: IdentifierType | None = None
    security_id: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `AAPL` or `US0378331005` (whatever it is), `ISIN:US0378331005`, or `id:17`."""
        kind, colon, rest = text.strip().rpartition(":")
        if kind.lower() == "id" and _SECURITY_ID.fullmatch(rest):
            return cls(security_id=int(rest))
        if colon and kind.upper() in IdentifierType.__members__:
            named = Identifier.parse(IdentifierType[kind.upper()], rest)
            return cls(named.value, named.id_type)
        if colon or not _REFERENCE.fullmatch(rest.upper()):
            raise InvalidInput("identifier", f"{text[:40]!r} is not a ticker, ISIN, CUSIP or id:<number>")
        return cls(rest.upper())


@dataclass(frozen=True, slots=True)
class Security:
    """`ticker` is what it is called: its primary ticker, or its ISIN or CUSIP if it has none."""

    security_id: int
    ticker: str
    asset_type: AssetType
    currency: str
    display_name: str
    price_kind: PriceKind = PriceKind.AS_TRADED

    @property
    def price_factor(self) -> Decimal:
        """Value of one unit per 1 of price: a bond's units are face amount, its price per cent of par."""
        return _PER_CENT if self.asset_type is AssetType.BOND else _ONE


@dataclass(frozen=True, slots=True)
class EquityDetails:
    exchange: str | None = None
    country: str | None = None
    sector: str | None = None
    industry: str | None = None


@dataclass(frozen=True, slots=True)
class FundDetails:
    fund_family: str | None = None
    category: str | None = None
    distribution: str | None = None
    expense_ratio_bps: Decimal | None = None

    def __post_init__(self) -> None:
        if self.expense_ratio_bps is not None:
            refuse_negative("expense_ratio_bps", self.expense_ratio_bps)
            refuse_beyond("expense_ratio_bps", self.expense_ratio_bps, MOST_EXPENSE_BPS)


Details = EquityDetails | FundDetails | BondDetails
AnyDetails = TypeVar("AnyDetails", EquityDetails, FundDetails, BondDetails)

_BELONG_TO: Mapping[type[Details], tuple[AssetType, ...]] = {
    EquityDetails: (AssetType.EQUITY, AssetType.ETF),
    FundDetails: (AssetType.FUND, AssetType.ETF),
    BondDetails: (AssetType.BOND,),
}


def completed(
    kind: type[AnyDetails], asset_type: AssetType, known: AnyDetails | None, given: Mapping[str, Any]
) -> AnyDetails:
    """`known` with what it lacked filled in from `given`; a fact that is known otherwise is not rewritten."""
    stated = {name: value for name, value in given.items() if value is not None}
    if asset_type not in _BELONG_TO[kind]:
        owners = " and ".join(_BELONG_TO[kind])
        raise InvalidInput(next(iter(stated)), f"does not belong to a security of type {asset_type}, only to {owners}")
    facts = asdict(known) if known else {}
    for name, value in stated.items():
        if facts.get(name) not in (None, value):
            raise AlreadyKnown(name, facts[name])
    facts |= stated
    for field in fields(kind):
        if field.default is MISSING and field.name not in facts:
            raise InvalidInput(field.name, "is required: without it the terms are not known")
    details = kind(**facts)
    if isinstance(details, BondDetails):
        assert known is None or isinstance(known, BondDetails)
        refuse_unscheduled(details, known)
    return details


def usual_price_kind(asset_type: AssetType) -> PriceKind:
    return PriceKind.PRICE_INDEX if asset_type is AssetType.INDEX else PriceKind.AS_TRADED


def parse_ticker(text: str) -> str:
    """A ticker in capitals: letters, digits and . - ^ =, at most 20 characters."""
    ticker = text.strip().upper()
    if not _TICKER.fullmatch(ticker):
        raise InvalidInput("ticker", f"{text[:40]!r} is not a ticker")
    return ticker


def cusip_check_digit(first_eight: str) -> str:
    """The ninth character (ANSI X9.6): every second value is doubled, and digits are summed."""
    values = (_CUSIP_VALUES.index(character) * (1 + index % 2) for index, character in enumerate(first_eight))
    return str(-sum(value // 10 + value % 10 for value in values) % 10)


def isin_check_digit(first_eleven: str) -> str:
    """The twelfth character (ISO 6166): letters become two digits, and the last digit and every second are doubled."""
    digits = "".join(str(int(character, 36)) for character in first_eleven)
    values = (int(digit) * (2 - index % 2) for index, digit in enumerate(reversed(digits)))
    return str(-sum(value // 10 + value % 10 for value in values) % 10)


_CUSIP_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"


def _is_isin(value: str) -> bool:
    return bool(_ISIN.fullmatch(value)) and value[-1] == isin_check_digit(value[:-1])
