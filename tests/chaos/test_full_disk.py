"""A running state whose disk is full: one sentence, nothing half done, and all goes on by itself once there is room.

The state is on a small disk of its own (tmpfs, so mounting must be allowed: root has it). `make chaos` runs this; what
is said of each kind of refusal is tested by tests/storage/test_outages.py in `make test`.
"""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from ops import processes
from tests.e2e.test_commands import make, refused
from tests.e2e.test_up_and_down import Up
from tests.waiting import wait_until

MEGABYTES = 1200


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    home = tmp_path / "small disk"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "none", str(home)], check=True)
    opened = Up(home, processes.free_port(), processes.free_port(), [])
    try:
        started = make("up", *opened.words, seconds=600)
        assert started.returncode == 0, started.stderr
        yield opened
    finally:
        make("down", opened.words[0])
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill(home: Path) -> Path:
    filler = home / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"\0" * 65536)
            file.flush()
    return filler


def test_a_full_disk_is_said_in_one_sentence_and_all_goes_on_once_there_is_room(up: Up) -> None:
    with up.api as api:
        created = api.post("/portfolios", json={"name": "mine", "initial_cash": "1000"}).json()
        address = f"/portfolios/{created['portfolio_id']}"

        def deposit(number: int) -> httpx.Response | None:
            with suppress(httpx.TransportError):  # the API itself may be away for a moment
                body = {"type": "DEPOSIT", "amount": "1", "note": "x" * 500}
                headers = {"Idempotency-Key": f"deposit-{number}"}
                return api.post(f"{address}/transactions", json=body, headers=headers)
            return None

        def ready() -> int:
            with suppress(httpx.TransportError):
                return api.get("/health/ready").status_code
            return 0

        filler = fill(up.home)
        answers = []
        for number in range(1, 500):
            answers.append(deposit(number))
            if answers[-1] is None or answers[-1].status_code != 201:
                break
        stored = sum(answer is not None and answer.status_code == 201 for answer in answers)
        last = answers[-1]
        wait_until(lambda: ready() != 200, 60)
        refresh = make("refresh", up.words[0], seconds=300)

        assert last is None or (last.status_code, "Retry-After" in last.headers) == (503, True), last
        assert refresh.returncode != 0
        assert "insert into" not in (refresh.stdout + refresh.stderr).lower()
        assert "Traceback" not in refresh.stderr
        assert "disk is full" in refresh.stdout + refresh.stderr

        filler.unlink()
        wait_until(lambda: ready() == 200, 180)
        again = deposit(len(answers))
        assert again is not None
        assert again.status_code == 201
        assert api.get(address).json()["version"] == 1 + stored + (again.status_code == 201)
        assert make("verify", up.words[0]).returncode == 0
        assert "run already" in refused(make("up", *up.words))
