"""The pages of `docs/` are true: every call in them is made, in its order, and answered as they say."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage.lake.delta import Lake
from storage.postgres.database import Database
from storage.settings import Settings
from tests.apps import app_over
from tests.conftest import served, urls_of
from tests.small_release import publish_small_release

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)


def calls(text: str) -> Iterator[list[str]]:
    """The words of every curl command; a command goes on over the line's end inside quotes."""
    for command in re.split(r"^curl ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        yield shlex.split(command)


def called(client: httpx.Client, words: list[str], variables: dict[str, str]) -> Any:
    """Return the answer to a curl command with -X, -H and -d."""
    method, headers, body, address = "GET", {}, None, ""
    rest = iter(words)
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        else:
            address = re.sub(r"\$(\w+)", lambda name: variables[name[1]], word)
    answer = client.request(method, address, headers=headers, content=body)
    assert answer.is_success, f"{method} {address}: {answer.text}"
    return answer.json()


def is_part_of(said: Any, answered: Any) -> bool:
    if isinstance(said, dict):
        return all(name in answered and is_part_of(value, answered[name]) for name, value in said.items())
    if isinstance(said, list):
        return len(said) == len(answered) and all(map(is_part_of, said, answered))
    return said == "…" or said == answered


def followed(page: str, client: httpx.Client) -> int:
    """Make every call of `docs/<page>`, in its order; how many answers were compared with what the page says."""
    variables = {"API": str(client.base_url).rstrip("/")}
    ids = {"http://localhost:8000/api/v1": variables["API"]}
    answer: Any = None
    compared = 0
    for language, text in _BLOCK.findall((DOCS / page).read_text()):
        if language == "sh":
            for words in calls(text):
                for placeholder, value in ids.items():
                    words = [word.replace(placeholder, value) for word in words]
                answer = called(client, words, variables)
                if words[:2] == ["-X", "POST"] and "portfolio_id" in answer and "kind" in answer:
                    variables["BOOK"] = ids["YOUR_PORTFOLIO_ID"] = answer["portfolio_id"]
                if words[:2] == ["-X", "POST"] and "order_id" in answer:
                    ids["YOUR_ORDER_ID"] = answer["order_id"]
        else:
            assert is_part_of(json.loads(text), answer), f"{text} is not a part of {answer}"
            compared += 1
    return compared


def test_every_call_about_books_is_answered_as_the_page_says(api: httpx.Client) -> None:
    assert followed("books.md", api) == 6


def test_every_call_about_prices_is_answered_as_the_page_says(api: httpx.Client) -> None:
    assert followed("prices.md", api) == 2


def test_every_call_about_orders_is_answered_as_the_page_says(
    settings: Settings, tmp_path: Path, new_database: Callable[[], Database]
) -> None:
    database = new_database()
    lake = Lake(str(tmp_path), lock=nullcontext)
    publish_small_release(lake)
    urls = {**urls_of(database), "lake_uri": lake.root}
    with (
        app_over(settings.model_copy(update=urls)) as app,
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=30) as client,
    ):
        assert followed("orders.md", client) == 6


@pytest.mark.parametrize(
    ("said", "answered"), [({"a": "1"}, {"a": "2"}), ({"a": []}, {"a": [1]}), ({"b": "…"}, {"a": "1"})]
)
def test_control_an_answer_that_differs_is_found(said, answered) -> None:
    assert not is_part_of(said, answered)
