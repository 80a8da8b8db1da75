"""A back-dated row is decided before its portfolio is locked: nobody waits for it, and it stands only if nothing has
changed meanwhile."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from domain.portfolio import Portfolio
from oltp_api.ledger import handlers as ledger
from oltp_api.ledger.writing import Loaded, decided
from storage.postgres.database import Database

LATE = "2015-06-01"


@pytest.fixture
def mine(new_portfolio: Callable[..., Any]) -> Any:
    """A thousand dollars, of which 400 are spent after the late day."""
    opened = new_portfolio(initial_cash="1000", business_date="2015-01-02")
    assert opened.buy("4", "100", business_date="2016-01-04").status_code == 201
    return opened


def late_purchase(mine: Any) -> Any:
    return mine.buy("5", "100", business_date=LATE)


def is_free(database: Database, portfolio_id: str) -> bool:
    with psycopg.connect(database.admin_url) as connection:
        query = "select from portfolio where portfolio_id = %s for update skip locked"
        return bool(connection.execute(query, (portfolio_id,)).fetchall())


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch, database: Database) -> list[bool]:
    """Tells each time that a late row is decided on it if the portfolio is free."""
    seen: list[bool] = []
    rewound = Portfolio.rewound

    def looking(portfolio: Portfolio) -> Portfolio:
        seen.append(is_free(database, str(portfolio.portfolio_id)))
        return rewound(portfolio)

    monkeypatch.setattr(Portfolio, "rewound", looking)
    return seen


def too_late_a_purchase(mine: Any) -> Any:
    return mine.buy("50", "100", business_date=LATE)


def reversal(mine: Any) -> Any:
    return mine.api.post(f"/portfolios/{mine.portfolio_id}/transactions/2/reversal", json={})


def batch(mine: Any) -> Any:
    row = {"type": "DEPOSIT", "amount": "1", "business_date": LATE}
    return mine.api.post(f"/portfolios/{mine.portfolio_id}/transactions/bulk", json={"transactions": [row]})


def conversion(mine: Any) -> Any:
    body = {"from_currency": "USD", "amount": "1", "to_currency": "EUR", "received": "1", "business_date": LATE}
    return mine.api.post(f"/portfolios/{mine.portfolio_id}/conversions", json=body)


@pytest.mark.parametrize("act", [late_purchase, too_late_a_purchase, reversal, batch, conversion])
def test_nobody_waits_while_a_late_row_is_decided(mine: Any, looked: list[bool], act: Callable[[Any], Any]) -> None:
    assert act(mine).status_code in (201, 422)

    assert looked == [True]


def test_control_decided_under_the_lock_others_wait(
    mine: Any, looked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "decided", lambda *asked, **_: decided(*asked, is_dated=False))

    assert late_purchase(mine).status_code == 201
    assert looked == [False]


@pytest.fixture
def meanwhile(mine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody withdraws 200, as early, between the decision and the lock."""
    copied = Loaded.copied

    def interfered(loaded: Loaded) -> Loaded:
        monkeypatch.setattr(Loaded, "copied", copied)
        assert mine.post(type="WITHDRAW", amount="200", business_date=LATE).status_code == 201
        return copied(loaded)

    monkeypatch.setattr(Loaded, "copied", interfered)


@pytest.mark.usefixtures("meanwhile")
def test_what_has_changed_meanwhile_is_decided_on(mine: Any) -> None:
    answer = late_purchase(mine)

    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_cash")
    assert [row["type"] for row in mine.get("/transactions")["items"]] == ["DEPOSIT", "BUY", "WITHDRAW"]


@pytest.mark.usefixtures("meanwhile")
def test_control_without_the_comparison_the_ledgers_key_alone_stops_it(
    mine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Portfolio, "__eq__", lambda *_: True)

    assert late_purchase(mine).status_code not in (201, 422)
