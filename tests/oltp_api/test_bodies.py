"""Bodies are bounded, of a documented type, and say each thing once; a large one hinders nobody else."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, field_validator

from oltp_api.app import create_app
from oltp_api.web import bodies
from oltp_api.web.bodies import Bounds, costly
from oltp_api.web.routing import BoundedRoute
from storage.settings import Settings
from storage.web.server import BoundedProtocol, configured
from tests.conftest import served
from tests.documented import contract

JSON = {"Content-Type": "application/json"}
BEGUN = b"POST /seen HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SOME_ID = "00000000-0000-4000-8000-0000000000aa"


@pytest.fixture(scope="module")
def root(api: httpx.Client) -> str:
    return str(api.base_url).removesuffix("/api/v1/")


@pytest.fixture(scope="module")
def writing() -> list[tuple[str, str, frozenset[str]]]:
    """Every operation that may change something: its method, its address, and the types of body that it takes."""
    return [
        (method.upper(), filled(path), frozenset(operation.get("requestBody", {}).get("content", ())))
        for path, methods in contract()["paths"].items()
        for method, operation in methods.items()
        if method != "get"
    ]


def filled(path: str) -> str:
    for name in ("portfolio_id", "order_id"):
        path = path.replace(f"{{{name}}}", SOME_ID)
    return path.replace("{seq}", "1").replace("{", "").replace("}", "")


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def test_no_operation_takes_a_body_without_end(root: str, writing) -> None:
    chunk = b" " * 65_536
    with httpx.Client(base_url=root, timeout=60) as client:
        for method, path, types in writing:
            if types:
                kind = JSON if "application/json" in types else {"Content-Type": f"{min(types)}; boundary=x"}
                chunks = 500 if path.endswith(("/imports", "/imports.html")) else 100  # whole files
                answer = client.request(method, path, content=(chunk for _ in range(chunks)), headers=kind)
                assert problem(answer) == (413, "too_large"), path


def test_no_more_is_read_than_a_route_takes() -> None:
    received = []

    async def receive() -> dict[str, Any]:
        received.append(1000)
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(bodies.WebRefusal):
        asyncio.run(bodies.read_body(request, 4_500, 10))

    assert sum(received) == 5000


def test_every_operation_takes_only_the_types_that_it_documents(root: str, writing) -> None:
    with httpx.Client(base_url=root, timeout=60) as client:
        for method, path, types in writing:
            for kind in (
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "",
                "json",
            ):
                if kind.partition(";")[0] in types:
                    continue
                answer = client.request(method, path, content=b"{}", headers={"Content-Type": kind} if kind else {})
                assert problem(answer) == (415, "unsupported_media_type"), (method, path, kind)


def test_what_takes_no_body_takes_an_empty_object_and_nothing_else(root: str, writing) -> None:
    with httpx.Client(base_url=root, timeout=60) as client:
        for method, path, takes_body in writing:
            if not takes_body:
                said = client.request(method, path, content=b'{"name": "x"}', headers=JSON)
                assert problem(said) == (415, "unsupported_media_type"), (method, path)
                assert client.request(method, path, content=b" {} ", headers=JSON).status_code != 415, (method, path)


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "one", "name": "two"}',
        '{"name": "one", "holdings": [{"ticker": "AAPL", "quantity": "1", "quantity": "2", "avg_cost": "1"}]}',
        '{"name": "one", "n\\u0061me": "two"}',
    ],
)
def test_of_two_keys_of_one_name_none_counts(api, stored, body: str) -> None:
    before = stored()

    assert problem(api.post("/portfolios", content=body, headers=JSON)) == (400, "repeated")
    assert stored() == before


@pytest.mark.parametrize("name", ["Idempotency-Key", "Content-Type", "If-Match", "If-None-Match"])
def test_of_two_headers_of_one_name_none_counts(api, stored, name: str) -> None:
    before = stored()
    value = "application/json" if name == "Content-Type" else '"1"'
    headers = [(name, value), (name, value), *([] if name == "Content-Type" else JSON.items())]

    assert problem(api.post("/portfolios", content='{"name": "x"}', headers=headers)) == (400, "repeated")
    assert stored() == before


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("name=a&name=b", "repeated"),
        ("name=a&n%61me=a", "repeated"),
        ("name=%ff", "invalid_encoding"),
        ("name=%ed%a0%80", "invalid_encoding"),
        ("name=%c0%80", "invalid_encoding"),
    ],
)
def test_a_query_is_read_in_one_way_only(api, stored, query: str, code: str) -> None:
    before = stored()

    assert problem(api.post(f"/portfolios?{query}")) == (400, code)
    assert stored() == before


@pytest.mark.parametrize("path", ["/accounts/%ff", "/securities/%c3%28", "/haircut-schedules/%ed%bf%bf"])
def test_a_path_is_utf8(api, path: str) -> None:
    assert problem(api.get(path)) == (400, "invalid_encoding")


@pytest.mark.parametrize(
    "number",
    [
        "0.1234567891",
        "0.1000000000000000055",
        "1.000000000000000001",
        "99999999999.00000000000000000001",
        "1e-9",
        "1e99999999",
    ],
)
def test_a_number_with_more_digits_than_are_kept_is_refused(portfolio, api, stored, number: str) -> None:
    before = stored()
    body = f'{{"type": "DEPOSIT", "amount": {number}}}'

    answer = api.post(f"/portfolios/{portfolio.portfolio_id}/transactions", content=body, headers=JSON)

    assert problem(answer) == (422, "invalid_number")
    assert stored() == before


@pytest.mark.parametrize("number", ["0.12", "90071992547409.93", "1E2", "123456789012345.13", "1.10"])
def test_a_number_that_fits_is_kept_with_all_of_its_digits(portfolio, api, number: str) -> None:
    body = f'{{"type": "DEPOSIT", "amount": {number}}}'

    answer = api.post(f"/portfolios/{portfolio.portfolio_id}/transactions", content=body, headers=JSON)

    assert Decimal(answer.json()["cash_effect"]) == Decimal(number), answer.text


def test_a_list_of_errors_ends_with_how_many_more_there_are(portfolio) -> None:
    rows = [{"type": "DEPOSIT", "amount": "1"}, *[{"type": "DEPOSIT", "amount": "much"}] * 100]
    path = f"/portfolios/{portfolio.portfolio_id}/transactions/bulk"

    told = portfolio.api.post(path, json={"transactions": rows}).json()
    sold = [{"type": "SELL", "ticker": "AAPL", "quantity": "1", "price": "1"}] * 100
    refused = portfolio.api.post(path, json={"transactions": sold}).json()

    assert (len(told["errors"]), told["more_errors"]) == (20, 80)
    assert (len(refused["rows"]), refused["refused"]) == (20, 100)


def test_of_many_wrong_rows_in_a_large_body_few_are_told_in_full(portfolio) -> None:
    rows = [{"type": "DEPOSIT", "amount": "1", **{f"unknown_{number}": 0 for number in range(50)}}] * 2_000

    told = portfolio.api.post(
        f"/portfolios/{portfolio.portfolio_id}/transactions/bulk", json={"transactions": rows}
    ).json()

    assert len(told["errors"]) == 20
    assert told["more_errors"] < 2_100, "and not a hundred thousand"


class Seen(BaseModel):
    """A body that notes in which thread it was validated."""

    threads: ClassVar[list[str]] = []
    text: str

    @field_validator("text")
    @classmethod
    def _seen(cls, value: str) -> str:
        cls.threads.append(threading.current_thread().name)
        return value


class Impatient(Bounds):
    BODY_SECONDS = 0.2
    MOST_BUFFERED = 300_000


@pytest.fixture(scope="module")
def crowd() -> "Crowd":
    return Crowd()


class Crowd:
    """How many requests are inside at once; they leave together."""

    def __init__(self) -> None:
        self.most = self._inside = 0
        self._lock = threading.Lock()

    def visit(self) -> int:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        threading.Event().wait(0.05)
        with self._lock:
            self._inside -= 1
        return self.most


@pytest.fixture(scope="module")
def busy(settings: Settings, crowd: Crowd) -> Iterator[str]:
    """The API with routes that are slow, and short of patience and of room."""
    app = create_app(settings)
    app.state.bounds = Impatient()
    router = APIRouter(route_class=BoundedRoute)
    waiting = threading.Event()

    @router.get("/costly")
    @costly()
    def asked() -> int:
        return crowd.visit()

    @router.get("/cheap")
    def cheap() -> int:
        return crowd.visit()

    @router.post("/seen")
    @bodies.takes(1_000_000)
    def seen(body: Seen) -> int:
        return len(body.text)

    @router.get("/blocked")
    def blocked() -> None:
        waiting.wait(30)

    @app.post("/release")
    async def release() -> None:
        waiting.set()

    app.include_router(router)
    with served(app) as address:
        yield address


def most_at_once(crowd: Crowd, address: str) -> int:
    crowd.most = 0
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(12) as askers:
        assert {answer.status_code for answer in askers.map(lambda _: client.get(address), range(24))} == {200}
    return crowd.most


def test_of_what_takes_long_few_run_at_once(busy: str, crowd: Crowd) -> None:
    assert most_at_once(crowd, f"{busy}/costly") <= Bounds.AT_ONCE


def test_control_what_is_not_marked_as_costly_runs_all_at_once(busy: str, crowd: Crowd) -> None:
    assert most_at_once(crowd, f"{busy}/cheap") > Bounds.AT_ONCE


@pytest.mark.parametrize(("size", "is_threaded"), [(100_000, True), (100, False)])
def test_a_large_body_is_validated_in_a_thread_and_a_small_one_at_once(busy: str, size: int, is_threaded: bool) -> None:
    assert httpx.post(f"{busy}/seen", json={"text": "x" * size}).json() == size

    assert ("worker" in Seen.threads[-1]) is is_threaded, Seen.threads


def test_a_body_that_does_not_arrive_is_not_waited_for(busy: str) -> None:
    answer = exchange(busy, BEGUN + b"Content-Length: 9\r\n\r\n{")

    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert b'"code": "too_slow"' in answer


def test_large_bodies_of_all_together_have_a_limit(busy: str) -> None:
    with connected(busy) as first:
        first.sendall(BEGUN + b"Content-Length: 250000\r\n\r\n{")
        threading.Event().wait(0.05)
        answer = httpx.post(f"{busy}/seen", json={"text": "x" * 100_000})

    assert problem(answer) == (503, "busy")
    assert int(answer.headers["retry-after"]) > 0
    assert httpx.post(f"{busy}/seen", json={"text": "x" * 100_000}).status_code == 200, "there is room again"


def test_whether_it_lives_waits_for_no_thread(busy: str) -> None:
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=60)) as client, ThreadPoolExecutor(50) as askers:
        stuck = [askers.submit(client.get, f"{busy}/blocked") for _ in range(50)]
        threading.Event().wait(0.5)
        try:
            assert httpx.get(f"{busy}/health/live", timeout=20).json() == {"status": "live"}
            with pytest.raises(httpx.ReadTimeout):  # the control: what has no thread left waits
                httpx.get(f"{busy}/cheap", timeout=0.3)
        finally:
            httpx.post(f"{busy}/release", timeout=20)
        assert {each.result().status_code for each in stuck} == {200}


class Hasty(BoundedProtocol):
    HEAD_SECONDS = 0.3
    MOST_HALF_OPEN = 5


@pytest.fixture(scope="module")
def hasty(settings: Settings) -> Iterator[str]:
    with served(create_app(settings), http=Hasty) as address:
        yield address


def connected(root: str) -> socket.socket:
    host, port = root.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def exchange(root: str, sent: bytes) -> bytes:
    """Return what comes back up to the end of a head, or until the server hangs up."""
    with connected(root) as wire:
        wire.sendall(sent)
        wire.settimeout(10)
        received = b""
        try:
            while chunk := wire.recv(65_536):
                received += chunk
                if b"\r\n\r\n" in received:
                    return received
        except ConnectionResetError:
            return received
        return received


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: local", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_head_that_does_not_end_is_hung_up_on(hasty: str, begun: bytes) -> None:
    assert exchange(hasty, begun) == b""


def test_control_uvicorns_own_protocol_waits_for_a_head_without_end(settings: Settings) -> None:
    with served(create_app(settings), http="httptools") as address, connected(address) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: local")
        wire.settimeout(1)
        with pytest.raises(TimeoutError):
            wire.recv(1)


def test_an_idle_connection_is_kept_for_longer_than_clients_keep_theirs() -> None:
    """Or a request meets a connection that the server has just given up, and is lost. httpx keeps its own for 5 s."""
    assert configured(FastAPI(), "127.0.0.1", 0).timeout_keep_alive > 60


def test_of_too_many_half_open_connections_the_oldest_makes_room(hasty: str) -> None:
    with ExitStack() as stack:
        oldest, *_ = [stack.enter_context(connected(hasty)) for _ in range(8)]
        assert is_hung_up_on(oldest)
        assert httpx.get(f"{hasty}/health/live").status_code == 200


def is_hung_up_on(wire: socket.socket) -> bool:
    try:
        return wire.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 20_000,
        b"GET /" + b"a" * 200_000,
        b"GET http://localhost/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /api/v1/portfolios HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\nIdempotency-Key: late\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_is_no_request_that_can_be_judged_is_a_problem_too(root: str, sent: bytes) -> None:
    answer = exchange(root, sent)

    assert answer.startswith(b"HTTP/1.1 400 ") or answer == b""
    if answer:
        assert b"application/problem+json" in answer
        assert b"nosniff" in answer


def test_a_body_that_goes_on_after_the_answer_is_hung_up_on(settings: Settings) -> None:
    class Short(BoundedProtocol):
        MOST_UNREAD_BYTES = 1_000_000

    def go_on(wire: socket.socket) -> None:
        wire.sendall(BEGUN.replace(b"/seen", b"/api/v1/orders") + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(2_000):
            wire.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")

    with (
        served(create_app(settings), http=Short) as address,
        connected(address) as wire,
        pytest.raises((ConnectionResetError, BrokenPipeError)),
    ):
        go_on(wire)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/securities", {"ticker": "B9", "asset_type": "BOND", "bond": {"spread_bps": "1.123456789"}}),
        ("/securities", {"ticker": "B9", "asset_type": "BOND", "bond": {"denomination": "1.123456789"}}),
        ("/securities", {"ticker": "F9", "asset_type": "FUND", "fund": {"expense_ratio_bps": "1.123456789"}}),
    ],
)
def test_no_fact_of_a_security_is_rounded(api, stored, path: str, body: dict[str, Any]) -> None:
    terms = {"maturity_date": "2027-02-15", "coupon_rate_pct": "2", "day_count": "ACT/365F", "coupon_frequency": 2}
    if "bond" in body:
        body = {**body, "bond": {**terms, **body["bond"]}}
    before = stored()

    assert problem(api.post(path, json=body)) == (422, "invalid_number")
    assert stored() == before


def test_income_per_unit_is_rounded_once_to_what_can_be_paid(new_portfolio, api) -> None:
    api.post("/securities", json={"ticker": "PAYS"})
    mine = new_portfolio(holdings=[{"ticker": "PAYS", "quantity": "10", "avg_cost": "1"}])
    paid = {"type": "DIVIDEND", "ticker": "PAYS", "ex_date": "2016-01-04", "business_date": "2016-01-05"}

    assert mine.post(**paid, per_unit="0.12345678").json()["cash_effect"] == "1.23"
    assert problem(mine.post(**paid, per_unit="0.123456789")) == (422, "invalid_number")
