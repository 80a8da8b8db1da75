"""Events between securities over HTTP: recorded, back-dated, in two currencies, and taken back whole."""

from decimal import Decimal
from uuid import uuid4

import pytest

D = Decimal


@pytest.fixture
def names(api) -> list[str]:
    """Three securities of their own in dollars, and one in euros."""
    tickers = [f"EV{uuid4().hex[:6].upper()}" for _ in range(4)]
    for ticker, currency in zip(tickers, ("USD", "USD", "USD", "EUR"), strict=True):
        api.post("/securities", json={"ticker": ticker, "currency": currency}).raise_for_status()
    return tickers


@pytest.fixture
def mine(new_portfolio):
    return new_portfolio(initial_cash="10000", business_date="2016-01-04", cost_method="FIFO")


def costs(portfolio) -> dict[str, tuple[Decimal, Decimal]]:
    held = portfolio.get("/holdings")["holdings"]
    return {one["ticker"]: (D(one["quantity"]), D(one["cost_basis"])) for one in held}


def spun_off(mine, parent: str, child: str, **more: str) -> int:
    body = {"type": "SPIN_OFF", "ticker": parent, "into": child, "units_new": "1", "units_old": "5", **more}
    return int(mine.post(**{"basis_share": "0.1", "business_date": "2016-06-01", **body}).json()["seq"])


def test_a_spin_off_divides_the_cost_and_keeps_the_days_of_the_lots(mine, names) -> None:
    parent, child, *_ = names
    mine.buy("5", "100", parent, business_date="2016-01-05")
    mine.buy("5", "200", parent, business_date="2016-02-05")
    spun_off(mine, parent, child)

    assert costs(mine) == {parent: (10, 1350), child: (2, 150)}
    (held,) = [one for one in mine.get("/holdings")["holdings"] if one["ticker"] == child]
    assert [(lot["opened_on"], lot["quantity"], lot["cost"]) for lot in held["accounts"][0]["lots"]] == [
        ("2016-01-05", "1", "50"),
        ("2016-02-05", "1", "100"),
    ]


def test_an_event_is_taken_back_whole_to_the_same_state(mine, names) -> None:
    parent, child, other, _ = names
    mine.buy("7", "100", parent, business_date="2016-01-05")
    before = costs(mine), mine.get("/cash")
    seq = spun_off(mine, parent, child, in_lieu_price="30")
    merger = {"type": "MERGER", "ticker": parent, "into": other, "units_new": "1", "units_old": "2", "per_unit": "10"}
    merged = mine.post(**merger, basis_share="0.5", business_date="2016-07-01").json()["seq"]
    assert set(costs(mine)) == {child, other}

    mine.api.post(f"/portfolios/{mine.portfolio_id}/transactions/{merged}/reversal", json={}).raise_for_status()
    mine.api.post(f"/portfolios/{mine.portfolio_id}/transactions/{seq}/reversal", json={}).raise_for_status()

    assert (costs(mine), mine.get("/cash")) == before


def test_what_comes_late_before_an_event_changes_what_the_event_carried(mine, names) -> None:
    parent, child, *_ = names
    mine.buy("10", "100", parent, business_date="2016-02-01")
    spun_off(mine, parent, child)
    mine.buy("5", "40", parent, business_date="2016-01-06")

    assert costs(mine) == {parent: (15, 1080), child: (2, 120)}, "a tenth of 1,200 went along; units are as recorded"
    late = mine.sell("12", "1", child, business_date="2016-05-31")
    assert late.json()["code"] == "insufficient_position"
    assert child in late.json()["detail"]


def test_cost_goes_into_another_currency_through_the_base(mine, names) -> None:
    parent, *_, abroad = names
    mine.buy("10", "110", parent, business_date="2016-01-05")
    body = {"type": "EXCHANGE", "ticker": parent, "into": abroad, "business_date": "2016-06-01"}
    assert mine.post(**body, into_fx_rate="1.1").status_code == 201

    (held,) = mine.get("/holdings")["holdings"]
    assert (held["ticker"], held["cost_basis"], held["cost_basis_base"]) == (abroad, "1000", "1100")


def test_capital_beyond_the_cost_is_a_gain(mine, names) -> None:
    parent, *_ = names
    mine.buy("100", "10", parent, business_date="2016-01-05")
    mine.post(type="RETURN_OF_CAPITAL", ticker=parent, amount="100", business_date="2016-02-01")
    mine.post(type="RETURN_OF_CAPITAL", ticker=parent, per_unit="10", ex_date="2016-02-10", business_date="2016-03-01")

    (held,) = mine.get("/holdings")["holdings"]
    assert (held["quantity"], held["cost_basis"], held["realised"]) == ("100", "0", "100")


def test_a_split_may_say_what_it_leaves(mine, names) -> None:
    parent, *_ = names
    mine.buy("146", "10", parent, business_date="2016-01-05")
    row = mine.post(type="SPLIT", ticker=parent, quantity="73", business_date="2016-02-01").json()

    assert (D(row["split_new"]), D(row["split_old"])) == (73, 146)
    assert costs(mine) == {parent: (73, 1460)}


def test_a_split_by_the_units_that_come_is_of_its_accounts_holding(mine, names, api) -> None:
    parent, *_ = names
    other = f"OTHER-{uuid4().hex[:6]}"
    api.post("/accounts", json={"identifier": other, "broker": "Other"}).raise_for_status()
    mine.buy("10", "10", parent, business_date="2016-01-05")
    mine.buy("5", "10", parent, business_date="2016-01-05", account=other)
    row = mine.post(type="SPLIT", ticker=parent, units_new="30", business_date="2016-02-01").json()

    assert (row["split_new"], row["split_old"]) == ("4", "1")
    assert sum(D(each["quantity"]) for each in mine.get("/holdings")["holdings"]) == 60


def test_cash_in_lieu_is_a_sale_of_its_fraction(mine, names) -> None:
    parent, *_ = names
    mine.buy("2", "10", parent, business_date="2016-01-05")
    row = mine.post(type="CASH_IN_LIEU", ticker=parent, quantity="0.5", amount="7", business_date="2016-02-01").json()

    assert (row["type"], row["cash_effect"], row["price"]) == ("CASH_IN_LIEU", "7", "14")
    assert costs(mine) == {parent: (D("1.5"), 15)}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "SPIN_OFF", "into": "SELF", "units_new": "1", "units_old": "1", "basis_share": "0.1"}, "into"),
        (
            {"type": "SPIN_OFF", "into": "CHILD", "units_new": "1", "units_old": "1", "basis_share": "1.1"},
            "basis_share",
        ),
        ({"type": "MERGER", "into": "CHILD", "units_new": "1", "units_old": "1", "amount": "5"}, "basis_share"),
        ({"type": "MERGER"}, "into"),
        ({"type": "BONUS", "units_new": "0", "units_old": "1"}, "units_new"),
        ({"type": "EXCHANGE", "into": "CHILD", "business_date": "2016-01-04"}, "ticker"),
        ({"type": "COST_ADJUSTMENT", "amount": "0"}, "amount"),
        ({"type": "SPLIT", "quantity": "5", "split_new": "1", "split_old": "2"}, "split_new"),
        ({"type": "SPLIT", "quantity": "5", "units_new": "3"}, "split_new"),
        ({"type": "SPLIT", "ticker": "CHILD", "units_new": "3"}, "units_new"),
    ],
)
def test_an_event_that_cannot_be_is_refused_and_leaves_nothing(mine, names, body, field) -> None:
    parent, child, *_ = names
    mine.buy("5", "100", parent, business_date="2016-01-05")
    before = mine.get("/transactions")
    named = {name: {"SELF": parent, "CHILD": child}.get(value, value) for name, value in body.items()}
    answer = mine.post(**{"ticker": parent, "business_date": "2016-06-01", **named})

    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert mine.get("/transactions") == before


def test_prices_in_pence_are_recorded_in_pounds(api, new_portfolio) -> None:
    ticker = f"GB{uuid4().hex[:6].upper()}"
    api.post("/securities", json={"ticker": ticker, "currency": "GBP"}).raise_for_status()
    price = {"date": "2016-01-04", "close": "4082", "currency": "GBX"}
    api.post(f"/securities/{ticker}/prices", json={"prices": [price]}).raise_for_status()
    (posted,) = api.get(f"/securities/{ticker}/prices").json()["items"]
    assert (posted["close"], posted["currency"]) == ("40.82", "GBP")
    mine = new_portfolio(initial_cash="1000", base_currency="GBP", business_date="2016-01-04")
    row = mine.buy("10", "4082", ticker, currency="GBX", business_date="2016-01-05").json()

    assert (row["price"], row["currency"], row["cash_effect"]) == ("40.82", "GBP", "-408.2")
    assert mine.post(type="DIVIDEND", ticker=ticker, amount="150", currency="GBp").json()["cash_effect"] == "1.5"


def test_an_isin_is_of_its_days(api, new_portfolio) -> None:
    """The company moved: the old one until then, the new one from then on, one security."""
    ticker = f"IS{uuid4().hex[:6].upper()}"
    api.post("/securities", json={"ticker": ticker, "isin": "GB0007980591"}).raise_for_status()
    moved = {"id_type": "ISIN", "value": "US0556221044", "valid_from": "2016-10-01"}
    assert api.post(f"/securities/{ticker}/identifiers", json=moved).status_code == 201
    again = {"id_type": "ISIN", "value": "US0378331005"}
    assert api.post(f"/securities/{ticker}/identifiers", json=again).json()["code"] == "already_known"
    mine = new_portfolio(initial_cash="1000", business_date="2016-01-04")
    file = "Date,Type,ISIN,Quantity,Price\n2016-08-05,Buy,GB0007980591,10,10\n2016-11-05,Sell,US0556221044,4,12\n"
    answer = api.post(f"/portfolios/{mine.portfolio_id}/imports", content=file, headers={"content-type": "text/csv"})

    assert answer.json()["status"] == "COMPLETE", answer.text
    assert costs(mine) == {ticker: (6, 60)}
