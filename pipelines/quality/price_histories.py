"""Whole histories in a source's format: which count at all, which of their days the calendar has, which go together.

What belongs here: what is said once of a history, and not of each of its thousands of lines.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import date
from decimal import Decimal
from typing import Any

from domain.currencies import DOLLARS, MINOR_UNITS
from domain.ledger import FIRST_DAY
from domain.posted_prices import PriceSourceName
from pipelines.quality.registry import Registry
from pipelines.sources.price_files.lines import PriceLine

Row = Mapping[str, Any]
History = tuple[str, str]
"""A file, and an identifier in it."""
_SAME = Decimal("0.000001")
"""By which part two closes may differ that a source has written with more and with fewer decimals."""
_MOST_TOLD = 3


def refused_histories(
    lines: Sequence[PriceLine], registry: Registry, market: Collection[str], posted: Set[int]
) -> dict[History, str]:
    """Histories of nobody that is registered, of a security that is priced elsewhere, or in a unit that is not said."""
    of_histories: dict[History, list[PriceLine]] = {}
    for line in lines:
        if line.is_history and not line.missing:
            of_histories.setdefault(line.history, []).append(line)
    found = ((one, _refused(of_one, registry, market, posted)) for one, of_one in of_histories.items())
    return {one: why for one, why in found if why}


def _refused(lines: Sequence[PriceLine], registry: Registry, market: Collection[str], posted: Set[int]) -> str:
    first = lines[0]
    names = (first.identifier, *first.others)
    days = {date.fromisoformat(line.date) for line in lines}
    meant = {found for day in days if (found := registry.first_meant(names, day)) is not None}
    if not meant:
        either = " or ".join(repr(name) for name in names)
        return f"no security is registered under {either} on its days: register it, or rename the file"
    for security_id in meant:
        name, currency = registry.names[security_id], registry.securities[security_id]["currency"]
        if name in market or security_id in posted:
            source = PriceSourceName.MARKET if name in market else PriceSourceName.POSTED
            return f"{name} has prices from {source}, and two sources are never mixed"
        if any(line.is_in_dollars for line in lines) and currency not in DOLLARS:
            return f"its closes are in $, and {name} is in {currency}"
        minor = next((unit for unit, major in MINOR_UNITS.items() if major == currency and unit != "GBp"), None)
        if minor and not first.currency:
            return (
                f"does not say whether {name} is in {currency} or in hundredths of it: end the file's name with the "
                f"unit, as {first.identifier} {minor}.csv or {first.identifier} {currency}.csv"
            )
    return ""


def told_of(refused: Mapping[History, str]) -> dict[str, str]:
    """One sentence a file, with the securities of each where it has several."""
    told: dict[str, list[str]] = {}
    for (file, identifier), why in refused.items():
        told.setdefault(file, []).append(why if identifier in why else f"{identifier}: {why}")
    return {file: "; ".join(_some(reasons)) for file, reasons in told.items()}


def joined(*remarks: Mapping[str, str]) -> dict[str, str]:
    """By file, what all of `remarks` say of it, in one sentence."""
    names = sorted({name for one in remarks for name in one})
    return {name: "; ".join(one[name] for one in remarks if name in one) for name in names}


def _some(reasons: Sequence[str]) -> Sequence[str]:
    more = len(reasons) - _MOST_TOLD
    return reasons if more <= 0 else [*reasons[:_MOST_TOLD], f"and {more} more"]


def within(lines: Sequence[PriceLine], today: date) -> tuple[list[PriceLine], dict[str, str]]:
    """`lines` without the days of histories that the calendar has not, and how many those of each file are."""
    first, last = FIRST_DAY.isoformat(), today.isoformat()
    within: list[PriceLine] = []
    early, late = Counter[str](), Counter[str]()
    for line in lines:
        if not line.is_history or line.missing or first <= line.date <= last:
            within.append(line)
        else:
            (early if line.date < first else late)[line.file] += 1
    told = {file: f"{n} of its prices are of before {first}" for file, n in early.items()}
    for file, n in late.items():
        said = f"{n} of its prices are of after {last}, and wait until that day has come here"
        told[file] = f"{told[file]}; {said}" if file in told else said
    return within, told


def once(rows: Sequence[Row]) -> tuple[list[Row], dict[str, str]]:
    """`rows` without what a file before has too, and by file what is to be known of several files of one security."""
    rows = sorted(rows, key=lambda row: row.get("file") or "")
    firsts: dict[tuple[int, date], Row] = {}
    kept: list[Row] = []
    repeated = Counter[tuple[str, str]]()
    adjusted: dict[str, dict[str, bool]] = {}
    for row in rows:
        if (file := row.get("file")) is None:
            kept.append(row)
            continue
        if row["is_of_dividends"] is not None:
            adjusted.setdefault(row["ticker"], {})[file] = row["is_of_dividends"]
        first = firsts.setdefault((row["security_id"], row["price_date"]), row)
        if first["file"] != file and _is_same(first, row):
            repeated[file, first["file"]] += 1
        else:
            kept.append(row)
    notes = [{file: f"{n} of its prices are in {before} too"} for (file, before), n in repeated.items()]
    return kept, joined(*notes, *(_mixed(name, files) for name, files in adjusted.items()))


def _is_same(one: Row, two: Row) -> bool:
    is_near: bool = abs(one["close"] - two["close"]) <= abs(one["close"]) * _SAME
    return is_near and one["currency"] == two["currency"]


def _mixed(name: str, files: Mapping[str, bool]) -> dict[str, str]:
    """A remark on each of the files of a security, if some have closes with dividends and some without."""
    with_them, without = ([file for file, is_of in files.items() if is_of is each] for each in (True, False))
    if not with_them or not without:
        return {}
    said = (
        f"closes of {name} may be adjusted for dividends in {', '.join(with_them)}, and are not in "
        f"{', '.join(without)}: if they are, the series has a step where they meet, so take one of them out"
    )
    return dict.fromkeys(files, said)
