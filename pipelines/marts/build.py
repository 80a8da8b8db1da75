"""One build of dbt's models and tests over a version set: each fault found is one portfolio's, or stops the build.

Models are built first and tested after, so that a test that fails for one portfolio leaves out no model. A model or
a test that fails with an error is tried again with half of the portfolios, until it is known whose rows it was. Belongs
here: mounting, building, finding out whose fault it was. Does not: publishing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from pipelines.marts.dbt_integration import DbtCoreCliEventMessage
from pipelines.marts.dbt_runner import BuildPart, DbtBuild, DbtRunner
from pipelines.tables.holding import Failure, culprits, failure_of
from storage.lake.delta import Lake
from storage.lake.s3 import enable_s3

_ROWS = """
    select portfolio_id, count(*), cast(any_value(failing) as varchar)
    from ({test}) as failing
    group by portfolio_id
    order by portfolio_id nulls first
"""


class BuildFailed(dg.Failure):
    """A model or a test failed that is not of one portfolio; nothing of the build was published."""


@dataclass(frozen=True, slots=True)
class Models:
    """The manifest's words on what is built: the lake table of each node that is one, those whose rows belong each to a
    portfolio, and the columns of each."""

    tables: Mapping[str, str]
    owned: frozenset[str]
    columns: Mapping[str, Sequence[str]]
    tests: Mapping[str, Mapping[str, Any]]

    def table_of_portfolios(self, test_id: str) -> str | None:
        """The table that a test is on, if it is about one portfolio at a time; None if it is about all."""
        read = [self.tables[name] for name in self.tests[test_id]["depends_on"]["nodes"] if name in self.tables]
        return next((table for table in read if table in self.owned), None)


@dataclass
class MartBuild:
    """A build in `folder` of what `part` names; `everyone` are the portfolios that may be at fault."""

    dbt: DbtRunner
    models: Models
    lake: Lake
    versions: Mapping[str, int]
    folder: Path
    part: BuildPart
    everyone: Callable[[], Sequence[str]]
    failures: list[Failure] = field(default_factory=list)
    events: list[DbtCoreCliEventMessage] = field(default_factory=list)
    scratch: Path = Path()
    built_without: Sequence[str] = ()
    _numbers: Any = field(default_factory=count)

    def build(self, models: Sequence[str]) -> None:
        """Build `models` of all portfolios but those at fault; BuildFailed if it is nobody's."""
        done = self._tried(models, self.part)
        if not done.is_success:
            whose: dict[str, str] = {}

            def works(chosen: Sequence[str]) -> bool:
                tried = self._tried(models, replace(self.part, portfolios=chosen))
                whose.update(dict.fromkeys(chosen, "; ".join(tried.problems)))
                return tried.is_success

            who = culprits(self.everyone(), works)
            if not who:
                raise _failed(done)
            table = next((self.models.tables[name] for name in done.failing if name in self.models.tables), "marts")
            self._hold([failure_of(one, table, "can_be_built", whose[one]) for one in who])
            done = self._tried(models, self.part)
            if not done.is_success:
                raise _failed(done)
        self.events += done.events

    def test(self, tests: Sequence[str]) -> Mapping[str, Sequence[Failure]]:
        """Run `tests` on what was built; by the name of each test that failed, whose fault it was. BuildFailed if
        one is about all portfolios, or does not say whose rows fail."""
        done = self.dbt.test(self.scratch, tests, self.part)
        self.events += done.events
        found: dict[str, Sequence[Failure]] = {}
        for test_id, query in sorted(done.failing.items()):  # dbt tells them as its threads end
            table = self.models.table_of_portfolios(test_id)
            name = str(self.models.tests[test_id]["name"])
            who = self._whose(table, name, query) if table and query else []
            if not who:
                raise _failed(done)
            found[name] = who
        self._hold([failure for who in found.values() for failure in who])
        return found

    def _tried(self, models: Sequence[str], part: BuildPart) -> DbtBuild:
        """In a scratch database of its own: a process that has run dbt keeps the old one open under the same name."""
        place = self.folder / str(next(self._numbers))
        place.mkdir()
        self.scratch, self.built_without = place / "scratch.duckdb", part.left_out
        with closing(duckdb.connect(self.scratch)) as connection:
            mount(connection, self.lake, self.versions, self.models)
        return self.dbt.build(self.scratch, models, part)

    def _hold(self, failures: Sequence[Failure]) -> None:
        """Leave these out from now on."""
        self.failures += failures
        together = sorted({*self.part.left_out, *(failure.portfolio_id for failure in failures)})
        self.part = replace(self.part, left_out=together)

    def _whose(self, table: str, name: str, query: str) -> list[Failure]:
        try:
            with closing(self._connected()) as connection:
                rows = connection.execute(_ROWS.format(test=query)).fetchall()
        except duckdb.Error as error:
            return self._whose_error(table, name, error)
        if any(portfolio_id is None for portfolio_id, *_ in rows):
            return []
        return [failure_of(one, table, name, f"{n} rows, such as {row}") for one, n, row in rows]

    def _whose_error(self, table: str, name: str, error: duckdb.Error) -> list[Failure]:
        """Find the portfolios on whose rows the test cannot even run."""
        models = sorted(table.partition("/")[2] for table in self.models.columns)
        built, built_without = self.scratch, self.built_without

        def works(chosen: Sequence[str]) -> bool:
            part = replace(self.part, portfolios=chosen)
            return self._tried(models, part).is_success and self.dbt.test(self.scratch, [name], part).is_success

        who = culprits(self.everyone(), works)
        self.scratch, self.built_without = built, built_without
        return [failure_of(one, table, name, error) for one in who]

    def _connected(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(self.scratch)
        enable_s3(connection, self.lake.storage_options)
        return connection


def mount(connection: Any, lake: Lake, versions: Mapping[str, int], models: Models) -> None:
    """Every pinned table under its own name, and marts under `published` too, if they have the columns that their model
    makes: there a part finds the rows beside it."""
    lake.mount(connection, versions)
    fitting = {
        table: version
        for table, version in versions.items()
        if table in models.columns and lake.columns(table, version) == list(models.columns[table])
    }
    lake.mount(connection, fitting, as_schema="published")


def _failed(done: DbtBuild) -> BuildFailed:
    return BuildFailed("; ".join(done.problems) or "dbt failed", allow_retries=False)
