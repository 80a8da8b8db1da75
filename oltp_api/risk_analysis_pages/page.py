"""A risk analysis as an HTML document, in the look of the review: no script, no other host."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Template

from oltp_api.review.page.review import page_environment, page_style
from oltp_api.risk_analyses.schemas import RiskAnalysisResultView, RiskScoreView
from oltp_api.web.places import Link


def analysis_page(
    analysis: RiskAnalysisResultView, scores: Sequence[RiskScoreView], places: Sequence[Link] = ()
) -> str:
    """One analysis; without its risks while it is not written."""
    style, policy = page_style()
    return _template().render(style=style, policy=policy, places=places, analysis=analysis, scores=scores)


@cache
def _template() -> Template:
    return page_environment(Path(__file__).parent).get_template("analysis.html")
