"""Any window, in any order, gives the rows of a full build; and what fails is neither published nor released.

A whole year of what is made by day by default; with LAKEFOLIO_CHAOS=long the newest days, a month amid the years and
the first days, and whatever is made of them too.
All of it on a copy of the lake with its own releases; the database is shared and only read.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from pipelines.runtime.resources import Platform
from storage.lake.delta import Lake, Window, memory_duckdb
from storage.lake.releases import Release
from tests.effort import IS_LONG

FACTS = {
    "marts/fact_price_daily": "price_date",
    "marts/fact_position_daily": "business_date",
    "marts/fact_portfolio_value_daily": "business_date",
    "marts/fact_return_daily": "business_date",
}
AGGREGATES = [
    "marts/dim_date",
    "marts/dim_security",
    "marts/fact_performance",
    "marts/fact_risk",
    "marts/security_correlation",
    "marts/security_forward_mu",
    "marts/security_historical_mu",
    "marts/security_volatility",
]
MARTS = [*FACTS, *AGGREGATES]
DAMAGE = {
    "marts/fact_price_daily": "select * replace (close * 2 as close, 0.5 as log_return, 0.5 as simple_return)",
    "marts/fact_position_daily": "select * replace (market_value * 3 as market_value)",
    "marts/fact_portfolio_value_daily": "select * replace (1::decimal(28, 8) as total_value)",
    "marts/fact_return_daily": "select * replace (1::decimal(28, 8) as end_value, 0.5 as daily_return)",
}
FEBRUARY = Window(date(2008, 2, 1), date(2008, 2, 29))
NEWEST, FIRST = Window(date(2016, 12, 30), date(2017, 3, 29)), Window(date(1990, 1, 2), date(1990, 1, 5))
WINDOWS = [NEWEST, FEBRUARY, FIRST]
_NEGATIVE = "select * replace (if(ticker = 'AAPL', -close, close) as close)"  # has no logarithm: a model fails
BAD_PRICES = [
    ("select * from rows union all select *", "unique_key_fact_price_daily_security_id__price_date"),
    *([(_NEGATIVE, None)] if IS_LONG else []),
]

BEHIND_BAD_PRICES = ["positions/position_interval", *MARTS] if IS_LONG else ["marts/fact_price_daily"]
BACKFILLED = MARTS if IS_LONG else [*FACTS, "marts/security_volatility"]
"""Tables made of prices; in the short form without what is made whole of whole marts, which a window shows too."""


@dataclass(frozen=True)
class Copy:
    """A copy of the lake that a test may damage; `full` has the rows of the full build, table by table."""

    platform: Platform
    instance: dg.DagsterInstance
    job: dg.JobDefinition
    full: Mapping[str, pa.Table]

    @property
    def lake(self) -> Lake:
        return self.platform.lake

    @property
    def head(self) -> Release:
        release = self.platform.releases.head()
        assert release is not None
        return release

    def make(self, *tables: str, window: Window | None = None, year: str | None = None) -> dg.ExecuteInProcessResult:
        """Materialise `tables` and the release in one run."""
        days = {"from": str(window.start), "to": str(window.end)} if window else {}
        return self.job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey.from_user_string(table) for table in (*tables, "meta/release")],
            partition_key=year,
            run_config={"ops": {"marts": {"config": days}}} if window else None,
            raise_on_error=False,
        )

    def publish(self, table: str, rows: pa.Table, window: Window) -> int:
        column = FACTS.get(table, "price_date")
        return self.lake.publish(table, rows, date_column=column, window=window, run_id="damage").version

    def release(self, versions: Mapping[str, int]) -> None:
        head = self.head
        self.platform.releases.publish(replace(head, versions={**head.versions, **versions}), head)

    def differing(self, tables: list[str] = MARTS) -> list[str]:
        """List the `tables` whose released rows are not the full build's."""
        versions = self.head.versions
        return [table for table in tables if not rows_of(self.lake, table, versions[table]).equals(self.full[table])]


def rows_of(lake: Lake, table: str, version: int | None = None, window: Window | None = None) -> pa.Table:
    """The sorted rows, of `window` only if one is given."""
    column = FACTS.get(table, "price_date")
    days = f"where {column} between date '{window.start}' and date '{window.end}'" if window else ""
    with memory_duckdb() as connection:
        return connection.execute(f"from {lake.scan(table, version)} {days} order by all").to_arrow_table()


def changed(rows: pa.Table, query: str) -> pa.Table:
    """Return what `query` makes of `rows`, with the same columns and types."""
    with memory_duckdb() as connection:
        connection.register("rows", rows)
        return connection.execute(f"{query} from rows").to_arrow_table().cast(rows.schema)


@pytest.fixture(scope="module")
def copy(platform_home, instance, tmp_path_factory) -> Iterator[Copy]:
    from pipelines.definitions import build_defs

    folder = tmp_path_factory.mktemp("windows") / "lake"
    shutil.copytree(platform_home.settings.lake, folder)
    platform = platform_home.platform_on(str(folder))
    job = build_defs(platform).resolve_implicit_global_asset_job_def()
    full = {table: rows_of(platform.lake, table, platform_home.head.versions[table]) for table in MARTS}
    yield Copy(platform, instance, job, full)
    shutil.rmtree(folder)


@pytest.fixture
def damaged(copy) -> Callable[[Window], None]:
    """Damages a window of every fact, and releases that."""

    def damage(window: Window) -> None:
        versions = {
            table: copy.publish(table, changed(rows_of(copy.lake, table, window=window), query), window)
            for table, query in DAMAGE.items()
        }
        copy.release(versions)
        assert copy.differing(list(FACTS)) == list(FACTS)

    return damage


@pytest.mark.long
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: f"{window.start}..{window.end}")
def test_a_window_made_again_gives_the_rows_of_the_full_build(copy, damaged, window) -> None:
    damaged(window)

    made = copy.make(*MARTS, window=window)

    assert made.success
    assert copy.differing() == [], "the window, all days outside it, and every aggregate over all of them"


def test_control_without_the_other_days_aggregates_are_of_the_window_only(copy, tmp_path) -> None:
    from pipelines.marts.dbt_runner import BuildPart, DbtRunner

    scratch = tmp_path / "scratch.duckdb"
    with duckdb.connect(scratch) as connection:
        copy.lake.mount(connection, copy.head.versions)  # but not as `published`, where a window finds its other days

    build = DbtRunner().build(scratch, ["fact_price_daily"], BuildPart(FEBRUARY))

    assert build.is_success
    assert list(tmp_path.rglob("*unit_tests*")) == [], "a build runs no unit test, although this model has some"
    with duckdb.connect(scratch) as connection:
        days = connection.execute("select count(distinct price_date) from marts.fact_price_daily").fetchall()
    assert days == [(20,)], "the sessions of February 2008, of which a volatility would be, instead of ten years"


@pytest.mark.parametrize(("damage", "failed_check"), BAD_PRICES)
def test_a_bad_price_is_neither_published_nor_released(copy, damage, failed_check) -> None:
    day = Window(date(2008, 4, 1), date(2008, 4, 1))
    good = rows_of(copy.lake, "raw/price_daily", window=day)
    copy.publish("raw/price_daily", changed(good, damage), day)
    before, published = copy.head, copy.lake.versions(MARTS)

    made = copy.make("raw/price_daily", *BEHIND_BAD_PRICES, year="2017")

    assert not made.success
    assert copy.head == before
    assert copy.lake.versions(MARTS) == published
    assert [check.check_name for check in made.get_asset_check_evaluations() if not check.passed] == (
        [failed_check] if failed_check else []
    )
    assert failed_check is None or latest_status(copy.instance, failed_check) == "FAILED"
    copy.publish("raw/price_daily", good, day)


def test_a_backfill_of_one_year_repairs_everything_made_from_it(copy, damaged) -> None:
    march = Window(date(2008, 3, 3), date(2008, 3, 31))
    damaged(march)
    wrong = changed(rows_of(copy.lake, "raw/price_daily", window=march), "select * replace (close * 2 as close)")
    volatile = rows_of(copy.lake, "marts/security_volatility")
    tripled = changed(volatile, "select * replace (volatility_annual * 3 as volatility_annual)")
    copy.release(
        {
            "raw/price_daily": copy.publish("raw/price_daily", wrong, march),
            "marts/security_volatility": copy.lake.publish("marts/security_volatility", tripled).version,
        }
    )
    before = copy.head.release_id
    assert copy.differing() == sorted({*FACTS, "marts/security_volatility"}, key=MARTS.index)

    backfilled = copy.make("raw/price_daily", *BACKFILLED, year="2008")

    assert backfilled.success
    assert copy.head.release_id > before, "whatever was refused before"
    assert copy.differing() == []


def test_parameters_of_an_unknown_security_are_neither_published_nor_released(copy) -> None:
    securities = rows_of(copy.lake, "marts/dim_security")
    copy.release({"marts/dim_security": copy.lake.publish("marts/dim_security", securities.slice(1)).version})
    before, published = copy.head, copy.lake.versions(MARTS)

    made = copy.make("marts/security_volatility", "marts/security_correlation")

    assert not made.success
    assert (copy.head, copy.lake.versions(MARTS)) == (before, published)
    checks = {check.asset_key.path[-1]: check.metadata for check in made.get_asset_check_evaluations()}
    assert checks["security_volatility"]["broken"].value == "security_id is in dim_security"
    assert checks["security_correlation"]["broken"].value == (
        "security_id_a is in dim_security; security_id_b is in dim_security"
    )
    copy.release({"marts/dim_security": copy.lake.publish("marts/dim_security", securities).version})


def latest_status(instance: dg.DagsterInstance, check: str) -> str:
    """Return the status that the UI shows of a check of fact_price_daily."""
    key = dg.AssetCheckKey(dg.AssetKey(["marts", "fact_price_daily"]), check)
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    return record.status.value
