"""The audit of prices that people posted or put into the folder: one source a security, then the rules of all prices.

They are judged as one series each time, so the verdict depends on what was said and not on when. A price may be of a
weekend: a fund's valuation of a month's end is. Each owner's prices of a security are a series of their own, judged by
itself; they stand where nobody prices the security for all.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

import pyarrow as pa

from domain.currencies import HUNDREDTH, MINOR_UNITS
from domain.errors import Refusal
from domain.ledger import FIRST_DAY
from domain.money import parse_quantity, product
from domain.posted_prices import PriceSourceName
from pipelines.quality.price_histories import joined, once, refused_histories, told_of, within
from pipelines.quality.prices import audited
from pipelines.quality.registry import Registry
from pipelines.quality.split_histories import LedgerSplit, as_traded
from pipelines.quality.verdicts import SAID, Audited, Reason, content_ids
from pipelines.sources.calendar import SCHEMA as CALENDAR
from pipelines.sources.market_tables import CORPORATE_ACTIONS, PRICES, RATE, in_shape
from pipelines.sources.price_files.lines import PriceLine

OWN_PRICES = pa.schema(
    [
        ("security_id", pa.int64()),
        ("price_date", pa.date32()),
        ("close", RATE),
        ("currency", pa.string()),
        ("price_kind", pa.string()),
        ("price_source", pa.string()),
        ("posted_price_id", pa.int64()),
        ("file", pa.string()),
        ("owner_id", pa.string()),
    ]
)
QUARANTINED = pa.schema(
    [
        ("ticker", pa.string()),
        ("price_date", pa.date32()),
        ("close", pa.string()),
        ("currency", pa.string()),
        ("place", pa.string()),
        ("owner_id", pa.string()),
        *((name, pa.string()) for name in SAID),
    ]
)
NOT_ASKED = frozenset({Reason.WEEKEND})
RULES = {
    Reason.UNREADABLE: f"a line has an identifier, a day since {FIRST_DAY}, a close of at most 8 decimals, a currency",
    Reason.NOT_A_NUMBER: "a close is a finite number",
    Reason.UNKNOWN_SECURITY: "an identifier names a registered security on the day",
    Reason.PRICED_ELSEWHERE: "one source a security: the market, else published, else the folder, else an owner's own",
}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OwnPrices:
    """`accepted` as OWN_PRICES, `quarantined` as `quarantine_rows` takes it; `refused` are files with the reason why
    no line of a security's counts, and `remarks` what else is to be known of one."""

    accepted: pa.Table
    quarantined: pa.Table
    refused: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


def own_prices(
    posted: pa.Table,
    lines: Sequence[PriceLine],
    registry: Registry,
    market: Collection[str],
    *,
    today: date,
    actions: pa.Table | None = None,
    waived: Set[str] = frozenset(),
    splits: Mapping[int, Sequence[LedgerSplit]] | None = None,
) -> OwnPrices:
    """The prices of securities that are not in `market`, the names of those that it prices.

    `posted` are rows of `posted_price`, of which the newest of an owner, security and day counts. `actions` are the
    market's: a split that it tells is no outlier, one that only a ledger has is its owner's word. A detail begins with
    the place of what is out: a file's line, or the number that it was posted under. A history of which no line can
    count is refused as one, not line by line. `splits` are what ledgers have, by security: a close that a source has
    adjusted for one is restated as it was traded.
    """
    read, out = [_as_posted(row, registry) for row in _newest(posted)], []
    published = {row["security_id"] for row in read if row["owner_id"] is None}
    refused = refused_histories(lines, registry, market, published)
    lines, left_out = within([line for line in lines if line.history not in refused], today)
    for line in lines:
        try:
            read.append(_as_read(line, registry))
        except _Unread as unread:
            out.append(_put_out(_words(line), line.place, unread.reason, str(unread), line.identifier))
    undone = as_traded(read, splits or {})
    read, of_several = once(undone.rows)
    out += [_put_out(row, row["place"], Reason.UNREADABLE, why, row["file"]) for row, why in undone.unsure]
    in_folder = {row["security_id"] for row in read if row["price_source"] == PriceSourceName.FOLDER}
    standing: dict[str, list[Row]] = {}
    for row, content in zip(read, content_ids(prices_of(read)), strict=True):
        if source := _elsewhere(row, market, published, in_folder):
            say = f"{row['ticker']} has prices from {source}, and two sources are never mixed"
            out.append(_put_out(row, row["place"], Reason.PRICED_ELSEWHERE, say, source))
        else:
            standing.setdefault(content, []).append(row)
    rows = [row for twins in standing.values() for row in twins]
    names = {series_of(row["ticker"], row["owner_id"]): row["ticker"] for row in rows}
    currencies = {series: registry.currencies[ticker] for series, ticker in names.items()}
    verdict = _audited(prices_of(rows), currencies, today, actions_of(actions, names), waived & standing.keys())
    for said in verdict.quarantined.to_pylist():
        row = standing[said["id"]].pop()
        out.append({**row, **{name: said[name] for name in SAID}, "detail": f"{row['place']}: {said['detail']}"})
    accepted = [row for twins in standing.values() for row in twins]
    accepted.sort(key=lambda row: (row["security_id"], row["owner_id"] or "", row["price_date"]))
    quarantined = [{**row, "close": str(row["close"])} for row in out]
    return OwnPrices(
        pa.Table.from_pylist(accepted, schema=OWN_PRICES),
        pa.Table.from_pylist(quarantined, schema=QUARANTINED),
        told_of(refused),
        joined(left_out, undone.notes, of_several),
    )


def series_of(ticker: str, owner_id: str | None) -> str:
    """The name under which a series is judged: an owner's own is another than that for all."""
    return ticker if owner_id is None else f"{ticker} of {owner_id}"


def actions_of(actions: pa.Table | None, names: Mapping[str, str]) -> pa.Table:
    """The market's actions, of each series by its ticker in `names`."""
    if actions is None or not actions.num_rows:
        return CORPORATE_ACTIONS.empty_table()
    own = {series: ticker for series, ticker in names.items() if series != ticker}
    series = pa.table({"series": pa.array(list(own), pa.string()), "ticker": pa.array(list(own.values()), pa.string())})
    of_owners = actions.join(series, "ticker", join_type="inner")
    renamed = of_owners.set_column(of_owners.schema.get_field_index("ticker"), "ticker", of_owners["series"])
    return pa.concat_tables([in_shape(actions, CORPORATE_ACTIONS), in_shape(renamed, CORPORATE_ACTIONS)])


def _audited(
    series: pa.Table, currencies: Mapping[str, str], today: date, actions: pa.Table, waived: Set[str]
) -> Audited:
    """The rules of all prices on whole series. A row that was let pass vouches for those after it, not before it:
    there the first that stands without it does."""
    judge = partial(
        audited,
        series,
        PRICES.empty_table(),
        actions,
        currencies=currencies,
        calendar=CALENDAR.empty_table(),
        today=today,
        without=NOT_ASKED,
    )
    if not waived:
        return judge()
    standing = judge().accepted.sort_by([("price_date", "descending")])
    first = dict(zip(standing["ticker"].to_pylist(), content_ids(standing), strict=True))
    return judge(waived=waived | set(first.values()))


def prices_of(rows: Sequence[Row]) -> pa.Table:
    """The rows as prices are judged, each under the name of its series."""
    named = ({**row, "ticker": series_of(row["ticker"], row["owner_id"])} for row in rows)
    return pa.Table.from_pylist([{name: row.get(name) for name in PRICES.names} for row in named], schema=PRICES)


def _newest(posted: pa.Table) -> Sequence[Row]:
    rows = sorted(posted.to_pylist(), key=lambda row: int(row["posted_price_id"]))
    return list({(row["security_id"], row.get("owner_id"), row["price_date"]): row for row in rows}.values())


def _as_posted(row: Row, registry: Registry) -> Row:
    return {
        **_of_security(row["security_id"], registry),
        **{name: row[name] for name in ("price_date", "close", "currency", "posted_price_id")},
        "price_source": PriceSourceName.POSTED,
        "owner_id": row.get("owner_id"),
        "place": f"posted price {row['posted_price_id']}",
    }


def _as_read(line: PriceLine, registry: Registry) -> Row:
    """The line as a price; a twin of its words says what it means only if all of them can be read."""
    if line.missing:
        raise _Unread(Reason.UNREADABLE, line.missing)
    day, close = _day(line), _close(line)
    security_id = registry.first_meant((line.identifier, *line.others), day)
    if security_id is None:
        raise _Unread(Reason.UNKNOWN_SECURITY, f"no security is registered under {line.identifier!r} on {day}")
    unit = registry.securities[security_id]["currency"] if line.currency is None else line.currency
    return {
        **_of_security(security_id, registry),
        "price_date": day,
        "close": close if unit not in MINOR_UNITS else product(close, HUNDREDTH),
        "currency": MINOR_UNITS.get(unit, unit),
        "price_source": PriceSourceName.FOLDER,
        "owner_id": None,
        "file": line.file,
        "place": line.place,
        "is_adjusted": bool(line.adjusted),
        "is_of_dividends": "dividends" in line.adjusted if line.is_history else None,
    }


def _of_security(security_id: int, registry: Registry) -> Row:
    kind = registry.securities[security_id]["price_kind"]
    return {"security_id": security_id, "ticker": registry.names[security_id], "price_kind": kind}


def _day(line: PriceLine) -> date:
    try:
        day = date.fromisoformat(line.date)
    except ValueError:
        raise _Unread(Reason.UNREADABLE, f"{line.date[:40]!r} is no day such as 2017-03-29") from None
    if day < FIRST_DAY:
        raise _Unread(Reason.UNREADABLE, f"{day} is before {FIRST_DAY}, where the calendar begins")
    return day


def _close(line: PriceLine) -> Decimal:
    try:
        close = Decimal(line.close)
    except InvalidOperation:
        raise _Unread(Reason.NOT_A_NUMBER, f"the close {line.close[:40]!r} is no number such as 12.40") from None
    if _ODD.search(line.close):
        raise _Unread(Reason.NOT_A_NUMBER, f"the close {line.close[:40]!r} is no number such as 12.40")
    if not close.is_finite():
        raise _Unread(Reason.NOT_A_NUMBER, f"the close is {line.close[:40]}, not a finite number")
    try:
        return parse_quantity(close, "the close")
    except Refusal as refusal:
        raise _Unread(Reason.UNREADABLE, f"{refusal.message}: {line.close[:40]}") from None


def _elsewhere(row: Row, market: Collection[str], published: Collection[int], in_folder: Collection[int]) -> str:
    """The source for all that comes before the row's own; none where the row counts."""
    is_own, is_of_file = row["owner_id"] is not None, row["price_source"] == PriceSourceName.FOLDER
    if row["ticker"] in market:
        return PriceSourceName.MARKET
    if (is_own or is_of_file) and row["security_id"] in published:
        return PriceSourceName.POSTED
    return PriceSourceName.FOLDER if is_own and row["security_id"] in in_folder else ""


class _Unread(Exception):
    def __init__(self, reason: Reason, say: str) -> None:
        super().__init__(say)
        self.reason = reason


def _words(line: PriceLine) -> Row:
    try:
        day = date.fromisoformat(line.date)
    except ValueError:
        day = None
    return {"ticker": line.identifier, "price_date": day, "close": line.close, "currency": line.currency}


def _put_out(row: Row, place: str, reason: Reason, say: str, compared_with: str) -> Row:
    of_series = {**row, "ticker": series_of(row["ticker"], row.get("owner_id"))}
    content = hashlib.sha256(repr([str(of_series[name]) for name in _CONTENT]).encode()).hexdigest()
    said = {"id": content, "reason": reason, "rule": RULES[reason], "compared_with": compared_with}
    return {**row, **said, "place": place, "detail": f"{place}: {say}"}


_ODD = re.compile(r"[^ -~]|_")
"""Digits of other scripts, and 1_000: numbers to Python alone."""
_CONTENT = ("ticker", "price_date", "close", "currency")
