"""Marts that are measured portfolio by portfolio: which portfolios a run measures anew, from what, and publishing them.

A portfolio's measures follow from its days in other marts and from the market; what of those has changed tells whose.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pyarrow as pa

from pipelines.assets.marts import SOURCES_OF
from pipelines.mart import CHECK, Mart, checked
from pipelines.plots import Picture
from pipelines.publishing import Pictures, publish, unchanged_metadata
from pipelines.resources import Platform
from pipelines.scope import PORTFOLIOS, Scope, scope_of, unchanged
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
_SOURCES = sorted(SOURCES_OF["marts/fact_return_daily"])
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
def measuring(run: dg.DagsterRun, platform: Platform, seen: VersionSet, tables: Sequence[str]) -> Iterator[Measuring]:
    """The tables as this run sees them, and whose rows of `tables` are not as they follow from them."""
    scope = scope_of(run, platform.lake, seen, read=_SOURCES, made=tables)
    read = {table: seen.versions[table] for table in READ if table in seen.versions}
    with mounted_unreleased(platform.lake, read) as mounted:
        yield Measuring(LakeAnalyticsRepository(lambda: mounted), scope)


def specs_of(marts: Mapping[str, Mart]) -> dict[str, Any]:
    """The assets and their checks, as a multi-asset wants them told."""
    return {
        "specs": [
            dg.AssetSpec(
                key=table.split("/"),
                deps=[dg.AssetKey(read.split("/")) for read in READ],
                description=mart.grain,
                group_name="marts",
                owners=["team:lakefolio"],
                kinds={"python", "deltalake"},
                code_version="1",
                skippable=True,
            )
            for table, mart in marts.items()
        ],
        "check_specs": [
            dg.AssetCheckSpec(
                CHECK,
                asset=table.split("/"),
                blocking=True,
                description="; ".join([f"{' and '.join(mart.key)} name one row", *mart.rules]).capitalize() + ".",
            )
            for table, mart in marts.items()
        ],
        "can_subset": True,
    }


def made(
    context: dg.AssetExecutionContext,
    platform: Platform,
    marts: Mapping[str, Mart],
    measure: Callable[[Measuring], Mapping[str, pa.Table]],
    pictures: Mapping[str, Callable[[Measuring, pa.Table], Mapping[str, Picture]]],
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Measure what has to be, and publish the selected of `marts`, if all of their rows are sound.

    `measure` gives the rows of every mart; `pictures` are of the rows of some, drawn where all portfolios are measured.
    """
    selected = sorted("/".join(key.path) for key in context.selected_asset_keys)
    seen = pinned(context.instance, context.run.run_id, platform.releases, known=[*READ, *_SOURCES])
    kept = unchanged(context.run, platform.lake, seen, dict.fromkeys(selected, READ))
    for table, version in kept.items():
        yield checked(table, [])
        yield dg.MaterializeResult(asset_key=table.split("/"), metadata=unchanged_metadata(version))
    left = [table for table in selected if table not in kept]
    if not left:
        return
    with measuring(context.run, platform, seen, left) as found:
        rows = measure(found)
        broken = {table: marts[table].broken(rows[table]) for table in left}
        yield from (checked(table, broken[table]) for table in left)
        if any(broken.values()):
            raise dg.Failure(f"not published, as these rules are broken: {broken}", allow_retries=False)
        for table in left:
            yield publish(
                platform,
                dg.AssetKey(table.split("/")),
                rows[table],
                context.run.run_id,
                lake_key=found.scope.key,
                extra=found.scope.metadata,
                meanings=marts[table].meanings,
                pictures=_of_rows(pictures.get(table), found, rows[table]),
            )


def _of_rows(
    draw: Callable[[Measuring, pa.Table], Mapping[str, Picture]] | None, found: Measuring, rows: pa.Table
) -> Pictures:
    return lambda *_: draw(found, rows) if draw and found.scope.is_whole else {}
