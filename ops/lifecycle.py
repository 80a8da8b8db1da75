"""`make up` and `make down`: a supervisor is started and followed until all is ready, or ended and waited for."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ops import ownership, processes, supervisor
from ops.environment import prepared
from ops.ownership import Ownership
from ops.processes import Progress, Server
from storage.backup import buckets
from storage.errors import SetupError
from storage.postgres import embedded
from storage.process import ProcessId
from storage.settings import REPOSITORY, Settings

NAMES = ("daemon", "webserver", "worker", "api")
"""In the order in which they are told to have ended."""

DEMO = "demo"
_SUPERVISOR = "supervisor"
_MOST_STARTS = 3
_MOST_IDLE_S = 60.0
_TELL_EVERY_S = 10.0
_MOST_STOPPING_S = 90.0


def up(current: Settings, api_port: int, ui_port: int) -> None:
    """Start a supervisor and return when every part is ready; SetupError, with nothing left, if that cannot be."""
    ownership.refuse_owned(current.home)  # before its ports are found taken
    processes.refuse_taken(api_port, "API_PORT")
    processes.refuse_taken(ui_port, "UI_PORT")
    buckets.of(current)
    owner = ownership.acquire(current.home)
    try:
        processes.stop_all(current.home, NAMES)  # what a supervisor that was killed has left
        prepared(current)
        begin = processes.log_size(current.home, _SUPERVISOR)
        process = _start_supervisor(current, owner, api_port, ui_port)
    finally:
        owner.release()  # the supervisor has it too
    try:
        _follow(current, processes.servers(api_port, ui_port), process, begin)
    except BaseException:
        down(current)
        process.wait()
        raise
    process.returncode = 0  # it lives on, and is nobody's child when this command has ended


def down(current: Settings) -> list[str]:
    """End the supervisor with its parts, and what a killed one has left; the names of the servers that ran."""
    if not current.home.exists():
        return []
    told = supervisor.status(current.home)
    owner = ownership.try_acquire(current.home)
    was_supervised = owner is None
    if owner is None:
        owner = _end_owner(current)
    try:
        stopped = processes.stop_all(current.home, (*NAMES, DEMO))
        if not current.database_url:
            embedded.stop(current.home)
    finally:
        owner.release()
    return [name for name in (*NAMES, DEMO) if name in stopped or (was_supervised and name in told.get("parts", {}))]


def _start_supervisor(current: Settings, owner: Ownership, api_port: int, ui_port: int) -> "subprocess.Popen[bytes]":
    words = ["--api-port", str(api_port), "--ui-port", str(ui_port), "--lock", str(owner.descriptor)]
    log = processes.log(current.home, _SUPERVISOR)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.supervisor", *words],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[owner.descriptor],
        )
    if found := ProcessId.of(process.pid):
        owner.name(found)
    return process


def _follow(current: Settings, parts: Sequence[Server], process: "subprocess.Popen[bytes]", begin: int) -> None:
    """Say what is waited for, and return when all is ready.

    There is no limit of time. It ends when a part has failed three times, or all that are waited for are idle.
    """
    names = [part.name for part in parts]
    say, work = _teller(), Progress(current.home, names)
    while True:
        if process.poll() is not None:
            raise SetupError(f"the supervisor ended: {processes.last_said(current.home, _SUPERVISOR, begin)}")
        told = supervisor.status(current.home)
        found = told.get("parts", {}) if told.get("supervisor", "").startswith(f"{process.pid}@") else {}
        waited_for = [name for name, part in found.items() if part["state"] != supervisor.READY]
        if found and not waited_for:
            return
        _refuse_failed(found)
        if work.idle_seconds() > _MOST_IDLE_S:
            raise SetupError(
                f"{', '.join(waited_for) or 'the supervisor'} has done nothing for {_MOST_IDLE_S:.0f} s; see the logs "
                f"in {current.home / 'logs'}"
            )
        say(_waiting(found))
        time.sleep(0.1)


def _refuse_failed(parts: Mapping[str, Mapping[str, Any]]) -> None:
    for name, part in parts.items():
        if part["failures"] >= _MOST_STARTS:
            raise SetupError(f"{name} did not start: {part['reason']}")


def _waiting(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """List the parts that are not ready, each with its reason where there is one."""
    unready = [(name, part["reason"]) for name, part in parts.items() if part["state"] != supervisor.READY]
    return ", ".join(f"{name} ({reason})" if reason else name for name, reason in unready)


def _teller() -> Callable[[str], None]:
    """Says what is waited for when that changes, and every ten seconds how long it has been."""
    started, last, last_at = time.monotonic(), "", 0.0

    def say(what: str) -> None:
        nonlocal last, last_at
        now = time.monotonic()
        if what and (what != last or now - last_at > _TELL_EVERY_S):
            print(f"  waiting for {what} ... {now - started:.0f} s", flush=True)
            last, last_at = what, now

    return say


def _end_owner(current: Settings) -> Ownership:
    """The lock, once its owner has ended all parts and itself; it is killed if it does not in time."""
    deadline, told = time.monotonic() + _MOST_STOPPING_S, set[ProcessId]()

    def is_worth_it() -> bool:
        owner = ownership.owner_of(current.home)
        if owner and owner not in told:
            told.add(owner)
            owner.send(signal.SIGTERM)
        return time.monotonic() < deadline

    if taken := ownership.wait_for(current.home, is_worth_it):
        return taken
    if owner := ownership.owner_of(current.home):
        owner.send(signal.SIGKILL)
    if taken := ownership.wait_for(current.home, lambda: time.monotonic() < deadline + 10):
        return taken
    raise SetupError(f"another command works on {current.home}; try again when it has ended")


def first_link(current: Settings, api_port: int) -> str | None:
    """The link for the first administrator, whose code the API has left in the state; None where nobody needs one."""
    file = current.home / "run" / "first-administrator"
    if not current.has_accounts or not file.exists():
        return None
    return f"{current.public_url or f'http://127.0.0.1:{api_port}'}/register?code={file.read_text()}"


def unready(api_port: int) -> str | None:
    """Return what the API that runs says it cannot do; None if it can do all, or gives no answer."""
    answer = processes.asked(f"http://127.0.0.1:{api_port}/health/ready", seconds=10)
    if answer is None or answer[0] == 200:
        return None
    with suppress(ValueError):
        return str(json.loads(answer[1]).get("detail", answer[0]))
    return None
