"""Codes of an authenticator as a second factor (RFC 6238 by pyotp), and recovery codes for who has lost it.

A time step is used once, by an update that a second user of it finds done. A recovery code has 120 random bits, so a
plain hash keeps it. SQL in `second_factors.sql`.
"""

import secrets
from base64 import b32encode
from datetime import datetime
from hmac import compare_digest
from uuid import UUID

import pyotp
import segno

from domain.errors import Conflict, InvalidInput
from oltp_api.users.repository import Rows
from storage.queries import statements
from storage.web.sessions import hash_of

RECOVERY_CODES = 10
_STEP_S = 30
_ISSUER = "Lakefolio"


class SecondFactorExists(Conflict):
    code = "second_factor_exists"

    def __init__(self) -> None:
        super().__init__("you have a second factor; remove it before you add another one")


class NoSecondFactor(Conflict):
    code = "no_second_factor"

    def __init__(self) -> None:
        super().__init__("there is no second factor; add one with POST /api/v1/me/second-factor")


class SecondFactors(Rows):
    _statements = statements("oltp_api/users/second_factors.sql")

    def add(self, user_id: UUID) -> str:
        """A new secret, which counts once a first code has confirmed it; one that was not confirmed is replaced."""
        if self.is_on(user_id):
            raise SecondFactorExists
        self._do("remove_unconfirmed", user_id=user_id)
        secret = pyotp.random_base32()
        self._do("add", user_id=user_id, secret=secret)
        return secret

    def confirm(self, user_id: UUID, code: str) -> list[str]:
        """The recovery codes of a second factor that counts from now on; they are told this once."""
        found = self._first("second_factor", user_id=user_id)
        if found is None:
            raise NoSecondFactor
        if found["confirmed_at"] is not None:
            raise SecondFactorExists
        if not self._use_step(user_id, found["secret"], code):
            raise InvalidInput("code", "is not the one that an authenticator shows now; look at its clock")
        self._do("confirm", user_id=user_id)
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        self._do("add_recovery_codes", user_id=user_id, hashes=[hash_of(_plain(each)) for each in codes])
        return codes

    def is_on(self, user_id: UUID) -> bool:
        return self.since(user_id)[0] is not None

    def since(self, user_id: UUID) -> tuple[datetime | None, int]:
        """Since when a second factor is asked for, None if none is; and how many recovery codes are left."""
        found = self._first("second_factor", user_id=user_id)
        if found is None or found["confirmed_at"] is None:
            return None, 0
        return found["confirmed_at"], found["recovery_codes"]

    def use(self, user_id: UUID, code: str) -> bool:
        """True if it is the code of this time step or of one beside it, or a recovery code; it is used up."""
        found = self._first("second_factor", user_id=user_id)
        if found is None:
            return False
        return self._use_step(user_id, found["secret"], code) or bool(
            self._do("use_recovery_code", user_id=user_id, code_hash=hash_of(_plain(code)))
        )

    def remove(self, user_id: UUID) -> bool:
        return bool(self._do("remove", user_id=user_id))

    def _use_step(self, user_id: UUID, secret: str, code: str) -> bool:
        step = step_of(secret, code, self.now)
        return step is not None and bool(self._do("use_step", user_id=user_id, step=step))


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step of `now`, if `code` is the one that belongs to it: a code lives for those 30 s and no longer."""
    step = int(now.timestamp()) // _STEP_S
    is_right = compare_digest(pyotp.TOTP(secret).at(step * _STEP_S).encode(), _plain(code).encode())
    return step if is_right else None


def address_of(secret: str, email: str) -> str:
    """The otpauth:// address that authenticators read."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)


def picture_of(address: str) -> str:
    """The address as a QR code, an SVG for a page: an authenticator's camera reads it, and no other host is asked."""
    code = segno.make(address, micro=False)
    return code.svg_inline(scale=4, light="#fff", svgclass=None, lineclass=None, title="QR code for an authenticator")


def _recovery_code() -> str:
    text = b32encode(secrets.token_bytes(15)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _plain(code: str) -> str:
    """A code as it was told, however it was typed."""
    return code.replace(" ", "").replace("-", "").lower()
