"""Copies of PostgreSQL's tables in the lake: which rows they hold, and that they are exact.

All tables are read in one DuckDB transaction, which is one REPEATABLE READ snapshot of PostgreSQL; table by table, two
in five copies would be inconsistent (FIELD_NOTES). Each copy's count and sums are compared with the database's own.
Of a table that only grows, the lake's newest version is continued: what its own copy had not seen is read, and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.replication.point import Ask, LedgerHeads, ReplicationPoint, current, ledger_heads, point_of, unseen_in
from pipelines.replication.postgres_reader import attached, remote
from storage.lake.appending import Head, append, head_of
from storage.lake.delta import Lake, Publication
from storage.postgres.horizon import VisibilitySnapshot

LEDGER = "transaction_ledger"


@dataclass(frozen=True, slots=True)
class ReplicatedTable:
    """`columns` are PostgreSQL expressions with their names; `summed` the numeric columns that are compared; `named` is
    its name in the lake where that is not the source's (`order` is a word of SQL). Rows of one that `is_append_only`
    are never changed, and say by `xid` which transaction wrote them."""

    source: str
    columns: tuple[str, ...]
    summed: tuple[str, ...] = ()
    named: str | None = None
    is_append_only: bool = False

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
            "portfolio_id",
            "user_id",
            "name",
            "base_currency",
            "kind",
            "time_zone",
            "cost_method",
            "version",
            "encode(ledger_hash, 'hex') as ledger_hash",
            "created_at",
            "archived_at",
            "benchmark",
            "limits::text as limits",
            "long_term_days",
        ),
        ("version",),
    ),
    ReplicatedTable(
        "account",
        ("account_id", "user_id", "identifier", "broker", "account_type", "created_at", "archived_at"),
        ("account_id",),
    ),
    ReplicatedTable(
        "security_registry",
        (
            "security_id",
            "asset_type",
            "currency",
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
            "dated_date",
            "penultimate_coupon_date",
            "ex_coupon_days",
            "ex_coupon_business_days",
            "payment_convention",
            "payment_calendar",
            "coupon_steps::text as coupon_steps",
            "amortisation::text as amortisation",
            "call_schedule::text as call_schedule",
        ),
        ("security_id", "coupon_rate_pct", "denomination", "spread_bps"),
    ),
    ReplicatedTable(
        LEDGER,
        (
            "portfolio_id",
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
            "currency",
            "fx_rate",
            "business_date",
            "event_ts",
            "recorded_at",
            "ex_date",
            "split_new",
            "split_old",
            "transfer_id",
            "reverses_seq",
            "external_id",
            "cost_effect",
            "basis_share",
            "note",
            "encode(row_hash, 'hex') as row_hash",
        ),
        (
            "seq",
            "quantity",
            "price",
            "gross",
            "fees",
            "accrued",
            "cash_effect",
            "fx_rate",
            "split_new",
            "split_old",
            "cost_effect",
        ),
        is_append_only=True,
    ),
    ReplicatedTable(
        "position_current",
        (
            "portfolio_id",
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
        ("portfolio_id", "currency", "balance", "reserved"),
        ("balance", "reserved"),
    ),
    ReplicatedTable(
        "orders",
        (
            "order_id",
            "portfolio_id",
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
            "currency",
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
            "order_id",
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
        is_append_only=True,
    ),
    ReplicatedTable(
        "simulation",
        (
            "simulation_id",
            "portfolio_id",
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
            "owner_id::text as owner_id",
            "posted_at",
        ),
        ("posted_price_id", "security_id", "close"),
    ),
)
BY_LAKE_TABLE = {table.lake_table: table for table in TABLES}


class CopyDiffers(Exception):
    """A replicated table's count or sums are not the database's."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows of one table: those that follow the lake's `head`, or all of them, and why all."""

    rows: pa.Table
    head: Head | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """One instant of the database."""

    instant: ReplicationPoint
    copies: dict[str, Copy]

    @property
    def horizon(self) -> VisibilitySnapshot:
        return self.instant.horizon

    @property
    def rows(self) -> dict[str, pa.Table]:
        return {name: copy.rows for name, copy in self.copies.items()}


def heads_of(lake: Lake, lake_tables: Sequence[str]) -> dict[str, Head | None]:
    """The heads of those that only grow; to be read before the instant, so that it is never older than they are."""
    return {name: head_of(lake, name) for name in lake_tables if BY_LAKE_TABLE[name].is_append_only}


def replicate(
    connection: duckdb.DuckDBPyConnection,
    dsn: str,
    lake_tables: Sequence[str],
    heads: Mapping[str, Head | None] | None = None,
) -> Replica:
    """Copy the tables behind `lake_tables` and the horizon, all at one instant; CopyDiffers if a copy is not exact.

    Of a table whose head is in `heads`, only the rows that the head has not, if it is certain that it has all others.
    """
    with attached(connection, dsn):

        def ask(query: str) -> tuple[Any, ...]:
            return tuple(remote(connection, query).fetchall()[0])

        instant, ledger = current(ask)
        copies = {}
        for name in lake_tables:
            table, head = BY_LAKE_TABLE[name], (heads or {}).get(name)
            why_whole = _why_whole(ask, table, head, instant)
            copies[name] = (
                Copy(_copied(connection, table), None, why_whole)
                if why_whole or head is None
                else _continued(connection, table, head, ledger)
            )
    return Replica(instant, copies)


def deliver(lake: Lake, name: str, copy: Copy, instant: ReplicationPoint, run_id: str) -> Publication:
    """Make the copy the newest version of its table, which notes the instant; the same rows make no new version."""
    if copy.head:
        return append(lake, copy.head, copy.rows, run_id, instant.notes)
    return lake.publish(name, copy.rows, run_id=run_id, notes=instant.notes)


def _why_whole(ask: Ask, table: ReplicatedTable, head: Head | None, instant: ReplicationPoint) -> str:
    """Why the rows of `head` cannot be followed by new ones only; empty if they can."""
    if not table.is_append_only:
        return "its rows change"
    if head is None:
        return "it is the first copy"
    copied_at = point_of(head)
    if copied_at is None:
        return f"version {head.version} does not say when it was copied"
    if copied_at.horizon.system_identifier != instant.horizon.system_identifier:
        return f"version {head.version} is of database {copied_at.horizon.system_identifier}"
    if instant.horizon.falls_behind(copied_at.horizon):
        return f"version {head.version} shows more than this instant"
    then = ledger_heads(ask, copied_at.horizon)
    if then.digest != copied_at.digest:
        return f"the ledger has not the hashes that it had when version {head.version} was copied"
    if table.source == LEDGER and then.rows != head.row_count:
        return f"version {head.version} has {head.row_count} rows, the database had {then.rows}"
    return ""


def _continued(connection: duckdb.DuckDBPyConnection, table: ReplicatedTable, head: Head, ledger: LedgerHeads) -> Copy:
    """The rows that `head` has not; all of them if their columns are not those of `head`."""
    copied_at = point_of(head)
    assert copied_at is not None, "a head without a horizon is not continued"
    rows = _copied(connection, table, f" where {unseen_in(copied_at.horizon)}")
    if not head.has_columns_of(rows.schema):
        return Copy(_copied(connection, table), None, "its columns have changed")
    if table.source == LEDGER and head.row_count + rows.num_rows != ledger.rows:
        raise CopyDiffers(
            f"{table.source}: {head.row_count} rows and {rows.num_rows} new ones were copied, "
            f"the database has {ledger.rows}"
        )
    return Copy(rows, head)


def _copied(connection: duckdb.DuckDBPyConnection, table: ReplicatedTable, where: str = "") -> pa.Table:
    rows = remote(connection, table.query + where).to_arrow_table()
    expected = remote(connection, table.control_query + where).fetchall()[0]
    connection.register("copied", rows)
    sums = "".join(f", coalesce(sum({column}), 0)::decimal(38, 8)" for column in table.summed)
    copied = connection.execute(f"select count(*){sums} from copied").fetchall()[0]
    connection.unregister("copied")
    if tuple(copied) != tuple(expected):
        raise CopyDiffers(f"{table.source}: count and sums {copied} were copied, the database has {expected}")
    return rows
