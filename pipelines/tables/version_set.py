"""Versions of the tables that a run reads and releases.

A run pins the newest release when it first asks, in its own tags, so that every step sees the same one. On top lie
the tables that the run itself has published, as its materialisations say. Tables that no release has yet are read at
their newest version, so that any one asset can be made before the first release. Portfolios that are held in that
release, or that have failed in the run, are left out of what it makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dagster import DagsterInstance

from pipelines.tables.holding import Tried
from pipelines.tables.run_events import events_of
from storage.lake.held import HeldPortfolio, held_in
from storage.lake.releases import Release, Releases

BASE_TAG = "lakefolio/base_release"


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
    told = events_of(instance, run_id)
    own = told.versions
    versions = {**(base.versions if base else {}), **own}
    versions.update(releases.lake.versions([table for table in known if table not in versions]))
    return VersionSet(base, versions, own, told.horizon, held_in(releases.lake, base), told.tried)


def _pin(instance: DagsterInstance, run_id: str, releases: Releases) -> Release | None:
    run = instance.get_run_by_id(run_id)
    tag = run.tags.get(BASE_TAG) if run else None
    if tag is not None:
        return releases.get(int(tag)) if tag != "none" else None
    head = releases.head()
    if run:
        instance.add_run_tags(run_id, {BASE_TAG: str(head.release_id) if head else "none"})
    return head
