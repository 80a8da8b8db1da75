"""Explanations of figures by their references, and changes of value by their causes."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from domain.errors import InvalidInput
from domain.references import FigureReference
from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.explain.changes import change_view, restated_view
from oltp_api.explain.documents import Documents
from oltp_api.explain.page import explanation_page
from oltp_api.explain.schemas import ChangeView, ExplainedView, ExplanationView
from oltp_api.ownership import VisiblePortfolio
from oltp_api.review.page.review import page_policy
from oltp_api.web.bodies import costly
from oltp_api.web.fields import Day, Text
from oltp_api.web.places import places
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import NO_FRAMES

router = APIRouter(route_class=BoundedRoute, tags=["analytics"], responses=PROBLEMS)

Ref = Annotated[
    Text,
    Query(
        max_length=500,
        description="A figure's reference: what its answer says under `explain`, and its place as a JSON pointer, "
        "items of lists by what names them.",
        examples=["values/3b3f5f0e-7a43-4a52-9d6c-0a4f6de0b1c7@12:/values/2017-03-29/total_value"],
    ),
]


def explained(request: Request, ref: Ref, context: ContextDep, user_id: UserDep) -> ExplanationView:
    documents = Documents(context, request.app.state.review_cache, user_id)
    reference = FigureReference.parse(ref)
    analytics, found, tree = documents.explained(reference)
    return ExplanationView(
        **asdict(analytics.release_of(found.portfolio_id)),
        portfolio_id=found.portfolio_id,
        ref=str(reference),
        day=found.on,
        code_version=analytics.head().code_version,
        n_nodes=sum(1 for _ in tree),
        figure=ExplainedView.model_validate(tree),
    )


ExplainedDep = Annotated[ExplanationView, Depends(explained)]


@router.get("/explain", summary="What a figure of any answer was made of, down to ledger rows and prices")
@costly()
@may(Scope.READ, Role.VIEWER, by_reference=True)
def explain_figure(found: ExplainedDep) -> ExplanationView:
    """At most 200 nodes: where many rows are one node it says how many, and a node with a `reference` goes on by it."""
    return found


@router.get(
    "/explain.html",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {"example": "<!doctype html><title>Value of 2017-03-29</title>..."}}}},
    summary="The same as one page: a tree to open, no script, no other host",
)
@costly()
@may(Scope.READ, Role.VIEWER, by_reference=True)
def get_explanation_page(request: Request, found: ExplainedDep) -> HTMLResponse:
    policy = f"{page_policy()}; {NO_FRAMES}"
    return HTMLResponse(explanation_page(found, places(request)), headers={"Content-Security-Policy": policy})


@router.get(
    "/portfolios/{portfolio_id}/change",
    summary="Why the value changed between two days, or between two releases: terms that sum to it",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_change(
    portfolio_id: VisiblePortfolio,
    context: ContextDep,
    begins: Annotated[Day | None, Query(alias="from", description="The close from which on.")] = None,
    ends: Annotated[Day | None, Query(alias="to", description="The close up to which; by default the last.")] = None,
    on: Annotated[Day | None, Query(description="Of two releases, the day that both tell of.")] = None,
    before_release: Annotated[int | None, Query(ge=1, description="The earlier release.")] = None,
    after_release: Annotated[int | None, Query(ge=1, description="The later one; by default the newest.")] = None,
) -> ChangeView:
    """Either `from`, with `to`, or `on` and `before_release`, with `after_release`."""
    analytics = context.analytics.pinned()
    if begins is not None and (on, before_release, after_release) == (None, None, None):
        return change_view(analytics, portfolio_id, begins, ends)
    if on is None or before_release is None or begins is not None or ends is not None:
        raise InvalidInput("from", "is asked for, with `to`; or `on` and `before_release`, with `after_release`")
    after = analytics if after_release is None else context.analytics.numbered(after_release)
    return restated_view(context.analytics.numbered(before_release), after, portfolio_id, on)
