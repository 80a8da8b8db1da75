"""Identifiers that belong to each ticker, as bundled: nobody gives them to another security.

What no source knows belongs to the security that it is added to first; who added it may take it back (`Withdrawal`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.errors import Conflict, InvalidIdentifier, NotFound
from domain.securities import Identifier, IdentifierType, cusip_check_digit, isin_check_digit

_NORTH_AMERICA = ("US", "CA")


class ListedElsewhere(Conflict):
    code = "listed_elsewhere"

    def __init__(self, value: str, ticker: str) -> None:
        super().__init__(f"{value} is {ticker}'s, as is bundled with its source", given=value, ticker=ticker)


class IdentifierNotFound(NotFound):
    code = "identifier_not_found"

    def __init__(self, security: str, value: str) -> None:
        super().__init__(f"{security} is not known as {value!r}", identifier=value)


class NotYourIdentifier(Conflict):
    code = "not_your_identifier"

    def __init__(self, value: str) -> None:
        super().__init__(f"{value} is bundled, or was added by somebody else, who alone can take it back", given=value)


class IdentifierInUse(Conflict):
    code = "identifier_in_use"

    def __init__(self, value: str) -> None:
        super().__init__(f"since {value} was added, something was recorded of its security, so it stays", given=value)


class LastIdentifier(Conflict):
    code = "last_identifier"

    def __init__(self, value: str) -> None:
        super().__init__(f"{value} is all that its security is known by; add the right one first", given=value)


@dataclass(frozen=True, slots=True)
class Listing:
    """The ticker that each bundled identifier belongs to; of an ISIN that contains a CUSIP, that one too."""

    tickers: Mapping[str, str]

    @classmethod
    def of(cls, isins: Mapping[str, str]) -> "Listing":
        """From the ticker of every ISIN."""
        tickers = dict(isins)
        for isin, ticker in isins.items():
            for other in counterparts(Identifier(IdentifierType.ISIN, isin)):
                tickers[other.value] = ticker
        return cls(tickers)

    def refuse(self, identifier: Identifier, names: Collection[str], is_current: bool = True) -> None:
        """Refuse `identifier` for a security with these `names` if it is another's, or theirs is another."""
        ticker = self.tickers.get(identifier.value)
        if ticker is not None and ticker not in names:
            raise ListedElsewhere(identifier.value, ticker)
        if ticker is None and is_current and identifier.id_type is not IdentifierType.TICKER:
            for value, owner in self.tickers.items():
                if owner in names and len(value) == len(identifier.value):
                    raise InvalidIdentifier(identifier.id_type, identifier.value, f"is not {owner}'s, which is {value}")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An identifier that is to be taken back, and what speaks for its staying."""

    value: str
    added_by: UUID | None
    is_used: bool
    is_last: bool

    def refuse(self, user_id: UUID) -> None:
        """Refuse it to all but who added it, once it is used, and if nothing else names its security."""
        if self.added_by != user_id:
            raise NotYourIdentifier(self.value)
        if self.is_used:
            raise IdentifierInUse(self.value)
        if self.is_last:
            raise LastIdentifier(self.value)


def counterparts(identifier: Identifier) -> Sequence[Identifier]:
    """Return the CUSIP in an ISIN of the US or Canada, or the ISINs around a CUSIP: each names the same security."""
    if identifier.id_type is IdentifierType.ISIN and identifier.value[:2] in _NORTH_AMERICA:
        cusip = identifier.value[2:11]
        return [Identifier(IdentifierType.CUSIP, cusip)] if cusip[-1] == cusip_check_digit(cusip[:-1]) else []
    if identifier.id_type is IdentifierType.CUSIP and identifier.value.isalnum():
        isins = (country + identifier.value for country in _NORTH_AMERICA)
        return [Identifier(IdentifierType.ISIN, isin + isin_check_digit(isin)) for isin in isins]
    return []
