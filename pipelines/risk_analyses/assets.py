"""Risk analyses: each requested one written from the newest release, stored whole, and published to the lake."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import dagster as dg

from application.risk_analyses import MOST_ATTEMPTS, AnalysisRequest, PostgresRiskAnalysisRepository
from application.risk_facts.sheet import FactCollector
from domain.errors import InvalidInput, NoRelease, Refusal
from domain.risk_analyses.analysis import RiskAnalysis
from domain.risk_analyses.rules import RULES
from domain.risk_analyses.writing import written
from pipelines.risk_analyses.tables import DESCRIPTIONS, rows_of
from pipelines.risk_analyses.writers import configured
from pipelines.runtime.partitions import RISK_ANALYSES
from pipelines.runtime.resources import Platform
from pipelines.simulations.assets import AWAY
from pipelines.tables.publishing import publish
from storage.lake.releases import Release
from storage.postgres import database as postgres

SPECS = [
    dg.AssetSpec(
        ["risk", name],
        deps=[dg.AssetKey(["meta", "release"]), dg.AssetKey(["simulation", "simulation_run"])],
        description=description,
        group_name="risk",
        owners=["team:lakefolio"],
        kinds={"python", "deltalake"},
        code_version="1",
        skippable=True,
        partitions_def=RISK_ANALYSES,
    )
    for name, description in DESCRIPTIONS.items()
]


@dg.multi_asset(
    name="analyse_risks",
    specs=SPECS,
    can_subset=True,
    partitions_def=RISK_ANALYSES,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def analyse_risks(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
    """The tables belong together and are published together, whichever are selected."""
    release = platform.releases.head()
    if release is None:
        raise NoRelease
    results: list[dg.MaterializeResult[Any]] = []
    for key in context.partition_keys:
        results = run_analysis(context.log, platform, release, UUID(key), context.run.run_id)
    yield from (result for result in results if result.asset_key in context.selected_asset_keys)


def run_analysis(
    log: logging.Logger, platform: Platform, release: Release, analysis_id: UUID, run_id: str
) -> list[dg.MaterializeResult[Any]]:
    """Write one requested analysis and store it; of one that is finished its rows are published again.

    Refused with the reason if there is nothing to write about, or it fails otherwise: it would stop whatever is behind
    it. What is away, such as the database, is an error of the run.
    """
    with postgres.connect(platform.database.services_url) as connection:
        repository = PostgresRiskAnalysisRepository(connection)
        request, attempts = repository.get(analysis_id), repository.begin(analysis_id)
        finished = None if attempts else repository.written(analysis_id)
    if not attempts:
        log.info("risk analysis %s is finished, and stays as it is", analysis_id)
        return _published(platform, finished, run_id) if finished else []
    try:
        if attempts > MOST_ATTEMPTS:
            raise InvalidInput("analysis", f"ended its run {MOST_ATTEMPTS} times before it was done")
        analysis = _analysed(platform, release, request)
    except Refusal as refusal:
        log.warning("risk analysis %s is refused: %s", analysis_id, refusal.message)
        return _refused(platform, analysis_id, refusal.message)
    except AWAY:
        raise
    except Exception as error:
        log.exception("risk analysis %s has failed", analysis_id)
        return _refused(platform, analysis_id, f"it could not be made: {error!r}")
    if analysis.reason:
        log.warning("risk analysis %s is %s: %s", analysis_id, analysis.status, analysis.reason)
    results = _published(platform, analysis, run_id)
    with postgres.connect(platform.database.services_url) as connection:
        PostgresRiskAnalysisRepository(connection).finish(analysis)
    return results


def _analysed(platform: Platform, release: Release, request: AnalysisRequest) -> RiskAnalysis:
    collector = FactCollector(platform.lake, release, platform.settings.benchmark_ticker)
    sheet = collector.sheet(request.portfolio_id)
    told = written(sheet, None if request.writer == RULES else configured(platform.settings))
    return RiskAnalysis(
        request.analysis_id,
        request.portfolio_id,
        sheet,
        told.draft,
        told.model_used,
        told.prompt_hash,
        platform.clock.now(),
        told.status,
        told.reason,
        told.n_voided,
    )


def _refused(platform: Platform, analysis_id: UUID, reason: str) -> list[dg.MaterializeResult[Any]]:
    with postgres.connect(platform.database.services_url) as connection:
        PostgresRiskAnalysisRepository(connection).refuse(analysis_id, reason, platform.clock.now())
    return []


def _published(platform: Platform, analysis: RiskAnalysis, run_id: str) -> list[dg.MaterializeResult[Any]]:
    """Put the rows of an analysis into the lake, and release them."""
    key: dict[str, str | int] = {"analysis_id": str(analysis.analysis_id)}
    results = [
        publish(platform, dg.AssetKey(["risk", name]), rows, run_id, lake_key=key)
        for name, rows in rows_of(analysis).items()
    ]
    versions = platform.lake.versions([f"risk/{name}" for name in DESCRIPTIONS])
    platform.releases.append(versions, platform.clock.now(), run_id)
    return results


ASSETS = [analyse_risks]
