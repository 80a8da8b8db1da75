"""dbt, run inside the process: a scratch DuckDB with the pinned tables mounted, one build, its events.

dagster-dbt starts a process per build (8.3 s against 0.5 to 2, FIELD_NOTES); only that is replaced here, its event
mapping is kept. Importing dbt is left to the moment it is needed.
"""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dagster import ConfigurableResource

from pipelines.marts.dbt_integration import DbtCoreCliEventMessage, quiet_root_logger
from pipelines.marts.dbt_thrift import make_thrifty
from storage.errors import SetupError
from storage.lake.delta import Window
from storage.settings import REPOSITORY

PROJECT = REPOSITORY / "dbt_project"
MANIFEST = PROJECT / "target" / "manifest.json"
SCRATCH_VARIABLE = "LAKEFOLIO_SCRATCH_DB"
_ONE_AT_A_TIME = threading.Lock()  # dbt keeps its adapter and its connection per process


@dataclass(frozen=True, slots=True)
class DbtBuild:
    """Result of dbt: whether everything passed, an event per node, what went wrong in words, and by its unique id the
    compiled SQL of each node that did not pass, None if it has none."""

    is_success: bool
    events: Sequence[DbtCoreCliEventMessage]
    problems: Sequence[str] = field(default_factory=tuple)
    failing: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildPart:
    """Part of every model that is built: the days of `window` or all, the `portfolios` or all, but those `left_out`."""

    window: Window | None = None
    portfolios: Sequence[str] | None = None
    left_out: Sequence[str] = ()
    storage_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, object]:
        found: dict[str, object] = {}
        if self.window:
            found |= {"from": str(self.window.start), "to": str(self.window.end)}
        if self.portfolios is not None:
            found["portfolios"] = list(self.portfolios)
        if self.left_out:
            found["left_out"] = list(self.left_out)
        return found


class DbtRunner(ConfigurableResource[Any]):
    """Runs dbt's own runner with the project as `make manifest` parsed it."""

    parsed: str = str(MANIFEST.with_name("partial_parse.msgpack"))

    def build(self, scratch_db: Path, models: Sequence[str], part: "BuildPart") -> DbtBuild:
        """Build `models`, by name, into `scratch_db`, whose views read the lake."""
        return self._do("run", scratch_db, models, part)

    def test(self, scratch_db: Path, tests: Sequence[str], part: "BuildPart") -> DbtBuild:
        """Run `tests`, by name, on what was built into `scratch_db`. Apart from `build`: a failing test is no reason to
        leave out a model."""
        return self._do("test", scratch_db, tests, part)

    def _do(self, what: str, scratch_db: Path, select: Sequence[str], part: "BuildPart") -> DbtBuild:
        if not select:
            return DbtBuild(True, [])
        exactly = ["--indirect-selection", "empty"] if what == "test" else []
        arguments = [what, "--select", *select, *exactly, *_where(scratch_db.parent)]
        if part.variables:
            arguments += ["--vars", json.dumps(part.variables)]
        return self.run(scratch_db, arguments, part.storage_options)

    def run(
        self, scratch_db: Path, arguments: Sequence[str], storage_options: Mapping[str, str] | None = None
    ) -> DbtBuild:
        from google.protobuf.json_format import MessageToDict

        dbt_runner, connections, plugin = imported_dbt()
        raw_events: list[dict[str, Any]] = []

        def collect(message: Any) -> None:
            if message.info.name in {"LogModelResult", "LogTestResult", "RunResultError", "RunResultFailure"}:
                raw_events.append(MessageToDict(message, preserving_proto_field_name=True))

        with _ONE_AT_A_TIME:
            os.environ[SCRATCH_VARIABLE] = str(scratch_db)
            plugin.storage_options = storage_options or {}
            outcome = dbt_runner(manifest=self._parsed_project(), callbacks=[collect]).invoke(list(arguments))
            connections.close_all_connections()
        events = [DbtCoreCliEventMessage(raw_event=event, event_history_metadata={}) for event in raw_events]
        problems = [str(event).strip() for event in events if event.raw_event["info"]["name"].startswith("RunResult")]
        if outcome.exception:
            problems.append(str(outcome.exception))
        failing = {
            one.node.unique_id: getattr(one.node, "compiled_code", None)
            for one in getattr(outcome.result, "results", [])
            if str(one.status) in ("error", "fail", "skipped")
        }
        results = [event for event in events if event.is_result_event]
        return DbtBuild(bool(outcome.success), results, problems, failing)

    def warm(self) -> None:
        """Have done once what dbt does only the first time in a process: 1.7 s of a build's 5 (2026-11-21)."""
        with TemporaryDirectory() as folder:
            words = ["compile", "--select", "dim_date", *_where(Path(folder))]
            self.run(Path(folder) / "scratch.duckdb", words)

    def _parsed_project(self) -> Any:
        """The parsed project; manifest.json has lost what dbt needs to run generic tests, this form has not."""
        from dbt.contracts.graph.manifest import Manifest

        path = Path(self.parsed)
        if not path.exists():
            raise SetupError(f"{path} is not there; run `make manifest`")
        return Manifest.from_msgpack(path.read_bytes())


def imported_dbt() -> tuple[Any, Any, Any]:
    """Return dbt's runner, its connections, and our plugin for them."""
    with quiet_root_logger():
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        from pipelines.marts.duckdb_functions import Plugin

    make_thrifty()
    return dbtRunner, DuckDBConnectionManager, Plugin


def _where(folder: Path) -> list[str]:
    target = str(folder / "target")
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", target]
    quiet = ["--log-level", "none", "--log-level-file", "none", "--no-write-json", "--no-use-colors"]
    return [*places, "--log-path", target, *quiet]


def nodes(manifest: Mapping[str, Any], resource_type: str) -> dict[str, Mapping[str, Any]]:
    """The manifest's nodes of one type, by unique id."""
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == resource_type}
