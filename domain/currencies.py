"""The currencies that money can be in: ISO 4217's, and the minor units that exchanges quote in.

Source: ISO 4217, list one (current currencies and funds) as the maintenance agency, SIX, publishes it, as of 2026-01,
without funds, metals, bond units and the codes for testing and for none; and of list three (historic ones) those that
the European Central Bank has published a rate of since 1999, for there are ledgers of their time.
"""

from collections.abc import Mapping

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
"""Hundredths in which an exchange quotes, and what they are hundredths of. Money itself is never in them."""


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
