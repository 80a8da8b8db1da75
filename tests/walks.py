"""The walks of `docs/walks.md`: what the page says is called, and what was."""

import re
from collections.abc import Iterable
from pathlib import Path
from types import CodeType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Stay(NamedTuple):
    file: str
    function: str


def walk(heading: str) -> list[Stay]:
    """The stays below a heading of the page."""
    page = (ROOT / "docs/walks.md").read_text()
    section = page[page.index(f"## {heading}") :].split("\n## ")[0]
    stays, file = list[Stay](), ""
    for named in re.findall(r"`([\w./]+)`", section):
        if named.endswith((".py", ".sql")):
            file = named
        elif "/" not in named:  # a table
            stays.append(Stay(file, named))
    return stays


def visited(calls: Iterable[CodeType], stays: list[Stay]) -> list[Stay]:
    """The stays that were entered, each once, in the order of the first time."""
    wanted = set(stays)
    found = [Stay(str(Path(call.co_filename).relative_to(ROOT)), call.co_qualname) for call in calls]
    return list(dict.fromkeys(stay for stay in found if stay in wanted))
