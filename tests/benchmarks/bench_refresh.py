"""A refresh: with everything new, with nothing new; and dbt in the process against dbt's own command."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from pipelines.marts.assets import MANIFEST_JSON
from pipelines.marts.dbt_runner import PROJECT, SCRATCH_VARIABLE, DbtRunner, nodes
from pipelines.runtime.resources import Platform
from tests.benchmarks.state import State, demo_state


def main() -> None:
    with demo_state() as state:
        first = state.refresh()
        second = min(state.refresh() for _ in "12")
        print(
            f"refresh with nothing new: {first / second:.2f} times faster than the first "
            f"({second:.1f} s against {first:.1f} s)"
        )
        command, cold, warm = dbt_builds(state)
        print(
            f"dbt build of the marts and their tests: in the process {command / warm:.1f} times "
            f"(first time {command / cold:.1f}) faster than `dbt build` ({warm:.2f}, {cold:.2f}, {command:.2f} s)"
        )


def dbt_builds(state: State) -> tuple[float, float, float]:
    """Seconds of `dbt build` as a command, in this process the first time, and again."""
    platform = Platform(lakefolio_home=str(state.home))
    head = platform.releases.head()
    assert head is not None
    names = [node["name"] for node in nodes(MANIFEST_JSON, "model").values() if node["schema"] == "marts"]
    names += [node["name"] for node in nodes(MANIFEST_JSON, "test").values()]
    command: list[str] = [
        str(Path(sys.executable).with_name("dbt")),
        "build",
        "--select",
        *names,
        "--indirect-selection",
        "empty",
    ]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
    times = []
    with TemporaryDirectory() as folder:
        scratch = [Path(folder) / str(number) / "scratch.duckdb" for number in range(3)]
        for path in scratch:
            path.parent.mkdir()
            with duckdb.connect(str(path)) as connection:
                platform.lake.mount(connection, head.versions)
        target = str(Path(folder) / "target")
        times.append(state.seconds([*command, "--target-path", target], **{SCRATCH_VARIABLE: str(scratch[0])}))
        for path in scratch[1:]:
            started = time.perf_counter()
            assert DbtRunner().build(path, names, None).is_success
            times.append(time.perf_counter() - started)
    return times[0], times[1], times[2]


if __name__ == "__main__":
    main()
