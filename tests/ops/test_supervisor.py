"""Parts that die come back, by one owner, and nothing of them is left; with small programs in the place of servers."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ops import ownership, processes, supervisor
from ops.processes import Server
from ops.supervisor import READY, WAITING, Supervised, pause_after, supervise
from storage.errors import SetupError
from storage.process import ProcessId
from tests.waiting import wait_until

_WITH_A_RUN = (
    "import subprocess, sys, time; subprocess.Popen(['sleep', '600'], start_new_session=True); time.sleep(600)"
)
_SLEEP = "import time; time.sleep(600)"


def program(name: str, code: str, port: int | None = None) -> Server:
    return Server(name, [sys.executable, "-c", code], port)


@contextmanager
def supervised(home: Path, *servers: Server) -> Iterator[None]:
    """A supervisor of `servers`, in a thread; what is left behind when it has ended fails the test."""
    stop = threading.Event()
    thread = threading.Thread(target=supervise, args=(home, servers, {}, False, stop))
    (home / "run").mkdir(parents=True, exist_ok=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert all(processes.processes_of(home, server.name) == [] for server in servers)


def state_of(home: Path, name: str) -> dict[str, object]:
    return dict(supervisor.status(home).get("parts", {}).get(name, {"state": None, "starts": 0, "reason": ""}))


def leader(home: Path, name: str) -> psutil.Process:
    """The server itself, as a child of this process."""
    (found,) = [one for one in processes.processes_of(home, name) if one.ppid() == os.getpid()]
    return found


def test_a_part_that_is_killed_is_started_again_and_what_it_had_started_is_ended(tmp_path: Path) -> None:
    with supervised(tmp_path, program("daemon", _WITH_A_RUN), program("other", _SLEEP)):
        wait_until(lambda: len(processes.processes_of(tmp_path, "daemon")) == 2)
        killed, other = leader(tmp_path, "daemon"), leader(tmp_path, "other")
        (run,) = [one for one in processes.processes_of(tmp_path, "daemon") if one != killed]

        killed.kill()

        wait_until(lambda: state_of(tmp_path, "daemon")["starts"] == 2)
        wait_until(lambda: len(processes.processes_of(tmp_path, "daemon")) == 2)
        assert run not in processes.processes_of(tmp_path, "daemon")
        assert state_of(tmp_path, "daemon")["reason"] == "daemon was ended by SIGKILL"
        assert leader(tmp_path, "other") == other


def test_control_without_a_supervisor_a_killed_part_stays_away_and_its_run_lives_on(tmp_path: Path) -> None:
    started = processes.start(program("daemon", _WITH_A_RUN), tmp_path, {})
    wait_until(lambda: len(processes.processes_of(tmp_path, "daemon")) == 2)

    started.process.kill()
    started.process.wait()

    assert len(processes.processes_of(tmp_path, "daemon")) == 1
    assert processes.stop(tmp_path, "daemon"), "it is found all the same, and ended"
    assert processes.processes_of(tmp_path, "daemon") == []


class Failing:
    """A part that cannot be started as long as it has a reason."""

    name = "failing"

    def __init__(self, reason: str | None = "no") -> None:
        self.reason, self.is_dead, self.starts = reason, False, 0

    def start(self) -> None:
        self.starts += 1
        if self.reason:
            raise OSError(28, self.reason)

    def ending(self) -> str | None:
        return "died" if self.is_dead else None

    def is_ready(self) -> bool:
        return True


def test_pauses_double_up_to_half_a_minute_and_begin_again_after_a_minute_of_health() -> None:
    part = Failing()
    one, now = Supervised(part), 1000.0
    for failures in range(1, 10):
        one.look(now)
        assert (one.state, one.failures) == (WAITING, failures)
        now += pause_after(failures)
    assert [pause_after(failures) for failures in (1, 2, 3, 4, 9)] == [0, 1, 2, 4, 20]
    assert "disk is full" in one.reason

    part.reason = None
    one.look(now)
    one.look(now)
    assert (one.state, one.failures) == (READY, 9)
    one.look(now + 59)
    assert one.failures == 9, "not healthy for a minute yet"
    one.look(now + 60)
    assert (one.failures, one.reason) == (0, "")


def test_control_without_health_the_pause_stays_long() -> None:
    part = Failing(reason=None)
    one, now = Supervised(part), 0.0
    for _ in range(8):
        part.is_dead = False
        one.look(now)
        one.look(now + 1)
        part.is_dead = True
        one.look(now + 2)
        now += 2 + pause_after(one.failures)
    assert pause_after(one.failures) == 20


def test_an_error_of_any_kind_in_one_part_keeps_no_other_from_being_looked_at(tmp_path: Path) -> None:
    unstartable = Server("unstartable", [str(tmp_path / "no such program")])
    with supervised(tmp_path, unstartable, program("other", _SLEEP)):
        wait_until(lambda: state_of(tmp_path, "other")["state"] == READY)
        wait_until(lambda: state_of(tmp_path, "unstartable")["starts"] >= 2)


def test_a_taken_port_is_waited_for_and_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = program("api", _SLEEP, taken.getsockname()[1])
        with supervised(tmp_path, server):
            wait_until(lambda: f"port {server.port} is taken" in str(state_of(tmp_path, "api")["reason"]))
            taken.close()
            wait_until(lambda: state_of(tmp_path, "api")["state"] == READY)


def test_a_number_in_a_stale_file_names_nobody(tmp_path: Path) -> None:
    """After a reboot a stranger has it; so has one whose words are those of a server."""
    with subprocess.Popen([sys.executable, "-c", _SLEEP, "oltp_api.app:create_app"]) as stranger:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "api.pid").write_text(str(stranger.pid))
        (tmp_path / "run" / "owner.lock").write_text(f"{stranger.pid}@another boot/1")

        assert processes.stop(tmp_path, "api") is False
        assert ownership.owner_of(tmp_path) is None
        assert ProcessId(stranger.pid, "another boot/1").send(signal.SIGKILL) is False
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_is_itself_and_nobody_else() -> None:
    with subprocess.Popen(["sleep", "600"]) as running:
        known = ProcessId.of(running.pid)
        assert known is not None
        assert ProcessId.parse(str(known)) == known
        assert known.is_alive()
        assert ProcessId.of(os.getpid()) != known
        assert known.send(signal.SIGKILL)
        wait_until(lambda: not known.is_alive())  # a zombie as long as nobody has waited for it
        assert ProcessId.of(running.pid) is None
        assert not known.send(signal.SIGKILL)


_OWN = """
import sys, time
from pathlib import Path
from ops import ownership
try:
    ownership.acquire(Path(sys.argv[1]))
except Exception as error:
    print("refused:", error, flush=True)
else:
    print("owner", flush=True)
    time.sleep(600)
"""


def test_of_many_who_want_to_own_a_state_at_once_one_does_until_it_dies(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OWN, str(tmp_path)]
    at_once = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {one: one.stdout.readline() for one in at_once if one.stdout}

    (owner,) = [one for one, line in said.items() if line == "owner\n"]
    assert sum("run already" in line for line in said.values()) == 3
    with pytest.raises(SetupError):
        ownership.refuse_owned(tmp_path)
    owner.kill()
    owner.wait()
    ownership.acquire(tmp_path).release()
    for one in at_once:
        one.wait()
        assert one.stdout
        one.stdout.close()


def test_a_slow_start_is_waited_for_as_long_as_it_works_and_an_idle_one_is_not(tmp_path: Path) -> None:
    port = processes.free_port()
    answers = f"""
import http.server, time
until = time.process_time() + 2.5
while time.process_time() < until: pass
http.server.HTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
    busy = Server("busy", [sys.executable, "-c", answers], port, f"http://127.0.0.1:{port}/")
    idle = Server("idle", [sys.executable, "-c", _SLEEP], port, "http://127.0.0.1:1/")
    try:
        processes.start(busy, tmp_path, {})
        processes.wait_ready(busy, tmp_path, idle_seconds=2)
        processes.start(idle, tmp_path, {})
        with pytest.raises(SetupError, match="idle has done nothing"):
            processes.wait_ready(idle, tmp_path, idle_seconds=2)
    finally:
        processes.stop_all(tmp_path, ["busy", "idle"])


def test_a_server_whose_mark_is_not_to_be_seen_yet_has_not_ended(tmp_path: Path, monkeypatch) -> None:
    """Between a program's start and its environment's there is a moment in which it has none."""
    port = processes.free_port()
    server = Server("new", [sys.executable, "-m", "http.server", str(port)], port, f"http://127.0.0.1:{port}/")
    try:
        processes.start(server, tmp_path, {})
        with monkeypatch.context() as patch:
            patch.setattr(processes, "processes_of", lambda *_: [])
            processes.wait_ready(server, tmp_path)
    finally:
        processes.stop_all(tmp_path, ["new"])


def test_a_server_that_ends_says_why_and_not_what_an_older_one_said(tmp_path: Path) -> None:
    processes.log(tmp_path, "api").parent.mkdir()
    processes.log(tmp_path, "api").write_text("error: something of yesterday\n")
    server = Server(
        "api", [sys.executable, "-c", "import sys; sys.exit('error: the lake is dry')"], 1, "http://127.0.0.1:1/"
    )

    processes.start(server, tmp_path, {})
    with pytest.raises(SetupError, match="api did not start: the lake is dry"):
        processes.wait_ready(server, tmp_path)
