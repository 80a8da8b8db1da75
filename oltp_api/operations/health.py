"""Health of the process: that it lives, that it can do its work, how far behind it is; and the same for Prometheus."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from oltp_api.access.rules import Scope, anybody, common
from oltp_api.analytics.schemas import ReleaseView
from oltp_api.context import ContextDep
from oltp_api.operations.state import Readiness, held_portfolios, newest_release, state_of
from oltp_api.web.metrics import Metrics
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from oltp_api.web.schemas import View

router = APIRouter(route_class=BoundedRoute, prefix="/health", tags=["health"])
metrics_router = APIRouter(route_class=BoundedRoute)


class Live(View):
    status: str = "live"


class FailingJobView(View):
    job: str
    failures: int = Field(description="How often in a row.")
    failing_since: datetime
    next_attempt_at: datetime
    reason: str = Field(description="A sentence, or the kind of the error; the worker's log has the rest.")


class Ready(View):
    """`ledger_head_at` is when the newest ledger row was recorded; None for an empty ledger."""

    status: str = "ready"
    schema_version: str
    ledger_head_at: datetime | None
    release: ReleaseView | None = Field(description="The newest; None before the first.")
    release_lag_seconds: float | None = Field(
        description="How long the oldest ledger row that the release does not show has waited; 0 if there is none."
    )
    oldest_transaction_seconds: float = Field(description="A transaction that stays open holds every release back.")
    held_portfolios: int = Field(description="Shown as an older release had them, as they have failed a check.")
    dead_letters: int = Field(description="Events that a consumer has given up.")
    failing_jobs: list[FailingJobView] = Field(description="What the worker could not do the last time it tried.")


@router.get("/live", summary="The process answers")
@anybody
async def live() -> Live:
    """Asks nobody and waits for no thread, so that it tells of the process alone."""
    return Live()


@router.get(
    "/ready",
    response_model=Ready,
    summary="A trade can be stored and a release be read now",
    responses={503: PROBLEMS[503]},
)
@anybody
def ready(request: Request, context: ContextDep) -> Ready | Response:
    readiness: Readiness = request.app.state.readiness
    readiness.prove()
    if request.app.state.settings.has_accounts:
        return JSONResponse({"status": "ready"})  # the rest is the administrators', who find it in /metrics
    release = newest_release(context.analytics)
    state = state_of(context, release)
    return Ready(
        schema_version=context.schema_version,
        ledger_head_at=state.ledger_head_at,
        release=ReleaseView.model_validate(release) if release else None,
        release_lag_seconds=state.release_lag_seconds,
        oldest_transaction_seconds=state.oldest_transaction_seconds,
        held_portfolios=len(held_portfolios(context, release)),
        dead_letters=state.dead_letters,
        failing_jobs=[FailingJobView.model_validate(job, from_attributes=True) for job in state.failing_jobs],
    )


@metrics_router.get("/metrics", include_in_schema=False)
@common(Scope.ADMIN)
def metrics(request: Request) -> Response:
    told: Metrics = request.app.state.metrics
    return Response(told.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
