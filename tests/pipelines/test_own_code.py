"""The daemon and the web server have the graph in their own process, and end when its code is another."""

import signal
from collections.abc import Iterator
from types import SimpleNamespace

import dagster as dg
import psutil
import pytest

from pipelines.runtime import own_code
from pipelines.runtime.webserver import Workspaces


@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`")  # Dagster's own look at it
def test_the_graph_is_in_the_process_that_asks_for_it_and_no_other_is_started() -> None:
    before = psutil.Process().children()
    with (
        dg.DagsterInstance.local_temp() as instance,
        Workspaces(instance, own_code.OwnCode()) as workspace,
    ):
        workspace.reload_workspace()  # as a button of the UI does
        (entry,) = workspace.get_current_workspace().code_location_entries.values()
        assert entry.code_location is not None, entry.load_error
        (repository,) = entry.code_location.get_repositories().values()

        assert {"refresh", "pick_up", "simulate"} <= {job.name for job in repository.get_all_jobs()}
        assert {sensor.name for sensor in repository.get_sensors()} == {"ledger_is_ahead", "requests_are_due"}
        assert entry.origin.location_name == "lakefolio"
        assert psutil.Process().children() == before


@pytest.fixture
def ended() -> Iterator[list[int]]:
    """The signals that would have ended this process."""
    numbers: list[int] = []
    own = signal.signal(signal.SIGTERM, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, own)


@pytest.mark.parametrize(
    ("codes", "moments"),
    [("AAAB", [0, 30, 60]), ("AAAA", [0, 30, 60, -1000])],
    ids=["other code", "a clock that was set back"],
)
def test_a_process_ends_once_its_code_or_its_clock_is_another(
    ended: list[int], monkeypatch: pytest.MonkeyPatch, codes: str, moments: list[float]
) -> None:
    code, clock, slept = iter(codes), iter(moments), []
    at_once = SimpleNamespace(time=lambda: next(clock), monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr(own_code, "time", at_once)
    monkeypatch.setattr(own_code, "computed_code_version", lambda: next(code))

    own_code.end_when_outdated()

    assert (ended, slept) == ([signal.SIGTERM], [30, 30])
