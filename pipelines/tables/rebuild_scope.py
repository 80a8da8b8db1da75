"""Scope of a run: which portfolios it has to make anew, and from which day on.

A portfolio's rows in every mart follow from its ledger, its settings and the market. The ledger is append-only and
`pg_portfolio` has each one's version and hash, so two versions of that table tell which portfolios have new rows; the
new rows tell from which day on (a reversal has the day of the row that it takes back). An owner's own prices reach the
owner's portfolios from their first changed day on. If anything else has changed since the release that it builds on,
everything is made anew. A portfolio that is held in that release is tried again when its rows, anything but the ledger,
or the code has changed, and then from its beginning on.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

from dagster import DagsterRun

from pipelines.runtime.code_version import code_version
from pipelines.tables.version_set import VersionSet
from storage.lake.delta import MOST_KEYS, Lake, Window
from storage.lake.releases import Release

LEDGER, PORTFOLIOS = "raw/pg_transaction_ledger", "raw/pg_portfolio"
_FOLLOW_THE_LEDGER = frozenset(
    {
        LEDGER,
        PORTFOLIOS,
        "raw/pg_account",
        "raw/pg_cash_balance",
        "raw/pg_order",
        "raw/pg_order_fill",
        "raw/pg_position_current",
        "raw/pg_simulation",
        "positions/position_interval",
        "positions/disposal",
    }
)
"""Tables whose changes are those of the portfolios that `pg_portfolio` shows to have changed, or of no mart."""
_GROW = frozenset(
    {
        "raw/pg_security_registry",
        "raw/pg_security_identifier",
        "raw/pg_equity_details",
        "raw/pg_fund_details",
        "raw/pg_bond_details",
    }
)
"""Tables to which rows are added for securities that nobody had held before."""
_OF_OWNERS = frozenset({"raw/own_price", "raw/unconfirmed_price"})
"""Tables with rows of owners, whose portfolios alone they reach, beside rows for all."""
REPROCESS_TAG = "lakefolio/reprocess"
_LEVEL_JOBS = frozenset({"refresh", "pick_up"})
"""Jobs that bring the lake up to date, whatever that takes; another run makes what it was asked for, whole."""
FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)
_CHANGED = """
    with before as (from {old_portfolios}),

    now as (from {portfolios}),

    changed as (
        select
            now.portfolio_id,
            coalesce(before.version, 0) as seen,
            before.portfolio_id is not null
            and (
                {settings_now} is distinct from {settings_before}
                or now.version < before.version
                or (now.version = before.version and now.ledger_hash <> before.ledger_hash)
            ) as is_other
        from now
        left join before on now.portfolio_id = before.portfolio_id
        where
            before.portfolio_id is null
            or now.version <> before.version
            or now.ledger_hash <> before.ledger_hash
            or {settings_now} is distinct from {settings_before}
    ),

    added as (
        select ledger.portfolio_id, ledger.seq, ledger.business_date
        from {ledger} as ledger
        inner join changed on ledger.portfolio_id = changed.portfolio_id and ledger.seq > changed.seen
    )

    select
        changed.portfolio_id,
        case when bool_or(changed.is_other) then null else min(added.business_date) end as since,
        coalesce(max(added.seq), 0) as last_seq
    from changed
    left join added using (portfolio_id)
    group by changed.portfolio_id
    order by changed.portfolio_id
"""


@dataclass(frozen=True, slots=True)
class RebuildScope:
    """These `portfolios` from `since` on, or everything if they are None; and why."""

    why: str
    portfolios: tuple[str, ...] | None = None
    since: date = FIRST

    @property
    def is_whole(self) -> bool:
        return self.portfolios is None

    @property
    def window(self) -> Window | None:
        return None if self.portfolios is None else Window(self.since, LAST)

    @property
    def key(self) -> Mapping[str, Sequence[str]] | None:
        """The rows of the scope, as a publication names them."""
        return None if self.portfolios is None else {"portfolio_id": self.portfolios}

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of a materialisation about the scope."""
        if self.portfolios is None:
            return {"scope/what": "everything", "scope/why": self.why}
        if not self.portfolios:
            return {"scope/what": "nothing", "scope/why": self.why}
        named = ", ".join(self.portfolios[:20]) + (" ..." if len(self.portfolios) > 20 else "")
        since = "the beginning" if self.since == FIRST else str(self.since)
        return {
            "scope/what": f"{len(self.portfolios)} portfolios from {since} on: {named}",
            "scope/why": self.why,
        }

    def without(self, portfolios: Collection[str]) -> "RebuildScope":
        """The same, without some of the portfolios; of everything, everything."""
        if self.portfolios is None:
            return self
        return replace(self, portfolios=tuple(one for one in self.portfolios if one not in portfolios))

    def to_tag(self) -> str:
        return json.dumps({"portfolios": self.portfolios, "since": self.since.isoformat(), "why": self.why})

    @classmethod
    def from_tag(cls, tag: str) -> Self:
        given = json.loads(tag)
        return cls(given["why"], tuple(given["portfolios"]), date.fromisoformat(given["since"]))


def incomparable(run: DagsterRun, seen: VersionSet) -> str | None:
    """Why a run cannot go by what has changed since the release that it builds on; None if it can."""
    base = seen.base
    if run.job_name not in _LEVEL_JOBS:
        return "it was asked for"
    if base is None:
        return "nothing was released before"
    if base.code_version != code_version():
        return f"the last release was made by other code, {base.code_version}"
    if seen.horizon and not seen.horizon.startswith(f"{base.horizon.system_identifier}/"):
        return "the database is another one than that of the last release"
    return None


def portfolio_ids(lake: Lake, version: int) -> list[str]:
    """All portfolios of a version of `raw/pg_portfolio`, in order."""
    with lake.connect() as connection:
        query = f"select portfolio_id from {lake.scan(PORTFOLIOS, version)} order by portfolio_id"
        return [row[0] for row in connection.execute(query).fetchall()]


def differing(seen: VersionSet, tables: Collection[str]) -> frozenset[str]:
    """Return those of `tables` that are not as the last release has them."""
    before = seen.base.versions if seen.base else {}
    return frozenset(table for table in tables if before.get(table) != seen.versions.get(table))


def unchanged(
    run: DagsterRun, lake: Lake, seen: VersionSet, made_from: Mapping[str, Collection[str]]
) -> dict[str, int]:
    """Return the tables `made_from` others that need not be made anew, each with the version that the release has."""
    if incomparable(run, seen) or REPROCESS_TAG in run.tags or seen.tried.retried or not seen.base:
        return {}
    changed = differing(seen, {source for sources in made_from.values() for source in sources})
    released = {table: seen.base.versions.get(table) for table in sorted(made_from)}
    return {
        table: version
        for table, version in released.items()
        if version is not None and changed.isdisjoint(made_from[table]) and lake.version(table) == version
    }


def scope_of(
    run: DagsterRun, lake: Lake, seen: VersionSet, read: Collection[str], made: Collection[str]
) -> RebuildScope:
    """Return the scope of the tables `made` from the tables `read`: for what has changed since the release that the run
    builds on, and for what was asked for with the run."""
    why = incomparable(run, seen)
    if why or seen.base is None:
        return RebuildScope(why or "nothing was released before")
    found = _of_changes(lake, seen.base, seen, read, made)
    if found.portfolios is not None and REPROCESS_TAG in run.tags:
        asked = RebuildScope.from_tag(run.tags[REPROCESS_TAG])
        assert asked.portfolios is not None, "a reprocessing names portfolios"
        together = tuple(sorted({*asked.portfolios, *found.portfolios}))
        found = RebuildScope(f"{asked.why}; {found.why}", together, min(asked.since, found.since))
    if found.portfolios is not None and seen.tried.retried:
        together = tuple(sorted({*found.portfolios, *seen.tried.retried}))
        found = RebuildScope(f"{found.why}; {len(seen.tried.retried)} held ones are tried again", together, FIRST)
    return found


def due_again(run: DagsterRun, lake: Lake, seen: VersionSet, scope: RebuildScope) -> frozenset[str]:
    """The portfolios held in the last release that this run tries again, `scope` being that of the fold."""
    held = frozenset(seen.held)
    if not held or seen.base is None:
        return held
    raw = [table for table in seen.base.versions if table.startswith("raw/")]
    if scope.portfolios is None or run.job_name == "refresh" or _others(lake, seen.base, seen, raw):
        return held
    return held & set(scope.portfolios)


def _of_changes(
    lake: Lake, base: Release, seen: VersionSet, read: Collection[str], made: Collection[str]
) -> RebuildScope:
    others = _others(lake, base, seen, read)
    owners = _owners_changed(lake, base.versions, seen.versions, others)
    if owners is None:
        return RebuildScope(f"changed since the last release: {', '.join(others)}")
    moved = sorted(table for table in made if table not in base.versions or lake.version(table) != base.versions[table])
    if moved:
        return RebuildScope(f"not as the last release has it: {', '.join(moved)}")
    return _joined(_of_the_ledger(lake, base.versions, seen.versions), _of_owners(lake, seen.versions, owners))


def _owners_changed(
    lake: Lake, base: Mapping[str, int], now: Mapping[str, int], others: Collection[str]
) -> dict[str, date] | None:
    """The owners of rows that have changed in tables of owners, with the first day; None if anything else has."""
    found: dict[str, date] = {}
    for table in others:
        if table not in _OF_OWNERS or table not in base:
            return None
        if lake.columns(table, base[table]) != lake.columns(table, now[table]):
            return None
        old, new = (f"from {lake.scan(table, versions[table])}" for versions in (base, now))
        with lake.connect() as connection:
            query = f"with rows as (({old} except all {new}) union all ({new} except all {old}))"
            rows = connection.execute(
                f"{query} select owner_id, min(price_date) from rows group by owner_id"
            ).fetchall()
        for owner_id, since in rows:
            if owner_id is None:
                return None
            found[owner_id] = min(since, found.get(owner_id, since))
    return found


def _of_owners(lake: Lake, now: Mapping[str, int], owners: Mapping[str, date]) -> RebuildScope:
    if not owners:
        return RebuildScope("no new own prices", (), LAST)
    with lake.connect() as connection:
        query = f"select portfolio_id from {lake.scan(PORTFOLIOS, now[PORTFOLIOS])} where list_contains(?, user_id)"
        portfolios = tuple(sorted(one for (one,) in connection.execute(query, [list(owners)]).fetchall()))
    why = f"own prices of {len(owners)} owners"
    if len(portfolios) > MOST_KEYS:
        return RebuildScope(f"{why}, who have {len(portfolios)} portfolios")
    return RebuildScope(why, portfolios, min(owners.values()))


def _joined(one: RebuildScope, other: RebuildScope) -> RebuildScope:
    """Everything that either is about."""
    if one.portfolios is None or other.portfolios == ():
        return one
    if other.portfolios is None or one.portfolios == ():
        return other
    together = tuple(sorted({*one.portfolios, *other.portfolios}))
    return RebuildScope(f"{one.why}; {other.why}", together, min(one.since, other.since))


def _others(lake: Lake, base: Release, seen: VersionSet, read: Collection[str]) -> list[str]:
    """List the tables of `read` that have changed otherwise than by new rows of the ledger or new securities."""
    return sorted(
        table
        for table in differing(seen, read) - _FOLLOW_THE_LEDGER
        if table not in _GROW or not _only_grew(lake, table, base.versions, seen.versions)
    )


def _of_the_ledger(lake: Lake, base: Mapping[str, int], now: Mapping[str, int]) -> RebuildScope:
    if any(table not in versions for table in (LEDGER, PORTFOLIOS) for versions in (base, now)):
        return RebuildScope("the ledger was not replicated before")
    if base[LEDGER] == now[LEDGER] and base[PORTFOLIOS] == now[PORTFOLIOS]:
        return RebuildScope("no new rows in the ledger", (), LAST)
    chosen = ("cost_method", "benchmark", "limits", "long_term_days")
    named = ("name", "user_id", "base_currency", "kind", "time_zone", "archived_at", *chosen)
    settings = f"({', '.join('{0}.' + name for name in named)})"
    query = _CHANGED.format(
        old_portfolios=lake.scan(PORTFOLIOS, base[PORTFOLIOS]),
        portfolios=lake.scan(PORTFOLIOS, now[PORTFOLIOS]),
        ledger=lake.scan(LEDGER, now[LEDGER]),
        settings_now=settings.format("now"),
        settings_before=settings.format("before"),
    )
    with lake.connect() as connection:
        rows = connection.execute(query).fetchall()
    if len(rows) > MOST_KEYS:
        return RebuildScope(f"{len(rows)} portfolios have new rows")
    since = min((day or FIRST for _, day, _ in rows), default=LAST)
    why = "; ".join(f"{portfolio_id} up to ledger row {seq}" for portfolio_id, _, seq in rows[:20])
    return RebuildScope(why or "no new rows in the ledger", tuple(portfolio_id for portfolio_id, _, _ in rows), since)


def _only_grew(lake: Lake, table: str, base: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Say whether every row of before is still there, in the columns of before: what a new column says is unknown."""
    if table not in base or table not in now:
        return False
    if lake.columns(table, base[table]) != lake.columns(table, now[table]):
        return False
    old, new = (f"from {lake.scan(table, versions[table])}" for versions in (base, now))
    with lake.connect() as connection:
        row = connection.execute(f"select count(*) from ({old} except all {new})").fetchone()
    return row == (0,)
