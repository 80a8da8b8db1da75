"""Rows that figures are made of: of the ledger, and of portfolios' own tables. Each function makes a source.

Templates such as "{ticker}" are filled with the names around the figure. SQL in `sources.sql`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote

from application.explanations.asked import AskedFigure, Source, told
from application.lineage import ValueLineage, explained
from domain.explanations import Explained
from domain.references import Document, FigureReference
from storage.queries import statements

SQL = statements("application/explanations/sources.sql")
_LEDGER = "raw/pg_transaction_ledger"
_MOST_ROWS = 8
_MOST_HOLDINGS = 40
FLOWS = ("DEPOSIT", "WITHDRAW", "TRANSFER_IN", "TRANSFER_OUT")
INCOME = ("DIVIDEND", "COUPON", "INTEREST", "BUY", "SELL", "CASH_IN_LIEU")


def ledger(
    *,
    types: Sequence[str] | None = None,
    ticker: str | None = None,
    currency: str | None = None,
    since: str | None = None,
    seqs: Sequence[str] | None = None,
    of_day: bool = False,
) -> Source:
    """Ledger rows up to the figure's day: of some types, of one security or currency, those after the day that the
    field `since` says, those that fields name, or those of the day alone."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        day = asked.day
        after = date.fromordinal(day.toordinal() - 1) if of_day else asked.day_of(since) if since else None
        named = [asked.names[name] for name in seqs or () if asked.names.get(name) is not None]
        numbers = [seq for one in named for seq in (one if isinstance(one, list) else [one])]
        limits = {
            "types": list(types) if types else None,
            "ticker": asked.filled(ticker) if ticker else None,
            "currency": asked.filled(currency) if currency else None,
            "since": after,
            "until": date.max if seqs else day,
            "seqs": numbers if seqs else None,
            "most": _MOST_ROWS,
        }
        rows = asked.rows(SQL["ledger"], **limits)
        span = [f"of {day}"] if of_day else [f"after {after}" if after else "", asked.until]
        what = " ".join(part for part in ("ledger rows", _of(limits), *([] if seqs else span)) if part)
        yield _ledger_node(asked, rows, what, None if seqs else day, after)
        if not rows and (of_day or after or types):
            yield from ledger()(asked)  # none of these: what there is says so

    return found


def _of(limits: dict[str, Any]) -> str:
    named = [limits["ticker"], limits["currency"], " and ".join(limits["types"] or ())]
    return " ".join(f"of {name}" for name in named if name)


def _ledger_node(
    asked: AskedFigure, rows: Sequence[dict[str, Any]], what: str, until: date | None, after: date | None
) -> Explained:
    if not rows:
        return Explained(what, 0, "count", source=asked.at(_LEDGER, "none"), n=0)
    first = rows[0]
    start = f"from={date.fromordinal(after.toordinal() + 1)}&" if after else ""
    end = f"to={until}" if until and until < date.max else ""
    return Explained(
        what,
        first["n"],
        "count",
        source=asked.at(_LEDGER, f"seq {first['first_seq']} to {first['last_seq']}"),
        n=first["n"],
        link=f"{asked.address}/transactions?{start}{end}" if until else None,
        children=[ledger_row(asked, row) for row in rows],
    )


def ledger_row(asked: AskedFigure, row: dict[str, Any]) -> Explained:
    """One row: what it says, and the cash that it moved."""
    units = "" if row["quantity"] is None else f" {told(row['quantity'])}"
    price = "" if row["price"] is None else f" at {told(row['price'])}"
    back = f"; takes back row {row['reverses_seq']}" if row["reverses_seq"] else ""
    gone = f"; taken back by row {row['reversed_by_seq']}" if row["reversed_by_seq"] else ""
    day, ticker = row["business_date"], f" {row['ticker']}" if row["ticker"] else ""
    return Explained(
        f"row {row['seq']}: {row['txn_type']}{units}{ticker}{price} on {day}{back}{gone}",
        told(row["cash_effect"]),
        row["currency"],
        source=asked.at(_LEDGER, f"seq {row['seq']}"),
        link=f"{asked.address}/transactions?from={day}&to={day}",
    )


def holdings(amount: str = "market_value_base") -> Source:
    """Holdings at the day's close, the largest first; each value is a figure of the review of that day."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        is_value = amount == "market_value_base"
        rows = asked.rows(SQL["holdings_on"], day=asked.day)
        for row in rows[:_MOST_HOLDINGS]:
            aged = f", {row['stale_days']} sessions old" if row["stale_days"] else ""
            priced = f"closed at {told(row['close'])} on {row['price_date']}{aged}" if row["close"] is not None else ""
            yield Explained(
                f"{row['ticker']}: {told(row['quantity'])} units, {priced or 'without a price'}",
                told(row[amount]),
                row["base_currency"],
                source=asked.at("marts/fact_position_daily", f"{asked.day}, {row['ticker']}"),
                reference=str(_review(asked).at("holdings", row["ticker"], "value")) if is_value else None,
                link=f"/api/v1/securities/{quote(row['ticker'])}/price?on={asked.day}",
            )
        if len(rows) > _MOST_HOLDINGS:
            yield Explained(
                f"{len(rows) - _MOST_HOLDINGS} smaller holdings",
                n=len(rows) - _MOST_HOLDINGS,
                source=asked.at("marts/fact_position_daily", str(asked.day)),
                link=f"{asked.address}/positions?on={asked.day}",
            )

    return found


def balances(asked: AskedFigure) -> Iterator[Explained]:
    """Cash of each currency at the day's close."""
    for row in asked.rows(SQL["balances_on"], day=asked.day):
        yield Explained(
            f"cash in {row['currency']}: {told(row['balance'])}",
            told(row["balance_base"]),
            row["base_currency"],
            source=asked.at("marts/fact_cash_daily", f"{asked.day}, {row['currency']}"),
            reference=str(_review(asked).at("cash", row["currency"], "balance_base")),
        )


def value(name: str, day: str | None = None) -> Source:
    """A figure of the portfolio's values on the day that the field `day` says, or on the figure's own."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        on = asked.day_of(day) if day else asked.day
        if on is None:
            return
        place = FigureReference(Document.VALUES, asked.portfolio_id, asked.reference.release_id)
        rows = asked.rows(SQL["value_on"], day=on)
        if not rows:
            yield Explained(f"{name.replace('_', ' ')} on {on}: before the portfolio's first day", "0")
            return
        yield Explained(
            f"{name.replace('_', ' ')} on {on}",
            told(rows[0][name]),
            rows[0]["currency"],
            source=asked.at("marts/fact_portfolio_value_daily", str(on)),
            reference=str(place.at("values", on, name)),
        )

    return found


def values(since: str | None = None) -> Source:
    """The portfolio's values of every day up to the figure's, after the field `since`."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        after = asked.day_of(since) if since else None
        (row,) = asked.rows(SQL["values_between"], until=asked.day, since=after)
        if row["n"]:
            span = f"{row['first_day']} to {row['last_day']}"
            yield Explained(
                f"values of {row['n']:,} days, {span}",
                row["n"],
                "count",
                source=asked.at("marts/fact_portfolio_value_daily", span),
                n=row["n"],
                link=f"{asked.address}/values?from={row['first_day']}&to={row['last_day']}",
            )

    return found


def returns(level: str = "PORTFOLIO", since: str | None = None, ticker: str | None = None) -> Source:
    """Daily returns up to the figure's day, after the field `since`, the first and the last of them."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        after = asked.day_of(since) if since else None
        named = asked.filled(ticker) if ticker else None
        rows = asked.rows(SQL["returns_between"], until=asked.day, since=after, level=level, ticker=named)
        if not rows:
            return
        span = f"{rows[0]['business_date']} to {rows[-1]['business_date']}"
        whose = named or level.lower()
        yield Explained(
            f"daily returns of the {whose}, {span}" if not named else f"daily returns of {whose}, {span}",
            rows[0]["n"],
            "count",
            source=asked.at("marts/fact_return_daily", f"{level}, {span}"),
            n=rows[0]["n"],
            link=f"{asked.address}/values?from={rows[0]['business_date']}&to={rows[-1]['business_date']}",
            children=[
                Explained(
                    f"return of {row['business_date']}",
                    row["daily_return"],
                    "fraction",
                    source=asked.at("marts/fact_return_daily", f"{level}, {row['business_date']}"),
                )
                for row in (rows if len(rows) < 3 else [rows[0], rows[-1]])
            ],
        )

    return found


def disposals(since: str | None = None) -> Source:
    """Disposals up to the figure's day, the first and the last of them; each is of the gains."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        after = asked.day_of(since) if since else None
        rows = asked.rows(SQL["disposals_until"], until=asked.day, since=after)
        if not rows:
            return
        gains = FigureReference(Document.GAINS, asked.portfolio_id, asked.reference.release_id)
        base = str(asked.rows(SQL["settings"])[0]["base_currency"])
        yield Explained(
            f"disposals {asked.until}".strip(),
            rows[0]["n"],
            "count",
            source=asked.at("positions/disposal", asked.until or "all"),
            n=rows[0]["n"],
            link=f"{asked.address}/gains?year=all",
            children=[
                Explained(
                    f"row {row['seq']}, lot {row['part']}: {told(row['units'])} {row['ticker']}, {row['realised_on']}",
                    told(row["gain_base"]),
                    base,
                    source=asked.at("positions/disposal", f"seq {row['seq']}, part {row['part']}"),
                    reference=str(gains.at("disposals", f"{row['seq']}-{row['part']}", "gain_base")),
                )
                for row in rows
            ],
        )

    return found


def lineage(asked: AskedFigure) -> Iterator[Explained]:
    """The value of one holding: its ledger rows, its price, and what the price and the rate are from."""
    ticker = asked.filled("{ticker}")
    (security,) = asked.rows(SQL["security"], ticker=ticker)
    found = explained(asked.mounted, asked.portfolio_id, security["security_id"], asked.day)
    yield Explained("in words", how="; ".join(found.steps))
    yield from ledger(ticker="{ticker}")(asked)
    yield from _priced(asked, found)


def _priced(asked: AskedFigure, found: ValueLineage) -> Iterator[Explained]:
    if found.price:
        kind = found.price["price_kind"].lower().replace("_", " ")
        yield Explained(
            f"close of {found.ticker} on {found.price['price_date']}, {kind}, from {found.price['price_source']}",
            told(found.price["close"]),
            "per 100 of face" if found.valuation else f"{found.price['currency']} per unit",
            source=asked.at_price(found.security_id, found.price["price_date"]),
            link=f"/api/v1/securities/{quote(found.ticker)}/price?on={found.price['price_date']}",
        )
    if found.valuation:
        day = found.valuation["curve_date"]
        points = asked.rows(SQL["curve_on"], day=day)
        yield Explained(
            f"Treasury's par yields of {day}, plus {found.valuation['spread_bps']:g} bps",
            len(points),
            "count",
            source=asked.at("raw/yield_curve", str(day)),
            n=len(points),
            children=[
                Explained(
                    f"{point['tenor_months']} months",
                    told(point["par_yield_pct"]),
                    "percent",
                    source=asked.at("raw/yield_curve", f"{day}, {point['tenor_months']} months"),
                )
                for point in points
            ],
        )
    for rate in found.rates:
        yield Explained(
            f"euro's reference rate in {rate['currency']} of {rate['rate_date']}",
            told(rate["rate_per_eur"]),
            f"{rate['currency']} per EUR",
            source=asked.at("marts/fx_rate_daily", f"{asked.day}, {rate['currency']}"),
        )
    for split in found.splits:
        yield Explained(
            f"split of {found.ticker} on {split['action_date']}, as the market tells it",
            f"{told(split['split_new'])} for {told(split['split_old'])}",
            source=asked.at("raw/corporate_action", f"{split['action_date']}, {found.ticker}"),
        )


def made_of(whole: Source, *parts: Source) -> Source:
    """A figure with what it is made of below it."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        for node in whole(asked):
            yield replace(node, children=[child for part in parts for child in part(asked)])

    return found


def reference_of(place: str, label: str | None = None) -> Source:
    """Another figure of the same document, by its place's template; nothing if it has no value."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        where = replace(asked.reference, place=asked.filled(place))
        try:
            other = replace(asked, reference=where)
            if other.value is None:
                return
        except KeyError:
            return
        said = label or " ".join(name.replace("_", " ") for name in where.place.split("/")[1:])
        yield Explained(asked.filled(said), other.value, other.unit, reference=str(where))

    return found


def _review(asked: AskedFigure) -> FigureReference:
    return FigureReference(Document.REVIEW, asked.portfolio_id, asked.reference.release_id, asked.day)
