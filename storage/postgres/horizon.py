"""Transactions of PostgreSQL that a release has seen, and whether something has happened since.

A horizon is the whole `pg_current_snapshot()` of a replication: which transactions it saw. A cursor on a sequence or a
time would lose rows of transactions that began early and committed late (4 to 22 %, FIELD_NOTES).
"""

from dataclasses import dataclass
from typing import LiteralString

import psycopg

NOTICED: tuple[LiteralString, ...] = (
    "transaction_ledger",
    "simulation",
    "portfolio",
    "account",
    "security_registry",
    "security_identifier",
    "equity_details",
    "fund_details",
    "bond_details",
    "posted_price",
)
"""Tables whose rows a release must show: the ledger, requests, reference data and posted prices."""

NOTHING_SEEN = "3:3:"
"""The snapshot before a cluster's first transaction."""


@dataclass(frozen=True, slots=True)
class VisibilitySnapshot:
    """`snapshot` is PostgreSQL's text form xmin:xmax:xip_list; `system_identifier` names the database cluster."""

    snapshot: str
    system_identifier: str

    @property
    def xmin(self) -> int:
        return int(self.snapshot.split(":")[0])

    @property
    def xmax(self) -> int:
        return int(self.snapshot.split(":")[1])

    @property
    def in_progress(self) -> frozenset[int]:
        listed = self.snapshot.split(":")[2]
        return frozenset(int(xid) for xid in listed.split(",")) if listed else frozenset()

    def sees(self, xid: int) -> bool:
        return xid < self.xmin or (xid < self.xmax and xid not in self.in_progress)

    def falls_behind(self, other: "VisibilitySnapshot") -> bool:
        """Say whether some transaction that `other` sees is not seen here."""
        if self.xmax < other.xmax and any(other.sees(xid) for xid in range(self.xmax, other.xmax)):
            return True
        return any(other.sees(xid) for xid in self.in_progress)


def current_horizon(connection: psycopg.Connection) -> VisibilitySnapshot:
    """The horizon of the connection's transaction."""
    row = connection.execute(
        "select pg_current_snapshot()::text, (select system_identifier::text from pg_control_system())"
    ).fetchone()
    assert row is not None
    return VisibilitySnapshot(row[0], row[1])


def unseen(connection: psycopg.Connection, horizon: VisibilitySnapshot) -> list[str]:
    """The noticed tables that have a committed row which `horizon` does not see; found by index from its xmin on.

    All of them if it is another cluster's: its numbers say nothing here.
    """
    if horizon.system_identifier != current_horizon(connection).system_identifier:
        return list(NOTICED)
    found = connection.execute(_UNSEEN, {"xmin": str(horizon.xmin), "snapshot": horizon.snapshot})
    return [table for (table,) in found]


_UNSEEN = "union all".join(
    f"""
        select '{table}' where exists (
            select from {table}
            where xid >= %(xmin)s::xid8 and not pg_visible_in_snapshot(xid, %(snapshot)s::pg_snapshot)
        )
    """
    for table in NOTICED
)
