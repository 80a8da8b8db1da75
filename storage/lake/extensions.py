"""DuckDB's extensions, from their wheels: signed files beside the interpreter; nothing is downloaded."""

import importlib.util
from importlib.metadata import version
from pathlib import Path

from storage.errors import SetupError


def extension(name: str) -> Path:
    """The extension's file, of exactly the DuckDB that is installed."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise SetupError(f"the package duckdb-extension-{name.replace('_', '-')} is not installed; run `make install`")
    found = sorted(Path(spec.origin).parent.rglob(f"{name}.duckdb_extension"))
    installed = version("duckdb")
    for path in found:
        if path.parent.name == f"v{installed}":
            return path
    raise SetupError(f"the wheel of {name} is not for DuckDB {installed}; install the locked versions")
