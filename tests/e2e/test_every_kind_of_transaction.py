"""Every kind of transaction on its way from the API through one real run into the marts, beside the demo.

Each portfolio (demo_books.py) differs from PLAIN by what its name says, so that PLAIN is what its marts are compared
with.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from application.value_change import value_change
from domain.analytics.fixed_income.bonds import Bond
from domain.value_changes import ChangeCause
from storage.lake.delta import memory_duckdb
from storage.lake.mounted import MountedRelease, mounted
from storage.settings import REPOSITORY
from tests.changes import adds_up, days_of, pairs
from tests.e2e.conftest import savings
from tests.e2e.demo_books import BOOKS, DAY, NOTHING_GAINED
from tests.effort import IS_LONG

D = Decimal
THE_DAY = date.fromisoformat(DAY)
_VALUES = "marts/fact_portfolio_value_daily"
_TERMS = ["inflow", "outflow", "income", "realised", "transfer_gain", "fees", "tax", "fx_gain"]
_IDENTITY = (REPOSITORY / "dbt_project" / "tests" / "value_is_explained.sql").read_text().partition("}}\nwith")[2]


class Refreshed:
    """The books in the newest release, and the ledger over the API."""

    def __init__(self, home: Any, ids: dict[str, str]) -> None:
        self._home, self.ids = home, ids

    def rows(self, table: str, name: str, *columns: str, on: date | None = None) -> list[dict[str, Any]]:
        """Rows of a book, in the order of their columns; all but the portfolio's id if no column is named."""
        source = self._home.lake.scan(table, self._home.head.versions[table])
        listed = ", ".join(columns) or "* exclude (portfolio_id)"
        day = f"and business_date = date '{on}'" if on else ""
        with memory_duckdb() as connection:
            query = f"select {listed} from {source} where portfolio_id = ? {day} order by all"
            return connection.execute(query, [self.ids[name]]).to_arrow_table().to_pylist()

    def earned(self, name: str, on: date = THE_DAY) -> Any:
        """The book's return of a day; None without one."""
        (found,) = [
            row["daily_return"]
            for row in self.rows("marts/fact_return_daily", name, "level", "daily_return", on=on)
            if row["level"] == "PORTFOLIO"
        ]
        return found

    def day(self, name: str, on: date = THE_DAY) -> dict[str, Any]:
        (row,) = self.rows("marts/fact_portfolio_value_daily", name, "*", on=on)
        return row

    def unexplained(self, without: str | None = None) -> int:
        """Days on which the marts' own identity does not hold, or not if one of its terms were 0."""
        source = self._home.lake.scan(_VALUES, self._home.head.versions[_VALUES])
        zeroed = f"(select * replace (0 as {without}) from {source})" if without else source
        every = _IDENTITY.replace("{{ in_scope('portfolio_id') }}", "true")
        query = "with" + every.replace("{{ ref('fact_portfolio_value_daily') }}", zeroed)
        with memory_duckdb() as connection:
            return connection.execute(query).to_arrow_table().num_rows

    def mounted(self) -> MountedRelease:
        return mounted(self._home.lake, self._home.head)

    def client(self) -> Any:
        return self._home.client()

    def answer(self, name: str, what: str, **parameters: str) -> Any:
        with self._home.client() as client:
            return client.get(f"/portfolios/{self.ids[name]}/{what}", params=parameters).raise_for_status().json()

    def explained(self, name: str, security_id: int) -> Any:
        with self._home.client() as client:
            address = f"/lineage/portfolios/{self.ids[name]}/securities/{security_id}"
            return client.get(address).raise_for_status().json()


@pytest.fixture(scope="module")
def refreshed(new_home: Any, books: dict[str, Any]) -> Iterator[Refreshed]:
    with new_home(savings, begins_with="books") as home:
        yield Refreshed(home, books["every kind"])


def alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows, doubles up to their last digits: a running product of doubles depends on who else is there."""
    return [
        {name: pytest.approx(cell, rel=1e-12) if isinstance(cell, float) else cell for name, cell in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("mart", ["fact_portfolio_value_daily", "fact_position_daily", "fact_performance"])
def test_what_was_reversed_leaves_no_trace(refreshed: Refreshed, mart: str) -> None:
    left, plain = (refreshed.rows(f"marts/{mart}", name) for name in ("REVERSED", "PLAIN"))

    assert left == alike(plain) != []


def test_units_that_change_accounts_change_no_value_flow_or_return(refreshed: Refreshed) -> None:
    columns = ["business_date", "total_value", "cash", "cost_basis", "inflow", "outflow", "realised"]
    there, plain = (refreshed.rows("marts/fact_portfolio_value_daily", name, *columns) for name in ("MOVED", "PLAIN"))

    assert there == alike(plain)
    assert refreshed.day("MOVED")["n_positions"] == 2
    for mart, level in (
        ("fact_performance", "PORTFOLIO"),
        ("fact_performance", "POSITION"),
        ("fact_return_daily", "PORTFOLIO"),
        ("fact_return_daily", "POSITION"),
    ):
        moved, stayed = (
            [row for row in refreshed.rows(f"marts/{mart}", name) if row["level"] == level]
            for name in ("MOVED", "PLAIN")
        )
        assert moved == alike(stayed) != []


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_gains_of_all_years_are_what_was_realised_received_and_paid(refreshed: Refreshed, name: str) -> None:
    """The marts fold and add up in SQL; a disposal has its lot's own rates."""
    gains, values = refreshed.answer(name, "gains", year="all"), refreshed.answer(name, "values")["values"]
    received = {one["income_type"]: D(one["amount_base"] or 0) for one in gains["income_by_type"]}
    in_marts = {term: sum(D(day[term]) for day in values) for term in ("income", "tax", "fees")}

    assert D(gains["total"]["gain"] or 0) == D(values[-1]["realised"])
    assert in_marts == {
        "income": sum(received.get(one, 0) for one in ("DIVIDEND", "COUPON", "INTEREST", "ACCRUED_INTEREST")),
        "tax": -received.get("TAX", 0),
        "fees": -received.get("FEE", 0),
    }
    for kept in refreshed.rows("positions/disposal", name, "gain", "gain_base", "cost"):
        assert (kept["gain"] is None) == (kept["cost"] is None) == (kept["gain_base"] is None)


def test_disposals_of_events_have_the_day_of_the_first_purchase(refreshed: Refreshed) -> None:
    """The sale of what was merged in, its cash, and what a spin-off's child was bought as."""
    columns = ("seq", "txn_type", "acquired_on", "sold_on", "units", "proceeds", "cost", "term")
    kept = refreshed.rows("positions/disposal", "EVENTS FIFO", *columns)

    assert [tuple(row[name] for name in columns[1:]) for row in kept] == [
        ("MERGER", date(2016, 6, 13), date(2016, 7, 1), D("3.7"), D(370), D(333), "SHORT"),
        ("CASH_IN_LIEU", date(2016, 6, 13), date(2016, 8, 1), D("0.5"), D(70), D(63), "SHORT"),
        ("SELL", date(2016, 10, 5), date(2016, 10, 6), D(10), D("425.16"), D("424.84"), "SHORT"),
    ]
    assert refreshed.answer("EVENTS FIFO", "gains", year="2015")["disposals"] == []


def test_a_reversed_row_is_in_no_gains(refreshed: Refreshed) -> None:
    left, plain = (refreshed.rows("positions/disposal", name, "txn_type", "gain") for name in ("REVERSED", "PLAIN"))

    assert left == plain != []


@pytest.mark.parametrize(
    "name", ["PLAIN", "FIFO", "MOVED", "GIVEN AWAY", "SPLIT", "INCOME", "UNKNOWN", "ABROAD", "EVENTS", "EVENTS FIFO"]
)
def test_the_last_intervals_are_the_holdings_of_the_api(refreshed: Refreshed, name: str) -> None:
    shown = refreshed.answer(name, "holdings")["holdings"]
    held = refreshed.rows("marts/fact_position_daily", name, "*", on=date(2017, 3, 29))

    assert sorted(
        (row["security_id"], row["quantity"], row["cost_basis"], row["cost_basis_base"]) for row in held
    ) == sorted(
        (holding["security_id"], D(part["quantity"]), figure(part["cost_basis"]), figure(part["cost_basis_base"]))
        for holding in shown
        for part in holding["accounts"]
    )
    assert {row["basis"] for row in held} == {part["basis"] for holding in shown for part in holding["accounts"]}


def figure(text: str | None) -> Decimal | None:
    return None if text is None else D(text)


@pytest.mark.parametrize("day", NOTHING_GAINED)
@pytest.mark.parametrize("name", ["EVENTS", "EVENTS FIFO"])
def test_an_event_at_prices_that_do_not_move_is_no_return_and_no_flow_at_any_level(
    refreshed: Refreshed, name: str, day: str
) -> None:
    on = date.fromisoformat(day)
    returns = refreshed.rows(
        "marts/fact_return_daily", name, "level", "begin_value", "end_value", "daily_return", on=on
    )
    value = refreshed.day(name, on)

    earned = [row["daily_return"] for row in returns if row["begin_value"] or row["end_value"]]
    assert len(earned) >= 4, "the portfolio, its account, what gives and what receives"
    assert earned == pytest.approx([0] * len(earned), abs=1e-12)
    assert (value["inflow"], value["outflow"], value["income"], value["transfer_gain"]) == (0, 0, 0, 0)


def test_cost_goes_along_with_what_is_received(refreshed: Refreshed) -> None:
    """Parent 450 and child 50 of 500; then 25 returned, 10 and 5 added; of 900, 63 % for units, the rest for cash."""
    held = {one["ticker"]: one for one in refreshed.answer("EVENTS", "holdings")["holdings"]}

    costs = {ticker: D(one["cost_basis"]) for ticker, one in held.items()}
    assert costs == {"PARNT": 440, "KIDNW": 50, "RIGHT": 0, "ACQCO": 567 - D("63")}, (
        "half of 4.5 units was paid in lieu"
    )
    assert D(held["ACQCO"]["realised"]) == 70 - 63
    fifo = {
        one["ticker"]: one["accounts"][0]["lots"] for one in refreshed.answer("EVENTS FIFO", "holdings")["holdings"]
    }
    assert [(lot["opened_on"], lot["quantity"], lot["cost"]) for lot in fifo["KIDNW"]] == [
        ("2016-01-05", "3", "27"),
        ("2016-01-06", "2", "23"),
    ]
    assert {lot["opened_on"] for lot in fifo["ACQCO"]} == {"2016-06-13"}


def test_a_fee_in_another_currency_is_in_cost_and_leaves_its_own_cash(refreshed: Refreshed) -> None:
    balances = {one["currency"]: D(one["balance"]) for one in refreshed.answer("EVENTS", "cash")["balances"]}

    assert balances["EUR"] == 100 - 2 * D("4.40")
    (sold,) = [
        one
        for one in refreshed.rows("marts/fact_position_daily", "EVENTS", "*", on=date(2016, 10, 5))
        if one["close"] and one["quantity"] == 10
    ]
    assert sold["cost_basis_base"] == D("424.84")
    last = refreshed.day("EVENTS", date(2016, 10, 6))
    before = refreshed.day("EVENTS", date(2016, 10, 5))
    assert last["realised"] - before["realised"] == pytest.approx(D("430") - D("4.84") - D("424.84"), abs=D("1e-7"))
    assert (last["fees"], before["fees"]) == (0, 0)


def test_a_rate_that_is_the_other_way_round_is_refused_wherever_one_is_given(refreshed: Refreshed) -> None:
    """One euro was 1.1157 dollars; 0.9 is dollars in euros."""
    rate = {"fx_rate": "0.9", "business_date": "2016-06-01"}
    asked = {
        "transactions": {"type": "BUY", "ticker": "INEUR", "quantity": "1", "price": "70", **rate},
        "holdings": {"account": "MAIN", "ticker": "INEUR", "quantity": "1", "cost_per_unit": "7", **rate},
        "transactions/bulk": {"transactions": [{"type": "DEPOSIT", "amount": "5", "currency": "EUR", **rate}]},
    }
    with refreshed.client() as client:
        answers = [
            client.post(f"/portfolios/{refreshed.ids['ABROAD']}/{path}", json=body) for path, body in asked.items()
        ]
        far = {**asked["transactions"], "fx_rate": "1.3", "quantity": "1000000"}
        taken = client.post(f"/portfolios/{refreshed.ids['ABROAD']}/transactions", json=far)

    assert [answer.status_code for answer in answers] == [422] * 3
    assert all("rate_is_inverse" in answer.text and "1.11" in answer.text for answer in answers)
    assert taken.json()["code"] == "insufficient_cash", "far from the day's, and farther from its inverse"


def test_each_portfolio_has_its_own_method_of_cost(refreshed: Refreshed) -> None:
    last = date(2017, 3, 29)

    # 150 units for 6,101, of which 60 were sold for 2,580: the average, or the first ones bought.
    assert (refreshed.day("PLAIN", last)["cost_basis"], refreshed.day("PLAIN", last)["realised"]) == (
        D("3660.6"),
        D("139.6"),
    )
    assert (refreshed.day("FIFO", last)["cost_basis"], refreshed.day("FIFO", last)["realised"]) == (
        D("3700.4"),
        D("179.4"),
    )
    assert refreshed.day("FIFO", last)["total_value"] == refreshed.day("PLAIN", last)["total_value"]


def test_units_given_away_are_an_outflow_at_the_close_and_no_return(refreshed: Refreshed) -> None:
    given, plain = refreshed.day("GIVEN AWAY"), refreshed.day("PLAIN")
    (held,) = refreshed.rows("marts/fact_position_daily", "PLAIN", "close", on=THE_DAY)

    assert given["outflow"] == 30 * held["close"] == plain["total_value"] - given["total_value"]
    assert refreshed.earned("GIVEN AWAY") == pytest.approx(refreshed.earned("PLAIN"), rel=1e-12)
    assert plain["cost_basis"] - given["cost_basis"] == D("1220.2"), "30 of 150 that cost 6,101"
    assert given["transfer_gain"] == D("1220.2") - given["outflow"]
    whole = [
        row for row in refreshed.rows("marts/fact_performance", "GIVEN AWAY") if row["period"] == "SINCE_INCEPTION"
    ]
    (performance,) = [row for row in whole if row["level"] == "PORTFOLIO"]
    assert performance["net_contributions"] == 10_000 - given["outflow"]


def test_a_split_leaves_cost_and_gives_more_units(refreshed: Refreshed) -> None:
    intervals = refreshed.rows(
        "positions/position_interval", "SPLIT", "valid_from", "quantity", "cost_basis", "avg_cost", "realised"
    )

    assert [tuple(row.values())[1:] for row in intervals] == [
        (150, 1_601, D("10.67333333"), 0),
        (225, 1_601, D("7.11555556"), 0),
        (180, D("1280.8"), D("7.11555556"), D("39.8")),
    ]
    assert intervals[1]["valid_from"] == THE_DAY


def test_income_is_earned_and_no_flow(refreshed: Refreshed) -> None:
    earned, plain = refreshed.day("INCOME"), refreshed.day("PLAIN")

    assert (earned["income"], earned["tax"], earned["fees"]) == (107, 17, 3)
    assert (earned["inflow"], earned["outflow"]) == (0, 0)
    assert earned["total_value"] == plain["total_value"] + 87
    return_of_plain = refreshed.earned("PLAIN")
    begin = plain["total_value"] / D(1 + return_of_plain)
    assert refreshed.earned("INCOME") - return_of_plain == pytest.approx(float(87 / begin), rel=1e-9)


def test_another_currency_counts_at_the_central_banks_rate_of_the_day(refreshed: Refreshed) -> None:
    # Dollars for a euro, https://www.ecb.europa.eu: 1.1174 on 2016-06-01, 1.1188 on the 2nd, 1.0748 on 2017-03-29.
    plain, changed = refreshed.day("PLAIN"), refreshed.day("ABROAD")

    assert changed["cash"] == plain["cash"] - 1_100 + D("1117.4")
    assert (changed["fx_gain"], changed["inflow"], changed["outflow"]) == (D("17.4"), 0, 0), "no flow, but a gain"
    assert (changed["n_fx_missing"], changed["n_fx_transactions"], changed["coverage_pct"]) == (0, 0, 100)
    bought = refreshed.day("ABROAD", date(2016, 6, 2))
    assert bought["fx_gain"] == 1_000 * D("0.0014") - 700 * (D("1.1188") - D("1.1")), "cash, and beside the close"
    sold = refreshed.day("ABROAD", date(2017, 3, 29))
    assert sold["realised"] == D("139.6") + 94, "720 euros at 1.2 less 700 at 1.1"
    assert sold["cash"] == refreshed.day("PLAIN", date(2017, 3, 29))["cash"] - 1_100 + 1_020 * D("1.0748")
    assert refreshed.earned("ABROAD", date(2017, 3, 29)) is not None
    (euros, dollars) = refreshed.answer("ABROAD", "positions")["cash"]
    assert (euros["currency"], euros["balance"], euros["balance_base"]) == ("EUR", "1020", "1096.296")
    assert dollars["balance"] == dollars["balance_base"]
    assert refreshed.answer("ABROAD", "performance")["performance"]["xirr_status"] == "OK"
    (simulation,) = refreshed.answer("ABROAD", "simulations")["items"]
    assert (simulation["status"], "holds EUR" in simulation["reason"]) == ("REFUSED", True)


def test_what_has_no_rate_is_never_added(refreshed: Refreshed) -> None:
    plain, changed = refreshed.day("PLAIN"), refreshed.day("NO RATE")

    assert (changed["total_value"], changed["cash"]) == (plain["total_value"] - 1_100, plain["cash"] - 1_100)
    assert (changed["n_fx_missing"], changed["n_fx_transactions"], changed["outflow"]) == (1, 1, 0)
    assert changed["coverage_pct"] < 100
    assert refreshed.earned("NO RATE") is None
    held = refreshed.day("NO RATE", date(2016, 6, 3))
    assert (held["n_fx_missing"], held["positions_value"]) == (
        2,
        refreshed.day("PLAIN", date(2016, 6, 3))["positions_value"],
    )
    sold = refreshed.day("NO RATE", date(2017, 3, 29))
    assert sold["realised"] == D("139.6") + 94, "720 euros at 1.2 less 700 at 1.1"
    assert (sold["n_fx_missing"], refreshed.earned("NO RATE", date(2017, 3, 29))) == (1, None)
    assert refreshed.answer("NO RATE", "performance")["performance"]["xirr_status"] == "UNCOVERED"
    (simulation,) = refreshed.answer("NO RATE", "simulations")["items"]
    assert (simulation["status"], "holds KWD" in simulation["reason"]) == ("REFUSED", True)


def test_bonds_are_valued_every_day_from_the_curve(refreshed: Refreshed) -> None:
    columns = ["security_id", "business_date", "quantity", "close", "accrued", "market_value", "status"]
    held = refreshed.rows("marts/fact_position_daily", "BONDS", *columns)
    treasury = {row["business_date"]: row for row in held if row["quantity"] in {1_000, 600}}
    company = {row["business_date"]: row for row in held if row["quantity"] == 500}
    nobody = [row for row in held if row["quantity"] == 100 and row["business_date"] < date(2016, 3, 1)]

    assert len(treasury) == len(company) == (date(2017, 3, 29) - date(2016, 1, 5)).days + 1
    assert "MISSING" in {row["status"] for row in nobody}, "a spread is never made up"
    for row in (*treasury.values(), *company.values()):
        worth = row["quantity"] * (row["close"] + row["accrued"]) / 100
        assert row["market_value"] == worth.quantize(D("1e-8"))
    bond = Bond.of(date(2024, 5, 15), D("2.5"), "ACT/ACT ICMA", 2, date(2014, 5, 15))
    for day in (date(2016, 1, 5), date(2016, 5, 13), THE_DAY):
        assert float(treasury[day]["accrued"]) == pytest.approx(bond.accrued(day), abs=1e-8)
    assert treasury[date(2016, 5, 16)]["accrued"] < D("0.01"), "the coupon of the 15th has been paid"
    assert all(treasury[day]["close"] > company[day]["close"] + 5 for day in treasury), "125 basis points, 8 years"


def test_every_kind_of_bond_is_paid_and_valued_as_what_it_is(refreshed: Refreshed) -> None:
    rows = refreshed.answer("KINDS OF BONDS", "transactions", limit="100")["items"]
    posted = {
        (row["ticker"], row["business_date"], row["cash_effect"]) for row in rows if row["type"] in ("COUPON", "SELL")
    }
    halves = {(ticker, f"2016-{day}", "12.5") for ticker in ("EXSTEP24", "ODD24") for day in ("05-15", "11-15")}
    parts = {("PARTS24", "2016-05-16", "12.5"), ("PARTS24", "2016-05-16", "250"), ("PARTS24", "2016-11-15", "9.38")}
    called = {("CALL24", f"2016-{day}", "35") for day in ("05-15", "11-15")}
    assert posted == {*parts, *called, *halves} - {("EXSTEP24", "2016-11-15", "12.5")} | {
        ("EXSTEP24", "2016-11-15", "22.5")
    }

    names = {
        position["security_id"]: position["ticker"]
        for position in refreshed.answer("KINDS OF BONDS", "positions")["positions"]
    }
    columns = ["security_id", "business_date", "quantity", "close", "accrued", "status"]
    held = {
        (names[row["security_id"]], row["business_date"]): row
        for row in refreshed.rows("marts/fact_position_daily", "KINDS OF BONDS", *columns)
    }
    assert {row["status"] for row in held.values()} == {"PRICED"}
    quantities = [held["PARTS24", date(2016, 5, day)]["quantity"] for day in (13, 15, 16)]
    assert quantities == [1000, 1000, 750]
    assert held["EXSTEP24", date(2016, 5, 6)]["accrued"] > 1 > 0 > held["EXSTEP24", date(2016, 5, 9)]["accrued"]
    assert held["CALL24", THE_DAY]["close"] < 115, "to the call in 2018; to maturity it would be above 137"
    assert abs(refreshed.earned("KINDS OF BONDS", date(2016, 5, 16))) < 0.01, "a repayment is no return"
    (called,) = [security_id for security_id, ticker in names.items() if ticker == "CALL24"]
    why = refreshed.explained("KINDS OF BONDS", called)
    assert why["valuation"]["redemption_date"] == "2018-05-15"
    assert any("2018-05-15" in step for step in why["steps"])


def test_an_unknown_basis_has_a_value_and_no_gain(refreshed: Refreshed) -> None:
    (position,) = refreshed.answer("UNKNOWN", "positions", on=DAY)["positions"]
    last = refreshed.day("UNKNOWN", date(2017, 3, 29))

    assert [position[name] for name in ("avg_cost", "cost_basis", "gain_loss")] == [None, None, None]
    assert (position["status"], position["realised"]) == ("PRICED", "0")
    assert (last["n_basis_unknown"], last["n_realised_unknown"], last["coverage_pct"]) == (1, 1, 100)
    assert (last["cost_basis"], last["realised"]) == (0, 0)
    (arrived,) = refreshed.rows("marts/fact_position_daily", "UNKNOWN", "market_value", on=date(2016, 1, 5))
    assert refreshed.day("UNKNOWN", date(2016, 1, 5))["inflow"] == arrived["market_value"]


def test_what_is_known_counts_on_after_something_unknown_was_sold(refreshed: Refreshed) -> None:
    last = refreshed.day("MIXED", date(2017, 3, 29))

    assert (last["n_basis_unknown"], last["n_realised_unknown"]) == (0, 1)
    assert (last["cost_basis"], last["realised"]) == (0, -10)
    assert [refreshed.day("MIXED", date(2016, month, 1))["n_unknown_arrivals"] for month in (6, 7, 8)] == [1, 0, 1]
    assert last["total_value"] == last["cash"] == 10_000 - 400 - 440 + 285 + 430


@pytest.mark.parametrize(
    ("name", "period", "expected"),
    [
        ("A DAY", "1D", 6127.83 / 7118.29 - 1),
        ("TWO DAYS", "SINCE_INCEPTION", -0.8660254),  # 100 (1 + r) + 100 (1 + r)^(1/2) = 50
        ("TWELVE DAYS", "SINCE_INCEPTION", -0.64756463),  # 100 (1 + r) + 100 (1 + r)^(5/12) = 100
    ],
)
def test_the_return_of_a_few_days_is_solved_over_them(
    refreshed: Refreshed, name: str, period: str, expected: float
) -> None:
    (over,) = [one for one in refreshed.answer(name, "performance")["periods"] if one["period"] == period]
    (row,) = [
        row
        for row in refreshed.rows("marts/fact_performance", name, "level", "period", "mwr", "xirr_status")
        if (row["level"], row["period"]) == ("PORTFOLIO", period)
    ]

    assert (over["mwr"], over["xirr_status"]) == (pytest.approx(expected, abs=1e-7), "OK")
    assert (row["mwr"], row["xirr_status"]) == (pytest.approx(expected, abs=1e-7), "OK")
    if period == "1D":
        assert over["twr"] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("name", "status"), [("CASH", "NO_VARIATION"), ("EUROS", "NO_RISK_FREE"), ("PLAIN", "OK")])
def test_a_ratio_says_why_it_is_not_there_wherever_it_is_shown(refreshed: Refreshed, name: str, status: str) -> None:
    numbers = refreshed.answer(name, "performance")["performance"]
    (realised, _) = refreshed.answer(name, "risk")["risk"]["profiles"]
    (row,) = [row for row in refreshed.rows("marts/fact_risk", name, "*") if row["basis"] == "REALISED"]

    for shown in (numbers, realised, row):
        assert (shown["sharpe_status"], shown["sharpe"] is None) == (status, status != "OK")
    for shown in (realised, row):
        assert (shown["sortino_status"], shown["sortino"] is None) == (status, status != "OK")
    assert (realised["alpha"] is None) == (name == "EUROS")
    if name == "CASH":
        assert (numbers["xirr"], numbers["twr"], numbers["volatility_annual"], numbers["max_drawdown"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", ["CASH", "EUROS", "PLAIN", "A DAY"])
def test_no_answer_and_no_mart_has_a_negative_zero_or_noise(refreshed: Refreshed, name: str) -> None:
    said = [
        refreshed.answer(name, what) for what in ("performance", "performance/holdings", "risk", "review", "values")
    ]
    tables = ("fact_performance", "fact_risk", "fact_risk_component", "fact_concentration", "fact_return_daily")

    figures = [*floats_in(said), *floats_in([refreshed.rows(f"marts/{table}", name, "*") for table in tables])]
    assert len(figures) > 50
    assert {figure for figure in figures if str(figure) == "-0.0" or 0 < abs(figure) < 1e-12} == set()


def floats_in(said: Any) -> Iterator[float]:
    """Every float, however deep."""
    if isinstance(said, float):
        yield said
    elif isinstance(said, dict | list):
        for part in said.values() if isinstance(said, dict) else said:
            yield from floats_in(part)


def test_any_two_days_of_every_book_are_explained_and_nothing_is_left_over(refreshed: Refreshed) -> None:
    release = refreshed.mounted()
    for name, portfolio_id in refreshed.ids.items():
        for begins, ends in pairs(days_of(release, portfolio_id), seed=len(name), n=8 if IS_LONG else 2):
            change = adds_up(value_change(release, UUID(portfolio_id), begins, ends))
            assert not change.total(ChangeCause.EVENT), (name, change)


def test_a_rate_on_a_holding_is_told_apart_from_its_price(refreshed: Refreshed) -> None:
    begins, ends = "2016-11-08", "2016-11-09"
    (before,), (after,) = (
        refreshed.answer("SHARES ABROAD", "positions", on=day)["positions"] for day in (begins, ends)
    )
    change = refreshed.answer("SHARES ABROAD", "change", **{"from": begins, "to": ends})
    terms = {term["name"]: D(term["amount"]) for term in change["terms"]}

    grown = D(after["market_value_base"]) - D(before["market_value_base"])
    by_rate = D(before["market_value"]) * (D(after["fx_rate"]) - D(before["fx_rate"]))
    ticker = before["ticker"]
    assert before["currency"] == "USD"
    assert by_rate
    assert abs(terms[f"RATE-{ticker}-USD"] - by_rate) < D("0.0000001")
    assert terms[f"PRICE-{ticker}"] == grown - terms[f"RATE-{ticker}-USD"]


@pytest.mark.parametrize("term", _TERMS)
def test_control_the_value_is_explained_by_every_term_and_by_no_fewer(refreshed: Refreshed, term: str) -> None:
    assert refreshed.unexplained() == 0
    assert refreshed.unexplained(without=term) > 0
