"""Parameters of every security: historical and forward drift, volatility, and the correlation of every pair.

Belongs here: which returns, targets and prices go into them. Does not: any formula, those are in domain/analytics; nor
columns, those are in pipelines/simulations/parameter_tables.py.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa

from domain.analytics.estimates.moments import WINDOW_YEARS
from pipelines.marts.definition import CHECK, checked
from pipelines.runtime.resources import Platform
from pipelines.simulations.parameter_tables import (
    HISTORICAL_MU,
    MARTS,
    VOLATILITY,
    Returns,
    broken_rules,
    correlations,
    forward_mu,
    own_moments,
    refusals,
)
from pipelines.tables.publishing import publish, unchanged_metadata
from pipelines.tables.rebuild_scope import unchanged
from pipelines.tables.table_plots import of_correlations
from pipelines.tables.version_set import pinned
from storage.lake.delta import Lake

PRICES, SECURITIES, TARGETS = "marts/fact_price_daily", "marts/dim_security", "raw/analyst_target"
_MADE_FROM = {
    "marts/security_historical_mu": (PRICES, SECURITIES),
    "marts/security_volatility": (PRICES, SECURITIES),
    "marts/security_correlation": (PRICES, SECURITIES),
    "marts/security_forward_mu": (PRICES, SECURITIES, TARGETS),
}
_QUOTED = {"prices": PRICES, "securities": SECURITIES, "targets": TARGETS}
_RETURNS = f"""
    select security_id, price_date, log_return
    from {{prices}}
    where
        log_return is not null
        and price_date > (select max(price_date) - interval '{WINDOW_YEARS} years' from {{prices}})
"""
_NEWEST_TARGETS = """
    with targets as (
        select securities.security_id, targets.*
        from {targets} as targets
        inner join {securities} as securities using (ticker)
        qualify row_number() over (partition by securities.security_id order by targets.as_of desc) = 1
    ),

    quotes as (
        select
            prices.security_id,
            arg_max(prices.close, prices.price_date) as price,
            arg_max(prices.currency, prices.price_date) as price_currency,
            arg_max(prices.price_kind, prices.price_date) as price_kind,
            max(prices.price_date) as price_date,
            arg_max(prices.split_factor, prices.price_date) as split_factor,
            arg_max(prices.split_factor, prices.price_date) filter (where prices.price_date <= targets.as_of)
                as split_factor_then
        from {prices} as prices
        inner join targets using (security_id)
        group by prices.security_id
    )

    select
        targets.security_id,
        targets.target_mean,
        targets.target_median,
        targets.currency as target_currency,
        targets.as_of as target_as_of,
        targets.n_analysts,
        targets.is_illustrative,
        quotes.* exclude (security_id),
        (select max(price_date) from {prices}) as market_day
    from targets
    left join quotes using (security_id)
    order by targets.security_id
"""


@dg.multi_asset(
    name="security_parameters",
    specs=[
        dg.AssetSpec(
            table.split("/"),
            deps=[dg.AssetKey(source.split("/")) for source in _MADE_FROM[table]],
            description=mart.grain,
            group_name="marts",
            owners=["team:lakefolio"],
            kinds={"python", "deltalake"},
            code_version="1",
            skippable=True,
        )
        for table, mart in MARTS.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=table.split("/"),
            blocking=True,
            description="One row per key, of known securities; a number within its bounds, or a status and a reason.",
        )
        for table in MARTS
    ],
    can_subset=True,
)
def security_parameters(
    context: dg.AssetExecutionContext, platform: Platform
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Made from one reading of the returns; only if all that was made is sound is any of it published."""
    known = [PRICES, SECURITIES, TARGETS]
    seen = pinned(context.instance, context.run.run_id, platform.releases, known=known)
    selected = {"/".join(key.path) for key in context.selected_asset_keys}
    kept = unchanged(context.run, platform.lake, seen, {table: _MADE_FROM[table] for table in selected})
    names = names_of(platform.lake, seen.versions)
    made = estimated(platform.lake, seen.versions, selected.difference(kept))
    broken = {table: broken_rules(MARTS[table], rows, names) for table, rows in made.items()}
    yield from (checked(table, broken.get(table, [])) for table in sorted(selected))
    if any(broken.values()):
        raise dg.Failure(f"not published, as these rules are broken: {broken}", allow_retries=False)
    for table, version in kept.items():
        yield dg.MaterializeResult(asset_key=table.split("/"), metadata=unchanged_metadata(version))
    for table, rows in made.items():
        refused = refusals(MARTS[table], rows, names)
        if refused:
            context.log.warning("%s has no number for %s", table, "; ".join(f"{k}: {v}" for k, v in refused.items()))
        yield publish(
            platform,
            dg.AssetKey(table.split("/")),
            rows,
            context.run.run_id,
            extra={"refused": dg.MetadataValue.json(refused)},
            meanings=MARTS[table].meanings,
            pictures=partial(of_correlations, names=names) if table == "marts/security_correlation" else None,
        )


def names_of(lake: Lake, versions: Mapping[str, int]) -> dict[int, str]:
    """The ticker of every security that there is."""
    with lake.connect() as connection:
        source = lake.scan(SECURITIES, versions[SECURITIES])
        return dict(connection.execute(f"select security_id, ticker from {source}").fetchall())


def estimated(lake: Lake, versions: Mapping[str, int], tables: Collection[str]) -> dict[str, pa.Table]:
    """The rows of each of `tables`."""
    if not tables:
        return {}
    returns = Returns.of(_rows(lake, versions, _RETURNS, prices=PRICES))
    moments = returns.moments()
    volatility = {
        int(security): one.volatility_annual for security, one in zip(returns.securities, moments, strict=True)
    }
    makers = {
        "marts/security_historical_mu": lambda: own_moments(HISTORICAL_MU, returns, moments),
        "marts/security_volatility": lambda: own_moments(VOLATILITY, returns, moments),
        "marts/security_correlation": lambda: correlations(returns),
        "marts/security_forward_mu": lambda: forward_mu(_rows(lake, versions, _NEWEST_TARGETS, **_QUOTED), volatility),
    }
    return {table: makers[table]() for table in makers if table in tables}


def _rows(lake: Lake, versions: Mapping[str, int], query: str, **tables: str) -> pa.Table:
    """Return what `query` finds in `tables`, each at its version."""
    with lake.connect() as connection:
        scans = {name: lake.scan(table, versions[table]) for name, table in tables.items()}
        return connection.execute(query.format(**scans)).to_arrow_table()


ASSETS = [security_parameters]
