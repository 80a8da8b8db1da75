"""Return by period, risk and concentration, as text for a terminal; and the page that shows all of it."""

from pathlib import Path
from textwrap import wrap
from typing import Any

import httpx

_ONE_DAY = ("HISTORICAL", 0.95, 1)


def render(review: dict[str, Any]) -> str:
    """Write the API's review for the report."""
    sections = [_periods(review), _risk(review), _concentration(review["concentration"]), _in_words(review)]
    return "\n\n".join(filter(None, sections))


def save_page(client: httpx.Client, portfolio_id: str, file: Path) -> Path:
    """The portfolio's page in `file`, which needs nothing else."""
    answer = client.get(f"/portfolios/{portfolio_id}/review.html")
    answer.raise_for_status()
    file.write_bytes(answer.content)
    return file


def restated(found: dict[str, Any]) -> str:
    """Say which figures differ from before, and why."""
    before, after = found["before"], found["after"]
    title = (
        f"Release {after['release_id']} of {after['released_at']} beside {before['release_id']} of "
        f"{before['released_at']}"
    )
    if not found["n_days"]:
        return (
            f"{title}\n  no day up to {found['until']} is told otherwise"
            if found["until"]
            else f"{title}\n  it had no day"
        )
    largest = found["largest"]
    lines = [
        title,
        f"  {found['n_days']} days from {found['first_day']} to {found['last_day']} have other figures",
        f"  the value of {found['until']} was {found['last']['before_value']}, is {found['last']['after_value']}",
        f"  the most on {largest['business_date']}: by {largest['change']}",
    ]
    for row in found["transactions"]:
        note = f" ({row['note']})" if row["note"] else ""
        taken_back = f", takes back row {row['reverses_seq']}" if row["reverses_seq"] else ""
        lines.append(
            f"  because of ledger row {row['seq']}: {row['txn_type']} {row['ticker'] or row['currency']} on "
            f"{row['business_date']}{taken_back}, recorded {row['recorded_at']}{note}"
        )
    for changed in found["settings"]:
        lines.append(f"  because of its {changed['setting']}: {changed['before']} before, {changed['after']} now")
    for kind in ("prices", "rates"):
        for changed in found[kind]:
            lines.append(
                f"  because of {changed['n_days']} {kind} of {changed['what']} from {changed['first_day']} on: on "
                f"{changed['largest_day']} {changed['before']} before, {changed['after']} now"
            )
    return "\n".join(lines)


def _periods(review: dict[str, Any]) -> str:
    benchmark = review["benchmark"]["name"] if review["benchmark"] else "benchmark"
    lines = [f"{'Return':<18}{'net':>12}{'a year':>12}{'gross':>12}{'by money':>12}{benchmark:>12}"]
    for period in review["periods"]:
        name = period["period"].replace("_", " ").lower() if len(period["period"]) > 3 else period["period"]
        shown = [_percent(period[of]) for of in ("twr", "twr_annual", "twr_gross", "mwr", "benchmark_twr")]
        is_young = period["status"] == "TOO_YOUNG"
        text = f"{'too young':>12}" if is_young else "".join(f"{one:>12}" for one in shown)
        lines.append(f"  {name:<16}{text}")
    return "\n".join(lines)


def _risk(review: dict[str, Any]) -> str:
    names = {"REALISED": "as it was", "CURRENT_WEIGHTS": "of today's weights"}
    lines = [f"{'Risk':<22}{'volatility':>11}{'Sortino':>9}{'beta':>7}{'VaR 95 %':>10}{'ES':>8}{'deepest fall':>14}"]
    for profile in review["risk"]["profiles"]:
        tail = next(
            (one for one in profile["tails"] if (one["method"], one["confidence"], one["horizon_days"]) == _ONE_DAY),
            {"var": None, "es": None},
        )
        lines.append(
            f"  {names[profile['basis']]:<20}{_percent(profile['volatility']):>11}{_number(profile['sortino']):>9}"
            f"{_number(profile['beta']):>7}{_percent(tail['var']):>10}{_percent(tail['es']):>8}"
            f"{_percent(profile['max_drawdown']):>14}"
        )
    return "\n".join(lines)


def _concentration(found: dict[str, Any]) -> str:
    (whole,) = [one for one in found["dimensions"] if one["dimension"] == "security"]
    lines = [
        f"Concentration: as {_number(whole['effective_number'])} equal holdings (HHI {_number(whole['hhi'], 3)}); "
        f"the five largest are {_percent(whole['top_5'])}"
    ]
    for limit in found["limits"]:
        if limit["state"] in ("WARN", "BREACH"):
            of = limit["label"] or limit["measure"]
            bound = limit["breach_at"] if limit["state"] == "BREACH" else limit["warn_at"]
            lines.append(
                f"  {limit['state']}: {of} ({limit['dimension']}) {_number(limit['value'])}, from {bound:.2f} on"
            )
    return "\n".join(lines)


def _in_words(review: dict[str, Any]) -> str:
    analysis = review.get("risk_analysis")
    if not analysis:
        return ""
    lines = [f"What may go wrong, as {analysis['model_used']} says it from {len(analysis['facts'])} facts"]
    for risk in analysis["risks"]:
        lines += [
            f"  {risk['severity'].lower()}: {risk['title']}",
            *(f"    {line}" for line in wrap(risk["text"], 100)),
        ]
    return "\n".join([*lines, *(f"  {line}" for line in wrap(analysis["macro_climate_summary"], 100))])


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:z,.2f} %"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:z.{digits}f}"
