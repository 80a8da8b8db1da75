"""dagster-dbt, imported without dbt: what makes dbt's models assets, and its events Dagster's.

Every process that looks at the graph imports this: the daemon, runs, commands. dagster-dbt takes from dbt only the
words of its statuses, and has them itself for where dbt is not installed; importing dbt for them took half of the 4 s
(of CPU) in which the graph is loaded (2026-11-29). dbt itself is imported by who runs it (dbt_runner.py). Nor is
sqlglot imported, a seventh of what was left: it finds out which column comes from which, and no event is asked that.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_ASKED_FOR = "dbt.version"  # dagster_dbt.compat asks for it to find out whether dbt is installed
_COLUMN_LINEAGE = ("expressions", "lineage", "optimizer")


@contextmanager
def _as_if_not_installed() -> Iterator[None]:
    """Have an import of dbt fail while inside, as Python documents of None in sys.modules."""
    imported = sys.modules.pop(_ASKED_FOR, None)
    sys.modules[_ASKED_FOR] = None  # pyrefly: ignore[unsupported-operation]
    try:
        yield
    finally:
        del sys.modules[_ASKED_FOR]
        if imported is not None:
            sys.modules[_ASKED_FOR] = imported


class _ColumnLineage(ModuleType):
    """A module of sqlglot in which every name is there, and nothing can be done with it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


@contextmanager
def _without_column_lineage() -> Iterator[None]:
    """Have who imports sqlglot while inside get `_ColumnLineage` of it, unless it is there already."""
    names = [] if "sqlglot" in sys.modules else ["sqlglot", *(f"sqlglot.{part}" for part in _COLUMN_LINEAGE)]
    sys.modules.update((name, _ColumnLineage(name)) for name in names)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


@contextmanager
def quiet_root_logger() -> Iterator[None]:
    """Leave the root logger as it was: snowplow, which dbt imports, has everything that is logged printed once more."""
    root = logging.getLogger()
    handlers = [*root.handlers]
    try:
        yield
    finally:
        root.handlers = handlers


with _as_if_not_installed(), _without_column_lineage():
    from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
    from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

__all__ = [
    "DagsterDbtTranslator",
    "DagsterDbtTranslatorSettings",
    "DbtCoreCliEventMessage",
    "dbt_assets",
    "quiet_root_logger",
]
