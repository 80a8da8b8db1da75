"""The walks of `docs/walks.md`: requests are traced, and what the page says is what is called, in that order."""

import inspect
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import httpx
import psycopg
import pytest

from oltp_api.app import create_app
from oltp_api.context import LOCAL_USER
from storage.lake.delta import Lake
from storage.postgres.database import Database
from storage.settings import Settings
from tests.conftest import served
from tests.small_release import PORTFOLIO, publish_small_release
from tests.walks import ROOT, visited, walk

OURS = tuple(f"{ROOT / package}/" for package in ("domain", "storage", "application", "oltp_api"))
MOST_LINES = 40


@pytest.fixture
def traced(settings: Settings) -> Iterator[tuple[httpx.Client, Callable[[Callable[[], Any]], list[CodeType]]]]:
    """A client of an application whose every thread is traced, and what calls a request makes."""
    calls: list[CodeType] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            calls.append(frame.f_code)

    def called(request: Callable[[], httpx.Response]) -> list[CodeType]:
        calls.clear()
        assert request().is_success
        return list(calls)

    with _profiled(profile), served(create_app(settings)) as address, httpx.Client(base_url=f"{address}/api/v1") as api:
        yield api, called


@contextmanager
def _profiled(profile: Any) -> Iterator[None]:
    threading.setprofile(profile)
    try:
        yield
    finally:
        threading.setprofile(None)
        sys.setprofile(None)


def test_a_purchase_walks_as_the_page_says(traced) -> None:
    api, called = traced
    portfolio_id = api.post("/portfolios", json={"name": "mine", "initial_cash": "10000"}).json()["portfolio_id"]
    asked = {"type": "BUY", "ticker": "AAPL", "quantity": "1", "price": "10", "fees": "1"}
    api.post(f"/portfolios/{portfolio_id}/transactions", json=asked)

    calls = called(lambda: api.post(f"/portfolios/{portfolio_id}/transactions", json=asked))

    stays = walk("A BUY over HTTP")
    assert len(stays) == 16
    assert visited(calls, stays) == stays
    visits = [call.co_name for call in calls if re.fullmatch(r"Portfolios\.[a-z]\w+", call.co_qualname)]
    loads, saves = ["fetch_later", "fetch_recorded_later"], ["save", "saving"]  # all its steps at once
    assert list(dict.fromkeys(visits)) == loads + saves
    long = [call.co_qualname for call in calls if len(inspect.getsource(call).splitlines()) > MOST_LINES]
    assert set(long) <= {"create_app"}


def test_a_review_has_one_cache_beside_the_mounted_release(traced, lake: Lake, database: Database) -> None:
    api, called = traced
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " values (%s, %s, 'walked', 'USD', 'INVESTMENT', 'UTC') on conflict do nothing",
            (PORTFOLIO, LOCAL_USER),
        )
    publish_small_release(lake)

    first = called(lambda: api.get(f"/portfolios/{PORTFOLIO}/review"))
    again = called(lambda: api.get(f"/portfolios/{PORTFOLIO}/review"))

    stays = walk("A review request")
    assert visited(first, stays) == stays
    computed = {"bodies_of", "LakeAnalyticsRepository.get_reviewed", "review_of", "risk_of"}
    assert [stay.function for stay in visited(again, stays)] == [
        stay.function for stay in stays if stay.function not in computed
    ]
