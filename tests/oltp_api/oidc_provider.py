"""A provider of OpenID Connect as a process: oidc-provider-mock, which here demands PKCE and a client's own secret.

`PUT /forgery` with a name has the answers that follow forged, as a provider that errs or an attacker would.
"""

import base64
import hmac
import json
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import oidc_provider_mock
from authlib.oidc.core import grants
from joserfc import jws, jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "lakefolio", "a secret of the client"
STRANGERS_KEY, NEW_KEY = (RSAKey.generate_key(2048, {"kid": name}) for name in ("mine", "new"))
Claims = dict[str, Any]


_KEYS: dict[str, RSAKey] = {}


def key_of(jwk: Mapping[str, Any]) -> RSAKey:
    """The key that is written so, read once: its primes are checked, which takes 50 ms."""
    if jwk["n"] not in _KEYS:
        _KEYS[jwk["n"]] = RSAKey.import_key(dict(jwk))
    return _KEYS[jwk["n"]]


grants.code.import_any_key = key_of  # the library reads its one key for each token


def signed(claims: Claims, key: RSAKey, **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, claims, key)


def unsigned(claims: Claims, key: RSAKey) -> str:
    del key
    return f"{_parts({'alg': 'none'}, claims)}."


def by_the_public_key(claims: Claims, key: RSAKey) -> str:
    """HS256 with the provider's public key as the secret, which everybody has; no library does that any more."""
    parts = _parts({"alg": "HS256", "kid": key.kid}, claims)
    return f"{parts}.{_text(hmac.digest(key.as_pem(private=False), parts.encode(), 'sha256'))}"


def _without(claims: Claims, *names: str) -> Claims:
    return {name: value for name, value in claims.items() if name not in names}


def _parts(header: Claims, claims: Claims) -> str:
    return ".".join(_text(json.dumps(part).encode()) for part in (header, claims))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def by_a_key_that_it_brings(claims: Claims, key: RSAKey, **header: Any) -> str:
    del key
    registry = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    return jwt.encode({"alg": "RS256", **header}, claims, STRANGERS_KEY, registry=registry)


FORGERIES: Mapping[str, Callable[[Claims, RSAKey], str]] = {
    "nothing": lambda claims, key: signed(claims, key),
    "issuer": lambda claims, key: signed({**claims, "iss": "https://evil.example"}, key),
    "issuer with a slash": lambda claims, key: signed({**claims, "iss": claims["iss"] + "/"}, key),
    "audience": lambda claims, key: signed({**claims, "aud": "another"}, key),
    "audience among others": lambda claims, key: signed({**claims, "aud": [CLIENT, "another"], "azp": CLIENT}, key),
    "no nonce": lambda claims, key: signed(_without(claims, "nonce"), key),
    "nonce": lambda claims, key: signed({**claims, "nonce": "of somebody else"}, key),
    "expired": lambda claims, key: signed({**claims, "iat": claims["iat"] - 7200, "exp": claims["iat"] - 3600}, key),
    "no end": lambda claims, key: signed(_without(claims, "exp"), key),
    "no subject": lambda claims, key: signed({**claims, "sub": ""}, key),
    "another's access token": lambda claims, key: signed({**claims, "at_hash": "AAAA"}, key),
    "unsigned": unsigned,
    "the public key as a secret": by_the_public_key,
    "a stranger's key under its name": lambda claims, key: by_a_key_that_it_brings(claims, key, kid=key.kid),
    "a key in the header": lambda claims, key: by_a_key_that_it_brings(
        claims, key, jwk=STRANGERS_KEY.as_dict(private=False)
    ),
    "an address of keys in the header": lambda claims, key: by_a_key_that_it_brings(
        claims, key, jku=f"{claims['iss']}/strangers-keys", kid="mine"
    ),
    "told of somebody else": lambda claims, key: signed({"sub": "somebody", **_without(claims, "sub", "email")}, key),
    "no email in it": lambda claims, key: signed(_without(claims, "email", "email_verified"), key),
    "a new key": lambda claims, _: signed(claims, NEW_KEY),
    "no word of when": lambda claims, key: signed(_without(claims, "auth_time"), key),
    "signed in long ago": lambda claims, key: signed({**claims, "auth_time": claims["iat"] - 86_400}, key),
}


def provider() -> flask.Flask:
    app = oidc_provider_mock.app()
    challenges: dict[str, str] = {}
    forged = {"by": "nothing"}

    @app.put("/forgery")
    def forge() -> tuple[str, int]:
        forged["by"] = flask.request.get_json()
        return "", 204

    @app.get("/strangers-keys")
    def strangers_keys() -> Mapping[str, Any]:
        return {"keys": [STRANGERS_KEY.as_dict(private=False)]}

    @app.before_request
    def check_client() -> tuple[Mapping[str, str], int] | None:
        request = flask.request
        if request.path != "/oauth2/token":
            return None
        verifier = request.form.get("code_verifier", "")
        challenge = _text(sha256(verifier.encode()).digest())
        known = request.authorization
        is_client = known is not None and (known.username, known.password) == (CLIENT, SECRET)
        if challenges.pop(request.form.get("code", ""), None) == challenge and is_client:
            return None
        return {"error": "invalid_grant"}, 400

    @app.after_request
    def forge_answer(response: flask.Response) -> flask.Response:
        request = flask.request
        if request.path == "/oauth2/authorize" and "location" in response.headers:
            assert request.args["code_challenge_method"] == "S256"
            (code,) = parse_qs(urlsplit(response.headers["location"]).query).get("code", [""])
            challenges[code] = request.args["code_challenge"]
        if request.path == "/jwks" and forged["by"] == "a new key":
            response.set_data(json.dumps({"keys": [*response.get_json()["keys"], NEW_KEY.as_dict(private=False)]}))
        if request.path == "/oauth2/token" and response.status_code == 200:
            answer = response.get_json()
            payload = answer["id_token"].split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            key = key_of(flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True))
            answer["id_token"] = FORGERIES[forged["by"]](claims, key)
            response.set_data(json.dumps(answer))
        return response

    return app


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(sys.argv[1]), provider(), threaded=True)
    server.serve_forever()
