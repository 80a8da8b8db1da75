"""Marts that are measured portfolio by portfolio: which portfolios a run measures anew, from what, and publishing them.

A portfolio's measures follow from its days in other marts and from the market; what of those has changed tells whose.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.resources import Platform
from pipelines.scope import PORTFOLIOS, Scope, scope_of
from pipelines.version_set import VersionSet, pinned
from storage.analytics import LakeAnalyticsRepository
from storage.mounted import mounted_unreleased

READ = (
    "marts/dim_date",
    "marts/dim_security",
    "marts/fact_cash_daily",
    "marts/fact_portfolio_value_daily",
    "marts/fact_position_daily",
    "marts/fact_price_daily",
    "marts/fact_return_daily",
    "raw/price_daily",
    PORTFOLIOS,
)
MONEY = pa.decimal128(28, 8)
_TOGETHER = 200


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is measured: the portfolios of `scope` in the tables that `analytics` reads."""

    analytics: LakeAnalyticsRepository
    scope: Scope

    def groups(self) -> Iterator[tuple[str, Sequence[str]]]:
        """A currency and some portfolios that count in it; all of the scope in the end, each once."""
        for currency, portfolio_ids in self.analytics.get_portfolios(self.scope.portfolios).items():
            for start in range(0, len(portfolio_ids), _TOGETHER):
                yield currency, portfolio_ids[start : start + _TOGETHER]


@contextmanager
def measuring(
    context: dg.AssetExecutionContext, platform: Platform, made: Sequence[str], sources: Sequence[str]
) -> Iterator[Measuring]:
    """The tables as this run sees them, and whose rows of the tables `made` are not as they follow from `sources`."""
    seen = pinned(context.instance, context.run.run_id, platform.releases, known=[*READ, *sources])
    scope = scope_of(context.run, platform.lake, seen, read=sources, made=made)
    with mounted_unreleased(platform.lake, _read(seen)) as mounted:
        yield Measuring(LakeAnalyticsRepository(lambda: mounted), scope)


def _read(seen: VersionSet) -> Mapping[str, int]:
    return {table: seen.versions[table] for table in READ if table in seen.versions}


def table_of(schema: pa.Schema, columns: Mapping[str, object]) -> pa.Table:
    """The columns of `schema` by name, NaN as null, amounts rounded to 8 places; null where one is not given."""
    n = len(next(iter(columns.values())))  # type: ignore[arg-type]
    arrays = [
        _array(columns[field.name], field.type) if field.name in columns else pa.nulls(n, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: object, kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        return pa.array(np.round(np.asarray(column, dtype=float), 8), from_pandas=True).cast(kind)
    array = pa.array(column, from_pandas=True)
    return pc.cast(array, kind)
