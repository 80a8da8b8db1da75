"""The whole graph: what `workspace.yaml`, the UI and the command line load.

`build_defs` takes any resource that should be another one; everything else is in the modules it names.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from pipelines.automation import refresh_sensor, requests_sensor, schedules
from pipelines.books import collateral, snapshots
from pipelines.ingestion import market, own_prices, unconfirmed_prices
from pipelines.marts import assets as marts
from pipelines.marts import bonds, performance, risk
from pipelines.marts.dbt_runner import DbtRunner
from pipelines.positions import assets as positions
from pipelines.releases import assets as release
from pipelines.releases import held
from pipelines.releases.checks import CHECKS
from pipelines.replication import assets as replication
from pipelines.risk_analyses import assets as risk_analysis
from pipelines.risk_analyses import scores
from pipelines.risk_analyses.queue import analyse
from pipelines.runtime.progress import progress_logger
from pipelines.runtime.resources import Market, Platform, RefreshLock
from pipelines.simulations import assets as simulation
from pipelines.simulations import calibration, parameters
from pipelines.simulations.queue import simulate

RELEASE_TAGS = {"lakefolio/kind": "release", "dagster/priority": "10"}
"""A release goes before whatever else waits; `dagster_home/dagster.yaml` says how many of a kind may run at once."""
_UPSTREAM: Sequence[Any] = (
    *(market, replication, own_prices, unconfirmed_prices),
    *(positions, bonds, marts, parameters, performance, risk, calibration),
)
"""Modules whose assets a release is made of."""


def build_defs(platform: Platform | None = None, **resources: Any) -> dg.Definitions:
    """All assets, jobs, sensors and schedules; `platform` and any of `resources` may be replaced."""
    platform = platform or Platform()
    upstream = [asset for module in _UPSTREAM for asset in module.ASSETS]
    keys = [key for asset in upstream for key in asset.keys]
    holding = held.held_asset(keys)
    released = release.release_asset([*keys, held.KEY])
    results = [*snapshots.ASSETS, *collateral.ASSETS, *simulation.ASSETS, *risk_analysis.ASSETS, *scores.ASSETS]
    requested = dg.AssetSelection.assets(*simulation.ASSETS, *risk_analysis.ASSETS, *scores.ASSETS)
    refresh = dg.define_asset_job(
        "refresh",
        selection=dg.AssetSelection.all() - requested,
        description="The whole graph for the current year's market data, up to a new release.",
        tags=RELEASE_TAGS,
    )
    pick_up = dg.define_asset_job(
        "pick_up",
        selection=dg.AssetSelection.all() - requested - dg.AssetSelection.groups("market"),
        description="From a new instant of the ledger to a new release, with the market data that is there.",
        tags=RELEASE_TAGS,
    )
    take_snapshots = dg.define_asset_job(
        "take_snapshots",
        selection=dg.AssetSelection.assets(*snapshots.ASSETS, *collateral.ASSETS),
        description="A position snapshot of every book, and its ranking as collateral.",
        tags={"lakefolio/kind": "snapshot"},
    )
    score_risks = dg.define_asset_job(
        "score_risks",
        selection=dg.AssetSelection.assets(*scores.ASSETS),
        description="Whether the risks that analyses named came true, and rules/1 at every quarter's end beside them.",
        tags={"lakefolio/kind": "risk_analysis"},
    )
    return dg.Definitions(
        assets=[*upstream, holding, released, *results],
        asset_checks=CHECKS,
        jobs=[refresh, pick_up, simulate, analyse, take_snapshots, score_risks],
        sensors=[refresh_sensor(refresh, pick_up), requests_sensor(simulate, analyse)],
        schedules=schedules(refresh, take_snapshots, score_risks),
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
        resources={
            "platform": platform,
            "market": Market(platform=platform),
            "refresh_lock": RefreshLock(platform=platform),
            "dbt": DbtRunner(),
            **resources,
        },
    )


defs = build_defs()
