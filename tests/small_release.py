"""A lake with one small release, for tests of what reads releases."""

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from storage.lake.delta import Lake, memory_duckdb
from storage.lake.releases import Release, Releases, is_result
from storage.postgres.horizon import VisibilitySnapshot

PORTFOLIO = UUID("11111111-1111-4111-8111-111111111111")
SIMULATION = UUID("22222222-2222-4222-8222-222222222222")
AS_OF = date(2017, 3, 29)
NOWHERE = VisibilitySnapshot("10:10:", "cluster")

TABLES = {
    "marts/dim_security": """
        select
            col0::bigint as security_id, col1 as ticker, 'EQUITY' as asset_type, 'USD' as currency,
            col1 || ' Inc.' as display_name, 'XNAS' as exchange, 'US' as country, 'Tech' as sector,
            null::varchar as isin,
            null::varchar as industry, null::varchar as issuer, null::varchar as issuer_class, col2 as price_kind,
            col3::date as first_price_date, col4::date as last_price_date
        from (values
            (1, 'AAPL', 'TOTAL_RETURN', '2017-03-27', '2017-03-29'),
            (2, 'MSFT', 'TOTAL_RETURN', '2017-03-27', '2017-03-28'),
            (3, 'GHOST', null, null, null)
        )""",
    "marts/fact_price_daily": """
        select
            col0::bigint as security_id, col1::date as price_date, col2::decimal(18, 8) as close,
            'USD' as currency, 'TOTAL_RETURN' as price_kind, 'MARKET' as price_source,
            null::double as simple_return, col3::double as log_return, 0::decimal(18, 8) as accrued,
            1::decimal(18, 8) as split_factor
        from (values
            (1, '2017-03-27', 100, null), (1, '2017-03-28', 110, 0.0953), (1, '2017-03-29', 121, 0.0953),
            (2, '2017-03-27', 50, null), (2, '2017-03-28', 40, -0.2231)
        )""",
    "marts/fact_position_daily": f"""
        select
            '{PORTFOLIO}' as portfolio_id, col0::bigint as account_id, col1::bigint as security_id,
            col2::date as business_date, col3::decimal(18, 8) as quantity,
            col4::decimal(28, 8) as cost_basis, (col4 / col3)::decimal(28, 8) as avg_cost,
            col5::decimal(28, 8) as realised, col6::decimal(18, 8) as close, col7::date as price_date,
            col8 as status, col9::int as stale_days, (col3 * col6)::decimal(28, 8) as market_value,
            (col3 * col6 - col4)::decimal(28, 8) as gain_loss, 'USD' as currency, 'USD' as base_currency,
            1::decimal(18, 8) as fx_rate, 'PRICED' as fx_status, (col3 * col6)::decimal(28, 8) as market_value_base,
            0::decimal(18, 8) as accrued, col4::decimal(28, 8) as cost_basis_base,
            (col3 * col6 - col4)::decimal(28, 8) as gain_loss_base
        from (values
            (1, 1, '2017-03-28', 50, 5000, 0, 110, '2017-03-28', 'PRICED', 0),
            (1, 1, '2017-03-29', 50, 5000, 7, 121, '2017-03-29', 'PRICED', 0),
            (2, 1, '2017-03-29', 30, 3600, 0, 121, '2017-03-29', 'PRICED', 0),
            (1, 2, '2017-03-29', 10, 400, 0, 40, '2017-03-28', 'STALE', 1),
            (1, 3, '2017-03-29', 3, 300, 0, null, null, 'MISSING', 0)
        )""",
    "marts/fact_cash_daily": f"""
        select
            '{PORTFOLIO}' as portfolio_id, col0 as currency, col1::date as business_date, 'USD' as base_currency,
            col2::decimal(28, 8) as balance, col3::decimal(18, 8) as fx_rate, col4 as fx_status,
            (col2 * col3)::decimal(28, 8) as balance_base, 0::decimal(28, 8) as fx_gain
        from (values
            ('USD', '2017-03-28', 5000, 1.0, 'PRICED'), ('USD', '2017-03-29', 890, 1.0, 'PRICED'),
            ('EUR', '2017-03-29', 100, 1.1, 'PRICED'), ('KWD', '2017-03-29', 3, null, 'FX_MISSING'),
            ('GBP', '2017-03-29', 0, 1.25, 'PRICED')
        )""",
    "marts/fact_portfolio_value_daily": f"""
        select
            '{PORTFOLIO}' as portfolio_id, 'USD' as currency, col0::date as business_date,
            col1::decimal(28, 8) as total_value,
            col2::decimal(28, 8) as positions_value, col3::decimal(28, 8) as cash,
            col4::decimal(28, 8) as cost_basis, col5::double as coverage_pct,
            0::decimal(28, 8) as realised, col6::decimal(28, 8) as inflow, 0::decimal(28, 8) as outflow,
            0::decimal(28, 8) as income, 0::decimal(28, 8) as tax, 0::decimal(28, 8) as fees,
            0::decimal(28, 8) as transfer_gain, 0::decimal(28, 8) as fx_gain, 0::decimal(28, 8) as trade_fees,
            true as is_trading_day, (col0 = '2017-03-29')::int as n_missing, (col0 = '2017-03-29')::int as n_stale,
            (col0 = '2017-03-29')::int as n_fx_missing, 0 as n_fx_transactions
        from (values
            ('2017-03-27', 10000, 0, 10000, 0, 100, 10000),
            ('2017-03-28', 10500, 5500, 5000, 5000, 100, 0),
            ('2017-03-29', 11080, 10080, 1000, 9300, 96.77, 0)
        )""",
    "marts/fx_rate_daily": """
        select '' as currency, 1::decimal(18, 8) as rate_per_eur, current_date as rate_date,
            current_date as business_date, '' as status limit 0""",
    "raw/corporate_action": """
        select '' as ticker, current_date as action_date, '' as action_type, 1::decimal(18, 8) as split_new,
            1::decimal(18, 8) as split_old limit 0""",
    "raw/pg_portfolio": """
        select
            '' as portfolio_id, '' as base_currency, '' as time_zone, '' as cost_method, 1::bigint as version
        limit 0""",
    "raw/pg_transaction_ledger": """
        select '' as portfolio_id, 1::bigint as seq, 1::bigint as account_id, 1::bigint as security_id, '' as txn_type,
            current_date as business_date, 1::decimal(18, 8) as quantity, 1::decimal(18, 8) as price,
            1::decimal(28, 8) as gross, 1::decimal(28, 8) as fees, 1::decimal(28, 8) as cash_effect, '' as currency,
            1::decimal(18, 8) as fx_rate, 1::decimal(18, 8) as split_new, 1::decimal(18, 8) as split_old,
            1::bigint as reverses_seq, now() as recorded_at, '' as note, '' as transfer_id,
            1::decimal(28, 8) as accrued limit 0""",
    "marts/dim_date": """
        select col0::date as date_day, true as is_trading_day, col1::double as risk_free_return
        from (values ('2017-03-27', 0.0001), ('2017-03-28', 0.0001), ('2017-03-29', null))""",
    "raw/price_daily": """
        select
            col0 as ticker, col1::date as price_date, col2::decimal(18, 8) as close, 'USD' as currency,
            if(col0 = 'SP500', 'PRICE_INDEX', 'TOTAL_RETURN') as price_kind, null::decimal(18, 8) as adjusted_close
        from (values
            ('SP500', '2017-03-26', 2000), ('SP500', '2017-03-28', 2100), ('SP500', '2017-03-29', 2310),
            ('AAPL', '2017-03-27', 100), ('AAPL', '2017-03-28', 110), ('AAPL', '2017-03-29', 121)
        )""",
    "marts/fact_return_daily": f"""
        select
            '{PORTFOLIO}' as portfolio_id, col0 as level, col1::bigint as account_id, col2::bigint as security_id,
            col3::date as business_date, col4::decimal(28, 8) as begin_value, col5::decimal(28, 8) as inflow,
            0::decimal(28, 8) as outflow, 0::decimal(28, 8) as fees, col6::decimal(28, 8) as end_value,
            true as is_begin_covered, col7 is not null or col0 = 'PORTFOLIO' and col6 < 11000 as is_end_covered,
            true as are_flows_known, (col4 + col5)::decimal(28, 8) as return_base, false as is_ruin,
            col7::double as daily_return, col7::double as daily_return_gross,
            col8::double as twr_index, 1::double as twr_index_gross
        from (values
            ('PORTFOLIO', null, null, '2017-03-27', 0, 10000, 10000, 0, 1.0),
            ('PORTFOLIO', null, null, '2017-03-28', 10000, 0, 10500, 0.05, 1.05),
            ('PORTFOLIO', null, null, '2017-03-29', 10500, 0, 11080, null, null),
            ('POSITION', null, 1, '2017-03-28', 0, 5000, 5500, 0.1, 1.1),
            ('POSITION', null, 1, '2017-03-29', 5500, 3600, 9680, null, 1.1),
            ('ACCOUNT', 1, null, '2017-03-28', 0, 5000, 5500, 0.1, 1.1),
            ('ACCOUNT', 1, null, '2017-03-29', 5500, 4000, 10080, null, 1.1)
        )""",
    "marts/security_historical_mu": """
        select
            col0::bigint as security_id, col1::double as mu_annual, col2::int as n_observations,
            date '2016-01-01' as window_start, date '2017-03-29' as window_end, col3 as status
        from (values (1, 0.08, 1000, 'OK'), (2, 0.05, 900, 'OK'), (3, null, 5, 'INSUFFICIENT'))""",
    "marts/security_volatility": """
        select
            col0::bigint as security_id, col1::double as volatility_annual, col2::int as n_observations,
            date '2016-01-01' as window_start, date '2017-03-29' as window_end, col3 as status
        from (values (1, 0.25, 1000, 'OK'), (2, 0.30, 900, 'OK'), (3, null, 5, 'INSUFFICIENT'))""",
    "marts/security_correlation": """
        select
            col0::bigint as security_id_a, col1::bigint as security_id_b, col2::double as correlation,
            500 as n_observations
        from (values (1, 1, 1), (2, 2, 1), (1, 2, 0.4), (2, 1, 0.4), (3, 3, 1), (1, 3, null), (3, 1, null))""",
    "simulation/simulation_fan": f"""
        select
            '{SIMULATION}' as simulation_id, col0::bigint as release_id, col1::int as step,
            col1::double as years, col2::double as p5, col2 + 1.0 as p10, col2 + 2.0 as p25,
            col2 + 3.0 as p50, col2 + 4.0 as p75, col2 + 5.0 as p90, col2 + 6.0 as p95,
            col2 + 3.0 as mean, 0.1 as probability_of_loss
        from (values (1, 1, 80), (1, 0, 100), (0, 0, 7))""",
}


def publish_small_release(lake: Lake, without: tuple[str, ...] = (), horizon: VisibilitySnapshot = NOWHERE) -> Release:
    """Publish the tables, all but those named, and release them as seen at `horizon`."""
    versions = {table: published(lake, table) for table in TABLES if table not in without}
    return release(lake, versions, horizon)


def published(lake: Lake, table: str) -> int:
    """Put the table into the lake; into a folder that has not got it as a copy, which takes a fifth of the time."""
    if "://" in lake.root or lake.exists(table):
        return lake.publish(table, rows_of(TABLES[table])).version
    shutil.copytree(published_once() / table, Path(lake.root) / table)
    return 0


@cache
def published_once() -> Path:
    """A lake with all tables, to be copied from."""
    root = Path(tempfile.mkdtemp())
    lake = Lake(str(root), lock=nullcontext)
    for table, query in TABLES.items():
        lake.publish(table, rows_of(query))
    return root


def release(lake: Lake, versions: Mapping[str, int], horizon: VisibilitySnapshot = NOWHERE) -> Release:
    """One more release; results reach it as they do in production, by an appended one."""
    releases = Releases(lake)
    marts = {table: version for table, version in versions.items() if not is_result(table)}
    now = datetime.now(UTC)
    candidate = Release(0, None, None, "REFRESH", now, AS_OF, horizon, "test", "run", marts)
    released = releases.publish(candidate, releases.head())
    results = {table: version for table, version in versions.items() if table not in marts}
    return releases.append(results, now, "run") if results else released


@cache
def rows_of(query: str) -> pa.Table:
    with memory_duckdb() as connection:
        return connection.execute(query).to_arrow_table()
