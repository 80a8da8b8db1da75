"""Instants of the database: what a copy saw, so that the next one can take only what that one had not seen.

An instant is a horizon and the heads of the ledger's hash chains then. The horizon says which rows are new since; the
heads prove that those before are the same: not another database's, nor those of one that was set back and went on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from storage.lake.appending import Head
from storage.postgres.horizon import VisibilitySnapshot

Ask = Callable[[str], tuple[Any, ...]]
"""Gives the one row that PostgreSQL answers to a query."""

_HORIZON, _SYSTEM, _HEADS = "horizon", "system_identifier", "ledger_heads"
_HEADS_OF = """
    coalesce(sum(seq), 0)::bigint,
    encode(sha256(coalesce(string_agg(int8send(seq) || head, '' order by portfolio_id), '')), 'hex')
"""
_NOW = f"""
    select pg_current_snapshot()::text, (select system_identifier::text from pg_control_system()), {_HEADS_OF}
    from (select portfolio_id, version as seq, ledger_hash as head from portfolio where version > 0) as heads
"""
_THEN = f"""
    with added as (
        select portfolio_id, count(*) as added_rows from transaction_ledger where {{unseen}} group by portfolio_id
    ),
    before as (
        select portfolio_id, version - coalesce(added_rows, 0) as seq, added_rows is not null as is_longer, ledger_hash
        from portfolio left join added using (portfolio_id)
    ),
    heads as (
        select
            portfolio_id,
            seq,
            case
                when is_longer then (
                    select row_hash from transaction_ledger as ledger
                    where ledger.portfolio_id = before.portfolio_id and ledger.seq = before.seq
                )
                else ledger_hash
            end as head
        from before
        where seq > 0
    )
    select {_HEADS_OF} from heads
"""


@dataclass(frozen=True, slots=True)
class LedgerHeads:
    """How many rows the ledger has, and a digest of every portfolio's last hash."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class ReplicationPoint:
    horizon: VisibilitySnapshot
    digest: str

    @property
    def notes(self) -> dict[str, str]:
        """The instant as a commit notes it."""
        return {
            _HORIZON: self.horizon.snapshot,
            _SYSTEM: self.horizon.system_identifier,
            _HEADS: self.digest,
        }


def point_of(head: Head) -> ReplicationPoint | None:
    """The instant whose rows `head` has, or None if its commit does not say."""
    notes: Mapping[str, str] = head.notes
    if not {_HORIZON, _SYSTEM, _HEADS} <= notes.keys():
        return None
    return ReplicationPoint(VisibilitySnapshot(notes[_HORIZON], notes[_SYSTEM]), notes[_HEADS])


def current(ask: Ask) -> tuple[ReplicationPoint, LedgerHeads]:
    """The instant of the connection's snapshot, and the ledger's heads in it."""
    snapshot, system, *heads = ask(_NOW)
    found = LedgerHeads(*heads)
    return ReplicationPoint(VisibilitySnapshot(snapshot, system), found.digest), found


def ledger_heads(ask: Ask, horizon: VisibilitySnapshot) -> LedgerHeads:
    """The ledger's heads without the rows that `horizon` does not see."""
    return LedgerHeads(*ask(_THEN.format(unseen=unseen_in(horizon))))


def unseen_in(horizon: VisibilitySnapshot) -> str:
    """The condition for rows that `horizon` does not see; by index from its xmin on."""
    return f"xid >= '{horizon.xmin}'::xid8 and not pg_visible_in_snapshot(xid, '{horizon.snapshot}'::pg_snapshot)"
