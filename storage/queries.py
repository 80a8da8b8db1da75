"""The SQL of a module, read once from a file beside it: every statement stands below a line `-- name: <name>`."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

_ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(file: str) -> Mapping[str, LiteralString]:
    """The statements of a file by name, such as `storage/jobs.sql`."""
    _, *parts = _NAME.split((_ROOT / file).read_text())
    return dict(zip(parts[::2], (our_own(text.strip()) for text in parts[1::2]), strict=True))


def our_own(text: str) -> LiteralString:
    """SQL that no input is in: of a file of this project, of its names, or as the database itself has written it."""
    return cast(LiteralString, text)
