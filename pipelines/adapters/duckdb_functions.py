"""What dbt's connections need: a product in the order of its factors, and the lake.

A dbt-duckdb plugin, named in `profiles.yml`.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import mul
from typing import ClassVar

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from storage.s3 import let_read


def running_product(factors: Sequence[float]) -> list[float]:
    """The products of the first one, two ... of `factors`, from left to right.

    DuckDB's windowed product multiplies in another order for every place that a group has among others, so that its
    last bits would tell a portfolio made alone from the same one made with all.
    """
    return list(accumulate(factors, mul))


class Plugin(BasePlugin):
    """`storage_options` are those of the lake that the scratch database's views read; one build runs at a time."""

    storage_options: ClassVar[Mapping[str, str]] = {}

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        conn.create_function("running_product", running_product, ["DOUBLE[]"], "DOUBLE[]")
        let_read(conn, self.storage_options)
