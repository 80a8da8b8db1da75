"""The process that runs runs: it waits warm, and never outlives its launcher."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_LAUNCHER = """
import os, subprocess, sys, time
command = [sys.executable, "-m", "pipelines.worker", str(os.getpid())]
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


def test_a_worker_without_a_run_ends_with_its_input() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "pipelines.worker", str(os.getpid())], stdin=subprocess.DEVNULL, timeout=60
    )

    assert outcome.returncode == 0


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
