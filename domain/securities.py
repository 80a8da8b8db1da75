"""The security registry: one security, known under several identifiers. Reference data, shared by all users."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.errors import InvalidInput

_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-^=]{0,19}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class AssetType(StrEnum):
    EQUITY = "EQUITY"
    ETF = "ETF"
    BOND = "BOND"
    INDEX = "INDEX"


class PriceKind(StrEnum):
    """What a security's price series is: the price on the screen, or an index with dividends and splits in it."""

    AS_TRADED = "AS_TRADED"
    TOTAL_RETURN = "TOTAL_RETURN"
    PRICE_INDEX = "PRICE_INDEX"


@dataclass(frozen=True, slots=True)
class Security:
    security_id: int
    ticker: str
    asset_type: AssetType
    currency: str
    display_name: str
    price_kind: PriceKind = PriceKind.AS_TRADED

    @property
    def price_factor(self) -> Decimal:
        """What one unit at price 1 is worth: a bond's price is per cent of par."""
        return Decimal("0.01") if self.asset_type is AssetType.BOND else Decimal(1)


def parse_ticker(text: str) -> str:
    """A ticker in capitals: letters, digits and . - ^ =, at most 20 characters."""
    ticker = text.strip().upper()
    if not _TICKER.fullmatch(ticker):
        raise InvalidInput("ticker", f"{text[:40]!r} is not a ticker")
    return ticker


def parse_currency(text: str, name: str = "currency") -> str:
    """An ISO 4217 code in capitals."""
    if not _CURRENCY.fullmatch(text):
        raise InvalidInput(name, f"{text[:10]!r} is not a currency code such as USD")
    return text
