"""Every reported situation is right, or refused by name: requests, one release for all of a market, and answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.yardsticks.fresh_states import run_in
from tests.yardsticks.situations import Outcome

SITUATIONS = json.loads((Path(__file__).parents[1] / "cases" / "situations.json").read_text())
BEGINS_WITH = {"sample": "demo", "as_traded": "as_traded"}
"""Frozen states with a release of the market, which other tests have built: the situations add to it."""


@pytest.fixture(scope="module")
def outcomes(new_home: Any) -> dict[str, Outcome]:
    """The outcome of each situation, all of a market in one state."""
    found: dict[str, Outcome] = {}
    for market in dict.fromkeys(one["market"] for one in SITUATIONS):
        stated = [one for one in SITUATIONS if one["market"] == market]
        with new_home(lambda _: "", market, begins_with=BEGINS_WITH[market]) as state:
            found |= dict(zip((one["id"] for one in stated), run_in(state, stated, state.pick_up), strict=True))
    return found


@pytest.mark.parametrize("name", [one["id"] for one in SITUATIONS])
def test_a_situation_that_others_reported_is_right_or_refused(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].verdict in ("right", "refused"), "\n".join(outcomes[name].why)
