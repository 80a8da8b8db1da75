"""The review of a portfolio as one page that can be read, printed, sent and kept: nothing of it is elsewhere."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from oltp_api.review.page import sections, svg, wording
from oltp_api.review.page.futures import Futures, futures
from oltp_api.review.schemas import ReviewView
from oltp_api.web.places import Link, explanation_at

_HERE = Path(__file__).parent


def review_page(review: ReviewView, places: Sequence[Link] = ()) -> str:
    """A whole HTML document. Text of users is escaped, and what is None is said to be unknown."""
    style, policy = page_style()
    curve = review.curve if review.curve is not None and review.curve.days else None
    fan = review.fan or None
    currency = review.total.currency if review.total is not None else review.portfolio.base_currency
    benchmark = review.benchmark.name if review.benchmark is not None else None
    return _template().render(
        review=review,
        places=places,
        style=style,
        policy=policy,
        currency=currency,
        curve=curve,
        fan=fan,
        since=sections.since_inception(review),
        value_chart=svg.value_chart(curve, currency) if curve else None,
        drawdown_chart=svg.drawdown_chart(curve) if curve else None,
        growth_chart=svg.growth_chart(curve, benchmark) if curve else None,
        fan_chart=svg.fan_chart(fan, currency) if fan else None,
        fan_rows=svg.fan_rows(fan) if fan else [],
        futures=_futures(review, currency) if fan and review.simulation else None,
        allocation=sections.allocation(review),
        components=sections.components(review.risk) if review.risk else [],
        contribution=sections.contribution(review),
        loss_in_words=sections.loss_in_words(review),
    )


def _futures(review: ReviewView, currency: str) -> Futures:
    assert review.simulation is not None
    assert review.fan
    explain = f"{review.explain}/simulation" if review.explain else None
    return futures(review.simulation, review.fan, currency, review.beside, review.beside_fan or (), explain)


def page_policy() -> str:
    """The policy that the page itself states, for the header of its answer."""
    return page_style()[1]


@cache
def _template() -> Template:
    return page_environment(_HERE, sections=sections).get_template("review.html")


def page_environment(folder: Path, **names: object) -> Environment:
    """Templates of `folder`, and those that all pages share: text is escaped, a name that is not there is an error.
    They know `names`."""
    environment = Environment(
        loader=FileSystemLoader([folder, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    known: dict[str, Any] = environment.globals
    known.update(wording=wording, explanation_at=explanation_at, **names)
    environment.filters.update(
        money=wording.number, percent=wording.percent, ratio=wording.number, day=wording.day, moment=wording.moment
    )
    tests: dict[str, Any] = environment.tests
    tests["reason"] = wording.is_reason
    return environment


@cache
def page_style() -> tuple[Markup, str]:
    """The style sheet of all pages, and a policy that lets a browser use it and nothing else, whatever a text holds."""
    sheet = (_HERE / "review.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Markup(sheet), policy
