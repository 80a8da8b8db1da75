"""The HTTP API as the tools ask it: the same door, the same rules and the same digits as everybody's.

A number of an answer is a `ApiNumber`: its value, with the text that the API wrote it with.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote

import httpx
from anyio import to_thread

TIMEOUT_S = 60.0
_MOST_WORDS = 400


class NotAnswered(Exception):
    """A question that the API turned down, or that could not be put: one sentence for who asked."""


class ApiNumber(Decimal):
    """A number, with the text that it was written with."""

    __slots__ = ("text",)
    text: str

    @classmethod
    def of(cls, text: str) -> Self:
        written = cls(text)
        written.text = text
        return written


class Api:
    """Questions to the API at `address` by `client`, each signed with `headers`."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str], address: str) -> None:
        self._client, self._headers, self._address = client, headers, address

    async def get(self, *words: str, **query: Any) -> Any:
        """The answer at the address that `words` make; NotAnswered says why there is none."""
        path = "/api/v1/" + "/".join(quote(word, safe="") for word in words)
        given = {name.rstrip("_"): str(value) for name, value in query.items() if value is not None}
        try:
            response = await self._client.get(path, params=given, headers=self._headers)
        except httpx.TransportError as error:
            raise NotAnswered(f"no API answers at {self._address}; `make up` starts one") from error
        if response.is_error:
            raise NotAnswered(_refusal(response))
        return await to_thread.run_sync(_read, response.text)  # years of days are megabytes


def _read(text: str) -> Any:
    return json.loads(text, parse_float=ApiNumber.of, parse_int=ApiNumber.of)


def _refusal(response: httpx.Response) -> str:
    """The problem that the API answered with, in one sentence."""
    try:
        problem = response.json()
        said = f"{problem['title']} ({problem['code']}): {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        said = f"the API answered with status {response.status_code}"
    return " ".join(said.split())[:_MOST_WORDS]
