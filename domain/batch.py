"""Many decisions on one portfolio in one pass over its ledger, each as if it were made alone.

A back-dated row is decided against the whole history, so that n of them would fold it n times. Made in order of event
they need one fold: it advances with them, and of the rows still to come only the lowest points of each balance matter.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from domain.entries import When
from domain.errors import InsufficientCash, InsufficientPosition, TooManyHoldings
from domain.holdings import Holding
from domain.ledger import Transaction, TxnType, effective
from domain.limits import OutOfRange
from domain.money import ZERO, money, share
from domain.portfolio import MOST_HOLDINGS, Portfolio
from domain.positions import HoldingKey, Positions

_NEVER = Decimal("Infinity")
Moment = tuple[date, datetime]


@dataclass(slots=True)
class _Course:
    """Effect of recorded rows on one balance after a moment: cash of one currency, or units in one account.

    Up to the next split, `lowest[i]` is where the balance comes to at worst after a row that needs cover, and
    `total[i]` where it comes to in the end, both relative to the balance before step i.
    """

    rows: list[Transaction] = field(default_factory=list)
    changes: list[Decimal] = field(default_factory=list)
    needs_cover: list[bool] = field(default_factory=list)
    lowest: list[Decimal] = field(default_factory=list)
    total: list[Decimal] = field(default_factory=list)
    split_at: list[int] = field(default_factory=list)
    at: int = 0

    def add(self, row: Transaction, change: Decimal, needs_cover: bool) -> None:
        self.rows.append(row)
        self.changes.append(change)
        self.needs_cover.append(needs_cover)

    def sound(self) -> None:
        """Take the soundings, from the end; once, when every row is there."""
        lowest, total, split_at = _NEVER, ZERO, len(self.rows)
        for step in reversed(range(len(self.rows))):
            if self.rows[step].txn_type is TxnType.SPLIT:
                lowest, total, split_at = _NEVER, ZERO, step
            else:
                change = self.changes[step]
                lowest = min(change + lowest, change if self.needs_cover[step] else _NEVER)
                total += change
            self.lowest.append(lowest)
            self.total.append(total)
            self.split_at.append(split_at)
        for soundings in (self.lowest, self.total, self.split_at):
            soundings.reverse()

    def shortage(self, balance: Decimal) -> tuple[Transaction, Decimal] | None:
        """The first row to come that a `balance` of now does not cover, and what is there after it."""
        step = self.at
        while step < len(self.rows):
            if balance + self.lowest[step] < 0:
                return self._first_short(step, balance)
            step, balance = self._after_split(step, balance)
        return None

    def end(self, balance: Decimal) -> Decimal:
        """Return what a `balance` of now comes to in the end."""
        step = self.at
        while step < len(self.rows):
            step, balance = self._after_split(step, balance)
        return balance

    def _after_split(self, step: int, balance: Decimal) -> tuple[int, Decimal]:
        split_at, balance = self.split_at[step], balance + self.total[step]
        if split_at == len(self.rows):
            return split_at, balance
        split = self.rows[split_at]
        assert split.split_new is not None
        assert split.split_old is not None
        return split_at + 1, share(balance, split.split_new, split.split_old)

    def _first_short(self, step: int, balance: Decimal) -> tuple[Transaction, Decimal]:
        while True:
            balance += self.changes[step]
            if self.needs_cover[step] and balance < 0:
                return self.rows[step], balance
            step += 1


@dataclass(slots=True)
class Batch(Portfolio):
    """A portfolio that decides in order of event: `reach` a moment, decide what is at it, and `finish` at the end.

    Until then `positions` are those of the moment. A portfolio whose history was not loaded only goes on from its last.
    """

    to_come: list[Transaction] = field(default_factory=list)
    came: int = 0
    courses: dict[str | HoldingKey, _Course] = field(default_factory=lambda: defaultdict(_Course))
    closes: dict[int, list[tuple[date, Decimal]]] = field(default_factory=lambda: defaultdict(list))
    loaded: Positions = field(default_factory=Positions)
    outsized: OutOfRange | None = None

    @classmethod
    def of(cls, portfolio: Portfolio) -> "Batch":
        """`portfolio`, of which every holding is loaded, ready for its first row."""
        batch = cls(**{each.name: getattr(portfolio, each.name) for each in fields(Portfolio)})
        batch.loaded = portfolio.positions
        if portfolio.history is not None:
            batch.positions = Positions(portfolio.cost_method)
            batch.to_come = effective(portfolio.history)
            batch._chart()
        return batch

    def reach(self, when: When) -> None:
        """Bring the state to `when`: rows of the same moment that are recorded already come first."""
        self._reach((when.business_date, when.event_ts))

    def finish(self) -> None:
        """Let the rest of the history come; then the state is what replaying every row gives."""
        self._reach((date.max, datetime.max.replace(tzinfo=UTC)))
        if self.outsized is not None:
            raise self.outsized
        was = self.loaded
        self.holdings.update({key: Holding() for key in was.holdings.keys() - self.holdings.keys()})
        self.cash.update(dict.fromkeys(was.cash.keys() - self.cash.keys(), ZERO))
        self.changed |= {key for key, held in self.holdings.items() if held != was.holding(key)}

    def entitled(self, security_id: int, ex_date: date) -> Decimal:
        """Units at the close before `ex_date`, which is not after the moment that was reached."""
        closes = self.closes[security_id]
        before = bisect_left(closes, ex_date, key=lambda close: close[0])
        return closes[before - 1][1] if before else ZERO

    def _reach(self, moment: Moment) -> None:
        while self.came < len(self.to_come):
            row = self.to_come[self.came]
            if row.business_date > moment[0] or (row.business_date == moment[0] and row.event_ts > moment[1]):
                return
            self.positions.apply(row)
            self._note_outsized(row)
            for key in self._touched(row):
                self.courses[key].at += 1
            self._close(row)
            self.came += 1

    def _note_outsized(self, row: Transaction) -> None:
        """Keep a refusal of what the decided rows make of a later moment: none of them alone is to blame."""
        if self.outsized is None and self.rows:
            try:
                self.positions.refuse_outsized(row, self.rows)
            except OutOfRange as refusal:
                self.outsized = refusal

    def _chart(self) -> None:
        """A course for every balance that recorded rows change."""
        accounts: dict[int, set[int]] = defaultdict(set)
        for row in self.to_come:
            if row.security_id is not None and row.quantity is not None:
                accounts[row.security_id].add(row.account_id)
        for row in self.to_come:
            if row.security_id is not None and row.txn_type is TxnType.SPLIT:
                for account_id in accounts[row.security_id]:
                    self.courses[(account_id, row.security_id)].add(row, ZERO, False)
                continue
            if row.cash_effect:
                self.courses[row.currency].add(row, row.cash_effect, row.cash_effect < 0 and not self.allows_shorts)
            if row.security_id is not None and row.quantity is not None:
                leaves = row.quantity < 0 and (not self.allows_shorts or row.txn_type is TxnType.TRANSFER_OUT)
                self.courses[(row.account_id, row.security_id)].add(row, row.quantity, leaves)
        for course in self.courses.values():
            course.sound()

    def _touched(self, row: Transaction) -> list[str | HoldingKey]:
        """The balances with a step of `row` on their course."""
        if row.txn_type is TxnType.SPLIT:
            return [key for key in self.courses if isinstance(key, tuple) and key[1] == row.security_id]
        touched: list[str | HoldingKey] = [row.currency] if row.cash_effect else []
        if row.security_id is not None and row.quantity is not None:
            touched.append((row.account_id, row.security_id))
        return touched

    def _close(self, row: Transaction) -> None:
        """Note what is held after `row`, for those who are entitled by it."""
        if self.history is not None and row.security_id is not None:
            if row.txn_type is TxnType.SPLIT:
                units = self.quantity_of(row.security_id)
            elif row.quantity is not None:
                noted = self.closes[row.security_id]
                units = money((noted[-1][1] if noted else ZERO) + row.quantity)
            else:
                return
            self.closes[row.security_id].append((row.business_date, units))

    def _decide(self, rows: list[Transaction], is_confirmed: bool = False) -> list[Transaction]:
        assert not is_confirmed, "what a broker confirms is recorded by itself"
        self._refuse_archived()
        numbered = [replace(row, seq=self.version + place) for place, row in enumerate(rows, start=1)]
        cause = numbered[0]
        when = When(cause.event_ts, cause.business_date)
        before = self.positions
        after = Positions(before.method, dict(before.holdings), dict(before.cash), before.in_transit)
        keys: set[HoldingKey] = set()
        for row in numbered:
            self._refuse_shortfall(after, row, numbered, not self.allows_shorts)
            keys.update(after.apply(row))
            after.refuse_outsized(row, numbered)
        self._refuse_later_shortage(after, numbered, keys)
        if not self.allows_shorts:
            self._refuse_reserved_at_the_end(after, cause, {row.currency for row in numbered}, keys)
        self._refuse_another_account(after, keys)
        self.positions = after
        self.version = numbered[-1].seq
        if self.last is None or not self.is_back_dated(when):
            self.last = when
        self.rows.extend(numbered)
        if self.history is not None:
            self.history.extend(numbered)
        for row in numbered[:1] if cause.txn_type is TxnType.SPLIT else numbered:
            self._close(row)
        return numbered

    def _refuse_later_shortage(
        self, after: Positions, rows: Sequence[Transaction], keys: AbstractSet[HoldingKey]
    ) -> None:
        """Refuse what a recorded row to come would not be covered after; the first of them is named by its day."""
        if self.came == len(self.to_come):
            return
        cause = rows[0]
        short: list[tuple[Transaction, Decimal, bool]] = []
        for key in keys:
            if self._falls(key, after) and (found := self._course(key).shortage(after.holding(key).quantity)):
                short.append((*found, True))
        for currency in {row.currency for row in rows if row.cash_effect}:
            if sum(row.cash_effect for row in rows if row.currency == currency) < 0 and (
                found := self._course(currency).shortage(after.cash[currency])
            ):
                short.append((*found, False))
        if not short:
            return
        row, left, is_units = min(short, key=lambda each: (each[0].business_date, each[0].event_ts, each[0].seq))
        if is_units:
            assert row.security_id is not None
            assert row.quantity is not None
            units = abs(cause.quantity if cause.quantity is not None else row.quantity)
            raise InsufficientPosition(row.security_id, held=money(left + units), asked=units, on=row.business_date)
        cash = abs(cause.cash_effect or row.cash_effect)
        raise InsufficientCash(row.currency, available=money(left + cash), asked=cash, on=row.business_date)

    def _refuse_reserved_at_the_end(
        self, after: Positions, cause: Transaction, currencies: AbstractSet[str], keys: AbstractSet[HoldingKey]
    ) -> None:
        for currency in currencies & self.reserved_cash.keys():
            reserved, course = self.reserved_cash[currency], self._course(currency)
            left, was = course.end(after.cash.get(currency, ZERO)), course.end(self.cash.get(currency, ZERO))
            if reserved > 0 and left < reserved and left < was:
                raise InsufficientCash(currency, available=money(was - reserved), asked=money(was - left))
        for key in keys & self.reserved_units.keys():
            reserved, course = self.reserved_units[key], self._course(key)
            left, was = course.end(after.holding(key).quantity), course.end(self.positions.holding(key).quantity)
            if reserved > 0 and left < reserved and left < was and cause.txn_type is not TxnType.SPLIT:
                raise InsufficientPosition(key[1], held=money(was - reserved), asked=money(was - left))

    def _refuse_another_account(self, after: Positions, keys: AbstractSet[HoldingKey]) -> None:
        for opened in keys:
            course = self._course(opened)
            if course.end(self.positions.holding(opened).quantity):
                continue  # was open, so that nothing is opened
            known = {key for key in (*after.holdings, *self.courses) if isinstance(key, tuple) and key[1] == opened[1]}
            if sum(1 for key in known if self._course(key).end(after.holding(key).quantity)) > MOST_HOLDINGS:
                raise TooManyHoldings(opened[1], MOST_HOLDINGS)

    def _falls(self, key: HoldingKey, after: Positions) -> bool:
        return after.holding(key).quantity < self.positions.holding(key).quantity

    def _course(self, key: str | HoldingKey) -> _Course:
        return self.courses.get(key, _NO_COURSE)


_NO_COURSE = _Course()
