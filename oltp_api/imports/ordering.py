"""The order of a file's rows: oldest first, whichever way it was written, and what is odd about it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from operator import gt, le, lt
from typing import Any, Literal

from domain.errors import plain
from domain.ledger import TxnType
from domain.sequences import longest_rise
from oltp_api.imports.drafts import LEAVES, BalanceStep, Draft

Direction = Literal["oldest_first", "newest_first"]
Order = Literal["oldest_first", "newest_first", "by_day"]
"""`by_day` is a file's whose rows stand in sections, or in no order: they are put in that of their days."""
_ONE_IN = 5
"""A file is taken for one in order, or exact, if no more than one row in so many is not."""


def direction_of(drafts: Sequence[Draft]) -> Direction:
    """As most of its days go on, else as the first is to the last, else as times do; one of one moment as it stands."""
    dated = [each for each in drafts if each.day is not None]
    days = [_day(each) for each in dated]
    way = _way(days) or _way([*days[:1], *days[-1:]]) or _way([(_day(each), each.clock or "") for each in dated])
    return way or "oldest_first"


def _way(keys: Sequence[Any]) -> Direction | None:
    """As most of them go on; None if as many rise as fall."""
    rises, falls = sum(map(lt, keys, keys[1:])), sum(map(gt, keys, keys[1:]))
    return None if rises == falls else "newest_first" if falls > rises else "oldest_first"


def in_order(drafts: Sequence[Draft], stated: Order | None) -> tuple[list[Draft], Direction]:
    """The rows oldest first, those of one day by their times if all of it have some, else as they stand, without any;
    rows out of order are flagged."""
    direction = stated or direction_of(drafts)
    if direction == "by_day":
        rows, direction = sorted(drafts, key=_day), "oldest_first"
    else:
        rows = list(drafts if direction == "oldest_first" else _turned(drafts))
        _flag_out_of_order(rows)
    _check_balances(rows)
    timed = {each.day for each in rows} - {each.day for each in rows if each.clock is None and each.day is not None}
    for each in rows:
        if each.day not in timed:
            each.event_ts = None  # beside rows whose moment nobody knows, it would say an order that is not the file's
    if any(day is not None for day in timed):
        rows = sorted(rows, key=lambda each: (_day(each), (each.clock or "") if each.day in timed else ""))
    return rows, direction


def _turned(drafts: Sequence[Draft]) -> list[Draft]:
    """The other way round, but for the parts of one line, which stay as they are."""
    return sorted(drafts, key=lambda each: (-each.line, each.part))


def _day(draft: Draft) -> date:
    """Its day, where one is to be sorted by it: a row without any comes first."""
    return draft.day or date.min


def _flag_out_of_order(rows: Sequence[Draft]) -> None:
    """Flag what stands between later rows and earlier ones, in a file whose others are in order."""
    dated = [each for each in rows if each.day is not None]
    days = [_day(each) for each in dated]
    if all(map(le, days, days[1:])):
        return
    dated = list({each.line: each for each in dated}.values())  # two rows of one line are no two that agree
    days = [_day(each) for each in dated]
    kept = longest_rise(days)
    for each in strays_among(dated, [each for place, each in enumerate(dated) if place not in kept]):
        each.flag(f"{each.day} is out of order: the rows around it are of other days")


def strays_among(rows: Sequence[Draft], odd: Sequence[Draft]) -> Sequence[Draft]:
    """Keep those of `rows` that are `odd`, if they are few enough for the others to be the rule; else none."""
    return odd if len(odd) * _ONE_IN <= max(len(rows), _ONE_IN) else ()


def _check_balances(rows: Sequence[Draft]) -> None:
    """Flag a row after which the balance that the file says is not the one before it and what the row moved."""
    if not any("balance" in each.numbers or each.steps for each in rows):
        return
    last: dict[tuple[str | None, str | None], tuple[Decimal, int] | None] = {}
    moved: dict[tuple[str | None, str | None], Decimal] = {}
    for each in rows:
        balance = each.numbers.pop("balance", None)
        effect = effect_of(each)
        if effect is None and not each.steps:
            last[each.texts.get("account"), each.texts.get("currency")] = None
            continue
        for step in each.steps or (BalanceStep(each.texts.get("currency"), effect or Decimal(0), balance),):
            place = (each.texts.get("account"), step.currency)
            moved[place] = moved.get(place, Decimal(0)) + step.moved
            if step.balance is None:
                continue
            before = last.get(place)
            if place not in last and step.balance >= 0 and step.balance < moved[place]:
                said = f"{plain(step.balance)} is less than the {plain(moved[place])} that came first"
                each.flag(f"the balances do not go on: {said}")
            if before is not None and before[0] + moved[place] != step.balance:
                said = f"{plain(before[0])} on line {before[1]} and {plain(moved[place])} are not {plain(step.balance)}"
                each.flag(f"the balances do not go on: {said}")
            elif before is not None and not each.steps:
                each.has_other_sign = False  # the balance says that it is right
            last[place], moved[place] = (step.balance, each.line), Decimal(0)


def effect_of(draft: Draft) -> Decimal | None:
    """The cash that a row moved, as it says; None where it does not."""
    if draft.skipped is not None:
        return Decimal(0) if not draft.numbers.get("amount") else None
    amount = draft.numbers.get("amount")
    if draft.refusal is not None or amount is None:
        return None
    if draft.kind in LEAVES:
        return -amount
    return -abs(amount) if draft.kind is TxnType.BUY else amount
