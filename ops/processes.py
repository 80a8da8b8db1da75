"""Servers of one state folder: started in the background, known by a mark in their environment, ended by it.

A mark says which server of which folder a process belongs to, and whatever a process starts inherits it: a run that the
daemon has forked is found with it, also when all between them are gone. A number in a file would name a stranger after
a reboot, and none of what the process had started.
"""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psutil

from storage.errors import SetupError
from storage.private import private_folder
from storage.settings import REPOSITORY

_MARK = "LAKEFOLIO_PART"
_GENTLE_SECONDS = 15
_KILL_SECONDS = 10
_IDLE_SECONDS = 60
_MOST_SAID_CHARACTERS = 300
_SENTENCE = re.compile(r"(?:error|storage\.errors\.SetupError): (.*)")
_ERROR = re.compile(r"[\w.]*(?:Error|Exception|Interrupt): ")
_OF_OWNER = frozenset(["DATABASE_ADMIN_URL", "DAGSTER_POSTGRES_URL"])
_OF_SERVICES = frozenset(["DATABASE_SERVICES_URL"])
"""Addresses of roles that see more than who asks; what answers requests does not know them."""
_STARTED: dict[str, "Started"] = {}
"""By mark, what this process has started last: it is their parent, and reaps them."""


@dataclass(frozen=True, slots=True)
class Started:
    """A server that this process has started; `log_begin` is where its part of its log begins."""

    process: "subprocess.Popen[bytes]"
    log_begin: int

    def ending(self) -> str | None:
        """How it ended, or None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


@dataclass(frozen=True, slots=True)
class Server:
    """One server: its words, and the address that answers when it is ready (None: being alive is enough).

    It is not told the variables that are `withheld` from it.
    """

    name: str
    command: Sequence[str]
    port: int | None = None
    ready_url: str | None = None
    withheld: frozenset[str] = frozenset()


def api(port: int) -> Server:
    command = [sys.executable, "-m", "oltp_api.server", "--host", "127.0.0.1", "--port", str(port)]
    return Server("api", command, port, f"http://127.0.0.1:{port}/health/ready", _OF_OWNER | _OF_SERVICES)


def webserver(port: int) -> Server:
    command = [sys.executable, "-m", "pipelines.runtime.webserver", "--host", "127.0.0.1", "--port", str(port)]
    return Server("webserver", command, port, f"http://127.0.0.1:{port}/server_info")


def daemon() -> Server:
    return Server("daemon", [sys.executable, "-m", "pipelines.runtime.daemon"])


def worker() -> Server:
    return Server("worker", [sys.executable, "-m", "oltp_api.worker"], withheld=_OF_OWNER)


def servers(api_port: int, ui_port: int) -> Sequence[Server]:
    """The parts of a running state but for PostgreSQL."""
    return [api(api_port), worker(), webserver(ui_port), daemon()]


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


def start(server: Server, home: Path, environment: Mapping[str, str]) -> Started:
    """Start `server` in the background, its output in `<home>/logs`."""
    mark, begin = _mark(home, server.name), log_size(home, server.name)
    if mark in _STARTED and not is_running(home, server.name):
        with suppress(subprocess.TimeoutExpired):  # one that was just killed has lost its mark before it has ended
            _STARTED[mark].process.wait(_KILL_SECONDS)
    with _output(home, server.name) as output:
        process = subprocess.Popen(
            list(server.command),
            cwd=REPOSITORY,
            env={**_told(server, {**os.environ, **environment}), _MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _STARTED[mark] = Started(process, begin)
    return _STARTED[mark]


def _told(server: Server, variables: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in variables.items() if name not in server.withheld}


def _output(home: Path, name: str) -> IO[bytes]:
    """The server's log; nowhere if it cannot be written, for a full disk must not keep a server away."""
    try:
        private_folder(log(home, name).parent)
        return log(home, name).open("ab")
    except OSError:
        return Path(os.devnull).open("ab")


def wait_ready(server: Server, home: Path, idle_seconds: float = _IDLE_SECONDS) -> None:
    """Return when the server answers; SetupError if it ends, or does nothing at all for `idle_seconds`.

    Its mark alone does not tell that it has ended: on a busy machine one that was just started has no environment yet.
    """
    work, started = Progress(home, [server.name]), _STARTED[_mark(home, server.name)]
    while not is_ready(server):
        if started.process.poll() is not None and not is_running(home, server.name):
            started.ending()
            raise SetupError(f"{server.name} did not start: {last_said(home, server.name, started.log_begin)}")
        if work.idle_seconds() > idle_seconds:
            raise SetupError(f"{server.name} has done nothing for {idle_seconds:.0f} s; see {log(home, server.name)}")
        time.sleep(0.1)


class Progress:
    """Progress of servers that are not ready yet: on a busy machine only that tells slow from stuck."""

    def __init__(self, home: Path, names: Sequence[str]) -> None:
        self._home, self._names = home, names
        self._cpu_seconds, self._moved_at, self._looked_at = 0.0, time.monotonic(), 0.0

    def idle_seconds(self) -> float:
        """How long none of them has used the processor; looked at once a second."""
        if time.monotonic() - self._looked_at < 1:
            return time.monotonic() - self._moved_at
        self._looked_at = time.monotonic()
        used = sum(_cpu_seconds(process) for name in self._names for process in processes_of(self._home, name))
        if used != self._cpu_seconds:
            self._cpu_seconds, self._moved_at = used, time.monotonic()
        return time.monotonic() - self._moved_at


def refresh(environment: Mapping[str, str]) -> int:
    """One refresh in the foreground, its progress shown; its exit code."""
    command = [sys.executable, "-m", "pipelines.refresh"]
    return subprocess.run(command, cwd=REPOSITORY, env={**os.environ, **environment}).returncode


def is_ready(server: Server) -> bool:
    return server.ready_url is None or _answers(server.ready_url)


def asked(url: str, seconds: float = 2) -> tuple[int, bytes] | None:
    """The status and the body of the answer at `url`, None if there is none.

    By the standard library's client: httpx reads all certificates for each question, 20 ms of a busy core.
    """
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=seconds)
    try:
        connection.request("GET", address.path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def is_running(home: Path, name: str) -> bool:
    return bool(processes_of(home, name))


def processes_of(home: Path, name: str) -> list[psutil.Process]:
    """The server `name` of `home` and all that it has started, whoever their parent is now."""
    mark, found = _mark(home, name), []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def stop(home: Path, name: str, seconds: float = _GENTLE_SECONDS) -> bool:
    """End the server and all that it has started, gently first; whether there was any."""
    return bool(stop_all(home, [name], seconds))


def stop_all(home: Path, names: Sequence[str], seconds: float = _GENTLE_SECONDS) -> list[str]:
    """The same for several at once; the names of those that ran. SetupError if one outlives SIGKILL."""
    running = {name: processes_of(home, name) for name in names}
    leaders = [process for found in running.values() for process in found if _leads(process, found)]
    _send(leaders, signal.SIGTERM)
    if not _until(lambda: not any(_is_alive(process) for process in leaders), seconds):
        _send(leaders, signal.SIGKILL)
    end_rest(home, names)
    for name in names:
        if started := _STARTED.get(_mark(home, name)):
            with suppress(subprocess.TimeoutExpired):
                started.process.wait(_KILL_SECONDS)
    return [name for name, found in running.items() if found]


def end_rest(home: Path, names: Sequence[str], gentle_seconds: float = 3) -> None:
    """End what servers have started and left behind: runs, and what runs are forked from."""

    def rest() -> list[psutil.Process]:
        return [process for name in names for process in processes_of(home, name)]

    if not (left := rest()):
        return
    _send(left, signal.SIGTERM)
    if _until(lambda: not rest(), gentle_seconds):
        return

    def is_over() -> bool:
        _send(left := rest(), signal.SIGKILL)
        return not left

    if not _until(is_over, _KILL_SECONDS):
        pids = ", ".join(str(process.pid) for process in rest())
        raise SetupError(f"processes {pids} of {home} do not end, not even killed; a disk may not answer")


def log(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


def log_size(home: Path, name: str) -> int:
    with suppress(OSError):
        return log(home, name).stat().st_size
    return 0


def last_said(home: Path, name: str, since: int) -> str:
    """Return what the server has said of its end since byte `since` of its log: our sentence, an error, a last line."""
    try:
        text = log(home, name).read_bytes()[since:].decode(errors="replace")
    except OSError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    sentences = [found[1] for line in lines if (found := _SENTENCE.match(line))]
    errors = [line for line in lines if _ERROR.match(line)]
    said = (sentences or errors or lines or ["it said nothing"])[-1][:_MOST_SAID_CHARACTERS]
    return said if sentences else f"{said} (see {log(home, name)})"


def _leads(process: psutil.Process, found: Sequence[psutil.Process]) -> bool:
    """Say whether it is the server itself, and not what that has started, which it ends in its own way."""
    with suppress(psutil.Error):
        return process.ppid() not in {other.pid for other in found}
    return False


def _send(targets: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in targets:
        with suppress(psutil.Error):  # psutil signals nobody who has got the pid of one that is gone
            process.send_signal(number)


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _until(is_true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.05)
    return False


def _answers(url: str) -> bool:
    answer = asked(url)
    return answer is not None and answer[0] < 500


def _mark(home: Path, name: str) -> str:
    return f"{name}@{home.resolve()}"
