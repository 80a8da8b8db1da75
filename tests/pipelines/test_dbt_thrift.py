"""dbt does less work here and comes to the same: statements, templates and macros are those of dbt's own ways."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlparse
from dbt import compilation
from dbt.compilation import InjectedCTE, inject_ctes_into_sql
from dbt_common.behavior_flags import BehaviorFlagRendered

from pipelines.marts.dbt_runner import PROJECT, DbtRunner, imported_dbt
from pipelines.marts.dbt_thrift import compiled_once, fired_to_somebody, namespace, statement_head

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


def test_a_template_is_compiled_once_in_a_process() -> None:
    compiled: list[str] = []
    compile_once = compiled_once(lambda _, source: compiled.append(source) or f"code of {source}")

    found = [compile_once(object(), text) for text in ("{{ a }}", "{{ b }}", "{{ a }}")]

    assert found == ["code of {{ a }}", "code of {{ b }}", "code of {{ a }}"]
    assert compiled == ["{{ a }}", "{{ b }}"]


@pytest.mark.parametrize("package", ["lakefolio", "dbt", "dbt_duckdb"])
def test_a_macro_is_found_where_dbt_finds_it(package: str) -> None:
    from dbt.context.macros import MacroNamespaceBuilder

    imported_dbt()
    assert MacroNamespaceBuilder.build_namespace is namespace
    macros = DbtRunner()._parsed_project().get_macros_by_package()

    def found(how: object) -> dict[str, object]:
        builder = MacroNamespaceBuilder("lakefolio", package, SimpleNamespace(), ["dbt_duckdb", "dbt"])
        return {
            name: {key: one.macro.unique_id for key, one in member.items()}
            if isinstance(member, dict)
            else member.macro.unique_id
            for name, member in dict(how(builder, macros, {})).items()
        }

    assert found(namespace) == found(namespace.replaced)


@pytest.mark.parametrize(("level", "loggers", "told"), [("debug", [], 0), ("debug", ["one"], 1), ("info", [], 1)])
def test_a_debug_event_is_a_message_only_if_a_logger_writes_it(level: str, loggers: list[str], told: int) -> None:
    messages: list[object] = []
    fire = fired_to_somebody(lambda _, event: messages.append(event))

    fire(SimpleNamespace(loggers=loggers), SimpleNamespace(level_tag=lambda: level))

    assert len(messages) == told
