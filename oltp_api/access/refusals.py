"""Answers of the door to those whom it does not let in. A portfolio of strangers is 404, as if it were missing."""

from oltp_api.access.rules import Role, Scope
from storage.web.guard import WebRefusal

NOT_SIGNED_IN = "not_signed_in"
CONFIRMATION_NEEDED = "confirmation_needed"
SECOND_FACTOR_REQUIRED = "second_factor_required"


def not_signed_in() -> WebRefusal:
    detail = "sign in with POST /api/v1/session, or send a token as Authorization: Bearer lkf_..."
    return WebRefusal(401, NOT_SIGNED_IN, detail, [(b"www-authenticate", b"Bearer")])


def token_is_cut() -> WebRefusal:
    detail = "the token is not whole: its checksum does not fit; copy all of it"
    return WebRefusal(401, "token_is_cut", detail, [(b"www-authenticate", b'Bearer error="invalid_token"')])


def scope_is_missing(scope: Scope) -> WebRefusal:
    detail = f"this needs the scope {scope}; make a token that has it"
    return WebRefusal(403, "scope_is_missing", detail)


def administrators_only() -> WebRefusal:
    return WebRefusal(403, "administrators_only", "only an administrator may do this")


def role_is_too_small(role: Role, needed: Role) -> WebRefusal:
    detail = f"you are {role.name} of this portfolio, and this needs {needed.name}; ask its owner"
    return WebRefusal(403, "role_is_too_small", detail)


def token_of_other_portfolios() -> WebRefusal:
    detail = "this token is for some portfolios only, and this is about more than one; use another token"
    return WebRefusal(403, "token_of_some_portfolios", detail)


def sign_in_in_person() -> WebRefusal:
    return WebRefusal(403, "session_needed", "a token may not do this; sign in and do it yourself")


def confirm_first() -> WebRefusal:
    detail = "give your password again with POST /api/v1/session/confirmation, and repeat this within ten minutes"
    return WebRefusal(403, CONFIRMATION_NEEDED, detail)


def second_factor_required() -> WebRefusal:
    detail = "a second factor is required here; set one up with POST /api/v1/me/second-factor, or on /second-factor"
    return WebRefusal(403, SECOND_FACTOR_REQUIRED, detail)
