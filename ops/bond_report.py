"""The demo's report of its bonds: what the API says of the portfolio that holds them, as text for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx

from ops.client import get, pages
from ops.report import amount_of, change_of, percent_of, status_of, value_status


@dataclass(frozen=True, slots=True)
class BondReport:
    """Everything the report shows, as the API gave it. `valuations` are by security."""

    portfolio: dict[str, Any]
    positions: dict[str, Any]
    valuations: dict[int, dict[str, Any]]
    change: dict[str, Any]
    performance: dict[str, Any]
    transactions: Sequence[dict[str, Any]]


def gather(client: httpx.Client, portfolio_id: str) -> BondReport:
    """Ask the API for one portfolio's bonds, how each is valued, and what they have paid."""
    here = f"/portfolios/{portfolio_id}"
    positions = get(client, f"{here}/positions")
    held = [position["security_id"] for position in positions["positions"]]
    performance = get(client, f"{here}/performance")["performance"]
    return BondReport(
        portfolio=get(client, here),
        positions=positions,
        valuations={bond: get(client, f"/lineage{here}/securities/{bond}")["valuation"] for bond in held},
        change=get(client, f"{here}/change", **{"from": str(_day_before(performance["first_date"]))}),
        performance=performance,
        transactions=list(pages(client, f"{here}/transactions")),
    )


def _day_before(day: str) -> date:
    return date.fromisoformat(day) - timedelta(days=1)


def render(facts: BondReport) -> str:
    """The report."""
    portfolio, positions, performance = facts.portfolio, facts.positions, facts.performance
    title = f"{portfolio['name']} at the close of {positions['as_of']}, in {portfolio['base_currency']}"
    returned = (
        f"TWR {percent_of(performance['twr_annual'])} a year, XIRR {percent_of(performance['xirr'])} a year, "
        f"volatility {percent_of(performance['volatility_annual'])} a year"
    )
    head = f"\n{title}\n{'=' * len(title)}"
    return "\n\n".join([head, _bonds(facts), _paid(facts.transactions), f"{change_of(facts.change)}\n  {returned}"])


def _bonds(facts: BondReport) -> str:
    lines = [
        f"{'':<18}{'face':>10}{'clean':>9}{'accrued':>9}{'yield':>9}{'duration':>9}{'value':>13}{'gain':>11}  status"
    ]
    for position in facts.positions["positions"]:
        told = facts.valuations[position["security_id"]]
        lines.append(
            f"{position['ticker']:<18}{amount_of(position['quantity'], 0):>10}{amount_of(told['clean_price'], 3):>9}"
            f"{amount_of(told['accrued'], 4):>9}{told['yield_pct']:>7.3f} %{told['modified_duration_years']:>9.3f}"
            f"{amount_of(position['market_value']):>13}{amount_of(position['gain_loss']):>11}  {status_of(position)}"
        )
    total = facts.positions["total"]
    lines.append(f"{'cash':<18}{amount_of(total['cash']):>59}")
    lines += [f"{'total':<18}{amount_of(total['total_value']):>59}", f"  {value_status(total)}"]
    return "\n".join(lines)


def _paid(transactions: Sequence[dict[str, Any]]) -> str:
    """List what bonds have paid, each in a line."""
    reversed_by = {row["reverses_seq"] for row in transactions}
    standing = [row for row in transactions if row["seq"] not in reversed_by]
    lines = ["What the bonds have paid"]
    for ticker in dict.fromkeys(row["ticker"] for row in standing if row["ticker"]):
        coupons = [row for row in standing if row["ticker"] == ticker and row["type"] == "COUPON"]
        summed = amount_of(sum((Decimal(row["cash_effect"]) for row in coupons), Decimal(0)))
        counted = f"{len(coupons)} coupon{'s' * (len(coupons) != 1)}"
        redeemed = [row for row in standing if row["ticker"] == ticker and row["note"].startswith("redemption")]
        last = [f"; {amount_of(row['cash_effect'])} at par on {row['business_date']}" for row in redeemed]
        last = last or [f", the last on {row['business_date']}" for row in coupons[-1:]]
        lines.append(f"  {ticker:<18}{summed:>12} in {counted}{''.join(last)}")
    return "\n".join(lines)
