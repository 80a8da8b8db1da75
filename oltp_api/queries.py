"""The SQL of this package, read once from `sql/*.sql`: every statement stands below a line `-- name: <name>`."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(file: str) -> Mapping[str, str]:
    """The statements of `sql/<file>.sql` by name."""
    _, *parts = _NAME.split((_FOLDER / f"{file}.sql").read_text())
    return dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))
