"""Questions about what simulations came to. SQL in `simulations.sql`.

Of each the newest release that it was run against. Tables of a release that was made before they had some column are
answered without it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np

from application.analytics.released import ReleasedAnalytics
from domain.analytics.arrays import Float32
from storage.queries import statements

_SQL = statements("application/analytics/simulations.sql")
_IN_MONEY = ("p5", "p10", "p25", "p50", "p75", "p90", "p95", "mean")


class SimulationAnalytics(ReleasedAnalytics):
    def get_simulation_fan(self, simulation_id: UUID) -> Sequence[Mapping[str, float | None]]:
        """The percentiles of wealth, one row per step, with errors; those that end in `_real` in today's money."""
        return [_with_real(row) for row in self._of("fan", simulation_id)]

    def get_simulation_paths(self, simulation_id: UUID) -> Sequence[Mapping[str, Any]]:
        """Sample paths, the lowest end first: each its number, percentile and values by step."""
        return self._of("paths", simulation_id)

    def get_simulation_inputs(self, simulation_id: UUID) -> Sequence[Mapping[str, Any]]:
        """The inputs, one row each, and the version that the table had in the release."""
        versions = self._mounted().release.versions
        return [
            {**row, "source_version": versions.get(row["source"] or "")} for row in self._of("inputs", simulation_id)
        ]

    def get_simulation_contributions(self, simulation_id: UUID) -> Sequence[Mapping[str, Any]]:
        """Return what each security adds, the largest first; none where weights are kept or money is taken out."""
        return self._of("contributions", simulation_id)

    def get_simulation_outcomes(self, simulation_id: UUID) -> Mapping[str, Float32] | None:
        """Return what every path came to, (paths,) by name; None of a simulation from before they were kept."""
        rows = self._of("outcomes", simulation_id)
        return {name: np.frombuffer(value, np.float32) for name, value in rows[0].items()} if rows else None

    def _of(self, query: str, simulation_id: UUID) -> list[dict[str, Any]]:
        return self._mounted().rows(_SQL[query], simulation_id=str(simulation_id))


def _with_real(row: Mapping[str, float | None]) -> dict[str, float | None]:
    if "deflator" not in row:
        return dict(row)
    deflator = row["deflator"]
    real = {name: None if deflator is None else (row[name] or 0.0) * deflator for name in _IN_MONEY}
    return {**row, **{f"{name}_real": value for name, value in real.items()}}
