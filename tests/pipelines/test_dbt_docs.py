"""dbt's own documentation of the project, made without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb

from pipelines.assets.marts import MADE
from pipelines.dbt_runner import PROJECT, SCRATCH_VARIABLE


def test_docs_are_generated_offline_and_every_column_says_what_it_is(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "scratch.duckdb") as connection:
        connection.execute("create schema marts; create table marts.dim_date (date_day date)")
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, SCRATCH_VARIABLE: str(tmp_path / "scratch.duckdb")}
    dbt = str(Path(sys.executable).with_name("dbt"))
    target = tmp_path / "target"

    done = subprocess.run(
        [dbt, "--quiet", "docs", "generate", "--target-path", str(target), "--profiles-dir", str(PROJECT)],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert done.returncode == 0, done.stdout + done.stderr
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
