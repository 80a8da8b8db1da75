"""dbt's own unit tests: a handful of rows beside every window and case of the marts, run by dbt on DuckDB."""

from pathlib import Path

import pytest
import yaml

from pipelines.marts.dbt_runner import PROJECT, SCRATCH_VARIABLE

FILES = sorted((PROJECT / "models").glob("unit_tests*.yml"))
WRITTEN = [test for file in FILES for test in yaml.load(file.read_text(), yaml.CSafeLoader)["unit_tests"]]


def test_every_unit_test_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    monkeypatch.setenv(SCRATCH_VARIABLE, str(tmp_path / "scratch.duckdb"))
    parsed = Manifest.from_msgpack((PROJECT / "target" / "partial_parse.msgpack").read_bytes())
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(tmp_path)]
    quiet = ["--quiet", "--log-path", str(tmp_path), "--log-level-file", "none"]

    done = dbtRunner(manifest=parsed).invoke(["test", "--select", "test_type:unit", *where, *quiet])
    DuckDBConnectionManager.close_all_connections()

    tested = {one.node.name: f"{one.status} {one.message or ''}".strip() for one in done.result}
    assert tested == {test["name"]: "pass" for test in WRITTEN}
    assert len(tested) >= 10


@pytest.mark.parametrize(
    "model",
    [
        "fact_position_daily",
        "fact_portfolio_value_daily",
        "int_prices_followed",
        "fact_return_daily",
        "fact_cash_daily",
    ],
)
def test_every_fact_has_one(model) -> None:
    assert [test["name"] for test in WRITTEN if test["model"] == model]


def test_the_rows_are_few_enough_to_read() -> None:
    assert {test["name"]: len(test["expect"]["rows"]) for test in WRITTEN if len(test["expect"]["rows"]) > 7} == {}
    assert max(file.read_text().count("\n") for file in FILES) < 400
