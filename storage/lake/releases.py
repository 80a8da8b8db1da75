"""Releases: which version of every table belongs together.

A release is one row of `meta/release`, added by one commit. Readers mount a release, so what they see agrees across
tables, and an old one still answers what was shown then. Two runs from one head: the second is refused.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from storage.errors import HeadMoved, HorizonFellBack
from storage.lake.delta import Lake, local_folder
from storage.postgres.horizon import NOTHING_SEEN, VisibilitySnapshot

TABLE = "meta/release"
_SCHEMA = pa.schema(
    [
        ("release_id", pa.int64()),
        ("parent_id", pa.int64()),
        ("refresh_id", pa.int64()),
        ("kind", pa.string()),
        ("released_at", pa.timestamp("us", tz="UTC")),
        ("as_of", pa.date32()),
        ("horizon", pa.string()),
        ("system_identifier", pa.string()),
        ("code_version", pa.string()),
        ("run_id", pa.string()),
        ("versions", pa.map_(pa.string(), pa.int64())),
    ]
)


@dataclass(frozen=True, slots=True)
class Release:
    """One consistent version set.

    `kind` is REFRESH, APPEND for results added to the newest release, or RESTORE for the same tables beside a restored
    database; `refresh_id` is the release that was the last REFRESH then, itself included. `parent_id` is the release
    before.
    """

    release_id: int
    parent_id: int | None
    refresh_id: int | None
    kind: str
    released_at: datetime
    as_of: date | None
    horizon: VisibilitySnapshot
    code_version: str
    run_id: str
    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def made_from(self) -> int:
        """The refresh whose tables these are; what a result names, since appended results change none of them."""
        return self.refresh_id or self.release_id


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of a lake. Their log is compacted above `max_files`; every release adds one."""

    lake: Lake
    max_files: int = 200

    def head(self) -> Release | None:
        """The newest release, or None before the first."""
        if not self.lake.exists(TABLE):
            return None
        table = self.lake.open(TABLE)
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        if not actions:
            return None
        newest = max(actions, key=lambda action: int(action["max.release_id"]))
        rows = _rows(self.lake, newest["path"])
        return max((_release(row) for row in rows), key=lambda release: release.release_id)

    def get(self, release_id: int) -> Release | None:
        """The release with this number, or None."""
        if not self.lake.exists(TABLE):
            return None
        rows = self.lake.read(TABLE).to_pylist()
        return next((_release(row) for row in rows if row["release_id"] == release_id), None)

    def publish(self, candidate: Release, base: Release | None) -> Release:
        """Make `candidate`, computed from `base`, the head; it gets the next number.

        HeadMoved if there was another refresh since `base`, HorizonFellBack if the head has seen more of the
        database; then nothing is released. Results appended since `base` are kept.
        """
        with self.lake.lock(TABLE):
            head = self.head()
            _refuse_moved(head, base, candidate)
            release_id = head.release_id + 1 if head else 1
            results = {table: version for table, version in (head.versions if head else {}).items() if is_result(table)}
            released = replace(
                candidate,
                release_id=release_id,
                parent_id=head.release_id if head else None,
                refresh_id=release_id,
                kind="REFRESH",
                versions={**candidate.versions, **results},
            )
            self._add(released)
            return released

    def append(self, versions: Mapping[str, int], released_at: datetime, run_id: str) -> Release:
        """A release that is the head with newer `versions` of result tables; the horizon stays.

        The head itself, if none is newer.
        """
        assert all(is_result(table) for table in versions), "only results may be appended"
        with self.lake.lock(TABLE):
            head = self.head()
            assert head is not None, "results are made from a release"
            newer = {table: max(version, head.versions.get(table, 0)) for table, version in versions.items()}
            if newer.items() <= head.versions.items():
                return head
            released = replace(
                head,
                release_id=head.release_id + 1,
                parent_id=head.release_id,
                kind="APPEND",
                released_at=released_at,
                run_id=run_id,
                versions={**head.versions, **newer},
            )
            self._add(released)
            return released

    def adopt(self, horizon: VisibilitySnapshot, released_at: datetime) -> Release:
        """The head's tables again, for the database of `horizon`, of which nothing is taken as seen.

        For a database that was restored beside a lake: the next refresh is then due, and allowed.
        """
        with self.lake.lock(TABLE):
            head = self.head()
            assert head is not None, "a release is adopted"
            released = replace(
                head,
                release_id=head.release_id + 1,
                parent_id=head.release_id,
                kind="RESTORE",
                released_at=released_at,
                run_id="restore",
                horizon=VisibilitySnapshot(NOTHING_SEEN, horizon.system_identifier),
            )
            self._add(released)
            return released

    def _add(self, release: Release) -> None:
        self.lake.append(TABLE, _as_rows(release), release.run_id)
        self._compact()

    def _compact(self) -> None:
        table = self.lake.open(TABLE)
        if len(table.file_uris()) > self.max_files:
            table.optimize.compact()
            logging.getLogger(__name__).info("compacted %s", TABLE)


def is_result(table: str) -> bool:
    """Say whether a table holds results made from a release, published after it in an appended one."""
    if table == "simulation/simulation_calibration":  # of bundled data alone, so that a refresh makes it
        return False
    return table.startswith(("simulation/", "risk/")) or table in (
        "positions/position_snapshot",
        "positions/collateral_ranking",
    )


def _refuse_moved(head: Release | None, base: Release | None, candidate: Release) -> None:
    if (head.refresh_id if head else None) != (base.refresh_id if base else None):
        raise HeadMoved(
            f"this run started from release {base.release_id if base else 'none'}, but release "
            f"{head.refresh_id if head else 'none'} was made since; run the refresh again"
        )
    if head is None:
        return
    if head.horizon.system_identifier != candidate.horizon.system_identifier:
        raise HorizonFellBack(
            f"this lake belongs to database {head.horizon.system_identifier}, not to "
            f"{candidate.horizon.system_identifier}; give each database its own LAKE_URI"
        )
    if candidate.horizon.falls_behind(head.horizon):
        raise HorizonFellBack("this run replicated an older instant than the newest release shows; run it again")


def _as_rows(release: Release) -> pa.Table:
    row = {
        "release_id": release.release_id,
        "parent_id": release.parent_id,
        "refresh_id": release.refresh_id,
        "kind": release.kind,
        "released_at": release.released_at,
        "as_of": release.as_of,
        "horizon": release.horizon.snapshot,
        "system_identifier": release.horizon.system_identifier,
        "code_version": release.code_version,
        "run_id": release.run_id,
        "versions": sorted(release.versions.items()),
    }
    return pa.Table.from_pylist([row], schema=_SCHEMA)


def _rows(lake: Lake, path: str) -> list[dict[str, Any]]:
    """One file of the table; a local one needs no DuckDB."""
    file = f"{lake.uri(TABLE)}/{unquote(path)}"
    if local_folder(file):
        return list(pq.ParquetFile(file).read().to_pylist())
    with lake.connect() as connection:
        return list(connection.execute("from read_parquet(?)", [file]).to_arrow_table().to_pylist())


def _release(row: dict[str, Any]) -> Release:
    fields = dict(row)
    horizon = VisibilitySnapshot(str(fields.pop("horizon")), str(fields.pop("system_identifier")))
    versions = fields.pop("versions")
    pairs = versions.items() if isinstance(versions, dict) else versions
    return Release(**fields, horizon=horizon, versions=dict(pairs))
