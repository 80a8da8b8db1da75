"""The portfolios of test_incremental: the same rows, each in another order, of which the first half comes first."""

import random
from collections.abc import Sequence

import httpx

from tests.effort import IS_LONG

PERMUTATIONS, SEED = 20 if IS_LONG else 4, 20170329
OPENED, EARLIEST = "2010-06-01", "2010-08-18"
ROWS = [
    ("BUY", "2011-01-03", {"ticker": "IBM", "quantity": "10", "price": "147.48"}),
    ("BUY", "2011-06-15", {"ticker": "IBM", "quantity": "7.5", "price": "162.33", "fees": "3"}),
    ("SELL", "2011-10-10", {"ticker": "IBM", "quantity": "12", "price": "186.62"}),
    ("DIVIDEND", "2011-03-10", {"ticker": "IBM", "amount": "6.50"}),
    ("BUY", EARLIEST, {"ticker": "GOOG", "quantity": "5", "price": "482.15"}),
    ("WITHDRAW", "2012-08-01", {"amount": "250.01"}),
]
ORDERS = [random.Random(f"{SEED}/{number}").sample(ROWS, len(ROWS)) for number in range(PERMUTATIONS)]
FIRST, LAST = slice(0, 3), slice(3, 6)
_FILE = """Type,Trade Date,Symbol,Quantity,Price,Amount
DEPOSIT,2010-09-01,,,,9000
BUY,2010-09-02,AAPL,20,252.17,
BUY,2011-04-04,GOOG,3,587.68,
SELL,2011-10-10,AAPL,8,388.81,
DIVIDEND,2012-08-16,AAPL,,,31.80
"""


def name_of(number: int) -> str:
    return f"order {number}"


def opened(client: httpx.Client) -> list[str]:
    """The ids of the portfolios, without a row yet."""
    asked = {"kind": "TRADING_BOOK", "initial_cash": "10000", "business_date": OPENED}
    made = [client.post("/portfolios", json={"name": name_of(number), **asked}) for number in range(PERMUTATIONS)]
    return [str(answer.raise_for_status().json()["portfolio_id"]) for answer in made]


def record(client: httpx.Client, ids: Sequence[str], rounds: slice) -> None:
    for portfolio_id, rows in zip(ids, ORDERS, strict=True):
        for kind, on, fields in rows[rounds]:
            body = {"type": kind, "business_date": on, **fields}
            client.post(f"/portfolios/{portfolio_id}/transactions", json=body).raise_for_status()


def record_first_half(client: httpx.Client, ids: Sequence[str]) -> None:
    """And a file into one of them alone, whose import is undone later."""
    record(client, ids, FIRST)
    sent = client.post(f"/portfolios/{ids[1]}/imports", content=_FILE, headers={"Content-Type": "text/csv"})
    assert sent.raise_for_status().json()["status"] == "COMPLETE", sent.text
