-- name: bonds
-- The bonds held at the close of a day: value and what a basis point costs, in the portfolio's currency.
select
    positions.security_id,
    cast(positions.market_value_base as double) as value,
    valued.modified_duration_years as duration,
    valued.dv01 * cast(positions.quantity as double) / 100 * cast(coalesce(positions.fx_rate, 1) as double) as dv01
from marts.fact_position_daily as positions
inner join marts.fact_bond_valuation_daily as valued
    on positions.security_id = valued.security_id and positions.price_date = valued.price_date
where
    positions.portfolio_id = $portfolio_id
    and positions.business_date = $on
    and positions.market_value_base is not null
    and valued.dv01 is not null
    and valued.modified_duration_years is not null
order by positions.security_id

-- name: standing_run
-- The newest run of the portfolio's standing simulation.
select runs.*
from simulation.simulation_run as runs
inner join raw.pg_simulation as requests on runs.simulation_id = requests.simulation_id
where runs.portfolio_id = $portfolio_id and requests.is_standing
order by runs.release_id desc
limit 1

-- name: curve
select
    curve_date,
    tenor_months,
    cast(par_yield_pct as double) as par_yield_pct
from raw.yield_curve
where curve_date = (select max(curve_date) from raw.yield_curve where curve_date <= $on)
order by tenor_months

-- name: consumer_prices
-- The newest month that a day knows, beside the same a year before.
select
    now.series,
    now.index_month,
    cast(now.index_level as double) as index_level,
    cast(before.index_level as double) as level_before
from raw.consumer_price as now
inner join raw.consumer_price as before
    on now.series = before.series and now.index_month = before.index_month + interval 12 month
where now.index_month < date_trunc('month', $on::date) and now.index_month >= $since
order by now.index_month desc, now.series
limit 1

-- name: rate
select
    own.business_date as day,
    cast(base.rate_per_eur as double) / cast(own.rate_per_eur as double) as rate
from marts.fx_rate_daily as own
inner join marts.fx_rate_daily as base using (business_date)
where own.currency = $currency and base.currency = $base and own.business_date <= $on
order by own.business_date desc
limit 1

-- name: risk_scores
select
    writer,
    horizon_months,
    first_as_of,
    last_as_of,
    n_analyses,
    n_named,
    n_worsened,
    n_breached,
    n_true / nullif(n_named, 0) as hit_rate,
    n_others,
    n_others_true / nullif(n_others, 0) as base_rate
from risk.risk_analysis_score
where portfolio_id = $portfolio_id
order by horizon_months, writer
