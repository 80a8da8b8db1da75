"""The dbt macro for a product of money, against Python's exact decimals."""

from decimal import Decimal

import duckdb
import pytest
from jinja2 import Environment

from domain.money import product
from storage.settings import REPOSITORY

MACROS = Environment().from_string((REPOSITORY / "dbt_project" / "macros" / "money.sql").read_text()).module
NARROW, WIDE = "decimal(18, 8)", "decimal(28, 8)"
RANDOM = f"""
    create table pairs as
    select
        cast((hash(i) % 2000000000000) / 1e6 - 1e6 as {NARROW})
            * cast(power(10, hash(i, 1) % 4) as integer)::decimal(5, 0) as amount,
        cast((hash(i, 2) % 200000000000000000) / 1e8 as {NARROW}) as factor
    from range(20000) as numbers(i)
"""
EDGES = [
    ("0.5", "0.00000001"),
    ("-0.5", "0.00000001"),
    ("0.49999999", "0.00000001"),
    ("-1.5", "-0.00000001"),
    ("999999999", "999999999"),
    ("-999999999.99999999", "1.00000001"),
    ("1000000000", "9999999999.99999999"),
    ("0", "-3"),
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(RANDOM)
    return connection


@pytest.mark.parametrize("kind", [NARROW, WIDE])
def test_any_product_is_rounded_once_half_away_from_zero(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    query = f"select amount, factor, {MACROS.product(f'cast(amount as {kind})', 'factor')} from pairs"
    wrong = [row for row in connection.execute(query).fetchall() if product(row[0], row[1]) != row[2]]
    assert not wrong[:3]


@pytest.mark.parametrize(("left", "right"), EDGES)
def test_the_edges(connection: duckdb.DuckDBPyConnection, left: str, right: str) -> None:
    words = (f"cast({left} as {WIDE})", f"cast({right} as {NARROW})")
    query = f"select {MACROS.product(*words)}, {MACROS.wide_product(*words)}"
    expected = product(Decimal(left), Decimal(right))
    assert connection.execute(query).fetchone() == (expected, expected)


def test_nothing_times_something_is_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    query = f"select {MACROS.product('cast(null as decimal(28, 8))', '1.5::decimal(18, 8)')}"
    assert connection.execute(query).fetchone() == (None,)
