"""A process as its pid and the moment of its start.

A pid alone names a stranger sooner or later: after a reboot at the latest. The start is counted from the boot and not
by the clock, which may be set back: psutil's `create_time` moves with it.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

_STATE, _START = 0, 19
"""Fields of /proc/<pid>/stat behind the program's name."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process and no other that ever has its pid; as text `<pid>@<start>`."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The process that has `pid` now, or None; one that has ended and waits for its parent is none."""
        started = _started(pid)
        return cls(pid, started) if started else None

    @classmethod
    def parse(cls, text: str) -> "ProcessId | None":
        """Read the text that `str` gives; None for anything else."""
        pid, _, started = text.strip().partition("@")
        return cls(int(pid), started) if pid.isdecimal() and started else None

    def __str__(self) -> str:
        return f"{self.pid}@{self.started}"

    def is_alive(self) -> bool:
        return _started(self.pid) == self.started

    def send(self, number: signal.Signals) -> bool:
        """Signal this process, never a stranger with its pid; False if it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            if not hasattr(os, "pidfd_open"):
                return self._send_by_pid(number)
            handle = os.pidfd_open(self.pid)
            try:  # once the handle is open, the pid cannot be given to another before the signal
                if self.is_alive():
                    signal.pidfd_send_signal(handle, number)
                    return True
            finally:
                os.close(handle)
        return False

    def _send_by_pid(self, number: signal.Signals) -> bool:
        if not self.is_alive():
            return False
        os.kill(self.pid, number)
        return True


def working_folder(pid: int) -> Path | None:
    """The folder a process works in; None if it is gone or not ours to look at."""
    try:
        return Path(psutil.Process(pid).cwd())
    except psutil.Error:
        return None


def _started(pid: int) -> str | None:
    boot = _boot()
    if boot is None:
        return _started_by_the_clock(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if fields[_STATE] in "ZX" else f"{boot}/{fields[_START]}"


def _started_by_the_clock(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


@cache
def _boot() -> str | None:
    """The id of this boot; None where the system has none (macOS)."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    return None
