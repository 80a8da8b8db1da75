"""Secrets that sign a request: random, told once, stored as a hash, and known by their form before anything is asked.

256 random bits need no slow hash. A token of ours begins with `lkf_` and ends with a checksum, so that scanners find it
in what should not have it, and so that a cut one is called that without a look at the database.
"""

import secrets
import zlib
from base64 import urlsafe_b64encode

TOKEN = "lkf_"
_CHECK = 6
_SHOWN = 10


def new_secret() -> str:
    """256 random bits in 43 characters."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    body = new_secret()
    return f"{TOKEN}{body}{_checksum(body)}"


def is_whole(token: str) -> bool:
    """True for a token of ours as it was told, by its checksum."""
    body, check = token[len(TOKEN) : -_CHECK], token[-_CHECK:]
    return token.startswith(TOKEN) and len(body) == 43 and _checksum(body) == check


def prefix_of(token: str) -> str:
    """The beginning of a token, by which its user knows it again."""
    return token[:_SHOWN]


def _checksum(body: str) -> str:
    return urlsafe_b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode()[:_CHECK]
