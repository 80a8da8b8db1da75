"""Lines of a file in a known format: prices that the audit judges, and rates.

What belongs here: what a line says, and what in the file contradicts it. A close that its own low or high, or the order
of the days, contradicts is not read. What a line means is `pipelines.quality.own_prices`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby

from domain.currencies import CURRENCIES
from domain.limits import MOST_RATE
from domain.money import money
from pipelines.sources.fred import CONSUMER_PRICES, TENOR_MONTHS
from pipelines.sources.price_files.cells import (
    EXAMPLES,
    FORMS,
    Undecided,
    decimal_mark,
    far_away,
    form_of_days,
    number,
    out_of_order,
    usual_gap,
)
from pipelines.sources.price_files.profiles import FileName, Fitted, identifiers, told_by_name

RAW = "raw"
_NEARLY = Decimal("0.0001")
_MOST_NAMED = 3
_MOST_APART = 4
"""Days from a close to the next in daily prices, over a weekend and a holiday."""
_USED = {
    "fx": (CURRENCIES, "the currencies of ISO 4217"),
    "series": (
        {*TENOR_MONTHS, *CONSUMER_PRICES},
        f"the series that are used: {', '.join([*TENOR_MONTHS, *CONSUMER_PRICES])}",
    ),
}
Row = tuple[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line as it stands in the file; `missing` says what keeps it from being read, if anything does.

    `is_history` says that it is of a whole history in the format of a source, which has no column of currencies:
    `currency` is then the unit in the file's name, or None for the security's own. `others` are what the security may
    be registered under instead of `identifier`. `adjusted` is what the source restates closes for, splits at least;
    `is_in_dollars` says that the close has a $ before it.
    """

    file: str
    number: int
    identifier: str
    date: str
    close: str
    currency: str | None
    missing: str = ""
    others: tuple[str, ...] = ()
    is_history: bool = False
    adjusted: str = ""
    is_in_dollars: bool = False

    @property
    def place(self) -> str:
        return f"{self.file} line {self.number}"

    @property
    def history(self) -> tuple[str, str]:
        return self.file, self.identifier


@dataclass(frozen=True, slots=True)
class RateLine:
    """Units of the currency `series` for one euro, or an observation of the series of FRED."""

    file: str
    number: int
    gives: str
    series: str
    day: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class FileContent:
    """Prices or rates of a file in the order of its lines, and remarks on what is left out."""

    prices: Sequence[PriceLine] = ()
    rates: Sequence[RateLine] = ()
    notes: Sequence[str] = ()


@dataclass(slots=True)
class _Cells:
    """The cells of one price or rate; `missing` as of a PriceLine."""

    number: int
    series: str
    day_text: str
    close_text: str
    row: Sequence[str]
    missing: str = ""
    day: date | None = None
    close: Decimal | None = None


@dataclass(slots=True)
class _Reader:
    """One file: its format, its name, and the mark and the form of days that it has been found to have."""

    file: str
    header: Sequence[str]
    fitted: Fitted
    name: FileName
    separator: str
    mark: str = "."
    notes: list[str] = field(default_factory=list)


def content(
    file: str, stem: str, header: Sequence[str], fitted: Fitted, separator: str, rows: list[Row]
) -> FileContent:
    """Everything in a file whose header is that of a format; Undecided if the whole of it cannot be read."""
    profile = fitted.profile
    reader = _Reader(file, header, fitted, told_by_name(stem, profile), separator)
    needs_name = profile.gives == "prices" and profile.layout == "long" and "identifier" not in fitted.places
    if needs_name and not reader.name.identifiers:
        raise Undecided("has no security in its name: name it by its ticker, ISIN or CUSIP, such as AAPL.csv")
    said = list(_said(reader, _without_notes(reader, rows)))
    if profile.decimal_after(separator) == RAW:
        return FileContent([_as_stated(reader, cells) for cells in said])
    if said:
        _decide(reader, said)
        _check(reader, said)
    else:
        reader.notes.append("has no line with a figure")
    if profile.adjusted:
        reader.notes.append(f"{profile.says}: closes are adjusted for {profile.adjusted}")
    if "adjusted" in fitted.places:
        reader.notes.append(f"{header[fitted.places['adjusted']]!r} is not taken: it is adjusted for dividends")
    if profile.gives == "prices":
        return FileContent([_price(reader, cells) for cells in said], (), reader.notes)
    _refuse_unused(reader, said)
    rates = [
        RateLine(file, cells.number, profile.gives, cells.series, cells.day, cells.close)
        for cells in said
        if not cells.missing and cells.day is not None and cells.close is not None
    ]
    return FileContent((), rates, [*reader.notes, *_not_read(said)])


def _without_notes(reader: _Reader, rows: list[Row]) -> list[Row]:
    """`rows` without empty ones, a second header, and remarks under the last of them."""
    profile = reader.fitted.profile
    rows = [(n, row) for n, row in rows if any(row) and row[0].lower() not in profile.skipped_first_cells]
    end = len(rows)
    while end and profile.name != "lakefolio" and _is_remark(rows[end - 1][1]):
        end -= 1
    if end < len(rows):
        reader.notes.append(f"{_lines(len(rows) - end)} under the last is a remark: {rows[end][1][0][:60]!r}")
    return rows[:end]


def _is_remark(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    return len(filled) == 1 and " " in filled[0] and sum(map(str.isalpha, filled[0])) > 3


def _said(reader: _Reader, rows: Sequence[Row]) -> Iterable[_Cells]:
    """One for each price or rate; without those that the file says not to know."""
    profile, places, n_missing, n_events = reader.fitted.profile, reader.fitted.places, 0, 0
    columns = [(n, series) for n, series in reader.fitted.series.items()] or [(places["close"], "")]
    width = len(reader.header)
    widths = _widths(reader, rows)
    for number_, row in rows:
        if profile.events and any(re.fullmatch(profile.events, cell) for cell in row):
            n_events += 1
            continue
        short = "" if len(row) in widths else f"it has {len(row)} fields, and the first line {width}"
        row = [*row, *[""] * (width - len(row))]
        for at, series in columns:
            close = row[at]
            if close.lower() in profile.missing and not short:
                n_missing += 1
                continue
            yield _of_series(reader, _Cells(number_, series, row[places["date"]], close, row, short))
    if n_missing and profile.layout == "long":
        reader.notes.append(f"{_lines(n_missing)} without a close")
    if n_events:
        reader.notes.append(f"{_lines(n_events)} of a dividend or a split")


def _widths(reader: _Reader, rows: Sequence[Row]) -> range:
    """How many cells a line may have; all of them, if only the last line has fewer: it may have been cut off."""
    width, least = len(reader.header), max(reader.fitted.places.values()) + 1
    is_short = reader.fitted.profile.short and any(len(row) < width for _, row in rows[:-1])
    return range(least if is_short else width, width + 1)


def _of_series(reader: _Reader, cells: _Cells) -> _Cells:
    """`cells` with the series that a cell of theirs names, where one does."""
    at = reader.fitted.places.get("series")
    if at is None or cells.missing:
        return cells
    match = re.fullmatch(reader.fitted.profile.series, cells.row[at])
    if match is None:
        cells.missing = f"{cells.row[at][:60]!r} is no series that is read"
    else:
        cells.series = match["id"]
    return cells


def _as_stated(reader: _Reader, cells: _Cells) -> PriceLine:
    places = reader.fitted.places
    identifier, currency = cells.row[places["identifier"]], cells.row[places["currency"]]
    return PriceLine(reader.file, cells.number, identifier, cells.day_text, cells.close_text, currency, cells.missing)


def _decide(reader: _Reader, said: Sequence[_Cells]) -> None:
    """Read days and closes, in the forms that the format and the whole file leave."""
    profile, stated = reader.fitted.profile, reader.name.dates
    sound = [cells for cells in said if not cells.missing]
    if not sound:
        return
    texts = list(dict.fromkeys(cells.day_text for cells in sound))
    forms = [form for form in profile.dates if not stated or form.split()[0] == stated]
    if not forms:
        raise Undecided(
            f"has {stated} in its name, and days of {profile.says} are such as {EXAMPLES[profile.dates[0]]}"
        )
    form = form_of_days(texts, forms)
    days = {text: FORMS[form](text) for text in texts}
    mark = profile.decimal_after(reader.separator)
    reader.mark = decimal_mark([cells.close_text for cells in sound]) if mark == "decided" else mark
    n_rounded = 0
    for cells in sound:
        cells.day = days[cells.day_text]
        cells.close = _number(reader, cells.close_text)
        if cells.day is None:
            cells.missing = f"{cells.day_text[:40]!r} is no day such as {EXAMPLES[form]}"
        elif cells.close is None:
            cells.missing = f"the close {cells.close_text[:40]!r} is no number such as 1234{reader.mark}56"
        elif money(cells.close) != cells.close:
            n_rounded, cells.close = n_rounded + 1, money(cells.close)
    if n_rounded:
        reader.notes.append(f"{_lines(n_rounded)} with more than 8 decimals, rounded half up")


def _number(reader: _Reader, text: str) -> Decimal | None:
    profile = reader.fitted.profile
    return number(text, reader.mark, profile.thousands, profile.prefix)


def _check(reader: _Reader, said: Sequence[_Cells]) -> None:
    """Mark the lines that something beside their day and close contradicts."""
    for cells in said:
        if not cells.missing:
            cells.missing = _contradiction(reader, cells)
    if not reader.fitted.profile.in_order:
        return
    by_series = sorted(_named(reader, said), key=lambda pair: pair[0])
    for _, group in groupby(by_series, key=lambda pair: pair[0]):
        standing = [cells for _, cells in group if cells.day is not None and not cells.missing]
        apart = usual_gap([cells.day for cells in standing if cells.day is not None])
        if reader.fitted.profile.periods_begin and apart > _MOST_APART:
            raise Undecided(
                f"its days are {apart} apart, and the close of a week or a month may stand beside its first day: "
                "download daily prices"
            )
        _mark_out_of_place(standing)


def _mark_out_of_place(standing: Sequence[_Cells]) -> None:
    """Mark what is out of the order of one history, and an end that is far from the rest of it."""
    days = [cells.day for cells in standing if cells.day is not None]
    astray = set(out_of_order(days))
    for n in astray:
        standing[n].missing = f"{days[n]} is out of the order of the days around it"
    ordered = [cells for n, cells in enumerate(standing) if n not in astray]
    for n in far_away([cells.day for cells in ordered if cells.day is not None]):
        ordered[n].missing = f"{ordered[n].day} is more than two months from the other days"


def _named(reader: _Reader, said: Sequence[_Cells]) -> list[tuple[str, _Cells]]:
    at = reader.fitted.places.get("identifier")
    return [(cells.series if at is None else cells.row[at], cells) for cells in said]


def _contradiction(reader: _Reader, cells: _Cells) -> str:
    """Reason why the cells of a line cannot all be right, empty if they can; of numbers those that are not 0 count."""
    places, close = reader.fitted.places, cells.close
    period = places.get("period")
    if period is not None and cells.row[period].upper() != "D":
        return f"its period is {cells.row[period]!r}: only daily prices, D, are read"
    beside: dict[str, Decimal] = {}
    for role in ("open", "high", "low"):
        text = cells.row[places[role]] if role in places else ""
        if text and text.lower() not in (*reader.fitted.profile.missing, "n/a", "null", "-"):
            value = _number(reader, text)
            if value is None:
                return f"its {role} {text[:40]!r} is no number"
            if value:
                beside[role] = value
    if not beside or close is None:
        return ""
    numbers = {"close": close, **beside}
    room = _room(numbers.values())
    for role, sign in (("high", 1), ("low", -1)):
        for name, value in numbers.items():
            if role in beside and sign * (value - beside[role]) > room:
                above = "above" if sign > 0 else "below"
                return f"its {name} {value:f} is {above} its {role} {beside[role]:f}"
    return ""


def _room(numbers: Iterable[Decimal]) -> Decimal:
    """By how much rounding may part numbers that are equal: half of the last decimal in the line, or 1 in 10,000."""
    numbers = list(numbers)
    exponents = [number.as_tuple().exponent for number in numbers]
    finest = min((exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    return max(max(map(abs, numbers), default=Decimal()) * _NEARLY, Decimal(5).scaleb(finest - 1))


def _price(reader: _Reader, cells: _Cells) -> PriceLine:
    """The cells as the audit takes them."""
    at, name = reader.fitted.places.get("identifier"), reader.name
    day = cells.day.isoformat() if cells.day else cells.day_text
    close = f"{cells.close:f}" if cells.close is not None else cells.close_text
    names = (cells.series,) if cells.series else name.identifiers
    if at is not None:
        names = identifiers(cells.row[at], reader.fitted.profile)
    currency = reader.fitted.places.get("currency")
    unit = cells.row[currency] if currency is not None else name.unit or None
    first, *others = names
    return PriceLine(
        reader.file,
        cells.number,
        first,
        day,
        close,
        unit,
        cells.missing,
        tuple(others),
        is_history=currency is None,
        adjusted=reader.fitted.profile.adjusted,
        is_in_dollars=cells.close_text.startswith("$"),
    )


def _refuse_unused(reader: _Reader, said: Sequence[_Cells]) -> None:
    """Mark rates of what has no use here, and those that cannot be one."""
    gives = reader.fitted.profile.gives
    used, names = _USED[gives]
    for cells in said:
        if cells.missing or cells.close is None:
            continue
        if cells.series not in used:
            cells.missing = f"{cells.series} is none of {names}"
        elif abs(cells.close) > MOST_RATE or (gives == "fx" and cells.close <= 0):
            cells.missing = f"{cells.close:f} is no rate"


def _not_read(said: Sequence[_Cells]) -> list[str]:
    """The lines of rates that are not read, by reason: they are in no quarantine."""
    bad: dict[str, list[int]] = {}
    for cells in said:
        if cells.missing:
            bad.setdefault(cells.missing, []).append(cells.number)
    named = [f"{_from(numbers)}: {why}" for why, numbers in list(bad.items())[:_MOST_NAMED]]
    n_more = sum(map(len, list(bad.values())[_MOST_NAMED:]))
    more = [f"and {n_more} more lines"] if n_more else []
    return ["not read: " + "; ".join([*named, *more])] if bad else []


def _from(numbers: Sequence[int]) -> str:
    return f"line {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} lines from {numbers[0]} on"


def _lines(n: int) -> str:
    return "one line" if n == 1 else f"{n} lines"
