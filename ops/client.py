"""The API as `ops` speaks to it: an answer, or one sentence that says which request was refused."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from storage.errors import SetupError


@contextmanager
def api_at(address: str) -> Iterator[httpx.Client]:
    try:
        with httpx.Client(base_url=f"{address}/api/v1", timeout=30, trust_env=False) as client:
            yield client
    except httpx.TransportError as error:
        raise SetupError(f"no API answers at {address}; `make up` starts one") from error


def get(client: httpx.Client, path: str, **parameters: Any) -> dict[str, Any]:
    return _checked(client.get(path, params=parameters))


def pages(client: httpx.Client, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Every item of a list, page after page."""
    cursor = None
    while True:
        page = get(client, path, **parameters, **({"cursor": cursor} if cursor is not None else {}))
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def value_of_holding(client: httpx.Client, portfolio_id: str, ticker: str, day: str) -> str:
    """The reference of the value of a holding in the newest release, by default on its last day."""
    release = get(client, "/releases/latest")
    here = f"review/{portfolio_id}@{release['release_id']},{day or release['as_of']}"
    return f"{here}:/holdings/{ticker.replace('~', '~0').replace('/', '~1')}/value"


def post(client: httpx.Client, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return what a command answered; `key` makes repeating it harmless."""
    return _checked(client.post(path, json=dict(body), headers={"Idempotency-Key": key}))


def _checked(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise SetupError(f"{response.request.method} {response.request.url.path} answered {response.text}")
    answer: dict[str, Any] = response.json()
    return answer
