"""The report that the demo prints, from the API's answers; and that the demo's history is of the bundled market."""

import csv
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from ops import demo, report, review_report
from storage.settings import REPOSITORY


@pytest.fixture(scope="module")
def facts(platform_home) -> report.Facts:
    with platform_home.client() as client:
        return report.gather(client, platform_home.portfolio_id)


def test_every_position_stands_in_the_report_with_its_value(facts: report.Facts) -> None:
    text = report.render(facts)

    for position in facts.positions["positions"]:
        line = next(line for line in text.splitlines() if line.startswith(f"{position['ticker']} "))
        assert f"{Decimal(position['market_value']):,.2f}" in line
        assert line.endswith("PRICED")
    assert f"{Decimal(facts.positions['total']['total_value']):,.2f}" in text
    assert "PRICED, coverage 100 %" in text


def test_return_and_risk_stand_in_the_report(facts: report.Facts) -> None:
    text = report.render(facts)

    for name in ("twr_annual", "xirr", "volatility_annual", "max_drawdown"):
        assert f"{100 * facts.performance[name]:,.2f} %" in text
    assert facts.performance["max_drawdown_trough"] in text


def test_periods_risk_and_concentration_stand_in_the_report(facts: report.Facts) -> None:
    text = report.render(facts)

    for period in facts.review["periods"]:
        assert f"{100 * period['twr']:,.2f} %" in text
    realised, current = facts.review["risk"]["profiles"]
    for profile in (realised, current):
        assert f"{100 * profile['volatility']:,.2f} %" in text
    assert "WARN: Apple Inc. (issuer) 0.26, from 0.20 on" in text


def test_the_page_is_saved_whole(platform_home, tmp_path) -> None:
    with platform_home.client() as client:
        page = review_report.save_page(client, platform_home.portfolio_id, tmp_path / "review.html")

    text = page.read_text()
    assert text.rstrip().endswith("</html>")
    assert "Family savings 1990" in text


def test_the_fan_is_shown_at_five_horizons_with_the_probability_of_loss(facts: report.Facts) -> None:
    lines = report.render(facts).splitlines()
    start = next(number for number, line in enumerate(lines) if "P(loss)" in line)
    shown = [line.split() for line in lines[start + 1 : start + 6]]

    assert [int(words[0]) for words in shown] == [1, 5, 10, 20, 30]
    for words in shown:
        amounts = [float(word.replace(",", "")) for word in words[1:6]]
        assert amounts == sorted(amounts)
        assert words[-1] == "%"


def test_a_missing_price_and_a_stale_one_are_said(facts: report.Facts) -> None:
    missing = {**facts.positions["positions"][0], "status": "MISSING", "market_value": None, "gain_loss": None}
    stale = {**facts.positions["positions"][1], "status": "STALE", "stale_days": 4}
    text = report.render(
        report.Facts(
            facts.portfolio,
            {**facts.positions, "positions": [missing, stale]},
            facts.values,
            facts.performance,
            facts.correlations,
            {**facts.simulation, "status": "REFUSED", "reason": "no price"},
            None,
            facts.explanation,
            facts.change,
            facts.review,
        )
    )

    assert "missing  MISSING" in text
    assert "STALE 4 days" in text
    assert "Simulation: REFUSED no price" in text


def test_recording_the_history_again_adds_nothing(platform_home) -> None:
    with platform_home.client() as client:
        before = report.gather(client, platform_home.portfolio_id).portfolio["version"]
        assert demo.record_history(client) == platform_home.portfolio_id
        assert report.gather(client, platform_home.portfolio_id).portfolio["version"] == before


def test_the_history_trades_at_the_closes_of_the_bundled_market() -> None:
    prices = pq.read_table(REPOSITORY / "sample_data" / "price_daily.parquet")
    columns = (prices[name].to_pylist() for name in ("ticker", "price_date", "close"))
    closes = {(ticker, day.isoformat()): close for ticker, day, close in zip(*columns, strict=True)}
    with demo.HISTORY.open() as lines:
        trades = [row for row in csv.DictReader(lines) if row["ticker"]]

    assert len({row["ticker"] for row in trades}) >= 12
    for row in trades:
        assert Decimal(row["price"]) == closes[row["ticker"], row["business_date"]]
