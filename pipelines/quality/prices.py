"""The audit of closing prices: rules in their order, each shown only the rows that those before it let stand.

A known row was accepted once: rows are compared with it, and it is never put out. So deliver the last 80 sessions of
each ticker as known, and to have a jump judged by what came after it, the last `LONGEST_RUN` of them again as new.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from math import exp, log

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.analytics.arrays import Bools, Int64
from pipelines.quality.series import (
    LEAST_SPLIT,
    LONGEST_RUN,
    SPLIT_WINDOW,
    UNKNOWN_DAY,
    Excursion,
    PriceSheet,
    Split,
    day_number,
    day_text,
    is_near,
    sheet,
)
from pipelines.quality.verdicts import FINAL, Audited, Fault, Reason, Rule, Verdict, content_ids, parted, waived_ids

SIMPLE_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0)
RATIO_TOLERANCE = 0.06
"""How far, as a logarithm, a jump may be from a simple ratio; 3 usual moves, if those are more."""
LEAST_OUTLIER = log(1.45)
USUAL_MOVES = 8.0
"""A jump that came back is bad if it is this many times the series' usual daily move. The bundled market's largest
are BAC's on 2009-01-20 (-29 % and back) and RRC's of 1992 (28 %), both real, both under `LEAST_OUTLIER`."""
UNIT = log(100.0)
UNIT_TOLERANCE = log(1.5)
STALE_SESSIONS = 10
"""Equal closes in a row from which on a row is stale. In the bundled market no series that moves repeats for more than
7 sessions (RRC, 1993-05-10); RRC before 1993 repeats for up to 69, and does not move on most of its other days."""
STALE_HISTORY = 60
LEAST_HISTORY = 20
MOST_UNCHANGED = 0.25
"""A series that repeats by nature cannot be judged: at most this part of the 60 rows before a run may repeat."""


def audited(
    new: pa.Table,
    known: pa.Table,
    actions: pa.Table,
    *,
    currencies: Mapping[str, str],
    calendar: pa.Table,
    today: date,
    waived: pa.Table | Collection[str] = frozenset(),
    without: Collection[Reason] = (),
) -> Audited:
    """`new` price rows, each accepted as it came or quarantined with a reason; neither order nor other tickers matter.

    Rows have ticker, price_date, close (decimal, or double with NaN), currency, price_kind and perhaps volume;
    `actions` are those of `audited_actions`. `currencies` gives each ticker's own; a ticker not in it is not asked.
    `calendar` is `trading_days`; outside it a weekend is a weekend. `released` ids are accepted as they are, and
    trusted. `without` leaves rules out, to show what each one holds back. 200,000 rows take about a second.
    """
    ids = content_ids(new)
    waived = waived_ids(waived)
    standing = sheet(new, known, ids, actions, waived)
    of_rows, of_series = _row_rules(currencies, calendar, today), _series_rules()
    standing, verdicts = _after(of_rows, standing, without)
    standing, found = _after(of_series, standing.as_series(), without)
    while found:  # what leaves may let the rest be seen; so an audit of what is accepted finds nothing
        verdicts += found
        standing, found = _after(of_series, standing, without)
    return parted(new, ids, verdicts)


def _after(
    rules: Sequence[Rule[PriceSheet]], standing: PriceSheet, without: Collection[Reason]
) -> tuple[PriceSheet, list[Verdict]]:
    """Return the rows that stand after each rule has put out its own, and the verdicts on those."""
    said: list[Verdict] = []
    for rule in (rule for rule in rules if rule.reason not in without):
        found = _verdicts(rule, standing)
        said += found.values()
        standing = standing.where(~np.isin(np.arange(len(standing.day)), list(found))) if found else standing
    return standing, said


def _verdicts(rule: Rule[PriceSheet], standing: PriceSheet) -> dict[int, Verdict]:
    """Return a rule's verdicts on the rows it may put out: delivered ones, and not trusted ones unless it is final."""
    return {
        finding.row: Verdict(
            int(standing.position[finding.row]), rule.reason, rule.meaning, finding.detail, finding.compared_with
        )
        for finding in rule.find(standing)
        if standing.position[finding.row] >= 0 and (not standing.trusted[finding.row] or rule.reason in FINAL)
    }


def _row_rules(currencies: Mapping[str, str], calendar: pa.Table, today: date) -> tuple[Rule[PriceSheet], ...]:
    closed = partial(_on_a_closed_day, open_days=_open_days(calendar), bounds=_bounds(calendar))
    return (
        Rule(
            Reason.NOT_A_NUMBER, "a row has a ticker, a day and a close, and the close is a finite number", _no_number
        ),
        Rule(Reason.ZERO, "a close is not 0", _zero),
        Rule(Reason.NEGATIVE, "a close is not below 0", _negative),
        Rule(Reason.FUTURE, "a price is not of a day to come", partial(_in_future, today=day_number(today))),
        Rule(Reason.WEEKEND, "a price is of a day on which its exchange traded", closed),
        Rule(
            Reason.WRONG_CURRENCY,
            "a price is in its security's currency",
            partial(_wrong_currency, expected=currencies),
        ),
        Rule(Reason.DUPLICATE, "a ticker has one price a day; of equal twins one stays, of others none", _duplicates),
    )


def _series_rules() -> tuple[Rule[PriceSheet], ...]:
    return (
        Rule(Reason.TIMES_100, "a close is not 67 to 150 times, or a part, of those accepted before", _times_100),
        Rule(
            Reason.UNADJUSTED_SPLIT,
            f"a known split is in the closes once and on its day, not {SPLIT_WINDOW} rows around it",
            _unadjusted,
        ),
        Rule(
            Reason.INVENTED_SPLIT,
            f"no close jumps by 3:2, 2, 3, 4, 5, 10 or 20 and back within {LONGEST_RUN} rows without a split",
            partial(_came_back, is_simple=True),
        ),
        Rule(
            Reason.OUTLIER,
            f"no close jumps 45 % and {USUAL_MOVES:g} usual moves, and back within {LONGEST_RUN} rows",
            partial(_came_back, is_simple=False),
        ),
        Rule(
            Reason.STALE_REPEAT,
            f"no close is the {STALE_SESSIONS}th equal one without volume in a series that moves",
            _stale,
        ),
    )


def _open_days(calendar: pa.Table) -> Int64:
    days = pc.cast(pc.cast(calendar.filter(calendar["is_trading_day"])["calendar_date"], pa.int32()), pa.int64())
    return np.asarray(days.to_numpy(), dtype=np.int64)


def _bounds(calendar: pa.Table) -> tuple[int, int]:
    ends = pc.min_max(calendar["calendar_date"]).as_py()
    return (day_number(ends["min"]), day_number(ends["max"])) if ends["min"] else (0, -1)


def _no_number(rows: PriceSheet) -> Sequence[Fault]:
    bad = ~np.isfinite(rows.close) | (rows.ticker == "") | (rows.day == UNKNOWN_DAY)
    return [Fault(i, f"the close is {rows.close[i]}, not a number", "any number") for i in _places(bad)]


def _zero(rows: PriceSheet) -> Sequence[Fault]:
    return [Fault(i, "the close is 0, and a price is above 0", "0") for i in _places(rows.close == 0)]


def _negative(rows: PriceSheet) -> Sequence[Fault]:
    return [Fault(i, f"the close is {rows.close[i]:.8g}, below 0", "0") for i in _places(rows.close < 0)]


def _in_future(rows: PriceSheet, today: int) -> Sequence[Fault]:
    return [
        Fault(i, f"the price is of {day_text(int(rows.day[i]))}, and today is {day_text(today)}", day_text(today))
        for i in _places(rows.day > today)
    ]


def _on_a_closed_day(rows: PriceSheet, open_days: Int64, bounds: tuple[int, int]) -> Sequence[Fault]:
    is_inside = (rows.day >= bounds[0]) & (rows.day <= bounds[1])
    is_weekend = (rows.day + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    closed = np.where(is_inside, ~np.isin(rows.day, open_days), is_weekend)
    return [
        Fault(i, f"{day_text(int(rows.day[i]))} was no trading day, yet has the close {rows.close[i]:.8g}", "calendar")
        for i in _places(closed)
    ]


def _wrong_currency(rows: PriceSheet, expected: Mapping[str, str]) -> Sequence[Fault]:
    tickers, code = np.unique(rows.ticker, return_inverse=True)
    own = np.asarray([expected.get(str(ticker), "") for ticker in tickers], dtype=np.str_)[code]
    return [
        Fault(i, f"the price is in {rows.currency[i] or 'no currency'}, the security in {own[i]}", str(own[i]))
        for i in _places((own != "") & (rows.currency != own))
    ]


def _duplicates(rows: PriceSheet) -> Sequence[Fault]:
    """All but one of equal twins, all of unequal ones; a released row wins. Twins of equal content are neighbours."""
    again: Bools = np.zeros(len(rows.day), dtype=np.bool_)
    again[1:] = ~rows.is_first[1:] & (rows.day[1:] == rows.day[:-1])
    found: list[Fault] = []
    done = -1
    for second in _places(again):
        if second <= done:
            continue
        first = second - 1
        same_day = (rows.ticker[second:] == rows.ticker[first]) & (rows.day[second:] == rows.day[first])
        done = second + (len(same_day) if same_day.all() else int(np.argmin(same_day))) - 1
        found += _twins(rows, first, done + 1)
    return found


def _twins(rows: PriceSheet, start: int, end: int) -> list[Fault]:
    twins = range(start, end)
    contents = {str(rows.content[i]) for i in twins}
    stays = next((i for i in twins if rows.trusted[i]), start if len(contents) == 1 else None)
    closes = sorted({f"{rows.close[i]:.8g}" for i in twins})
    day = day_text(int(rows.day[start]))
    say = f"{len(twins)} rows of {day}, {len(contents)} of them different, with the closes {', '.join(closes)}"
    return [Fault(i, say, ", ".join(closes)) for i in twins if i != stays]


def _times_100(rows: PriceSheet) -> Sequence[Fault]:
    rows = rows.with_confirmed_splits()
    tickers = {str(rows.ticker[i]) for i in _places(np.abs(rows.jump) > log(5.0))}
    found: list[Fault] = []
    for start, end in (rows.starts[ticker] for ticker in sorted(tickers)):
        unit = _units(rows, start, end)
        expected = _expected_units(unit, rows.trusted[start:end])
        for i in _places(unit != expected):
            other = _nearest(unit == expected, i)
            said = rows.said(start + other)
            power = 100.0 ** float(unit[i] - expected[i])
            detail = f"the close {rows.close[start + i]:.8g} is {power:g} times too large beside {said}"
            found.append(Fault(start + i, detail, said))
    return found


def _units(rows: PriceSheet, start: int, end: int) -> Int64:
    """How many times 100 each row of a ticker is from its first: a jump is held against the median of five before."""
    level = rows.level[start:end].copy()
    unit: Int64 = np.zeros(end - start, dtype=np.int64)
    places = [i for i in _places(np.abs(rows.jump[start:end]) > log(5.0)) if i > 0]
    for place, following in zip(places, [*places[1:], end - start], strict=True):
        away = float(rows.level[start + place] - np.median(level[max(0, place - 5) : place]))
        steps = round(away / UNIT)
        if steps and abs(away - steps * UNIT) <= UNIT_TOLERANCE and not _is_rebased(rows, start + place):
            unit[place:following] = steps
            level[place:following] -= steps * UNIT
    return unit


def _is_rebased(rows: PriceSheet, row: int) -> bool:
    """Say whether a known split explains the step from an older basis of a series that has splits inside."""
    own = [split for split in rows.splits if split.ticker == rows.ticker[row]]
    return not rows.is_as_traded[row] and any(is_near(split.jump, float(rows.jump[row])) for split in own)


def _expected_units(unit: Int64, trusted: Bools) -> Int64:
    """The unit of the trusted row before each row, else of the one after it, else of most rows, of a tie the first."""
    anchors = np.flatnonzero(trusted)
    if len(anchors):
        before = np.searchsorted(anchors, np.arange(len(unit)), side="right") - 1
        return unit[anchors[np.maximum(before, 0)]]
    values, firsts, counts = np.unique(unit, return_index=True, return_counts=True)
    best = max(range(len(values)), key=lambda k: (counts[k], -firsts[k]))
    return np.full(len(unit), values[best], dtype=np.int64)


def _nearest(wanted: Bools, place: int) -> int:
    candidates = np.flatnonzero(wanted)
    return int(candidates[np.argmin(np.abs(candidates - place))]) if len(candidates) else place


def _unadjusted(rows: PriceSheet) -> Sequence[Fault]:
    """Rows around a known split that have it too early, too late or twice."""
    found: list[Fault] = []
    rows = rows.with_confirmed_splits()
    for split in rows.splits:
        at = rows.row_of(split)
        if at is None or abs(split.jump) < LEAST_SPLIT:
            continue
        near = [e for e in rows.excursions if _is_of(rows, e, split, at)]
        spans = [(e.start, e.end) for e in near] or _misplaced(rows, split, at)
        for start, end in spans:
            said = rows.said(start - 1 if not rows.is_first[start] else end)
            detail = f"a close that is not in line with {said} and the split {split.words}"
            found += [Fault(i, f"{rows.close[i]:.8g} is {detail}", said) for i in range(start, end)]
    return found


def _is_of(rows: PriceSheet, excursion: Excursion, split: Split, at: int) -> bool:
    is_close = excursion.start - SPLIT_WINDOW <= at <= excursion.end + SPLIT_WINDOW
    return is_close and rows.ticker[at] == rows.ticker[excursion.start] and is_near(excursion.jump, split.jump)


def _misplaced(rows: PriceSheet, split: Split, at: int) -> list[tuple[int, int]]:
    """Rows that a jump by the split's ratio on its very day parts from the others, if no excursion explains it.

    As traded, those since an opposite jump, or from the day on until one. In a series that has splits inside, those
    before it, unless they join what was known: then all of it is on the older basis, and nothing delivered is wrong.
    """
    first, last = rows.bounds(at)
    if at == first or not is_near(float(rows.jump[at]), split.jump):
        return []
    if not rows.is_as_traded[at]:
        return [] if rows.trusted[first:at].any() else [(first, at)]
    jump = float(rows.jump[at])
    opposite = [i for i in range(max(first + 1, at - SPLIT_WINDOW), last) if rows.jump[i] * jump < 0]
    opposite = [i for i in opposite if is_near(float(rows.jump[i]), jump)]
    early = [(i, at) for i in opposite if i < at]
    return early[-1:] or [(at, next((i for i in opposite if i > at), last))]


def _came_back(rows: PriceSheet, is_simple: bool) -> Sequence[Fault]:
    rows = rows.with_confirmed_splits()
    found: list[Fault] = []
    for e in rows.excursions:
        size = abs(e.jump)
        usual = rows.usual_move(e.start, e.end)
        tolerance = max(RATIO_TOLERANCE, 3.0 * usual)
        ratio = next((r for r in SIMPLE_RATIOS if abs(size - log(r)) <= tolerance), None)
        if size >= max(LEAST_OUTLIER, USUAL_MOVES * usual) and is_simple == (ratio is not None):
            said = rows.said(e.start - 1)
            word = f"as a split of {ratio:g} would make it" if ratio else f"a usual day moves {100 * usual:.1f} %"
            found += [
                Fault(i, f"{rows.close[i]:.8g} is {exp(e.jump):.3g} times {said} and came back; {word}", said)
                for i in range(e.start, e.end)
            ]
    return found


def _stale(rows: PriceSheet) -> Sequence[Fault]:
    is_same: Bools = np.zeros(len(rows.day), dtype=np.bool_)
    is_same[1:] = (rows.raw_jump[1:] == 0.0) & ~rows.is_first[1:] & ~(rows.volume[1:] > 0)
    places = np.arange(len(rows.day))
    begun = np.maximum.accumulate(np.where(is_same, 0, places))
    length = places - begun + 1
    found: list[Fault] = []
    for i in _places(is_same & (length >= STALE_SESSIONS)):
        start = int(begun[i])
        first, _ = rows.bounds(i)
        before = is_same[max(first + 1, start - STALE_HISTORY + 1) : start + 1]
        if len(before) >= LEAST_HISTORY and before.mean() <= MOST_UNCHANGED:
            detail = (
                f"{rows.close[i]:.8g} for the {length[i]}th session in a row, without volume, since {rows.said(start)}"
            )
            found.append(Fault(i, detail, rows.said(start)))
    return found


def _places(mask: Bools) -> list[int]:
    return [int(i) for i in np.flatnonzero(mask)]
