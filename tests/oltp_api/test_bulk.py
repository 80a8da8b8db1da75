"""Many transactions in one request: all or none, or those that can be; the same as one request each."""

from typing import Any

import httpx
import pytest


def bulk(portfolio, rows: list[dict[str, Any]], key: str | None = None, **more: Any) -> httpx.Response:
    return portfolio.api.post(
        f"/portfolios/{portfolio.portfolio_id}/transactions/bulk",
        json={"transactions": rows, **more},
        headers={"Idempotency-Key": key} if key else {},
    )


def buy(quantity: str, day: str, price: str = "10", ticker: str = "AAPL", **more: Any) -> dict[str, Any]:
    return {
        "type": "BUY", "ticker": ticker, "quantity": quantity, "price": price, "business_date": day, **more,
    }  # fmt: skip


def sell(quantity: str, day: str, **more: Any) -> dict[str, Any]:
    return {**buy(quantity, day, **more), "type": "SELL"}


def statuses(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 201, answer.text
    return [row["status"] for row in answer.json()["rows"]]


MIXED = [
    sell("4", "2016-03-01"),
    buy("10", "2016-02-01", fees="1.5", external_id="b-1"),
    {"type": "DIVIDEND", "ticker": "AAPL", "amount": "5", "withheld": "1", "business_date": "2016-04-01"},
    {"type": "WITHDRAW", "amount": "100", "business_date": "2015-06-01"},
    {"type": "SPLIT", "ticker": "AAPL", "split_new": "2", "split_old": "1", "business_date": "2016-03-15"},
]


def test_a_batch_is_recorded_in_order_of_event_and_answers_in_the_order_given(portfolio) -> None:
    answer = bulk(portfolio, [row for row in MIXED if row["type"] in ("SELL", "BUY", "WITHDRAW")])

    assert answer.json() == {
        "mode": "all_or_nothing",
        "total": 3,
        "recorded": 3,
        "duplicates": 0,
        "refused": 0,
        "rows": [
            {"row": 1, "status": "RECORDED", "seq": 4, "code": None, "detail": None, "notes": []},
            {"row": 2, "status": "RECORDED", "seq": 3, "code": None, "detail": None, "notes": []},
            {"row": 3, "status": "RECORDED", "seq": 2, "code": None, "detail": None, "notes": []},
        ],
    }
    assert [row["type"] for row in portfolio.get("/transactions")["items"]] == ["DEPOSIT", "WITHDRAW", "BUY", "SELL"]


def test_a_batch_leaves_what_one_request_for_each_row_leaves(new_portfolio, api) -> None:
    api.post("/securities", json={"ticker": "RAW"})
    rows = [{**row, "ticker": "RAW"} if "ticker" in row else row for row in MIXED]
    at_once, alone = new_portfolio(), new_portfolio()
    for each in (at_once, alone):
        assert each.buy("7", "11", ticker="RAW", business_date="2016-12-01").status_code == 201
    assert statuses(bulk(at_once, rows)) == ["RECORDED"] * 5
    for row in sorted(rows, key=lambda row: row["business_date"]):
        assert alone.post(**row).status_code == 201

    def seen(mine) -> Any:
        items = mine.get("/transactions")["items"]
        ledger = [{k: v for k, v in row.items() if k not in ("portfolio_id", "recorded_at")} for row in items]
        return ledger, mine.get("/holdings")["holdings"], mine.get("/cash")["balances"], mine.get()["version"]

    assert seen(at_once) == seen(alone)


def test_of_a_batch_with_one_row_refused_nothing_is_stored_and_every_refused_row_is_named(portfolio, stored) -> None:
    before = stored()
    answer = bulk(portfolio, [buy("1", "2016-01-05"), buy("1", "2016-01-06", ticker="NOSUCH"), sell("9", "2016-01-07")])

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "batch_refused")
    assert [(row["row"], row["code"]) for row in problem["rows"]] == [
        (2, "unknown_security"),
        (3, "insufficient_position"),
    ]
    assert stored() == before


def test_a_partial_batch_records_what_can_be_and_says_so(portfolio) -> None:
    answer = bulk(portfolio, [buy("1", "2016-01-05"), sell("9", "2016-01-07"), {"type": "BUY"}], mode="partial")

    assert statuses(answer) == ["RECORDED", "REFUSED", "REFUSED"]
    counts = {name: answer.json()[name] for name in ("total", "recorded", "refused")}
    assert counts == {"total": 3, "recorded": 1, "refused": 2}
    assert answer.json()["rows"][2]["detail"] == "quantity is required for a BUY"
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "1"


def test_a_back_dated_row_that_leaves_a_later_day_short_is_refused_by_its_day(portfolio) -> None:
    portfolio.buy("10", "10", business_date="2016-01-05")
    portfolio.sell("8", "10", business_date="2016-06-01")
    answer = bulk(portfolio, [sell("2", "2016-02-01"), sell("1", "2016-02-02"), buy("1", "2016-05-01")], mode="partial")

    assert statuses(answer) == ["RECORDED", "REFUSED", "RECORDED"]
    assert answer.json()["rows"][1]["detail"].endswith("0 held on 2016-06-01")


def test_a_row_with_a_recorded_external_id_is_a_duplicate_without_effect(portfolio, stored) -> None:
    rows = [buy("1", "2016-01-05", external_id="a"), buy("1", "2016-01-05", external_id="b")]
    first = bulk(portfolio, rows)
    before = stored()
    again = bulk(portfolio, rows)

    assert statuses(first) == ["RECORDED", "RECORDED"]
    assert statuses(again) == ["DUPLICATE", "DUPLICATE"]
    assert [row["seq"] for row in again.json()["rows"]] == [row["seq"] for row in first.json()["rows"]]
    assert stored() == before


def test_one_external_id_twice_in_a_batch_is_refused(portfolio) -> None:
    answer = bulk(portfolio, [buy("1", "2016-01-05", external_id="twice")] * 2, mode="partial")

    assert statuses(answer) == ["RECORDED", "REFUSED"]
    assert answer.json()["rows"][1]["code"] == "already_exists"


def test_control_without_external_ids_a_batch_sent_again_is_recorded_again(portfolio) -> None:
    for _ in range(2):
        bulk(portfolio, [buy("1", "2016-01-05")])

    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "2"


def test_a_batch_honours_its_idempotency_key(portfolio, stored) -> None:
    first = bulk(portfolio, [buy("1", "2016-01-05")], key="bulk-1")
    before = stored()
    again = bulk(portfolio, [buy("1", "2016-01-05")], key="bulk-1")

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert stored() == before


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([], "transactions"),
        ([{"type": "DEPOSIT", "amount": "1"}, {"type": "DEPOSIT", "amount": "much"}], "transactions.1.amount"),
        ([{"type": "DEPOSIT", "amount": "1"}] * 10_001, "transactions"),
    ],
)
def test_a_malformed_batch_is_refused_whole_and_the_field_is_named(portfolio, stored, rows, field) -> None:
    before = stored()
    answer = bulk(portfolio, rows, mode="partial")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert stored() == before


def test_a_batch_for_another_users_portfolio_finds_nothing(api, foreign_portfolio) -> None:
    answer = api.post(
        f"/portfolios/{foreign_portfolio}/transactions/bulk",
        json={"transactions": [{"type": "DEPOSIT", "amount": "1"}]},
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "portfolio_not_found")


def test_ten_thousand_rows_are_one_statement_and_one_event_each(new_portfolio) -> None:
    mine = new_portfolio(initial_cash="10000000")
    rows = [buy("1", f"2016-01-{1 + place % 28:02}", ticker=("AAPL", "MSFT")[place % 2]) for place in range(10_000)]

    assert statuses(bulk(mine, rows)) == ["RECORDED"] * 10_000
    assert mine.get()["version"] == 10_001
    assert [held["quantity"] for held in mine.get("/holdings")["holdings"]] == ["5000", "5000"]
