"""dbt's own documentation of the project, made without a network."""

import json
from pathlib import Path

import duckdb
import pytest

from pipelines.marts.assets import MADE
from pipelines.marts.dbt_runner import PROJECT, DbtRunner


def test_docs_are_generated_offline_and_every_column_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, target = tmp_path / "scratch.duckdb", tmp_path / "target"
    with duckdb.connect(scratch) as connection:
        connection.execute("create schema marts; create table marts.dim_date (date_day date)")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
    quiet = ["--quiet", "--log-path", str(tmp_path), "--log-level-file", "none"]
    done = DbtRunner().run(scratch, ["docs", "generate", *where, *quiet])

    assert done.is_success, done.problems
    assert (target / "index.html").exists()
    assert "model.lakefolio.dim_date" in json.loads((target / "catalog.json").read_text())["nodes"]
    manifest = json.loads((target / "manifest.json").read_text())
    models = {
        f"{node['schema']}/{node['name']}": node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral"
    }
    assert models.keys() == MADE
    undescribed = [
        f"{table}.{name}"
        for table, node in models.items()
        for name, column in node["columns"].items()
        if not column["description"]
    ]
    assert undescribed == []
    assert [table for table, node in models.items() if not node["config"]["contract"]["enforced"]] == []
