"""A provider that people may sign in with beside their passwords: what is asked of it, and what it answers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from storage.settings import Settings
from storage.web.guard import WebRefusal


def provider_unavailable(host: str) -> WebRefusal:
    detail = f"{host} does not answer as it should; try again later, or sign in with your password"
    return WebRefusal(503, "provider_unavailable", detail, [(b"retry-after", b"30")])


def provider_not_believed(why: str) -> WebRefusal:
    detail = f"the provider's answer is refused ({why}); nothing was stored, begin again"
    return WebRefusal(401, "provider_not_believed", detail)


@dataclass(frozen=True, slots=True)
class OAuthTokens:
    """Tokens that a provider gives for a code."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OAuthUserInfo:
    """A person as the provider knows them; `authenticated_at` if it says when they signed in there."""

    issuer: str
    subject: str
    verified_email: str | None
    name: str
    authenticated_at: datetime | None


class Provider(Protocol):
    """One issuer, and this application as its client; `host` is what people see of it."""

    @property
    def host(self) -> str: ...

    async def address(self, redirect_uri: str, state: str, nonce: str, code_verifier: str) -> str:
        """Where a browser goes to sign in; a provider that takes `max_age` asks for the password that long after."""

    async def check_issuer(self, said: str | None) -> None:
        """Refuse an answer of another issuer than the one that was asked (RFC 9207)."""

    async def exchange(self, code: str, redirect_uri: str, code_verifier: str) -> OAuthTokens:
        """The tokens for a code, which the provider gives once."""

    async def user_info(self, tokens: OAuthTokens, nonce: str, now: datetime) -> OAuthUserInfo:
        """The person whom the tokens are about, once everything in the ID token is as it must be."""


def provider_of(settings: Settings) -> Provider | None:
    """The provider that the settings name; None if people sign in with passwords alone."""
    if not (settings.oidc_issuer and settings.oidc_client_id and settings.oidc_client_secret):
        return None
    from oltp_api.users.openid_connect import OpenIDProvider  # a tenth of a second and 12 MB, for who has one

    return OpenIDProvider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)
