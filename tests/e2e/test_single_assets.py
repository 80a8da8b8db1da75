"""Any one asset can be made by itself, and again: a few by Dagster's command line, the others in this process.

The refresh has made each of them once, so that making it again must bring no new version.
The names come from the committed graph, which `tests/pipelines/test_definitions.py` compares with the real one.
"""

import shlex
import shutil
from pathlib import Path

import dagster as dg
import httpx
import pytest

from pipelines.assets import market

GRAPH = Path(__file__).parents[1] / "pipelines" / "asset_graph.txt"
KEYS = [line.split()[0] for line in GRAPH.read_text().splitlines() if line and not line.startswith(" ")]
BY_COMMAND_LINE = ["raw/pg_transaction_ledger", "meta/release", "simulation/simulation_fan"]


@pytest.fixture(scope="module")
def standing_simulation(platform_home) -> str:
    with platform_home.client() as client:
        return simulation_of(client, platform_home.portfolio_id)


def simulation_of(client: httpx.Client, portfolio_id: str) -> str:
    (simulation,) = client.get(f"/portfolios/{portfolio_id}/simulations").json()["items"]
    return str(simulation["simulation_id"])


BY_YEAR = {f"raw/{name}" for name in (*market.KEYS, "trading_calendar")}


@pytest.fixture
def partition_of(standing_simulation):
    """The one partition that is made of a partitioned asset."""

    def partition(key: str) -> str | None:
        if key.startswith("simulation/"):
            return standing_simulation
        return "2008" if key in BY_YEAR else None

    return partition


def state(home) -> tuple[int, dict[str, int]]:
    """The newest release, and the newest version of every table."""
    tables = [key for key in KEYS if key != "meta/release"]
    return home.head.release_id, home.lake.versions(tables)


@pytest.mark.parametrize("key", BY_COMMAND_LINE)
def test_the_command_line_makes_one_asset(platform_home, partition_of, key) -> None:
    before = state(platform_home)
    partition = partition_of(key)
    words = ["dagster", "asset", "materialize", "--select", key, "-m", "pipelines.definitions"]

    made = platform_home.run(*words, *(["--partition", partition] if partition else []))

    assert made.returncode == 0, made.stderr
    assert "RUN_SUCCESS" in made.stderr
    assert state(platform_home) == before, "nothing had changed, so there is nothing new"


def test_the_commands_of_the_readme_make_assets(platform_home, readme_commands) -> None:
    """A mart, a year of prices, and a window of history."""
    before = state(platform_home)
    commands = [shlex.split(command) for command in readme_commands if command.startswith("dagster asset materialize")]

    made = [platform_home.run(*command) for command in commands]

    assert [ended.returncode for ended in made] == [0, 0, 0], "\n".join(ended.stderr[-2000:] for ended in made)
    assert state(platform_home) == before


@pytest.fixture(scope="module")
def everything(platform_home) -> dg.JobDefinition:
    from pipelines.definitions import build_defs

    return build_defs(platform_home.platform).resolve_implicit_global_asset_job_def()


@pytest.mark.parametrize("key", [key for key in KEYS if key not in BY_COMMAND_LINE])
def test_an_asset_made_again_makes_no_new_version(
    platform_home, instance, everything, partition_of, key, monkeypatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", platform_home.variables["DAGSTER_EVENT_BATCH_SIZE"])
    asset_key = dg.AssetKey.from_user_string(key)
    before = state(platform_home)

    done = everything.execute_in_process(
        instance=instance, asset_selection=[asset_key], partition_key=partition_of(key)
    )

    assert done.success
    assert [event.asset_key for event in done.get_asset_materialization_events()] == [asset_key]
    assert state(platform_home) == before


def test_a_mart_is_made_alone_from_other_marts_before_the_first_release(platform_home, instance, tmp_path) -> None:
    from pipelines.definitions import build_defs

    unreleased = shutil.copytree(platform_home.settings.lake, tmp_path / "lake", ignore=shutil.ignore_patterns("meta"))
    defs = build_defs(platform_home.platform_on(str(unreleased)))

    done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey(["marts", "fact_performance"])], raise_on_error=False
    )

    assert done.success


@pytest.mark.parametrize(
    ("key", "picture"),
    [
        ("raw/yield_curve", "curve"),
        ("raw/price_daily", "coverage"),
        ("marts/fact_bond_valuation_daily", "yields"),
        ("marts/fact_portfolio_value_daily", "value over time"),
        ("positions/collateral_ranking", "lendable"),
    ],
)
def test_a_new_version_has_a_picture_and_an_equal_one_has_none(platform_home, instance, key, picture) -> None:
    records = instance.fetch_materializations(dg.AssetKey.from_user_string(key), limit=1000).records
    told = [record.asset_materialization.metadata for record in records]

    drawn = {metadata["lake/is_new_version"].value: picture in metadata for metadata in told}

    assert drawn in ({True: True}, {True: True, False: False})
    assert all("data:image/png" in metadata[picture].value for metadata in told if picture in metadata)
