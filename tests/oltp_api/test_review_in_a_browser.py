"""Pages in a browser, at the width of a phone and of a desk: in Chromium where there is one.

Everywhere else in blitz, which is a layout engine and no browser, but comes from the package index and needs nothing.
"""

import json
import re
import shutil
import subprocess
import threading
from datetime import date
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, pairwise
from typing import Any
from urllib.parse import quote

import pytest
from review_numbers import a_portfolio, a_review, a_total, an_unknown_review
from simulation_views import a_comparison_page, a_review_with_futures, a_simulation_page

from oltp_api.explain.page import explanation_page
from oltp_api.explain.schemas import ExplanationView
from oltp_api.front.page import front_page
from oltp_api.front.views import Front, FrontRow
from oltp_api.gains.page import gains_page
from oltp_api.gains.schemas import GainsView
from oltp_api.review.page.review import review_page
from oltp_api.web.examples import example_of
from tests.chromium import QUIET, browser

WIDTHS = (360, 1100)
LONG = "W" * 300
PAGES = {
    "everything": lambda: review_page(a_review()),
    "nothing": lambda: review_page(an_unknown_review(LONG)),
    "front": lambda: _front_page(FrontRow(a_portfolio(LONG), None, a_total(status="STALE"), is_held=True)),
    "front of nothing": lambda: _front_page(),
    "futures": lambda: a_review_with_futures(LONG),
    "simulation": lambda: a_simulation_page(LONG),
    "comparison": lambda: a_comparison_page(LONG),
    "explanation": lambda: explanation_page(an_explanation()),
    "gains": lambda: gains_page(some_gains(), a_review().portfolio.model_copy(update={"name": LONG})),
}


def _front_page(*rows: FrontRow) -> str:
    places = [(name, f"/{name}") for name in ("Portfolios", "Shared with you", "Sessions", "Tokens", "Sign out")]
    below = [(name, name) for name in ("gains.html", "imports.html", "transactions.html", "export")]
    return front_page(Front(rows, "more", False, None, True, date(2017, 3, 29)), places, below)


def an_explanation() -> ExplanationView:
    found = ExplanationView.model_validate(example_of(ExplanationView))
    (rows,) = found.figure.children
    long = rows.model_copy(update={"label": LONG, "value": 123456789.123456789, "unit": "USD per EUR", "how": LONG})
    figure = found.figure.model_copy(update={"label": LONG, "children": [long.model_copy(update={"children": [long]})]})
    return found.model_copy(update={"figure": figure})


def some_gains() -> GainsView:
    """The example of the answer, in which names are long and one cost is not known."""
    gains = GainsView.model_validate(example_of(GainsView))
    (sold,) = gains.disposals
    unknown = sold.model_copy(update={"cost": None, "gain": None, "gain_base": None, "account": LONG, "ticker": LONG})
    return gains.model_copy(update={"disposals": [sold, unknown]})


def _with_a_wide_table() -> str:
    table = f'<div class="card"><table><tr><td>{LONG}</td></tr></table></div>'
    return PAGES["everything"]().replace("<h2>Value</h2>", f"<h2>Value</h2>{table}")


MEASURE = """<!DOCTYPE html><body><script>
function measured(frame) {
  const page = frame.contentDocument, width = page.documentElement.clientWidth, shown = frame.contentWindow;
  const beyond = [...page.body.querySelectorAll('*')].filter(e =>
    e.getBoundingClientRect().right > width + 1 && !e.parentElement.closest('.scroll, .spoken, svg svg'));
  const boxes = [...page.querySelectorAll('svg.chart')].map(chart => [...chart.querySelectorAll('text.x')]
    .map(t => t.getBoundingClientRect()).filter(b => b.width).map(b => [b.left, b.right]));
  return {name: frame.name, width, needed: page.documentElement.scrollWidth,
    beyond: beyond.slice(0, 5).map(e => e.outerHTML.slice(0, 120)), marks: boxes,
    is_styled: shown.getComputedStyle(page.body).maxWidth !== 'none',
    asked: shown.performance.getEntriesByType('resource').map(e => e.name)};
}
window.onload = () => {
  document.body.textContent = JSON.stringify([...document.querySelectorAll('iframe')].map(measured));
};
</script>FRAMES</body>"""


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The paths that the browser asked this machine for."""
    return []


@pytest.fixture(scope="module")
def measured(asked: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Each page at each width. The page is as it is served, policy and all; a page around it measures."""
    program = browser()
    frames = "".join(
        f'<iframe name="{name} at {width}" src="/{quote(name)}" width="{width}" height="800" style="border:0"></iframe>'
        for name in (*PAGES, "control")
        for width in WIDTHS
    )
    answers = {f"/{quote(name)}": made() for name, made in PAGES.items()}
    answers |= {"/control": _with_a_wide_table(), "/": MEASURE.replace("FRAMES", frames)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = answers.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tmp_path_factory.mktemp("profile")
    command = [program, *QUIET, f"--user-data-dir={profile}", "--window-size=1400,900", "--dump-dom"]
    try:
        outcome = subprocess.run(
            [*command, f"http://127.0.0.1:{server.server_port}/"], capture_output=True, text=True, timeout=90
        )
    finally:
        server.shutdown()
        server.server_close()
        shutil.rmtree(profile, ignore_errors=True)
    found = re.search(r"<body>(\[.*\])</body>", outcome.stdout, re.DOTALL)
    assert found, outcome.stderr[-2000:]
    said = unescape(found[1])
    return list(json.loads(said))


def test_nothing_is_wider_than_the_page(measured: list[dict[str, Any]]) -> None:
    found = {page["name"]: page for page in measured}
    for name in (f"{name} at {width}" for name in PAGES for width in WIDTHS):
        assert found[name]["beyond"] == [], name
        assert found[name]["needed"] <= found[name]["width"], name
    control = found["control at 360"]
    assert control["beyond"]
    assert control["needed"] > control["width"]


def test_its_own_policy_lets_its_style_in_and_it_asks_for_nothing(
    measured: list[dict[str, Any]], asked: list[str]
) -> None:
    assert all(page["is_styled"] for page in measured)
    assert [page["asked"] for page in measured] == [[]] * len(measured)
    assert set(asked) - {"/favicon.ico"} == {"/", "/control", *(f"/{quote(name)}" for name in PAGES)}


def test_the_words_under_a_chart_do_not_touch(measured: list[dict[str, Any]]) -> None:
    charts = [chart for page in measured for chart in page["marks"] if chart]
    assert charts
    for marks in charts:
        for (_, right), (left, _) in pairwise(marks):
            assert left > right + 3


def _too_wide(html: str, width: int) -> list[str]:
    """Tags outside of a box that scrolls whose right edge is beyond `width`, as blitz lays them out."""
    engine = pytest.importorskip("blitz_py", reason="no layout engine: blitz-py is not installed")
    number, names, scrolling = count(), {}, 0

    def named(tag: re.Match[str]) -> str:
        nonlocal scrolling
        if tag[1] == "div":
            scrolling = scrolling + 1 if scrolling or 'class="scroll"' in tag[0] else 0
        if scrolling:
            return tag[0]
        name = f"box-{next(number)}"
        names[name] = tag[0]
        return re.sub(r' id="[^"]*"', "", tag[0]).replace(f"<{tag[1]}", f'<{tag[1]} id="{name}"', 1)

    def closed(tag: re.Match[str]) -> str:
        nonlocal scrolling
        if tag[0] == "</div>":
            scrolling = max(0, scrolling - 1)
            return tag[0]
        return named(tag)

    body = html.partition("<body>")[2]
    tagged = re.sub(
        r"<(div|section|p|h1|h2|h3|dl|figure|figcaption|table|th|td|dt|dd|span|header)\b[^>]*>|</div>", closed, body
    )
    template = engine.Template(html.partition("<body>")[0] + "<body>" + tagged, width=width, height=800)
    boxes = template.boxes()
    assert len(boxes) >= len(names) > 5
    return [names[name] for name, (x, _, wide, _) in boxes.items() if name in names and x + wide > width + 1]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_laid_out_wider_than_the_page(name: str, width: int) -> None:
    assert _too_wide(PAGES[name](), width) == []


def test_what_is_wider_is_found() -> None:
    assert _too_wide(_with_a_wide_table(), 360)
