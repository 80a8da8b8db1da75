"""The owner of a running state, `python -m ops.supervisor`: it starts every part, and starts again what has ended.

A part is PostgreSQL or a server. What ends is started again, after a pause that doubles from the second time on and is
forgotten after a minute of health; so a cause that passes (a full disk, a taken port) needs nobody to start anything.
What a part has started is ended with it. SIGTERM ends all parts and then the supervisor.
"""

import argparse
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from ops import processes
from ops.environment import environment
from ops.ownership import Ownership
from ops.processes import Server, Started
from storage.outages import sentence_of
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.process import ProcessId
from storage.settings import Settings, settings

POSTGRES = "postgres"
WAITING, STARTING, READY, STOPPED = "WAITING", "STARTING", "READY", "STOPPED"
_HEALTHY_AFTER_S = 60.0
_LONGEST_PAUSE_S = 20.0
_LOOK_EVERY_S = 0.25
_LOG = logging.getLogger("lakefolio.supervisor")


class Part(Protocol):
    """Part of a running state, which can be started, looked at and stopped."""

    @property
    def name(self) -> str: ...

    def start(self) -> None:
        """Begin to start it. Any error says why it cannot be."""

    def ending(self) -> str | None:
        """How it ended, or None while it runs."""

    def is_ready(self) -> bool: ...


class ServerPart:
    """A server as a child of this process."""

    def __init__(self, server: Server, home: Path, variables: Mapping[str, str]) -> None:
        self._server, self._home, self._variables = server, home, variables
        self._started: Started | None = None

    @property
    def name(self) -> str:
        return self._server.name

    def start(self) -> None:
        processes.end_rest(self._home, [self.name])
        processes.refuse_taken(self._server.port, f"{self.name.upper()}'s port")
        self._started = processes.start(self._server, self._home, self._variables)

    def ending(self) -> str | None:
        assert self._started is not None, "it was started"
        ending = self._started.ending()
        if ending is None or ending.endswith("SIGKILL"):  # of which it can say nothing
            return ending
        return f"{ending}: {processes.last_said(self._home, self.name, self._started.log_begin)}"

    def is_ready(self) -> bool:
        return processes.is_ready(self._server)


class PostgresPart:
    """The embedded server, which anybody may have started and which is nobody's child."""

    name = POSTGRES

    def __init__(self, home: Path) -> None:
        self._home = home
        self._starter = ThreadPoolExecutor(1, thread_name_prefix=POSTGRES)
        self._starting: Future[Path] | None = None
        self._server: ProcessId | None = None

    def start(self) -> None:
        """In a thread: what a crash has left may take minutes to be replayed."""
        self._starting = self._starter.submit(embedded.start, self._home)

    def ending(self) -> str | None:
        if self._starting is not None:
            if not self._starting.done():
                return None
            starting, self._starting = self._starting, None
            starting.result()
            self._server = embedded.server(self._home)
        return None if self._server and self._server.is_alive() else "has ended; see server.log in pgdata"

    def is_ready(self) -> bool:
        return self._starting is None and embedded.is_running(self._home)

    def stop(self) -> None:
        """End it, also while it is starting: what starts then must not outlive us."""
        while self._starting is not None and not self._starting.done():
            embedded.stop(self._home)
            wait([self._starting], timeout=0.2)
        embedded.stop(self._home)


@dataclass
class Supervised:
    """A part and when to start it again."""

    part: Part
    needs: Sequence["Supervised"] = ()
    state: str = WAITING
    since: float = 0.0
    """When it came into its state, by the monotonic clock."""
    failures: int = 0
    """How often it failed since it was last healthy for a minute."""
    starts: int = 0
    next_start: float = 0.0
    reason: str = ""

    def look(self, now: float) -> None:
        """Do what is due: start it, notice that it has ended, or that it is ready."""
        try:
            if self.state == WAITING:
                if now >= self.next_start and all(other.state == READY for other in self.needs):
                    self.starts += 1
                    self.part.start()
                    self._enter(STARTING, now)
            elif ending := self.part.ending():
                self._failed(f"{self.part.name} {ending}", now)
            elif self.state == STARTING and self.part.is_ready():
                self._enter(READY, now)
            elif self.state == READY and self.failures and now - self.since >= _HEALTHY_AFTER_S:
                self.failures, self.reason = 0, ""
        except Exception as error:  # whatever it is, the other parts are to be looked at
            self._failed(sentence_of(error) or str(error) or type(error).__name__, now)

    def _enter(self, state: str, now: float) -> None:
        self.state, self.since = state, now
        _LOG.info("%s is %s", self.part.name, state)

    def _failed(self, reason: str, now: float) -> None:
        if self.state == READY and now - self.since >= _HEALTHY_AFTER_S:
            self.failures = 0
        self.failures += 1
        pause = pause_after(self.failures)
        self.state, self.since, self.reason, self.next_start = WAITING, now, reason, now + pause
        _LOG.warning("%s; %s starts again in %.0f s", reason, self.part.name, pause)


def pause_after(failures: int) -> float:
    """Seconds before the next start after so many failures without a minute of health: 0, 1, 2, 4 ... 20."""
    return 0.0 if failures < 2 else min(2.0 ** min(failures - 2, 10), _LONGEST_PAUSE_S)


def supervise(
    home: Path, servers: Sequence[Server], variables: Mapping[str, str], is_embedded: bool, stop: Event
) -> None:
    """Keep all parts of `home` running until `stop` is set, then end them, PostgreSQL last."""
    postgres = PostgresPart(home) if is_embedded else None
    database = [Supervised(postgres)] if postgres else []
    supervised = [*database, *(Supervised(ServerPart(one, home, variables), needs=database) for one in servers)]
    write = status_writer(home)
    while not stop.wait(_LOOK_EVERY_S):
        for one in supervised:
            one.look(time.monotonic())
        write(supervised)
    _LOG.info("ending all parts")
    processes.stop_all(home, [server.name for server in servers])
    if postgres:
        postgres.stop()
    for one in supervised:
        one.state = STOPPED
    write(supervised)


def status_writer(home: Path) -> Callable[[Sequence[Supervised]], None]:
    """A function that writes what `make up` reads, if it has changed; a full disk keeps the old one."""
    written = [""]

    def write(supervised: Sequence[Supervised]) -> None:
        told = {
            one.part.name: {"state": one.state, "starts": one.starts, "failures": one.failures, "reason": one.reason}
            for one in supervised
        }
        text = json.dumps({"supervisor": str(ProcessId.of(os.getpid())), "parts": told})
        if text != written[0]:
            with suppress(OSError):
                new = _status_file(home).with_suffix(".new")
                new.write_text(text)
                new.replace(_status_file(home))
                written[0] = text

    return write


def status(home: Path) -> Mapping[str, Any]:
    """Return what the supervisor wrote last; nothing if it never did."""
    try:
        found: Mapping[str, Any] = json.loads(_status_file(home).read_text())
        return found
    except (OSError, ValueError):
        return {}


def _status_file(home: Path) -> Path:
    return home / "run" / "status.json"


def main() -> None:
    """Be the owner, with the lock that `make up` has taken and passed on, until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--api-port", "--ui-port", "--lock"):
        parser.add_argument(option, type=int, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    stop = Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    os.set_inheritable(arguments.lock, False)  # the parts must not hold it
    current, me = settings(), ProcessId.of(os.getpid())
    assert me is not None, "this process runs"
    Ownership(arguments.lock).name(me)
    parts = processes.servers(arguments.api_port, arguments.ui_port)
    supervise(current.home, parts, environment(current, _database(current)), not current.database_url, stop)


def _database(current: Settings) -> postgres.Database:
    """Where the database is, without starting it: that is its part's."""
    if current.database_url:
        return postgres.locate(current)
    return postgres.embedded_database(embedded.socket_folder(current.home))


if __name__ == "__main__":
    main()
