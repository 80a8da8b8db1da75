"""The release: one atomic pointer to the versions that this run made and checked.

Belongs here: naming versions. It is made only after every upstream asset and blocking check of the run has passed.
"""

from datetime import date
from typing import Any

import dagster as dg

from pipelines.runtime.code_version import code_version
from pipelines.runtime.resources import Platform, RefreshLock
from pipelines.tables.run_changes import Rewritten, rewritten_by
from pipelines.tables.version_set import VersionSet, pinned
from storage.lake.delta import Lake
from storage.lake.releases import Release
from storage.postgres import database as postgres
from storage.postgres.horizon import VisibilitySnapshot, unseen

KEY = dg.AssetKey(["meta", "release"])


class NothingToRelease(dg.Failure):
    """No replication is known, in this run or in a release before it."""


def release_asset(upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The release of everything in `upstream`."""

    @dg.asset(
        key=KEY,
        deps=upstream,
        description="The newest consistent set of table versions; readers mount it, so what they see agrees.",
        group_name="release",
        owners=["team:lakefolio"],
        kinds={"deltalake"},
        code_version="1",
    )
    def release(
        context: dg.AssetExecutionContext, platform: Platform, refresh_lock: RefreshLock
    ) -> dg.MaterializeResult[Any]:
        del refresh_lock  # held since the run began
        seen = pinned(
            context.instance, context.run.run_id, platform.releases, known=["/".join(key.path) for key in upstream]
        )
        candidate = _candidate(context.run.run_id, platform, seen)
        if seen.base and _says_the_same(seen.base, candidate) and not _is_ahead(platform, seen.base):
            return _reported(seen.base, False, [])
        released = platform.releases.publish(candidate, seen.base)
        return _reported(released, True, rewritten_by(context.instance, context.run.run_id))

    return release


def _candidate(run_id: str, platform: Platform, seen: VersionSet) -> Release:
    return Release(
        release_id=0,
        parent_id=None,
        refresh_id=None,
        kind="REFRESH",
        released_at=platform.clock.now(),
        as_of=_as_of(platform.lake, seen.versions),
        horizon=_horizon(seen),
        code_version=code_version(),
        run_id=run_id,
        versions=seen.versions,
    )


def _horizon(seen: VersionSet) -> VisibilitySnapshot:
    if seen.horizon:
        system, _, snapshot = seen.horizon.partition("/")
        return VisibilitySnapshot(snapshot, system)
    if seen.base:
        return seen.base.horizon
    raise NothingToRelease("nothing has been replicated yet; materialise the assets raw/pg_* first")


def _as_of(lake: Lake, versions: dict[str, int]) -> date | None:
    version = versions.get("raw/price_daily")
    if version is None:
        return None
    with lake.connect() as connection:
        row = connection.execute(f"select max(price_date) from {lake.scan('raw/price_daily', version)}").fetchone()
    return row[0] if row else None


def _says_the_same(base: Release, candidate: Release) -> bool:
    """Equal tables by equal code; by other code they are released again, so that the next run can build on them."""
    return base.code_version == candidate.code_version and all(
        base.versions.get(table) == version for table, version in candidate.versions.items()
    )


def _is_ahead(platform: Platform, base: Release) -> bool:
    """True if something was recorded that `base` has not seen; then its horizon must move, even with equal tables."""
    with postgres.connect(platform.database.admin_url) as connection:
        return bool(unseen(connection, base.horizon))


def _reported(release: Release, is_new: bool, rewritten: list[Rewritten]) -> dg.MaterializeResult[Any]:
    table = "\n".join(f"| {name} | {version} |" for name, version in sorted(release.versions.items()))
    return dg.MaterializeResult(
        metadata={
            "release_id": release.release_id,
            "is_new_release": is_new,
            "as_of": str(release.as_of),
            "code_version": release.code_version,
            "horizon": release.horizon.snapshot,
            "rewritten": dg.MetadataValue.md("\n".join(f"- {one}" for one in rewritten) or "nothing"),
            "versions": dg.MetadataValue.md(f"| table | version |\n|---|---|\n{table}"),
        }
    )
