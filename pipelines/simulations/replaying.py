"""Replays: a simulation computed again from what it was computed from, and whether the bits are the same.

With another number of workers, so that a replay is a proof of that too. Where bits differ, the inputs that differ are
named: the release that is gone, the code, the machine, the seed, a parameter.
"""

from collections.abc import Mapping
from typing import Any

from application.simulations import PostgresSimulationRepository
from domain.analytics.simulation.result import simulate
from domain.errors import InvalidInput
from domain.simulations import SimulationRequest
from pipelines.runtime.resources import Platform
from pipelines.simulations.starting import Start, started
from pipelines.simulations.tables import input_rows, result_hash
from storage.lake.delta import Lake
from storage.postgres import database as postgres

WORKERS = 1
_COMPARED = ("value", "text", "window_start", "window_end", "content_hash")
_INPUTS = "simulation/simulation_input"


def replayed(platform: Platform, request: SimulationRequest) -> dict[str, Any]:
    """The comparison of a replay with its original; refused where there is nothing to compare it with."""
    assert request.replay_of is not None, "a replay is of a simulation"
    with postgres.connect(platform.database.services_url) as connection:
        repository = PostgresSimulationRepository(connection)
        original, stored = repository.get(request.replay_of), repository.result(request.replay_of)
    summary = stored.summary or {}
    if stored.release_id is None or "result_hash" not in summary:
        raise InvalidInput("replay_of", "was simulated before results had a hash; request it again, and replay that")
    release = platform.releases.get(stored.release_id)
    if release is None:
        return _compared(request, summary, None, [_gone(stored.release_id)])
    version = stored.portfolio_version or 0
    start = started(platform.lake, release, original, version)
    result = simulate(start.inputs, start.model, start.spec, workers=WORKERS)
    differences = _differences(stored_inputs(platform.lake, original, stored.release_id), start)
    return _compared(request, summary, result_hash(result), differences)


def stored_inputs(lake: Lake, request: SimulationRequest, release_id: int) -> list[dict[str, Any]]:
    """The inputs that a simulation was computed from, as they were stored then."""
    with lake.connect() as connection:
        query = f"from {lake.scan(_INPUTS)} where simulation_id = ? and release_id = ? order by place"
        return list(connection.execute(query, [str(request.simulation_id), release_id]).to_arrow_table().to_pylist())


def _differences(before: list[dict[str, Any]], start: Start) -> list[dict[str, Any]]:
    old, new = ({(row["name"], row["ticker"]): row for row in rows} for rows in (before, input_rows(start)))
    found = []
    for name, ticker in dict.fromkeys([*old, *new]):
        was, now = old.get((name, ticker)), new.get((name, ticker))
        if _content(was) != _content(now):
            found.append({"name": name, "ticker": ticker, "before": _shown(was), "now": _shown(now)})
    return found


def _content(row: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    return None if row is None else tuple(row[name] for name in _COMPARED)


def _shown(row: Mapping[str, Any] | None) -> str | None:
    if row is None:
        return None
    shown = next((row[name] for name in ("value", "text", "content_hash") if row[name] is not None), None)
    return str(int(shown) if isinstance(shown, float) and shown.is_integer() else shown)


def _gone(release_id: int) -> dict[str, Any]:
    return {"name": "release", "ticker": None, "before": str(release_id), "now": None}


def _compared(
    request: SimulationRequest, summary: Mapping[str, Any], again: str | None, differences: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "replay_of": str(request.replay_of),
        "is_bit_equal": again == summary["result_hash"],
        "result_hash": again,
        "result_hash_before": summary["result_hash"],
        "workers": WORKERS,
        "differences": differences,
    }
