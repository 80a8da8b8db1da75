"""Kinds of bad price, each put into good real series at a random place, with what an audit must say of every row.

A `Delivery` is one ticker's: what was known, what is new, and its actions. A kind changes it and marks each bad row or
action with the reason it must get.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.quality.actions import audited_actions
from pipelines.quality.prices import audited
from pipelines.quality.verdicts import Reason
from tests.price_rows import ACTIONS, PRICES, table

KNOWN, NEW = 120, 90
"""Sessions of a delivery that were known, and that are new."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """Rows of one ticker by day; a row's or action's `why` is the reason it must get, None if it is good."""

    known: list[Row]
    new: list[Row]
    actions: list[Row]
    holidays: Sequence[date]
    luck: random.Random = field(repr=False)

    def place(self) -> int:
        """A new row with room on both sides, whose close is not that of the day before."""
        while True:
            at = self.luck.randrange(15, NEW - 30)
            if self.new[at]["close"] != self.new[at - 1]["close"]:
                return at

    def changed(self, start: int, end: int, why: Reason | None, **change: Any) -> "Delivery":
        marked = {**change, "why": why}
        return replace(self, new=[row | marked if start <= n < end else row for n, row in enumerate(self.new)])

    def times(self, start: int, end: int, factor: float, why: Reason | None) -> "Delivery":
        scaled = [row | {"close": row["close"] * factor, "why": why} for row in self.new]
        return replace(self, new=[scaled[n] if start <= n < end else row for n, row in enumerate(self.new)])

    def with_action(self, day: date, new: float, why: Reason | None = None) -> "Delivery":
        row = {"ticker": self.new[0]["ticker"], "action_date": day, "action_type": "SPLIT"}
        return replace(self, actions=[*self.actions, {**row, "split_new": new, "split_old": 1.0, "why": why}])

    def with_row(self, like: int, why: Reason, **change: Any) -> "Delivery":
        return replace(self, new=[*self.new, {**self.new[like], **change, "why": why}])


def closes(value: float | None, why: Reason) -> Callable[[Delivery], Delivery]:
    def kind(good: Delivery) -> Delivery:
        at = good.place()
        return good.changed(at, at + 1, why, close=value)

    return kind


def negative(good: Delivery) -> Delivery:
    at = good.place()
    return good.times(at, at + 1, -1.0, Reason.NEGATIVE)


def times(factor: float, longest: int | None) -> Callable[[Delivery], Delivery]:
    """A unit mix-up of one to `longest` days, or to the end."""

    def kind(good: Delivery) -> Delivery:
        at = good.place()
        end = at + good.luck.randint(1, longest) if longest else NEW
        return good.times(at, end, factor, Reason.TIMES_100)

    return kind


def with_split(good: Delivery) -> tuple[Delivery, int, float]:
    """A good delivery as traded with a real split in it: its first session, and its ratio."""
    at, ratio = good.place(), good.luck.choice([2.0, 3.0, 4.0, 7.0, 10.0, 20.0, 0.1])
    known = [{**row, "close": row["close"] * ratio} for row in good.known]
    before = replace(good, known=known).times(0, at, ratio, None)
    return before.with_action(good.new[at]["price_date"], ratio), at, ratio


def split_comes_late(good: Delivery) -> Delivery:
    split, at, ratio = with_split(good)
    return split.times(at, at + good.luck.randint(1, 5), ratio, Reason.UNADJUSTED_SPLIT)


def split_comes_early(good: Delivery) -> Delivery:
    split, at, ratio = with_split(good)
    return split.times(at - good.luck.randint(1, 5), at, 1 / ratio, Reason.UNADJUSTED_SPLIT)


def split_comes_twice(good: Delivery) -> Delivery:
    split, at, ratio = with_split(good)
    return split.times(at, at + good.luck.randint(1, 5), 1 / ratio, Reason.UNADJUSTED_SPLIT)


def split_comes_twice_for_good(good: Delivery) -> Delivery:
    split, at, ratio = with_split(good)
    return split.times(at, NEW, 1 / ratio, Reason.UNADJUSTED_SPLIT)


def history_without_the_split(good: Delivery) -> Delivery:
    """A first delivery of a series that has splits inside, but for the rows before one."""
    at, ratio = good.place(), good.luck.choice([2.0, 3.0, 4.0, 10.0, 0.1])
    first = replace(good, known=[]).with_action(good.new[at]["price_date"], ratio)
    inside = replace(first, new=[{**row, "price_kind": "TOTAL_RETURN"} for row in first.new])
    return inside.times(0, at, ratio, Reason.UNADJUSTED_SPLIT)


def split_never_was(good: Delivery) -> Delivery:
    return good.with_action(
        good.new[good.place()]["price_date"], good.luck.choice([2.0, 4.0, 10.0, 0.1]), Reason.INVENTED_SPLIT
    )


def price_of_a_split_that_never_was(good: Delivery) -> Delivery:
    at, ratio = good.place(), good.luck.choice([2.0, 3.0, 4.0, 5.0, 10.0])
    factor = good.luck.choice([ratio, 1 / ratio])
    return good.times(at, at + good.luck.randint(1, 3), factor, Reason.INVENTED_SPLIT)


def twin(good: Delivery) -> Delivery:
    return good.with_row(good.place(), Reason.DUPLICATE)


def unequal_twin(good: Delivery) -> Delivery:
    at = good.place()
    more = good.with_row(at, Reason.DUPLICATE, close=good.new[at]["close"] * 1.001)
    return more.changed(at, at + 1, Reason.DUPLICATE)


def of_tomorrow(good: Delivery) -> Delivery:
    return good.with_row(
        NEW - 1, Reason.FUTURE, price_date=good.new[-1]["price_date"] + timedelta(days=good.luck.randint(1, 400))
    )


def of_a_saturday(good: Delivery) -> Delivery:
    at = good.place()
    day = good.new[at]["price_date"]
    return good.with_row(at, Reason.WEEKEND, price_date=day + timedelta(days=5 - day.weekday()))


def of_a_holiday(good: Delivery) -> Delivery:
    days = [day for day in good.holidays if good.new[0]["price_date"] < day < good.new[-1]["price_date"]]
    return good.with_row(good.place(), Reason.WEEKEND, price_date=good.luck.choice(days))


def in_pounds(good: Delivery) -> Delivery:
    at = good.place()
    return good.changed(at, at + good.luck.randint(1, 5), Reason.WRONG_CURRENCY, currency="GBP")


def stale(good: Delivery) -> Delivery:
    """The ninth repeat is still believed, those after it are not."""
    at = good.place()
    close = good.new[at]["close"]
    end = at + good.luck.randint(11, 25)
    while end < NEW and good.new[end]["close"] == close:
        end += 1
    return good.changed(at, end, None, close=close).changed(at + 9, end, Reason.STALE_REPEAT)


def spike(good: Delivery) -> Delivery:
    """By a factor that no simple ratio and a wild day make together."""
    at, factor = good.place(), good.luck.choice([7.0, 14.0, 1 / 7, 1 / 14])
    return good.times(at, at + good.luck.randint(1, 3), factor, Reason.OUTLIER)


KINDS: dict[str, Callable[[Delivery], Delivery]] = {
    "zero": closes(0.0, Reason.ZERO),
    "negative": negative,
    "not a number": closes(math.nan, Reason.NOT_A_NUMBER),
    "null": closes(None, Reason.NOT_A_NUMBER),
    "infinite": closes(math.inf, Reason.NOT_A_NUMBER),
    "100 times for a day": times(100.0, 1),
    "100 times for days": times(100.0, 25),
    "100 times to the end": times(100.0, None),
    "a hundredth for days": times(0.01, 25),
    "split comes late": split_comes_late,
    "split comes early": split_comes_early,
    "split comes twice": split_comes_twice,
    "split comes twice for good": split_comes_twice_for_good,
    "history without the split": history_without_the_split,
    "split that never was": split_never_was,
    "price of a split that never was": price_of_a_split_that_never_was,
    "twin": twin,
    "unequal twin": unequal_twin,
    "of a day to come": of_tomorrow,
    "of a Saturday": of_a_saturday,
    "of a holiday": of_a_holiday,
    "wrong currency": in_pounds,
    "stale": stale,
    "spike": spike,
}
SECOND = {
    Reason.TIMES_100: {Reason.OUTLIER},
    Reason.UNADJUSTED_SPLIT: {Reason.INVENTED_SPLIT, Reason.OUTLIER},
    Reason.INVENTED_SPLIT: {Reason.OUTLIER},
    Reason.FUTURE: {Reason.WEEKEND},
}
"""Rules that also stop such a row when its own is removed."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Audit of a delivery: rows only expected, and rows only said, as (ticker, day, value, currency, reason)."""

    is_right: bool
    expected: Counter[tuple[str, ...]]
    said: Counter[tuple[str, ...]]


class Market:
    """Real good series to put bad prices into; others are delivered along, to see that they come through."""

    def __init__(self, prices: pa.Table, calendar: pa.Table, luck: random.Random) -> None:
        self.luck = luck
        self.calendar = calendar
        closed = pc.and_(calendar["is_business_day"], pc.invert(calendar["is_trading_day"]))
        self.holidays = calendar.filter(closed)["calendar_date"].to_pylist()
        self.rows: dict[str, list[Row]] = {}
        for row in prices.to_pylist():
            row |= {"close": float(row["close"]), "price_kind": "AS_TRADED", "why": None}
            self.rows.setdefault(row["ticker"], []).append(row)

    def deliveries(self, count: int) -> list[Delivery]:
        """Good ones, of as many tickers, of the same days."""
        tickers = self.luck.sample(sorted(self.rows), count)
        start = self.luck.randrange(len(self.rows[tickers[0]]) - KNOWN - NEW)
        windows = [self.rows[ticker][start : start + KNOWN + NEW] for ticker in tickers]
        return [Delivery(rows[:KNOWN], rows[KNOWN:], [], self.holidays, self.luck) for rows in windows]

    def heard(self, bad: Delivery, others: Sequence[Delivery] = (), without: frozenset[Reason] = frozenset()) -> Heard:
        """Audit the delivery among others, in a random order."""
        deliveries = [bad, *others]
        new = [row for delivery in deliveries for row in delivery.new]
        actions = [row for delivery in deliveries for row in delivery.actions]
        self.luck.shuffle(new)
        known = _rows([row for delivery in deliveries for row in delivery.known], PRICES)
        today = max(row["price_date"] for row in bad.new if row["why"] is not Reason.FUTURE)
        acted = _rows(actions, ACTIONS)
        closes = audited(
            _rows(new, PRICES),
            known,
            acted,
            currencies=dict.fromkeys(self.rows, "USD"),
            calendar=self.calendar,
            today=today,
            without=without,
        )
        judged = audited_actions(acted, pa.concat_tables([known, closes.accepted]), without=without)
        expected = Counter([*(_key(row, row["why"]) for row in new), *(_key(row, row["why"]) for row in actions)])
        said: Counter[tuple[str, ...]] = Counter()
        for audit in (closes, judged):
            said.update(_key(row, None) for row in audit.accepted.to_pylist())
            said.update(_key(row, row["reason"]) for row in audit.quarantined.to_pylist())
        return Heard(expected == said, expected - said, said - expected)


def _rows(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    return table([tuple(row.get(name) for name in schema.names) for row in rows], schema)


def _key(row: Row, why: str | None) -> tuple[str, ...]:
    value = row.get("close") if "price_date" in row else row["split_new"]
    return (
        row["ticker"],
        str(row.get("price_date") or row["action_date"]),
        str(value),
        row.get("currency", ""),
        str(why or ""),
    )
