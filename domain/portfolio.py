"""The portfolio: the root that every write goes through, because its positions share its cash.

A decision (`buy`, `sell`, `deposit` ...) checks the rules and appends ledger rows, all of them or none. State changes
only by applying rows (`domain.positions`); replay uses the same, and it never checks. Rows dated before the newest one
are decided at their moment, on what was there, and no later day is left with units or cash that were not there
(`domain.rules`, `domain.timeline`). Many are decided in one pass, in order of event: `rewound`, `advance_to`, `adopt`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from uuid import UUID

from domain.entries import PLAIN, LedgerEntry, Terms, When
from domain.errors import InsufficientCash, InsufficientPosition, InvalidInput, PortfolioIsArchived
from domain.history import History
from domain.holdings import CostMethod, Holding
from domain.ledger import Transaction, TxnType, reversal
from domain.money import ZERO, money
from domain.positions import HoldingKey, Positions
from domain.rules import Decision, refuse_later_shortage, refuse_reserved, refuse_seventh_account
from domain.timeline import END, LAST, NOTHING_TO_COME, Place, StateMark, Timeline


class PortfolioKind(StrEnum):
    INVESTMENT = "INVESTMENT"
    TRADING_BOOK = "TRADING_BOOK"


@dataclass(slots=True)
class Portfolio:
    """State after `version` ledger rows; the rows decided since loading, and the holdings that they changed.

    `positions` holds the securities that were loaded. `history` is needed where a method says so, and for whatever is
    back-dated. `timeline` is what is still to come where the portfolio is rewound.
    Reservations of open orders are kept by currency and by (account, security); they are not available to others.
    """

    portfolio_id: UUID
    user_id: UUID
    name: str
    base_currency: str
    kind: PortfolioKind = PortfolioKind.INVESTMENT
    time_zone: str = "America/New_York"
    version: int = 0
    archived: bool = False
    last: When | None = None
    positions: Positions = field(default_factory=Positions)
    reserved_cash: dict[str, Decimal] = field(default_factory=dict)
    reserved_units: dict[HoldingKey, Decimal] = field(default_factory=dict)
    history: History | None = None
    rows: list[Transaction] = field(default_factory=list)
    changed: set[HoldingKey] = field(default_factory=set)
    ledger_hash: bytes = b""
    timeline: Timeline | None = None

    @property
    def allows_shorts(self) -> bool:
        return self.kind is PortfolioKind.TRADING_BOOK

    @property
    def holdings(self) -> dict[HoldingKey, Holding]:
        return self.positions.holdings

    @property
    def cash(self) -> dict[str, Decimal]:
        return self.positions.cash

    def is_back_dated(self, when: When) -> bool:
        """Say whether a row at `when` would stand before one that is recorded; then `history` must be loaded."""
        last = self.last
        return last is not None and (when.business_date, when.event_ts) < (last.business_date, last.event_ts)

    @property
    def cost_method(self) -> CostMethod:
        return self.positions.method

    def quantity_of(self, security_id: int) -> Decimal:
        return self.positions.quantity_of(security_id)

    def available(self, currency: str) -> Decimal:
        """Cash that no order has reserved."""
        return money(self.cash.get(currency, ZERO) - self.reserved_cash.get(currency, ZERO))

    def available_units(self, key: HoldingKey) -> Decimal:
        """Units that no order has reserved."""
        return money(self.positions.holding(key).quantity - self.reserved_units.get(key, ZERO))

    def reserve_cash(self, currency: str, amount: Decimal) -> None:
        """Set `amount` of cash aside, or give it back where negative; a shortfall is refused."""
        if amount > 0 and not self.allows_shorts and self.available(currency) < amount:
            raise InsufficientCash(currency, available=self.available(currency), asked=amount)
        self.reserved_cash[currency] = money(self.reserved_cash.get(currency, ZERO) + amount)

    def reserve_units(self, key: HoldingKey, quantity: Decimal) -> None:
        """Set `quantity` units aside, or give them back where negative; a shortfall is refused."""
        if quantity > 0 and not self.allows_shorts and self.available_units(key) < quantity:
            raise InsufficientPosition(key[1], held=self.available_units(key), asked=quantity)
        self.reserved_units[key] = money(self.reserved_units.get(key, ZERO) + quantity)

    def move_cash(
        self,
        kind: TxnType,
        account_id: int,
        amount: Decimal,
        when: When,
        terms: Terms = PLAIN,
        security_id: int | None = None,
    ) -> Transaction:
        """DEPOSIT, WITHDRAW, FEE, TAX or INTEREST; the last three may be of a security."""
        entry = self.entry(account_id, when, terms)
        return self.decide([entry.cash(kind, amount, security_id, self.cash.get(entry.currency, ZERO))])[0]

    def deposit(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self.move_cash(TxnType.DEPOSIT, account_id, amount, when, Terms(note=note))

    def withdraw(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self.move_cash(TxnType.WITHDRAW, account_id, amount, when, Terms(note=note))

    def charge_fee(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self.move_cash(TxnType.FEE, account_id, amount, when, Terms(note=note))

    def trade(
        self,
        kind: TxnType,
        account_id: int,
        security_id: int,
        quantity: Decimal,
        price: Decimal,
        fees: Decimal,
        when: When,
        terms: Terms = PLAIN,
        is_confirmed: bool = False,
    ) -> Transaction:
        """A BUY or SELL. What a broker has confirmed (`is_confirmed`) is recorded even if the cash is not there."""
        row = self.entry(account_id, when, terms).trade(kind, security_id, quantity, price, fees)
        return self.decide([row], is_confirmed)[0]

    def buy(
        self, account_id: int, security_id: int, quantity: Decimal, price: Decimal, fees: Decimal, when: When
    ) -> Transaction:
        return self.trade(TxnType.BUY, account_id, security_id, quantity, price, fees, when)

    def sell(
        self, account_id: int, security_id: int, quantity: Decimal, price: Decimal, fees: Decimal, when: When
    ) -> Transaction:
        return self.trade(TxnType.SELL, account_id, security_id, quantity, price, fees, when)

    def transfer_in(
        self,
        account_id: int,
        security_id: int,
        quantity: Decimal,
        unit_cost: Decimal | None,
        when: When,
        terms: Terms = PLAIN,
    ) -> Transaction:
        """Units that arrive without a payment; a unit cost of 0 is a cost, None is an unknown basis."""
        return self.decide([self.entry(account_id, when, terms).arrival(security_id, quantity, unit_cost)])[0]

    def transfer_out(
        self, account_id: int, security_id: int, quantity: Decimal, when: When, terms: Terms = PLAIN
    ) -> Transaction:
        """Units that leave without a payment, with their cost and without a gain."""
        return self.decide([self.entry(account_id, when, terms).departure(security_id, quantity)])[0]

    def move_units(
        self,
        from_account: int,
        to_account: int,
        security_id: int,
        quantity: Decimal,
        when: When,
        transfer_id: UUID,
        terms: Terms = PLAIN,
    ) -> list[Transaction]:
        """Units from one account to another, with their lots and cost: no flow, no gain."""
        if from_account == to_account:
            raise InvalidInput("to_account", "is the account that the units come from")
        out = self.entry(from_account, when, terms).departure(security_id, quantity)
        into = self.entry(to_account, when, replace(terms, external_id=None)).arrival(security_id, quantity, None)
        return self.decide([replace(row, transfer_id=transfer_id) for row in (out, into)])

    def convert(
        self,
        account_id: int,
        amount: Decimal,
        received: Decimal,
        into: str,
        when: When,
        transfer_id: UUID,
        terms: Terms = PLAIN,
    ) -> list[Transaction]:
        """Cash of the terms' currency becomes cash of another: no flow."""
        if (terms.currency or self.base_currency) == into:
            raise InvalidInput("to_currency", "is the currency that is converted")
        return self.decide(self.entry(account_id, when, terms).converted(amount, received, into, transfer_id))

    def receive_income(
        self,
        kind: TxnType,
        account_id: int,
        security_id: int,
        amount: Decimal,
        when: When,
        ex_date: date | None = None,
        withheld: Decimal = ZERO,
        terms: Terms = PLAIN,
    ) -> list[Transaction]:
        """A DIVIDEND or COUPON of `amount`, and a TAX row for what was withheld. It is negative where
        a short pays it, or a correction takes it back."""
        return self.decide(self.entry(account_id, when, terms).income(kind, security_id, amount, withheld, ex_date))

    def entitled(self, security_id: int, ex_date: date) -> Decimal:
        """Units at the close before `ex_date`, short ones negative. Needs the history."""
        if self.timeline is not None:
            return self.timeline.units_before(security_id, ex_date)
        assert self.history is not None, "what was held on a day is folded from the history"
        held = self.history.held(security_id, lambda row: row.business_date < ex_date, self.cost_method)
        return held.quantity_of(security_id)

    def units_by_account(self, security_id: int, when: When) -> dict[int, Decimal]:
        """Units of a security in each account that are there at `when`; needs the history."""
        assert self.history is not None, "what was held at a moment is folded from the history"
        return self.history.units_by_account(security_id, when, self.cost_method)

    def reverse(self, seq: int, note: str = "") -> list[Transaction]:
        """Take back row `seq`, and the other leg of its transfer; needs the history.

        A reversal stands at the moment of its original with its effects negated, so the original never happened.
        """
        assert self.history is not None, "a reversal is decided against the history"
        return self.decide([reversal(leg, note) for leg in self.history.to_reverse(seq)])

    def record(self, rows: list[Transaction]) -> list[Transaction]:
        """Record what has happened, drafted elsewhere, even if the cash or the units are not there."""
        past = self.rewound()
        for _, drafts in groupby(sorted(rows, key=_turn), key=_turn):
            together = list(drafts)
            past._reach(together[0])
            past.decide(together, is_confirmed=True)
        self.adopt(past)
        return past.rows

    def restate(self, method: CostMethod, drafts: Iterable[Transaction] = ()) -> list[Transaction]:
        """Fold the whole history and `drafts`, which leave nothing short, by a method of cost."""
        assert self.history is not None, "a restatement folds the history"
        self._refuse_archived()
        rows = [row.numbered(self.version + place) for place, row in enumerate(drafts, start=1)]
        self._become(Positions.of([*self.history.rows, *rows], method))
        self.version += len(rows)
        self.rows.extend(rows)
        self._remember(rows)
        return rows

    def entry(self, account_id: int, when: When, terms: Terms) -> LedgerEntry:
        return LedgerEntry(self.portfolio_id, self.base_currency, account_id, when, terms, self.version + 1)

    def rewound(self) -> "Portfolio":
        """A copy that stands before the rows of its history, to be advanced and to decide in order of event, then to be
        adopted. Without a history it stands after its newest row."""
        if self.history is None:
            return self._copied(self.positions.copy(), Timeline())
        timeline = self.history.timeline()
        return self._copied(self.history.beginning(self.positions, timeline), timeline)

    def advance_to(self, when: When) -> None:
        """Bring what was rewound to `when`: rows of the same moment that are recorded already come first."""
        self._advance((when.business_date, when.event_ts, LAST))

    def mark(self) -> StateMark:
        """The state of a rewound copy before further decisions at its moment, for `back_to`."""
        assert self.timeline is not None, "only a rewound copy goes back"
        n_history = len(self.history.rows) if self.history is not None else 0
        closes = self.timeline.n_closes()
        return StateMark(self.positions, self.version, self.last, len(self.rows), n_history, closes)

    def back_to(self, mark: StateMark) -> None:
        """Forget what was decided since `mark`, at the same moment."""
        assert self.timeline is not None, "only a rewound copy goes back"
        self.positions, self.version, self.last = mark.positions, mark.version, mark.last
        del self.rows[mark.n_rows :]
        if self.history is not None:
            del self.history.rows[mark.n_history :]
        self.timeline.forget_closes(mark.closes)

    def adopt(self, decided: "Portfolio") -> None:
        """Take over what was decided by a rewound copy, once the rest of the history has come; OutOfRange if with what
        was decided a later row leaves more than is kept."""
        decided._advance(END)
        self._become(decided.positions)
        self.version, self.last = decided.version, decided.last
        self.rows.extend(decided.rows)
        self._remember(decided.rows)

    def go_on(self) -> None:
        """Forget which rows and holdings were decided, which somebody else has now, to decide about more."""
        self.rows, self.changed, self.history = [], set(), None

    def _copied(self, positions: Positions, timeline: Timeline) -> "Portfolio":
        history = replace(self.history, rows=list(self.history.rows)) if self.history is not None else None
        return replace(self, positions=positions, history=history, rows=[], changed=set(), timeline=timeline)

    def _reach(self, draft: Transaction) -> None:
        """Advance to where `draft` is decided: behind its moment, or before the row that it takes back."""
        seq = LAST if draft.reverses_seq is None else draft.reverses_seq - 1
        self._advance((draft.business_date, draft.event_ts, seq))

    def _advance(self, place: Place) -> None:
        timeline = self.timeline
        assert timeline is not None, "it is rewound before it is advanced"
        for row in timeline.rows_until(place):
            self.positions.apply_units(row)
            self.positions.refuse_outsized_units(row, self.rows)
            timeline.note_close(row, self.quantity_of)
        for step in timeline.cash_until(place):
            self.positions.add_cash(step.currency, step.amount)
            self.positions.refuse_outsized_cash(step.currency, self.rows)

    def decide(self, drafts: list[Transaction], is_confirmed: bool = False) -> list[Transaction]:
        """Number the rows, which are of one moment, refuse what the rules forbid, apply: all of them, or none."""
        self._refuse_archived()
        rows = [row.numbered(self.version + place) for place, row in enumerate(drafts, start=1)]
        when, is_undone = When(rows[0].event_ts, rows[0].business_date), rows[0].reverses_seq is not None
        is_late = self.is_back_dated(when)
        if self.timeline is None and (is_undone or is_late):
            return self._decide_late(drafts, is_confirmed)
        is_checked = not (self.allows_shorts or is_confirmed)
        timeline = self.timeline or NOTHING_TO_COME
        if is_undone:
            decision = Decision.taking_back(rows, self.positions, timeline, is_checked)
        else:
            on = when.business_date if is_late else None
            decision = Decision.adding(rows, self.positions, timeline, is_checked, on)
        refuse_later_shortage(decision)
        if is_checked:
            refuse_reserved(decision, self.reserved_cash, self.reserved_units)
        refuse_seventh_account(decision)
        self._accept(decision, self.last if is_late else when)
        return rows

    def _decide_late(self, drafts: list[Transaction], is_confirmed: bool) -> list[Transaction]:
        assert self.history is not None, "what is back-dated is decided against the history"
        past = self.rewound()
        past._reach(drafts[0])
        rows = past.decide(drafts, is_confirmed)
        self.adopt(past)
        return rows

    def _accept(self, decision: Decision, newest: When | None) -> None:
        rows = decision.rows
        self.version = rows[-1].seq
        self.last = newest
        self.rows.extend(rows)
        self._remember(rows)
        if self.timeline is None:
            self._become(decision.after)
            return
        self.positions = decision.after
        for row in rows[:1] if rows[0].txn_type is TxnType.SPLIT else rows:
            self.timeline.note_close(row, self.quantity_of)

    def _remember(self, rows: Iterable[Transaction]) -> None:
        """Add to the history; a part of it ends here, for the cash that follows is not what was loaded."""
        if self.history is None:
            return
        self.history.rows.extend(rows)
        if self.timeline is None and self.history.later_cash is not None:
            self.history = None

    def _become(self, after: Positions) -> None:
        """Take the new state over. What it no longer mentions, because all its rows are reversed, is nothing now."""
        before = self.positions
        after.holdings.update({key: Holding() for key in before.holdings.keys() - after.holdings.keys()})
        after.cash.update(dict.fromkeys(before.cash.keys() - after.cash.keys(), ZERO))
        self.changed |= {key for key, held in after.holdings.items() if held != before.holding(key)}
        self.positions = after

    def _refuse_archived(self) -> None:
        if self.archived:
            raise PortfolioIsArchived(self.portfolio_id)


def new_name(name: str) -> str:
    """A portfolio's or simulation's name, trimmed; empty or over 200 characters is refused."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 200:
        raise InvalidInput("name", "must have 1 to 200 characters")
    return trimmed


def _turn(row: Transaction) -> Place:
    """The order in which rows are decided: what is taken back comes before what is new at its moment."""
    return (row.business_date, row.event_ts, LAST if row.reverses_seq is None else row.reverses_seq)
