"""Exports are of one instant, sent in pieces, and a client that goes away gives its turn and connection back."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI, Response
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from oltp_api.exports.forms import own
from oltp_api.exports.repository import one_instant
from oltp_api.exports.streams import AT_ONCE, ExportTurns
from storage.postgres.database import Database
from tests.conftest import served
from tests.oltp_api.conftest import Client
from tests.waiting import wait_until


class Endless:
    """Pieces without an end, and how many of their streams were closed."""

    def __init__(self) -> None:
        self.closed = 0

    def pieces(self) -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 65_536
        finally:
            self.closed += 1


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
def address(endless: Endless) -> Iterator[str]:
    app, turns = FastAPI(), ExportTurns()

    @app.get("/endless")
    async def stream() -> Response:
        return await turns.stream(endless.pieces(), "text/csv", "endless.csv", {})

    @app.get("/fails")
    async def fails() -> Response:
        def pieces() -> Any:
            raise RuntimeError("before the first piece")
            yield b""

        return await turns.stream(pieces(), "text/csv", "none.csv", {})

    with served(app) as found:
        yield found


def test_clients_that_go_away_give_their_turns_back(address: str, endless: Endless) -> None:
    for number in range(2 * AT_ONCE + 1):
        with httpx.stream("GET", f"{address}/endless", timeout=20) as answer:
            assert next(answer.iter_bytes())
        wait_until(lambda number=number: endless.closed == number + 1, 10)


def test_no_more_are_sent_at_once_than_have_a_turn(address: str, endless: Endless) -> None:
    host, port = address.removeprefix("http://").split(":")
    wires = [socket.create_connection((host, int(port)), timeout=10) for _ in range(AT_ONCE)]
    for wire in wires:
        wire.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.recv(1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{address}/endless", timeout=0.5)
    for wire in wires:
        wire.close()
    wait_until(lambda: endless.closed == AT_ONCE + 1, 10)  # who waited in vain had a turn too, and gave it back


def test_what_fails_before_the_first_piece_is_no_answer_of_200(address: str, endless: Endless) -> None:
    for _ in range(AT_ONCE + 1):
        assert httpx.get(f"{address}/fails").status_code == 500


def test_an_export_is_of_the_instant_in_which_it_begins(portfolio: Client, database: Database) -> None:
    portfolio.post(type="DEPOSIT", amount="1")
    settings = {"row_factory": dict_row}
    pool = ConnectionPool[psycopg.Connection[Any]](database.services_url, min_size=1, kwargs=settings, open=True)
    with pool, one_instant(pool) as reads:
        version = reads.portfolio(portfolio.portfolio_id).version
        portfolio.post(type="DEPOSIT", amount="2")
        lines = b"".join(own.as_csv(reads, portfolio.portfolio_id)).splitlines()

    assert len(lines) == 1 + version == 3
    assert len(portfolio.get("/transactions")["items"]) == version + 1
