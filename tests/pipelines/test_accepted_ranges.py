"""All that the door accepts, up to its limits: the fold, PostgreSQL and the macros of DuckDB value it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import duckdb
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from domain.corporate_events import split
from domain.entries import Terms, When
from domain.errors import Refusal
from domain.history import History
from domain.holdings import CostMethod
from domain.ledger import Transaction, TxnType
from domain.limits import MOST_MONEY, MOST_PRICE, MOST_RATE, MOST_SPLIT, UNITS_BELOW, OutOfRange
from domain.money import SCALE, product
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import Positions
from storage.postgres.database import Database
from storage.settings import REPOSITORY

D = Decimal
MACROS = Environment().from_string((REPOSITORY / "dbt_project" / "macros" / "money.sql").read_text()).module
RUPIAH_FOR_A_POUND = D("25000")
FIRST = date(1970, 1, 1)


def up_to(most: Decimal) -> st.SearchStrategy[Decimal]:
    """Any size, and often the largest, the smallest, and the first that is too large."""
    edges = st.sampled_from([most, most - SCALE, most + SCALE, most / 2, SCALE, D(1)])
    return edges | st.decimals(SCALE, most, places=8)


units, prices = up_to(UNITS_BELOW - SCALE), up_to(MOST_PRICE)
amounts, rates, ratios = up_to(MOST_MONEY), up_to(MOST_RATE), up_to(MOST_SPLIT)
days = st.integers(0, 20_000).map(lambda day: FIRST + timedelta(day))
securities, accounts, currencies = st.sampled_from([1, 2]), st.sampled_from([1, 2]), st.sampled_from(["USD", "EUR"])
cash_kinds = st.sampled_from([TxnType.DEPOSIT, TxnType.WITHDRAW, TxnType.FEE, TxnType.INTEREST])
trade_kinds = st.sampled_from([TxnType.BUY, TxnType.SELL])
Command = Callable[[Portfolio, When], object]


def traded(
    kind: TxnType,
    account: int,
    security: int,
    quantity: Decimal,
    price: Decimal,
    fees: Decimal,
    rate: Decimal,
    code: str,
) -> Command:
    terms = Terms(code, rate if code == "EUR" else None)
    return lambda root, when: root.trade(kind, account, security, quantity, price, fees, when, terms)


commands = st.one_of(
    st.builds(traded, trade_kinds, accounts, securities, units, prices, amounts, rates, currencies),
    st.builds(traded, trade_kinds, accounts, securities, units, prices, st.just(D(0)), rates, currencies),
    st.builds(
        lambda kind, amount, code: lambda root, when: root.move_cash(kind, 1, amount, when, Terms(code)),
        cash_kinds, amounts, currencies,
    ),
    st.builds(
        lambda account, held, quantity: lambda root, when: root.transfer_in(account, held, quantity, None, when),
        accounts, securities, units,
    ),
    st.builds(
        lambda held, new, old: lambda root, when: split(root, 1, held, new, old, when), securities, ratios, ratios
    ),
    st.builds(
        lambda amount, received: lambda root, when: root.convert(1, amount, received, "EUR", when, uuid4()),
        amounts, amounts,
    ),
)  # fmt: skip
histories = st.lists(st.tuples(commands, days), min_size=5, max_size=60)


def accepted(history: list[tuple[Command, date]], method: CostMethod) -> list[Transaction]:
    root = Portfolio(UUID(int=1), UUID(int=2), "book", "USD", PortfolioKind.TRADING_BOOK, history=History())
    root.positions.method = method
    for command, day in history:
        with suppress(Refusal):
            command(root, When(datetime.combine(day, time(16), UTC), day))
    assert root.history is not None
    return root.history.rows


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture(scope="module")
def postgres(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        yield connection


def products(duck: duckdb.DuckDBPyConnection, pairs: list[tuple[Decimal, Decimal]]) -> list[Decimal]:
    """Return the product that both macros make of each pair."""
    listed = ", ".join(
        f"({number}, cast('{left}' as decimal(28, 8)), cast('{right}' as decimal(18, 8)))"
        for number, (left, right) in enumerate(pairs)
    )
    macros = (MACROS.product("a", "b"), MACROS.wide_product("a", "b"))
    rows = duck.execute(f"select {', '.join(macros)} from (values {listed}) as pairs(n, a, b) order by n").fetchall()
    assert all(narrow == wide for narrow, wide in rows)
    return [narrow for narrow, _ in rows]


@settings(max_examples=40, deadline=None)
@given(histories, st.sampled_from(list(CostMethod)))
def test_whatever_is_accepted_fits_the_fold_postgresql_and_duckdb(
    duck: duckdb.DuckDBPyConnection,
    postgres: psycopg.Connection,
    history: list[tuple[Command, date]],
    method: CostMethod,
) -> None:
    """After every row, in order of event: what is held at the highest price, and cash and cost at the highest rate of a
    central bank."""
    rows = accepted(history, method)
    state, in_18, in_28 = Positions(method), [], []
    pairs: list[tuple[Decimal, Decimal]] = [(D(1), D(1))]
    for row in sorted(rows, key=lambda one: (one.business_date, one.event_ts, one.seq)):
        state.apply(row)
        in_18 += [row.quantity, row.price, row.fx_rate, row.split_new, row.split_old]
        in_28 += [row.gross, row.fees, row.cash_effect]
        rate = row.fx_rate or D(1)
        pairs += [(amount, rate) for amount in (row.gross, row.cash_effect, row.fees) if amount]
        pairs += [(balance, RUPIAH_FOR_A_POUND) for balance in state.cash.values()]
        for held in state.holdings.values():
            in_18.append(held.quantity)
            sums = (held.cost_basis, held.cost_basis_base, held.realised, held.realised_base, held.realised_fx)
            in_28 += sums
            pairs += [(held.quantity, MOST_PRICE), *((amount, RUPIAH_FOR_A_POUND) for amount in sums)]

    assert products(duck, pairs) == [product(left, right) for left, right in pairs]
    for digits, numbers in ((18, in_18), (28, in_28)):
        kept = [number for number in numbers if number is not None]
        ordered = "unnest(%s::numeric[]) with ordinality as u (n, i) order by i"
        cast = f"select array(select cast(n as numeric({digits}, 8)) from {ordered})"
        assert postgres.execute(cast.encode(), (kept,)).fetchone() == (kept,)


def test_control_without_the_limits_the_macros_overflow(duck: duckdb.DuckDBPyConnection) -> None:
    """The door took this before: the most of every type."""
    with pytest.raises(duckdb.Error):
        products(duck, [(D("99999999999999999999"), D("9999999999"))])


def test_rows_from_before_the_limits_are_folded_and_can_be_made_less() -> None:
    when = When(datetime(2017, 3, 1, 16, tzinfo=UTC), date(2017, 3, 1))
    root = Portfolio(UUID(int=1), UUID(int=2), "old", "USD", history=History())
    row = root.deposit(1, MOST_MONEY, when)
    old = [replace(row, seq=seq, cash_effect=MOST_MONEY * 10) for seq in (1, 2)]
    root = Portfolio(
        UUID(int=1), UUID(int=2), "old", "USD", version=2, history=History(list(old)), positions=Positions.of(old)
    )

    assert root.cash["USD"] == MOST_MONEY * 20
    root.withdraw(1, MOST_MONEY, when)
    with pytest.raises(OutOfRange):
        root.deposit(1, D(1), when)
