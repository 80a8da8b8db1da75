"""Marts that are measured portfolio by portfolio: which portfolios a run measures anew, from what, and publishing them.

A portfolio's measures follow from its days in other marts and from the market; what of those has changed tells whose.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from application.analytics.review import LakeAnalyticsRepository
from pipelines.marts.assets import SOURCES_OF
from pipelines.marts.definition import CHECK, Mart, checked, holding_check
from pipelines.runtime.resources import Platform
from pipelines.tables.holding import Failure, culprits, failure_of
from pipelines.tables.metadata_plots import Picture
from pipelines.tables.publishing import Pictures, publish, unchanged_metadata
from pipelines.tables.rebuild_scope import LEDGER, PORTFOLIOS, RebuildScope, scope_of, unchanged
from pipelines.tables.version_set import VersionSet, pinned
from storage.lake.mounted import mounted_unreleased

READ = (
    "marts/dim_date",
    "marts/dim_security",
    "marts/fact_cash_daily",
    "marts/fact_own_price_daily",
    "marts/fact_portfolio_value_daily",
    "marts/fact_position_daily",
    "marts/fact_price_daily",
    "marts/fact_return_daily",
    "marts/fx_rate_daily",
    "raw/corporate_action",
    "raw/pg_bond_details",
    "raw/price_daily",
    "raw/yield_curve",
    LEDGER,
    PORTFOLIOS,
)
_SOURCES = sorted(SOURCES_OF["marts/fact_return_daily"])
_TOGETHER = 200


@dataclass(frozen=True, slots=True)
class Measuring:
    """Portfolios to measure, those of `scope` but not those `left_out`, in the tables that `analytics` reads."""

    analytics: LakeAnalyticsRepository
    scope: RebuildScope
    left_out: frozenset[str]

    @property
    def portfolios(self) -> list[str]:
        """All of them, in order."""
        asked = self.analytics.get_portfolios(self.scope.portfolios)
        return sorted({one for group in asked.values() for one in group} - self.left_out)

    def only(self, portfolios: Sequence[str]) -> "Measuring":
        return replace(self, scope=replace(self.scope, portfolios=tuple(portfolios)))

    def without(self, portfolios: Iterable[str]) -> "Measuring":
        return replace(self, left_out=self.left_out.union(portfolios))

    def groups(self) -> Iterator[tuple[str, Sequence[str]]]:
        """A currency and some portfolios that count in it; all of the scope in the end, each once."""
        for currency, known in self.analytics.get_portfolios(self.scope.portfolios).items():
            portfolio_ids = [one for one in known if one not in self.left_out]
            for start in range(0, len(portfolio_ids), _TOGETHER):
                yield currency, portfolio_ids[start : start + _TOGETHER]


@contextmanager
def measuring(run: dg.DagsterRun, platform: Platform, seen: VersionSet, tables: Sequence[str]) -> Iterator[Measuring]:
    """The tables as this run sees them, and whose rows of `tables` are not as they follow from them."""
    scope = scope_of(run, platform.lake, seen, read=_SOURCES, made=tables)
    read = {table: seen.versions[table] for table in READ if table in seen.versions}
    with mounted_unreleased(platform.lake, read) as mounted:
        yield Measuring(LakeAnalyticsRepository(lambda: mounted), scope, seen.left_out)


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
                description="; ".join([f"{' and '.join(mart.key)} name one row", *mart.rules]).capitalize()
                + ". Whose rows fail is held.",
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
    """Measure what has to be, and publish the selected of `marts`; who cannot be measured, or has rows that are not
    sound, is held and keeps the rows that are there.

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
        rows, failures = _measured(found, measure, left[0])
        failures += [
            failure_of(portfolio_id, table, CHECK, "; ".join(broken))
            for table in left
            for portfolio_id, broken in marts[table].broken_by_portfolio(rows[table]).items()
        ]
        found = found.without(failure.portfolio_id for failure in failures)
        if failures:
            context.log.warning("held: %s", failures)
        yield from (holding_check(table, [one for one in failures if one.table == table]) for table in left)
        for table in left:
            sound = _without(rows[table], found.left_out)
            scope = found.scope.without(found.left_out)
            yield publish(
                platform,
                dg.AssetKey(table.split("/")),
                sound,
                context.run.run_id,
                lake_key=scope.key,
                kept=found.left_out if scope.is_whole else (),
                extra=scope.metadata,
                meanings=marts[table].meanings,
                pictures=_of_rows(pictures.get(table), found, sound),
            )


def _measured(
    found: Measuring, measure: Callable[[Measuring], Mapping[str, pa.Table]], table: str
) -> tuple[Mapping[str, pa.Table], list[Failure]]:
    """The rows of all who can be measured, and who cannot; the error, if that is nobody's."""
    why: dict[str, Exception] = {}

    def works(chosen: Sequence[str]) -> bool:
        try:
            measure(found.only(chosen))
        except Exception as error:
            why.update(dict.fromkeys(chosen, error))
            return False
        return True

    try:
        return measure(found), []
    except Exception:
        who = culprits(found.portfolios, works)
        if not who:
            raise
    return measure(found.without(who)), [
        failure_of(one, table, CHECK, f"cannot be measured: {why[one]!r}") for one in who
    ]


def _without(rows: pa.Table, portfolios: Collection[str]) -> pa.Table:
    if not portfolios:
        return rows
    return rows.filter(pc.invert(pc.is_in(rows["portfolio_id"], pa.array(sorted(portfolios), pa.string()))))


def _of_rows(
    draw: Callable[[Measuring, pa.Table], Mapping[str, Picture]] | None, found: Measuring, rows: pa.Table
) -> Pictures:
    return lambda *_: draw(found, rows) if draw and found.scope.is_whole else {}
