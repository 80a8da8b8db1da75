"""A portfolio under any commands: after each, what is stored is what the ledger says, and no rule is broken.

The machine stores and loads as the repository does: a command finds the cash, the holdings of its own security, and the
history only where it stands before a recorded row. So incremental and full folds meet after every step.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.corporate_events import Reorganisation, adjust_cost, grow, reorganise, return_capital, split
from domain.disposals import Disposal, disposals
from domain.entries import Terms, When
from domain.errors import Refusal
from domain.history import History
from domain.holdings import CostMethod, Holding, Relief
from domain.ledger import BETWEEN_SECURITIES, TRADES, Transaction, TxnType, effective
from domain.money import ZERO, money, product, share
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import Positions
from domain.rules import MOST_HOLDINGS

D = Decimal
DOLLAR, EURO, BOND = 10, 11, 12
TERMS = {DOLLAR: Terms(), EURO: Terms("EUR", D("1.17")), BOND: Terms(price_factor=D("0.01"), accrued=D("0.33333333"))}

accounts = st.integers(1, 8)
few_accounts = st.integers(1, 3)
securities = st.sampled_from(list(TERMS))
quantities = st.decimals("0.00000001", "40", places=8) | st.integers(1, 40).map(D)
prices = st.decimals("0.00000001", "90", places=8) | st.integers(1, 90).map(D)
unit_costs = st.none() | st.just(ZERO) | prices
amounts = st.decimals("0.01", "9000", places=2)
fees = st.just(ZERO) | st.decimals("0", "9", places=2)
fractions = st.sampled_from([ZERO, D("0.1"), D("0.33333333"), D(1)])
rates = st.decimals("0.5", "2", places=4)
ratios = st.sampled_from([(2, 1), (3, 2), (1, 5), (1, 50), (7, 3)])


START = datetime(2017, 3, 1, tzinfo=UTC)
whens = st.tuples(st.sampled_from(["next", "next", "late"]), st.integers(0, 12), st.sampled_from([0, 10, 16]))
"""On the last row's day or a day or two after it, or so many days before it."""
picks = st.integers(0, 99)
parts = st.sampled_from([(1, 1), (1, 2), (1, 3), (3, 2)])
"""Fractions of what is held, to sell it or move it; the last is more than that."""
EXAMPLES = 2000 if os.environ.get("LAKEFOLIO_CHAOS") == "long" else 25


class PortfolioMachine(RuleBasedStateMachine):
    """One portfolio; `stored` is its projection, which only what commands have saved ever changes."""

    @initialize(kind=st.sampled_from(PortfolioKind), method=st.sampled_from(CostMethod))
    def opened(self, kind: PortfolioKind, method: CostMethod) -> None:
        self.stored = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", kind, positions=Positions(method))
        self.ledger: list[Transaction] = []
        self.transfers = 0
        self.confirmed = False
        start = When(START, START.date())
        self.obey(lambda root: root.deposit(1, D(20_000), start), start)
        self.obey(lambda root: root.move_cash(TxnType.DEPOSIT, 1, D(9_000), start, Terms("EUR")), start)

    def moment(self, drawn: tuple[str, int, int]) -> When:
        how, days, hour = drawn
        last = self.stored.last
        assert last is not None
        day = last.business_date + timedelta(days=days % 3 if how == "next" else -days)
        event_ts = datetime.combine(max(day, START.date()), time(hour), UTC)
        return When(max(event_ts, last.event_ts) if how == "next" else event_ts, max(day, START.date()))

    def picked(self, pick: int, part: tuple[int, int]) -> tuple[int, int, Decimal]:
        """An account and security that hold something, if any do, and a part of it."""
        held = [key for key, holding in sorted(self.stored.holdings.items()) if holding.quantity > 0] or [(1, DOLLAR)]
        key = held[pick % len(held)]
        return (*key, max(share(self.stored.positions.holding(key).quantity, D(part[0]), D(part[1])), D("1e-8")))

    def loaded(self, security_id: int | None, with_history: bool) -> Portfolio:
        every = {key: held for key, held in self.stored.holdings.items() if with_history or key[1] == security_id}
        return replace(
            self.stored,
            positions=replace(self.stored.positions, holdings=every, cash=dict(self.stored.cash)),
            history=History(list(self.ledger)) if with_history else None,
            rows=[],
            changed=set(),
        )

    def obey(
        self, act: Callable[[Portfolio], object], when: When | None = None, security_id: int | None = None
    ) -> None:
        """Load, act, save; a refused command leaves its portfolio as it was loaded."""
        root = self.loaded(security_id, when is None or self.stored.is_back_dated(when))
        untouched = self.loaded(security_id, when is None or self.stored.is_back_dated(when))
        try:
            act(root)
        except Refusal:
            assert root == untouched
            return
        told = {key for key, held in root.holdings.items() if held != self.stored.positions.holding(key)}
        assert told <= root.changed
        self.ledger += root.rows
        holdings = {**self.stored.holdings, **root.holdings}
        cash = {**self.stored.cash, **root.cash}
        self.stored = replace(
            self.stored,
            version=root.version,
            last=root.last,
            positions=Positions(root.cost_method, holdings, cash),
        )

    @rule(
        kind=st.sampled_from(sorted(TRADES)),
        account=accounts,
        security=securities,
        units=quantities,
        price=prices,
        fee=fees,
        drawn=whens,
        rate=rates,
        confirmed=st.integers(0, 9).map(lambda drawn: drawn == 0),
    )
    def trade(self, kind, account, security, units, price, fee, drawn, rate, confirmed) -> None:
        """A broker's confirmation is of a purchase on time, after which cash may be below zero."""
        when = self.moment(drawn)
        confirmed = confirmed and kind is TxnType.BUY and not self.stored.is_back_dated(when)
        terms = replace(TERMS[security], fx_rate=rate) if security == EURO else TERMS[security]
        before = self.stored.version
        self.obey(
            lambda root: root.trade(kind, account, security, units, price, fee, when, terms, confirmed), when, security
        )
        self.confirmed = self.confirmed or (confirmed and self.stored.version > before)

    @rule(pick=picks, part=parts, price=prices, fee=fees, drawn=whens)
    def part_is_sold(self, pick, part, price, fee, drawn) -> None:
        when, (account, security, units) = self.moment(drawn), self.picked(pick, part)
        self.obey(
            lambda root: root.trade(TxnType.SELL, account, security, units, price, fee, when, TERMS[security]),
            when,
            security,
        )

    @rule(
        kind=st.sampled_from([TxnType.DEPOSIT, TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX, TxnType.INTEREST]),
        account=few_accounts,
        amount=amounts,
        negative=st.booleans(),
        terms=st.sampled_from([Terms(), Terms("EUR", D("1.1"))]),
        drawn=whens,
    )
    def cash_moves(self, kind, account, amount, negative, terms, drawn) -> None:
        when = self.moment(drawn)
        signed = -amount if negative else amount
        self.obey(lambda root: root.move_cash(kind, account, signed, when, terms), when)

    @rule(
        account=accounts,
        security=securities,
        units=quantities,
        unit_cost=st.none() | st.just(ZERO) | prices,
        drawn=whens,
    )
    def units_arrive(self, account, security, units, unit_cost, drawn) -> None:
        when = self.moment(drawn)
        self.obey(
            lambda root: root.transfer_in(account, security, units, unit_cost, when, TERMS[security]), when, security
        )

    @rule(pick=picks, part=parts, drawn=whens)
    def units_leave(self, pick, part, drawn) -> None:
        when, (account, security, units) = self.moment(drawn), self.picked(pick, part)
        self.obey(lambda root: root.transfer_out(account, security, units, when, TERMS[security]), when, security)

    @rule(pick=picks, part=parts, into=accounts, drawn=whens)
    def units_change_account(self, pick, part, into, drawn) -> None:
        self.transfers += 1
        when, (out_of, security, units) = self.moment(drawn), self.picked(pick, part)
        transfer_id = UUID(int=self.transfers)
        self.obey(
            lambda root: root.move_units(out_of, into, security, units, when, transfer_id, TERMS[security]),
            when,
            security,
        )

    @rule(account=few_accounts, amount=amounts, received=amounts, drawn=whens)
    def cash_is_converted(self, account, amount, received, drawn) -> None:
        when = self.moment(drawn)
        self.transfers += 1
        transfer_id = UUID(int=self.transfers)
        self.obey(lambda root: root.convert(account, amount, received, "EUR", when, transfer_id), when)

    @rule(
        kind=st.sampled_from([TxnType.DIVIDEND, TxnType.COUPON]),
        account=few_accounts,
        security=securities,
        amount=amounts,
        withheld=fees,
        drawn=whens,
    )
    def income_is_paid(self, kind, account, security, amount, withheld, drawn) -> None:
        when = self.moment(drawn)
        self.obey(
            lambda root: root.receive_income(
                kind, account, security, amount, when, when.business_date, withheld, TERMS[security]
            ),
            when,
            security,
        )

    @rule(security=securities, ratio=ratios, drawn=whens, in_lieu=st.none() | prices)
    def units_are_split(self, security, ratio, drawn, in_lieu) -> None:
        when = self.moment(drawn)
        new, old = map(D, ratio)
        opening = When(when.event_ts.replace(hour=0), when.business_date)
        self.obey(lambda root: split(root, 1, security, new, old, opening, in_lieu, TERMS[security]))

    @rule(
        kind=st.sampled_from([TxnType.BUY, TxnType.SELL]),
        account=few_accounts,
        units=quantities,
        price=prices,
        fee=st.decimals("0.01", "9", places=2),
        drawn=whens,
    )
    def fees_are_in_another_currency(self, kind, account, units, price, fee, drawn) -> None:
        self.transfers += 1
        when, transfer_id = self.moment(drawn), UUID(int=self.transfers)
        terms = Terms(fee_currency="EUR", fee_fx_rate=D("1.17"))

        def act(root: Portfolio) -> object:
            entry = root.entry(account, when, terms)
            return root.decide(entry.traded(kind, DOLLAR, units, price, fee, None, transfer_id))

        self.obey(act, when, DOLLAR)

    @rule(
        pick=picks,
        amount=amounts,
        is_paid=st.sampled_from([None, False, True]),
        sign=st.sampled_from([1, -1]),
        drawn=whens,
    )
    def cost_changes(self, pick, amount, is_paid, sign, drawn) -> None:
        """Capital is returned, where nothing says whether it is paid, or cost is adjusted."""
        when, (account, security, _) = self.moment(drawn), self.picked(pick, (1, 1))
        change = (account, security, amount * sign, when, TERMS[security])
        act = return_capital if is_paid is None else partial(adjust_cost, is_paid=is_paid)
        self.obey(lambda root: act(root, *change), when, security)

    @rule(pick=picks, ratio=ratios, in_lieu=st.none() | prices, drawn=whens)
    def units_are_a_bonus(self, pick, ratio, in_lieu, drawn) -> None:
        self.transfers += 1
        when, (_, security, _) = self.moment(drawn), self.picked(pick, (1, 1))
        facts = (self.opening(when), TERMS[security], UUID(int=self.transfers), in_lieu)
        self.obey(lambda root: grow(root, security, (D(ratio[0]), D(ratio[1])), *facts))

    @rule(
        kind=st.sampled_from(sorted(BETWEEN_SECURITIES)),
        pick=picks,
        into=securities,
        ratio=ratios,
        fraction=fractions,
        cash=st.none() | prices,
        in_lieu=st.none() | prices,
        drawn=whens,
    )
    def securities_are_exchanged(self, kind, pick, into, ratio, fraction, cash, in_lieu, drawn) -> None:
        self.transfers += 1
        when, (_, security, _) = self.moment(drawn), self.picked(pick, (1, 1))
        paid = cash if kind is TxnType.MERGER else None
        fraction = fraction if kind in (TxnType.SPIN_OFF, TxnType.RIGHTS) or paid else D(1)
        new, old = map(D, ratio)
        terms = replace(TERMS[into], accrued=ZERO)
        event = Reorganisation(kind, security, into, new, old, fraction, None, paid, in_lieu, terms)
        transfer_id, opening = UUID(int=self.transfers), self.opening(when)
        self.obey(lambda root: reorganise(root, event, opening, TERMS[security], transfer_id))

    @staticmethod
    def opening(when: When) -> When:
        return When(when.event_ts.replace(hour=0), when.business_date)

    @rule(part=st.floats(0, 1))
    def a_row_is_reversed(self, part) -> None:
        self.obey(lambda root: root.reverse(int(part * self.stored.version) + 1))

    @precondition(lambda self: len(self.ledger) > 4)
    @rule(method=st.sampled_from(CostMethod))
    def the_method_is_changed(self, method) -> None:
        self.obey(lambda root: root.restate(method))

    @invariant()
    def the_ledger_is_dense_and_names_no_row_twice(self) -> None:
        assert [row.seq for row in self.ledger] == list(range(1, self.stored.version + 1))
        reversals = [row.reverses_seq for row in self.ledger if row.reverses_seq]
        assert len(reversals) == len(set(reversals))

    @invariant()
    def what_is_stored_is_what_any_order_of_arrival_folds_to(self) -> None:
        replayed = Positions.of(reversed(self.ledger), self.stored.cost_method)
        assert something(replayed.holdings) == something(self.stored.holdings)
        assert {c: b for c, b in replayed.cash.items() if b} == {c: b for c, b in self.stored.cash.items() if b}
        assert replayed.in_transit == {}

    @invariant()
    def lots_sum_to_the_holding_and_are_on_one_side(self) -> None:
        for held in self.stored.holdings.values():
            assert sum((lot.quantity for lot in held.lots), ZERO) == held.quantity
            assert len({lot.quantity > 0 for lot in held.lots if lot.quantity}) <= 1
            assert len(held.lots) <= 1 or self.stored.cost_method is CostMethod.FIFO
            assert held.lots or held.cost_basis == held.cost_basis_base == 0

    @invariant()
    def cost_is_conserved_row_by_row(self) -> None:
        state = Positions(self.stored.cost_method)
        carried: dict[UUID, Carried] = {}
        for row in effective(self.ledger):
            before, cash = dict(state.holdings), dict(state.cash)
            reliefs: list[Relief] = []
            changed = state.apply(row, reliefs)
            check_disposals(row, list(disposals(row, reliefs, state.method)), before, state)
            assert state.cash.get(row.currency, ZERO) - cash.get(row.currency, ZERO) == row.cash_effect
            for key in changed:
                was, now = before.get(key, Holding()), state.holdings[key]
                if row.txn_type in BETWEEN_SECURITIES:
                    check_leg(row, was, now, carried)
                else:
                    check_step(row, was, now)

    @invariant()
    def an_investment_has_units_and_cash_on_every_day(self) -> None:
        if self.stored.allows_shorts:
            return
        past = Positions()
        for row in effective(self.ledger):
            past.apply(row)
            assert all(held.quantity >= 0 for held in past.holdings.values())
            assert self.confirmed or all(balance >= 0 for balance in past.cash.values())

    @invariant()
    def a_position_is_in_at_most_six_accounts(self) -> None:
        for security_id in TERMS:
            held = [key for key, held in self.stored.holdings.items() if key[1] == security_id and held.quantity]
            assert len(held) <= MOST_HOLDINGS


def something(holdings: dict[tuple[int, int], Holding]) -> dict[tuple[int, int], Holding]:
    return {key: held for key, held in holdings.items() if held != Holding()}


Carried = tuple[str, Decimal, Decimal] | None
"""Cost on its way from one security to another, with its currency, and in base; None where it is not known."""


def check_leg(row: Transaction, before: Holding, after: Holding, carried: dict[UUID, Carried]) -> None:
    """Cost before is cost after, relieved and carried; what is carried arrives, in local and in base currency."""
    assert after.quantity - before.quantity == (row.quantity or ZERO)
    cost, base = before.cost_basis - after.cost_basis, before.cost_basis_base - after.cost_basis_base
    is_known = before.is_basis_known and after.is_basis_known
    if row.basis_share is None:
        assert row.transfer_id is not None
        brought = carried.pop(row.transfer_id)
        if brought is not None and is_known:
            assert -base == brought[2]
            assert -cost == brought[1] or row.currency != brought[0]
        return
    relieved = row.cash_effect - (after.realised - before.realised)
    relieved_base = product(row.cash_effect, row.fx_rate or ZERO) - (after.realised_base - before.realised_base)
    is_known = is_known and before.is_realised_known and after.is_realised_known
    if row.basis_share == 1 and is_known:
        assert (relieved, relieved_base) == (0, 0) or row.cash_effect
    if row.transfer_id is not None:
        carried[row.transfer_id] = (row.currency, cost - relieved, base - relieved_base) if is_known else None


def check_disposals(
    row: Transaction, disposed: list[Disposal], before: dict[tuple[int, int], Holding], after: Positions
) -> None:
    """Disposals of a row sum to the change of the gain, in local and base currency."""
    assert not disposed or row.txn_type in DISPOSING
    for key, now in after.holdings.items():
        was = before.get(key, Holding())
        own = [one for one in disposed if (one.account_id, one.security_id) == key]
        if all(one.gain is not None for one in own):
            assert sum((one.gain for one in own), ZERO) == now.realised - was.realised
            assert sum((one.gain_base for one in own), ZERO) == now.realised_base - was.realised_base
            assert sum((one.fx_gain_base for one in own), ZERO) == now.realised_fx - was.realised_fx
            assert now.is_realised_known == was.is_realised_known
        else:
            assert not now.is_realised_known
            assert now.realised == was.realised
        given = sum((one.units for one in own), ZERO)
        if row.txn_type in TRADES and key == (row.account_id, row.security_id):
            assert given == (min(abs(was.quantity), abs(row.quantity)) if was.quantity * row.quantity < 0 else 0)
    for one in disposed:
        assert (one.seq, one.realised_on) == (row.seq, row.business_date)
        assert one.units >= 0
        assert one.gain is None or one.gain == one.proceeds - one.cost
        assert one.gain_base is None or one.gain_base == one.proceeds_base - one.cost_base
        if after.method is CostMethod.AVCO:
            assert (one.acquired_on, one.days_held) == (None, None)
        elif one.days_held is not None:
            assert one.days_held == max(0, (one.sold_on - one.acquired_on).days)


DISPOSING = TRADES | {TxnType.MERGER, TxnType.EXCHANGE, TxnType.RETURN_OF_CAPITAL, TxnType.COST_ADJUSTMENT}


def check_step(row: Transaction, before: Holding, after: Holding) -> None:
    """One row's effect on one holding, from the definitions alone."""
    if row.txn_type in (TxnType.RETURN_OF_CAPITAL, TxnType.COST_ADJUSTMENT):
        added = -row.cash_effect if row.cost_effect is None else row.cost_effect
        assert after.quantity == before.quantity
        if before.is_basis_known:
            assert after.cost_basis - before.cost_basis == added + after.realised - before.realised
            in_base = product(added, row.fx_rate or ZERO) + after.realised_base - before.realised_base
            assert after.cost_basis_base - before.cost_basis_base == in_base
        return
    if row.txn_type is TxnType.BONUS:
        assert (after.cost_basis, after.realised) == (before.cost_basis, before.realised)
        assert after.quantity - before.quantity == row.quantity
        return
    if row.txn_type is TxnType.SPLIT:
        assert (after.cost_basis, after.realised) == (before.cost_basis, before.realised)
        assert after.quantity == share(before.quantity, row.split_new or ZERO, row.split_old or ZERO)
        return
    assert row.quantity is not None
    assert after.quantity - before.quantity == row.quantity
    known = before.is_basis_known and after.is_basis_known and before.is_realised_known and after.is_realised_known
    if not known:
        return
    cost, base = after.cost_basis - before.cost_basis, after.cost_basis_base - before.cost_basis_base
    gain, gain_base = after.realised - before.realised, after.realised_base - before.realised_base
    if row.txn_type in TRADES:
        paid = money((row.gross or ZERO) * (1 if row.quantity > 0 else -1) + row.fees)
        if row.transfer_id is None or row.txn_type is TxnType.CASH_IN_LIEU:  # else fees move as cash of their own
            assert paid == money(-row.cash_effect - (row.accrued if row.quantity > 0 else -row.accrued))
        assert cost - gain == paid
        assert abs(base - gain_base - product(paid, row.fx_rate or ZERO)) <= D("0.00000001")
    else:
        assert gain == gain_base == 0
        assert row.transfer_id or row.quantity < 0 or cost == row.gross


def test_a_portfolio_keeps_its_rules_under_any_commands() -> None:
    run_state_machine_as_test(
        PortfolioMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


class ForgetfulMachine(PortfolioMachine):
    """The control: saves what was decided without the row itself."""

    def obey(self, act, when=None, security_id=None) -> None:
        super().obey(act, when, security_id)
        self.ledger = [row for row in self.ledger if row.txn_type is not TxnType.WITHDRAW]


def test_control_a_ledger_that_loses_a_row_is_found() -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            ForgetfulMachine,
            settings=settings(max_examples=200, deadline=None, database=None, phases=[Phase.generate]),
        )
