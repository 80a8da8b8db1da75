"""The projection beside the ledger is what its rows add up to, whatever was sent over HTTP, lots included."""

import random
from collections import Counter
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oltp_api.context import LOCAL_USER
from storage.postgres.database import Database
from tests.effort import IS_LONG
from tests.oltp_api.folds import refuse_other_fold

COMMANDS = 120 if IS_LONG else 60
ACCOUNTS = ("MAIN", "PENSION")
TICKERS = ("PROJA", "PROJE")  # the second in euros


@pytest.fixture(scope="module")
def registered(api: Any, database: Database) -> None:
    for ticker, currency in zip(TICKERS, ("USD", "EUR"), strict=True):
        body = {"ticker": ticker, "asset_type": "EQUITY", "currency": currency, "display_name": ticker}
        assert api.post("/securities", json=body).status_code == 201
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into account (user_id, identifier, broker, account_type) values (%s, 'PENSION', 'Broker', 'BANK')",
            (LOCAL_USER,),
        )


def drawn(draw: random.Random, version: int) -> tuple[str, dict[str, Any]]:
    """One command of any kind: its address and body."""
    kind = draw.choice(
        ["BUY"] * 4 + ["SELL"] * 3 + ["DEPOSIT", "WITHDRAW", "FEE", "TAX", "INTEREST", "DIVIDEND", "TRANSFER_IN"]
        + ["TRANSFER_OUT", "SPLIT", "transfer", "transfer", "conversion", "reversal", "reversal", "holding"]
    )  # fmt: skip
    ticker, amount, units = draw.choice(TICKERS), f"{draw.uniform(1, 900):.8f}", f"{draw.uniform(0.1, 9):.8f}"
    dated = {"business_date": f"2016-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"}
    rate = {"fx_rate": f"{draw.uniform(0.9, 1.3):.4f}"} if ticker == "PROJE" else {}
    account = {"account": draw.choice(ACCOUNTS)}
    if kind == "reversal":
        return f"/transactions/{draw.randint(1, version)}/reversal", {}
    if kind == "conversion":
        euros = {"from_currency": "USD", "to_currency": "EUR", "amount": amount, "received": amount}
        return "/conversions", {**dated, **euros}
    if kind == "transfer":
        out_of, into = draw.sample(ACCOUNTS, 2)
        moved = {"ticker": ticker, "quantity": units, "from_account": out_of, "to_account": into}
        return "/transfers", {**dated, **moved}
    if kind == "holding":
        return "/holdings", {**dated, **account, **rate, "ticker": ticker, "quantity": units, "cost_per_unit": amount}
    body: dict[str, Any] = {**dated, "type": kind}
    if kind in ("BUY", "SELL"):
        traded = {"ticker": ticker, "quantity": units, "price": f"{draw.uniform(1, 90):.8f}", "fees": "0.35"}
        return "/transactions", {**body, **account, **rate, **traded}
    if kind in ("TRANSFER_IN", "TRANSFER_OUT"):
        return "/transactions", {**body, **account, "ticker": ticker, "quantity": units}
    if kind == "SPLIT":
        return "/transactions", {**body, "ticker": ticker, "split_new": str(draw.randint(1, 5)), "split_old": "2"}
    if kind == "DIVIDEND":
        return "/transactions", {**body, **account, "ticker": ticker, "amount": amount, "withheld": "0.5"}
    return "/transactions", {**body, "amount": amount, "currency": draw.choice(["USD", "EUR"])}


@pytest.mark.parametrize("method", ["AVCO", "FIFO"])
@pytest.mark.parametrize("kind", ["INVESTMENT", "TRADING_BOOK"])
def test_what_is_stored_is_what_the_rows_add_up_to(
    registered: None, new_portfolio: Any, database: Database, kind: str, method: str
) -> None:
    mine = new_portfolio(kind=kind)
    address = f"/portfolios/{mine.portfolio_id}"
    assert mine.api.put(f"{address}/cost-method", json={"cost_method": method}).status_code == 200
    mine.post(type="DEPOSIT", amount="5000", currency="EUR", business_date="2016-01-01")
    draw, statuses, codes = random.Random(20170329), Counter[int](), Counter[str]()
    for _ in range(COMMANDS):
        where, body = drawn(draw, mine.get()["version"])
        answer = mine.api.post(address + where, json=body)
        statuses[answer.status_code] += 1
        codes[answer.json().get("code", "")] += 1
    assert statuses.keys() == {201, 422}
    assert statuses[201] > COMMANDS // 3
    assert not codes.keys() & {"internal_error", "invalid_input"}, codes

    refuse_other_fold(database, UUID(mine.portfolio_id))
