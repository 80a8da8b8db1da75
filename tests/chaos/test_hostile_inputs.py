"""Hostile inputs to every operation: no 5xx, no status that is not documented, nothing stored otherwise than sent.

450 requests with every test run, 100,000 with LAKEFOLIO_CHAOS=long: most by a generator of our own, drawn from
LAKEFOLIO_SEED, the others by schemathesis, which reads the same document. Printed with their count by status
(`pytest -s`).
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
import requests
from fastapi import FastAPI
from fastapi import Request as WebRequest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings

from oltp_api.app import create_app
from oltp_api.context import LOCAL_USER
from storage.lake.delta import Lake
from storage.postgres.database import Database
from storage.settings import Settings
from tests.apps import app_over
from tests.conftest import served
from tests.documented import contract
from tests.hostile import Generator, Request, fault_of
from tests.small_release import PORTFOLIO, SIMULATION, publish_small_release

if TYPE_CHECKING:
    import schemathesis

LONG = os.environ.get("LAKEFOLIO_CHAOS") == "long"
SEED = int(os.environ.get("LAKEFOLIO_SEED", "20170329"))
OF_OURS = 75_000 if LONG else 430
CASES = 200 if LONG else 1
"""Requests of schemathesis for each operation and each of its two modes, valid and invalid."""
KNOWN = {
    "simulation_id": [str(SIMULATION)],
    "security_id": ["1"],
    "seq": ["1", "2"],
    "name": ["desk"],
    "schedule": ["desk", "SUPERVISORY"],
    **{name: ["MAIN"] for name in ("account", "from_account", "to_account")},
}
"""Values that exist from the beginning, by the parameters and fields that name them."""
RENEWED_EVERY = 150
"""Requests after which there is a new portfolio, since most are archived or emptied by then."""
_OPERATIONS_BETWEEN = 1 if LONG else 10
"""The same of schemathesis, in operations."""
_ONE_IN = 1 if LONG else 6
"""Operations that schemathesis attacks; ours are all of them."""


@pytest.fixture(scope="module")
def root(settings: Settings, lake: Lake, database: Database) -> Iterator[str]:
    with app_over(settings) as app, served(app) as address:
        publish_small_release(lake)
        with psycopg.connect(database.admin_url) as connection:
            connection.execute(
                "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
                " values (%s, %s, 'released', 'USD', 'INVESTMENT', 'UTC')",
                (PORTFOLIO, LOCAL_USER),
            )
        yield address


def renew(client: httpx.Client, known: dict[str, list[str]]) -> None:
    """One more portfolio with cash, units and an order, under names that requests will use."""
    body = {"name": "mine", "initial_cash": "100000", "business_date": "2015-01-02"}
    body["holdings"] = [{"ticker": "AAPL", "quantity": "100", "avg_cost": "10"}]
    mine = client.post("/api/v1/portfolios", json=body).json()["portfolio_id"]
    order = {"portfolio_id": mine, "ticker": "AAPL", "quantity": "1", "order_type": "LIMIT", "limit_price": "1"}
    placed = client.post("/api/v1/orders", json=order).json()["order_id"]
    known["portfolio_id"] = [mine, mine, str(PORTFOLIO)]
    known["order_id"] = [placed]


def sent(client: httpx.Client, request: Request) -> httpx.Response:
    url = client.base_url.copy_with(raw_path=request.address)
    message = httpx.Request(request.method, url, headers=request.headers, content=request.body or None)
    try:
        return client.send(message)
    except (httpx.ReadError, httpx.RemoteProtocolError):  # after a 500 the server ends the connection
        return client.send(message)


def faults_of(client: httpx.Client, requests: int, document: dict[str, Any]) -> dict[str, Any]:
    """Return what is wrong with the answers, each kind once with the request that shows it."""
    known: dict[str, list[str]] = {**KNOWN}
    statuses: Counter[int] = Counter()
    faults: dict[str, Any] = {}
    generator = Generator(document, known, random.Random(SEED))
    for number in range(requests):
        if number % RENEWED_EVERY == 0:
            renew(client, known)
        method, path, operation = generator.operations[number % len(generator.operations)]
        request = generator.request(method, path, operation)
        answer = sent(client, request)
        statuses[answer.status_code] += 1
        fault = fault_of(request, answer, operation)
        if fault is not None:
            faults.setdefault(f"{method} {path}: {fault}"[:160], (str(request), answer.text[:500]))
    print(f"seed {SEED}: {dict(sorted(statuses.items()))}")
    assert sum(count for status, count in statuses.items() if status < 300) > requests / 10, "most never got in"
    return faults


def test_no_input_is_an_error_of_ours_or_stored_otherwise_than_it_was_sent(root: str) -> None:
    with httpx.Client(base_url=root, timeout=60) as client:
        faults = faults_of(client, OF_OURS, deepcopy(dict(contract())))

    assert faults == {}, listed(faults)


def listed(faults: dict[str, Any]) -> str:
    return "\n".join(f"{name}\n  {request}\n  {told}" for name, (request, told) in faults.items())


def request_of(case: "schemathesis.Case", root: str) -> Request:
    """Return what schemathesis would send, to be sent and judged as our own requests are."""
    message = requests.Request(**case.as_transport_kwargs(root)).prepare()
    body = message.body or b""
    headers = {name: value for name, value in message.headers.items() if name != "Content-Length"}
    assert message.method is not None
    return Request(
        message.method,
        case.operation.path,
        message.path_url.encode(),
        [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        body if isinstance(body, bytes) else body.encode(),
        case.body,
    )


def test_schemathesis_finds_no_error_of_ours_either(root: str) -> None:
    import schemathesis

    statuses: Counter[int] = Counter()
    faults: dict[str, Any] = {}
    known: dict[str, list[str]] = {}
    with httpx.Client(base_url=root, timeout=60) as client:
        schema = schemathesis.openapi.from_dict(deepcopy(dict(contract())))

        def send(case: "schemathesis.Case") -> None:
            request = request_of(case, root)
            answer = sent(client, request)
            statuses[answer.status_code] += 1
            fault = fault_of(request, answer, case.operation.definition.raw)
            if fault is not None:
                faults.setdefault(f"{case.operation.label}: {fault}"[:160], (str(request), answer.text[:500]))

        for number, operation in enumerate([found.ok() for found in schema.get_all_operations()][::_ONE_IN]):
            if number % _OPERATIONS_BETWEEN == 0:
                renew(client, known)
            for mode in schemathesis.GenerationMode:
                if mode.is_positive or operation.body or [*operation.iter_parameters()]:
                    attacked(operation, mode, known["portfolio_id"][0], send)
    print(f"seed {SEED}: {dict(sorted(statuses.items()))}")

    assert faults == {}, listed(faults)
    assert sum(count for status, count in statuses.items() if status < 300) > sum(statuses.values()) / 20


def attacked(operation: Any, mode: "schemathesis.GenerationMode", mine: str, send: Callable[[Any], None]) -> None:
    """Send CASES requests of one operation; about a portfolio that there is, where something else can be invalid."""
    has_ids = "{portfolio_id}" in operation.path and (mode.is_positive or operation.body)
    drawn = operation.as_strategy(generation_mode=mode, path_parameters={"portfolio_id": mine} if has_ids else None)
    drawing = hypothesis_settings(
        max_examples=CASES, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck)
    )
    seed(SEED)(drawing(given(case=drawn)(send)))()


PLANTED = {
    "type": "object",
    "required": ["note", "quantity"],
    "properties": {"note": {"type": "string"}, "quantity": {"type": "string", "pattern": "[0-9]{1,40}"}},
}


def test_control_a_route_without_our_types_is_found(settings: Settings, root: str) -> None:
    app, described = create_app(settings), FastAPI()
    body = {"requestBody": {"content": {"application/json": {"schema": PLANTED}}}}

    @app.post("/api/v1/planted")
    @described.post("/api/v1/planted", openapi_extra=body)
    async def planted(request: WebRequest) -> Any:
        body = await request.json()
        body["note"].encode()
        return {"note": body["note"].lower(), "quantity": float(body["quantity"])}

    del root  # which has put the release there
    with served(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        faults = faults_of(client, 200 if LONG else 100, {**contract(), "paths": described.openapi()["paths"]})

    found = " ".join(faults)
    assert "500" in found, "it dies of half a surrogate pair"
    assert "note" in found, "it stores another note"
    assert "quantity" in found, "it loses digits"
