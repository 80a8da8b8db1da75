"""One refresh now, in this process: `python -m pipelines.refresh`.

The whole graph up to a release, then every simulation that is due. The first time, all years of market data.
"""

import sys
import time
from typing import Any

import dagster as dg

from pipelines.automation import RANGE_END, RANGE_START, all_years, due_simulations
from pipelines.definitions import build_defs
from pipelines.partitions import SIMULATIONS, year_of
from pipelines.resources import Platform
from storage.errors import SetupError

_PROGRESS: dict[str, Any] = {"loggers": {"progress": {}}}


def refresh(platform: Platform | None = None, instance: dg.DagsterInstance | None = None) -> bool:
    """Refresh, then simulate; whether everything succeeded."""
    platform = platform or Platform()
    instance = instance or _pooled_instance()
    defs = build_defs(platform)
    this_year = year_of(platform.market_today)
    is_first = platform.lake.version("raw/price_daily") is None
    tags = all_years(platform) if is_first else {RANGE_START: this_year, RANGE_END: this_year}
    job = defs.resolve_job_def("refresh")
    done = job.execute_in_process(instance=instance, tags=tags, run_config=_PROGRESS, raise_on_error=False)
    return done.success and simulate_due(defs, platform, instance)


def simulate_due(defs: dg.Definitions, platform: Platform, instance: dg.DagsterInstance) -> bool:
    """Run what waits, one request after another; whether all succeeded."""
    head = platform.releases.head()
    due = due_simulations(platform, head) if head else []
    instance.add_dynamic_partitions(str(SIMULATIONS.name), due)
    job = defs.resolve_job_def("simulate")
    runs = [
        job.execute_in_process(instance=instance, partition_key=key, run_config=_PROGRESS, raise_on_error=False)
        for key in due
    ]
    return all(run.success for run in runs)


def _pooled_instance() -> dg.DagsterInstance:
    """The configured instance with connections that are kept: a run opens 450, at 2 ms each."""
    instance = dg.DagsterInstance.get()
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=5)
    return instance


def main() -> int:
    started = time.perf_counter()
    try:
        is_done = refresh()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"  refresh {'done' if is_done else 'FAILED'} in {time.perf_counter() - started:.1f} s", flush=True)
    return 0 if is_done else 1


if __name__ == "__main__":
    sys.exit(main())
