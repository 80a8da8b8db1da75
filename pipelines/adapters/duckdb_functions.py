"""Functions of the domain that dbt's SQL may call: a dbt-duckdb plugin, so that each formula lives in one language."""

from collections.abc import Sequence
from datetime import date

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from domain.analytics import performance


def xirr(dates: Sequence[date], amounts: Sequence[float]) -> dict[str, object]:
    """`performance.xirr` as a row: the rate, and its status."""
    result = performance.xirr(list(dates), list(amounts))
    return {"rate": result.rate, "status": result.status}


class Plugin(BasePlugin):
    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        conn.create_function("xirr", xirr, ["DATE[]", "DOUBLE[]"], "STRUCT(rate DOUBLE, status VARCHAR)")
