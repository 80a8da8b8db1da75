"""Any one asset can be made by itself, and again: a few by Dagster's command line, the others in this process.

The refresh has made each of them once, so that making it again must bring no new version. By default all that one op
makes is made in one run, and what is made again elsewhere is left to that; with LAKEFOLIO_CHAOS=long each asset has a
run of its own.
"""

import shlex
import shutil
import warnings
from itertools import chain

import dagster as dg
import httpx
import pytest
from dagster._cli import create_dagster_cli
from dagster_shared.utils.warnings import SupersessionWarning

from pipelines.definitions import defs
from pipelines.ingestion import market
from tests.effort import IS_LONG

BY_OP = {asset.op.name: sorted(key.to_user_string() for key in asset.keys) for asset in defs.assets or ()}
KEYS = sorted(chain.from_iterable(BY_OP.values()))
ALONE = {key: [key] for key in KEYS}
SCORE = "risk/risk_analysis_score"
MADE_AGAIN_ELSEWHERE = {"marts", "replay_ledger", "performance", "risk", "risk__risk_analysis_score"}
"""All but the last by test_incremental, and one of dbt's marts by the README's command; scores of all quarters take
half a minute."""
TOGETHER = ALONE if IS_LONG else {op: keys for op, keys in BY_OP.items() if op not in MADE_AGAIN_ELSEWHERE}
BY_COMMAND = ["simulation/simulation_fan", "meta/release"]
"""Beside those of the README, of which one has no partition and one has a year."""


@pytest.fixture(scope="module")
def standing_simulation(platform_home) -> str:
    with platform_home.client() as client:
        return simulation_of(client, platform_home.portfolio_id)


def simulation_of(client: httpx.Client, portfolio_id: str) -> str:
    listed = client.get(f"/portfolios/{portfolio_id}/simulations").json()["items"]
    return next(str(one["simulation_id"]) for one in listed if one["is_standing"])


BY_YEAR = {f"raw/{name}" for name in (*market.KEYS, "trading_calendar")}


@pytest.fixture
def partition_of(platform_home, standing_simulation):
    """The one partition that is made of a partitioned asset."""

    def partition(key: str) -> str | None:
        if key.startswith("risk/") and key != SCORE:
            with platform_home.client() as api:
                listed = api.get(f"/portfolios/{platform_home.portfolio_id}/risk-analyses").json()["items"]
            return str(listed[0]["analysis_id"])
        if key.startswith("simulation/") and key != "simulation/simulation_calibration":
            return standing_simulation
        return "2008" if key in BY_YEAR else None

    return partition


def state(home) -> tuple[int, dict[str, int]]:
    """The newest release, and the newest version of every table."""
    tables = [key for key in KEYS if key != "meta/release"]
    return home.head.release_id, home.lake.versions(tables)


@pytest.mark.long
def test_the_command_line_makes_one_asset(platform_home) -> None:
    """As a person types it; what it does with its words the tests below see at less cost, in this process."""
    before = state(platform_home)
    key = "raw/pg_transaction_ledger"

    made = platform_home.run("dagster", "asset", "materialize", "--select", key, "-m", "pipelines.definitions")

    assert made.returncode == 0, made.stderr
    assert "RUN_SUCCESS" in made.stderr
    assert state(platform_home) == before, "nothing had changed, so there is nothing new"


@pytest.fixture
def dagster_command(platform_home, monkeypatch):
    """Dagster's command line on the home, in this process, which has imported everything already."""
    for name, value in platform_home.variables.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SupersessionWarning)  # Dagster would rather have `dg launch`
            create_dagster_cli()(args=list(words), prog_name="dagster", standalone_mode=False)

    return run


@pytest.mark.long
@pytest.mark.parametrize("key", BY_COMMAND)
def test_a_partition_of_its_own_is_made_by_the_command_line(platform_home, dagster_command, partition_of, key) -> None:
    before = state(platform_home)
    partition = partition_of(key)
    words = ["asset", "materialize", "--select", key, "-m", "pipelines.definitions"]

    dagster_command(*words, *(["--partition", partition] if partition else []))

    assert newest_run(platform_home).is_success
    assert state(platform_home) == before


def test_the_commands_of_the_readme_make_assets(platform_home, dagster_command, readme_commands) -> None:
    """A mart, a year of prices, and a window of history."""
    before = state(platform_home)
    commands = [shlex.split(command) for command in readme_commands if command.startswith("dagster asset materialize")]
    assert len(commands) == 3

    for program, *words in commands:
        assert program == "dagster"
        dagster_command(*words)
        assert newest_run(platform_home).is_success

    assert state(platform_home) == before


def newest_run(home) -> dg.DagsterRun:
    with home.joined() as instance:
        (run,) = instance.get_runs(limit=1)
    return run


@pytest.fixture(scope="module")
def everything(platform_home) -> dg.JobDefinition:
    from pipelines.definitions import build_defs

    return build_defs(platform_home.platform).resolve_implicit_global_asset_job_def()


@pytest.mark.parametrize("name", TOGETHER)
def test_an_asset_made_again_makes_no_new_version(
    platform_home, instance, everything, partition_of, name, monkeypatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", platform_home.variables["DAGSTER_EVENT_BATCH_SIZE"])
    keys = {dg.AssetKey.from_user_string(key) for key in TOGETHER[name]}
    before = state(platform_home)

    done = everything.execute_in_process(
        instance=instance, asset_selection=list(keys), partition_key=partition_of(TOGETHER[name][0])
    )

    assert done.success
    assert {event.asset_key for event in done.get_asset_materialization_events()} == keys
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
