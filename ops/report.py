"""The demo's report: what the API says of one portfolio, as text for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from ops import explain_report, review_report, simulation_report
from ops.client import get

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 78
_MOST_PRICED = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the report shows, as the API gave it."""

    portfolio: dict[str, Any]
    positions: dict[str, Any]
    values: Sequence[dict[str, Any]]
    performance: dict[str, Any]
    correlations: Sequence[dict[str, Any]]
    simulation: dict[str, Any]
    scenario: dict[str, Any] | None
    explanation: dict[str, Any]
    change: dict[str, Any]
    review: dict[str, Any]


def gather(client: httpx.Client, portfolio_id: str) -> Facts:
    """Ask the API for one portfolio's positions, history, performance, correlations and standing simulation."""
    here = f"/portfolios/{portfolio_id}"
    simulations = get(client, f"{here}/simulations")["items"]
    standing = next(item for item in simulations if item["is_standing"])
    beside = next((item for item in simulations if item["scenario"] and item["seed"] == standing["seed"]), None)
    positions, review = get(client, f"{here}/positions"), get(client, f"{here}/review")
    largest = max(positions["positions"], key=lambda position: float(position["market_value_base"] or 0))
    return Facts(
        portfolio=get(client, here),
        positions=positions,
        explanation=get(client, "/explain", ref=f"{review['explain']}/holdings/{largest['ticker']}/value"),
        change=get(client, f"{here}/change", **{"from": f"{int(review['day'][:4]) - 1}-12-31"}),
        values=get(client, f"{here}/values")["values"],
        performance=get(client, f"{here}/performance")["performance"],
        correlations=get(client, f"{here}/correlations")["extremes"],
        simulation=get(client, f"/simulations/{standing['simulation_id']}"),
        scenario=get(client, f"/simulations/{beside['simulation_id']}") if beside else None,
        review=review,
    )


def render(facts: Facts) -> str:
    """The report."""
    sections = [
        _heading(facts),
        _positions(facts.positions),
        explain_report.render(facts.explanation),
        change_of(facts.change),
        _history(facts.values),
        _performance(facts.performance),
        review_report.render(facts.review),
        _correlations(facts.correlations),
        simulation_report.render(facts.simulation, facts.scenario),
    ]
    return "\n\n".join(sections)


def _heading(facts: Facts) -> str:
    release, portfolio = facts.positions, facts.portfolio
    title = f"{portfolio['name']} at the close of {release['as_of']}, in {portfolio['base_currency']}"
    return f"\n{title}\n{'=' * len(title)}\nrelease {release['release_id']}, ledger version {portfolio['version']}"


def _positions(positions: dict[str, Any]) -> str:
    lines = [f"{'':<6}{'quantity':>12}{'avg cost':>12}{'cost':>14}{'value':>15}{'gain':>15}  status"]
    ranked = sorted(positions["positions"], key=lambda position: -float(position["market_value"] or 0))
    for position in ranked:
        lines.append(
            f"{position['ticker']:<6}{amount_of(position['quantity'], 0):>12}{amount_of(position['avg_cost'], 4):>12}"
            f"{amount_of(position['cost_basis']):>14}{amount_of(position['market_value']):>15}"
            f"{amount_of(position['gain_loss']):>15}  {status_of(position)}"
        )
    total = positions["total"]
    lines.append(f"{'cash':<6}{amount_of(total['cash']):>53}")
    lines.append(
        f"{'total':<6}{amount_of(total['cost_basis']):>38}{amount_of(total['total_value']):>15}"
        f"{'':>15}  {value_status(total)}"
    )
    return "\n".join(lines)


def status_of(position: dict[str, Any]) -> str:
    """Age of a position's price, and of its rate where that is not the day's."""
    status = position["status"] if position["status"] != "STALE" else f"STALE {position['stale_days']} days"
    return status if position["fx_status"] == "PRICED" else f"{status}, rate {position['fx_status']}"


def value_status(total: dict[str, Any]) -> str:
    """Status of a value, and of how many holdings and balances it is not PRICED; its coverage, never rounded up."""
    counts = [
        f"{total[name]} {label}"
        for name, label in (
            ("n_stale", f"STALE up to {total['stale_days']} days"),
            ("n_missing", "MISSING"),
            ("n_fx_stale", "at an old rate"),
            ("n_fx_missing", "FX_MISSING"),
        )
        if total[name]
    ]
    return ", ".join([total["status"], *counts, f"coverage {int(total['coverage_pct'])} %"])


def change_of(change: dict[str, Any]) -> str:
    """The change of value by its terms, which add up to it; of prices and rates the largest securities."""
    head = f"What changed since {change['begins']}: {amount_of(change['change'])} {change['currency']}"
    priced = [term for term in change["terms"] if term["ticker"]]
    shown = sorted(priced, key=lambda term: -abs(Decimal(term["amount"])))[:_MOST_PRICED]
    rest = sum((Decimal(term["amount"]) for term in priced if term not in shown), Decimal(0))
    kept = [term for term in change["terms"] if term not in priced or term in shown]
    lines = [(term["label"], Decimal(term["amount"])) for term in kept]
    if len(priced) > len(shown):
        lines.append((f"prices and rates of {len(priced) - len(shown)} others", rest))
    lines.append(("rounding", Decimal(change["rounding"])))
    return "\n".join([head, *(f"  {label:<44}{amount_of(amount):>16}" for label, amount in lines)])


def _history(values: Sequence[dict[str, Any]]) -> str:
    totals = [float(value["total_value"]) for value in values]
    top = max(totals)
    columns = [totals[min(int((column + 0.5) * len(totals) / _WIDTH), len(totals) - 1)] for column in range(_WIDTH)]
    rows = 4
    bars = []
    for row in reversed(range(rows)):
        levels = [min(max(value / top * rows - row, 0), 1) for value in columns]
        bars.append("".join(_BLOCKS[round(level * 8) - 1] if round(level * 8) else " " for level in levels).rstrip())
    first, last = values[0]["business_date"], values[-1]["business_date"]
    return "\n".join([f"Value over time, up to {top:,.0f}", *bars, f"{first}{last:>{_WIDTH - len(first)}}"])


def _performance(performance: dict[str, Any]) -> str:
    recovery = performance["max_drawdown_recovery"] or "not yet"
    years = (_day(performance["as_of"]) - _day(performance["first_date"])).days / 365.25
    rows = [
        ("contributed, net", amount_of(performance["net_contributions"])),
        (
            "TWR",
            f"{percent_of(performance['twr'])} in {years:.1f} years, {percent_of(performance['twr_annual'])} a year",
        ),
        ("XIRR", f"{percent_of(performance['xirr'])} a year ({performance['xirr_status']})"),
        ("volatility", f"{percent_of(performance['volatility_annual'])} a year"),
        ("Sharpe", _sharpe(performance)),
        (
            "max drawdown",
            f"{percent_of(performance['max_drawdown'])} from {performance['max_drawdown_peak']} to "
            f"{performance['max_drawdown_trough']}, back on {recovery}",
        ),
    ]
    return "\n".join(["Since inception", *(f"  {name:<18}{text}" for name, text in rows)])


def _sharpe(performance: dict[str, Any]) -> str:
    status = performance["sharpe_status"]
    return f"{performance['sharpe']:z.2f} over the three-month Treasury" if status == "OK" else f"none ({status})"


def _correlations(extremes: Sequence[dict[str, Any]]) -> str:
    lines = [f"  {pair['ticker_a']:<6}{pair['ticker_b']:<6}{pair['correlation']:z6.2f}" for pair in extremes]
    return "\n".join(["Correlation of daily log returns, 10 years: lowest and highest", *lines])


def amount_of(text: str | Decimal | None, digits: int = 2) -> str:
    return "missing" if text is None else f"{float(text):z,.{digits}f}"


def percent_of(fraction: float | None) -> str:
    return "undefined" if fraction is None else f"{100 * fraction:z,.2f} %"


def _day(text: str) -> date:
    return date.fromisoformat(text)
