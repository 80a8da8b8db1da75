"""Which version of every table a run reads and releases.

A run pins the newest release when it first asks, in its own tags, so that every step sees the same one. On top lie
the tables that the run itself has published, as its materialisations say. Tables that no release has yet are read at
their newest version, so that any one asset can be made before the first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dagster import DagsterEventType, DagsterInstance

from storage.releases import Release, Releases

BASE_TAG = "lakefolio/base_release"
VERSION_KEY = "lake/version"
HORIZON_KEY = "lake/horizon"


@dataclass(frozen=True, slots=True)
class VersionSet:
    """`base` is the pinned release; `versions` what this run sees now; `own` what it has published itself."""

    base: Release | None
    versions: dict[str, int]
    own: dict[str, int]
    horizon: str | None


def pinned(instance: DagsterInstance, run_id: str, releases: Releases, known: Sequence[str] = ()) -> VersionSet:
    """The version set of the running run; `known` are tables to take at their newest if nothing pins them."""
    base = _pin(instance, run_id, releases)
    own, horizon = _published_by(instance, run_id)
    versions = {**(base.versions if base else {}), **own}
    versions.update(releases.lake.versions([table for table in known if table not in versions]))
    return VersionSet(base, versions, own, horizon)


def _pin(instance: DagsterInstance, run_id: str, releases: Releases) -> Release | None:
    run = instance.get_run_by_id(run_id)
    tag = run.tags.get(BASE_TAG) if run else None
    if tag is not None:
        return releases.get(int(tag)) if tag != "none" else None
    head = releases.head()
    if run:
        instance.add_run_tags(run_id, {BASE_TAG: str(head.release_id) if head else "none"})
    return head


def _published_by(instance: DagsterInstance, run_id: str) -> tuple[dict[str, int], str | None]:
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION).records
    own: dict[str, int] = {}
    horizon: str | None = None
    for record in records:
        materialization = record.event_log_entry.asset_materialization
        if materialization is None or VERSION_KEY not in materialization.metadata:
            continue
        version = materialization.metadata[VERSION_KEY].value
        assert isinstance(version, int)
        own["/".join(materialization.asset_key.path)] = version
        if HORIZON_KEY in materialization.metadata:
            horizon = str(materialization.metadata[HORIZON_KEY].value)
    return own, horizon
