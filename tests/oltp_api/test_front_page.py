"""The page at `/`: what it says of portfolios, where it leads, and that it is as harmless as the review's."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import psycopg
import pytest
from review_numbers import a_portfolio, a_total
from test_review_page import Page

from domain.ports import PortfolioValue
from oltp_api.context import LOCAL_USER
from oltp_api.front.handlers import MOST_PORTFOLIOS, change_of
from oltp_api.front.page import front_page
from oltp_api.front.views import DayChange, Front, FrontRow
from oltp_api.sharing.schemas import OfferedShare
from oltp_api.web.examples import example_of
from storage.lake.delta import Lake
from storage.postgres.database import Database
from tests.probes import EVIL, Probe, send
from tests.small_release import PORTFOLIO, publish_small_release


@pytest.fixture(scope="module")
def root(api: httpx.Client) -> str:
    return str(api.base_url).removesuffix("/api/v1/")


@pytest.fixture(scope="module")
def pages(root: str, api: httpx.Client, database: Database, lake: Lake) -> dict[str, Page]:
    """The page of an empty state, before the first release, and with one that knows one of two portfolios."""
    shown = {"empty": at(root)}
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " values (%s, %s, 'released', 'USD', 'INVESTMENT', 'UTC')",
            (PORTFOLIO, LOCAL_USER),
        )
    api.post("/portfolios", json={"name": "<script>alert('x')</script>"}).raise_for_status()
    shown["unreleased"] = at(root)
    publish_small_release(lake)
    shown["released"] = at(root)
    return shown


def at(root: str, **query: str) -> Page:
    answer = httpx.get(f"{root}/", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    return Page(answer.text)


def links_of(page: Page, name: str) -> list[str]:
    """Links in the row of a portfolio."""
    row = page.html.partition(f">{name}</a>")
    before, after = row[0].rpartition("<a ")[2], row[2].partition("</th>")[0]
    return re.findall(r'href="([^"]+)"', before + after)


def links(page: Page) -> list[str]:
    return [str(attrs["href"]) for tag, attrs in page.tags if tag == "a"]


def test_a_portfolio_has_its_value_its_day_and_how_far_that_can_be_relied_on(pages) -> None:
    row = pages["released"].row("released")

    assert row[1].startswith("11,080.00 USD 29\u00a0Mar\u00a02017")
    assert "some are missing" in row[1]
    assert "not released yet" in pages["released"].row("<script>")[1]


def test_before_a_release_portfolios_are_there_and_values_are_unknown(pages) -> None:
    assert pages["unreleased"].row("released")[1] == "unknown USD not released yet"
    assert "Nothing is released yet" in pages["unreleased"].text


def test_an_empty_state_says_how_to_begin(pages) -> None:
    text = pages["empty"].text

    for said in ("curl -s localhost:8000/api/v1/portfolios", "make demo", "docs/imports.md", "MARKET_SOURCE=live"):
        assert said in text
    assert "/docs" in links(pages["empty"])


def test_every_link_leads_somewhere(pages, root) -> None:
    found = {link for page in pages.values() for link in links(page)}

    assert {f"/api/v1/portfolios/{PORTFOLIO}/{what}" for what in ("review.html", "imports.html", "positions")} <= found
    assert {"/docs", "/health/ready"} <= found
    assert {link: httpx.get(root + link).status_code for link in found} == dict.fromkeys(found, 200)


def test_it_runs_no_script_and_asks_no_other_host(pages) -> None:
    for page in pages.values():
        assert "://" not in page.html
        assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
        assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on") or key in {"src", "style"}]
        assert page.count("h1") == page.count("main") == 1
        assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
        assert not re.search(r"\b(None|nan|Undefined|Decimal)\b|\{\{", page.html.partition("</style>")[2])
    assert "<script>" not in pages["released"].html


def test_a_stranger_gets_nothing_of_it(pages, root) -> None:
    answer = send(root, Probe("GET / HTTP/1.1", ["Host: evil.example", EVIL]))

    assert answer.status == 421
    assert "11,080" not in answer.body


def test_many_portfolios_are_paged_and_archived_ones_are_apart(pages, root, api, foreign_portfolio) -> None:
    made = [api.post("/portfolios", json={"name": f"page {n}"}).json()["portfolio_id"] for n in range(MOST_PORTFOLIOS)]
    api.post(f"/portfolios/{made[0]}/archive").raise_for_status()

    first = at(root)
    (more,) = (link for link in links(first) if "cursor" in link)
    second = Page(httpx.get(root + more).text)

    reviews = [link for page in (first, second) for link in links(page) if link.endswith("review.html")]
    assert len(reviews) == len(set(reviews)) == 2 + MOST_PORTFOLIOS - 1
    assert sum(link.endswith("review.html") for link in links(first)) == MOST_PORTFOLIOS
    assert not any(made[0] in link or str(foreign_portfolio) in link for link in reviews)
    assert at(root, archived="true").row("page 0")
    assert httpx.get(f"{root}/", params={"cursor": "x"}).json()["code"] == "invalid_input"


def test_a_row_that_the_release_does_not_know_is_on_its_way(pages, root, database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update portfolio set version = version + 1000 where portfolio_id = %s", (PORTFOLIO,))

    assert "newer rows are on their way" in at(root).row("released")[1]


def a_day(day: int, total: int, **changed: object) -> PortfolioValue:
    zeros = ("positions_value", "cash", "cost_basis", "realised", "income", "tax", "fees", "transfer_gain", "fx_gain")
    counts = ("n_stale", "n_missing", "n_fx_stale", "n_fx_missing", "stale_days", "inflow", "outflow")
    values = {"total_value": Decimal(total), "currency": "USD", "coverage_pct": 100.0, "twr_index": None, **changed}
    return PortfolioValue(
        **{"business_date": date(2017, 3, day), **dict.fromkeys(zeros + counts, Decimal(0)), **values}
    )


def test_the_days_change_leaves_out_what_came_in_and_went_out() -> None:
    flows = {"inflow": Decimal(500), "outflow": Decimal(200)}
    change = change_of([a_day(27, 1), a_day(28, 10_000), a_day(29, 11_350, **flows)])
    assert change == DayChange(Decimal(1050), pytest.approx(0.1))

    row = FrontRow(a_portfolio(), None, a_total(status="PRICED"), is_behind=False, change=change)
    assert (
        "+1,050.00, +10.00\u202f%"
        in Page(front_page(Front([row], None, False, None, True, None))).row(a_portfolio().name)[1]
    )


def test_a_change_from_or_to_what_is_not_known_whole_is_unknown() -> None:
    for n in ("n_missing", "n_fx_missing"):
        assert change_of([a_day(28, 10_000, **{n: 1}), a_day(29, 11_000)]) is None
        assert change_of([a_day(28, 10_000), a_day(29, 11_000, **{n: 1})]) is None
    assert change_of([a_day(29, 11_000)]) is None
    assert change_of([a_day(28, 0), a_day(29, 5)]) == DayChange(Decimal(5), None), "of nothing there is no return"


def test_what_others_share_is_apart_and_what_they_offer_is_said() -> None:
    share = OfferedShare.model_validate(
        {**example_of(OfferedShare), "owner_name": "<b>Ada</b>", "accepted_at": datetime.now(UTC)}
    )
    rows = [FrontRow(a_portfolio()), FrontRow(a_portfolio("theirs"), share=share)]
    links = [("sharing", "shares.html"), ("gains", "gains.html")]
    page = Page(front_page(Front(rows, None, False, None, True, None, offers=2), of_portfolio=links))

    assert "2 portfolios are offered to you" in page.text
    assert "of <b>Ada</b>; you are its viewer" in page.row("theirs")[0]
    assert [link.rpartition("/")[2] for link in links_of(page, "theirs")] == ["review.html", "gains.html"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (FrontRow(a_portfolio(), is_held=True), "held"),
        (FrontRow(a_portfolio(), None, a_total(), is_behind=False, is_held=True), "held"),
        (FrontRow(a_portfolio(), None, a_total(status="PRICED"), is_behind=False), "prices and rates of the day"),
        (FrontRow(a_portfolio(), None, a_total(status="STALE"), is_behind=True), "some are stale; newer rows"),
        (FrontRow(a_portfolio(), None, a_total(status="UNCONFIRMED"), is_behind=False), "some jump"),
    ],
)
def test_a_value_that_cannot_be_relied_on_says_so_beside_it(row: FrontRow, said: str) -> None:
    page = Page(front_page(Front([row], None, False, None, False, None)))

    assert said in page.row(row.portfolio.name)[1]
    assert "The lake cannot be read" in page.text
