"""Tables that a run has rewritten, and why: its own materialisations, read back."""

from dataclasses import dataclass

from dagster import AssetMaterialization, DagsterInstance

from pipelines.tables.run_events import events_of


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
    found = {}
    for (table, version), made in events_of(instance, run_id).made.items():
        if _value(made, "lake/is_new_version"):
            found[table] = Rewritten(
                table,
                version,
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
