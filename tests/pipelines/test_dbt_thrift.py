"""Ephemeral models are put where dbt itself, with sqlparse's whole grammar, puts them."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlparse
from dbt import compilation
from dbt.compilation import InjectedCTE, inject_ctes_into_sql
from dbt_common.behavior_flags import BehaviorFlagRendered

from pipelines.marts.dbt_runner import PROJECT, imported_dbt
from pipelines.marts.dbt_thrift import statement_head

CTES = [InjectedCTE("one", "__dbt__cte__one as (select 1)"), InjectedCTE("two", "__dbt__cte__two as (select 2)")]
WRITTEN = {
    "no with": "select * from __dbt__cte__one",
    "a with": "with a as (select 1) select * from a",
    "a recursive one": "WITH recursive\n  a as (select 1 union all select * from a) select * from a",
    "comments before it": "-- with what\n/* with\nwhat */\n\twith a as (select 1) select 'with'",
    "a comment after it": "with -- what\na as (select 1) select * from a",
    "one inside": "select * from (with a as (select 1) select * from a)",
    "one inside and none outside": "\n(with a as (select 1) select * from a) union all select 2",
    "one in a test's brackets": "select count(*) from (\nwith a as (select 1) select * from a\n) as failing where true",
    "a name that begins so": "select * from without_it, with_it",
    "one in words": "select 'with a as (select 1)' as \"with\"",
    "nothing": "",
}


def injected(sql: str, parse: object) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compilation, "sqlparse", SimpleNamespace(parse=parse, sql=sqlparse.sql, tokens=sqlparse.tokens))
        return inject_ctes_into_sql(sql, CTES)


@pytest.mark.parametrize("sql", WRITTEN.values(), ids=WRITTEN)
def test_a_statement_gets_them_where_dbt_puts_them(sql: str) -> None:
    if not sql:
        assert str(statement_head(sql)[0]) == ""
        return
    assert injected(sql, statement_head) == injected(sql, sqlparse.parse)


@pytest.mark.parametrize("folder", ["models", "tests"])
def test_every_statement_of_the_project_gets_them_where_dbt_puts_them(folder: str) -> None:
    for path in sorted(Path(PROJECT / folder).rglob("*.sql")):
        sql = re.sub(r"\{\{ ?(?:ref|source)\(.*?\}\}", "a", path.read_text())
        sql = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{ config.*?\) \}\}|\{\{.*?\}\}", "", sql, flags=re.DOTALL)
        assert injected(sql, statement_head) == injected(sql, sqlparse.parse), path.name


def test_dbt_parses_so_and_others_do_not() -> None:
    """And its flags look up no module: each would read the source of all that is on the stack."""
    imported_dbt()

    assert compilation.sqlparse.parse is statement_head
    assert sqlparse.parse is not statement_head
    assert (
        BehaviorFlagRendered({"name": "a", "default": True, "docs_url": ""}, {})._behavior_change_event.flag_source
        == "dbt"
    )
