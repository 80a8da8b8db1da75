"""How risk analyses came out, and how `rules/1` would have done at the end of every quarter there was."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import dagster as dg
import pyarrow as pa

from application.risk_analyses import PostgresRiskAnalysisRepository
from application.risk_facts.sheet import FactCollector
from domain.errors import NoRelease
from domain.risk_analyses import rules
from domain.risk_analyses.analysis import RiskAnalysis
from domain.risk_analyses.drafts import AnalysisDraft
from domain.risk_analyses.facts import FactSheet
from domain.risk_analyses.scores import HORIZONS, Outcome, outcomes, quarter_ends, score, sheets_within
from pipelines.runtime.resources import Platform
from pipelines.simulations.assets import portfolio_versions
from pipelines.tables.publishing import publish
from storage.postgres import database as postgres

TABLE = "risk/risk_analysis_score"
_BACK_TEST = f"{rules.RULES} at every quarter's end"
_SCHEMA = pa.schema(
    [
        ("portfolio_id", pa.string()),
        ("writer", pa.string()),
        ("horizon_months", pa.int32()),
        ("first_as_of", pa.date32()),
        ("last_as_of", pa.date32()),
        ("n_analyses", pa.int32()),
        ("n_named", pa.int32()),
        ("n_worsened", pa.int32()),
        ("n_breached", pa.int32()),
        ("n_true", pa.int32()),
        ("n_others", pa.int32()),
        ("n_others_true", pa.int32()),
    ]
)
_MEANINGS = {
    "portfolio_id": "Portfolio.",
    "writer": "Who wrote: a model, rules/1, or rules/1 as it would have written at the end of every quarter.",
    "horizon_months": "How long after an analysis its risks are judged: 3 or 12 months.",
    "first_as_of": "Day of the first analysis that is judged.",
    "last_as_of": "Day of the last one.",
    "n_analyses": "Analyses that are judged.",
    "n_named": "Measures of named risks that could be judged.",
    "n_worsened": "Of them, those that had worsened at the end.",
    "n_breached": "Of them, those that were at their high bound, or in breach of a limit, at the end of some quarter.",
    "n_true": "Of them, those that worsened or breached.",
    "n_others": "Measures that nobody named.",
    "n_others_true": "Of them, those that worsened or breached: what a writer who names nothing misses.",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The way that the measures of an analysis went within a horizon."""

    as_of: date
    found: list[Outcome]


@dg.asset(
    key=TABLE.split("/"),
    deps=[dg.AssetKey(["meta", "release"]), dg.AssetKey(["risk", "risk_analysis"])],
    description="Grain: one row per portfolio, writer and horizon: whether the risks that were named came true.",
    group_name="risk",
    owners=["team:lakefolio"],
    kinds={"numpy", "deltalake"},
    code_version="1",
)
def risk_analysis_score(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    release = platform.releases.head()
    if release is None:
        raise NoRelease
    collector = FactCollector(platform.lake, release, platform.settings.benchmark_ticker)
    rows: list[dict[str, Any]] = []
    portfolios = sorted(portfolio_versions(platform.lake, release))
    for place, portfolio_id in enumerate(portfolios, start=1):
        context.log.info("portfolio %s of %s", place, len(portfolios))
        with postgres.connect(platform.database.services_url) as connection:
            analyses = PostgresRiskAnalysisRepository(connection).finished(portfolio_id)
        rows += scored(collector, portfolio_id, analyses)
    result = publish(
        platform,
        context.asset_key,
        pa.Table.from_pylist(rows, schema=_SCHEMA),
        context.run.run_id,
        meanings=_MEANINGS,
    )
    platform.releases.append(platform.lake.versions([TABLE]), platform.clock.now(), context.run.run_id)
    return result


def scored(collector: FactCollector, portfolio_id: UUID, analyses: Iterable[RiskAnalysis]) -> Iterator[dict[str, Any]]:
    """The rows of one portfolio; none of a writer of whom nothing can be judged yet."""
    days = collector.days(portfolio_id)
    if days is None:
        return
    sheets = {end: collector.judged(portfolio_id, end) for end in quarter_ends(*days)}
    written: dict[str, list[tuple[FactSheet, AnalysisDraft]]] = {
        _BACK_TEST: [(sheet, rules.write(sheet)) for sheet in sheets.values()]
    }
    for analysis in analyses:
        written.setdefault(analysis.model_used, []).append((analysis.sheet, analysis.draft))
    for writer, texts in written.items():
        for months in HORIZONS:
            judged = list(_judged(texts, sheets, months))
            if judged:
                yield _row(portfolio_id, writer, months, judged)


def _judged(
    texts: Iterable[tuple[FactSheet, AnalysisDraft]], sheets: Mapping[date, FactSheet], months: int
) -> Iterator[Judged]:
    for sheet, draft in texts:
        later = sheets_within(sheets, sheet.as_of, months)
        if later is not None:
            yield Judged(sheet.as_of, outcomes(draft, sheet, later))


def _row(portfolio_id: UUID, writer: str, months: int, judged: list[Judged]) -> dict[str, Any]:
    found = score(months, (one for each in judged for one in each.found))
    days = [one.as_of for one in judged]
    return {
        "portfolio_id": str(portfolio_id),
        "writer": writer,
        "first_as_of": min(days),
        "last_as_of": max(days),
        "n_analyses": len(judged),
        **{name: getattr(found, name) for name in found.__slots__},
    }


ASSETS = [risk_analysis_score]
