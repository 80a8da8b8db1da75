"""Tables of simulations: their rows and the summary say one thing, and tables of an older code get new columns once."""

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from pipelines.simulations import assets
from pipelines.simulations.assets import grow
from storage.lake.delta import Lake

PATHS = "simulation/simulation_path"
OLD = pa.table({"simulation_id": ["a", "b"], "release_id": [1, 1], "p50": [1.0, 2.0]})
NEW = pa.table({"simulation_id": ["b"], "release_id": [2], "p50": [3.0], "p50_error": [0.1], "deflator": [None]})
NEW = NEW.set_column(4, "deflator", NEW["deflator"].cast(pa.float64()))


@pytest.fixture
def old_version(lake: Lake) -> int:
    """Also if a test before has given the table new columns."""
    return lake.publish(PATHS, OLD).version


def published(lake: Lake) -> None:
    """As a simulation does with what it came to."""
    asked: Any = SimpleNamespace(simulation_id="b")
    of: Any = SimpleNamespace(lake=lake, made_from=2)
    outcome = assets.SimulationOutcome(asked, 1, {"simulation_path": NEW})
    assets._published(of, of, outcome, "simulation_path", "run")


def test_an_old_table_gets_new_columns_once_and_keeps_its_rows(lake: Lake, old_version: int) -> None:
    published(lake)
    published(lake)

    assert lake.version(PATHS) == old_version + 2, "the second time there is nothing to grow"
    rows = sorted(lake.read(PATHS).to_pylist(), key=lambda row: (row["release_id"], row["simulation_id"]))
    assert [(row["simulation_id"], row["p50"], row["p50_error"]) for row in rows] == [
        ("a", 1.0, None),
        ("b", 2.0, None),
        ("b", 3.0, 0.1),
    ]


def test_an_older_version_opens_as_it_was(lake: Lake, old_version: int) -> None:
    grow(lake, PATHS, NEW.schema)

    assert lake.read(PATHS, old_version).schema.names == OLD.schema.names


def test_without_growing_rows_with_new_columns_are_refused(lake: Lake, old_version: int) -> None:
    """The control."""
    with pytest.raises(Exception, match="publish it whole"):
        lake.publish(PATHS, NEW, key={"simulation_id": "b", "release_id": 2})
