"""Which rows of PostgreSQL the lake holds, and that the copy is exact.

All tables are read in one DuckDB transaction, which is one REPEATABLE READ snapshot of PostgreSQL; table by table, two
in five copies would be inconsistent (FIELD_NOTES). Each copy's count and sums are compared with the database's own.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from storage.errors import SetupError
from storage.horizon import Horizon

_SOURCE = "ledger_database"


@dataclass(frozen=True, slots=True)
class ReplicatedTable:
    """`columns` are PostgreSQL expressions with their names; `summed` the numeric columns that are compared; `named` is
    its name in the lake where that is not the source's (`order` is a word of SQL)."""

    source: str
    columns: tuple[str, ...]
    summed: tuple[str, ...] = ()
    named: str | None = None

    @property
    def lake_table(self) -> str:
        return f"raw/pg_{self.named or self.source}"

    @property
    def query(self) -> str:
        return f"select {', '.join(self.columns)} from {self.source}"

    @property
    def control_query(self) -> str:
        sums = "".join(f", coalesce(sum({column}), 0)::numeric(38, 8) as {column}_sum" for column in self.summed)
        return f"select count(*){sums} from {self.source}"


TABLES = (
    ReplicatedTable(
        "portfolio",
        (
            "portfolio_id::text as portfolio_id",
            "user_id::text as user_id",
            "name",
            "base_currency::text as base_currency",
            "kind",
            "time_zone",
            "cost_method",
            "version",
            "encode(ledger_hash, 'hex') as ledger_hash",
            "created_at",
            "archived_at",
        ),
        ("version",),
    ),
    ReplicatedTable(
        "account",
        ("account_id", "user_id::text as user_id", "identifier", "broker", "account_type", "created_at", "archived_at"),
        ("account_id",),
    ),
    ReplicatedTable(
        "security_registry",
        (
            "security_id",
            "asset_type",
            "currency::text as currency",
            "display_name",
            "coalesce(price_kind, 'AS_TRADED') as price_kind",
            "created_at",
        ),
        ("security_id",),
    ),
    ReplicatedTable(
        "security_identifier",
        ("security_id", "id_type", "id_value", "is_primary", "valid_from", "valid_to"),
        ("security_id",),
    ),
    ReplicatedTable("equity_details", ("security_id", "exchange", "country", "sector", "industry"), ("security_id",)),
    ReplicatedTable(
        "fund_details",
        ("security_id", "fund_family", "category", "distribution", "expense_ratio_bps"),
        ("security_id", "expense_ratio_bps"),
    ),
    ReplicatedTable(
        "bond_details",
        (
            "security_id",
            "maturity_date",
            "coupon_rate_pct",
            "day_count",
            "coupon_frequency",
            "issuer",
            "issuer_class",
            "issue_date",
            "first_coupon_date",
            "denomination",
            "spread_bps",
        ),
        ("security_id", "coupon_rate_pct", "denomination", "spread_bps"),
    ),
    ReplicatedTable(
        "transaction_ledger",
        (
            "portfolio_id::text as portfolio_id",
            "seq",
            "account_id",
            "security_id",
            "txn_type",
            "quantity",
            "price",
            "gross",
            "fees",
            "accrued",
            "cash_effect",
            "currency::text as currency",
            "fx_rate",
            "business_date",
            "event_ts",
            "recorded_at",
            "ex_date",
            "split_new",
            "split_old",
            "transfer_id::text as transfer_id",
            "reverses_seq",
            "external_id",
            "note",
            "encode(row_hash, 'hex') as row_hash",
        ),
        ("seq", "quantity", "price", "gross", "fees", "accrued", "cash_effect", "fx_rate", "split_new", "split_old"),
    ),
    ReplicatedTable(
        "position_current",
        (
            "portfolio_id::text as portfolio_id",
            "account_id",
            "security_id",
            "quantity",
            "cost_basis",
            "realised",
            "cost_basis_base",
            "realised_base",
            "realised_fx_base",
            "is_basis_known",
            "is_realised_known",
        ),
        ("quantity", "cost_basis", "realised", "cost_basis_base", "realised_base", "realised_fx_base"),
    ),
    ReplicatedTable(
        "cash_balance",
        ("portfolio_id::text as portfolio_id", "currency::text as currency", "balance", "reserved"),
        ("balance", "reserved"),
    ),
    ReplicatedTable(
        "orders",
        (
            "order_id::text as order_id",
            "portfolio_id::text as portfolio_id",
            "account_id",
            "security_id",
            "side",
            "order_type",
            "quantity",
            "limit_price",
            "fees",
            "status",
            "filled_quantity",
            "reserved_cash",
            "reserved_quantity",
            "currency::text as currency",
            "reason",
            "is_overdrawn",
            "version",
            "placed_at",
            "updated_at",
        ),
        ("quantity", "filled_quantity", "reserved_cash", "reserved_quantity", "version"),
        named="order",
    ),
    ReplicatedTable(
        "order_fill",
        (
            "order_id::text as order_id",
            "fill_id",
            "quantity",
            "price",
            "fees",
            "accrued",
            "fx_rate",
            "business_date",
            "source",
            "seq",
            "filled_at",
        ),
        ("quantity", "price", "fees", "seq"),
    ),
    ReplicatedTable(
        "simulation",
        (
            "simulation_id::text as simulation_id",
            "portfolio_id::text as portfolio_id",
            "name",
            "horizon_years",
            "num_paths",
            "sample_paths",
            "seed",
            "is_standing",
            "requested_at",
        ),
        ("seed", "num_paths"),
    ),
    ReplicatedTable(
        "posted_price",
        (
            "posted_price_id",
            "security_id",
            "price_date",
            "close",
            "currency::text as currency",
            "user_id::text as user_id",
            "posted_at",
        ),
        ("posted_price_id", "security_id", "close"),
    ),
)
BY_LAKE_TABLE = {table.lake_table: table for table in TABLES}


class CopyDiffers(Exception):
    """A replicated table's count or sums are not the database's."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One instant of the database."""

    horizon: Horizon
    rows: dict[str, pa.Table]


def replicate(connection: duckdb.DuckDBPyConnection, dsn: str, lake_tables: Sequence[str]) -> Replica:
    """Copy the tables behind `lake_tables` and the horizon, all at one instant; CopyDiffers if a copy is not exact."""
    with _attached(connection, dsn):
        snapshot, system = _remote(
            connection, "select pg_current_snapshot()::text, system_identifier::text from pg_control_system()"
        ).fetchall()[0]
        rows = {name: _copied(connection, BY_LAKE_TABLE[name]) for name in lake_tables}
    return Replica(Horizon(snapshot, system), rows)


def _copied(connection: duckdb.DuckDBPyConnection, table: ReplicatedTable) -> pa.Table:
    rows = _remote(connection, table.query).to_arrow_table()
    expected = _remote(connection, table.control_query).fetchall()[0]
    connection.register("copied", rows)
    sums = "".join(f", coalesce(sum({column}), 0)::decimal(38, 8)" for column in table.summed)
    copied = connection.execute(f"select count(*){sums} from copied").fetchall()[0]
    connection.unregister("copied")
    if tuple(copied) != tuple(expected):
        raise CopyDiffers(f"{table.source}: count and sums {copied} were copied, the database has {expected}")
    return rows


def _remote(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    return connection.execute("from postgres_query(?, ?)", [_SOURCE, query])


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, dsn: str) -> Iterator[None]:
    connection.load_extension(str(extension("postgres_scanner")))
    connection.execute("set TimeZone = 'UTC'")
    quoted = dsn.replace("'", "''")
    connection.execute(f"attach '{quoted}' as {_SOURCE} (type postgres, read_only)")
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")
        connection.execute(f"detach {_SOURCE}")


def extension(name: str) -> Path:
    """The signed extension's file from its wheel; nothing is downloaded."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise SetupError(f"the package duckdb-extension-{name.replace('_', '-')} is not installed; run `make install`")
    found = sorted(Path(spec.origin).parent.rglob(f"{name}.duckdb_extension"))
    version = f"v{duckdb.__version__}"
    for path in found:
        if path.parent.name == version:
            return path
    raise SetupError(f"the wheel of {name} is not for DuckDB {duckdb.__version__}; install the locked versions")
