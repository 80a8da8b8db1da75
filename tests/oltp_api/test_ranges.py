"""Numbers, currencies and ids at and beyond what is kept: accepted and valued, or refused with a stable code."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.currencies import CURRENCIES, MINOR_UNITS
from domain.limits import MOST_MONEY, MOST_PRICE, MOST_RATE, UNITS_BELOW
from domain.money import SCALE
from storage.postgres.database import Database

HUGE = ["9" * 10, "9" * 20, "9" * 40, "9" * 40 + "." + "9" * 40]
IDS = [2**31, 2**63 - 1, 2**63, 2**64, 2**127, 10**40]
ABOVE = {
    "fx_rate": (MOST_RATE, {"type": "BUY", "ticker": "AAPL", "quantity": "1", "price": "1"}),
    "price": (MOST_PRICE, {"type": "BUY", "ticker": "AAPL", "quantity": "0.00000001"}),
    "quantity": (UNITS_BELOW - SCALE, {"type": "BUY", "ticker": "AAPL", "price": "0.00000001"}),
    "amount": (MOST_MONEY, {"type": "DEPOSIT"}),
    "fees": (MOST_MONEY, {"type": "BUY", "ticker": "AAPL", "quantity": "1", "price": "1"}),
    "accrued": (MOST_MONEY, {"type": "BUY", "ticker": "AAPL", "quantity": "1", "price": "1"}),
}


@pytest.fixture(scope="module")
def book(api) -> Callable[..., Any]:
    """Makes a trading book without cash, in a currency."""

    def create(currency: str = "USD") -> str:
        asked = {"name": "book", "kind": "TRADING_BOOK", "base_currency": currency, "business_date": "2015-01-02"}
        return str(api.post("/portfolios", json=asked).json()["portfolio_id"])

    return create


@pytest.mark.parametrize("field", ABOVE)
def test_the_most_is_kept_and_more_is_refused_with_both_numbers(api, book, field: str) -> None:
    most, body = ABOVE[field]
    rest = 1 if field in ("fees", "accrued") else 0  # with the price of 1 the row's cash is then at its most
    portfolio_id = book("EUR" if field == "fx_rate" else "USD")
    address = f"/portfolios/{portfolio_id}/transactions"

    beyond = api.post(address, json={**body, field: f"{most + SCALE:f}"})
    taken = api.post(address, json={**body, field: f"{most - rest:f}"})

    problem = beyond.json()
    assert (beyond.status_code, problem["code"]) == (422, "out_of_range")
    assert (Decimal(problem["given"]), Decimal(problem["most"]), problem["field"]) == (most + SCALE, most, field)
    assert taken.status_code == 201, taken.text


PRODUCTS = {
    "quantity x price": {"type": "BUY", "ticker": "AAPL", "quantity": "9999999999", "price": "9999999"},
    "x rate": {"type": "BUY", "ticker": "AAPL", "quantity": "10000000", "price": "10000000", "fx_rate": "10000000"},
    "rate of the issue": {"type": "BUY", "ticker": "AAPL", "quantity": "1", "price": "1", "fx_rate": "9999999999"},
    "cost of units received": {"type": "TRANSFER_IN", "ticker": "AAPL", "quantity": "9999999999", "price": "9999999"},
    "a split into too many": {
        "type": "SPLIT",
        "ticker": "SPLITS",
        "split_new": "9999999999",
        "split_old": "0.00000001",
    },
    "a split into too few": {"type": "SPLIT", "ticker": "SPLITS", "split_new": "0.00000001", "split_old": "9999999999"},
    "a deposit x rate": {"type": "DEPOSIT", "amount": "999999999999999", "currency": "USD", "fx_rate": "99999"},
}


@pytest.mark.parametrize("body", PRODUCTS.values(), ids=PRODUCTS)
def test_a_product_beyond_what_is_kept_is_refused(api, book, body: dict[str, str]) -> None:
    api.post("/securities", json={"ticker": "SPLITS"})
    answer = api.post(
        f"/portfolios/{book('EUR')}/transactions", json={"fx_rate": "1.1", **body} if "fx_rate" in body else body
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "out_of_range"), answer.text


def test_sums_of_accepted_rows_stay_within_what_is_kept_in_whatever_order_they_come(api, book) -> None:
    """Later, earlier, and in a batch that is decided in one pass; and what makes it less is always taken."""
    address = f"/portfolios/{book()}/transactions"
    half = {"type": "DEPOSIT", "amount": f"{MOST_MONEY / 2:f}"}

    assert api.post(address, json={**half, "business_date": "2016-01-04"}).status_code == 201
    assert api.post(address, json={**half, "business_date": "2016-01-05"}).status_code == 201
    over = {"type": "DEPOSIT", "amount": "1"}
    later = api.post(address, json={**over, "business_date": "2016-01-06"})
    earlier = api.post(address, json={**over, "business_date": "2016-01-01"})
    spent = [{"type": "WITHDRAW", "amount": "1", "business_date": "2016-01-07"}]
    batch = api.post(f"{address}/bulk", json={"transactions": [{**over, "business_date": "2016-01-01"}, *spent]})
    less = api.post(address, json=spent[0])

    codes = [answer.json()["code"] for answer in (later, earlier) if answer.status_code == 422]
    assert codes == ["out_of_range", "out_of_range"]
    assert (batch.status_code, batch.json()["code"]) in ((422, "out_of_range"), (422, "batch_refused")), batch.text
    assert less.status_code == 201


def test_units_stay_within_what_is_kept_also_by_a_split(api, book, stored) -> None:
    api.post("/securities", json={"ticker": "SPLITS"})
    address = f"/portfolios/{book()}/transactions"
    bought = {"type": "BUY", "ticker": "SPLITS", "quantity": "9999999999", "price": "0.00000001"}
    assert api.post(address, json={**bought, "business_date": "2016-01-05"}).status_code == 201
    before = stored()

    for body in (
        bought,
        {**bought, "business_date": "2016-01-01"},
        {"type": "SPLIT", "ticker": "SPLITS", "split_new": "2", "split_old": "1"},
    ):
        answer = api.post(address, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "out_of_range"), answer.text
    assert stored() == before


def test_a_gain_stays_within_what_is_kept_also_where_a_position_becomes_smaller(api, book) -> None:
    """A short in dollars is bought back when a dollar is 10^8 euros: the gain that is the rate's is 10^22."""
    address = f"/portfolios/{book('EUR')}/transactions"
    short = {"type": "SELL", "ticker": "AAPL", "quantity": "1000000000", "price": "100000", "fx_rate": "1"}
    cover = {"type": "BUY", "ticker": "AAPL", "quantity": "999999999", "price": "0.00000001", "fx_rate": "100000000"}
    assert api.post(address, json={**short, "business_date": "2016-01-05"}).status_code == 201

    answer = api.post(address, json={**cover, "business_date": "2016-01-06"})

    assert (answer.status_code, answer.json()["code"]) == (422, "out_of_range"), answer.text


@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize("sign", ["", "-"])
def test_no_number_of_any_size_ends_in_an_error_of_ours(api, book, number: str, sign: str) -> None:
    portfolio_id, value = book(), f"{sign}{number}"
    ticker = f"N{uuid4().hex[:10]}".upper()
    api.post("/securities", json={"ticker": ticker})
    bond = {"maturity_date": "2030-01-15", "day_count": "ACT/ACT ICMA", "coupon_frequency": 2}
    line = {"ticker": "AAPL", "quantity": value, "cost": value, "price": value, "market_value": value}
    asked = {
        f"/portfolios/{portfolio_id}/conversions": {
            "from_currency": "USD",
            "to_currency": "EUR",
            "amount": value,
            "received": value,
        },
        f"/portfolios/{portfolio_id}/transactions": {
            "type": "BUY",
            "ticker": "AAPL",
            "quantity": value,
            "price": value,
        },
        f"/portfolios/{portfolio_id}/holdings": {
            "account": "MAIN",
            "ticker": "AAPL",
            "quantity": value,
            "cost_per_unit": value,
        },
        f"/portfolios/{portfolio_id}/reconciliations": {
            "statement_date": "2016-01-01",
            "positions": [line, line],
            "cash": {"USD": value},
            "tolerance": {"units": value, "cash": value},
        },
        "/portfolios": {
            "name": "x",
            "initial_cash": value,
            "holdings": [{"ticker": "AAPL", "quantity": value, "avg_cost": value}],
        },
        "/orders": {
            "portfolio_id": portfolio_id,
            "ticker": "AAPL",
            "quantity": value,
            "order_type": "LIMIT",
            "limit_price": value,
            "fees": value,
        },
        f"/securities/{ticker}/prices": {"prices": [{"date": "2017-03-28", "close": value, "currency": "USD"}]},
        "/securities": {
            "ticker": f"B{ticker}",
            "asset_type": "BOND",
            "bond": {**bond, "coupon_rate_pct": value, "denomination": value, "spread_bps": value},
        },
        f"/books/{portfolio_id}/rankings": {
            "haircuts": {"AAPL": value},
            "fx_rates": {"EUR": value},
            "required_amount": value,
        },
    }
    answers = {address: api.post(address, json=body) for address, body in asked.items()}
    answers["schedule"] = api.put(
        "/haircut-schedules/x",
        json={"default_haircut": value, "fx_haircut": value, "issuer_cap": value, "securities": {"AAPL": value}},
    )

    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code >= 500} == {}
    found = [
        name
        for name, answer in answers.items()
        if answer.status_code in (405,) or answer.json().get("code") == "not_found"
    ]
    assert found == []


@pytest.mark.parametrize("number", IDS)
def test_no_id_of_any_size_ends_in_an_error_of_ours(api, portfolio, number: int) -> None:
    for sign in ("", "-"):
        text = f"{sign}{number}"
        for method, address in (
            ("POST", f"/portfolios/{portfolio.portfolio_id}/transactions/{text}/reversal"),
            ("GET", f"/lineage/portfolios/{portfolio.portfolio_id}/securities/{text}"),
            ("GET", f"/securities/id:{text}"),
            ("GET", f"/securities/id:{text}/price"),
            ("GET", f"/portfolios?limit={text}"),
            ("GET", f"/portfolios/{portfolio.portfolio_id}/transactions?limit={text}"),
            ("POST", f"/portfolios/{text}/transactions"),
        ):
            answer = api.request(method, address, json={} if method == "POST" else None)
            assert 400 <= answer.status_code < 500 or answer.json()["code"] == "no_release", (address, answer.text)
    for field in ("horizon_years", "num_paths", "sample_paths", "seed"):
        answer = api.post(f"/portfolios/{portfolio.portfolio_id}/simulations", json={"name": "x", field: number})
        assert answer.status_code == 422 or (field == "seed" and answer.status_code in (201, 202)), answer.text


@pytest.mark.parametrize("code", ["ZZZ", "XXX", "XTS", "XAU", "usd", "US", "GBX", "GBp", "ZAc", "", "U\0D"])
def test_what_is_no_currency_is_refused_everywhere(api, portfolio, code: str) -> None:
    answers = [
        api.post("/portfolios", json={"name": "x", "base_currency": code}),
        api.post("/securities", json={"ticker": f"N{uuid4().hex[:8]}".upper(), "currency": code}),
        *([] if code in MINOR_UNITS else _written_in(api, portfolio, code)),
        api.post(
            f"/portfolios/{portfolio.portfolio_id}/conversions",
            json={"from_currency": "USD", "amount": "1", "to_currency": code, "received": "1"},
        ),
        api.get("/securities", params={"currency": code}),
    ]

    assert [answer.status_code for answer in answers] == [422] * len(answers), [answer.text for answer in answers]


def _written_in(api, portfolio, code: str) -> list[Any]:
    """An amount and a price, which may be written in a minor unit too."""
    price = {"date": "2016-01-04", "close": "1", "currency": code}
    return [
        portfolio.post(type="DEPOSIT", amount="1", currency=code),
        api.post("/securities/AAPL/prices", json={"prices": [price]}),
    ]


def test_every_currency_that_is_one_is_taken(api, database: Database) -> None:
    for code in sorted(CURRENCIES):
        assert api.get("/securities", params={"currency": code}).status_code == 200, code
    with psycopg.connect(database.admin_url) as connection:
        found = connection.execute("select distinct currency from security_registry").fetchall()
    assert {code for (code,) in found} <= CURRENCIES
    assert not CURRENCIES & MINOR_UNITS.keys()
