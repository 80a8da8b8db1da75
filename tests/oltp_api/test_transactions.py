import json
from datetime import date
from decimal import Decimal
from random import Random
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from application.ledger import verify
from domain.entries import When
from domain.errors import Refusal
from domain.holdings import Holding
from domain.ledger import in_order_of_event
from domain.positions import Positions
from oltp_api.business_dates import event_time
from oltp_api.context import LOCAL_USER
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import Wanted, load_one
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SampleMarketClock, SystemClock
from storage.postgres.database import Database

D = Decimal


def test_a_purchase_is_answered_with_its_ledger_row(portfolio) -> None:
    answer = portfolio.buy("10", "140.25", fees="1", business_date="2016-01-04", note="first")

    assert answer.status_code == 201
    row = answer.json()
    assert (row["seq"], row["type"], row["ticker"], row["account"]) == (2, "BUY", "AAPL", "MAIN")
    assert (row["quantity"], row["price"], row["fees"], row["cash_effect"]) == ("10", "140.25", "1", "-1403.5")
    assert (row["business_date"], row["event_ts"]) == ("2016-01-04", "2016-01-04T21:00:00Z")
    assert portfolio.get("/transactions")["items"][1] == row


def test_symbol_and_json_numbers_are_understood(portfolio) -> None:
    row = portfolio.post(type="BUY", symbol="aapl", quantity=10, price=140.25).json()

    assert (row["ticker"], row["quantity"], row["price"]) == ("AAPL", "10", "140.25")


def test_without_a_date_a_trade_lands_on_the_last_day_of_the_market(portfolio) -> None:
    assert portfolio.buy("1", "1").json()["business_date"] == "2017-03-29"


def test_a_moment_alone_gives_its_day_in_the_portfolios_zone(new_portfolio) -> None:
    tokyo = new_portfolio(time_zone="Asia/Tokyo")
    row = tokyo.post(type="DEPOSIT", amount="1", event_ts="2016-05-01T18:00:00-01:00").json()

    assert (row["business_date"], row["event_ts"]) == ("2016-05-02", "2016-05-01T19:00:00Z")


def test_average_cost_starts_anew_after_everything_was_sold(portfolio) -> None:
    portfolio.buy("10", "100", business_date="2016-01-04")
    portfolio.sell("10", "120", business_date="2016-01-05")
    assert portfolio.get("/holdings")["holdings"] == []

    portfolio.buy("10", "300", business_date="2016-01-06")
    (held,) = portfolio.get("/holdings")["holdings"]
    assert (held["avg_cost"], held["cost_basis"], held["realised"]) == ("300", "3000", "200")


def test_two_accounts_are_one_position_with_a_weighted_average(new_portfolio, database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into account (user_id, identifier, broker, account_type)"
            " values ('00000000-0000-4000-8000-000000000001', 'SECOND', 'Broker', 'CUSTODY')"
        )
    rich = new_portfolio(initial_cash="100000")
    rich.buy("50", "500", account="MAIN")
    rich.buy("30", "520", account="SECOND")

    (held,) = rich.get("/holdings")["holdings"]
    assert (held["quantity"], held["avg_cost"]) == ("80", "507.5")
    assert [(part["account"], part["avg_cost"]) for part in held["accounts"]] == [("MAIN", "500"), ("SECOND", "520")]


def test_a_trading_book_goes_through_zero(new_portfolio) -> None:
    book = new_portfolio(kind="TRADING_BOOK", initial_cash=None)
    book.buy("50", "180")
    book.sell("100", "182")

    (held,) = book.get("/holdings")["holdings"]
    assert (held["quantity"], held["avg_cost"], held["realised"]) == ("-50", "182", "100")


def test_cash_moves_with_deposits_withdrawals_and_fees(portfolio) -> None:
    portfolio.post(type="DEPOSIT", amount="0.01")
    portfolio.post(type="WITHDRAW", amount="9000")
    portfolio.post(type="FEE", amount="12.5")

    assert portfolio.get("/cash")["balances"] == [
        {"currency": "USD", "balance": "987.51", "reserved": "0", "available": "987.51"}
    ]
    assert portfolio.get()["version"] == 4


def test_a_billion_units_at_a_hundred_thousand_are_exact(new_portfolio) -> None:
    rich = new_portfolio(initial_cash="100000000000001")
    row = rich.buy("1000000000", "100000.00000001", fees="0").json()
    assert row["code"] == "insufficient_cash"

    row = rich.buy("1000000000", "100000").json()
    assert row["cash_effect"] == "-100000000000000"
    assert rich.get()["cash"] == "1"


def test_transactions_are_filtered_and_paged_in_ledger_order(portfolio) -> None:
    portfolio.buy("1", "10", business_date="2016-03-01")
    portfolio.buy("1", "10", ticker="MSFT", business_date="2016-02-01")
    portfolio.buy("1", "10", business_date="2016-04-01")

    def seqs(**query: object) -> list[int]:
        return [row["seq"] for row in portfolio.get("/transactions", **query)["items"]]

    assert seqs() == [1, 2, 3, 4]
    assert seqs(ticker="aapl") == [2, 4]
    assert seqs(type="DEPOSIT") == [1]
    assert seqs(**{"from": "2016-02-01", "to": "2016-03-01"}) == [2, 3]
    first = portfolio.get("/transactions", limit=3)
    assert [row["seq"] for row in first["items"]] == [1, 2, 3]
    rest = portfolio.get("/transactions", limit=3, cursor=first["next_cursor"])
    assert ([row["seq"] for row in rest["items"]], rest["next_cursor"]) == ([4], None)


@pytest.mark.parametrize(
    ("sort", "seqs"),
    [
        ("seq", [1, 2, 3, 4, 5]),
        ("-seq", [5, 4, 3, 2, 1]),
        ("business_date", [1, 3, 5, 2, 4]),
        ("-business_date", [4, 2, 5, 3, 1]),
    ],
)
def test_every_order_of_transactions_pages_without_gap_or_repeat(portfolio, sort: str, seqs: list[int]) -> None:
    for day in ("2016-03-01", "2016-02-01", "2016-04-01", "2016-02-01"):
        portfolio.buy("1", "10", business_date=day)
    seen, query = [], {"sort": sort, "limit": 2}
    while True:
        page = portfolio.get("/transactions", **query)
        seen += [row["seq"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert seen == seqs
    other = {**query, "sort": "business_date" if sort == "seq" else "seq"}
    answer = portfolio.api.get(f"/portfolios/{portfolio.portfolio_id}/transactions", params=other)
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")


def test_transactions_of_one_account_are_listed_alone(portfolio) -> None:
    opened = {"identifier": "LISTED", "broker": "Broker", "account_type": "CUSTODY"}
    assert portfolio.api.post("/accounts", json=opened).status_code == 201
    portfolio.buy("1", "10")
    portfolio.buy("2", "10", account="LISTED")

    assert [row["seq"] for row in portfolio.get("/transactions", account="LISTED")["items"]] == [3]
    assert portfolio.get("/transactions", account="NONE")["items"] == []


def test_a_back_dated_purchase_restates_cost_and_gain(portfolio) -> None:
    portfolio.buy("10", "100", business_date="2016-06-01")
    portfolio.buy("5", "50", ticker="MSFT", business_date="2016-06-01")
    portfolio.sell("10", "150", business_date="2016-08-01")
    assert portfolio.buy("10", "200", business_date="2016-03-01").status_code == 201

    holdings = {held["ticker"]: held for held in portfolio.get("/holdings")["holdings"]}
    assert (holdings["AAPL"]["quantity"], holdings["AAPL"]["avg_cost"], holdings["AAPL"]["realised"]) == (
        "10",
        "150",
        "0",
    )
    assert holdings["MSFT"]["quantity"] == "5"
    assert portfolio.get()["last_business_date"] == "2016-08-01"


def test_a_back_dated_sale_names_the_first_day_it_would_make_negative(portfolio, stored) -> None:
    portfolio.buy("10", "100", business_date="2016-06-01")
    portfolio.sell("2", "100", business_date="2016-07-01")
    portfolio.sell("8", "100", business_date="2016-08-01")
    before = stored()
    answer = portfolio.sell("1", "100", business_date="2016-06-15")

    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_position")
    assert answer.json()["first_violating_date"] == "2016-08-01"
    assert stored() == before


def test_every_recorded_row_has_its_event_in_the_outbox(portfolio, database: Database) -> None:
    portfolio.buy("10", "12.50")
    with psycopg.connect(database.admin_url) as connection:
        rows = connection.execute(
            "select version, payload from outbox where aggregate_id = %s and event_type = 'TransactionRecorded'"
            " order by seq",
            (portfolio.portfolio_id,),
        ).fetchall()

    assert [version for version, _ in rows] == [1, 2]
    assert rows[0][1]["quantity"] is None
    assert isinstance(rows[1][1].pop("security_id"), int)
    assert rows[1][1] == {
        "portfolio_id": portfolio.portfolio_id,
        "seq": 2,
        "txn_type": "BUY",
        "business_date": "2017-03-29",
        "quantity": "10",
        "price": "12.5",
        "cash_effect": "-125",
        "currency": "USD",
    }


def test_texts_are_recorded_as_they_are_written(portfolio, database: Database) -> None:
    """They go to the database in a literal of rows; that the hash is of what was recorded shows the other fields."""
    text = 'a "b" \\ \\"{c}, (d)\' NULL\n;é'
    told = portfolio.post(type="DEPOSIT", amount="1", note=text, external_id=f"{text}2").json()

    assert (told["note"], told["external_id"]) == (text, f"{text}2")
    assert portfolio.get("/transactions")["items"][-1] == told
    with psycopg.connect(database.admin_url) as connection:
        checked = {str(each.portfolio_id): each.differences for each in verify(connection)}
    assert checked[portfolio.portfolio_id] == []


@pytest.mark.parametrize("kind", ["INVESTMENT", "TRADING_BOOK"])
def test_the_projections_are_what_a_replay_of_the_ledger_gives(new_portfolio, database: Database, kind) -> None:
    mine = new_portfolio(kind=kind)
    random = Random(20170329)
    statuses = set()
    for _ in range(60):
        trade = random.choice([mine.buy, mine.sell])
        day = f"2016-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
        quantity, price = f"{random.uniform(0.1, 20):.8f}", f"{random.uniform(1, 200):.8f}"
        answer = trade(quantity, price, random.choice(["AAPL", "MSFT"]), fees="0.35", business_date=day)
        statuses.add(answer.status_code)

    with psycopg.connect(database.services_url, row_factory=dict_row) as connection:
        work = UnitOfWork(connection, SampleMarketClock())
        projected = load_one(Wanted(LOCAL_USER, UUID(mine.portfolio_id), holds_all=True), work).portfolio
        history = Portfolios(work).history(projected.portfolio_id)
    replayed = Positions.of(history)
    last = in_order_of_event(history)[-1]

    assert statuses == ({201, 422} if kind == "INVESTMENT" else {201})
    assert {key: figures(held) for key, held in projected.holdings.items()} == {
        key: figures(held) for key, held in replayed.holdings.items()
    }
    assert projected.cash == replayed.cash
    assert projected.last == When(last.event_ts, last.business_date)
    assert projected.version == mine.get()["version"]


def figures(held: Holding) -> tuple[Decimal, ...]:
    return held.quantity, held.cost_basis, held.cost_basis_base, held.realised, held.realised_base


TRADE = {"type": "SELL", "ticker": "AAPL", "quantity": "1", "price": "1"}
REFUSED = [
    ("unknown ticker", {**TRADE, "ticker": "NOPE"}, "unknown_security"),
    ("not a ticker", {**TRADE, "ticker": "'; drop table"}, "invalid_input"),
    ("NUL in the ticker", {**TRADE, "ticker": "AAPL\0"}, "invalid_input"),
    ("oversell", {**TRADE, "quantity": "10.00000001"}, "insufficient_position"),
    ("negative quantity", {**TRADE, "quantity": "-1"}, "invalid_number"),
    ("zero quantity", {**TRADE, "quantity": "0"}, "invalid_number"),
    ("malformed quantity", {**TRADE, "quantity": "ten"}, "invalid_number"),
    ("empty quantity", {**TRADE, "quantity": ""}, "invalid_number"),
    ("NaN as text", {**TRADE, "quantity": "NaN"}, "invalid_number"),
    ("NaN as a number", {**TRADE, "quantity": float("nan")}, "invalid_number"),
    ("infinity", {**TRADE, "quantity": float("inf")}, "invalid_number"),
    ("infinity as text", {**TRADE, "price": "Infinity"}, "invalid_number"),
    ("an exponent", {**TRADE, "quantity": "1e400"}, "invalid_number"),
    ("underscores", {**TRADE, "quantity": "1_000"}, "invalid_number"),
    ("commas", {**TRADE, "quantity": "1,000"}, "invalid_number"),
    ("Arabic digits", {**TRADE, "quantity": "١٢"}, "invalid_number"),
    ("full-width digits", {**TRADE, "quantity": "１"}, "invalid_number"),
    ("a space", {**TRADE, "quantity": " 1"}, "invalid_number"),
    ("a line break", {**TRADE, "quantity": "1\n"}, "invalid_number"),
    ("nine decimals", {**TRADE, "quantity": "0.000000001"}, "invalid_number"),
    ("a double that is not exact", {**TRADE, "quantity": 0.1 + 0.2}, "invalid_number"),
    ("a boolean", {**TRADE, "quantity": True}, "invalid_number"),
    ("a list", {**TRADE, "quantity": ["1"]}, "invalid_number"),
    ("too many units", {**TRADE, "quantity": "10000000000"}, "out_of_range"),
    ("zero price", {**TRADE, "price": "0"}, "invalid_number"),
    ("negative fees", {**TRADE, "fees": "-1"}, "invalid_number"),
    ("no price and no amount", {"type": "BUY", "ticker": "AAPL", "quantity": "1"}, "invalid_input"),
    ("an amount that is another", {**TRADE, "amount": "2"}, "amount_differs"),
    ("price on a deposit", {"type": "DEPOSIT", "amount": "1", "price": "1"}, "invalid_input"),
    ("fees on a deposit", {"type": "DEPOSIT", "amount": "1", "fees": "1"}, "invalid_input"),
    ("deposit without amount", {"type": "DEPOSIT"}, "invalid_input"),
    ("negative deposit", {"type": "DEPOSIT", "amount": "-5"}, "invalid_number"),
    ("cash shortfall", {**TRADE, "type": "BUY", "quantity": "1", "price": "10000.01"}, "insufficient_cash"),
    ("withdrawal above the cash", {"type": "WITHDRAW", "amount": "10000.01"}, "insufficient_cash"),
    ("another currency", {**TRADE, "currency": "EUR"}, "currency_mismatch"),
    ("not a currency", {**TRADE, "currency": "dollars"}, "invalid_input"),
    ("unknown account", {**TRADE, "account": "SWISS"}, "invalid_input"),
    ("unknown type", {**TRADE, "type": "SHORT"}, "invalid_input"),
    ("a type that has its own address", {**TRADE, "type": "REVERSAL"}, "invalid_input"),
    ("a misspelt field", {**TRADE, "quantiy": "1"}, "invalid_input"),
    ("a future day", {**TRADE, "business_date": "2017-03-30"}, "invalid_input"),
    ("a day before 1970", {**TRADE, "business_date": "1969-12-31"}, "invalid_input"),
    ("not a day", {**TRADE, "business_date": "2016-02-30"}, "invalid_input"),
    ("a day as a number", {**TRADE, "business_date": 0}, "invalid_input"),
    ("a moment without a zone", {**TRADE, "event_ts": "2016-01-04T10:00:00"}, "invalid_input"),
    ("a moment as a number", {**TRADE, "event_ts": 1451900000}, "invalid_input"),
    ("a moment before time", {**TRADE, "event_ts": "0001-01-01T00:00:00+14:00"}, "invalid_input"),
    ("contradicting days", {**TRADE, "event_ts": "2016-01-04T10:00Z", "business_date": "2016-02-04"}, "invalid_input"),
    ("a NUL in the note", {**TRADE, "note": "a\0b"}, "invalid_input"),
    ("half a surrogate pair", {**TRADE, "note": "\ud800"}, "invalid_input"),
    ("a field called by half a surrogate pair", {**TRADE, "\ud800": "1"}, "invalid_input"),
    ("a list for a body", [TRADE], "invalid_input"),
    ("null for a body", None, "invalid_input"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_transaction_that_cannot_be_is_a_clean_422_and_leaves_nothing(api, new_portfolio, stored, body, code) -> None:
    holder = new_portfolio(holdings=[{"ticker": "AAPL", "quantity": "10", "avg_cost": "1"}])
    before = stored()
    answer = api.post(
        f"/portfolios/{holder.portfolio_id}/transactions",
        content=json.dumps(body),
        headers={"Content-Type": "application/json", "Idempotency-Key": uuid4().hex},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance"} <= answer.json().keys()
    assert stored() == before


def test_a_day_after_the_sample_says_that_it_ends_and_how_to_start_an_own_state(api, portfolio) -> None:
    trade = {"type": "DEPOSIT", "amount": "1", "business_date": "2026-11-28"}

    recorded = api.post(f"/portfolios/{portfolio.portfolio_id}/transactions", json=trade)
    opened = api.post("/portfolios", json={"name": "Mine", "business_date": "2026-11-28"})

    for answer in (recorded, opened):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
        assert answer.json()["market_ends"] == "2017-03-29"
        assert "MARKET_SOURCE=live" in answer.json()["detail"]


def test_where_time_goes_on_a_day_to_come_is_only_that() -> None:
    with pytest.raises(Refusal) as refused:
        event_time(date(9999, 1, 1), None, "UTC", SystemClock())

    assert "market_ends" not in refused.value.facts
    assert refused.value.code == "invalid_input"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "-1e400", "1" + "0" * 4000])
def test_json_numbers_that_are_none_are_clean_refusals(api, portfolio, stored, number) -> None:
    before = stored()
    body = f'{{"type": "DEPOSIT", "amount": {number}}}'
    headers = {"Content-Type": "application/json"}
    answer = api.post(f"/portfolios/{portfolio.portfolio_id}/transactions", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_number")
    assert stored() == before


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"", 422), (b"\xc3\x28", 400), (b'{"a": ' * 10_000, 400), (b"1" * 5000, 400)],
)
def test_a_body_that_is_not_json_is_a_problem(api, portfolio, content, status) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api.post(f"/portfolios/{portfolio.portfolio_id}/transactions", content=content, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_trade_in_an_unknown_portfolio_is_a_404_and_leaves_nothing(api, stored) -> None:
    before = stored()
    answer = api.post(f"/portfolios/{uuid4()}/transactions", json=TRADE)

    assert (answer.status_code, answer.json()["code"]) == (404, "portfolio_not_found")
    assert stored() == before


def test_an_oversell_says_what_is_held_and_what_was_asked(portfolio) -> None:
    portfolio.buy("10", "1")
    problem = portfolio.sell("11", "1").json()

    assert (problem["held"], problem["asked"]) == ("10", "11")


def test_a_trade_in_another_currency_without_a_rate_is_refused(api, portfolio, stored) -> None:
    api.post("/securities", json={"ticker": "SAPEUR", "currency": "EUR", "display_name": "SAP"})
    before = stored()
    answer = portfolio.buy("1", "1", ticker="SAPEUR")

    assert (answer.status_code, answer.json()["code"]) == (422, "fx_missing")
    assert stored() == before


def test_a_refusal_does_not_echo_what_was_sent(portfolio) -> None:
    answer = portfolio.post(type="DEPOSIT", amount="my-secret-password")

    assert answer.status_code == 422
    assert "secret" not in answer.text


def test_a_position_too_large_to_be_recorded_is_refused(new_portfolio, stored) -> None:
    book = new_portfolio(kind="TRADING_BOOK", initial_cash=None)
    assert book.buy("9999999999", "0.00000001").status_code == 201
    before = stored()
    answer = book.buy("9999999999", "0.00000001")

    assert (answer.status_code, answer.json()["code"]) == (422, "out_of_range")
    assert stored() == before


def test_the_application_role_cannot_change_the_ledger(portfolio, database: Database) -> None:
    for statement in ("update transaction_ledger set note = 'x'", "delete from transaction_ledger"):
        with psycopg.connect(database.services_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_an_index_cannot_be_held(portfolio, stored) -> None:
    before = stored()
    answer = portfolio.buy("1", "2000", ticker="SP500")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert stored() == before


def test_an_external_id_is_recorded_once(portfolio) -> None:
    first = portfolio.post(type="DEPOSIT", amount="5", external_id="b-1")
    again = portfolio.post(type="DEPOSIT", amount="5", external_id="b-1")

    assert (first.status_code, again.status_code, again.json()["code"]) == (201, 409, "already_exists")
    assert portfolio.get()["cash"] == "10005"
