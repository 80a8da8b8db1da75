"""The recorded rows after a moment, and what they need of every balance: the ground of a back-dated decision.

A balance is the cash of one currency, or the units of one security in one account. A timeline begins before its first
row and is advanced in order of event; of the rows still to come only the lowest points of a balance matter, so that n
decisions in order of event cost one pass over the ledger and not n.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from domain.entries import When
from domain.ledger import WITHOUT_PAYMENT, Transaction, TxnType, effective
from domain.money import ZERO, money, share
from domain.positions import HoldingKey, Positions

BalanceKey = str | HoldingKey
"""A currency, or an account and a security."""
Place = tuple[date, datetime, int]
"""A place in the order of event; what was recorded at the same moment stands in the order of `seq`."""
LAST = 2**63
"""Behind every `seq`."""
_BEGIN: Place = (date.min, datetime.min.replace(tzinfo=UTC), 0)
END: Place = (date.max, datetime.max.replace(tzinfo=UTC), LAST)
_NEVER = Decimal("Infinity")


class Step(NamedTuple):
    """Effect of a recorded row on one balance: a change, or for a split `new` units for `old` ones."""

    business_date: date
    event_ts: datetime
    seq: int
    change: Decimal = ZERO
    is_transfer: bool = False
    new: Decimal | None = None
    old: Decimal | None = None


class CashStep(NamedTuple):
    """Change of cash by a recorded row."""

    business_date: date
    event_ts: datetime
    seq: int
    currency: str
    amount: Decimal


def place_of(row: Transaction | Step | CashStep) -> Place:
    return (row.business_date, row.event_ts, row.seq)


def cash_step(row: Transaction) -> CashStep:
    return CashStep(row.business_date, row.event_ts, row.seq, row.currency, row.cash_effect)


@dataclass(slots=True)
class Course:
    """The steps of one balance, in order of event.

    Up to the next split, `minima[i]` is where the balance comes to at worst where it needs cover, and
    `totals[i]` where it comes to in the end, both relative to the balance before step i.
    """

    steps: Sequence[Step]
    totals: list[Decimal] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    _minima: dict[bool, list[Decimal]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total, split = ZERO, len(self.steps)
        for place in reversed(range(len(self.steps))):
            step = self.steps[place]
            total, split = (ZERO, place) if step.new is not None else (total + step.change, split)
            self.totals.append(total)
            self.splits.append(split)
        self.totals.reverse()
        self.splits.reverse()

    def shortage(self, after: Place, balance: Decimal, of_all: bool) -> tuple[Step, Decimal] | None:
        """The first step after a place that a `balance` there does not cover, and what is left by it. `of_all`: else
        only transfers need cover."""
        minima, at = self._lowest(of_all), self._index(after)
        while at < len(self.steps):
            if balance + minima[at] < 0:
                return self._first_short(at, balance, of_all)
            at, balance = self._after_split(at, balance)
        return None

    def end(self, after: Place, balance: Decimal) -> Decimal:
        """Return what a `balance` after a place comes to in the end."""
        at = self._index(after)
        while at < len(self.steps):
            at, balance = self._after_split(at, balance)
        return balance

    def _index(self, after: Place) -> int:
        return bisect_right(self.steps, after, key=place_of)

    def _lowest(self, of_all: bool) -> list[Decimal]:
        if of_all not in self._minima:
            lowest, minima = _NEVER, []
            for step in reversed(self.steps):
                lowest = min(step.change + lowest, _worst(step, of_all)) if step.new is None else _NEVER
                minima.append(lowest)
            self._minima[of_all] = minima[::-1]
        return self._minima[of_all]

    def _after_split(self, at: int, balance: Decimal) -> tuple[int, Decimal]:
        split, balance = self.splits[at], balance + self.totals[at]
        if split == len(self.steps):
            return split, balance
        step = self.steps[split]
        assert step.new is not None
        assert step.old is not None
        return split + 1, share(balance, step.new, step.old)

    def _first_short(self, at: int, balance: Decimal, of_all: bool) -> tuple[Step, Decimal]:
        while True:
            step = self.steps[at]
            if balance + _worst(step, of_all) < 0:
                return step, balance + _worst(step, of_all)
            balance += step.change
            at += 1


def _worst(step: Step, of_all: bool) -> Decimal:
    """Return where the balance is, relative to that before the step, when it must not be below zero: after what takes
    from it; for a transfer, which neither leaves nor enters a short, before and after."""
    if step.is_transfer:
        return min(step.change, ZERO)
    return step.change if of_all and step.change < 0 else _NEVER


_NO_COURSE = Course(())


class Timeline:
    """Rows of securities over their whole lives, and steps of cash from some moment on; `at` is the place reached."""

    def __init__(self, rows: Iterable[Transaction] = (), cash: Iterable[CashStep] = ()) -> None:
        self.rows = effective(rows)
        self.cash = list(cash)
        self.at = _BEGIN
        self._next_row = self._next_cash = 0
        self._courses: dict[BalanceKey, Course] = {}
        self._by_security: dict[int, list[Transaction]] = defaultdict(list)
        for row in self.rows:
            if row.security_id is not None:
                self._by_security[row.security_id].append(row)
        self._by_currency: dict[str, list[CashStep]] = defaultdict(list)
        for step in self.cash:
            self._by_currency[step.currency].append(step)
        self._closes: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)

    def cash_to_come(self) -> dict[str, Decimal]:
        """By currency, the sum of all steps."""
        return {currency: sum((step.amount for step in steps), ZERO) for currency, steps in self._by_currency.items()}

    def rows_until(self, place: Place) -> Iterator[Transaction]:
        """Rows not passed yet, up to and with what stands at `place`."""
        while self._next_row < len(self.rows) and place_of(self.rows[self._next_row]) <= place:
            self._next_row += 1
            yield self.rows[self._next_row - 1]
        self.at = max(self.at, place)

    def cash_until(self, place: Place) -> Iterator[CashStep]:
        while self._next_cash < len(self.cash) and place_of(self.cash[self._next_cash]) <= place:
            self._next_cash += 1
            yield self.cash[self._next_cash - 1]

    def passed_by(self, seqs: Collection[int | None]) -> list[Transaction]:
        """The rows with these `seq`, which stand next and are left out, as if they had never been."""
        last = max(place_of(row) for row in self.rows if row.seq in seqs)
        for _ in self.cash_until(last):
            pass
        return list(self.rows_until(last))

    @property
    def is_over(self) -> bool:
        return self._next_row == len(self.rows) and self._next_cash == len(self.cash)

    def shortage(self, key: BalanceKey, balance: Decimal, of_all: bool) -> tuple[Step, Decimal] | None:
        """As `Course.shortage`, after the place that was reached."""
        return self._course(key).shortage(self.at, balance, of_all)

    def end(self, key: BalanceKey, balance: Decimal) -> Decimal:
        """Return what a `balance` at the place that was reached comes to in the end."""
        return balance if self.is_over else self._course(key).end(self.at, balance)

    def accounts_of(self, security_id: int) -> set[int]:
        """The accounts that ever had units of it, by what is recorded."""
        rows = self._by_security.get(security_id, ())
        return {row.account_id for row in rows if row.quantity is not None}

    def note_close(self, row: Transaction, quantity_of: Callable[[int], Decimal]) -> None:
        """Note what is held after `row` in all accounts: what was noted before and its units, or after a split what
        there is."""
        if row.security_id is None or (row.quantity is None and row.txn_type is not TxnType.SPLIT):
            return
        closes = self._closes[row.security_id]
        if row.quantity is None:
            units = quantity_of(row.security_id)
        else:
            units = money((closes[-1][1] if closes else ZERO) + row.quantity)
        closes.append((row.business_date, units))

    def n_closes(self) -> dict[int, int]:
        """How many closes of each security are noted, for `forget_closes`."""
        return {security_id: len(closes) for security_id, closes in self._closes.items()}

    def forget_closes(self, n_closes: Mapping[int, int]) -> None:
        for security_id, closes in self._closes.items():
            del closes[n_closes.get(security_id, 0) :]

    def units_before(self, security_id: int, day: date) -> Decimal:
        """Units at the close before `day`, which is not after the place that was reached."""
        closes = self._closes[security_id]
        before = bisect_left(closes, day, key=lambda close: close[0])
        return closes[before - 1][1] if before else ZERO

    def _course(self, key: BalanceKey) -> Course:
        found = self._courses.get(key)
        if found is None:
            steps = self._cash_steps(key) if isinstance(key, str) else self._unit_steps(*key)
            if not steps:
                return _NO_COURSE  # and nothing is kept: the timeline without rows serves every portfolio
            found = self._courses[key] = Course(steps)
        return found

    def _cash_steps(self, currency: str) -> list[Step]:
        return [
            Step(one.business_date, one.event_ts, one.seq, one.amount) for one in self._by_currency.get(currency, ())
        ]

    def _unit_steps(self, account_id: int, security_id: int) -> list[Step]:
        steps = []
        for row in self._by_security.get(security_id, ()):
            if row.txn_type is TxnType.SPLIT:
                step = Step(row.business_date, row.event_ts, row.seq, new=row.split_new, old=row.split_old)
            elif row.account_id == account_id and row.quantity is not None:
                is_transfer = row.txn_type in WITHOUT_PAYMENT
                step = Step(row.business_date, row.event_ts, row.seq, row.quantity, is_transfer)
            else:
                continue
            steps.append(step)
        return steps


@dataclass(frozen=True, slots=True)
class StateMark:
    """Where a rewound portfolio stood: decisions replace its positions and only ever append."""

    positions: Positions
    version: int
    last: When | None
    n_rows: int
    n_history: int
    closes: Mapping[int, int]


NOTHING_TO_COME = Timeline()
