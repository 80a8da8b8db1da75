"""A state folder with the demo's ledger, for measurements: its servers run while inside."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from ops import demo, processes
from ops.environment import prepared
from storage.postgres import embedded
from storage.settings import REPOSITORY, Settings


@dataclass(frozen=True, slots=True)
class State:
    """`variables` are the environment of programs that join it; `client` speaks to its API."""

    home: Path
    variables: dict[str, str]
    client: httpx.Client
    portfolio_id: str

    def seconds(self, command: Sequence[str], **variables: str) -> float:
        """How long a command takes in this state; an error if it fails."""
        environment = {**os.environ, **self.variables, **variables}
        started = time.perf_counter()
        subprocess.run(list(command), cwd=REPOSITORY, env=environment, check=True, capture_output=True)
        return time.perf_counter() - started

    def refresh(self) -> float:
        return self.seconds([sys.executable, "-m", "pipelines.refresh"])


@contextmanager
def demo_state() -> Iterator[State]:
    """A new state folder, its API, and the demo's ledger recorded over HTTP; nothing is refreshed yet."""
    with tempfile.TemporaryDirectory(prefix="lakefolio-bench-") as folder:
        settings = Settings(
            lakefolio_home=Path(folder),
            database_url=None,
            database_admin_url=None,
            lake_uri=None,
            market_source="sample",
        )
        variables = prepared(settings)
        api = processes.api(processes.free_port())
        try:
            processes.start(api, settings.home, variables)
            processes.wait_ready(api, settings.home)
            with httpx.Client(base_url=f"http://127.0.0.1:{api.port}/api/v1", timeout=30, trust_env=False) as client:
                yield State(settings.home, variables, client, demo.record_history(client))
        finally:
            for name in ("daemon", "webserver", "api"):
                processes.stop(settings.home, name)
            embedded.stop(settings.home)
