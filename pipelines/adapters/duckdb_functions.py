"""Functions of the domain that dbt's SQL may call: a dbt-duckdb plugin, so that each formula lives in one language."""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from operator import mul

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from domain.analytics import performance


def xirr(dates: Sequence[date], amounts: Sequence[float]) -> dict[str, object]:
    """`performance.xirr` as a row: the rate, and its status."""
    result = performance.xirr(list(dates), list(amounts))
    return {"rate": result.rate, "status": result.status}


def running_product(factors: Sequence[float]) -> list[float]:
    """The products of the first one, two ... of `factors`, from left to right.

    DuckDB's windowed product multiplies in another order for every place that a group has among others, so that its
    last bits would tell a portfolio made alone from the same one made with all.
    """
    return list(accumulate(factors, mul))


class Plugin(BasePlugin):
    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        conn.create_function("xirr", xirr, ["DATE[]", "DOUBLE[]"], "STRUCT(rate DOUBLE, status VARCHAR)")
        conn.create_function("running_product", running_product, ["DOUBLE[]"], "DOUBLE[]")
