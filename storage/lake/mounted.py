"""A release as views in a DuckDB in memory, over the exact files of its versions.

A release is mounted once and shared; every question has its own cursor, because a DuckDB connection is not for two
threads. What a release does not have yet is an empty answer; that there is no release at all is a refusal. Whatever
keeps a lake from being read (a disk, a bucket, a torn file) is LakeUnavailable, for readers as for `mounted`.

Where people sign in the views show rows of the portfolios that are `seen`, whatever is asked, by a variable of the
cursor's own. By another one prices are those of one owner: the prices for all, and in their place an owner's own of the
securities that have some. Either way the DuckDB reads nothing but the lake.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from threading import Event, Lock
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa
from cachetools import LRUCache, cachedmethod
from deltalake import DeltaTable

from domain.errors import NoRelease, NoReleaseThen, Refusal
from domain.references import NoSuchRelease
from storage.errors import LakeUnavailable
from storage.lake.delta import Lake, local_folder
from storage.lake.held import HeldPortfolio, held_in, is_shown
from storage.lake.releases import TABLE, Release, Releases
from storage.outages import sentence_of
from storage.postgres.horizon import NOTHING_SEEN, VisibilitySnapshot

_BUGS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
_LEDGER, _PORTFOLIOS = "raw/pg_transaction_ledger", "raw/pg_portfolio"
Seen = Callable[[], Iterable[UUID]]
"""The portfolios that whoever asks now may see."""
Owner = Callable[[], UUID | str | None]
"""The user whose own prices count in what is asked now."""
PRICES, OWN_PRICES = "marts/fact_price_daily", "marts/fact_own_price_daily"
_OWN = {
    "owner_id": "(owner_id is null or owner_id = getvariable('owner'))",
    "portfolio_id": "list_contains(getvariable('seen'), portfolio_id)",
    "simulation_id": "simulation_id in (select simulation_id from simulation.simulation_run)",
    "order_id": "order_id in (select order_id from raw.pg_order)",
    "user_id": "account_id in (select account_id from raw.pg_transaction_ledger)",
}
"""The condition that a row is of a portfolio that is seen, or the asker's own price or one for all, by the first of
these columns that its table has."""
_NOBODYS = {"raw/pg_posted_price"}
"""As older releases have it: without the owner, everybody's."""
_OWNERS_PRICES = """
create or replace view marts.fact_price_daily as
with own as (from {own} where owner_id = getvariable('owner'))
from {for_all} anti join own using (security_id)
union all by name
select * exclude (owner_id) from own
"""
_IS_OWN = """
select 1
from marts.fact_own_price_daily
where owner_id = getvariable('owner') and security_id = $security_id
limit 1
"""
_OWNED = """
select portfolio_id, user_id
from raw.pg_portfolio
where list_contains($portfolio_ids, portfolio_id)
"""
_BY_OWNER = re.compile(r"\b(?:marts\.fact_price_daily|owner_id)\b")
_MENTIONED = re.compile(r"\b(?:from|join)\s+(marts|simulation|raw|positions|risk)\.(\w+)")


@dataclass(frozen=True, slots=True)
class MountedRelease:
    """One release as views in a DuckDB of its own. Of a portfolio that it holds, the ledger ends with the row up to
    which it is shown."""

    release: Release
    connection: duckdb.DuckDBPyConnection
    held: Mapping[str, HeldPortfolio]
    seen: Seen | None = None
    """None: everybody's rows are shown."""
    owner: Owner = lambda: None
    owners: frozenset[str] = frozenset()
    """The users who have prices of their own in it."""
    lock: Lock = field(default_factory=Lock)
    kept: dict[Any, dict[str, Any]] = field(default_factory=dict)
    is_broken: Event = field(default_factory=Event)
    """Set once this DuckDB refuses every question, as it does after an error of its own; another is mounted then."""

    def of_owner(self, owner_id: str | None) -> "MountedRelease":
        """The same, with the prices of one owner."""
        return replace(self, owner=lambda: owner_id)

    def of_portfolio(self, portfolio_id: UUID) -> "MountedRelease":
        """The same, with the prices that value the portfolio."""
        return self.of_owner(self.priced_apart([str(portfolio_id)]).get(str(portfolio_id)))

    def priced_apart(self, portfolio_ids: Sequence[str]) -> Mapping[str, str]:
        """The owners of those of the portfolios whose owner has prices of their own."""
        rows = self.rows(_OWNED, portfolio_ids=list(portfolio_ids)) if self.owners else []
        return {row["portfolio_id"]: row["user_id"] for row in rows if row["user_id"] in self.owners}

    @property
    def priced_for(self) -> str | None:
        """The user whose own prices count in an answer; None where only the prices for all do."""
        owner_id = self.owner() if self.owners else None
        return str(owner_id) if str(owner_id) in self.owners else None

    def prices_of(self, security_id: int) -> str:
        """The table that has the prices of a security which count."""
        return OWN_PRICES if self.priced_for and self.rows(_IS_OWN, security_id=security_id) else PRICES

    def probe(self) -> None:
        """Read every file's end and a row of every table; LakeUnavailable if one cannot be."""
        for table in self.release.versions:
            schema, _, name = table.partition("/")
            with self._answering(f'select count(*) from "{schema}"."{name}"', {}) as answer:
                answer.fetchall()
            with self._answering(f'from "{schema}"."{name}" limit 1', {}) as answer:
                answer.fetchall()

    def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """The answer, a dict per row; none if the release has not got a table that the query reads."""
        if not self.has_tables_of(query):
            return []
        with self._answering(query, parameters) as answer:
            return _dicts(answer)

    def columns(self, query: str, **parameters: object) -> dict[str, Any]:
        """The answer as a NumPy array per column, a null double as NaN; empty if the release lacks a table."""
        if not self.has_tables_of(query):
            return {}
        with self._answering(query, parameters) as answer:
            return {name: _filled(column) for name, column in answer.fetchnumpy().items()}

    def kept_columns(self, query: str, **parameters: object) -> dict[str, Any]:
        """As `columns`, of what is asked for every portfolio: kept as long as the release is mounted, so not to be
        changed."""
        assert not _BY_OWNER.search(query), "one owner's prices are not another's"
        asked = (query, *sorted(parameters.items()))
        if asked not in self.kept:
            self.kept[asked] = self.columns(query, **parameters)
        return self.kept[asked]

    def table(self, query: str, **parameters: object) -> pa.Table | None:
        """The answer as Arrow, amounts exact; None if the release lacks a table."""
        if not self.has_tables_of(query):
            return None
        with self._answering(query, parameters) as answer:
            return answer.to_arrow_table()

    @contextmanager
    def reading(self, query: str, rows_at_once: int) -> Iterator[pa.RecordBatchReader]:
        """The answer as Arrow, so many rows at a time; what is seen is what is seen when it begins."""
        with self._answering(query, {}) as answer:
            yield answer.to_arrow_reader(rows_at_once)

    def over(self, tables: Mapping[str, pa.Table], query: str, **parameters: object) -> list[dict[str, Any]]:
        """The answer to a question about `tables`, by their names in it."""
        with self._answering(query, parameters, tables) as answer:
            return _dicts(answer)

    def has_tables_of(self, query: str) -> bool:
        return not self.tables_missing(query)

    def tables_missing(self, query: str) -> list[str]:
        """Tables that the query reads and the release has not got."""
        named = {f"{schema}/{name}" for schema, name in _MENTIONED.findall(query)}
        return sorted(named - self.release.versions.keys())

    @contextmanager
    def _answering(
        self, query: str, parameters: Mapping[str, object], tables: Mapping[str, pa.Table] | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.lock:
            cursor = self.connection.cursor()
        try:
            with readable():
                for name, table in (tables or {}).items():
                    cursor.register(name, table)
                if owner_id := self.priced_for:
                    cursor.execute(f"set variable owner = '{owner_id}'")
                if self.seen is not None:
                    cursor.execute(f"set variable seen = {[str(one) for one in self.seen()]}::varchar[]")
                yield cursor.execute(query, parameters)
        except LakeUnavailable as error:
            if isinstance(error.__cause__, (duckdb.FatalException, duckdb.InternalException)):
                self.is_broken.set()
            raise
        finally:
            cursor.close()


@contextmanager
def readable() -> Iterator[None]:
    """Raise LakeUnavailable for what keeps the lake from being read inside; an error in a query of ours stays a bug.

    Not by a list of what may happen: DuckDB, Delta, Arrow, a disk and a bucket each have their own.
    """
    try:
        yield
    except (Refusal, LakeUnavailable, AssertionError, *_BUGS):
        raise
    except Exception as error:
        why = sentence_of(error) or f"{type(error).__name__}; look at its folder or bucket"
        raise LakeUnavailable(f"the lake cannot be read now ({why}); it is tried again with every request") from error


def _dicts(answer: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _filled(column: Any) -> Any:
    """DuckDB masks nulls; a null double is NaN here."""
    return column.filled(np.nan) if np.ma.isMaskedArray(column) and column.dtype.kind == "f" else np.asarray(column)


def mounted(lake: Lake, release: Release, seen: Seen | None = None, owner: Owner = lambda: None) -> MountedRelease:
    with readable():
        return _mounted(lake, release, {**release.versions, TABLE: lake.open(TABLE).version()}, seen, owner)


@contextmanager
def mounted_unreleased(lake: Lake, versions: Mapping[str, int]) -> Iterator[MountedRelease]:
    """Tables that belong together but are in no release yet, as if they were, of all their days."""
    of_all = Release(
        0,
        None,
        None,
        "CANDIDATE",
        datetime.now(UTC),
        date.max,
        VisibilitySnapshot(NOTHING_SEEN, ""),
        "",
        "",
        dict(versions),
    )
    found = _mounted(lake, of_all, versions)
    try:
        yield found
    finally:
        found.connection.close()


def _mounted(
    lake: Lake,
    release: Release,
    versions: Mapping[str, int],
    seen: Seen | None = None,
    owner: Owner = lambda: None,
) -> MountedRelease:
    connection = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": ""})
    # Delta's files never change: the ends of those that were read need not be read again, a seventh of most questions.
    connection.execute("set global TimeZone = 'UTC'; set global parquet_metadata_cache = true")
    lake.mount(connection, versions)
    held = held_in(lake, release)
    if held:
        _end_ledgers(connection, lake, release, held)
    owners = _priced_by_owner(connection, lake, versions)
    if seen is not None:
        _filter(connection, versions)
    _lock(connection, lake)
    return MountedRelease(release, connection, held, seen, owner, owners)


def _priced_by_owner(connection: duckdb.DuckDBPyConnection, lake: Lake, versions: Mapping[str, int]) -> frozenset[str]:
    """Have the view of prices show those of the cursor's owner; return who has own prices."""
    if not {PRICES, OWN_PRICES} <= versions.keys():
        return frozenset()
    for_all, own = (lake.scan(table, versions[table]) for table in (PRICES, OWN_PRICES))
    found = connection.execute(f"select distinct owner_id from {own}").fetchall()
    if found:
        connection.execute(_OWNERS_PRICES.format(for_all=for_all, own=own))
    return frozenset(owner_id for (owner_id,) in found)


def _filter(connection: duckdb.DuckDBPyConnection, versions: Mapping[str, int]) -> None:
    """Have the views of what belongs to somebody show what is seen by the cursor's variable; without one, nothing."""
    views = connection.execute("select schema_name, view_name, sql from duckdb_views() where not internal").fetchall()
    for schema, name, created in views:
        columns = [column for column, *_ in connection.execute(f'describe "{schema}"."{name}"').fetchall()]
        key = next((key for key in _OWN if key in columns), None)
        if key is None or (key == "user_id" and f"{schema}/{name}" in _NOBODYS):
            continue
        asked = {"/".join(named) for named in _MENTIONED.findall(_OWN[key])}
        condition = _OWN[key] if asked <= versions.keys() else "false"
        rows = created.partition(" AS ")[2].rstrip(";")
        connection.execute(f'create or replace view "{schema}"."{name}" as select * from ({rows}) where {condition}')


def _lock(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Keep whatever is asked from reading anything but the lake."""
    folder = local_folder(lake.root)
    root = str(folder.absolute() if folder else lake.root).replace("'", "''")
    connection.execute(f"set allowed_directories = ['{root}']; set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _end_ledgers(
    connection: duckdb.DuckDBPyConnection, lake: Lake, release: Release, held: Mapping[str, HeldPortfolio]
) -> None:
    """Let the replica of the ledger end where what is shown ends, and the portfolios' versions with it."""
    ledger, portfolios = (lake.scan(table, release.versions[table]) for table in (_LEDGER, _PORTFOLIOS))
    connection.execute(f"create or replace view raw.pg_transaction_ledger as from {ledger} where {is_shown(held)}")
    shown = " ".join(f"when '{one}' then {known.shown_version or 0}" for one, known in sorted(held.items()))
    version = f"cast(case portfolio_id {shown} else version end as bigint) as version"
    connection.execute(f"create or replace view raw.pg_portfolio as select * replace ({version}) from {portfolios}")


_RELEASED_BY = "select max(release_id) as release_id from meta.release where released_at <= $moment"
_NUMBERED = "select release_id from meta.release where release_id = $release_id"
_OLDER_KEPT = 4


class MountedReleases:
    """The releases of a lake, mounted. To call it gives the newest one, at the cost of one look whether the log of
    `meta/release` has grown; of older ones, the last few that were asked for are kept."""

    def __init__(self, lake: Lake, releases: Releases, seen: Seen | None = None, owner: Owner = lambda: None) -> None:
        self._lake, self._seen, self._owner = lake, seen, owner
        self._releases = releases
        self._lock = Lock()
        self._log: DeltaTable | None = None
        self._log_version: int | None = None
        self._mounted: MountedRelease | None = None
        self._older: LRUCache[int, MountedRelease] = LRUCache(_OLDER_KEPT)
        self._older_lock = Lock()

    def known_on(self, moment: datetime) -> MountedRelease:
        """The release that was the newest at `moment`; NoReleaseThen if there was none yet."""
        newest = self()
        release_id = newest.rows(_RELEASED_BY, moment=moment)[0]["release_id"]
        if release_id == newest.release.release_id:
            return newest
        if release_id is None:
            raise NoReleaseThen(moment)
        return self._mount(release_id)

    def numbered(self, release_id: int) -> MountedRelease:
        """The release with this number; NoSuchRelease if there is none."""
        newest = self()
        if release_id == newest.release.release_id:
            return newest
        if not newest.rows(_NUMBERED, release_id=release_id):
            raise NoSuchRelease(release_id, newest.release.release_id)
        return self._mount(release_id)

    def __call__(self) -> MountedRelease:
        with self._lock, readable():
            if self._mounted is not None and self._mounted.is_broken.is_set():
                self._mounted, self._log, self._log_version = None, None, None
            version = self._newest_log_version()
            if version is not None and version != self._log_version:
                head = self._releases.head()
                if head and (self._mounted is None or head.release_id != self._mounted.release.release_id):
                    self._mounted = mounted(self._lake, head, self._seen, self._owner)
                self._log_version = version
            if self._mounted is None:
                raise NoRelease()
            return self._mounted

    @cachedmethod(lambda self: self._older, lock=lambda self: self._older_lock)
    def _mount(self, release_id: int) -> MountedRelease:
        with readable():
            release = self._releases.get(release_id)
        assert release is not None, "the newest release's own list has it"
        return mounted(self._lake, release, self._seen, self._owner)

    def _newest_log_version(self) -> int | None:
        if self._log is None:
            if not self._lake.exists(TABLE):
                _refuse_unreadable(self._lake)
                return None
            self._log = self._lake.open(TABLE)
        version = int(self._log.version())
        folder = local_folder(self._lake.uri(TABLE))
        if folder and not (folder / "_delta_log" / f"{version + 1:020}.json").exists():
            return version  # on this machine: 20 us, where asking Delta takes 3 ms
        self._log.update_incremental()
        return int(self._log.version())


def _refuse_unreadable(lake: Lake) -> None:
    """OSError if the lake's folder is there but cannot be read: that no release is seen in it says nothing then."""
    if (folder := local_folder(lake.root)) and folder.exists():
        for below in (folder, folder / TABLE):
            if below.exists():
                next(below.iterdir(), None)
