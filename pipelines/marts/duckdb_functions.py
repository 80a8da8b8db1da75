"""Additions to dbt's connections: the index of a series of returns, and access to the lake.

A dbt-duckdb plugin, named in `profiles.yml`.
"""

from collections.abc import Mapping
from typing import ClassVar

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from domain.analytics.returns.performance import linked_index
from storage.lake.s3 import enable_s3


class Plugin(BasePlugin):
    """`storage_options` are those of the lake that the scratch database's views read; one build runs at a time."""

    storage_options: ClassVar[Mapping[str, str]] = {}

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        # DuckDB's windowed product multiplies in another order for every place that a group has among others, so that
        # its last bits would tell a portfolio made alone from the same one made with all.
        conn.create_function("linked_index", linked_index, ["DOUBLE[]", "BOOLEAN[]"], "DOUBLE[]")
        enable_s3(conn, self.storage_options)
