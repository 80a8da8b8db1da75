"""Hashes of code and data: what a result hangs on, so that it can be said when it was made by something else."""

import ast
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from storage.settings import REPOSITORY


def hash_of_code(names: Iterable[str]) -> str:
    """SHA-256 of the files and folders `names` in the repository; of Python without comments, docstrings and empty
    lines."""
    paths = [path for name in names for path in _files(REPOSITORY / name)]
    return hash_of(_code_lines(path) if path.suffix == ".py" else path.read_bytes() for path in paths)


def hash_of(contents: Iterable[bytes]) -> str:
    """SHA-256 of all contents in their order, each one's end told from the next one's begin."""
    whole = sha256()
    for content in contents:
        whole.update(sha256(content).digest())
    return whole.hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _code_lines(path: Path) -> bytes:
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for place in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[place] = ""
    code = (line.strip() for line in lines)
    return "\n".join(line for line in code if line and not line.startswith("#")).encode()
