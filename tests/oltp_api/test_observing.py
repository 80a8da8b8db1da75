"""Every request has an id, a line in the log and a place in the metrics."""

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from oltp_api.app import create_app
from oltp_api.web.logs import JsonLines
from oltp_api.web.metrics import GAUGES
from storage.correlation import correlation_id
from storage.postgres.database import Database
from storage.settings import Settings
from tests.conftest import served
from tests.waiting import wait_until

LOGGER = "oltp_api.web.request_log"


class Written(logging.Handler):
    """Lines as they are written, formatted where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def line_of(api: httpx.Client) -> Iterator[Callable[[httpx.Response], dict[str, Any]]]:
    """The line about an answered request; it is written right after the answer is sent."""
    written = Written()
    logging.getLogger(LOGGER).addHandler(written)

    def find(answer: httpx.Response) -> dict[str, Any]:
        for _ in range(200):
            for line in written.lines:
                if line["request_id"] == answer.headers["X-Request-Id"]:
                    return line
            time.sleep(0.01)
        raise AssertionError("no line was written")

    yield find
    logging.getLogger(LOGGER).removeHandler(written)


@pytest.fixture
def root(api: httpx.Client) -> str:
    return str(api.base_url).removesuffix("/api/v1/")


def sample(root: str, name: str, **labels: str) -> float | None:
    """One value of /metrics."""
    return sample_in(httpx.get(f"{root}/metrics").text, name, **labels)


def sample_in(metrics: str, name: str, **labels: str) -> float | None:
    for line in metrics.splitlines():
        told, _, value = line.rpartition(" ")
        if told.partition("{")[0] == name and all(f'{label}="{wanted}"' in told for label, wanted in labels.items()):
            return float(value)
    return None


def test_a_request_is_one_line_with_its_route_and_never_its_address(portfolio, line_of) -> None:
    line = line_of(portfolio.post(type="DEPOSIT", amount="12345.67", note="a secret note"))

    assert line["route"] == "/api/v1/portfolios/{portfolio_id}/transactions"
    assert (line["method"], line["status"], line["level"]) == ("POST", 201, "INFO")
    assert line["portfolio_id"] == portfolio.portfolio_id
    assert line["user_id"] == "00000000-0000-4000-8000-000000000001"
    assert 0 < line["duration_ms"] < 30_000
    assert {"time", "logger", "message"} <= set(line)
    assert "12345.67" not in json.dumps(line)
    assert "secret" not in json.dumps(line)


def test_a_refusal_has_its_code_in_the_line(portfolio, line_of) -> None:
    line = line_of(portfolio.post(type="WITHDRAW", amount="1000000"))

    assert (line["status"], line["code"]) == (422, "insufficient_cash")


def test_neither_the_query_string_nor_credentials_are_in_the_line(api, line_of) -> None:
    secrets = {"Authorization": "Bearer hush", "Cookie": "hush"}
    answer = api.get("/securities", params={"q": "hush"}, headers=secrets)

    assert "hush" not in json.dumps(line_of(answer))


@pytest.mark.parametrize("given", ["abc-123", "a b", "x" * 100])
def test_the_callers_request_id_is_kept(api, given) -> None:
    assert api.get("/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 101, b"caf\xe9", b"a\tb"])
def test_a_request_id_that_is_long_or_not_printable_is_replaced(api, given) -> None:
    answered = api.get("/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"]

    assert len(answered) == 36
    assert answered != given


def test_every_answer_has_an_id_of_its_own(api) -> None:
    ids = {api.get(path).headers["X-Request-Id"] for path in ("/health/live", "/nothing", "/portfolios/x")}

    assert len(ids) == 3


@pytest.fixture
def special(settings: Settings) -> Iterator[str]:
    app = create_app(settings)

    @app.get("/cause")
    def cause() -> str:
        return correlation_id()

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("the password is 1234")

    with served(app) as address:
        yield address


def test_what_a_request_causes_carries_its_id_also_in_another_thread(special) -> None:
    assert httpx.get(f"{special}/cause", headers={"X-Request-Id": "mine"}).json() == "mine"
    assert httpx.get(f"{special}/cause").json() != "mine"


def test_a_bug_has_an_id_a_line_and_a_place_in_the_metrics_too(special, line_of, caplog) -> None:
    answer = httpx.get(f"{special}/boom", headers={"X-Request-Id": "mine"})

    assert (answer.status_code, answer.headers["X-Request-Id"]) == (500, "mine")
    assert (line_of(answer)["status"], line_of(answer)["code"]) == (500, "internal_error")
    assert any(record.exc_info for record in caplog.records if record.name == "oltp_api.web.problems")
    assert sample(special, "lakefolio_refusals_total", code="internal_error") == 1


def test_requests_are_counted_by_route_and_status(api, root, portfolio) -> None:
    labels = {"method": "GET", "route": "/api/v1/portfolios/{portfolio_id}", "status": "200"}
    before = sample(root, "lakefolio_http_request_duration_seconds_count", **labels) or 0

    portfolio.get()
    portfolio.get()

    assert sample(root, "lakefolio_http_request_duration_seconds_count", **labels) == before + 2
    assert portfolio.portfolio_id not in httpx.get(f"{root}/metrics").text


def test_made_up_addresses_and_methods_make_no_new_series(api, root) -> None:
    def series() -> int:
        return len(httpx.get(f"{root}/metrics").text.splitlines())

    api.request("INVENTED", "/invented/first")
    series()
    before = series()
    for number in range(20):
        api.request(f"INVENTED{number}", f"/invented/{number}")

    assert series() == before


def test_refusals_are_counted_by_code(root, portfolio) -> None:
    before = sample(root, "lakefolio_refusals_total", code="insufficient_cash") or 0

    portfolio.post(type="WITHDRAW", amount="1000000")

    assert sample(root, "lakefolio_refusals_total", code="insufficient_cash") == before + 1


def test_a_client_that_hangs_up_within_its_body_is_no_error_of_ours(root: str, caplog) -> None:
    host, port = root.removeprefix("http://").split(":")
    failed = {"route": "/api/v1/portfolios", "status": "500"}
    cut_off = sample(root, "lakefolio_refusals_total", code="cut_off") or 0  # the app was over other modules' states
    before = sample(root, "lakefolio_http_request_duration_seconds_count", **failed)
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        head = f"POST /api/v1/portfolios HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        wire.sendall(f'{head}Content-Length: 100\r\n\r\n{{"name":'.encode())

    wait_until(lambda: sample(root, "lakefolio_refusals_total", code="cut_off") == cut_off + 1, 10)
    assert sample(root, "lakefolio_http_request_duration_seconds_count", **failed) == before
    assert "unexpected error" not in caplog.text


def test_the_metrics_tell_the_state(root, portfolio) -> None:
    portfolio.post(type="DEPOSIT", amount="1")
    before = sample(root, "lakefolio_ledger_rows")
    portfolio.post(type="DEPOSIT", amount="1")

    assert before is not None
    metrics = httpx.get(f"{root}/metrics").text
    assert sample_in(metrics, "lakefolio_ledger_rows") == before + 1
    assert sample_in(metrics, "lakefolio_database_up") == 1
    assert sample_in(metrics, "lakefolio_pool_connections") >= 2
    for name in GAUGES:
        if not name.startswith("release"):
            assert sample_in(metrics, f"lakefolio_{name}") is not None, name
    assert sample_in(metrics, "lakefolio_release_lag_seconds") is None, "it is not known before the first release"


def test_the_metrics_answer_when_the_database_does_not(settings: Settings, database: Database) -> None:
    with served(create_app(settings)) as address:
        name = psycopg.conninfo.conninfo_to_dict(database.admin_url)["dbname"]
        elsewhere = psycopg.conninfo.make_conninfo(database.admin_url, dbname="postgres")
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(f"alter role lakefolio in database {name} set search_path = nowhere")
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            answer = httpx.get(f"{address}/metrics", timeout=30)
            connection.execute(f"alter role lakefolio in database {name} reset search_path")
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))

    assert answer.status_code == 200
    assert "lakefolio_database_up 0.0" in answer.text
    assert "lakefolio_ledger_rows " not in answer.text
