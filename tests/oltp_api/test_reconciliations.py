"""A statement against the ledger over HTTP: every difference named, nothing changed."""

from typing import Any

import psycopg
import pytest

from oltp_api.context import LOCAL_USER
from storage.postgres.database import Database


@pytest.fixture
def pension(database: Database) -> str:
    """A second account of the user."""
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into account (user_id, identifier, broker, account_type) values (%s, 'PENSION', 'B', 'RETIREMENT')"
            " on conflict do nothing",
            (LOCAL_USER,),
        )
    return "PENSION"


@pytest.fixture
def held(portfolio, pension) -> Any:
    """10 AAPL in MAIN since 2016-01-05, 5 in PENSION since 2016-02-05, 2 MSFT; 9,000 USD at the end of January."""
    portfolio.buy("10", "100", business_date="2016-01-05")
    portfolio.buy("5", "100", account=pension, business_date="2016-02-05")
    portfolio.buy("2", "50", ticker="MSFT", business_date="2016-02-05")
    return portfolio


def reconciled(portfolio, day: str = "2016-12-30", **statement: Any) -> dict[str, Any]:
    answer = portfolio.api.post(
        f"/portfolios/{portfolio.portfolio_id}/reconciliations", json={"statement_date": day, **statement}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(report: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    return [(line["ticker"], line["account"], line["finding"]) for line in report["positions"]]


ALL = [{"ticker": "AAPL", "quantity": "15"}, {"symbol": "MSFT", "quantity": "2"}]


def test_a_statement_that_agrees_is_reconciled_and_nothing_is_changed(held, stored) -> None:
    before = stored()
    report = reconciled(held, positions=ALL, cash={"USD": "8400"})

    assert report["is_reconciled"]
    assert report["totals"] == {"MATCHED": 3}
    assert report["version"] == 4
    assert stored() == before


def test_the_ledger_is_taken_as_of_the_statements_date(held) -> None:
    january = reconciled(held, "2016-01-31", positions=[{"ticker": "AAPL", "quantity": "10"}], cash={"USD": "9000"})

    assert january["is_reconciled"]


def test_every_kind_of_difference_is_named_with_both_numbers(held) -> None:
    stated = [{"ticker": "AAPL", "quantity": "16", "price": "110", "cost": "1600"}, {"ticker": "GE", "quantity": "1"}]
    report = reconciled(held, positions=stated, cash={"USD": "8400.02", "EUR": "1"})

    assert found(report) == [
        ("AAPL", None, "QUANTITY_DIFFERS"),
        ("GE", None, "MISSING_HERE"),
        ("MSFT", "MAIN", "MISSING_THERE"),
    ]
    assert report["positions"][0] == {
        "finding": "QUANTITY_DIFFERS", "ticker": "AAPL", "account": None, "ours": "15", "theirs": "16",
        "difference": "-1", "value_of_difference": "-110", "cost_difference": "-100",
        "likely_cause": {"cause": "MISSING_ROW", "detail": "a row that brings 1 units may be missing here", "seqs": []},
    }  # fmt: skip
    assert [(line["currency"], line["finding"], line["difference"]) for line in report["cash"]] == [
        ("EUR", "CASH_DIFFERS", "-1"),
        ("USD", "CASH_DIFFERS", "-0.02"),
    ]
    assert not report["is_reconciled"]


def test_tolerances_are_absolute(held) -> None:
    stated = [{"ticker": "AAPL", "quantity": "15.4"}, {"ticker": "MSFT", "quantity": "2"}]

    assert reconciled(held, positions=stated, cash={"USD": "8401"}, tolerance={"units": "0.4", "cash": "1"})[
        "is_reconciled"
    ]
    assert not reconciled(held, positions=stated, cash={"USD": "8401"}, tolerance={"units": "0.3", "cash": "1"})[
        "is_reconciled"
    ]


def test_a_statement_of_one_account_is_compared_with_that_account_only(held) -> None:
    stated = [{"ticker": "AAPL", "account": "PENSION", "quantity": "5"}]

    assert found(reconciled(held, positions=stated)) == [("AAPL", "PENSION", "MATCHED")]
    assert found(reconciled(held, positions=stated, accounts=["MAIN", "PENSION"])) == [
        ("AAPL", "PENSION", "MATCHED"),
        ("AAPL", "MAIN", "MISSING_THERE"),
        ("MSFT", "MAIN", "MISSING_THERE"),
    ]


def test_lots_of_one_security_are_added_up(held) -> None:
    lots = [{"ticker": "AAPL", "quantity": "7"}, {"ticker": "aapl", "quantity": "8"}]

    assert found(reconciled(held, positions=lots))[0] == ("AAPL", None, "MATCHED")


def test_a_security_goes_by_any_of_its_identifiers(held, database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into security_identifier (security_id, id_type, id_value, is_primary)"
            " select security_id, 'ISIN', 'US0378331005', true from security_identifier where id_value = 'AAPL'"
            " on conflict do nothing"
        )
    stated = [{"ticker": "US0378331005", "quantity": "15"}, {"ticker": "MSFT", "quantity": "2"}]

    assert found(reconciled(held, positions=stated)) == [("US0378331005", None, "MATCHED"), ("MSFT", None, "MATCHED")]


def test_a_brokers_file_is_a_statement_too(held) -> None:
    file = (
        "Positions as of 2016-12-30\n\nSymbol;Qty;Market Value;Cost Basis;Currency\n"
        "AAPL;15;1600,5;1500;USD\nMSFT;2;100,5;100;USD\nCash;8400;;;USD\n"
    )
    report = reconciled(held, csv=file)

    assert report["is_reconciled"]
    assert [line["cost_difference"] for line in report["positions"]] == ["0", "0"]
    assert report["cash"][0]["currency"] == "USD"


STATEMENTS = {
    "Schwab": (
        '"Positions for account Individual ...123 as of 04:00 PM ET, 2016/12/30"\n\n'
        '"Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Cost Basis"\n'
        '"AAPL","APPLE INC","15","$106.70","$1,600.50","$1,500.00"\n'
        '"MSFT","MICROSOFT","2","$50.25","$100.50","$100.00"\n'
        '"Cash & Cash Investments","--","--","--","$8,400.00","--"\n'
        '"Account Total","","--","--","$10,101.00","$1,600.00"\n'
    ),
    "Fidelity": (
        "Account Number,Account Name,Symbol,Description,Quantity,Last Price,Current Value,Cost Basis Total,Type\n"
        "MAIN,Individual,AAPL,APPLE INC,10,$106.70,$1067.00,$1000.00,Cash\n"
        "PENSION,IRA,AAPL,APPLE INC,5,$106.70,$533.50,$500.00,Cash\n"
        "MAIN,Individual,MSFT,MICROSOFT,2,$50.25,$100.50,$100.00,Cash\n"
        "MAIN,Individual,FCASH**,HELD IN FCASH,,,$8400.00,,Cash\n\n"
        '"The data and information in this spreadsheet is provided to you solely for your use."\n'
    ),
    "DEGIRO": (
        "Product,Symbool/ISIN,Aantal,Slotkoers,Lokale waarde,,Waarde in EUR\n"
        'APPLE INC,US0378331005,15,"106,70",USD,"1600,50","1523,10"\nMICROSOFT,MSFT,2,"50,25",USD,"100,50","95,60"\n'
    ),
}


@pytest.mark.parametrize("broker", STATEMENTS)
def test_a_statement_is_read_by_its_brokers_profile(held, broker, api) -> None:
    isin = api.get("/securities/AAPL").json()["identifiers"]
    apple = next((each["value"] for each in isin if each["id_type"] == "ISIN"), "AAPL")
    report = reconciled(held, csv=STATEMENTS[broker].replace("US0378331005", apple))

    assert report["is_reconciled"], report
    assert bool(report["cash"]) == (broker != "DEGIRO")


def test_a_security_is_found_by_the_isin_that_a_statement_tells_beside_its_own_symbol(held, api) -> None:
    answer = api.post("/securities", json={"ticker": "ZAPF", "display_name": "Zapf", "isin": "DE0007808206"})
    assert answer.status_code == 201, answer.text
    held.buy("3", "10", ticker="ZAPF", business_date="2016-02-05")
    statement = (
        "Statement,Header,Field Name,Field Value\nStatement,Data,Title,Activity Statement\n"
        "Open Positions,Header,Currency,Symbol,Quantity\nOpen Positions,Data,USD,ZPF,3\n"
        "Open Positions,Data,USD,AAPL,15\nOpen Positions,Data,USD,MSFT,2\n"
        "Financial Instrument Information,Header,Symbol,Security ID\n"
        "Financial Instrument Information,Data,ZPF,DE0007808206\n"
        "Financial Instrument Information,Data,AAPL,US0000000000\n"
    )

    report = reconciled(held, csv=statement)

    assert report["is_reconciled"], report
    assert {line["ticker"] for line in report["positions"]} == {"DE0007808206", "AAPL", "MSFT"}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ({"csv": "ticker,quantity\nAAPL,1e3\n"}, "line 2, column quantity"),
        ({"csv": "ticker,price\nAAPL,1\n"}, "has no header"),
        ({"csv": "ticker,quantity\nCASH,5\n"}, "line 2: cash needs a currency"),
        ({"csv": "ticker,quantity\nAAPL,\n"}, "line 2, column quantity"),
        ({"csv": "ticker,quantity\nAAPL,1\n", "cash": {"USD": "1"}}, "is the whole statement"),
        (
            {"positions": [{"ticker": "AAPL", "account": "MAIN", "quantity": "1"}, ALL[0]]},
            "with an account and without",
        ),
        ({"positions": [{"ticker": "AAPL", "account": "NOWHERE", "quantity": "1"}]}, "is not one of your accounts"),
        ({"positions": [{"ticker": "AAPL", "quantity": "x"}]}, "positions.0.quantity"),
    ],
)
def test_a_statement_that_cannot_be_read_is_refused_and_says_where(held, statement, why) -> None:
    answer = held.api.post(
        f"/portfolios/{held.portfolio_id}/reconciliations", json={"statement_date": "2016-12-30", **statement}
    )

    assert answer.status_code == 422
    assert why in answer.json()["detail"]


def test_without_cash_in_the_statement_cash_is_not_compared(held) -> None:
    report = reconciled(held, positions=ALL)

    assert report["cash"] is None
    assert report["is_reconciled"]


def test_another_users_portfolio_is_not_found(api, foreign_portfolio) -> None:
    answer = api.post(f"/portfolios/{foreign_portfolio}/reconciliations", json={"statement_date": "2016-12-30"})

    assert answer.status_code == 404
