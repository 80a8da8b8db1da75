"""The demo's bonds after one real refresh: every coupon and par as cash, and the value explained on every day."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ops import bond_report, demo
from storage.lake.delta import memory_duckdb

D = Decimal
FIRST, SECOND, COMPANY = "UST-4.875-2016", "UST-2.25-2025", "EXAMPLE-3.2-2022"
MATURITY = date(2016, 8, 15)
SUNDAY = date(2009, 2, 15)
"""A coupon date on which no exchange was open, nor on the Monday after it."""


@pytest.fixture(scope="module")
def facts(platform_home) -> bond_report.BondReport:
    with platform_home.client() as client:
        return bond_report.gather(client, demo.record_bonds(client))


@pytest.fixture(scope="module")
def values(platform_home, facts: bond_report.BondReport) -> dict[date, dict[str, Any]]:
    with platform_home.client() as client:
        found = client.get(f"/portfolios/{facts.portfolio['portfolio_id']}/values").json()["values"]
    return {date.fromisoformat(value["business_date"]): value for value in found}


def posted(facts: bond_report.BondReport, ticker: str, kind: str) -> dict[date, Decimal]:
    rows = [row for row in facts.transactions if (row["ticker"], row["type"]) == (ticker, kind)]
    return {date.fromisoformat(row["business_date"]): D(row["cash_effect"]) for row in rows}


def halves(day: int, months: Sequence[int], first: date, last: date) -> list[date]:
    days = [date(year, month, day) for year in range(first.year, last.year + 1) for month in months]
    return [day for day in days if first <= day <= last]


def test_every_coupon_that_was_due_is_cash_on_its_day_and_par_at_maturity(facts: bond_report.BondReport) -> None:
    today = date(2017, 3, 29)
    company = dict.fromkeys(halves(1, (4, 10), date(2013, 10, 1), today), D(960))

    assert posted(facts, FIRST, "COUPON") == dict.fromkeys(halves(15, (2, 8), date(2007, 2, 15), MATURITY), D("2437.5"))
    assert posted(facts, SECOND, "COUPON") == {date(2016, 11, 15): D(1125)}
    assert posted(facts, COMPANY, "COUPON") == {
        date(2013, 4, 1): D("1018.67"),  # 191 days of 360 at 3.2 % on 60,000
        **company,
    }
    assert posted(facts, FIRST, "SELL") == {MATURITY: D(100_000)}
    assert FIRST not in {position["ticker"] for position in facts.positions["positions"]}


def unexplained(values: dict[date, dict[str, Any]], income: str = "income") -> dict[date, Decimal]:
    """Return what the identity's terms leave over of a day's change, by day, rounded to a cent."""
    found = {}
    before = dict.fromkeys(("total_value", "positions_value", "cost_basis", "realised"), "0")
    for day, value in sorted(values.items()):

        def grown(name: str, begin: dict[str, str] = before, end: dict[str, str] = value) -> Decimal:
            return D(end[name]) - D(begin[name])

        flows = D(value["inflow"]) - D(value["outflow"]) + D(value.get(income, 0))
        gains = grown("realised") + grown("positions_value") - grown("cost_basis") - D(value["transfer_gain"])
        costs = D(value["fees"]) + D(value["tax"]) - D(value["fx_gain"])
        found[day] = (grown("total_value") - flows - gains + costs).quantize(D("0.01"))
        before = value
    return found


def test_the_value_is_explained_to_a_cent_on_every_day_of_coupons_and_of_maturity(values) -> None:
    assert set(unexplained(values).values()) == {D(0)}
    assert {SUNDAY, MATURITY} <= values.keys()


def test_control_without_the_coupons_exactly_their_days_are_not_explained(
    facts: bond_report.BondReport, values
) -> None:
    paid: dict[date, Decimal] = {}
    for ticker in (FIRST, SECOND, COMPANY):
        for day, amount in posted(facts, ticker, "COUPON").items():
            paid[day] = paid.get(day, D(0)) + amount.quantize(D("0.01"))
    paid[date(2016, 8, 16)] = D("-568.61")  # the accrued interest that was bought

    assert {day: rest for day, rest in unexplained(values, "not a term").items() if rest} == paid


def test_a_coupon_moves_from_the_price_into_cash_on_its_own_day_weekend_or_not(platform_home, values) -> None:
    source = platform_home.lake.scan(
        "marts/fact_bond_valuation_daily", platform_home.head.versions["marts/fact_bond_valuation_daily"]
    )
    query = f"select accrued, dirty_price, curve_date from {source} where price_date between $1 and $2 order by all"
    with memory_duckdb() as connection:
        rows = connection.execute(query, [date(2009, 2, 13), date(2009, 2, 17)]).fetchall()
    sunday, tuesday, friday = rows

    assert sunday[0] == 0
    assert (sunday[2], friday[2], tuesday[2]) == (date(2009, 2, 13), date(2009, 2, 13), date(2009, 2, 17))
    assert friday[1] - sunday[1] == pytest.approx(D("2.4375"), abs=D("0.03"))
    before, on = values[date(2009, 2, 14)], values[SUNDAY]
    assert D(on["cash"]) - D(before["cash"]) == D("2437.5")
    assert abs(D(on["total_value"]) - D(before["total_value"])) < 30, "or the weekend would count the coupon twice"


def test_at_maturity_nothing_is_left_but_the_cash(values) -> None:
    before, on = values[date(2016, 8, 14)], values[MATURITY]

    assert D(on["cash"]) - D(before["cash"]) == 102_437 + D("0.5")
    assert abs(D(on["total_value"]) - D(before["total_value"])) < 150
    assert D(on["realised"]) == 100_000 - 99_570


def test_the_demo_buys_at_the_curves_prices(platform_home) -> None:
    versions = platform_home.head.versions
    bonds, ledger = (
        platform_home.lake.scan(table, versions[table])
        for table in ("marts/fact_bond_valuation_daily", "raw/pg_transaction_ledger")
    )
    query = (
        "select abs(price - clean_price)::double,"
        f" abs(trades.accrued::double - bonds.accrued::double * quantity::double / 100) from {ledger} as trades"
        f" inner join {bonds} as bonds on trades.security_id = bonds.security_id and business_date = price_date"
        " where txn_type = 'BUY'"
    )
    with memory_duckdb() as connection:
        found = connection.execute(query).fetchall()

    assert len(found) == 3
    assert all(price < 0.01 and accrued < 0.01 for price, accrued in found)


def test_recording_the_bonds_again_adds_nothing(platform_home, facts: bond_report.BondReport) -> None:
    with platform_home.client() as client:
        portfolio_id = demo.record_bonds(client)

        assert client.get(f"/portfolios/{portfolio_id}").json()["version"] == facts.portfolio["version"]


def test_the_report_shows_each_bond_and_what_it_paid(facts: bond_report.BondReport) -> None:
    text = bond_report.render(facts)

    assert len(text.splitlines()) < 30
    assert max(map(len, text.splitlines())) <= 100
    for position in facts.positions["positions"]:
        told = facts.valuations[position["security_id"]]
        (line,) = [line for line in text.splitlines() if line.startswith(f"{position['ticker']} ")]
        for figure in (
            f"{D(position['market_value']):,.2f}",
            f"{D(told['clean_price']):.3f}",
            f"{told['yield_pct']:.3f}",
        ):
            assert figure in line
        assert f"{told['modified_duration_years']:.3f}" in line
    assert "100,000.00 at par on 2016-08-15" in text
    assert f"{'rounding':<44}{'0.00':>16}" in text


def test_bonds_are_refused_to_the_simulation_by_name(platform_home, facts: bond_report.BondReport) -> None:
    with platform_home.client() as client:
        (standing,) = client.get(f"/portfolios/{facts.portfolio['portfolio_id']}/simulations").json()["items"]

    assert standing["status"] == "REFUSED"
    assert standing["reason"] == f"portfolio holds bonds, which are not simulated yet: {COMPANY}, {SECOND}"


def test_identifiers_are_those_of_the_notes_and_the_companys_is_nobodys(platform_home) -> None:
    with platform_home.client() as client:
        names = {
            ticker: {one["id_type"]: one["value"] for one in client.get(f"/securities/{ticker}").json()["identifiers"]}
            for ticker in (FIRST, SECOND, COMPANY)
        }

    assert (names[FIRST]["CUSIP"], names[SECOND]["CUSIP"]) == ("912828FQ8", "912828M56")
    assert names[COMPANY]["CUSIP"].startswith("999"), "an issuer number that is left to users"


def test_the_risk_of_what_is_held_is_of_all_the_bonds(platform_home, facts: bond_report.BondReport) -> None:
    """Treasuries and a company's bond, repriced along the curves of ten years; a sovereign is no issuer's limit."""
    with platform_home.client() as client:
        address = f"/portfolios/{facts.portfolio['portfolio_id']}"
        risk = client.get(f"{address}/risk").raise_for_status().json()["risk"]
        limits = client.get(f"{address}/concentration").raise_for_status().json()["concentration"]["limits"]

    profile = next(one for one in risk["profiles"] if one["basis"] == "CURRENT_WEIGHTS")
    assert (profile["status"], profile["coverage"], risk["left_out"]) == ("OK", 1, [])
    assert {part["ticker"] for part in risk["components"]} == {SECOND, COMPANY}
    assert profile["n"] > 2400
    assert "Unclassified" not in {limit["label"] for limit in limits if limit["dimension"] == "sector"}
