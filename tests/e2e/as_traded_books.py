"""The portfolios in the second market's frozen state: recorded and released once, each for the module that looks at it.

They are in dollars, and opened before that market has its last day, 2013-03-01.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from storage.settings import Settings
from tests.e2e import orders_of_arrival
from tests.effort import IS_LONG
from tests.oltp_api.people import first_code, invited, registered, served_with_accounts

BENCHMARK = "MSFT"
"""A share, for that market has no index."""
SPLITS = {("AAPL", "2000-06-21"), ("MSFT", "2003-02-18"), ("AAPL", "2005-02-28")}
EX_DATE, PAID = "2003-08-06", "2003-09-10"
"""IBM's dividend of 0.16 for the third quarter of 2003 (https://www.ibm.com/investor/services/dividends-and-stock-splits)."""
BOND = {
    "isin": "US912828V988",
    "asset_type": "BOND",
    "bond": {
        "maturity_date": "2023-02-15",
        "coupon_rate_pct": "2",
        "day_count": "ACT/ACT ICMA",
        "coupon_frequency": 2,
        "issuer_class": "SOVEREIGN",
        "issue_date": "2013-02-15",
    },
}
_WEEKDAYS = [day for ago in range(110, -1, -1) if (day := date(2013, 3, 1) - timedelta(ago)).weekday() < 5]
OWNERS: dict[str, dict[str, str]] = {
    "ada": {str(day): ("20", "20.2", "19.8")[(len(_WEEKDAYS) - n) % 3] for n, day in enumerate(_WEEKDAYS, 1)},
    "ben": {"2013-02-28": "10", "2013-03-01": "31"},
}
"""Others who have units of NOPRICE, and what each says that one is worth: Ada for long enough to simulate it, and Ben's
price jumps."""
_BOUGHT = (("UNLISTED", "10", "12"), ("FUNDX", "100", "5"), (BOND["isin"], "10000", "98"), ("NOPRICE", "1", "1"))
_FILE = "\n".join(
    [
        "Identifier,Date,Close,Currency",
        *(f"FUNDX,2013-02-{day:02},{5 + day / 100:.2f},USD" for day in range(1, 29)),
        *("FUNDX,2013-01-31,505,USD", "FUNDX,yesterday,5,USD", "NOBODY,2013-02-07,5,USD", "IBM,2013-02-07,5,USD"),
    ]
)
_DOWNLOAD = """Date,Close/Last,Volume,Open,High,Low
02/28/2013,"$1,252.00",N/A,"$1,238.00","$1,252.50","$1,236.00"
02/27/2013,"$1,238.00",12000,"$1,240.00","$1,241.00","$1,230.00"
02/26/2013,$1234.x0,12500,$1220.00,$1236.00,$1219.00
"""
_RATES = "Date,USD,JPY,XCG\n2013-02-28,9.9,9.9,2.35\n"


def record_all(client: httpx.Client) -> str:
    splits(client, "SPLIT", are_recorded=True)
    splits(client, "NOT SPLIT", are_recorded=False)
    own_prices(client)
    acme(client)
    if not IS_LONG:  # whose rows come before prices there
        orders_of_arrival.record_first_half(client, orders_of_arrival.opened(client))
    restated(client, "left alone")
    return restated(client, "restated")


def put_price_files(home: Path) -> None:
    """Put a file with four bad lines, downloads of prices and of rates, and a letter into the folder for prices."""
    folder = home / "prices"
    folder.mkdir()
    (folder / "funds.csv").write_text(_FILE)
    (folder / "DOWNLOADED (1).csv").write_text(_DOWNLOAD)
    (folder / "eurofxref.csv").write_text(_RATES)
    (folder / "letter.docx").write_bytes(b"PK\x03\x04")


def named(name: str) -> Callable[[httpx.Client], str]:
    """Finds the id of the portfolio called `name`."""

    def find(client: httpx.Client) -> str:
        portfolios = client.get("/portfolios", params={"limit": 100}).raise_for_status().json()["items"]
        (found,) = [portfolio for portfolio in portfolios if portfolio["name"] == name]
        return str(found["portfolio_id"])

    return find


def opened(client: httpx.Client, name: str, on: str) -> str:
    asked = {"name": name, "initial_cash": "100000", "business_date": on}
    return str(client.post("/portfolios", json=asked).raise_for_status().json()["portfolio_id"])


def post(client: httpx.Client, portfolio_id: str, kind: str, on: str, **fields: str) -> Any:
    body = {"type": kind, "business_date": on, **fields}
    answer = client.post(f"/portfolios/{portfolio_id}/transactions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def splits(client: httpx.Client, name: str, *, are_recorded: bool) -> None:
    """Three shares through their splits, and a dividend, in a ledger that has those rows or has not."""
    portfolio_id = opened(client, name, "2000-03-01")
    for ticker, price in (("AAPL", "130.31"), ("MSFT", "90.81"), ("IBM", "100.25")):
        post(client, portfolio_id, "BUY", "2000-03-01", ticker=ticker, quantity="100", price=price)
    if not are_recorded:
        return
    for ticker, day in sorted(SPLITS, key=lambda split: split[1]):
        post(client, portfolio_id, "SPLIT", day, ticker=ticker, split_new="2", split_old="1")
    post(client, portfolio_id, "BUY", EX_DATE, ticker="IBM", quantity="40", price="80")
    post(client, portfolio_id, "DIVIDEND", PAID, ticker="IBM", per_unit="0.16", ex_date=EX_DATE)


def own_prices(client: httpx.Client) -> None:
    """One of each: an unlisted company, a fund whose prices come in files, a Treasury bond, and what has no price."""
    for security in ({"ticker": "UNLISTED"}, {"ticker": "FUNDX", "asset_type": "FUND"}, BOND, {"ticker": "NOPRICE"}):
        client.post("/securities", json=security).raise_for_status()
    client.post("/securities", json={"ticker": "DOWNLOADED"}).raise_for_status()
    portfolio_id = opened(client, "own prices", "2013-02-15")
    for ticker, quantity, price in _BOUGHT:
        post(client, portfolio_id, "BUY", "2013-02-15", ticker=str(ticker), quantity=quantity, price=price)
    post_prices(client, str(BOND["isin"]), {"2013-03-01": "99.5"})
    post_prices(client, "UNLISTED", {"2013-03-01": "12.5"})


def owners(settings: Settings) -> None:
    """Two people who sign in, each with units of what the local owner has not priced, at a price of their own."""
    with served_with_accounts(settings) as address:
        admin = registered(address, first_code(settings), "admin@example.org")
        for name, closes in OWNERS.items():
            person = invited(admin, f"{name}@example.org")
            portfolio_id = opened(person.client, name, "2013-02-15")
            post(person.client, portfolio_id, "BUY", "2013-02-15", ticker="NOPRICE", quantity="10", price="1")
            post_prices(person.client, "NOPRICE", closes)


def acme(client: httpx.Client) -> None:
    """A share with three prices in 2012."""
    client.post("/securities", json={"ticker": "ACME"}).raise_for_status()
    post_prices(client, "ACME", {f"2012-{month:02}-01": str(10 + month) for month in (6, 8, 11)})


def post_prices(client: httpx.Client, ticker: str, closes: dict[str, str]) -> None:
    prices = [{"date": day, "close": close, "currency": "USD"} for day, close in closes.items()]
    client.post(f"/securities/{ticker}/prices", json={"prices": prices}).raise_for_status()


def restated(client: httpx.Client, name: str) -> str:
    portfolio_id = opened(client, name, "2012-01-03")
    for ticker, quantity, price in (("IBM", "100", "193.35"), ("ACME", "50", "12")):
        post(client, portfolio_id, "BUY", "2012-06-01", ticker=ticker, quantity=quantity, price=price)
    return portfolio_id
