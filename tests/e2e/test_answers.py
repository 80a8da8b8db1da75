"""The same digits by MCP, by HTTP and by SQL; and every tool called by a client from the package index."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

import lakefolio
from domain.analytics.arrays import figure
from domain.errors import plain
from lakefolio.connection import ReleaseConnection
from tests.e2e.conftest import Home
from tests.effort import IS_LONG
from tests.mcp_clients import Asker, over_http, over_stdio

_QUESTIONS = 200 if IS_LONG else 20
_SEED = 20170329
_CLIENTS: dict[str, Callable[[str], Any]] = {
    "stdio": over_stdio,
    "http": over_http,
    "http, before 2026": lambda address: over_http(address, mode="legacy"),
}


def root(home: Home) -> str:
    return home.base_url.removesuffix("/api/v1")


@pytest.fixture(scope="module")
def asker(platform_home: Home) -> Iterator[Asker]:
    with over_http(root(platform_home)) as found:
        yield found


@pytest.fixture(scope="module")
def release(platform_home: Home) -> Iterator[ReleaseConnection]:
    with lakefolio.connect(platform_home.settings.home) as found:
        yield found


@dataclass(frozen=True)
class Ids:
    portfolios: Sequence[str]
    simulations: Sequence[str]


@pytest.fixture(scope="module")
def ids(platform_home: Home) -> Ids:
    with platform_home.client() as client:
        portfolios = [one["portfolio_id"] for one in client.get("/portfolios").json()["items"]]
        of_first = client.get(f"/portfolios/{platform_home.portfolio_id}/simulations").json()["items"]
        done = [one["simulation_id"] for one in of_first if one["status"] == "DONE"]
    return Ids(portfolios, done)


@pytest.mark.parametrize("way", _CLIENTS)
def test_a_client_from_the_package_index_lists_and_calls_every_tool(platform_home: Home, ids: Ids, way: str) -> None:
    portfolio = {"portfolio_id": platform_home.portfolio_id}
    a_value = f"values/{platform_home.portfolio_id}@1:/values/2017-03-29/total_value"
    calls: dict[str, dict[str, Any]] = {
        "portfolios": {},
        **dict.fromkeys(("positions", "values", "performance", "risk", "concentration", "gains", "status"), portfolio),
        "simulations": {"simulation_id": ids.simulations[0]},
        "restatement": {**portfolio, "since": "2026-01-01T00:00:00Z"},
        "explain": {"ref": a_value},
        "search_securities": {"q": "app"},
    }
    with _CLIENTS[way](root(platform_home)) as client:
        assert {tool.name for tool in client.tools()} == set(calls)
        for name, arguments in calls.items():
            if name == "restatement":  # nothing was released then
                assert "Not Found" in client.text(name, **arguments)
                continue
            answer = client.answer(name, **arguments)
            for one in answer.get("figures", ()):
                assert set(one) >= {"value", "unit", "as_of", "release", "explain"}


def test_a_comparison_a_change_and_a_fan_have_figures_too(asker: Asker, platform_home: Home, ids: Ids) -> None:
    first, second = ids.simulations[:2]
    for figures in (
        asker.figures("simulations", simulation_id=first, compare_with=second),
        asker.figures("simulations", simulation_id=first, under="/fan"),
        asker.figures("explain", portfolio_id=platform_home.portfolio_id, **{"from": "2015-01-05", "to": "2016-01-05"}),
    ):
        assert len(figures) > 10
        assert len({(one["explain"], one.get("measure")) for one in figures}) == len(figures)


def test_every_figure_is_explained_as_what_it_is(asker: Asker, platform_home: Home, ids: Ids) -> None:
    """An answer's reference leads to a figure with the same digits and unit."""
    found = [
        one
        for name in ("positions", "values", "performance", "risk", "concentration", "gains")
        for portfolio_id in (ids.portfolios if IS_LONG else [platform_home.portfolio_id])
        for one in asker.figures(name, portfolio_id=portfolio_id)
    ]
    found += asker.figures("simulations", simulation_id=ids.simulations[0]) if IS_LONG else []
    found += asker.figures("risk", portfolio_id=platform_home.portfolio_id, as_of="2010-05-05")
    chosen = random.Random(_SEED).sample(found, 400 if IS_LONG else 8)
    with platform_home.client() as client:
        for one in chosen:
            answer = client.get("/explain", params={"ref": one["explain"]})
            assert answer.status_code == 200, answer.text
            told = json.loads(answer.text, parse_float=str, parse_int=str)
            assert told["release_id"] == str(one["release"])
            if "measure" not in one:
                assert (told["figure"]["value"], told["figure"]["unit"]) == (one["value"], one["unit"])


def test_the_newest_analysis_has_the_apis_digits(asker: Asker, platform_home: Home) -> None:
    figures = asker.figures("risk", portfolio_id=platform_home.portfolio_id, analysis="newest")
    with platform_home.client() as client:
        listed = told(client, f"/portfolios/{platform_home.portfolio_id}/risk-analyses")["items"]
        newest = next(one for one in listed if one["status"] in ("DONE", "DEGRADED"))
        facts = told(client, f"/risk-analyses/{newest['analysis_id']}")["facts"]
    assert [(one["measure"], one["value"]) for one in figures] == [(one["fact_id"], one["value"]) for one in facts]
    assert [one["explain"] for one in figures] == [one["explain"] for one in facts]


@dataclass(frozen=True)
class Question:
    """One question in three forms: a tool's call, an address with the way to the figure, and SQL."""

    call: tuple[str, dict[str, Any]]
    place: str
    address: str
    at: Callable[[Any], Any]
    sql: str


def questions(release: ReleaseConnection, ids: Ids) -> Iterator[Question]:
    """Without end, drawn over portfolios, days, securities and measures."""
    draw = random.Random(_SEED)
    of_days = (
        "select portfolio_id, min(business_date), max(business_date) from marts.fact_portfolio_value_daily group by 1"
    )
    days = {portfolio_id: (first, last) for portfolio_id, first, last in release.sql(of_days).fetchall()}
    kinds = (_value, _value, _position, _position, _period, _risk, _concentrated, _gained, _simulated, _indexed)
    while True:
        portfolio_id = draw.choice(list(ids.portfolios))
        first, last = days[portfolio_id]
        day = first + timedelta(days=draw.randrange((last - first).days + 1))
        yield draw.choice(kinds)(draw, release, ids, portfolio_id, day)


Draw = random.Random


def _value(draw: Draw, _: ReleaseConnection, __: Ids, portfolio_id: str, day: date) -> Question:
    measure = draw.choice(
        ["total_value", "positions_value", "cash", "cost_basis", "realised", "income", "coverage_pct"]
    )
    return Question(
        ("values", {"portfolio_id": portfolio_id, "from": str(day), "to": str(day), "measure": measure}),
        f"/values/{day}/{measure}",
        f"/portfolios/{portfolio_id}/values?from={day}&to={day}",
        lambda told: told["values"][0][measure],
        f"select {measure} from marts.fact_portfolio_value_daily"
        f" where portfolio_id = '{portfolio_id}' and business_date = '{day}'",
    )


def _indexed(draw: Draw, _: ReleaseConnection, __: Ids, portfolio_id: str, day: date) -> Question:
    del draw
    return Question(
        ("values", {"portfolio_id": portfolio_id, "from": str(day), "to": str(day), "measure": "twr_index"}),
        f"/values/{day}/twr_index",
        f"/portfolios/{portfolio_id}/values?from={day}&to={day}",
        lambda told: told["values"][0]["twr_index"],
        "select twr_index from marts.fact_return_daily"
        f" where portfolio_id = '{portfolio_id}' and level = 'PORTFOLIO' and business_date = '{day}'",
    )


def _position(draw: Draw, release: ReleaseConnection, _: Ids, portfolio_id: str, day: date) -> Question:
    held = f"""
        from marts.fact_position_daily inner join marts.dim_security using (security_id)
        where portfolio_id = '{portfolio_id}' and business_date = '{day}' and quantity <> 0"""
    tickers = [ticker for (ticker,) in release.sql(f"select distinct ticker {held} order by 1").fetchall()]
    if not tickers:
        return _value(draw, release, _, portfolio_id, day)
    ticker = draw.choice(tickers)
    measure = draw.choice(["quantity", "cost_basis", "market_value", "market_value_base", "gain_loss_base", "close"])
    summed = f"max({measure})" if measure == "close" else f"sum({measure})"
    return Question(
        ("positions", {"portfolio_id": portfolio_id, "on": str(day), "under": f"/positions/{ticker}/{measure}"}),
        f"/positions/{ticker}/{measure}",
        f"/portfolios/{portfolio_id}/positions?on={day}",
        lambda told: next(one for one in told["positions"] if one["ticker"] == ticker)[measure],
        f"select {summed} {held} and ticker = '{ticker}'",
    )


def _period(draw: Draw, release: ReleaseConnection, ids: Ids, portfolio_id: str, day: date) -> Question:
    del release, ids, day
    period = draw.choice(["1M", "3M", "YTD", "1Y", "3Y", "5Y", "SINCE_INCEPTION"])
    measure = draw.choice(["twr", "twr_annual", "mwr", "xirr", "benchmark_twr", "active_return"])
    if measure in ("twr_annual", "xirr") and period in ("1M", "3M", "YTD"):
        period = "3Y"
    return Question(
        ("performance", {"portfolio_id": portfolio_id, "under": f"/periods/{period}/{measure}"}),
        f"/periods/{period}/{measure}",
        f"/portfolios/{portfolio_id}/performance",
        lambda told: next(one for one in told["periods"] if one["period"] == period)[measure],
        f"select {measure} from marts.fact_performance"
        f" where portfolio_id = '{portfolio_id}' and level = 'PORTFOLIO' and period = '{period}'",
    )


def _risk(draw: Draw, release: ReleaseConnection, ids: Ids, portfolio_id: str, day: date) -> Question:
    del release, ids, day
    basis = draw.choice(["REALISED", "CURRENT_WEIGHTS"])
    measure = draw.choice(["volatility", "sharpe", "sortino", "max_drawdown", "beta", "alpha", "tracking_error"])
    return Question(
        ("risk", {"portfolio_id": portfolio_id, "under": f"/risk/profiles/{basis}/{measure}"}),
        f"/risk/profiles/{basis}/{measure}",
        f"/portfolios/{portfolio_id}/risk",
        lambda told: next(one for one in told["risk"]["profiles"] if one["basis"] == basis)[measure],
        f"select {measure} from marts.fact_risk where portfolio_id = '{portfolio_id}' and basis = '{basis}'",
    )


def _concentrated(draw: Draw, release: ReleaseConnection, ids: Ids, portfolio_id: str, day: date) -> Question:
    del release, ids, day
    dimension = draw.choice(["security", "issuer", "sector", "country", "currency", "asset_class"])
    measure = draw.choice(["hhi", "effective_number", "top_5", "top_10"])
    return Question(
        ("concentration", {"portfolio_id": portfolio_id, "under": f"/concentration/dimensions/{dimension}/{measure}"}),
        f"/concentration/dimensions/{dimension}/{measure}",
        f"/portfolios/{portfolio_id}/concentration",
        lambda told: next(one for one in told["concentration"]["dimensions"] if one["dimension"] == dimension)[measure],
        f"select {measure} from marts.fact_concentration"
        f" where portfolio_id = '{portfolio_id}' and dimension = '{dimension}'",
    )


def _gained(draw: Draw, release: ReleaseConnection, ids: Ids, portfolio_id: str, day: date) -> Question:
    sold = f"from positions.disposal where portfolio_id = '{portfolio_id}'"
    years = [year for (year,) in release.sql(f"select distinct year(realised_on) {sold} order by 1").fetchall()]
    if not years:
        return _value(draw, release, ids, portfolio_id, day)
    year, measure = draw.choice(years), draw.choice(["gain", "cost", "proceeds"])
    return Question(
        ("gains", {"portfolio_id": portfolio_id, "year": str(year), "under": f"/total/{measure}"}),
        f"/total/{measure}",
        f"/portfolios/{portfolio_id}/gains?year={year}",
        lambda told: told["total"][measure],
        f"select sum({measure}_base) {sold} and year(realised_on) = {year}",
    )


def _simulated(draw: Draw, release: ReleaseConnection, ids: Ids, portfolio_id: str, day: date) -> Question:
    del release, portfolio_id, day
    simulation_id, step = draw.choice(list(ids.simulations)), 12 * draw.randrange(31)
    measure = draw.choice(["p5", "p25", "p50", "p75", "p95", "mean", "probability_of_loss"])
    return Question(
        ("simulations", {"simulation_id": simulation_id, "under": f"/fan/{step}/{measure}"}),
        f"/fan/{step}/{measure}",
        f"/simulations/{simulation_id}",
        lambda told: told["fan"][step][measure],
        f"select {measure} from simulation.simulation_fan where simulation_id = '{simulation_id}' and step = {step}",
    )


def digits(value: Any) -> str:
    """The digits of SQL's own value, as the product writes numbers of its kind."""
    return plain(value) if isinstance(value, Decimal) else repr(figure(float(value)))


def test_the_same_question_by_mcp_by_http_and_by_sql_has_the_same_digits(
    asker: Asker, release: ReleaseConnection, platform_home: Home, ids: Ids
) -> None:
    asked: set[str] = set()
    with platform_home.client() as client:
        for question in questions(release, ids):
            if len(asked) == _QUESTIONS:
                break
            name, arguments = question.call
            by_http = question.at(told(client, question.address))
            by_sql = release.sql(question.sql).fetchall()
            by_mcp = [
                one
                for one in asker.figures(name, **arguments)
                if one.get("measure", one["explain"].partition(":")[2]) == question.place
            ]
            if by_http is None:  # too young for it, or without a variation: told nowhere
                assert not by_mcp
                continue
            assert [one["value"] for one in by_mcp] == [by_http] == [digits(value) for (value,) in by_sql], question
            asked.add(question.sql)
    assert len(asked) == _QUESTIONS


def told(client: httpx.Client, address: str) -> Any:
    """An answer with its numbers as they are written."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=str, parse_int=str)
