"""Answers of the API from a release; the portfolio of the small release is put into the database first."""

from datetime import date

import httpx
import psycopg
import pyarrow.compute as pc
import pytest
from psycopg.types.json import Jsonb

from oltp_api.context import LOCAL_USER
from storage.lake.delta import Lake
from storage.lake.releases import Releases
from storage.postgres.database import Database
from tests.small_release import PORTFOLIO, SIMULATION, publish_small_release, release


@pytest.fixture(scope="module")
def released(api: httpx.Client, lake: Lake, database: Database) -> httpx.Client:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " values (%s, %s, 'released', 'USD', 'INVESTMENT', 'UTC')",
            (PORTFOLIO, LOCAL_USER),
        )
        connection.execute(
            "insert into simulation (simulation_id, portfolio_id, user_id, name, horizon_years, num_paths,"
            " sample_paths, seed, status, summary, requested_at)"
            " values (%s, %s, %s, 'done', 30, 10, 1, 1, 'DONE', %s, now())",
            (SIMULATION, PORTFOLIO, LOCAL_USER, Jsonb({"median": 103})),
        )
    assert api.get("/releases/latest").status_code == 503
    publish_small_release(lake)
    return api


def test_positions_carry_their_release_and_the_total_its_coverage(released) -> None:
    shown = released.get(f"/portfolios/{PORTFOLIO}/positions").json()

    assert (shown["release_id"], shown["as_of"]) == (2, "2017-03-29")
    assert [
        (held["ticker"], held["quantity"], held["market_value"], held["status"]) for held in shown["positions"]
    ] == [
        ("AAPL", "80", "9680", "PRICED"),
        ("GHOST", "3", None, "MISSING"),
        ("MSFT", "10", "400", "STALE"),
    ]
    assert shown["positions"][0]["avg_cost"] == "107.5"
    assert (shown["total"]["total_value"], shown["total"]["coverage_pct"]) == ("11080", 96.77)
    total = {name: shown["total"][name] for name in ("status", "n_stale", "n_missing", "n_fx_stale", "n_fx_missing")}
    assert total == {"status": "MISSING", "n_stale": 1, "n_missing": 1, "n_fx_stale": 0, "n_fx_missing": 1}
    assert shown["total"]["stale_days"] == 1


def test_positions_of_an_earlier_day(released) -> None:
    shown = released.get(f"/portfolios/{PORTFOLIO}/positions", params={"on": "2017-03-28"}).json()
    before = released.get(f"/portfolios/{PORTFOLIO}/positions", params={"on": "2001-01-01"}).json()

    assert [held["quantity"] for held in shown["positions"]] == ["50"]
    assert shown["total"]["business_date"] == "2017-03-28"
    assert (before["positions"], before["total"]) == ([], None)


def test_values_between_two_days(released) -> None:
    query = {"from": "2017-03-28", "to": "2017-03-28"}
    shown = released.get(f"/portfolios/{PORTFOLIO}/values", params=query).json()

    assert [(value["business_date"], value["total_value"]) for value in shown["values"]] == [("2017-03-28", "10500")]


def test_performance_says_unknown_where_it_is(released, new_portfolio) -> None:
    shown = released.get(f"/portfolios/{PORTFOLIO}/performance").json()["performance"]

    assert (shown["twr"], shown["twr_annual"], shown["net_contributions"]) == (pytest.approx(0.05), None, "10000")
    young = new_portfolio().get("/performance")
    assert (young["performance"], young["periods"]) == (None, [])


def test_performance_over_periods_beside_the_same_flows_in_the_benchmark(released) -> None:
    shown = released.get(f"/portfolios/{PORTFOLIO}/performance").json()
    periods = {period["period"]: period for period in shown["periods"]}

    assert (shown["currency"], shown["benchmark"]) == (
        "USD",
        {"name": "SP500", "kind": "PRICE_INDEX", "description": ""},
    )
    assert list(periods) == ["1D", "1W", "MTD", "1M", "3M", "YTD", "1Y", "3Y", "5Y", "SINCE_INCEPTION"]
    assert (periods["1Y"]["status"], periods["1Y"]["twr"]) == ("TOO_YOUNG", None)
    whole = periods["SINCE_INCEPTION"]
    assert (whole["end_value"], whole["gain"], whole["n_uncovered_days"]) == ("11080", "1080", 1)
    assert whole["benchmark_twr"] == pytest.approx(0.155)
    assert whole["benchmark_value"] == "11550"
    assert whole["active_return"] == pytest.approx(0.05 - 0.155)


def test_a_portfolio_is_held_against_what_it_has_chosen(released, new_portfolio) -> None:
    here = f"/portfolios/{PORTFOLIO}"

    chosen = released.put(f"{here}/benchmark", json={"ticker": "aapl"})
    shown = released.get(f"{here}/performance").json()
    reviewed = released.get(f"{here}/review").json()["benchmark"]
    back = released.put(f"{here}/benchmark", json={"ticker": None})

    assert (chosen.status_code, chosen.json()["benchmark"], back.json()["benchmark"]) == (200, "AAPL", None)
    assert shown["benchmark"] == reviewed == {"name": "AAPL", "kind": "TOTAL_RETURN", "description": "AAPL Inc."}
    assert shown["periods"][-1]["benchmark_twr"] == pytest.approx(0.21)
    assert released.get(f"{here}/performance").json()["benchmark"]["name"] == "SP500"
    refused = released.put(f"{here}/benchmark", json={"ticker": "NOSUCH"})
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_security")
    euros = new_portfolio(base_currency="EUR")
    refused = released.put(f"/portfolios/{euros.portfolio_id}/benchmark", json={"ticker": "AAPL"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


def test_accounts_and_positions_have_returns_of_their_own(released, new_portfolio) -> None:
    whole = released.get(f"/portfolios/{PORTFOLIO}/performance/holdings", params={"period": "SINCE_INCEPTION"}).json()[
        "holdings"
    ]

    assert [(one["level"], one["account_id"], one["ticker"], one["gain"]) for one in whole] == [
        ("ACCOUNT", 1, None, "1080"),
        ("POSITION", None, "AAPL", "1080"),
    ]
    assert (whole[1]["status"], whole[1]["twr"], whole[1]["xirr_status"]) == ("OK", pytest.approx(0.1), "UNCOVERED")
    year = released.get(f"/portfolios/{PORTFOLIO}/performance/holdings").json()["holdings"]
    assert [(one["period"], one["status"], one["twr"]) for one in year] == [("1Y", "TOO_YOUNG", None)] * 2
    assert new_portfolio().get("/performance/holdings")["holdings"] == []
    refused = released.get(f"/portfolios/{PORTFOLIO}/performance/holdings", params={"period": "2Y"})
    assert (refused.status_code, "SINCE_INCEPTION" in refused.text) == (422, True)


def test_every_value_says_how_old_it_is(released) -> None:
    """On the last day MSFT is at the price of the day before, GHOST has none, KWD no rate; before, all is priced."""
    here = f"/portfolios/{PORTFOLIO}"
    performance = released.get(f"{here}/performance").json()
    whole = {period["period"]: period for period in performance["periods"]}
    parts = released.get(f"{here}/performance/holdings", params={"period": "1D"}).json()["holdings"]
    review = released.get(f"{here}/review").json()
    values = released.get(f"{here}/values").json()["values"]

    numbers = performance["performance"]
    assert (numbers["value_status"], numbers["coverage_pct"]) == ("MISSING", 96.77)
    assert [whole[name][end] for name in ("1D", "SINCE_INCEPTION") for end in ("begin_status", "end_status")] == [
        "PRICED",
        "MISSING",
        None,
        "MISSING",
    ]
    assert (whole["1Y"]["begin_status"], whole["1Y"]["end_status"]) == (None, None)
    assert {(one["account_id"], one["ticker"]): (one["begin_status"], one["end_status"]) for one in parts} == {
        (1, None): ("PRICED", "MISSING"),
        (None, "AAPL"): ("PRICED", "PRICED"),
    }
    assert {held["ticker"]: (held["status"], held["stale_days"]) for held in review["holdings"]} == {
        "AAPL": ("PRICED", 0),
        "MSFT": ("STALE", 1),
        "GHOST": ("MISSING", 0),
    }
    assert review["curve"]["status"] == [value["status"] for value in values] == ["PRICED", "PRICED", "MISSING"]


def test_risk_of_three_days_is_insufficient_and_says_so(released, new_portfolio) -> None:
    risk = released.get(f"/portfolios/{PORTFOLIO}/risk").json()["risk"]

    assert [(profile["basis"], profile["status"], profile["n"]) for profile in risk["profiles"]] == [
        ("REALISED", "INSUFFICIENT", 1),
        ("CURRENT_WEIGHTS", "INSUFFICIENT", 0),
    ]
    assert {profile["volatility"] for profile in risk["profiles"]} == {None}
    assert {profile["sharpe_status"] for profile in risk["profiles"]} == {"INSUFFICIENT"}
    assert (risk["components"], risk["backtest"]) == ([], None)
    assert [profile["coverage"] for profile in risk["profiles"]] == [None, 0]
    assert risk["left_out"] == ["AAPL", "MSFT", "EUR cash", "GHOST", "KWD cash"]
    assert new_portfolio().get("/risk")["risk"] is None


def test_concentration_counts_cash_and_leaves_out_what_has_no_value(released, new_portfolio) -> None:
    """AAPL 9,680, MSFT 400, 890 in USD and 110 in EUR; GHOST has no price and KWD no rate."""
    found = released.get(f"/portfolios/{PORTFOLIO}/concentration").json()["concentration"]
    dimensions = {one["dimension"]: one for one in found["dimensions"]}

    assert found["left_out"] == ["GHOST", "KWD cash"]
    shares = [9680 / 11080, 400 / 11080, 1000 / 11080]
    assert dimensions["security"]["hhi"] == pytest.approx(sum(share**2 for share in shares))
    assert {group["label"]: group["gross"] for group in dimensions["currency"]["groups"]} == {
        "USD": pytest.approx(10970 / 11080),
        "EUR": pytest.approx(110 / 11080),
    }
    assert [(limit["dimension"], limit["label"], limit["state"]) for limit in found["limits"][:2]] == [
        ("issuer", "AAPL Inc.", "BREACH"),
        ("sector", "Tech", "BREACH"),
    ]
    assert found["exposure"] == {
        **{"status": "OK", "equity": "11080", "gross": "10080", "net": "10080"},
        "leverage": pytest.approx(10080 / 11080),
    }
    assert new_portfolio().get("/concentration")["concentration"] is None


def test_a_portfolio_is_bound_by_the_limits_that_it_has_now(released) -> None:
    own = {"dimension": "issuer", "measure": "GROSS_WEIGHT", "warn_at": "0.01", "breach_at": "0.9"}
    address = f"/portfolios/{PORTFOLIO}"
    released.put(f"{address}/limits", json={"limits": [own]}).raise_for_status()
    bound = released.get(f"{address}/concentration").json()["concentration"]["limits"]
    reviewed = released.get(f"{address}/review").json()["concentration"]["limits"]
    released.put(f"{address}/limits", json={"limits": None}).raise_for_status()

    assert [(limit["label"], limit["state"]) for limit in bound] == [("AAPL Inc.", "WARN"), ("MSFT Inc.", "WARN")]
    assert reviewed == bound
    assert len(released.get(f"{address}/concentration").json()["concentration"]["limits"]) > 2


def test_a_review_is_all_of_it_from_one_release(released, new_portfolio) -> None:
    address = f"/portfolios/{PORTFOLIO}"
    review = released.get(f"{address}/review").json()

    assert review["periods"] == released.get(f"{address}/performance").json()["periods"]
    for part in ("risk", "concentration"):
        assert review[part] == released.get(f"{address}/{part}").json()[part]
    assert (review["day"], review["total"]["total_value"], review["portfolio"]["name"]) == (
        "2017-03-29",
        "11080",
        "released",
    )
    assert [(one["ticker"], one["value"]) for one in review["holdings"]] == [
        ("AAPL", "9680"),
        ("MSFT", "400"),
        ("GHOST", None),
    ]
    assert review["curve"]["value"] == [10000, 10500, 11080]
    assert review["fan"] is None, "the simulation of the small release is not the standing one"
    young = new_portfolio().get("/review")
    assert (young["day"], young["curve"], young["holdings"], young["periods"]) == (None, None, [], [])


def test_the_page_is_html_with_the_figures_of_the_review(released, new_portfolio) -> None:
    page = released.get(f"/portfolios/{PORTFOLIO}/review.html")
    young = released.get(f"/portfolios/{new_portfolio().portfolio_id}/review.html")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    for shown in ("released", "11,080.00", "AAPL Inc.", "GHOST", "price index, without dividends"):
        assert shown in page.text
    assert (young.status_code, "<h1" in young.text) == (200, True)
    unknown = released.get(f"/portfolios/{SIMULATION}/review.html")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "portfolio_not_found")


def test_performance_as_of_an_earlier_day(released) -> None:
    shown = released.get(f"/portfolios/{PORTFOLIO}/performance", params={"as_of": "2017-03-28"}).json()
    before = released.get(f"/portfolios/{PORTFOLIO}/performance", params={"as_of": "2001-01-01"}).json()

    assert (shown["performance"]["as_of"], shown["performance"]["total_value"]) == ("2017-03-28", "10500")
    assert {period["as_of"] for period in shown["periods"]} == {"2017-03-28"}
    assert (before["performance"], before["periods"]) == (None, [])


def test_performance_as_it_was_known(released, lake) -> None:
    """The older release's figures are the same to the last digit when a newer one says something else."""
    address = f"/portfolios/{PORTFOLIO}/performance"
    known = released.get(address).json()
    moment = known["released_at"]
    head = Releases(lake).head()
    assert head
    corrected = {}
    for table in ("marts/fact_portfolio_value_daily", "marts/fact_return_daily"):
        rows = lake.read(table)
        corrected[table] = lake.publish(table, rows.filter(pc.less(rows["business_date"], date(2017, 3, 29)))).version
    release(lake, {**head.versions, **corrected})

    assert released.get(address).json()["performance"]["total_value"] == "10500"
    assert released.get(address, params={"as_known_on": moment}).json() == known
    refused = released.get(address, params={"as_known_on": "2001-01-01"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert released.get(address, params={"as_known_on": "yesterday"}).status_code == 422
    release(lake, head.versions)


def test_a_price_tells_which_day_it_is_from(released) -> None:
    shown = released.get("/securities/MSFT/price").json()

    assert (shown["close"], shown["price_date"], shown["asked"]) == ("40", "2017-03-28", "2017-03-29")
    assert released.get("/securities/MSFT/price?on=1999-01-01").status_code == 404
    assert released.get("/securities/NOPE/price").json()["code"] == "unknown_security"


def test_a_done_simulation_shows_its_fan(released) -> None:
    shown = released.get(f"/simulations/{SIMULATION}").json()

    assert (shown["status"], shown["summary"]) == ("DONE", {"median": 103})
    assert [row["p50"] for row in shown["fan"]] == [103, 83]


def test_the_portfolio_of_another_user_has_no_numbers(released, foreign_portfolio) -> None:
    for what in ("positions", "values", "performance"):
        assert released.get(f"/portfolios/{foreign_portfolio}/{what}").status_code == 404


@pytest.mark.parametrize("number", [2**63, 2**127, 10**41])
def test_an_id_that_no_column_can_hold_is_a_refusal(released, number: int) -> None:
    assert released.get(f"/lineage/portfolios/{PORTFOLIO}/securities/{number}").status_code == 422
    assert released.get(f"/securities/id:{number}").status_code in (404, 422)
    assert released.post(f"/portfolios/{PORTFOLIO}/transactions/{number}/reversal", json={}).status_code == 422
