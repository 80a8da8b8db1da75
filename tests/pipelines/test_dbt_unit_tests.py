"""dbt's own unit tests: a handful of rows beside every window and case of the marts, run by dbt on DuckDB."""

import os
import subprocess
import sys

import pytest
import yaml

from storage.settings import REPOSITORY

PROJECT = REPOSITORY / "dbt_project"
FILES = sorted((PROJECT / "models").glob("unit_tests*.yml"))
WRITTEN = [test for file in FILES for test in yaml.safe_load(file.read_text())["unit_tests"]]
PROGRAM = """
import sys
from dbt.cli.main import dbtRunner

for result in dbtRunner().invoke(["--quiet", "test", "--select", "test_type:unit", *sys.argv[1:]]).result:
    print(result.node.name, f"{result.status} {result.message or ''}".strip())
"""


def test_every_unit_test_passes(tmp_path) -> None:
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    where += ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path)]
    variables = {**os.environ, "LAKEFOLIO_SCRATCH_DB": str(tmp_path / "scratch.duckdb")}

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *where],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    tested = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines())
    assert tested == {test["name"]: "pass" for test in WRITTEN}
    assert len(tested) >= 10


@pytest.mark.parametrize(
    "model",
    [
        "fact_position_daily",
        "fact_portfolio_value_daily",
        "fact_price_daily",
        "fact_return_daily",
        "fact_cash_daily",
    ],
)
def test_every_fact_has_one(model) -> None:
    assert [test["name"] for test in WRITTEN if test["model"] == model]


def test_the_rows_are_few_enough_to_read() -> None:
    assert {test["name"]: len(test["expect"]["rows"]) for test in WRITTEN if len(test["expect"]["rows"]) > 7} == {}
    assert max(file.read_text().count("\n") for file in FILES) < 400
