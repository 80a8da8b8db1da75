"""The currencies that money can be in: ISO 4217's, with their smallest units, and the minor units that are quoted in.

Source: ISO 4217, list one (current currencies and funds) as the maintenance agency, SIX, publishes it, as of 2026-01,
without funds, metals, bond units and the codes for testing and for none; and of list three (historic ones) those that
the European Central Bank has published a rate of since 1999, for there are ledgers of their time.
"""

from collections.abc import Mapping
from decimal import Decimal

from domain.errors import InvalidInput

_CURRENT = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF
SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU
UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
_HISTORIC = "BGN CYP EEK HRK LTL LVL MTL ROL SIT SKK TRL"
CURRENCIES = frozenset((_CURRENT + _HISTORIC).split())
MINOR_UNITS: Mapping[str, str] = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Hundredths in which an exchange quotes, and what they are hundredths of: a way to write a price or an amount, which
is divided at the door. Money itself, a balance or a base currency, is never in them."""
DOLLARS = frozenset({"USD", "CAD", "AUD", "HKD", "NZD", "SGD", "TWD"})
"""Dollars, each of which may be written with a $ alone."""
HUNDREDTH = Decimal("0.01")
_ONE = Decimal(1)
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF TRL UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_THOUSANDTHS.split(), 3)
"""Decimals of the currencies that have not two."""
_SMALLEST = {currency: Decimal(1).scaleb(-_DIGITS.get(currency, 2)) for currency in CURRENCIES}
_OF_OLD_ROWS = Decimal("0.00000001")


class UnknownCurrency(InvalidInput):
    code = "unknown_currency"

    def __init__(self, name: str, text: str, whole: str | None) -> None:
        shown = ascii(text[:10])
        why = f"{shown} is no currency of ISO 4217, such as USD"
        super().__init__(name, f"{shown} is quoted in hundredths; state it in {whole}" if whole else why)
        self.facts["given"] = text[:10]


def parse_currency(text: str, name: str = "currency") -> str:
    """`text` if it is the code of a currency; UnknownCurrency otherwise."""
    if text not in CURRENCIES:
        raise UnknownCurrency(name, text, MINOR_UNITS.get(text))
    return text


def parse_quoted(text: str, name: str = "currency") -> tuple[str, Decimal]:
    """The currency that `text` stands for, and what one of it is there: 1, or 0.01 for a minor unit."""
    return (MINOR_UNITS[text], HUNDREDTH) if text in MINOR_UNITS else (parse_currency(text, name), _ONE)


def smallest_unit(currency: str) -> Decimal:
    """The least that can be paid: 0.01 dollars, 1 yen; of what old rows have besides, 8 decimals."""
    return _SMALLEST.get(currency, _OF_OLD_ROWS)
