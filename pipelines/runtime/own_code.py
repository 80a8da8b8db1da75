"""The graph in the process that asks for it: the daemon's and the web server's, which have no code server.

Dagster's own programs start a code server each, 5 s of a core and 220 MB or more, so that they stay what they were when
code changes. Here a process is started again for that, and for a clock that was set back: its threads wait for a moment
by the clock, which may then be years away.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from dagster._core.remote_origin import InProcessCodeLocationOrigin, ManagedGrpcPythonEnvCodeLocationOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths
from dagster._core.workspace.load_target import WorkspaceLoadTarget

from pipelines.runtime.code_version import computed_code_version
from storage.settings import REPOSITORY

_LOOK_EVERY_SECONDS = 30
_SKEW_SECONDS = 5


class OwnCode(WorkspaceLoadTarget):
    """The code locations of a workspace file, imported by this process."""

    def __init__(self, workspace: Path = REPOSITORY / "workspace.yaml") -> None:
        self._workspace = workspace

    def create_origins(self) -> Sequence[InProcessCodeLocationOrigin]:
        return [
            InProcessCodeLocationOrigin(origin.loadable_target_origin, location_name=origin.location_name)
            for origin in location_origins_from_yaml_paths([str(self._workspace)])
            if isinstance(origin, ManagedGrpcPythonEnvCodeLocationOrigin)
        ]


def end_when_outdated() -> None:
    """End this process when its code or its clock is another than it began with."""
    code, offset = computed_code_version(), time.time() - time.monotonic()
    while computed_code_version() == code and time.time() - time.monotonic() > offset - _SKEW_SECONDS:
        time.sleep(_LOOK_EVERY_SECONDS)
    print("the code has changed, or the clock was set back; ending, to be started again", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


def watch_code() -> None:
    """Have a thread of its own call `end_when_outdated`."""
    threading.Thread(target=end_when_outdated, daemon=True).start()
