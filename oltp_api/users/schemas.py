"""Bodies and views of users, sessions, tokens, invitations and the audit log."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, SecretStr, StringConstraints

from oltp_api.access.rules import Scope
from oltp_api.users.passwords import LONGEST, SHORTEST
from oltp_api.web.fields import Moment, ShortText
from oltp_api.web.schemas import Request, View

Email = Annotated[
    ShortText,
    StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$", max_length=254),
    AfterValidator(str.lower),
    Field(description="Compared in lower case.", examples=["ada@example.org"]),
]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=SHORTEST, max_length=LONGEST, description="15 characters or more are advised.", examples=["..."]),
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST, examples=["..."])]
Code = Annotated[SecretStr, Field(min_length=1, max_length=100, description="Of the link.", examples=["..."])]
FactorCode = Annotated[
    SecretStr,
    Field(
        min_length=6,
        max_length=60,
        description="Six digits of the authenticator, or a recovery code.",
        examples=["123456"],
    ),
]
Name = Annotated[ShortText, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


def _example(**members: JsonValue) -> ConfigDict:
    """The configuration of a body that shows it."""
    return ConfigDict(json_schema_extra={"examples": [members]})


def secret_or_none(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


class SignInRequest(Request):
    email: Email
    password: Password
    code: FactorCode | None = Field(None, description="Of the second factor, for who has one.")
    model_config = _example(email="ada@example.org", password="...")


class ConfirmationRequest(Request):
    password: Password
    code: FactorCode | None = Field(None, description="Of the second factor, for who has one.")
    model_config = _example(password="...")


class RegistrationRequest(Request):
    code: Code
    email: Email
    display_name: Name
    password: NewPassword
    model_config = _example(code="...", email="ada@example.org", display_name="Ada", password="...")


class PasswordReset(Request):
    """A lost password, by the link that an administrator has made."""

    code: Code
    password: NewPassword
    model_config = _example(code="...", password="...")


class PasswordChange(Request):
    password: NewPassword
    model_config = _example(password="...")


class UserEdit(Request):
    display_name: Name | None = None
    email: Email | None = Field(None, description="Needs a confirmed session.")
    model_config = _example(display_name="Ada L.", email="ada@example.org")


class UserView(View):
    user_id: UUID
    email: str
    display_name: str
    is_admin: bool
    is_operator_viewer: bool = Field(description="Sees the Dagster UI, read-only.")
    disabled_at: datetime | None
    created_at: datetime


class ListedUser(UserView):
    portfolios: int = Field(description="How many there are; an administrator reads none without a grant.")


class UserList(View):
    items: list[ListedUser]


class UserState(Request):
    """Changes that an administrator makes to a user; what is left out stays."""

    is_disabled: bool | None = Field(None, description="Sessions and tokens of a disabled user end at once.")
    is_admin: bool | None = None
    is_operator_viewer: bool | None = Field(None, description="Sees the Dagster UI, read-only; administrators use it.")
    model_config = _example(is_disabled=True)


class SessionView(View):
    session_id: UUID
    user_agent: str
    address: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    is_this: bool = Field(description="The one that asks.")


class SessionList(View):
    items: list[SessionView]


class InvitationRequest(Request):
    email: Email | None = Field(None, description="Only this address may register; without one, whoever has the link.")
    model_config = _example(email="bob@example.org")


class InvitationView(View):
    invitation_id: UUID
    email: str | None
    created_at: datetime
    ends_at: datetime


class InvitationList(View):
    items: list[InvitationView]


class LinkView(View):
    """A link that is shown this once: give it to who it is for."""

    link: str
    code: str
    ends_at: datetime


class PasswordLinkRequest(Request):
    removes_second_factor: bool = Field(False, description="For who has lost the authenticator and the recovery codes.")
    model_config = _example(removes_second_factor=True)


class SecondFactorView(View):
    since: datetime | None = Field(description="Since when a code is asked for; null if none is.")
    recovery_codes: int = Field(description="How many are left.")


class SecondFactorMade(View):
    """A secret that is shown this once; it counts once a first code has confirmed it."""

    secret: str
    address: str = Field(description="The same for an authenticator to read.")


class FactorCodeRequest(Request):
    code: FactorCode
    model_config = _example(code="123456")


class RecoveryCodes(View):
    """Codes that are shown this once, each good once in place of an authenticator's."""

    codes: list[str]


class IdentityView(View):
    issuer: str | None = Field(description="The provider that signs you in; null if none does.")
    linked_at: datetime | None


class TokenRequest(Request):
    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    portfolio_ids: list[UUID] | None = Field(None, max_length=100, description="These only; left out, all of yours.")
    ends_at: Moment | None = Field(None, description="Left out, it stands until you end it.")
    model_config = _example(name="notebook", scopes=["read"], ends_at="2026-12-29T09:30:00Z")


class TokenView(View):
    token_id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    portfolio_ids: list[UUID] | None
    created_at: datetime
    ends_at: datetime | None
    last_used_at: datetime | None


class TokenList(View):
    items: list[TokenView]


class TokenMade(View):
    token_id: UUID
    token: str = Field(description="Shown this once; only its hash is kept.")


class EventView(View):
    """An event of the audit log: who did what to which portfolio. It has no amounts."""

    event_id: int
    at: datetime
    user_id: UUID | None
    session_id: UUID | None
    token_id: UUID | None
    action: str
    portfolio_id: UUID | None
    subject: str | None
    correlation_id: str | None


class EventPage(View):
    items: list[EventView]
    next_cursor: int | None
