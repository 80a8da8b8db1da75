"""The second bundled market: shares as they traded, through their real splits and dividends, from order to mart."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import log
from typing import Any
from uuid import UUID

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from application.value_change import value_change
from domain.value_changes import ChangeCause
from pipelines.definitions import build_defs
from storage.lake.delta import Window, memory_duckdb
from storage.lake.mounted import mounted
from tests.changes import adds_up, days_of, pairs
from tests.e2e.as_traded_books import SPLITS, named
from tests.effort import IS_LONG

D = Decimal
ACTIONS = "raw/corporate_action"


class Market:
    """The home on that market, and its two portfolios: one recorded the splits, one did not."""

    def __init__(self, home: Any, ids: dict[str, str]) -> None:
        self.home, self.ids = home, ids

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Query the newest release's marts in DuckDB, each by its name."""
        with memory_duckdb() as connection:
            for table, version in self.home.head.versions.items():
                if table.startswith("marts/"):
                    name = table.removeprefix("marts/")
                    connection.execute(f"create view {name} as from {self.home.lake.scan(table, version)}")
            return connection.execute(query, parameters).to_arrow_table().to_pylist()

    def refresh(self, table: str, version: int) -> None:
        """Release what follows from another version of `table`; prices alone, but in the long form."""
        if IS_LONG:
            self.home.release()
            return
        head = self.home.head
        self.home.platform.releases.publish(replace(head, versions={**head.versions, table: version}), head)
        job = build_defs(self.home.platform).resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey.from_user_string(made) for made in ("marts/fact_price_daily", "meta/release")]
        with self.home.joined() as instance:
            assert job.execute_in_process(instance=instance, asset_selection=keys).success


@pytest.fixture(scope="module")
def market(new_home: Any) -> Iterator[Market]:
    with new_home(named("SPLIT"), "as_traded", begins_with="as_traded") as home:
        with home.client() as client:
            other = named("NOT SPLIT")(client)
        yield Market(home, {"SPLIT": home.portfolio_id, "NOT SPLIT": other})


def test_no_true_price_split_or_dividend_is_put_out(market: Market) -> None:
    with memory_duckdb() as connection:
        of_sources = f"from {market.home.lake.scan('meta/quarantine')} where source_table <> 'raw/own_price'"
        rows = connection.execute(f"select reason, detail {of_sources}").fetchall()

    assert rows == []


def test_a_target_is_set_against_the_close_on_the_screen(market: Market) -> None:
    query = """
        select ticker, forward.* from security_forward_mu as forward
        inner join dim_security using (security_id) where status = 'OK'
    """
    found = {row["ticker"]: row for row in market.rows(query)}

    closes = {"AAPL": "430.47", "FB": "27.78", "GOOG": "806.19", "IBM": "202.91", "MSFT": "27.95"}
    targets = {"AAPL": 540, "FB": 32, "GOOG": 880, "IBM": 220, "MSFT": 32}
    assert {ticker: (row["price"], row["status"]) for ticker, row in found.items()} == {
        ticker: (D(close), "OK") for ticker, close in closes.items()
    }
    for ticker, row in found.items():
        target = targets[ticker]
        assert row["mu_annual"] == pytest.approx(log(target / float(row["price"])), abs=1e-15)
        assert (row["method"], row["is_illustrative"]) == ("ANALYST_MEAN", True)


def changes_of_value(market: Market, name: str, ticker: str, day: str) -> tuple[float, float]:
    """By how much the position's value changed on a session, and the share's own return, both as fractions."""
    (row,) = market.rows(
        """
        select position.business_date, close, simple_return,
            cast(market_value as double) / lag(market_value) over (order by position.business_date) - 1 as change
        from fact_position_daily as position
        inner join fact_price_daily as price
            on position.security_id = price.security_id and position.business_date = price.price_date
        inner join dim_security as security on position.security_id = security.security_id
        where position.portfolio_id = $portfolio_id and ticker = $ticker
        qualify position.business_date = cast($day as date)
        """.replace("close, ", "price.close, "),
        portfolio_id=market.ids[name],
        ticker=ticker,
        day=day,
    )
    return row["change"], row["simple_return"]


@pytest.mark.parametrize(("ticker", "day"), sorted(SPLITS))
def test_value_is_continuous_through_a_real_split(market: Market, ticker: str, day: str) -> None:
    change, share = changes_of_value(market, "SPLIT", ticker, day)

    assert change == pytest.approx(share, abs=2e-4), "as the share itself did, by the source's own adjusted close"
    assert abs(change) < 0.1


@pytest.mark.parametrize(("ticker", "day"), sorted(SPLITS))
def test_control_without_its_ledger_row_a_split_halves_the_value(market: Market, ticker: str, day: str) -> None:
    change, share = changes_of_value(market, "NOT SPLIT", ticker, day)

    assert 1 + change == pytest.approx((1 + share) / 2, abs=2e-4)


def test_units_and_prices_as_traded_and_adjusted_agree_every_day(market: Market) -> None:
    rows = market.rows(
        """
        select position.quantity, price.close, price.split_factor, price.split_adjusted_close
        from fact_position_daily as position
        inner join fact_price_daily as price
            on position.security_id = price.security_id and position.business_date = price.price_date
        where position.portfolio_id = $portfolio_id
        """,
        portfolio_id=market.ids["SPLIT"],
    )

    assert len(rows) > 9_000
    for row in rows:
        adjusted = (row["quantity"] * row["split_factor"]) * row["split_adjusted_close"]
        assert row["quantity"] * row["close"] == adjusted


@pytest.mark.parametrize("name", ["SPLIT", "NOT SPLIT"])
def test_any_two_days_with_real_splits_are_explained(market: Market, name: str) -> None:
    release = mounted(market.home.lake, market.home.head)
    for begins, ends in pairs(days_of(release, market.ids[name]), 3, n=1000 if IS_LONG else 5):
        change = adds_up(value_change(release, UUID(market.ids[name]), begins, ends))
        assert not change.total(ChangeCause.EVENT)


def test_a_factor_is_the_product_of_the_splits_to_come(market: Market) -> None:
    rows = market.rows(
        """
        select ticker, split_factor, min(price_date) as first_day, max(price_date) as last_day
        from fact_price_daily inner join dim_security using (security_id)
        where split_factor <> 1 group by all order by all
        """
    )

    assert [(row["ticker"], row["split_factor"], str(row["last_day"])) for row in rows] == [
        ("AAPL", 2, "2005-02-25"),
        ("AAPL", 4, "2000-06-20"),
        ("MSFT", 2, "2003-02-14"),
    ]


def test_a_dividend_is_paid_for_what_was_held_before_the_ex_date(market: Market) -> None:
    (flow,) = market.rows(
        "select amount from fact_cashflow_daily where portfolio_id = $id and flow_type = 'INCOME'",
        id=market.ids["SPLIT"],
    )

    assert flow["amount"] == 100 * D("0.16"), "not for the 40 bought on the ex-date"


def test_returns_of_the_sources_adjusted_close_are_those_of_its_splits_and_dividends(market: Market) -> None:
    (found,) = market.rows(
        """
        with days as (
            select *, (cast(close as double) + cast(dividend as double)) / cast(split_factor as double)
                / (lag(close) over by_day / lag(split_factor) over by_day) - 1 as from_actions
            from fact_price_daily window by_day as (partition by security_id order by price_date)
        )
        select count(*) as n, quantile_cont(abs(simple_return - from_actions), 0.999) as almost_all,
            count(*) filter (where dividend > 0) as n_dividends from days where simple_return is not null
        """
    )

    assert found["n"] > 12_000
    assert found["n_dividends"] == 92
    assert found["almost_all"] < 1e-3


def test_a_late_split_changes_only_its_securitys_days(market: Market) -> None:
    def prices() -> dict[tuple[str, date], tuple[Any, ...]]:
        rows = market.rows(
            "select * exclude (security_id) from fact_price_daily inner join dim_security using (security_id)"
        )
        return {
            (row["ticker"], row["price_date"]): (row["close"], row["split_factor"], row["log_return"]) for row in rows
        }

    lake, window = market.home.lake, Window(date(2003, 1, 1), date(2003, 12, 31))
    known = prices()
    actions = lake.read(ACTIONS, market.home.head.versions[ACTIONS])
    year = actions.filter(pc.equal(pc.year(actions["action_date"]), 2003))
    is_late = pc.and_(pc.equal(year["ticker"], "MSFT"), pc.equal(year["action_type"], "SPLIT"))
    without = year.filter(pc.invert(is_late))

    def arrive(rows: pa.Table) -> None:
        market.refresh(ACTIONS, lake.publish(ACTIONS, rows, date_column="action_date", window=window).version)

    assert without.num_rows == year.num_rows - 1
    arrive(without)
    before = prices()
    arrive(year)

    assert prices() == known
    changed = {key for key in known if before[key] != known[key]}
    assert {ticker for ticker, _ in changed} == {"MSFT"}
    assert max(day for _, day in changed) == date(2003, 2, 14), "the last session before it"


def test_one_state_never_mixes_two_markets(market: Market) -> None:
    code, said = market.home.refresh_command(MARKET_SOURCE="sample")

    assert code != 0
    assert "this state was made with MARKET_SOURCE=as_traded" in said


def test_what_the_ledger_lacks_is_said_by_name_and_date_and_one_call_records_it(market: Market) -> None:
    """The last of the module: the next release has what is recorded here."""
    without, with_all = (f"/portfolios/{market.ids[name]}" for name in ("NOT SPLIT", "SPLIT"))
    with market.home.client() as client:
        proposed = client.get(f"{without}/corporate-actions").json()["actions"]
        recorded = client.get(f"{with_all}/corporate-actions").json()["actions"]
        shown = [client.get(f"{without}/{what}").json()["warnings"] for what in ("positions", "performance", "review")]
        page = client.get(f"{without}/review.html").text
        answers = [
            client.post(f"{without}/corporate-actions", json={"action_type": "SPLIT"}).json()["rows"] for _ in range(2)
        ]

    splits = {(one["ticker"], one["action_date"]) for one in proposed if one["action_type"] == "SPLIT"}
    assert splits == set(SPLITS)
    assert not [one for one in recorded if one["action_type"] == "SPLIT"]
    for ticker, day in SPLITS:
        assert all(any(ticker in said and day in said for said in warnings) for warnings in shown)
        assert day in page
    assert [{row["status"] for row in rows} for rows in answers] == [{"RECORDED"}, {"DUPLICATE"}]
