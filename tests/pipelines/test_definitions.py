"""The graph as Dagster loads it: what it costs to import, what is in it, and what runs by default."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.runtime.partitions import YEARS

GRAPH = Path(__file__).with_name("asset_graph.txt")
SLOW = ["pandas", "yfinance", "sqlglot", "dbt.cli", "dbt.version", "dbt.adapters", "matplotlib", "exchange_calendars"]


@pytest.fixture
def defs() -> dg.Definitions:
    from pipelines.definitions import defs

    return defs


@pytest.fixture
def graph(defs) -> Any:
    return defs.resolve_asset_graph()


def drawn(graph: Any) -> str:
    """The whole graph as text: a paragraph per asset with its group, partitions and what it is made from."""
    return "\n\n".join(_paragraph(graph.get(key)) for key in sorted(graph.get_all_asset_keys())) + "\n"


def _paragraph(node: Any) -> str:
    partitions = f", partitioned by {_partitions(node.partitions_def)}" if node.partitions_def else ""
    title = f"{node.key.to_user_string()}  ({node.group_name}{partitions})"
    checks = [f"  ? {key.name}" for key in sorted(node.check_keys, key=lambda key: key.name)]
    return "\n".join([title, *(f"  < {key.to_user_string()}" for key in sorted(node.parent_keys)), *checks])


def _partitions(definition: dg.PartitionsDefinition) -> str:
    return definition.name if isinstance(definition, dg.DynamicPartitionsDefinition) else definition.fmt


def test_importing_the_graph_loads_nothing_slow_and_importing_dbt_has_nothing_printed_twice() -> None:
    program = f"""
import logging, sys, pipelines.definitions
from pipelines.marts.dbt_runner import imported_dbt
print([name for name in {SLOW} if name in sys.modules])
imported_dbt()
print(logging.getLogger().handlers)
"""

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert loaded.stdout.splitlines() == ["[]", "[]"]


@pytest.mark.parametrize("now", ["1970-06-01", "1999-12-31T23:59:59", "2000-01-01", "2026-11-29"])
def test_years_are_those_that_dagster_finds_by_cron(now: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert YEARS.get_partition_keys(moment) == dg.TimeWindowPartitionsDefinition.get_partition_keys(YEARS, moment)
    assert YEARS.get_partition_keys(moment)[-1] == now[:4]


def test_the_graph_is_the_one_that_was_agreed(graph) -> None:
    """If the change is meant: `python -m tests.pipelines.test_definitions` writes the file again; read its diff."""
    assert drawn(graph) == GRAPH.read_text()


def test_every_asset_says_whose_and_what_it_is(graph) -> None:
    incomplete = {
        key.to_user_string(): missing
        for key in graph.get_all_asset_keys()
        if (
            missing := [
                name for name in ("group_name", "owners", "kinds", "description") if not getattr(graph.get(key), name)
            ]
            + ([] if graph.get(key).code_version else ["code_version"])
        )
    }

    assert incomplete == {}


def test_every_dbt_test_is_a_check_of_an_asset(graph) -> None:
    from pipelines.marts.assets import MANIFEST_JSON
    from pipelines.marts.dbt_runner import nodes

    names = [node["name"] for node in nodes(MANIFEST_JSON, "test").values()]
    checks = [key.name for key in graph.asset_check_keys]

    assert names
    assert sorted(set(names) - set(checks)) == []


def test_sensors_and_schedules_run_by_default(defs) -> None:
    assert {sensor.name: sensor.default_status for sensor in defs.sensors} == {
        "ledger_is_ahead": dg.DefaultSensorStatus.RUNNING,
        "requests_are_due": dg.DefaultSensorStatus.RUNNING,
    }
    assert {schedule.name: schedule.default_status for schedule in defs.schedules} == {
        "refresh_daily": dg.DefaultScheduleStatus.RUNNING,
        "snapshot_every_10_minutes": dg.DefaultScheduleStatus.RUNNING,
        "score_risks_quarterly": dg.DefaultScheduleStatus.RUNNING,
    }


def test_steps_run_in_the_process_of_their_run(defs) -> None:
    jobs = ["refresh", "pick_up", "simulate", "analyse", "take_snapshots", "score_risks"]

    assert {defs.resolve_job_def(name).executor_def.name for name in jobs} == {"in_process"}


if __name__ == "__main__":
    from pipelines.definitions import defs as loaded

    GRAPH.write_text(drawn(loaded.resolve_asset_graph()))
