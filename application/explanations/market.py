"""Rows of the market that figures are made of, settings and rules, and what a simulation started from."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import quote

from application.explanations.asked import AskedFigure, Source, told
from application.explanations.sources import SQL
from domain.explanations import Explained

_FIRST = date(1900, 1, 1)


def prices(since: str | None = None) -> Source:
    """Closes of what is held up to the figure's day, after the field `since`."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        after = asked.day_of(since) if since else None
        rows = asked.rows(SQL["prices_between"], day=asked.day, since=after)
        if rows and rows[0]["n"]:
            (row,) = rows
            span = f"{row['first_day']} to {row['last_day']}"
            yield Explained(
                f"closes of the {row['n_securities']} securities that are held, {span}",
                row["n"],
                "count",
                source=asked.at("marts/fact_price_daily", span),
                n=row["n"],
            )

    return found


def price(asked: AskedFigure) -> Iterator[Explained]:
    """The last close of the security up to the day."""
    for row in asked.rows(SQL["price_on"], ticker=asked.filled("{ticker}"), day=asked.day):
        unit = "per 100 of face" if row["asset_type"] == "BOND" else f"{row['currency']} per unit"
        yield Explained(
            f"close of {asked.filled('{ticker}')} on {row['price_date']}, from {row['price_source']}",
            told(row["close"]),
            unit,
            source=asked.at_price(row["security_id"], row["price_date"]),
            link=f"/api/v1/securities/{quote(asked.filled('{ticker}'))}/price?on={row['price_date']}",
        )


def rates(asked: AskedFigure) -> Iterator[Explained]:
    """The euro's reference rates of the currencies of the day, where there is more than one."""
    held = [row["currency"] for row in asked.rows(SQL["currencies"], day=asked.day)]
    base = [row["base_currency"] for row in asked.rows(SQL["settings"])]
    currencies = sorted({*held, *base})
    for row in asked.rows(SQL["rates_on"], day=asked.day, currencies=currencies) if len(currencies) > 1 else ():
        yield Explained(
            f"euro's reference rate in {row['currency']} of {row['rate_date']}",
            told(row["rate_per_eur"]),
            f"{row['currency']} per EUR",
            source=asked.at("marts/fx_rate_daily", f"{row['business_date']}, {row['currency']}"),
        )


def benchmark(since: str | None = None) -> Source:
    """Levels of the document's benchmark between the field `since` and the figure's day."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        named = asked.document.get("benchmark")
        if not named:
            return
        days = {"since": (asked.day_of(since) if since else None) or _FIRST, "until": asked.day}
        rows = asked.rows(SQL["index_between"], ticker=named["name"], **days)
        if rows:
            span = f"{rows[0]['price_date']} to {rows[-1]['price_date']}"
            yield Explained(
                f"levels of {named['name']}, {named['description'] or 'the benchmark'}",
                rows[0]["n"],
                "count",
                source=asked.at("raw/price_daily", f"{named['name']}, {span}"),
                n=rows[0]["n"],
                children=[_level(asked, named["name"], row) for row in rows],
            )

    return found


def _level(asked: AskedFigure, ticker: str, row: dict[str, Any]) -> Explained:
    key = f"{row['price_date']}, {ticker}"
    return Explained(f"level on {row['price_date']}", row["level"], "ratio", source=asked.at("raw/price_daily", key))


def risk_free(since: str | None = None) -> Source:
    """Three-month Treasury yields, of which the risk-free return is made."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        after = asked.day_of(since) if since else None
        rows = asked.rows(SQL["yields_between"], since=after, until=asked.day)
        if rows:
            span = f"{rows[0]['curve_date']} to {rows[-1]['curve_date']}"
            yield Explained(
                f"yields of the three-month Treasury, {span}",
                rows[0]["n"],
                "count",
                source=asked.at("raw/yield_curve", f"3 months, {span}"),
                n=rows[0]["n"],
                children=[
                    Explained(
                        f"yield of {row['curve_date']}",
                        told(row["par_yield_pct"]),
                        "percent",
                        source=asked.at("raw/yield_curve", f"{row['curve_date']}, 3 months"),
                    )
                    for row in rows
                ],
            )

    return found


def setting(name: str, *, default: object = None) -> Source:
    """A setting of the portfolio, as its owner chose it, or the default."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        for row in asked.rows(SQL["settings"]):
            chosen = row.get(name)
            value = told(default if chosen is None else chosen)
            said = "the default" if chosen is None else "chosen by the owner"
            key = f"portfolio_id {asked.portfolio_id}"
            yield Explained(f"{name.replace('_', ' ')}, {said}", value, source=asked.at("raw/pg_portfolio", key))

    return found


def stated(text: str, value: str | None = None) -> Source:
    """A rule, or a number that was asked for, in words."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        yield Explained(asked.filled(text), asked.filled(value) if value else None)

    return found


def registered(asked: AskedFigure) -> Iterator[Explained]:
    """The security as the registry has it."""
    for row in asked.rows(SQL["security"], ticker=asked.filled("{ticker}")):
        yield Explained(
            f"{row['ticker']} as it is registered",
            row["security_id"],
            "id",
            source=asked.at("marts/dim_security", f"security_id {row['security_id']}"),
            link=f"/api/v1/securities/{quote(row['ticker'])}",
        )


def classified(asked: AskedFigure) -> Iterator[Explained]:
    """Groups of holdings: the registry's facts, where the exchange and the owner say so."""
    yield Explained(
        "issuer, sector, country, currency and class of each security",
        source=asked.at("marts/dim_security", "of what is held"),
        link="/api/v1/securities",
    )


def simulated(asked: AskedFigure) -> Iterator[Explained]:
    """Inputs of the simulation: one node for each name, with how many securities it is of."""
    simulation_id = asked.filled("{simulation_id}")
    rows = asked.rows(SQL["simulation_inputs"], simulation_id=simulation_id)
    children = [_input(asked, simulation_id, row) for row in rows]
    if not rows:
        yield Explained("what it started from is not kept in this release", source=_inputs_at(asked, "none"))
        return
    yield Explained(
        "what it started from",
        sum(row["n"] for row in rows),
        "count",
        source=_inputs_at(asked, f"simulation {simulation_id}"),
        n=sum(row["n"] for row in rows),
        link=f"/api/v1/simulations/{simulation_id}/inputs",
        children=children,
    )


def _inputs_at(asked: AskedFigure, key: str) -> Any:
    return asked.at("simulation/simulation_input", key)


def _input(asked: AskedFigure, simulation_id: str, row: dict[str, Any]) -> Explained:
    window = f", {row['window_start']} to {row['window_end']}" if row["window_start"] else ""
    named = f"{row['name']} of {row['ticker']}, the first of {row['n']}" if row["ticker"] else row["name"]
    value = row["value"] if row["value"] is not None else row["text"] or row["content_hash"]
    table = row["source"] if row["source"] in asked.mounted.release.versions else None
    return Explained(
        f"{named.replace('_', ' ')}{window}",
        told(value),
        row["unit"] if row["unit"] not in ("1", "") else None,
        how=row["how"],
        source=asked.at(table or "simulation/simulation_input", f"{simulation_id}, {row['name']}"),
        n=row["n"] if row["n"] > 1 else None,
    )
