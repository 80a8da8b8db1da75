"""docs/answers.md and its notebook, executed: what they show is what there is."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import lakefolio
from domain.errors import NoRelease
from domain.references import NoSuchRelease
from lakefolio.connection import ReleaseConnection
from lakefolio.units import unit_of_column
from oltp_api.lake_tables.served import OF_ALL, OF_PORTFOLIOS, SERVED, WITHHELD
from storage.errors import SetupError
from storage.lake.mounted import _OWN
from storage.settings import REPOSITORY
from tests import notebook
from tests.e2e.conftest import Home
from tests.mcp_clients import over_http

DOC = (REPOSITORY / "docs" / "answers.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOC, flags=re.DOTALL)


def root(home: Home) -> str:
    return home.base_url.removesuffix("/api/v1")


@pytest.fixture
def state(platform_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The demo, as the environment that `make env` prints."""
    for name, value in platform_home.variables.items():
        if name in ("LAKEFOLIO_HOME", "LAKE_URI"):
            monkeypatch.setenv(name, value)
    return platform_home


@pytest.fixture(scope="module")
def release(platform_home: Home) -> Iterator[ReleaseConnection]:
    with lakefolio.connect(platform_home.settings.home) as found:
        yield found


def test_the_configurations_of_a_client_lead_to_the_tools(platform_home: Home) -> None:
    by_stdio, by_http = (json.loads(block)["mcpServers"]["lakefolio"] for block in blocks("json")[:2])
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    assert by_stdio["command"].endswith(".venv/bin/lakefolio")
    assert (scripts["lakefolio"], by_stdio["args"]) == ("ops.__main__:main", ["mcp"])
    assert by_stdio["env"] == {"LAKEFOLIO_API": "http://127.0.0.1:8000"}
    assert by_http["url"].endswith("/mcp")
    with over_http(root(platform_home)) as client:  # by stdio there are the same: test_answers.py
        named = {tool.name for tool in client.tools()}
    assert named == set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", DOC, flags=re.MULTILINE))))


def test_the_figure_that_is_shown_is_the_demos(platform_home: Home) -> None:
    shown = json.loads(blocks("json")[2])
    with over_http(root(platform_home)) as client:
        place = "/risk/profiles/REALISED/volatility"
        (one,) = client.figures("risk", portfolio_id=platform_home.portfolio_id, under=place)
    assert {name: shown[name] for name in ("value", "unit", "as_of")} == {n: one[n] for n in ("value", "unit", "as_of")}
    assert set(one) == set(shown)
    assert one["explain"].endswith(f":{place}")


def test_the_examples_in_python_run(state: Home, capsys: pytest.CaptureFixture[str]) -> None:
    local, served = blocks("python")
    exec(local, {})
    assert capsys.readouterr().out.startswith("USD 2017-03-29 ")
    told: dict[str, Any] = {}
    exec(served.replace("https://folio.example.org", root(state)), told)
    with told["release"] as release:
        assert release.sql("select count(*) from marts.dim_security").fetchall() != [(0,)]


def test_the_notebook_says_the_same_again(state: Home) -> None:
    anew = list(notebook.run())
    assert [text for text, _ in anew] == notebook.printed()
    assert [picture is not None for _, picture in anew] == [False] * (len(anew) - 1) + [True]


def test_every_number_of_every_table_has_a_unit(release: ReleaseConnection) -> None:
    missing = []
    for table in release.tables:
        for field in release.frame(f"select * from {table.replace('/', '.')} limit 0", "arrow").schema:
            kind = field.type
            is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
            if is_number and unit_of_column(table, field.name) is None:
                missing.append((table, field.name))
    assert missing == []
    assert unit_of_column("marts/fact_risk", "unheard_of") is None


def test_every_table_of_a_release_is_somebodys_or_everybodys_or_withheld(release: ReleaseConnection) -> None:
    """By its columns: rows of somebody must be filtered where people sign in, and a table of all must name nobody."""
    assert set(release.tables) - SERVED - WITHHELD == set()
    for table in release.tables:
        columns = set(release.frame(f"select * from {table.replace('/', '.')} limit 0", "arrow").column_names)
        is_owned = bool(columns.intersection(_OWN))
        assert is_owned or table not in OF_PORTFOLIOS, table
        assert not is_owned or table not in OF_ALL, table


def test_frames_of_each_kind_have_the_same_values_and_units(release: ReleaseConnection) -> None:
    query = (
        "select currency, business_date, total_value, total_value * 2 as twice from marts.fact_portfolio_value_daily"
    )
    arrow, pandas = release.frame(query, "arrow"), release.frame(query)
    assert lakefolio.units_of(arrow) == lakefolio.units_of(pandas) == {"total_value": "USD"}
    assert pandas["total_value"].tolist() == arrow["total_value"].to_pylist()
    assert arrow.schema.metadata[b"release_id"] == str(release.release_id).encode()
    assert pandas.attrs["as_of"] == "2017-03-29"
    mixed = release.frame("marts.fact_cash_daily", "arrow")
    assert lakefolio.units_of(mixed)["balance_base"] == "USD"
    with pytest.raises(ValueError, match="arrow, pandas or polars"):
        release.frame(query, "numpy")
    try:
        import polars  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match="install `polars`, or ask for pandas or arrow"):
            release.frame(query, "polars")
    else:
        assert lakefolio.units_of(release.frame(query, "polars")) == {"total_value": "USD"}


def test_a_release_is_read_only_and_opens_nothing_else(release: ReleaseConnection, platform_home: Home) -> None:
    lake = platform_home.settings.lake
    for query in (
        f"copy (select 1) to '{lake}/x.csv'",
        "create table x as select 1",
        "drop view marts.dim_security",
        "select 1; select 2",
        "set lock_configuration = false",
        "attach ':memory:' as x",
    ):
        with pytest.raises(ValueError, match="read-only"):
            release.sql(query)
    for query in ("select * from read_text('/etc/hostname')", "select * from '/etc/hostname'"):
        with pytest.raises((duckdb.PermissionException, duckdb.CatalogException)):
            release.sql(query).fetchall()


def test_a_release_by_its_number_and_one_that_is_not_there(platform_home: Home, tmp_path: Any) -> None:
    home = platform_home.settings.home
    with lakefolio.connect(home, 1) as first:
        assert first.release_id == 1
    with lakefolio.connect(api=root(platform_home), release=1) as first:
        assert first.release_id == 1
        assert first.sql("from marts.dim_security limit 1").fetchall()
    with pytest.raises(NoSuchRelease, match="there is no release 99"):
        lakefolio.connect(home, 99)
    with pytest.raises(SetupError, match="there is no release 99"):
        lakefolio.connect(api=root(platform_home), release=99)
    with pytest.raises(NoRelease):
        lakefolio.connect(tmp_path)
    with pytest.raises(SetupError, match=r"no API answers at http://127\.0\.0\.1:1"):
        lakefolio.connect(api="http://127.0.0.1:1")
    with pytest.raises(ValueError, match="not both"):
        lakefolio.connect(home, api="http://127.0.0.1:1")
