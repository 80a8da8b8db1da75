"""Differences of a release from the one before it: who is restated, by how much, and whether a cause is known."""

import shutil
from contextlib import nullcontext
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dagster import AssetCheckSeverity

from application.release_diff import restated_portfolios, restatement
from pipelines.releases.diff_check import compared
from storage.lake.delta import Lake, memory_duckdb
from storage.lake.mounted import mounted
from storage.lake.releases import Release
from tests.small_release import PORTFOLIO, publish_small_release, release

SETTINGS = "raw/pg_portfolio"
VALUES, PRICES, LEDGER = "marts/fact_portfolio_value_daily", "marts/fact_price_daily", "raw/pg_transaction_ledger"
OTHER = "99999999-1111-4111-8111-111111111111"
_COPY = f"from rows union all select * replace ('{OTHER}' as portfolio_id) from rows"
_LEDGER = f"""
    select
        '{PORTFOLIO}' as portfolio_id, col0::bigint as seq, 'BUY' as txn_type, col1::date as business_date,
        timestamptz '2017-04-01 00:00:00+00' as recorded_at, 1::bigint as security_id, 5::decimal(18, 8) as quantity,
        100::decimal(18, 8) as price, -500::decimal(28, 8) as cash_effect, 'USD' as currency,
        null::bigint as reverses_seq, 'a [note]' as note
    from (values (1, '2017-03-27'), {{more}})
"""


_SETTINGS = f"""
    select
        '{PORTFOLIO}' as portfolio_id, 'my *best*' as name, 'USD' as base_currency, 'UTC' as time_zone,
        'AVCO' as cost_method
"""


class Told:
    """A lake of two portfolios; `again` releases some of its tables changed by a query of their `rows`."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        first = publish_small_release(lake)
        doubled = self.published(first, {VALUES: _COPY})
        ledger = lake.publish(LEDGER, answer(_LEDGER.format(more="(2, '2017-03-27')"))).version
        settings = lake.publish(SETTINGS, answer(_SETTINGS)).version
        self.before = release(lake, {**doubled, LEDGER: ledger, SETTINGS: settings})

    def published(self, before: Release, changes: dict[str, str]) -> dict[str, int]:
        new = {
            table: self.lake.publish(table, answer(query, rows=self.lake.read(table, before.versions[table]))).version
            for table, query in changes.items()
        }
        return {**before.versions, **new}

    def again(self, **changes: str) -> Release:
        tables = {"values": VALUES, "prices": PRICES, "ledger": LEDGER, "settings": SETTINGS}
        return release(self.lake, self.published(self.before, {tables[name]: q for name, q in changes.items()}))

    def verdict(self, after: Release) -> Any:
        return compared(self.lake, self.before, after)


def answer(query: str, **tables: pa.Table) -> pa.Table:
    with memory_duckdb() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.execute(query).to_arrow_table()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(Lake(str(tmp_path_factory.mktemp("first")), lock=nullcontext))


@pytest.fixture
def told(first: Told, tmp_path: Path) -> Told:
    """A copy of what was published once."""
    shutil.copytree(first.lake.root, tmp_path, dirs_exist_ok=True)
    own = copy(first)
    own.lake = Lake(str(tmp_path), lock=nullcontext)
    return own


def raised(by: int, days: str, whose: str = str(PORTFOLIO)) -> str:
    """The values, of one portfolio on some days higher."""
    added = f"case when portfolio_id = '{whose}' and business_date in ({days}) then {by} else 0 end"
    sums = ", ".join(f"({name} + {added})::decimal(28, 8) as {name}" for name in ("total_value", "positions_value"))
    return f"select * replace ({sums}) from rows"


ALL_DAYS = "date '2017-03-27', date '2017-03-28', date '2017-03-29'"
THE_28TH = "date '2017-03-28'"
OTHER_PRICE = f"""
    select * replace (case when security_id = 1 and price_date = {THE_28TH} then 112 else close end as close) from rows
"""
BACK_DATED = _LEDGER.format(more="(3, '2017-03-27'), (2, '2017-03-27')")
NEW = "33333333-1111-4111-8111-111111111111"


def test_a_restated_day_without_a_cause_is_a_warning_that_names_it(told) -> None:
    verdict = told.verdict(told.again(values=raised(100, THE_28TH)))

    assert (verdict.passed, verdict.severity) == (False, AssetCheckSeverity.WARN)
    assert rf"my \*best\* ({PORTFOLIO}): 1 day from 2017-03-28 to 2017-03-28" in verdict.description
    assert verdict.metadata["largest change"].value == "+100.00 USD on 2017-03-28"
    assert "no cause is known" in verdict.metadata["causes"].value


def test_equal_values_are_not_restated_and_neither_is_the_first_release(told) -> None:
    assert told.verdict(told.again()).description == "nothing restated"
    assert compared(told.lake, None, told.before).passed
    rewritten = told.again(values="from rows order by business_date desc")
    assert told.verdict(rewritten).description == "nothing restated"


def test_a_new_day_and_a_new_portfolio_are_not_restated(told) -> None:
    new_day = "select * replace (business_date + 1 as business_date) from rows where business_date = date '2017-03-29'"
    new_one = f"select * replace ('{NEW}' as portfolio_id) from rows where portfolio_id = '{OTHER}'"

    after = told.again(values=f"from rows union all {new_day} union all {new_one}")

    assert after.versions[VALUES] != told.before.versions[VALUES]
    assert told.verdict(after).description == "nothing restated"


def test_a_changed_price_of_what_is_held_is_the_cause(told) -> None:
    verdict = told.verdict(told.again(values=raised(100, THE_28TH), prices=OTHER_PRICE))

    assert verdict.passed
    assert "1 price of AAPL from 2017-03-28 on: on 2017-03-28 110 before, 112 now" in verdict.metadata["causes"].value


def test_a_cause_that_comes_after_the_day_is_none(told) -> None:
    verdict = told.verdict(told.again(values=raised(100, ALL_DAYS), prices=OTHER_PRICE))

    assert not verdict.passed
    assert "1 day from 2017-03-27 on" in verdict.metadata["without a cause"].value


def test_a_new_ledger_row_is_the_cause_and_its_note_is_no_markdown(told) -> None:
    verdict = told.verdict(told.again(values=raised(-20, ALL_DAYS), ledger=BACK_DATED))

    assert verdict.passed
    assert r"ledger row 3, BUY AAPL on 2017-03-27: a \[note\]" in verdict.metadata["causes"].value


def test_another_cost_method_is_the_cause(told) -> None:
    by_fifo = "select * replace ('FIFO' as cost_method) from rows"

    verdict = told.verdict(told.again(values=raised(100, ALL_DAYS), settings=by_fifo))

    assert verdict.passed
    assert r"its cost\_method: AVCO before, FIFO now" in verdict.metadata["causes"].value


def test_a_small_change_without_a_cause_is_found_behind_large_ones_with_one(told) -> None:
    both = raised(-20, ALL_DAYS).replace("from rows", f"from ({raised(1, THE_28TH, OTHER)})")

    after = told.again(values=both, ledger=BACK_DATED)
    verdict = compared(told.lake, told.before, after, looked_into=1)

    assert not verdict.passed
    assert OTHER in verdict.description
    assert str(PORTFOLIO) not in verdict.description


def test_other_code_is_a_cause(told) -> None:
    after = told.again(values=raised(100, THE_28TH))

    by_code = compared(told.lake, replace(told.before, code_version="older"), after)
    other_columns = told.again(values="select *, 1 as one_more from rows")

    assert by_code.passed
    assert "older before, test now" in by_code.metadata["causes"].value
    assert told.verdict(other_columns).passed


def test_all_portfolios_at_once_are_told_as_one_alone(told) -> None:
    after = told.again(values=raised(100, f"{THE_28TH}, date '2017-03-29'"))

    (found,) = restated_portfolios(told.lake, told.before, after)
    alone = restatement(mounted(told.lake, told.before), mounted(told.lake, after), PORTFOLIO)

    assert (found.n_days, found.first_day, found.last_day) == (alone.n_days, alone.first_day, alone.last_day)
    assert alone.largest
    assert found.largest == replace(alone.largest, before_index=None, after_index=None)
