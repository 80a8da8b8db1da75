from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.entries import When
from domain.history import History
from domain.intervals import PositionInterval, position_intervals
from domain.ledger import Transaction
from domain.money import ZERO
from domain.portfolio import Portfolio, PortfolioKind

D = Decimal
MAIN, OTHER = 1, 2
AAPL, MSFT = 10, 11
FIRST_DAY = date(2017, 3, 1)

Trade = tuple[int, int, int, Decimal, Decimal]  # day, account, security, signed quantity, price


def when(day: int, hour: int = 16) -> When:
    moved = FIRST_DAY + timedelta(days=day)
    return When(datetime.combine(moved, time(hour), UTC), moved)


def ledger(*trades: tuple[int, str, str]) -> list[Transaction]:
    """Rows of AAPL in the main account, from (day, signed quantity, price), in the order given."""
    return book([(day, MAIN, AAPL, D(quantity), D(price)) for day, quantity, price in trades]).rows


def book(trades: list[Trade], hours: list[int] | None = None) -> Portfolio:
    traded = Portfolio(UUID(int=1), UUID(int=2), "book", "USD", PortfolioKind.TRADING_BOOK, history=History())
    for i, (day, account_id, security_id, quantity, price) in enumerate(trades):
        decide = traded.buy if quantity > 0 else traded.sell
        decide(account_id, security_id, abs(quantity), price, ZERO, when(day, hours[i] if hours else 16))
    return traded


def states(intervals: list[PositionInterval]) -> list[tuple[date, date | None, Decimal, Decimal]]:
    return [(held.valid_from, held.valid_to, held.quantity, held.avg_cost) for held in intervals]


def test_every_change_starts_a_range_and_the_last_one_is_open() -> None:
    intervals = list(position_intervals(ledger((0, "10", "100"), (5, "-4", "120"))))

    assert states(intervals) == [
        (date(2017, 3, 1), date(2017, 3, 6), 10, 100),
        (date(2017, 3, 6), None, 6, 100),
    ]
    assert [held.realised for held in intervals] == [0, 80]


def test_of_several_trades_on_one_day_the_close_counts() -> None:
    intervals = list(position_intervals(ledger((0, "10", "100"), (0, "10", "200"))))

    assert states(intervals) == [(date(2017, 3, 1), None, 20, 150)]


def test_a_closed_position_is_a_range_of_zero_that_carries_the_gain() -> None:
    last = list(position_intervals(ledger((0, "10", "100"), (2, "-10", "110"), (9, "10", "300"))))

    assert states(last)[1:] == [(date(2017, 3, 3), date(2017, 3, 10), 0, 0), (date(2017, 3, 10), None, 10, 300)]
    assert [held.realised for held in last] == [0, 100, 100]


def test_cash_rows_make_no_ranges() -> None:
    funded = book([])
    funded.deposit(MAIN, D(100), when(0))

    assert list(position_intervals(funded.rows)) == []


def test_accounts_have_their_own_ranges() -> None:
    trades = [(0, MAIN, AAPL, D(50), D(500)), (0, OTHER, AAPL, D(30), D(520))]
    intervals = list(position_intervals(book(trades).rows))

    assert [(held.account_id, held.quantity, held.cost_basis) for held in intervals] == [
        (MAIN, 50, 25_000),
        (OTHER, 30, 15_600),
    ]


trades = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.sampled_from([MAIN, OTHER]),
        st.sampled_from([AAPL, MSFT]),
        st.decimals("-100", "100", places=8).filter(bool),
        st.decimals("0.00000001", "1000", places=8),
    ),
    max_size=15,
)


@given(trades, st.randoms(use_true_random=False))
def test_any_order_of_rows_gives_the_same_ranges(given_trades, random) -> None:
    rows = book(given_trades).rows

    assert list(position_intervals(random.sample(rows, len(rows)))) == list(position_intervals(rows))


@given(trades, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_ranges(given_trades, random) -> None:
    dated = [(trade, i) for i, trade in enumerate(given_trades)]
    shuffled = random.sample(dated, len(dated))
    in_order = book(given_trades, [i for _, i in dated])
    out_of_order = book([trade for trade, _ in shuffled], [i for _, i in shuffled])

    assert list(position_intervals(out_of_order.rows)) == list(position_intervals(in_order.rows))
    assert out_of_order.holdings == in_order.holdings


@given(trades)
def test_the_open_range_is_the_projection(given_trades) -> None:
    traded = book(given_trades)
    now = {
        (held.account_id, held.security_id): (held.quantity, held.cost_basis, held.realised)
        for held in position_intervals(traded.rows)
        if held.valid_to is None
    }

    assert now == {key: (held.quantity, held.cost_basis, held.realised) for key, held in traded.holdings.items()}


@given(trades)
def test_ranges_of_one_holding_follow_each_other_without_gap_or_overlap(given_trades) -> None:
    by_key: dict[tuple[int, int], list[PositionInterval]] = {}
    for held in position_intervals(book(given_trades).rows):
        by_key.setdefault((held.account_id, held.security_id), []).append(held)

    for ranges in by_key.values():
        assert [held.valid_to for held in ranges] == [*[held.valid_from for held in ranges[1:]], None]
        assert all(held.valid_to is None or held.valid_from < held.valid_to for held in ranges)
