"""Programs that a run of the tests starts hear SIGTERM, however the run was started itself."""

import signal
import subprocess
import sys

from dagster._utils.interrupts import capture_interrupts

from tests.conftest import interruptible


def heard_by_a_program() -> str:
    """The name of what a program does at SIGTERM that this process starts after a run of Dagster."""
    with capture_interrupts():
        pass
    code = "import signal; print(signal.getsignal(signal.SIGTERM).name)"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_programs_of_a_run_in_the_background_hear_sigterm_after_a_run_of_dagster() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell's script does it
        assert heard_by_a_program() == "SIG_IGN", "the control"

        interruptible()
        assert heard_by_a_program() == "SIG_DFL"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
