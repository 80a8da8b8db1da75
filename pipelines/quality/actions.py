"""The audit of corporate actions: what the closes around them contradict.

An action that is put out changes no quantity and pays no cash; it is judged again with every audit, so a split whose
jump comes late is believed when the jump has come.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log
from typing import SupportsFloat

import numpy as np
import pyarrow as pa

from pipelines.quality.series import (
    LEAST_SPLIT,
    SPLIT_WINDOW,
    Dividend,
    PriceSheet,
    Split,
    confirmed,
    day_number,
    sheet,
)
from pipelines.quality.verdicts import FINAL, Audited, Fault, Reason, Rule, Verdict, content_ids, parted, waived_ids

SPLIT, DIVIDEND = "SPLIT", "DIVIDEND"
LEAST_LARGE = 0.08
"""The smallest dividend, as a part of the price, whose absence from the closes can be told from a day's own move."""
USUAL_MOVES = 5.0
UNIT_TOLERANCE = 0.02
"""How far from exactly a hundred times a neighbour: real ones of 0.006 and 0.009 stand among others near 0.8."""
TWIN_DAYS = 5
"""Days in which a second dividend of the same amount is a phantom; funds that pay weekly are 7 apart."""
TWIN_TOLERANCE = 0.1
"""How far the amounts of such twins may differ: one may have been converted at another day's rate."""


@dataclass(frozen=True, slots=True)
class Action:
    """A split or a dividend, its numbers NaN if they are none."""

    position: int
    ticker: str
    day: int
    words: str
    is_split: bool
    new: float
    old: float
    amount: float

    @property
    def numbers(self) -> tuple[float, ...]:
        return (self.new, self.old) if self.is_split else (self.amount,)


@dataclass(frozen=True, slots=True)
class Case:
    """The actions that stand, and the accepted prices to hold them against."""

    actions: tuple[Action, ...]
    prices: PriceSheet


def audited_actions(
    actions: pa.Table,
    prices: pa.Table,
    *,
    waived: pa.Table | Collection[str] = frozenset(),
    without: Collection[Reason] = (),
) -> Audited:
    """`actions`, accepted or quarantined with a reason: ticker, action_date, action_type, split_new, split_old, amount.

    Give all actions of a ticker and its prices around them, accepted or just delivered; `adjusted_close` among their
    columns helps to tell a phantom dividend from its twin. Without prices only the actions' own numbers are judged.
    """
    ids = content_ids(actions)
    trusted = waived_ids(waived)
    case = Case(
        _read(actions), sheet(prices, prices.slice(0, 0), [""] * prices.num_rows, actions.slice(0, 0)).as_series()
    )
    verdicts: list[Verdict] = []
    for rule in (rule for rule in RULES if rule.reason not in without):
        out = {
            case.actions[finding.row].position: finding
            for finding in rule.find(case)
            if ids[case.actions[finding.row].position] not in trusted or rule.reason in FINAL
        }
        verdicts += [Verdict(at, rule.reason, rule.meaning, one.detail, one.compared_with) for at, one in out.items()]
        case = Case(tuple(action for action in case.actions if action.position not in out), case.prices)
    return parted(actions, ids, verdicts)


def _read(actions: pa.Table) -> tuple[Action, ...]:
    """The actions by ticker, day and content, so that the order of delivery changes nothing."""
    read = [
        Action(
            at,
            row["ticker"] or "",
            day_number(row["action_date"]) if row["action_date"] else 0,
            f"{row['action_date']}",
            row["action_type"] == SPLIT,
            _number(row["split_new"]),
            _number(row["split_old"]),
            _number(row["amount"]),
        )
        for at, row in enumerate(actions.to_pylist())
    ]
    return tuple(
        sorted(read, key=lambda action: (action.ticker, action.day, not action.is_split, repr(action.numbers)))
    )


def _number(value: SupportsFloat | None) -> float:
    return float("nan") if value is None else float(value)


def _with_numbers(bad: Callable[[float], bool], say: str, against: str) -> Callable[[Case], Sequence[Fault]]:
    def find(case: Case) -> Sequence[Fault]:
        return [
            Fault(i, f"{_text(action)} of {action.words} {say}", against)
            for i, action in enumerate(case.actions)
            if any(bad(number) for number in action.numbers)
        ]

    return find


def _text(action: Action) -> str:
    return f"the split {action.new:g}:{action.old:g}" if action.is_split else f"the dividend {action.amount:g}"


def _twins(case: Case) -> Sequence[Fault]:
    """All but one of equal actions of a day, all of unequal ones."""
    days: dict[tuple[str, int, bool], list[int]] = {}
    for i, action in enumerate(case.actions):
        days.setdefault((action.ticker, action.day, action.is_split), []).append(i)
    found = []
    for places in days.values():
        numbers = {case.actions[i].numbers for i in places}
        said = " and ".join(sorted(_text(case.actions[i]) for i in places))
        found += [
            Fault(i, f"{said} are of one day, {case.actions[i].words}", said) for i in places[len(numbers) == 1 :]
        ]
    return found


def _invented(case: Case) -> Sequence[Fault]:
    found = []
    for i, action in enumerate(case.actions):
        if action.is_split:
            split = Split(action.ticker, action.day, log(action.old / action.new), action.words)
            if not list(confirmed(case.prices, (split,))):
                row = case.prices.row_of(split)
                assert row is not None
                said = case.prices.said(row - 1)
                moved = exp(float(case.prices.raw_jump[row]))
                seen = f"the close is {moved:.3g} times {said}, not {exp(split.jump):.3g}"
                found.append(Fault(i, f"{_text(action)} of {action.words}: {seen}", said))
    return found


def _bad_dividends(case: Case) -> Sequence[Fault]:
    """Judged in the units of its day: the splits that stand are taken out of the closes and of the other dividends."""
    case, found = replace(case, prices=replace(case.prices, splits=tuple(_splits(case)))), []
    for i, action in enumerate(case.actions):
        if not action.is_split:
            tests = (_too_large, _of_another_unit, _of_before_the_split, _phantom)
            said = next((evidence for test in tests if (evidence := test(case, action))), None)
            if said:
                found.append(Fault(i, f"the dividend {action.amount:g} of {action.words} {said[0]}", said[1]))
    return found


def _too_large(case: Case, action: Action) -> tuple[str, str] | None:
    """Return evidence that the closes did not fall by such a dividend, if there is any."""
    prices = case.prices
    row = _row(prices, action)
    if row is None:
        return None
    part = prices.part_of(Dividend(action.ticker, action.day, action.amount), row)
    fall = 1.0 - exp(float(prices.raw_jump[row] - prices.split_jump[row]))
    if part > LEAST_LARGE and part - fall > max(LEAST_LARGE, USUAL_MOVES * prices.usual_move(row, row)):
        said = prices.said(row - 1)
        return f"is {100 * part:.1f} % of {said}, which fell {100 * fall:.1f} %", said
    return None


def _of_another_unit(case: Case, action: Action) -> tuple[str, str] | None:
    """Return evidence that it is 100 times, or 1/100 of, a usual one of the two before and the two after."""
    before, after = _beside(case, action)
    usual = float(np.median([*before, *after])) if len(before + after) >= 3 else action.amount
    for amount in (*before, *after):
        is_usual = abs(log(amount / usual)) < log(10.0)
        if is_usual and abs(abs(log(action.amount / amount)) - log(100.0)) <= UNIT_TOLERANCE:
            return f"is {action.amount / amount:.3g} times one beside it, {amount:g}", f"{amount:g}"
    return None


def _of_before_the_split(case: Case, action: Action) -> tuple[str, str] | None:
    """Return evidence that it is per unit of before the split of its day: the split's ratio times those around it."""
    others = [amount for amounts in _beside(case, action) for amount in amounts]
    for split in case.prices.splits:
        if (split.ticker, split.day) == (action.ticker, action.day) and len(others) >= 2:
            away = [log(action.amount / amount) + split.jump for amount in others]
            if abs(split.jump) >= LEAST_SPLIT and max(map(abs, away)) <= UNIT_TOLERANCE:
                said = f"{others[-1]:g}, as one beside it is in units of the day"
                return f"is {exp(-split.jump):g} times {said}: it is per unit of before the split {split.words}", said
    return None


def _phantom(case: Case, action: Action) -> tuple[str, str] | None:
    """Return evidence that it repeats another dividend: of two, the one that no adjusted close has, or the later."""
    for other in _dividends(case, action.ticker):
        amount = _in_units_of(case, action, other)
        is_alike = abs(amount - action.amount) <= TWIN_TOLERANCE * max(amount, action.amount)
        if is_alike and 0 < abs(other.day - action.day) <= TWIN_DAYS:
            own, others = _is_adjusted(case.prices, action), _is_adjusted(case.prices, other)
            if (others and not own) or (own == others and other.day < action.day):
                return f"repeats that of {other.words}, {other.amount:g}", f"{other.amount:g} of {other.words}"
    return None


def _dividends(case: Case, ticker: str) -> list[Action]:
    return [action for action in case.actions if action.ticker == ticker and not action.is_split]


def _splits(case: Case) -> Iterator[Split]:
    for action in case.actions:
        if action.is_split:
            words = f"{action.new:g}:{action.old:g} on {action.words}"
            yield Split(action.ticker, action.day, log(action.old / action.new), words)


def _beside(case: Case, action: Action) -> tuple[list[float], list[float]]:
    """The amounts of the two dividends before it and of the two after it, in units of its day."""
    others = [other for other in _dividends(case, action.ticker) if other.day != action.day]
    before = [_in_units_of(case, action, other) for other in others if other.day < action.day][-2:]
    after = [_in_units_of(case, action, other) for other in others if other.day > action.day][:2]
    return before, after


def _in_units_of(case: Case, action: Action, other: Action) -> float:
    """The amount of `other` per unit of the day of `action`, if closes, and so amounts, are as traded."""
    start, end = case.prices.starts.get(action.ticker, (0, 0))
    if not case.prices.is_as_traded[start:end].all():
        return other.amount
    first, last = sorted((action.day, other.day))
    jumps = [one.jump for one in case.prices.splits if one.ticker == action.ticker and first < one.day <= last]
    return other.amount * exp(sum(jumps) if other.day < action.day else -sum(jumps))


def _is_adjusted(prices: PriceSheet, action: Action) -> bool:
    """Say whether the adjusted closes have more than a quarter of the dividend in them."""
    row = _row(prices, action)
    if row is None:
        return False
    factor = prices.adjusted / prices.close
    step = factor[row - 1] / factor[row] / exp(float(prices.split_jump[row]))
    return bool(1 - step > 0.25 * prices.part_of(Dividend(action.ticker, action.day, action.amount), row))


def _row(prices: PriceSheet, action: Action) -> int | None:
    """The first row on or after the ex-date, if one is before it and the kind of price has no dividends inside."""
    row = prices.row_of(Dividend(action.ticker, action.day, action.amount))
    return None if row is None or prices.is_first[row] or prices.has_dividends[row] else row


RULES: tuple[Rule[Case], ...] = (
    Rule(
        Reason.NOT_A_NUMBER,
        "an action has numbers",
        _with_numbers(lambda number: not isfinite(number), "has no number", "any number"),
    ),
    Rule(Reason.ZERO, "an action has no 0", _with_numbers(lambda number: number == 0, "is of 0", "0")),
    Rule(Reason.NEGATIVE, "an action is not below 0", _with_numbers(lambda number: number < 0, "is below 0", "0")),
    Rule(Reason.DUPLICATE, "a ticker has one split and one dividend a day", _twins),
    Rule(
        Reason.INVENTED_SPLIT,
        f"a split of 7:5 or more is seen in closes as traded within {SPLIT_WINDOW} rows of its day",
        _invented,
    ),
    Rule(
        Reason.BAD_DIVIDEND,
        f"a dividend over {100 * LEAST_LARGE:g} % of the price is seen in the closes, none is a hundred times those "
        f"around it, none is per unit of before the split of its day, and none repeats another within {TWIN_DAYS} days",
        _bad_dividends,
    ),
)
