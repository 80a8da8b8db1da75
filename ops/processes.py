"""Servers of one state folder: started in the background, known by their pid files, stopped by their own pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from storage.errors import SetupError
from storage.private import private_folder
from storage.settings import REPOSITORY

_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process has started: it is their parent, and must ask how they ended."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server: its words, and the address that answers when it is ready (None: being alive is enough)."""

    name: str
    command: Sequence[str]
    port: int | None = None
    ready_url: str | None = None


def api(port: int) -> Server:
    command = [sys.executable, "-m", "oltp_api.server", "--host", "127.0.0.1", "--port", str(port)]
    return Server("api", command, port, f"http://127.0.0.1:{port}/health/ready")


def webserver(port: int) -> Server:
    command = [sys.executable, "-m", "pipelines.webserver", "--host", "127.0.0.1", "--port", str(port)]
    return Server("webserver", command, port, f"http://127.0.0.1:{port}/server_info")


def daemon() -> Server:
    program = str(Path(sys.executable).with_name("dagster-daemon"))
    return Server("daemon", [program, "run", "-w", "workspace.yaml"])


def worker() -> Server:
    return Server("worker", [sys.executable, "-m", "oltp_api.worker"])


def refuse_taken(port: int | None, variable: str) -> None:
    """A port that somebody else listens on is one sentence, before anything is started."""
    with socket.socket() as probe:
        if port and probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SetupError(
                f"port {port} is taken; stop what listens there (`make down`?) or set {variable}=<another>"
            )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(server: Server, home: Path, environment: Mapping[str, str]) -> int:
    """Start `server` in the background, its output in `<home>/logs`; its pid, kept in `<home>/run`."""
    log, pid_file = _log(home, server.name), _pid_file(home, server.name)
    for file in (log, pid_file):
        private_folder(file.parent)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(server.command),
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    pid_file.write_text(str(process.pid))
    _CHILDREN[process.pid] = process
    return process.pid


def wait_ready(server: Server, home: Path, seconds: float = 60) -> None:
    """Return when the server answers; SetupError with the last line of its log if it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_running(home, server.name):
            break
        if server.ready_url is None or _answers(server.ready_url):
            return
        time.sleep(0.1)
    lines = _log(home, server.name).read_text(errors="replace").strip().splitlines()
    raise SetupError(
        f"{server.name} did not start: {lines[-1] if lines else 'no output'} (see {_log(home, server.name)})"
    )


def refresh(environment: Mapping[str, str]) -> int:
    """One refresh in the foreground, its progress shown; its exit code."""
    command = [sys.executable, "-m", "pipelines.refresh"]
    return subprocess.run(command, cwd=REPOSITORY, env={**os.environ, **environment}).returncode


def is_running(home: Path, name: str) -> bool:
    pid = _pid(home, name)
    if pid is None:
        return False
    if pid in _CHILDREN and _CHILDREN[pid].poll() is not None:
        del _CHILDREN[pid]  # a child of ours that ended must not look alive
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        return True
    return False


def stop(home: Path, name: str, seconds: float = 15) -> bool:
    """End the server by its own pid, gently first; whether there was one."""
    pid = _pid(home, name)
    if pid is None:
        return False
    if not is_running(home, name):
        _pid_file(home, name).unlink(missing_ok=True)
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not _until(lambda: not is_running(home, name), seconds):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    _pid_file(home, name).unlink(missing_ok=True)
    return True


def _until(is_true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.05)
    return False


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def _pid(home: Path, name: str) -> int | None:
    try:
        return int(_pid_file(home, name).read_text())
    except (OSError, ValueError):
        return None


def _pid_file(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.pid"


def _log(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"
