"""One refresh now, in this process: `python -m pipelines.refresh`.

The whole graph up to a release, then every simulation and every risk analysis that is due. The first time, and when a
live market has a new ticker, with all years of market data.
"""

import sys
import time
from collections.abc import Sequence
from uuid import UUID

import dagster as dg

from pipelines.automation import all_years, years_due
from pipelines.definitions import build_defs
from pipelines.ingestion import market
from pipelines.risk_analyses.queue import due_analyses
from pipelines.runtime import progress
from pipelines.runtime.resources import Platform
from pipelines.simulations.queue import due_simulations
from pipelines.tables.run_changes import Rewritten, rewritten_by
from storage.lake.held import held_in
from storage.outages import in_one_sentence

_MOST_TOLD = 12


def refresh(platform: Platform | None = None, instance: dg.DagsterInstance | None = None) -> bool:
    """Release, simulate, then write risk analyses; whether everything succeeded."""
    platform = platform or Platform()
    instance = instance or dg.DagsterInstance.get()
    defs = build_defs(platform)
    return all(then(defs, platform, instance) for then in (release, simulate_due, analyse_due))


def release(defs: dg.Definitions, platform: Platform, instance: dg.DagsterInstance) -> bool:
    """Bring the whole graph up to a release; whether that succeeded."""
    is_first = any(platform.lake.version("/".join(key.path)) is None for asset in market.ASSETS for key in asset.keys)
    tags = all_years(platform) if is_first else years_due(platform)
    job = defs.resolve_job_def("refresh")
    done = job.execute_in_process(instance=instance, tags=tags, run_config=progress.SHOWN, raise_on_error=False)
    if done.success:
        _tell(rewritten_by(instance, done.run_id))
        for one in held_in(platform.lake, platform.releases.head()).values():
            print(f"  ! portfolio {one.portfolio_id} is held since {one.held_since:%Y-%m-%d %H:%M}: {one.reason}")
    return done.success


def _tell(rewritten: Sequence[Rewritten]) -> None:
    """Print what is new, table by table; of the many tables of a first refresh, how many there are."""
    if len(rewritten) > _MOST_TOLD:
        print(f"  {len(rewritten)} tables have new rows", flush=True)
        return
    for one in rewritten:
        print(f"  rewritten: {one}", flush=True)


def simulate_due(defs: dg.Definitions, platform: Platform, instance: dg.DagsterInstance) -> bool:
    """Run the simulations that wait, one after another; whether that succeeded."""
    return _run(defs, "simulate", due_simulations(platform, platform.releases.head()), instance)


def analyse_due(defs: dg.Definitions, platform: Platform, instance: dg.DagsterInstance) -> bool:
    """Write the risk analyses that wait; whether that succeeded."""
    return _run(defs, "analyse", due_analyses(platform, platform.releases.head()), instance)


def _run(defs: dg.Definitions, name: str, due: Sequence[UUID], instance: dg.DagsterInstance) -> bool:
    if not due:
        return True
    job = defs.resolve_job_def(name)
    return job.execute_in_process(instance=instance, run_config=progress.SHOWN, raise_on_error=False).success


def main() -> int:
    started = time.perf_counter()
    is_done = refresh()
    print(f"  refresh {'done' if is_done else 'FAILED'} in {time.perf_counter() - started:.1f} s", flush=True)
    return 0 if is_done else 1


if __name__ == "__main__":
    sys.exit(in_one_sentence(main))
