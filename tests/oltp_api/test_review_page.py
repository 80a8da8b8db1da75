"""The page of a review: what it says, what it never says, and what it leaves alone."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from review_numbers import (
    LAST,
    PERIODS,
    a_concentration,
    a_curve,
    a_fan,
    a_period,
    a_portfolio,
    a_profile,
    a_review,
    a_risk,
    a_total,
    an_unknown_review,
    some_holdings,
    too_few,
    too_young,
)
from simulation_views import a_real_fan, a_review_with_futures, a_simulation

from oltp_api.review.page import axes, charts, sections, wording
from oltp_api.review.page import svg as drawings
from oltp_api.review.page.review import review_page
from oltp_api.review.schemas import ContributionsView, PeriodView, ReviewView, RiskBody

VOID = {"meta", "br", "input", "col"}
SHEET = Path(axes.__file__).with_name("review.css").read_text()


class Page(HTMLParser):
    """A document as a browser sees it: every tag is closed in its order, and rows are texts of cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute of {tag} is there twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def row(self, name: str) -> list[str]:
        """The first row whose name begins so, without the spaces of its source."""
        rows = ([re.sub(r"[ \n]+", " ", cell).strip(" \n") for cell in row] for row in self.rows)
        return next(row for row in rows if row[0].startswith(name))


def shown(review: ReviewView) -> Page:
    return Page(review_page(review))


REVIEWS: dict[str, Callable[[], ReviewView]] = {
    "everything": a_review,
    "nothing": an_unknown_review,
    "one day": lambda: a_review(curve=a_curve(1), periods=[a_period("1D"), too_young("1Y")], fan=a_fan(0)),
    "two days": lambda: a_review(curve=a_curve(2, every=1)),
    "one holding": lambda: a_review(holdings=some_holdings()[:1], cash=()),
    "no benchmark": lambda: a_review(benchmark=None),
    "no parts": lambda: a_review(
        benchmark=None,
        risk=None,
        concentration=None,
        curve=None,
        fan=None,
        total=None,
        periods=(),
        holdings=(),
        cash=(),
    ),
    "values and no curve": lambda: a_review(curve=None, fan=None),
    "an empty fan": lambda: a_review(fan=[]),
    "nothing held": lambda: a_review(
        risk=RiskBody(profiles=[too_few("REALISED")], components=[], backtest=None, left_out=[]),
        concentration=a_concentration().model_copy(update={"dimensions": [], "limits": []}),
    ),
    "less than nothing": lambda: a_review(
        total=a_total(total_value=Decimal("-1200.5")),
        curve=a_curve().model_copy(update={"value": [-1.0 - i for i in range(600)]}),
    ),
}


@pytest.mark.parametrize("name", REVIEWS)
def test_every_review_is_a_whole_document(name: str) -> None:
    page = shown(REVIEWS[name]())

    assert page.html.startswith("<!DOCTYPE html>")
    assert page.count("h1") == page.count("main") == 1
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert all(attrs["aria-label"] for tag, attrs in page.tags if attrs.get("role") == "img")
    assert not re.search(r"\b(None|nan|inf|Undefined|Decimal)\b|\{\{", page.html.partition("</style>")[2])


@pytest.mark.parametrize("name", REVIEWS)
def test_no_review_asks_another_host_or_runs_a_script(name: str) -> None:
    page = shown(REVIEWS[name]())

    assert "://" not in page.html
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
    assert not [
        key for _, attrs in page.tags for key in attrs if key.startswith("on") or key in {"src", "href", "style"}
    ]
    assert "@import" not in page.html
    assert "url(" not in page.html
    (policy,) = (a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_text_of_users_is_text() -> None:
    script = "<script>alert('x')</script>"
    held = some_holdings()[0].model_copy(update={"ticker": script, "name": 'A & "B"'})

    page = shown(a_review(portfolio=a_portfolio(script), holdings=[held]))

    assert "<script" not in page.html
    assert page.text.count(script) >= 3, "in the title, the heading and the row"
    assert 'A & "B"' in page.text


def test_each_period_has_a_row_and_a_young_one_says_so() -> None:
    page = shown(a_review())

    for name in PERIODS:
        assert page.row(wording.period(name))
    assert page.row("5 years") == ["5 years", "too young"]
    assert page.row("1 year")[1:4] == ["+11.00\u202f%", "+8.80\u202f%", "+2.20\u202f%"]
    assert page.row("Month to date")[5] == "under a year"
    assert page.row("3 years")[7].endswith("*")


def test_what_is_not_known_is_never_a_zero() -> None:
    fields = [name for name in PeriodView.model_fields if name not in {"period", "status", "start", "as_of"}]
    page = shown(a_review(periods=[a_period("1Y", **dict.fromkeys(fields))]))

    assert page.row("1 year")[1:] == ["unknown"] * 9

    page = shown(
        a_review(risk=a_risk().model_copy(update={"profiles": [too_few("REALISED"), too_few("CURRENT_WEIGHTS")]}))
    )

    for measure in ("Volatility", "Deepest fall", "Sharpe", "Beta"):
        assert page.row(measure)[1:] == ["too few days"] * 2


def test_a_value_at_older_prices_says_so_beside_it_and_at_the_holding() -> None:
    old = {"status": "STALE", "n_stale": 2, "n_missing": 0, "n_fx_stale": 1, "stale_days": 5, "coverage_pct": 100.0}
    fresh = {**old, "status": "PRICED", "n_stale": 0, "n_fx_stale": 0, "stale_days": 0}

    stale, priced = (shown(a_review(total=a_total(**changed))) for changed in (old, fresh))

    assert "2 holdings are at an older price, the oldest of 5 sessions ago." in stale.text
    assert "One holding or balance is at an older exchange rate." in stale.text
    assert "USD, some are stale" in stale.text
    assert "an older price, the oldest" not in priced.text
    assert "(price 3 sessions old)" in priced.text  # of NESN
    assert "(1 at an older price or rate)" in priced.text  # T10, folded
    assert "some are missing" in shown(a_review(total=a_total())).text


def test_a_ratio_that_there_is_not_says_why() -> None:
    none = {"sharpe": None, "sharpe_status": "NO_RISK_FREE", "sortino": None, "sortino_status": "NO_RISK_FREE"}
    cash = {"sharpe": None, "sharpe_status": "NO_VARIATION", "sortino": None, "sortino_status": "NO_VARIATION"}
    none |= {"alpha": None, "beta": None, "alpha_status": "NO_RISK_FREE"}
    whose = [
        a_profile("REALISED").model_copy(update=none),
        a_profile("CURRENT_WEIGHTS").model_copy(update=cash),
    ]
    page = shown(a_review(risk=a_risk().model_copy(update={"profiles": whose})))

    for measure in ("Sharpe", "Sortino"):
        assert page.row(measure)[1:] == ["no risk-free rate", "does not move"]
    for measure in ("Beta", "Alpha"):
        assert page.row(measure)[1] == "no risk-free rate"


def test_a_holding_without_a_price_has_an_unknown_value_and_no_bar() -> None:
    page = shown(a_review())

    assert page.row("T11")[1:] == ["unknown", "unknown"]
    (share,) = (share for share in sections.allocation(a_review()) if share.name == "T11")
    assert "<rect" not in share.bar


def test_a_money_weighted_return_that_there_is_not_says_why() -> None:
    page = shown(a_review(periods=[a_period("1Y", mwr=None, xirr=None, xirr_status="NO_SIGN_CHANGE")]))

    assert page.row("1 year")[6:8] == ["no solution", "no solution"]


def test_incomplete_coverage_is_warned_of_and_not_rounded_away() -> None:
    assert "Not all of it is valued" in shown(a_review(total=a_total(coverage_pct=99.9999))).text
    assert "99.99\u202f%" in shown(a_review(total=a_total(coverage_pct=99.9999))).text
    assert "Not all of it is valued" not in shown(a_review(total=a_total(coverage_pct=100.0))).text


def test_a_price_index_is_called_one() -> None:
    assert "price index, without dividends" in shown(a_review()).text
    total = a_review().benchmark
    assert total is not None
    assert "dividends" not in shown(a_review(benchmark=total.model_copy(update={"kind": "TOTAL_RETURN"}))).text


def test_without_a_benchmark_nothing_is_compared() -> None:
    page = shown(a_review(benchmark=None))

    assert "There is no benchmark" in page.text
    assert "Active" not in [cell for row in page.rows for cell in row]


def test_a_portfolio_that_the_release_does_not_know_has_no_numbers() -> None:
    page = shown(an_unknown_review())

    assert "does not know this portfolio yet" in page.text
    assert page.rows == []
    assert page.count("svg") == 0


def test_the_allocation_holds_all_of_the_value_whatever_is_folded() -> None:
    review = a_review()
    rows = sections.allocation(review)

    assert len(rows) == sections.MOST_ROWS + 2
    everything = [held.value for held in review.holdings] + [cash.balance_base for cash in review.cash]
    assert sum(row.value or 0 for row in rows) == sum(value or 0 for value in everything)
    assert "8 others" in [row.name for row in rows]


def test_folded_parts_of_risk_sum_to_the_same_whole() -> None:
    risk = a_risk()

    assert sum(part.var or 0 for part in sections.components(risk)) == pytest.approx(
        sum(part.var or 0 for part in risk.components)
    )


def test_a_limit_that_is_passed_says_so_in_words() -> None:
    page = shown(a_review())

    assert page.row("AAPL security, gross")[1] == "■ BREACH"
    assert page.row("Information Technology sector")[1] == "▲ WARN"
    assert "11 more are OK." in page.text


def test_a_contribution_has_no_section_without_data() -> None:
    assert 'id="contribution"' not in review_page(a_review())


def test_contributions_of_a_year_are_told_by_size_with_what_no_holding_did() -> None:
    parts = [{"ticker": f"T{i:02}", "contribution": (i - 5) / 1000} for i in range(20)]
    whole = {"period": "1Y", "parts": parts, "other": -0.0015, "twr": 0.0885}
    page = review_page(a_review(contributions=[ContributionsView.model_validate(whole)]))

    section = page.partition('id="contribution"')[2].partition("</section>")[0]
    assert "What made the +8.85" in section
    assert section.index("T19") < section.index("T10") < section.index("others") < section.index("Cash, rates")
    assert section.count("<tr") == 1 + sections.MOST_ROWS + 2


def test_a_page_of_600_days_is_small() -> None:
    assert len(review_page(a_review()).encode()) < 200_000


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [(-1234.5, 2, "−1,234.50"), (-0.001, 2, "0.00"), (0, 0, "0"), (None, 2, "unknown"), (float("nan"), 2, "unknown")],
)
def test_a_number_has_a_true_minus_and_zero_has_none(value: float | None, digits: int, said: str) -> None:
    assert wording.number(value, digits) == said


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.7, 12), (0.98, 1.013), (5, 5), (0, 0), (-2, -2), (1e-9, 3e11)])
@pytest.mark.parametrize("most", [3, 6, 10])
def test_ticks_are_even_round_few_and_cover_the_range(low: float, high: float, most: int) -> None:
    found = axes.ticks(low, high, most)

    assert found.values[0] <= low
    assert found.values[-1] >= high
    assert 2 <= len(found.values) <= most + 2
    assert all(b - a == pytest.approx(found.step) for a, b in pairwise(found.values))
    assert float(f"{found.step:.0e}"[0]) in {1, 2, 5}
    assert len({f"{value:.{found.digits}f}" for value in found.values}) == len(found.values)


@pytest.mark.parametrize("n_days", [0, 1, 5, 30, 100, 400, 1000, 4000, 20_000])
@pytest.mark.parametrize("most", [4, 9])
def test_days_are_marked_in_order_and_not_too_often(n_days: int, most: int) -> None:
    marks = axes.day_marks(LAST - timedelta(days=n_days), LAST, most)

    assert 1 <= len(marks) <= most
    assert all(a.place < b.place for a, b in pairwise(marks))
    assert all(0 <= mark.place <= 1 for mark in marks)
    assert len({mark.text for mark in marks}) == len(marks)


def test_years_are_marked_in_january() -> None:
    marks = axes.day_marks(date(2019, 1, 1), date(2024, 1, 1), 9)

    assert [mark.text for mark in marks] == ["2019", "2020", "2021", "2022", "2023", "2024"]
    assert marks[0].place == 0
    assert marks[-1].place == 1


def test_the_ticks_of_large_amounts_are_told_apart() -> None:
    scale = axes.ticks(0, 12_500_000)
    said = [wording.short(value, scale.step, scale.digits) for value in scale.values]

    assert len(set(said)) == len(said)
    assert max(map(len, said)) <= len("9,999,999")


def test_a_line_is_parted_where_a_value_is_not_known_and_one_point_is_a_dot() -> None:
    marks = axes.day_marks(LAST, LAST, 4)
    across = charts.Across([0, 0.5, 1], marks, marks)

    def drawn(*values: float | None) -> str:
        shapes = [charts.ChartLine("value", values)]
        return charts.chart(across, axes.ticks(0, 10), shapes, message="m", tick_text=str)

    assert re.findall('class="line value" d="([^"]+)"', drawn(0, None, 10)) == []
    assert re.findall('class="line value dot" d="([^"]+)"', drawn(0, None, 10)) == ["M0,1000h0M2000,0h0"]
    assert re.findall('class="line value" d="([^"]+)"', drawn(0, 5, 10)) == ["M0,1000 1000,500 2000,0"]
    assert re.findall('class="line value" d="([^"]+)"', drawn(0, 5, None)) == ["M0,1000 1000,500"]


def test_a_flat_series_is_a_level_line_inside_the_chart() -> None:
    flat = a_curve(3).model_copy(update={"index": [1.0, 1.0, 1.0]})
    (path,) = re.findall('class="line value" d="M([^"]+)"', drawings.growth_chart(flat, None))

    (height,) = {int(point.split(",")[1]) for point in path.split()}
    assert 0 < height < 1000


def test_bars_share_a_scale_that_holds_zero() -> None:
    up, down, unknown = charts.bars([30.0, -10.0, None])

    assert 'class="plus" x="25.00" width="75.00"' in up
    assert 'class="minus" x="0.00" width="25.00"' in down
    assert "<rect" not in unknown


def test_a_chart_says_its_message() -> None:
    said = drawings.drawdown_chart(a_curve())

    assert re.search('role="img" aria-label="Below the last high. The deepest was −[0-9.]+\u202f% on ', said)


def test_a_long_fan_is_thinned_to_its_end() -> None:
    rows = drawings.thinned(a_fan(30))

    assert len(rows) <= 161 + 1
    assert (rows[0]["years"], rows[-1]["years"]) == (0, 30)
    assert [row["years"] for row in drawings.fan_rows(a_fan(20))] == [1, 2, 5, 10, 20]


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_and_line_stands_out_from_its_ground(theme: int) -> None:
    """WCAG 2.2: 4.5 for texts, 3 for graphics."""
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)[theme]))

    for ink, ground in (
        *((ink, "page") for ink in ("ink", "quiet", "ok-ink")),
        *((ink, "soft") for ink in ("ink", "quiet")),
        ("warn-ink", "warn-page"),
        ("breach-ink", "breach-page"),
    ):
        assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for line in ("value", "put-in", "loss", "minus", "benchmark", "mean"):
        assert _contrast(colours[line], colours["page"]) >= 3, line


def test_a_fan_says_what_it_rests_on_how_often_its_kind_was_right_and_what_to_doubt() -> None:
    page = a_review_with_futures("stagflation")

    said = (
        "posterior between a prior and ten years of data, 7.8\u202f% a year for the whole; inflation 2.0\u202f%",
        "<strong>Its track record:</strong> bands of this kind held 92 %",
        "▲ Doubt this fan:</strong> the drift is high, of stagflation.",
        "<figcaption>In today’s money, under stagflation</figcaption>",
        "123,457,000\u202f± 99,000",
        "even the worst paths end above today",
        "/simulations/compare.html?ids=",
        "Falls are seen at the\nmonths’ ends",
    )
    assert [one for one in said if one not in page] == []


def test_a_fan_that_grows_many_times_is_drawn_by_logarithms() -> None:
    little, much = a_real_fan(1), a_real_fan(30, 1.3)

    assert [drawings.fan_scale([fan]).is_log for fan in (little, much, [*much, {**much[-1], "p5": 0.0}])] == [
        False,
        True,
        False,
    ]
    scale = drawings.fan_scale([much])
    amounts = [10**value for value in scale.ticks.values]
    assert amounts[0] <= min(row["p5"] for row in much)
    assert amounts[-1] >= max(row["p95"] for row in much)
    assert len(amounts) <= 9


def test_a_result_from_before_figures_had_errors_is_shown_as_it_is() -> None:
    old = a_simulation(summary={"as_of": "2017-03-29", "median": 103.0})
    update = {"simulation": old, "fan": a_fan(), "beside": a_simulation(scenario="x"), "beside_fan": a_real_fan(20)}
    page = review_page(a_review().model_copy(update=update))

    assert page.count('<svg class="chart') == 4, "value, drawdown, growth and the fan in money of the day"
    assert "not computed then" in page
