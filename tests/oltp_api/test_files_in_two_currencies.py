"""Files of brokers whose prices are in one currency and whose cash is in another."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.oltp_api.test_imports import imported
from tests.oltp_api.test_nothing_is_accepted_wrong import cash
from tests.small_release import release

_RATES = "marts/fx_rate_daily"
_DAYS = (date(2015, 5, 4), date(2015, 6, 29))
_POUNDS = {
    "Deposit": "2015-05-01 00:10:00,,,,d1,,,,,,10000.00,GBP,,",
    "Market buy": "2015-05-04 14:30:05,US99990001A9,DOLLARS,Zett,b1,10,150.00,USD,1.25,,1201.80,GBP,1.80,GBP",
    "Market sell": "2015-06-29 15:45:10,US99990001A9,DOLLARS,Zett,s1,4,160.00,USD,1.28,,499.25,GBP,0.75,GBP",
}
POUNDS = (
    "Action,Time,ISIN,Ticker,Name,ID,No. of shares,Price / share,Currency (Price / share),Exchange rate,Result,Total,"
    "Currency (Total),Currency conversion fee,Currency (Currency conversion fee)\n"
    + "".join(f"{action},{cells}\n" for action, cells in _POUNDS.items())
)
_SECURITY = {"ticker": "DOLLARS", "isin": "US99990001A9", "asset_type": "EQUITY", "currency": "USD"}


@pytest.fixture
def rates(lake: Any) -> None:
    told = [
        {"currency": name, "business_date": day, "rate_per_eur": Decimal(rate), "rate_date": day, "status": "PRICED"}
        for day in _DAYS
        for name, rate in (("USD", "1.25"), ("GBP", "0.8"), ("EUR", "1"))
    ]
    release(lake, {_RATES: lake.publish(_RATES, pa.Table.from_pylist(told)).version})


def test_what_a_broker_exchanged_for_a_trade_is_exchanged_with_it(new_portfolio, api) -> None:
    api.post("/securities", json=_SECURITY).raise_for_status()
    mine = new_portfolio(base_currency="GBP", initial_cash=None)
    report = imported(mine, POUNDS)

    assert (report["status"], report["assumed_cash"]) == ("COMPLETE", {})
    assert (cash(mine, "GBP"), cash(mine)) == (Decimal("9297.45"), 0)
    (held,) = mine.get("/holdings")["holdings"]
    assert (held["quantity"], held["cost_basis_base"]) == ("6", "721.08")
    assert imported(mine, POUNDS)["duplicates"] == 3
    changed = imported(mine, POUNDS.replace("1201.80,GBP,1.80", "1201.79,GBP,1.80"))
    (told,) = [row["detail"] for row in changed["report"] if row["status"] == "CHANGED"]
    assert "settled 1200 GBP is now 1199.99 GBP" in told

    assert api.post(f"/imports/{report['import_id']}/undo").is_success
    assert (cash(mine, "GBP"), cash(mine), mine.get("/holdings")["holdings"]) == (0, 0, [])


@pytest.mark.parametrize(("base_currency", "cost"), [("EUR", "721.35"), ("USD", "901.35")])
def test_a_rate_to_base_that_the_file_does_not_state_is_the_central_banks_of_the_day(
    base_currency, cost, new_portfolio, api, rates
) -> None:
    api.post("/securities", json=_SECURITY)
    mine = new_portfolio(base_currency=base_currency, initial_cash=None)
    report = imported(mine, POUNDS)

    assert (report["status"], cash(mine, "GBP"), cash(mine)) == ("COMPLETE", Decimal("9297.45"), 0)
    (held,) = mine.get("/holdings")["holdings"]
    assert held["cost_basis_base"] == cost


def test_cash_that_an_exchange_and_a_fee_need_may_be_assumed_for_both(new_portfolio, api) -> None:
    api.post("/securities", json=_SECURITY)
    mine = new_portfolio(base_currency="GBP", initial_cash=None)
    head, _, *trades = POUNDS.splitlines()
    report = imported(mine, "\n".join((head, *trades, "")), missing_cash="assume")

    assert (report["status"], report["assumed_cash"]) == ("COMPLETE", {"GBP": "1201.8"})
    assert (cash(mine, "GBP"), cash(mine)) == (Decimal("499.25"), 0)
