"""Which version of every table a run reads and releases.

A run pins the newest release when it first asks, in its own tags, so that every step sees the same one. On top lie
the tables that the run itself has published, as its materialisations say. Tables that no release has yet are read at
their newest version, so that any one asset can be made before the first release. Portfolios that are held in that
release, or that have failed in the run, are left out of what it makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster import DagsterEventType, DagsterInstance

from pipelines.holding import Tried
from storage.held import HeldPortfolio, held_in
from storage.releases import Release, Releases

BASE_TAG = "lakefolio/base_release"
VERSION_KEY = "lake/version"
HORIZON_KEY = "lake/horizon"
_TELLING = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION}


@dataclass(frozen=True, slots=True)
class VersionSet:
    """`base` is the pinned release; `versions` what this run sees now; `own` what it has published itself; `held` who
    was held in `base`, `tried` who has failed or is tried again since."""

    base: Release | None
    versions: dict[str, int]
    own: dict[str, int]
    horizon: str | None
    held: Mapping[str, HeldPortfolio]
    tried: Tried

    @property
    def left_out(self) -> frozenset[str]:
        """Portfolios that are neither made nor checked now: those that have failed, or were held and are not tried."""
        return frozenset(self.tried.failed) | (self.held.keys() - self.tried.retried)


def pinned(instance: DagsterInstance, run_id: str, releases: Releases, known: Sequence[str] = ()) -> VersionSet:
    """The version set of the running run; `known` are tables to take at their newest if nothing pins them."""
    base = _pin(instance, run_id, releases)
    own, horizon, tried = _told_by(instance, run_id)
    versions = {**(base.versions if base else {}), **own}
    versions.update(releases.lake.versions([table for table in known if table not in versions]))
    return VersionSet(base, versions, own, horizon, held_in(releases.lake, base), tried)


def _pin(instance: DagsterInstance, run_id: str, releases: Releases) -> Release | None:
    run = instance.get_run_by_id(run_id)
    tag = run.tags.get(BASE_TAG) if run else None
    if tag is not None:
        return releases.get(int(tag)) if tag != "none" else None
    head = releases.head()
    if run:
        instance.add_run_tags(run_id, {BASE_TAG: str(head.release_id) if head else "none"})
    return head


def _told_by(instance: DagsterInstance, run_id: str) -> tuple[dict[str, int], str | None, Tried]:
    """The versions, the horizon and the failures that the run's events tell."""
    records = instance.get_records_for_run(run_id, of_type=_TELLING).records
    own: dict[str, int] = {}
    horizon: str | None = None
    told: list[Mapping[str, Any]] = []
    for record in records:
        event = record.event_log_entry.dagster_event
        if event and event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
            told.append(event.asset_check_evaluation_data.metadata)
        materialization = record.event_log_entry.asset_materialization
        if materialization is None:
            continue
        told.append(materialization.metadata)
        if VERSION_KEY not in materialization.metadata:
            continue
        version = materialization.metadata[VERSION_KEY].value
        assert isinstance(version, int)
        own["/".join(materialization.asset_key.path)] = version
        if HORIZON_KEY in materialization.metadata:
            horizon = str(materialization.metadata[HORIZON_KEY].value)
    return own, horizon, Tried.of(told)
