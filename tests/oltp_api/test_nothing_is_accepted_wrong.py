"""Nine ways in which a file was once accepted and wrong, each with what must become of it (issue 16, section 1)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.oltp_api.test_imports import imported, send
from tests.small_release import release

_RATES = "marts/fx_rate_daily"


def statuses(report: dict[str, Any]) -> list[str]:
    return [row["status"] for row in report["report"]]


def codes(report: dict[str, Any]) -> list[str | None]:
    return [row["code"] for row in report["report"]]


def cash(portfolio: Any, currency: str = "USD") -> Decimal:
    balances = {row["currency"]: Decimal(row["balance"]) for row in portfolio.get("/cash")["balances"]}
    return balances.get(currency, Decimal(0))


def test_prices_in_pence_beside_amounts_in_pounds_ask_for_their_unit(new_portfolio, api) -> None:
    api.post("/securities", json={"ticker": "PENNY", "asset_type": "EQUITY", "currency": "GBP"}).raise_for_status()
    mine = new_portfolio(base_currency="GBP")
    file = "Type,Date,Symbol,Quantity,Price,Fees,Amount\nBUY,2016-01-05,PENNY,10,4082,1.00,-409.20\n"

    assert codes(imported(mine, file)) == ["price_unit_unclear"]
    assert imported(mine, file, price_unit="minor")["status"] == "COMPLETE"
    (held,) = mine.get("/holdings")["holdings"]
    assert (held["cost_basis"], cash(mine, "GBP")) == ("409.2", Decimal("9590.8"))


def test_a_cusip_that_nobody_registered_is_proposed_with_what_the_file_says_and_guessed_nowhere(portfolio, api) -> None:
    file = (
        "Type,Date,CUSIP,Security Name,Currency,Quantity,Price,Amount\n"
        "BUY,2016-01-05,999990005,Nobody Corp,USD,1,50,-50\n"
    )
    report = imported(portfolio, file, register_unknown=True)

    assert codes(report) == ["unknown_security"]
    (proposal,) = report["unknown_securities"]
    said = {"cusip": "999990005", "display_name": "Nobody Corp", "currency": "USD"}
    assert (proposal["path"], proposal["body"], proposal["missing"]) == ("/api/v1/securities", said, ["asset_type"])
    assert api.get("/securities/999990005").status_code == 404


def test_a_commission_and_a_fee_are_both_charged_and_told(portfolio) -> None:
    file = "Type,Date,Symbol,Quantity,Price,Commission,Fees\nBUY,2016-01-05,AAPL,10,10,1.50,0.25\n"
    report = imported(portfolio, file)

    assert cash(portfolio) == Decimal("9898.25")
    assert sorted(report["reading"]["columns"]["fees"]) == ["Commission", "Fees"]
    assert report["ignored_columns"] == []


def test_a_rate_whose_direction_nobody_states_is_compared_with_the_rate_of_its_day(new_portfolio, lake) -> None:
    file = (
        "Date,Action,Symbol,Quantity,Price,Currency,Exchange Rate,Amount\n"
        "2016-01-05,Deposit,,,,USD,1.25,1000\n2016-01-05,Buy,AAPL,10,40,USD,1.25,-400\n"
    )
    mine = new_portfolio(base_currency="GBP", initial_cash=None)
    assert codes(imported(mine, file)) == ["rate_direction_unknown"] * 2

    day = date(2016, 1, 5)
    rates = [
        {"currency": name, "business_date": day, "rate_per_eur": Decimal(rate), "rate_date": day, "status": "PRICED"}
        for name, rate in (("USD", "1.10"), ("GBP", "0.88"), ("EUR", "1"))
    ]
    release(lake, {_RATES: lake.publish(_RATES, pa.Table.from_pylist(rates)).version})
    report = imported(mine, file)

    assert statuses(report) == ["RECORDED"] * 2
    assert all("recorded is 0.8" in note for row in report["report"] for note in row["notes"])
    (held,) = mine.get("/holdings")["holdings"]
    assert (held["cost_basis"], held["cost_basis_base"]) == ("400", "320")


def test_a_reference_that_repeats_is_no_id_and_only_what_was_recorded_is_a_duplicate(portfolio) -> None:
    header = "Date,Action,Symbol,Quantity,Price,Reference,Amount\n"
    january = "2016-01-31,Interest,,,,INTEREST,1.00\n"
    february = "2016-02-29,Interest,,,,INTEREST,2.00\n"
    imported(portfolio, header + january)
    assert statuses(imported(portfolio, header + january + february)) == ["DUPLICATE", "RECORDED"]
    assert cash(portfolio) == 10_003

    short = header + "2016-03-01,Buy,AAPL,2000,10,T-7,-20000\n"
    assert codes(imported(portfolio, short)) == ["insufficient_cash"]
    portfolio.post(type="DEPOSIT", amount="10000", business_date="2016-02-29").raise_for_status()
    assert statuses(imported(portfolio, short)) == ["RECORDED"]

    (changed,) = imported(portfolio, short.replace("2000,10,", "2000,9,").replace("-20000", "-18000"))["report"]
    assert (changed["status"], changed["code"]) == ("CHANGED", "row_changed")
    assert "20000" in changed["detail"]
    assert "18000" in changed["detail"]


def test_a_text_or_a_column_that_is_told_later_makes_no_row_another_one(portfolio) -> None:
    imported(portfolio, "Type,Date,Symbol,Quantity,Price,Description\nBUY,2016-01-05,AAPL,1,10,APPLE\n")
    again = "Type,Date,Symbol,Quantity,Price,Description,Settlement Date\nBUY,2016-01-05,AAPL,1,10,Apple Inc,\n"

    assert statuses(imported(portfolio, again)) == ["DUPLICATE"]
    assert statuses(imported(portfolio, again.replace("Settlement Date", "Currency").replace("Inc,", "Inc,USD"))) == [
        "DUPLICATE"
    ]
    assert cash(portfolio) == 9_990


def test_one_row_in_the_files_of_two_accounts_is_two_and_a_file_of_none_may_be_asked(portfolio, api) -> None:
    for name in ("First", "Second"):
        api.post("/accounts", json={"identifier": name, "broker": "B"}).raise_for_status()
    file = "Type,Date,Symbol,Quantity,Price,Transaction ID\nBUY,2016-01-05,AAPL,1,10,T-1\n"
    for name in ("First", "Second"):
        assert statuses(imported(portfolio, file, account=name)) == ["RECORDED"]
    assert cash(portfolio) == 9_980

    no_account = "Type,Date,Amount\nINTEREST,2016-02-01,1\n"
    imported(portfolio, no_account)
    asked = send(portfolio, "Type,Date,Amount\nINTEREST,2016-01-01,1\nINTEREST,2016-02-01,1\n")
    assert (asked.status_code, asked.json()["code"]) == (422, "source_unclear")


def test_an_income_beside_a_tax_says_whether_it_is_before_it(portfolio, api) -> None:
    api.post("/securities", json={"ticker": "PAYS", "asset_type": "EQUITY", "currency": "USD"}).raise_for_status()
    file = "Type,Date,Symbol,Amount,Withholding Tax\nDIVIDEND,2016-01-05,PAYS,85,15\n"

    assert codes(imported(portfolio, file)) == ["income_net_or_gross"]
    net = imported(portfolio, file, income="net")
    assert net["status"] == "COMPLETE", net["report"]
    rows = portfolio.get("/transactions")["items"][1:]
    assert [(row["type"], row["cash_effect"]) for row in rows] == [("DIVIDEND", "100"), ("TAX", "-15")]
    assert cash(portfolio) == 10_085


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("Type,Date,Amount,Currency\nDEPOSIT,2016-01-05,100,ABC\n", "unknown_currency"),
        ("Type,Date,Amount\nDEPOSIT,02/01/2016,100\nDEPOSIT,03/01/2016,100\n", None),
    ],
)
def test_a_currency_is_one_and_days_that_could_be_read_both_ways_are_asked(portfolio, file, code) -> None:
    answer = send(portfolio, file)

    if code is None:
        assert (answer.status_code, "say dates=dmy or dates=mdy" in answer.json()["detail"]) == (422, True)
        assert imported(portfolio, file, dates="dmy")["status"] == "COMPLETE"
    else:
        assert codes(answer.json()) == [code]


def test_there_is_a_way_back_from_days_that_were_swapped(portfolio, stored) -> None:
    before = cash(portfolio)
    swapped = imported(portfolio, "Type,Date,Amount\nDEPOSIT,02/01/2016,100\n", dates="mdy")

    assert portfolio.api.post(f"/imports/{swapped['import_id']}/undo").status_code == 200
    assert cash(portfolio) == before
    again = imported(portfolio, "Type,Date,Amount\nDEPOSIT,02/01/2016,100\n", dates="dmy")
    assert statuses(again) == ["RECORDED"]
