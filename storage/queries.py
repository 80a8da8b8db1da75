"""The SQL of a package, read once from its `sql/*.sql`: every statement stands below a line `-- name: <name>`."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(package: str, file: str) -> Mapping[str, str]:
    """The statements of `<package>/sql/<file>.sql` by name."""
    _, *parts = _NAME.split((_ROOT / package / "sql" / f"{file}.sql").read_text())
    return dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))
