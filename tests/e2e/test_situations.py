"""Every reported situation is right, or refused by name: requests, one release for all of them, and answers."""

from typing import Any

import pytest

from tests.e2e.conftest import SITUATIONS


@pytest.mark.parametrize("name", [one["id"] for one in SITUATIONS])
def test_a_situation_that_others_reported_is_right_or_refused(name: str, books: dict[str, Any]) -> None:
    verdict, *why = books["situations"][name]

    assert verdict in ("right", "refused"), "\n".join(why)
