"""Bodies of requests for risk analyses, and views of what was written."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from oltp_api.analytics.schemas import EXPLAIN
from oltp_api.web.schemas import Request, View


class RiskAnalysisRequest(Request):
    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"writer": "rules/1"}]})

    writer: Literal["configured", "rules/1"] = Field(
        default="configured",
        description="`configured` is the language model that the server's RISK_MODEL names, or rules/1 without one; "
        "`rules/1` is the writer that needs no model.",
    )


class RiskAnalysisView(View):
    """A request for an analysis, and what became of it."""

    analysis_id: UUID
    portfolio_id: UUID
    writer: str
    status: str = Field(
        description="REQUESTED; DONE; DEGRADED, written by rules/1 since the model gave nothing that may be shown; "
        "REFUSED."
    )
    reason: str | None = Field(description="Why it is DEGRADED or REFUSED.")
    requested_at: datetime
    finished_at: datetime | None
    release_id: int | None = Field(description="The release that all of its facts are from.")
    as_of: date | None
    model_used: str | None = Field(description="Who wrote it.")
    prompt_hash: str | None = Field(description="SHA-256 of what the writer was told.")
    facts_hash: str | None = Field(description="SHA-256 of the facts and their names.")
    n_voided: int | None = Field(description="Sentences that were left out since they contradict a fact.")


class RiskAnalysisPage(View):
    items: Sequence[RiskAnalysisView]
    next_cursor: str | None


class TextPieceView(View):
    """A part of a text; of a number, the fact that it is."""

    shown: str
    fact_id: str | None


class IdentifiedRiskView(View):
    title: str
    severity: str = Field(description="HIGH, MEDIUM or LOW.")
    likelihood: str = Field(description="LIKELY, POSSIBLE or UNLIKELY.")
    text: str
    pieces: Sequence[TextPieceView] = Field(description="The text in parts, so that each number can be followed.")
    what_would_change_it: str
    fact_ids: Sequence[str]


class FactView(View):
    """A number that the text may tell: ours, of the release, with where it is from."""

    fact_id: str
    measure: str
    label: str
    value: float
    unit: str = Field(description="MONEY, FRACTION, POINTS, PERCENT, RATIO, RATE, YEARS, DAYS, COUNT or BASIS_POINTS.")
    currency: str | None
    shown: str
    sense: str = Field(description="What its sign means in words, as ROSE or FELL; LEVEL where no movement is known.")
    state: str | None = Field(description="Of a limit.")
    as_of: date
    table: str = Field(description="The table of the release that it is from.")
    key: Mapping[str, str]
    explain: str = Field(description="Its reference, for GET /explain.")
    source: str | None = Field(description="The reference of the same number in the portfolio's review.")


class RiskChangeView(View):
    change: str = Field(description="NEW, GONE, GROWN, SHRUNK or SAME.")
    title: str
    severity: str | None = Field(description="Now; null of one that is GONE.")
    severity_before: str | None = Field(description="Then; null of one that is NEW.")


class RiskAnalysisResultView(RiskAnalysisView):
    """With what was written, once it is DONE or DEGRADED."""

    risks: Sequence[IdentifiedRiskView] | None = None
    macro_climate_summary: str | None = None
    macro_climate_pieces: Sequence[TextPieceView] | None = None
    facts: Sequence[FactView] | None = None
    gaps: Sequence[str] | None = Field(None, description="What could not be told, and why.")
    before_id: UUID | None = Field(None, description="The analysis before it, which `changes` compares with.")
    changes: Sequence[RiskChangeView] | None = None
    explain: str | None = EXPLAIN


class RiskScoreView(View):
    """How the analyses of one writer came out: measures that they named beside those that they did not."""

    writer: str
    horizon_months: int
    first_as_of: date
    last_as_of: date
    n_analyses: int
    n_named: int = Field(description="Measures of named risks that could be judged.")
    n_worsened: int
    n_breached: int
    hit_rate: float | None = Field(description="Share of the named ones that worsened or breached.")
    n_others: int
    base_rate: float | None = Field(description="The same share of the measures that nobody named.")


class RiskScoresView(View):
    portfolio_id: UUID
    release_id: int
    scores: Sequence[RiskScoreView]


def pieces_of(found: Sequence[Any]) -> list[TextPieceView]:
    return [TextPieceView(shown=one.shown, fact_id=one.fact.fact_id if one.fact else None) for one in found]
