"""What a run has rewritten, and why: its own materialisations, read back."""

from dataclasses import dataclass

from dagster import AssetMaterialization, DagsterEventType, DagsterInstance

from pipelines.version_set import VERSION_KEY


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A table of which a run has made a new version; `years` of a table with days, `what` and `why` of one in scope."""

    table: str
    version: int
    rows: int
    years: tuple[int, ...]
    what: str
    why: str

    def __str__(self) -> str:
        parts = [f"{self.table}: {self.rows:,} rows"]
        if self.years:
            parts.append(f"{self.years[0]}" if len(self.years) == 1 else f"{self.years[0]} to {self.years[-1]}")
        return ", ".join(parts) + (f"; {self.what} ({self.why})" if self.what else "")


def rewritten_by(instance: DagsterInstance, run_id: str) -> list[Rewritten]:
    """The new versions that a run has made so far, in the order of their tables."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION).records
    found = {}
    for record in records:
        made = record.event_log_entry.asset_materialization
        if made is not None and VERSION_KEY in made.metadata and _value(made, "lake/is_new_version"):
            table = "/".join(made.asset_key.path)
            found[table] = Rewritten(
                table,
                int(str(_value(made, VERSION_KEY))),
                int(str(_value(made, "dagster/row_count") or 0)),
                _years(_value(made, "lake/changed_years")),
                str(_value(made, "scope/what") or ""),
                str(_value(made, "scope/why") or ""),
            )
    return [found[table] for table in sorted(found)]


def _value(made: AssetMaterialization, name: str) -> object:
    return made.metadata[name].value if name in made.metadata else None


def _years(value: object) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list) else ()
