"""Marts made in part equal those made whole: orders of arrival of late and back-dated rows, one portfolio each; four of
them by default, 20 with LAKEFOLIO_CHAOS=long, where prices come late too.

Every portfolio gets the same rows in another order, in the long form some before prices that come late and some after
them, and the marts are brought up to date each time. At the end all have the same rows in every mart, and making
everything anew changes none.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from dbt.adapters.cache import RelationsCache

from pipelines import rebuild as reprocess
from pipelines.definitions import build_defs
from pipelines.marts.assets import MADE as MADE_BY_DBT
from pipelines.marts.assets import OWNED
from pipelines.marts.bonds import VALUATION
from pipelines.marts.risk import MARTS as PORTFOLIO_MARTS
from pipelines.simulations.parameter_tables import MARTS as PARAMETER_MARTS
from pipelines.tables import rebuild_scope as scope
from storage.lake.delta import Window, memory_duckdb
from storage.lake.held import held_in
from tests.e2e.as_traded_books import named
from tests.e2e.orders_of_arrival import (
    EARLIEST,
    LAST,
    OPENED,
    PERMUTATIONS,
    name_of,
    opened,
    record,
    record_first_half,
)
from tests.effort import IS_LONG

MARTS = sorted(MADE_BY_DBT)
PARAMETERS = sorted(PARAMETER_MARTS)
MADE = [*OWNED, "positions/position_interval", "positions/disposal"]
EVERYTHING = [*MADE, "marts/fact_performance", *PORTFOLIO_MARTS]
LATE = Window(date(2011, 6, 1), date(2011, 6, 30))
DAMAGED = "marts/fact_position_daily"
BOUGHT_IN_FILE = Decimal(20)


class Book:
    """A home with a portfolio per order, whose runs are made in this process. `first` is what the first one made in the
    long form, without the late prices."""

    def __init__(self, home: Any, instance: dg.DagsterInstance, ids: list[str]) -> None:
        self.home, self.ids, self.instance = home, ids, instance
        self.defs = build_defs(home.platform)
        self.first: dict[str, dict[str, Any]] = {}

    def record_last_half(self) -> None:
        """And undo the import of the first."""
        with self.home.client() as client:
            record(client, self.ids, LAST)
            (imported,) = client.get(f"/portfolios/{self.ids[1]}/imports").raise_for_status().json()["items"]
            client.post(f"/imports/{imported['import_id']}/undo", json={}).raise_for_status()

    def reverse_the_sale(self) -> None:
        with self.home.client() as client:
            for portfolio_id in self.ids:
                rows = client.get(f"/portfolios/{portfolio_id}/transactions").raise_for_status().json()["items"]
                (sale,) = [row for row in rows if (row["type"], row["ticker"]) == ("SELL", "IBM")]
                client.post(
                    f"/portfolios/{portfolio_id}/transactions/{sale['seq']}/reversal", json={"note": "not ours"}
                ).raise_for_status()

    def deposit_into_what_is_held(self) -> None:
        body = {"type": "DEPOSIT", "business_date": "2012-07-02", "amount": "1"}
        with self.home.client() as client:
            client.post(f"/portfolios/{self.ids[3]}/transactions", json=body).raise_for_status()

    def run(self, job: str, **options: Any) -> dict[str, dict[str, Any]]:
        """One run; the metadata of what it made, by table."""
        done = self.defs.resolve_job_def(job).execute_in_process(instance=self.instance, **options)
        assert done.success
        return {
            "/".join(event.asset_key.path): {
                name: entry.value for name, entry in event.materialization.metadata.items()
            }
            for event in done.get_asset_materialization_events()
        }

    def make_whole(self, tables: Sequence[str]) -> dict[str, bool]:
        """Make `tables` anew, whole; by table, whether that changed a row."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        done = job.execute_in_process(
            instance=self.instance, asset_selection=[dg.AssetKey.from_user_string(table) for table in tables]
        )
        assert done.success
        made = {
            "/".join(event.asset_key.path): event.materialization for event in done.get_asset_materialization_events()
        }
        assert {made[table].metadata["scope/why"].value for table in tables} == {"it was asked for"}
        return {table: bool(made[table].metadata["lake/is_new_version"].value) for table in tables}

    def valued(self, portfolios: Sequence[str]) -> pa.Table:
        """Return the released positions of `portfolios`, sorted."""
        with memory_duckdb() as connection:
            scan = self.home.lake.scan(DAMAGED, self.home.head.versions[DAMAGED])
            query = f"from {scan} where list_contains(?, portfolio_id) order by all"
            return connection.execute(query, [list(portfolios)]).to_arrow_table()

    def quantities(self, portfolio_id: str) -> set[Decimal]:
        """How many units a portfolio has ever held of something, in the release."""
        return set(self.valued([portfolio_id])["quantity"].to_pylist())

    def unequal(self, table: str) -> int:
        """How many portfolios have other rows of `table` than the first has."""
        first, *others = self.ids
        scan = self.home.lake.scan(table, self.home.head.versions[table])
        with memory_duckdb() as connection:
            connection.execute(f"create table rows as from {scan}")
            own = "(select * exclude (portfolio_id) from rows where portfolio_id = '{}')"
            return sum(
                connection.execute(
                    f"select count(*) from ((from {own.format(first)} except all from {own.format(other)}) union all "
                    f"(from {own.format(other)} except all from {own.format(first)}))"
                ).fetchone()
                != (0,)
                for other in others
            )


@pytest.fixture(scope="module")
def book(new_home) -> Iterator[Book]:
    """The first half is in the frozen state; in the long form it is recorded here, before prices come late."""
    first = opened if IS_LONG else lambda client: [named(name_of(number))(client) for number in range(PERMUTATIONS)]
    ids: list[str] = []

    def begin(client: httpx.Client) -> str:
        ids.extend(first(client))
        return ids[0]

    with new_home(begin, "as_traded", begins_with="as_traded") as home, home.joined() as instance:
        book = Book(home, instance, ids)
        if IS_LONG:
            without_late_prices(book)
            with home.client() as client:
                record_first_half(client, ids)
            book.first = book.run("refresh", partition_key="2013")
        yield book


def without_late_prices(book: Book) -> None:
    """As if the provider had not had June 2011 yet."""
    lake = book.home.lake
    prices = lake.read("raw/price_daily")
    days = prices["price_date"]
    is_late = pc.and_(pc.greater_equal(days, LATE.start), pc.less_equal(days, LATE.end))
    lake.publish("raw/price_daily", prices.filter(is_late).slice(0, 0), date_column="price_date", window=LATE)


def test_every_order_of_arrival_ends_in_the_same_rows(book: Book) -> None:
    """And an import that was released and is undone leaves what there is in a portfolio that never had it."""
    late = book.run("refresh", partition_key="2011") if IS_LONG else {}
    assert [BOUGHT_IN_FILE in book.quantities(each) for each in book.ids[:2]] == [False, True]
    assert sold(book) > 0
    book.record_last_half()
    book.reverse_the_sale()
    last = book.run("pick_up")

    assert {table: book.unequal(table) for table in EVERYTHING} == dict.fromkeys(EVERYTHING, 0)
    assert last["marts/fact_position_daily"]["scope/what"].startswith(f"{PERMUTATIONS} portfolios from {EARLIEST} on")
    assert last["marts/fact_price_daily"]["scope/what"] == "nothing"
    assert sold(book) == 0, "what was sold early is taken back"
    assert {last[table]["scope/what"] for table in [*PARAMETERS, VALUATION]} == {"nothing"}, "and were not made"
    if IS_LONG:
        assert late["positions/position_interval"]["scope/what"] == "nothing"
        for prices_changed in (book.first, late):
            why = prices_changed["marts/fact_position_daily"]["scope/why"]
            assert why == "changed since the last release: raw/price_daily"
            assert not any("scope/what" in prices_changed[table] for table in PARAMETERS)


def sold(book: Book) -> int:
    """How many disposals the release has."""
    table = "positions/disposal"
    return int(book.home.lake.read(table, book.home.head.versions[table]).num_rows)


def slow_cache(patch: pytest.MonkeyPatch) -> None:
    """Have dbt learn of its tables so slowly that the second thread asks for one before the first has told it."""
    add = RelationsCache.add
    patch.setattr(RelationsCache, "add", lambda cache, relation: (add(cache, relation), time.sleep(0.05)))


@pytest.fixture(scope="module")
def damaged(book: Book) -> list[str]:
    """Two portfolios that nothing else changes, whose released market values are three times what they were."""
    head, lake, damaged = book.home.head, book.home.lake, book.ids[:2]
    rows = lake.read(DAMAGED, head.versions[DAMAGED])
    factors = pc.if_else(pc.is_in(rows["portfolio_id"], pa.array(damaged)), 3.0, 1.0)
    field = rows.schema.field("market_value")
    tripled = rows.set_column(
        rows.schema.get_field_index(field.name),
        field,
        pc.cast(pc.multiply(pc.cast(rows[field.name], "double"), factors), field.type),
    )
    version = lake.publish(DAMAGED, tripled, date_column="business_date").version
    book.home.platform.releases.publish(replace(head, versions={**head.versions, DAMAGED: version}), head)
    return damaged


@dataclass(frozen=True)
class OneRow:
    """A run that picked up a row of one portfolio and an earlier one of another, of which its scope does not know the
    day; `before` are the positions of all but the first."""

    others: list[str]
    before: pa.Table
    made: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def one_row(book: Book, damaged: list[str]) -> OneRow:
    late = f"case when portfolio_id = '{book.ids[3]}' then date '2013-01-01' else min(added.business_date) end"
    assert "min(added.business_date)" in scope._CHANGED
    others = [portfolio_id for portfolio_id in book.ids if portfolio_id != book.ids[2]]
    before = book.valued(others)
    body = {"type": "DEPOSIT", "business_date": "2012-09-03", "amount": "1"}
    with book.home.client() as client:
        client.post(f"/portfolios/{book.ids[2]}/transactions", json=body).raise_for_status()
    book.deposit_into_what_is_held()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scope, "_CHANGED", scope._CHANGED.replace("min(added.business_date)", late))
        slow_cache(patch)
        return OneRow(others, before, book.run("pick_up"))


def test_one_new_row_rewrites_its_portfolio_from_its_day_on_and_no_other(book: Book, one_row: OneRow) -> None:
    values = one_row.made["marts/fact_portfolio_value_daily"]

    assert values["scope/what"].startswith("2 portfolios from 2012-09-03 on: ")
    assert values["lake/changed_years"] == [2012, 2013]
    assert not one_row.made["positions/position_interval"]["lake/is_new_version"], "a deposit is no position"
    assert book.valued(one_row.others) == one_row.before, "the damage too: nothing in their ledgers has changed"


def test_control_a_scope_that_begins_too_late_is_found_by_the_identities(book: Book, one_row: OneRow) -> None:
    (held,) = held_in(book.home.lake, book.home.head).values()

    assert (str(held.portfolio_id), held.check_name) == (book.ids[3], "cash_flows_are_the_change_of_cash")


def test_what_was_damaged_is_made_anew_on_demand_and_what_is_held_is_tried_with_its_next_row(
    book: Book, damaged: list[str], one_row: OneRow, capsys: pytest.CaptureFixture[str]
) -> None:
    book.deposit_into_what_is_held()
    asked = [word for portfolio_id in damaged for word in ("--portfolio", portfolio_id)]

    assert reprocess.main([*asked, "--since", OPENED]) == 0

    assert f"rewritten: {DAMAGED}: " in capsys.readouterr().out
    assert held_in(book.home.lake, book.home.head) == {}, "tried again, from its beginning on"


def test_making_everything_anew_changes_no_row(book: Book) -> None:
    """Neither of what every order of arrival made, nor of what was damaged or held since."""
    assert book.make_whole(EVERYTHING) == dict.fromkeys(EVERYTHING, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name what to reprocess"),
        (["--portfolio", "nobody"], "portfolio nobody: there is nothing of it in the ledger"),
        (["--security", "ZZZZ"], "security ZZZZ: there is nothing of it in the ledger"),
        (["--row", "7"], "write it as <portfolio id>:<seq>"),
    ],
)
def test_what_is_not_there_is_named(
    book: Book, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reprocess.main(words) == 2
    assert said in capsys.readouterr().err


def test_a_row_or_a_security_stands_for_its_portfolios(book: Book) -> None:
    of_row = reprocess.chosen(book.home.platform, [], [], [f"{book.ids[2]}:1"], None)
    of_security = reprocess.chosen(book.home.platform, [], ["GOOG"], [], date(2011, 1, 4))

    assert (of_row.portfolios, of_row.since) == ((book.ids[2],), date.fromisoformat(OPENED))
    assert (of_security.portfolios, of_security.since) == (tuple(sorted(book.ids)), date(2011, 1, 4))
