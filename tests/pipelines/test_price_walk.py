"""The walk of a price on `docs/walks.md`, traced from its source into the lake: each rule runs once."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import dagster as dg
import pytest

from pipelines.ingestion.market import ACTIONS, PRICES, prices_and_actions
from pipelines.quality.actions import RULES
from pipelines.quality.verdicts import Rule
from pipelines.runtime.resources import Market, Platform
from storage.postgres.database import Database
from tests.conftest import urls_of
from tests.walks import ROOT, visited, walk

QUALITY = f"{ROOT / 'pipelines/quality'}/"
YEAR = "2013"


class Trace:
    """All calls of ours, and how often each rule was asked."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.asked: Counter[tuple[str, str]] = Counter()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code, caller = frame.f_code, frame.f_back
        if event != "call" or not code.co_filename.startswith(str(ROOT)):
            return
        self.calls.append(code)
        if caller and caller.f_code.co_filename.startswith(QUALITY):
            rule = caller.f_locals.get("rule")
            if isinstance(rule, Rule) and _code_of(rule.find) is code:
                self.asked[Path(caller.f_code.co_filename).stem, rule.reason] += 1


def _code_of(find: Any) -> Any:
    return (find.func if isinstance(find, partial) else find).__code__


@contextmanager
def traced() -> Iterator[Trace]:
    trace = Trace()
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(None)


@pytest.fixture
def platform(new_database: Callable[[], Database], tmp_path: Path) -> Platform:
    return Platform(
        lakefolio_home=str(tmp_path),
        lake_uri=str(tmp_path / "a lake"),
        market_source="as_traded",
        **urls_of(new_database()),
    )


def made(platform: Platform, *keys: dg.AssetKey) -> bool:
    done = dg.materialize(
        [prices_and_actions],
        selection=list(keys),
        partition_key=YEAR,
        resources={"platform": platform, "market": Market(platform=platform)},
    )
    return done.success


def test_a_price_walks_as_the_page_says_and_each_rule_runs_once(platform: Platform) -> None:
    """The last year of a real market, of which the first audit is shown its splits and dividends too."""
    with traced() as trace:
        assert made(platform, PRICES, ACTIONS)

    stays = [stay for stay in walk("A price, from its source to the mart") if stay.file.endswith(".py")]
    assert visited(trace.calls, stays) == stays
    assert set(trace.asked.values()) == {1}
    assert Counter(audit for audit, _ in trace.asked) == {"prices": 12, "actions": len(RULES)}
    entered = Counter(code.co_name for code in trace.calls if code.co_filename.startswith(QUALITY))
    once = {name: entered[name] for name in ("audited", "audited_actions", "audited_adjusted")}
    assert set(once.values()) == {1}
    assert entered["audited_restatement"] == 2, "of prices, and of dividends"


@pytest.mark.parametrize("key", [PRICES, ACTIONS])
def test_either_is_made_alone(platform: Platform, key: dg.AssetKey) -> None:
    assert made(platform, key)

    tables = ["/".join(one.path) for one in (PRICES, ACTIONS)]
    assert set(platform.lake.versions(tables)) == {"/".join(key.path)}
