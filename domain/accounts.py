"""Accounts: where a user's units are held. Each has an identifier of its owner's choice."""

import re
from enum import StrEnum

from domain.errors import InvalidInput

MAIN_ACCOUNT = "MAIN"
"""The one that everybody has; what names no account is in it."""
_IDENTIFIER = re.compile(r"(?=.*\w)[\w*#.][\w .\-*#:()&+]{0,63}")


class AccountType(StrEnum):
    BROKERAGE = "BROKERAGE"
    RETIREMENT = "RETIREMENT"
    CUSTODY = "CUSTODY"
    BANK = "BANK"


def parse_account_identifier(text: str) -> str:
    """Letters, digits, spaces and `. - _ * # : ( ) & +`, trimmed, at most 64: it is part of an address.

    Brokers mask numbers of accounts as U***00001 or #1234, and a file has to find its account by that.
    """
    identifier = text.strip()
    if not _IDENTIFIER.fullmatch(identifier):
        raise InvalidInput("identifier", "must be 1 to 64 letters, digits, spaces, or . - _ * # : ( ) & +")
    return identifier


def parse_broker(text: str) -> str:
    """A broker's name, trimmed; empty or over 200 characters is refused."""
    broker = text.strip()
    if not 1 <= len(broker) <= 200:
        raise InvalidInput("broker", "must have 1 to 200 characters")
    return broker
