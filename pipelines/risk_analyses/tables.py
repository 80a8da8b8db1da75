"""Rows of risk analyses in the lake: the facts, and the risks as they were written, with tokens and as they read."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from domain.risk_analyses.analysis import RiskAnalysis
from domain.risk_analyses.rendering import rendered

DESCRIPTIONS: Mapping[str, str] = {
    "risk_fact": "One row per fact of an analysis: a number of one portfolio in one release, and where it is from.",
    "risk_analysis": "One row per risk of an analysis, and one, without a place, for the climate it was written in.",
}
_OF_ANALYSIS = [
    ("analysis_id", pa.string()),
    ("portfolio_id", pa.string()),
    ("release_id", pa.int64()),
    ("as_of", pa.date32()),
]
_FACTS = pa.schema(
    [
        *_OF_ANALYSIS,
        ("fact_id", pa.string()),
        ("measure", pa.string()),
        ("label", pa.string()),
        ("value", pa.float64()),
        ("unit", pa.string()),
        ("currency", pa.string()),
        ("sense", pa.string()),
        ("state", pa.string()),
        ("fact_as_of", pa.date32()),
        ("source", pa.string()),
        ("source_key", pa.string()),
        ("review_place", pa.string()),
    ]
)
_RISKS = pa.schema(
    [
        *_OF_ANALYSIS,
        ("status", pa.string()),
        ("model_used", pa.string()),
        ("facts_hash", pa.string()),
        ("prompt_hash", pa.string()),
        ("place", pa.int32()),
        ("title", pa.string()),
        ("severity", pa.string()),
        ("likelihood", pa.string()),
        ("written", pa.string()),
        ("text", pa.string()),
        ("what_would_change_it", pa.string()),
        ("fact_ids", pa.string()),
    ]
)


def rows_of(analysis: RiskAnalysis) -> dict[str, pa.Table]:
    """The lake's rows of one analysis, by table."""
    return {
        "risk_fact": pa.Table.from_pylist(_facts(analysis), schema=_FACTS),
        "risk_analysis": pa.Table.from_pylist(_risks(analysis), schema=_RISKS),
    }


def _named(analysis: RiskAnalysis) -> dict[str, Any]:
    return {
        "analysis_id": str(analysis.analysis_id),
        "portfolio_id": str(analysis.portfolio_id),
        "release_id": analysis.sheet.release_id,
        "as_of": analysis.sheet.as_of,
    }


def _facts(analysis: RiskAnalysis) -> list[dict[str, Any]]:
    return [
        {
            **_named(analysis),
            **{name: getattr(fact, name) for name in ("fact_id", "measure", "value", "currency", "state")},
            "label": rendered(fact.label, analysis.sheet),
            "unit": str(fact.unit),
            "sense": str(fact.sense),
            "fact_as_of": fact.as_of,
            "source": fact.table,
            "source_key": json.dumps(fact.key, sort_keys=True),
            "review_place": fact.place,
        }
        for fact in analysis.sheet.facts
    ]


def _risks(analysis: RiskAnalysis) -> list[dict[str, Any]]:
    of_all = {
        **_named(analysis),
        "status": str(analysis.status),
        "model_used": analysis.model_used,
        "facts_hash": analysis.sheet.facts_hash,
        "prompt_hash": analysis.prompt_hash,
    }
    risks = [
        {
            **of_all,
            "place": place,
            "title": rendered(risk.title, analysis.sheet),
            "severity": str(risk.severity),
            "likelihood": str(risk.likelihood),
            "written": risk.text,
            "text": rendered(risk.text, analysis.sheet),
            "what_would_change_it": rendered(risk.what_would_change_it, analysis.sheet),
            "fact_ids": ", ".join(risk.fact_ids),
        }
        for place, risk in enumerate(analysis.draft.risks, start=1)
    ]
    climate = analysis.draft.macro_climate_summary
    return [*risks, {**of_all, "written": climate, "text": rendered(climate, analysis.sheet)}]
