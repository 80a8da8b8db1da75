from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.entries import When
from domain.errors import InsufficientCash, InsufficientPosition, InvalidNumber, PortfolioIsArchived, Refusal
from domain.history import History
from domain.ledger import in_order_of_event
from domain.money import ZERO, payable
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import Positions

D = Decimal
MAIN, OTHER = 1, 2
AAPL, MSFT = 10, 11


def on(day: int, hour: int = 16) -> When:
    return When(datetime.combine(date(2017, 3, day), time(hour), UTC), date(2017, 3, day))


def portfolio(kind: PortfolioKind = PortfolioKind.INVESTMENT, cash: str | None = "1000000") -> Portfolio:
    """A portfolio whose history is at hand, opened on 1 March 2017."""
    opened = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", kind, history=History())
    if cash:
        opened.deposit(MAIN, D(cash), on(1, 0))
    return opened


def book() -> Portfolio:
    return portfolio(PortfolioKind.TRADING_BOOK)


def check_invariants(root: Portfolio) -> None:
    """Check what must hold after whatever happened: the ledger is dense, and replaying it gives the same state."""
    assert [row.seq for row in root.rows] == list(range(1, root.version + 1))
    replayed = Positions.of(reversed(root.rows), root.positions.method)
    assert (replayed.holdings, replayed.cash) == (root.holdings, root.cash)
    if not root.allows_shorts:
        assert all(held.quantity >= 0 for held in root.holdings.values())
        assert all(balance >= 0 for balance in root.cash.values())


def figures(root: Portfolio) -> tuple[Decimal, Decimal, Decimal]:
    held = root.holdings[MAIN, AAPL]
    return held.quantity, held.cost_basis, held.realised


def test_a_purchase_takes_cash_and_brings_units() -> None:
    mine = portfolio()
    row = mine.buy(MAIN, AAPL, D(10), D("140.25"), D(1), on(2))

    assert row.cash_effect == D("-1403.5")
    assert mine.cash == {"USD": D("998596.5")}
    assert mine.quantity_of(AAPL) == 10
    check_invariants(mine)


def test_buy_sell_all_buy_again_costs_what_the_second_purchase_cost() -> None:
    mine = portfolio()
    mine.buy(MAIN, AAPL, D(10), D(100), ZERO, on(2))
    mine.sell(MAIN, AAPL, D(10), D(150), ZERO, on(3))
    mine.buy(MAIN, AAPL, D(10), D(300), ZERO, on(6))

    assert mine.holdings[MAIN, AAPL].avg_cost == 300
    assert mine.holdings[MAIN, AAPL].realised == 500


def test_an_oversell_is_refused_whole_and_names_held_and_asked() -> None:
    mine = portfolio()
    mine.buy(MAIN, AAPL, D(10), D(100), ZERO, on(2))

    with pytest.raises(InsufficientPosition) as refusal:
        mine.sell(MAIN, AAPL, D("10.00000001"), D(100), ZERO, on(3))

    assert refusal.value.facts == {"security_id": AAPL, "held": "10", "asked": "10.00000001"}
    assert mine.version == 2
    check_invariants(mine)


def test_units_of_another_account_do_not_cover_a_sale() -> None:
    mine = portfolio()
    mine.buy(OTHER, AAPL, D(10), D(100), ZERO, on(2))

    with pytest.raises(InsufficientPosition):
        mine.sell(MAIN, AAPL, D(1), D(100), ZERO, on(3))


def test_a_purchase_above_the_cash_is_refused() -> None:
    mine = portfolio(cash="100")

    with pytest.raises(InsufficientCash) as refusal:
        mine.buy(MAIN, AAPL, D(1), D(100), D("0.01"), on(2))

    assert refusal.value.facts == {"currency": "USD", "available": "100", "asked": "100.01"}


def test_a_trading_book_may_go_short_and_through_zero() -> None:
    shorts = book()
    shorts.buy(MAIN, AAPL, D(50), D(180), ZERO, on(2))
    shorts.sell(MAIN, AAPL, D(100), D(182), ZERO, on(3))

    assert figures(shorts) == (-50, D(-9_100), D(100))
    check_invariants(shorts)


def test_a_back_dated_sale_that_would_make_a_later_day_negative_names_the_first_such_day() -> None:
    mine = portfolio()
    mine.buy(MAIN, AAPL, D(10), D(100), ZERO, on(2))
    mine.sell(MAIN, AAPL, D(2), D(100), ZERO, on(7))
    mine.sell(MAIN, AAPL, D(8), D(100), ZERO, on(9))
    before = (dict(mine.holdings), dict(mine.cash), mine.version)

    with pytest.raises(InsufficientPosition) as refusal:
        mine.sell(MAIN, AAPL, D(5), D(100), ZERO, on(3))

    assert refusal.value.facts["first_violating_date"] == "2017-03-09"
    assert refusal.value.facts["asked"] == "5"
    assert (mine.holdings, mine.cash, mine.version) == before


def test_a_back_dated_sale_before_the_purchase_violates_on_its_own_day() -> None:
    mine = portfolio()
    mine.buy(MAIN, AAPL, D(10), D(100), ZERO, on(6))

    with pytest.raises(InsufficientPosition) as refusal:
        mine.sell(MAIN, AAPL, D(5), D(100), ZERO, on(3))

    assert refusal.value.facts["first_violating_date"] == "2017-03-03"
    assert D(refusal.value.facts["held"]) == 0


def test_a_back_dated_purchase_that_would_overdraw_a_later_day_names_that_day() -> None:
    mine = portfolio(cash="1000")
    mine.withdraw(MAIN, D(600), on(8))
    mine.deposit(MAIN, D(5000), on(9))

    with pytest.raises(InsufficientCash) as refusal:
        mine.buy(MAIN, AAPL, D(5), D(100), ZERO, on(3))

    assert refusal.value.facts["first_violating_date"] == "2017-03-08"
    assert D(refusal.value.facts["available"]) == 400


def test_a_back_dated_purchase_restates_the_gain_of_later_sales() -> None:
    mine = portfolio()
    mine.buy(MAIN, AAPL, D(10), D(100), ZERO, on(6))
    mine.sell(MAIN, AAPL, D(10), D(150), ZERO, on(8))
    mine.buy(MAIN, AAPL, D(10), D(200), ZERO, on(3))

    assert figures(mine) == (10, D(1_500), ZERO)
    check_invariants(mine)


def test_a_portfolio_starts_with_units_that_nobody_paid_for() -> None:
    mine = portfolio(cash=None)
    row = mine.transfer_in(MAIN, AAPL, D(10), D(25), on(1))

    assert row.cash_effect == 0
    assert mine.holdings[MAIN, AAPL].avg_cost == 25


def test_units_received_may_have_cost_nothing() -> None:
    mine = portfolio(cash=None)
    mine.transfer_in(MAIN, AAPL, D(10), ZERO, on(1))

    assert figures(mine) == (10, ZERO, ZERO)


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "1e10", "0.000000001"])
def test_a_quantity_that_is_not_one_is_refused(quantity: str) -> None:
    with pytest.raises(InvalidNumber):
        portfolio().buy(MAIN, AAPL, D(quantity), D(1), ZERO, on(2))


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "-Infinity", "1e20", "0.000000001"])
def test_an_amount_that_is_not_one_is_refused(amount: str) -> None:
    with pytest.raises(InvalidNumber):
        portfolio().deposit(MAIN, D(amount), on(2))


def test_an_archived_portfolio_takes_no_commands() -> None:
    mine = portfolio()
    mine.archived = True

    with pytest.raises(PortfolioIsArchived):
        mine.deposit(MAIN, D(1), on(2))


kinds = st.sampled_from(["buy", "sell", "deposit", "withdraw", "charge_fee"])
commands = st.tuples(
    kinds,
    st.sampled_from([MAIN, OTHER]),
    st.sampled_from([AAPL, MSFT]),
    st.decimals("0.00000001", "50", places=8),
    st.decimals("0.00000001", "200", places=8),
    st.integers(1, 28),
)


def obey(root: Portfolio, command: tuple[str, int, int, Decimal, Decimal, int], when: When) -> None:
    kind, account_id, security_id, quantity, price, _ = command
    if kind in ("buy", "sell"):
        getattr(root, kind)(account_id, security_id, quantity, price, ZERO, when)
    else:
        getattr(root, kind)(account_id, payable(price * 10, "USD") + 1, when)


@given(st.lists(commands, max_size=25))
def test_no_sequence_of_commands_leaves_units_or_cash_below_zero_on_any_day(given_commands) -> None:
    mine = portfolio(cash="5000")
    for command in given_commands:
        try:
            obey(mine, command, on(command[-1]))
        except Refusal:
            continue
    check_invariants(mine)
    past = Positions()
    for row in in_order_of_event(mine.rows):
        past.apply(row)
        assert all(held.quantity >= 0 for held in past.holdings.values())
        assert all(balance >= 0 for balance in past.cash.values())


@given(st.lists(commands, max_size=12), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_holdings(given_commands, random) -> None:
    dated = [(command, on(1 + i // 20, i % 20)) for i, command in enumerate(given_commands)]
    shuffled = random.sample(dated, len(dated))
    in_order, out_of_order = book(), book()
    for command, when in dated:
        obey(in_order, command, when)
    for command, when in shuffled:
        obey(out_of_order, command, when)

    assert out_of_order.holdings == in_order.holdings
    assert out_of_order.cash == in_order.cash
    check_invariants(out_of_order)
