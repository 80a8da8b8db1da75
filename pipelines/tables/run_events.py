"""Tables that a run has made and portfolios that it has left out, by its own events, each event read once.

A first refresh has an event for every year of every table; read anew by every step they were a quarter of its time.
The process that runs the steps, one after another, reads on from where it stopped (ADR 5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dagster import AssetMaterialization, DagsterEventType, DagsterInstance

from pipelines.tables.holding import FAILED_KEY, RETRIED_KEY, Tried

VERSION_KEY = "lake/version"
HORIZON_KEY = "lake/horizon"
_TELLING = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION}


@dataclass
class RunEvents:
    """A run so far: by table and version the materialisation that first told of it, the horizon, who was tried."""

    run_id: str
    made: dict[tuple[str, int], AssetMaterialization] = field(default_factory=dict)
    horizon: str | None = None
    _told: list[Mapping[str, Any]] = field(default_factory=list)
    _cursor: str | None = None

    @property
    def versions(self) -> dict[str, int]:
        """The newest version of every table that the run has published."""
        return dict(self.made.keys())

    @property
    def tried(self) -> Tried:
        return Tried.of(self._told)

    def read_on(self, instance: DagsterInstance) -> None:
        """Add what has happened since the last reading."""
        page = instance.get_records_for_run(self.run_id, cursor=self._cursor, of_type=_TELLING)
        self._cursor = page.cursor
        for record in page.records:
            event = record.event_log_entry.dagster_event
            if event is None:
                continue
            if event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
                self._note(event.asset_check_evaluation_data.metadata)
            else:
                self._add(event.step_materialization_data.materialization)

    def _note(self, metadata: Mapping[str, Any]) -> None:
        if FAILED_KEY in metadata or RETRIED_KEY in metadata:
            self._told.append(metadata)

    def _add(self, made: AssetMaterialization) -> None:
        self._note(made.metadata)
        if VERSION_KEY not in made.metadata:
            return
        version = made.metadata[VERSION_KEY].value
        assert isinstance(version, int)
        self.made.setdefault(("/".join(made.asset_key.path), version), made)  # a later one is of nothing new
        if HORIZON_KEY in made.metadata:
            self.horizon = str(made.metadata[HORIZON_KEY].value)


_newest = RunEvents("")


def events_of(instance: DagsterInstance, run_id: str) -> RunEvents:
    """Return what the events of the run say now, and keep those of the newest run asked for."""
    global _newest
    if _newest.run_id != run_id:
        _newest = RunEvents(run_id)
    _newest.read_on(instance)
    return _newest
