"""A provider of OpenID Connect: Authlib's protocol, over httpx.

It is believed by an ID token alone, signed by a key that it publishes and by an asymmetric algorithm that it declares,
for this issuer, this client and the nonce of one browser. What a token's own header offers as a key is not looked at.
Tokens are used within the request that fetched them, and stored nowhere.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from cachetools import TTLCache
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from pydantic import BaseModel, ValidationError

from oltp_api.access.door import CONFIRMED_FOR
from oltp_api.users.provider import OAuthTokens, OAuthUserInfo, provider_not_believed, provider_unavailable

_ASYMMETRIC = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
)
_DISCOVERY = "/.well-known/openid-configuration"
_KNOWN_FOR_S = 600.0
_PATIENCE_S = 5.0
_LEEWAY_S = 30


class _Metadata(BaseModel):
    """A provider's discovery document, as far as it is needed here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False


class OpenIDProvider:
    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self.issuer = issuer
        self.host = urlsplit(issuer).netloc
        self._client_id = client_id
        self._client_secret = client_secret
        self._tls = httpx.create_ssl_context()
        self._known: TTLCache[str, Any] = TTLCache(2, _KNOWN_FOR_S)

    async def address(self, redirect_uri: str, state: str, nonce: str, code_verifier: str) -> str:
        metadata = await self._metadata()
        address: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._client_id,
            "code",
            redirect_uri,
            "openid email profile",
            state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(code_verifier),
            code_challenge_method="S256",
            max_age=str(int(CONFIRMED_FOR / timedelta(seconds=1))),
        )
        return address

    async def check_issuer(self, said: str | None) -> None:
        is_promised = (await self._metadata()).authorization_response_iss_parameter_supported
        if said != self.issuer and (said is not None or is_promised):
            raise provider_not_believed("issuer")

    async def exchange(self, code: str, redirect_uri: str, code_verifier: str) -> OAuthTokens:
        metadata = await self._metadata()
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=code_verifier
        )
        offered = metadata.token_endpoint_auth_methods_supported
        method = "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        form = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        url, headers, body = ClientAuth(self._client_id, self._client_secret, method).prepare(
            "POST", metadata.token_endpoint, form, body
        )
        answer = await self._asked("POST", url, headers=headers, content=body)
        if answer.status_code != httpx.codes.OK:
            raise provider_not_believed("code")
        members = self._members(answer)
        id_token, access_token = members.get("id_token"), members.get("access_token")
        if not (isinstance(id_token, str) and isinstance(access_token, str)):
            raise provider_not_believed("no ID token")
        return OAuthTokens(id_token, access_token)

    async def user_info(self, tokens: OAuthTokens, nonce: str, now: datetime) -> OAuthUserInfo:
        metadata = await self._metadata()
        claims = await self._claims(tokens, nonce, now)
        told = dict(claims)
        if "email" not in told and metadata.userinfo_endpoint is not None:
            told = {**await self._told_beside(metadata.userinfo_endpoint, tokens, claims["sub"]), **claims}
        email, name, at = told.get("email"), told.get("name"), claims.get("auth_time")
        is_verified = isinstance(email, str) and told.get("email_verified") is True
        return OAuthUserInfo(
            self.issuer,
            claims["sub"],
            str(email).lower() if is_verified else None,
            name if isinstance(name, str) else "",
            datetime.fromtimestamp(at, UTC) if at and 0 < at <= now.timestamp() else None,
        )

    async def _claims(self, tokens: OAuthTokens, nonce: str, now: datetime) -> Mapping[str, Any]:
        token = await self._signed(tokens.id_token)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": self.issuer}},
            {"nonce": nonce, "client_id": self._client_id, "access_token": tokens.access_token},
        )
        try:
            claims.validate(int(now.timestamp()), _LEEWAY_S)
        except JoseError as error:
            raise provider_not_believed(str(getattr(error, "claim", None) or error.error)) from error
        subject = claims["sub"]
        if claims["aud"] not in (self._client_id, [self._client_id]):
            raise provider_not_believed("audience")
        if not (isinstance(subject, str) and 0 < len(subject) <= 255 and subject.isascii() and subject.isprintable()):
            raise provider_not_believed("subject")
        return dict(claims)

    async def _signed(self, id_token: str) -> jwt.Token:
        """The ID token, whose signature is right; a key that is new since its keys were read is asked for once."""
        algorithms = [
            each for each in (await self._metadata()).id_token_signing_alg_values_supported if each in _ASYMMETRIC
        ]
        try:
            try:
                return jwt.decode(id_token, await self._keys(), algorithms)
            except InvalidKeyIdError:
                self._known.pop("keys", None)
                return jwt.decode(id_token, await self._keys(), algorithms)
        except (JoseError, ValueError) as error:
            raise provider_not_believed("signature") from error

    async def _keys(self) -> KeySet:
        if "keys" not in self._known:
            answer = await self._asked("GET", (await self._metadata()).jwks_uri)
            try:
                self._known["keys"] = KeySet.import_key_set(cast(KeySetSerialization, self._members(answer)))
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise provider_unavailable(self.host) from error
        keys: KeySet = self._known["keys"]
        return keys

    async def _told_beside(self, url: str, tokens: OAuthTokens, subject: str) -> Mapping[str, Any]:
        answer = await self._asked("GET", url, headers={"authorization": f"Bearer {tokens.access_token}"})
        told = self._members(answer)
        if told.get("sub") != subject:
            raise provider_not_believed("subject")
        return told

    async def _metadata(self) -> _Metadata:
        if "metadata" not in self._known:
            answer = await self._asked("GET", self.issuer.rstrip("/") + _DISCOVERY)
            try:
                found = _Metadata.model_validate(self._members(answer))
            except ValidationError as error:
                raise provider_unavailable(self.host) from error
            self._check(found)
            self._known["metadata"] = found
        metadata: _Metadata = self._known["metadata"]
        return metadata

    def _check(self, found: _Metadata) -> None:
        """Refuse what another issuer says, and addresses without TLS where the issuer has it."""
        scheme = f"{urlsplit(self.issuer).scheme}://"
        addresses = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint]
        if found.issuer != self.issuer or not all(each.startswith(scheme) for each in addresses if each is not None):
            raise provider_unavailable(self.host)

    async def _asked(self, method: str, url: str, **request: Any) -> httpx.Response:
        try:
            async with httpx.AsyncClient(verify=self._tls, timeout=_PATIENCE_S) as client:
                answer = await client.request(method, url, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise provider_unavailable(self.host) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise provider_unavailable(self.host)
        return answer

    def _members(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            members = answer.json()
        except ValueError as error:
            raise provider_unavailable(self.host) from error
        if answer.status_code != httpx.codes.OK or not isinstance(members, dict):
            raise provider_unavailable(self.host)
        return members
