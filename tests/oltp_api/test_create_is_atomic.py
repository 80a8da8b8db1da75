"""A portfolio with cash and holdings is created whole or not at all, whichever write fails."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from oltp_api.context import LOCAL_USER
from oltp_api.portfolios import handlers as portfolios
from oltp_api.portfolios.schemas import PortfolioRequest
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SampleMarketClock
from storage.postgres.database import Database


class PowerFailure(Exception):
    """Error that the n-th statement meets."""


class FailingConnection(psycopg.Connection[Any]):
    """Fails at statement `fails_at`, before it reaches the server."""

    fails_at = 0
    executed = 0

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.executed += 1
        if self.executed == self.fails_at:
            raise PowerFailure
        return super().execute(*args, **kwargs)


@pytest.fixture
def create(database: Database, api) -> Callable[..., tuple[UUID | None, int]]:
    """Creates a portfolio over a connection that fails; the portfolio, if there is one, and how many statements ran."""

    def create(fails_at: int, name: str, autocommit: bool = False) -> tuple[UUID | None, int]:
        held = [
            {"ticker": "AAPL", "quantity": "10", "avg_cost": "25.5"},
            {"ticker": f"{name}A", "quantity": "1", "avg_cost": "1"},
            {"ticker": f"{name}B", "quantity": "1", "avg_cost": "1"},
        ]
        command = PortfolioRequest.model_validate(
            {"name": name, "initial_cash": "100", "holdings": held, "business_date": "2015-01-02"}
        ).command(LOCAL_USER)
        made = None
        connection = FailingConnection.connect(database.services_url, row_factory=dict_row, autocommit=autocommit)
        connection.fails_at = fails_at
        try:
            with connection:
                work = UnitOfWork(connection, SampleMarketClock())
                made = portfolios.create_portfolio(command, work)
                work.commit()
        except PowerFailure:
            made = None
        return made, connection.executed

    return create


def test_whichever_statement_of_a_creation_fails_nothing_is_stored(create, stored) -> None:
    made, statements = create(fails_at=0, name="WHOLE")
    assert made is not None
    before = stored()
    assert statements >= 10

    for fails_at in range(1, statements + 1):
        assert create(fails_at, name=f"F{fails_at}")[0] is None
        assert stored() == before, f"statement {fails_at} failed and something stayed"


def test_control_without_a_transaction_a_creation_that_fails_leaves_something(create, stored) -> None:
    _, statements = create(fails_at=0, name="FULL")
    before = stored()

    left = 0
    for fails_at in range(1, statements + 1):
        create(fails_at, name=f"C{fails_at}", autocommit=True)
        left += stored() != before
        before = stored()
    assert left > statements // 2
