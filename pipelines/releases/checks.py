"""Checks that are not dbt tests: what the market and the replica must be before anything is released, and what a
release may say otherwise than the one before it."""

from datetime import timedelta

import dagster as dg

from pipelines.releases.diff_check import compared
from pipelines.runtime.resources import Platform
from pipelines.tables.holding import failed_metadata, failure_of
from pipelines.tables.version_set import pinned

_RELEASE = dg.AssetKey(["meta", "release"])
_LATEST_DAYS = """
    select
        (select max(price_date) from {prices}) as last_price,
        (select max(calendar_date) from {calendar} where is_trading_day and calendar_date <= ?) as last_session
"""
_PROJECTED = """
    portfolio_id, account_id, security_id, quantity, cost_basis, realised, cost_basis_base, realised_base,
    realised_fx_base, is_basis_known, is_realised_known, cost_method
"""
_REPLAYED = f"""
    with folded as (
        select {_PROJECTED} from {{intervals}} where valid_to is null and quantity <> 0
    ),

    recorded as (
        select {_PROJECTED} from {{projected}} inner join {{portfolios}} using (portfolio_id)
    )

    select portfolio_id, count(*)
    from ((from folded except all from recorded) union all (from recorded except all from folded))
    where portfolio_id not in (select unnest($left_out))
    group by portfolio_id
    order by portfolio_id
"""
_DISPOSED = """
    with realised as (
        select portfolio_id, account_id, security_id, realised, realised_base, realised_fx_base
        from {intervals}
        where valid_to is null and is_realised_known
    ),

    disposed as (
        select
            portfolio_id,
            account_id,
            security_id,
            sum(gain) as gain,
            sum(gain_base) as gain_base,
            sum(fx_gain_base) as fx_gain_base
        from {disposals}
        group by portfolio_id, account_id, security_id
    )

    select portfolio_id, count(*)
    from realised left join disposed using (portfolio_id, account_id, security_id)
    where
        (
            realised <> coalesce(gain, 0)
            or realised_base <> coalesce(gain_base, 0)
            or realised_fx_base <> coalesce(fx_gain_base, 0)
        )
        and portfolio_id not in (select unnest($left_out))
    group by portfolio_id
    order by portfolio_id
"""


@dg.asset_check(
    asset=dg.AssetKey(["raw", "price_daily"]),
    additional_deps=[dg.AssetKey(["raw", "trading_calendar"])],
    description="There are prices for the newest session that should have them.",
)
def prices_are_fresh(context: dg.AssetCheckExecutionContext, platform: Platform) -> dg.AssetCheckResult:
    tables = _scans(context, platform, prices="raw/price_daily", calendar="raw/trading_calendar")
    if tables is None:
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="nothing to compare")
    with platform.lake.connect() as connection:
        row = connection.execute(_LATEST_DAYS.format(**tables), [platform.market_today]).fetchone()
    assert row is not None
    last_price, last_session = row
    is_fresh = bool(last_price and last_session and last_price >= last_session - timedelta(days=1))
    metadata = {"last price": str(last_price), "last session": str(last_session)}
    return dg.AssetCheckResult(passed=is_fresh, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


@dg.asset_check(
    asset=dg.AssetKey(["positions", "position_interval"]),
    additional_deps=[
        dg.AssetKey(["positions", "disposal"]),
        dg.AssetKey(["raw", "pg_position_current"]),
        dg.AssetKey(["raw", "pg_portfolio"]),
    ],
    blocking=True,
    description=(
        "The ledger replayed is the database's own projection: quantity, cost and gain, also in base currency, by the "
        "portfolio's method and with what is unknown, to the last decimal; and its disposals sum to the gain. Whose "
        "is not is held."
    ),
)
def replay_is_the_projection(context: dg.AssetCheckExecutionContext, platform: Platform) -> dg.AssetCheckResult:
    tables = _scans(
        context,
        platform,
        intervals="positions/position_interval",
        disposals="positions/disposal",
        projected="raw/pg_position_current",
        portfolios="raw/pg_portfolio",
    )
    if tables is None:
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="nothing to compare")
    seen = pinned(context.instance, context.run.run_id, platform.releases)
    with platform.lake.connect() as connection:
        left_out = {"left_out": sorted(seen.left_out)}
        found = {
            "positions/position_interval": connection.execute(_REPLAYED.format(**tables), left_out).fetchall(),
            "positions/disposal": connection.execute(_DISPOSED.format(**tables), left_out).fetchall(),
        }
    failures = [
        failure_of(portfolio_id, table, "replay_is_the_projection", f"{count} differences")
        for table, rows in found.items()
        for portfolio_id, count in rows
    ]
    return dg.AssetCheckResult(
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN,  # it holds these, and stops nobody
        metadata={
            "differences": sum(count for rows in found.values() for _, count in rows),
            **failed_metadata(failures),
        },
    )


@dg.asset_check(
    asset=_RELEASE,
    description=(
        "What a new release says otherwise than the one before it has a cause: ledger rows, prices, rates, settings or "
        "other code."
    ),
)
def restatements_have_a_cause(context: dg.AssetCheckExecutionContext, platform: Platform) -> dg.AssetCheckResult:
    releases = platform.releases
    head = releases.head()
    newest = releases.get(head.made_from) if head else None
    if newest is None:
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="nothing to compare")
    is_alone = _RELEASE not in context.job_def.asset_layer.selected_asset_keys
    if newest.run_id != context.run.run_id and not is_alone:
        return dg.AssetCheckResult(passed=True, description="nothing restated: there is no new release")
    before = releases.get(newest.parent_id) if newest.parent_id else None
    result = compared(platform.lake, before, newest)
    if not result.passed:
        context.log.warning(result.description)
    return result


def _scans(context: dg.AssetCheckExecutionContext, platform: Platform, **tables: str) -> dict[str, str] | None:
    """Each table as this run sees it, as a DuckDB expression; None if one was never published."""
    versions = pinned(context.instance, context.run.run_id, platform.releases, known=list(tables.values())).versions
    if not all(table in versions for table in tables.values()):
        return None
    return {name: platform.lake.scan(table, versions[table]) for name, table in tables.items()}


CHECKS = [prices_are_fresh, replay_is_the_projection, restatements_have_a_cause]
