"""The process that runs runs: it waits warm, and never outlives its launcher."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.effort import IS_LONG

_LAUNCHER = """
import os, subprocess, sys, time
cold = "import sys; from pipelines.runtime import worker; worker.warm = lambda: None; sys.exit(worker.main())"
command = [sys.executable, "-c", cold, str(os.getpid())]
worker = subprocess.Popen(command, stdin=int(sys.argv[1]), start_new_session=True)
print(worker.pid, flush=True)
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and ") Z" not in Path(f"/proc/{pid}/stat").read_text()


def ended_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not is_alive(pid)


_CHANGED = """
import sys
from pipelines.runtime import worker
worker.computed_code_version = iter(["before", "after"]).__next__
worker.warm = lambda: None
sys.exit(worker.main())
"""
_ASKED_ALREADY = """
import sys
from pipelines.runtime import worker
worker.warm = lambda: None
sys.exit(worker.main())
"""
Worker = subprocess.Popen[str]


@contextmanager
def started(program: str, *more: str) -> Iterator[Worker]:
    command = [sys.executable, "-c", program, str(os.getpid()), *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        yield process
        process.stdin.close()


def forked(process: Worker) -> int:
    """The pid of the process for the next request."""
    assert process.stdin is not None
    process.stdin.write("\n")
    return answered(process)


def answered(process: Worker) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def is_another_program(process: Worker) -> bool:
    return b"--asked" in Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_a_worker_with_changed_code_starts_itself_again_and_answers() -> None:
    """As it is started in earnest, with all that a run imports; what it then answers is long, and tried below."""
    with started(_CHANGED) as changed:
        assert changed.stdin is not None
        changed.stdin.write("\n")
        until = time.monotonic() + 30
        while not is_another_program(changed):
            assert time.monotonic() < until, "the same process never became another program"
            time.sleep(0.02)
        if IS_LONG:
            one_after_another(changed)
        else:
            changed.kill()


def test_every_request_has_a_process_of_its_own_whose_end_harms_no_other() -> None:
    with started(_ASKED_ALREADY, "--asked") as worker:
        one_after_another(worker)


def one_after_another(worker: Worker) -> None:
    """Requests of a worker that was asked before it started itself again, so that it answers at once."""
    assert worker.stdin is not None
    first = answered(worker)
    assert is_alive(first)
    assert first != worker.pid
    worker.stdin.write("no request of a run\n")  # it fails
    assert ended_within(first, 30)

    second = forked(worker)
    os.kill(second, signal.SIGKILL)
    assert ended_within(second, 30)
    worker.stdin.write("nobody is there to execute this\n")

    third = forked(worker)
    assert is_alive(third)
    worker.stdin.write("\n")  # there was nothing to execute after all
    assert ended_within(third, 30)
    worker.stdin.close()
    assert worker.wait(timeout=30) == 0, "it ends with its input"


_ENDED_RUN = """
import sys, time
from threading import Thread
from types import SimpleNamespace
from pipelines.runtime.worker import end_with_run

run = SimpleNamespace(is_failure_or_canceled=sys.argv[1] == "ended")
instance = SimpleNamespace(get_run_by_id=lambda run_id: run)
Thread(target=end_with_run, args=(instance, "r", 0.1), daemon=True).start()
time.sleep(3)
print("went on")
"""


@pytest.mark.parametrize(("status", "said"), [("ended", ""), ("running", "went on\n")])
def test_a_run_that_was_ended_by_others_leaves_no_process_and_another_goes_on(status: str, said: str) -> None:
    outcome = subprocess.run([sys.executable, "-c", _ENDED_RUN, status], capture_output=True, text=True, timeout=60)

    assert outcome.stdout == said


def test_a_worker_does_not_outlive_a_killed_launcher() -> None:
    waiting, held_open = os.pipe()  # its input stays open, so only the missing launcher can end it
    command = [sys.executable, "-c", _LAUNCHER, str(waiting)]
    launcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[waiting])
    os.close(waiting)
    assert launcher.stdout is not None
    worker = int(launcher.stdout.readline())
    assert is_alive(worker)

    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()

    assert ended_within(worker, 30)
    os.close(held_open)
