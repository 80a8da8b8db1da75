"""The table of OWASP ASVS in `docs/security.md` is whole, and what it calls met is shown by tests that exist."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
_ASKED = {
    **{"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3},
    **{"6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2},
    **{"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "10.1": 2, "10.2": 2, "10.5": 5},
}
"""Requirements of levels 1 and 2 in each section, which come first in all of them (ASVS 5.0.0)."""
_FIRST_LEVEL = {
    "6.1.1", *(f"6.2.{n}" for n in range(1, 9)), "6.3.1", "6.3.2", "6.4.1", "6.4.2", *(f"7.2.{n}" for n in range(1, 5)),
    "7.4.1", "7.4.2", "8.1.1", "8.2.1", "8.2.2", "8.3.1",
}  # fmt: skip
_TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


@dataclass(frozen=True)
class Line:
    number: str
    level: str
    asks: str
    state: str
    why: str


def lines() -> Iterator[Line]:
    for row in re.findall(r"^\| (\d.*) \|$", DOCUMENT.read_text(), flags=re.MULTILINE):
        yield Line(*row.split(" | "))


@cache
def names_of_tests(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text()) if (ROOT / file).exists() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_requirement_of_levels_1_and_2_has_its_line() -> None:
    found = [(each.number, each.level) for each in lines()]
    asked = [f"{section}.{n}" for section, most in _ASKED.items() for n in range(1, most + 1)]
    assert found == [(number, "1" if number in _FIRST_LEVEL else "2") for number in asked]


@pytest.mark.parametrize("line", list(lines()), ids=lambda line: line.number)
def test_what_is_met_names_tests_that_exist_and_the_rest_says_why(line: Line) -> None:
    named = _TEST.findall(line.why)
    assert line.state in ("met", "not met", "not applicable")
    assert bool(named) == (line.state == "met")
    assert [f"{file}::{test}" for file, test in named if test not in names_of_tests(file)] == []
    assert line.why.count("::") == len(named), "a name is not one of a test"


def test_every_place_that_it_points_at_is_there() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-")
        for each in re.findall(r"^##+ (.+)$", (ROOT / "docs" / "accounts.md").read_text(), flags=re.MULTILINE)
    }
    assert set(re.findall(r"accounts\.md#([\w-]+)", DOCUMENT.read_text())) <= headings


def test_control_a_test_that_is_not_there_is_found() -> None:
    assert "test_no_such_thing" not in names_of_tests("tests/oltp_api/test_users.py")
    assert names_of_tests("tests/no_such_file.py") == frozenset()
