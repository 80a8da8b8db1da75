"""`docs/books.md` is true: every call in it is made, in its order, and every answer in it is what comes back."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "books.md"
_BLOCK = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)


def calls(text: str) -> Iterator[list[str]]:
    """The words of every curl command; a command goes on over the line's end inside quotes."""
    for command in re.split(r"^curl ", text, flags=re.MULTILINE)[1:]:
        yield shlex.split(command)


def called(client: httpx.Client, words: list[str], variables: dict[str, str]) -> Any:
    """What a curl command with -X, -H and -d answers."""
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


def test_every_call_of_the_page_is_answered_as_it_says(api: httpx.Client) -> None:
    variables = {"API": str(api.base_url).rstrip("/")}
    answer: Any = None
    compared = 0
    for language, text in _BLOCK.findall(PAGE.read_text()):
        if language == "sh":
            for words in calls(text):
                answer = called(api, words, variables)
                if words[:2] == ["-X", "POST"] and "portfolio_id" in answer and "kind" in answer:
                    variables["BOOK"] = answer["portfolio_id"]
        else:
            assert is_part_of(json.loads(text), answer), f"{text} is not a part of {answer}"
            compared += 1

    assert compared == 6


@pytest.mark.parametrize(
    ("said", "answered"), [({"a": "1"}, {"a": "2"}), ({"a": []}, {"a": [1]}), ({"b": "…"}, {"a": "1"})]
)
def test_control_an_answer_that_differs_is_found(said, answered) -> None:
    assert not is_part_of(said, answered)
