"""Due risk analyses, one after another in one run, owners in turn; a release and simulations come first."""

from uuid import UUID

import dagster as dg

from application.risk_analyses import PostgresRiskAnalysisRepository
from pipelines.risk_analyses.assets import run_analysis
from pipelines.runtime.partitions import RISK_ANALYSES
from pipelines.runtime.resources import RISK_ANALYSIS_LOCK, Platform
from pipelines.simulations.assets import portfolio_versions
from pipelines.simulations.queue import wait_for_refresh
from storage.lake.releases import Release
from storage.postgres import database as postgres


def due_analyses(platform: Platform, head: Release | None) -> list[UUID]:
    """Ids of the analyses that the newest release can be written about, the next one first."""
    if head is None:
        return []
    with postgres.connect(platform.database.services_url) as connection:
        waiting = PostgresRiskAnalysisRepository(connection).waiting()
    versions = portfolio_versions(platform.lake, head) if waiting else {}
    return [one.analysis_id for one in waiting if versions.get(one.portfolio_id, -1) >= one.wanted_version]


@dg.op(description="Writes every risk analysis that is due, one after another, owners in turn; a release comes first.")
def analyse_in_turn(context: dg.OpExecutionContext, platform: Platform) -> None:
    with postgres.advisory_lock(platform.database.admin_url, RISK_ANALYSIS_LOCK):
        while due := due_analyses(platform, platform.releases.head()):
            context.log.info("%s risk analyses are due", len(due))
            wait_for_refresh(platform)
            _run_one(context, platform, due[0])


def _run_one(context: dg.OpExecutionContext, platform: Platform, analysis_id: UUID) -> None:
    """Against the newest release there is by now."""
    release = platform.releases.head()
    assert release is not None, "an analysis is due of a release"
    context.instance.add_dynamic_partitions(str(RISK_ANALYSES.name), [str(analysis_id)])
    for result in run_analysis(context.log, platform, release, analysis_id, context.run_id):
        assert result.asset_key is not None
        context.log_event(
            dg.AssetMaterialization(result.asset_key, partition=str(analysis_id), metadata=result.metadata)
        )


@dg.job(
    name="analyse",
    description="Every risk analysis that is due, one after another, about the newest release.",
    executor_def=dg.in_process_executor,
    tags={"lakefolio/kind": "risk_analysis"},
)
def analyse() -> None:
    analyse_in_turn()
