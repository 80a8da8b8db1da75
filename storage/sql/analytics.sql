-- name: positions
select
    positions.security_id,
    securities.ticker,
    sum(positions.quantity) as quantity,
    case when bool_and(positions.cost_basis is not null) then sum(positions.cost_basis) end as cost_basis,
    max(positions.close) as close,
    max(positions.price_date) as price_date,
    max(positions.status) as status,
    max(positions.stale_days) as stale_days,
    sum(positions.market_value) as market_value,
    case when bool_and(positions.gain_loss is not null) then sum(positions.gain_loss) end as gain_loss,
    case when bool_and(positions.realised is not null) then sum(positions.realised) end as realised,
    max(positions.currency) as currency,
    max(positions.base_currency) as base_currency,
    max(positions.fx_rate) as fx_rate,
    max(positions.fx_status) as fx_status,
    sum(positions.market_value_base) as market_value_base,
    case when bool_and(positions.gain_loss_base is not null) then sum(positions.gain_loss_base) end as gain_loss_base,
    positions.business_date
from marts.fact_position_daily as positions
inner join marts.dim_security as securities using (security_id)
where positions.portfolio_id = $portfolio_id and positions.business_date = $on and positions.quantity <> 0
group by positions.security_id, securities.ticker, positions.business_date
order by securities.ticker

-- name: holdings
select
    positions.portfolio_id,
    positions.security_id,
    securities.ticker,
    coalesce(securities.display_name, securities.ticker) as name,
    securities.asset_type,
    securities.currency,
    coalesce(securities.issuer, securities.display_name) as issuer,
    securities.sector,
    securities.country,
    sum(positions.quantity) as quantity,
    sum(positions.market_value_base) as value
from marts.fact_position_daily as positions
inner join marts.dim_security as securities using (security_id)
where
    positions.portfolio_id in (select unnest($portfolio_ids))
    and positions.business_date = $on
    and positions.quantity <> 0
group by all
order by positions.portfolio_id, value desc nulls last, securities.ticker

-- name: returns
-- Simple returns of the sessions since `start` up to `until`, which all securities have in common or not.
select
    security_id,
    price_date as days,
    simple_return
from marts.fact_price_daily
where
    list_contains($security_ids, security_id)
    and price_date > $start
    and price_date <= $until
    and simple_return is not null
order by price_date, security_id

-- name: cash
select
    portfolio_id,
    currency,
    balance,
    base_currency,
    fx_rate,
    fx_status,
    balance_base
from marts.fact_cash_daily
where portfolio_id in (select unnest($portfolio_ids)) and business_date = $on and balance <> 0
order by portfolio_id, currency

-- name: values
select
    value.business_date,
    value.currency,
    value.total_value,
    value.positions_value,
    value.cash,
    value.cost_basis,
    value.realised,
    value.inflow,
    value.outflow,
    value.income,
    value.tax,
    value.fees,
    value.transfer_gain,
    value.fx_gain,
    value.coverage_pct,
    earned.twr_index
from marts.fact_portfolio_value_daily as value
left join marts.fact_return_daily as earned
    on
        value.portfolio_id = earned.portfolio_id
        and value.business_date = earned.business_date
        and earned.level = 'PORTFOLIO'
where
    value.portfolio_id = $portfolio_id
    and value.business_date >= coalesce($start, date '0001-01-01')
    and value.business_date <= coalesce($end, date '9999-12-31')
order by value.business_date

-- name: series
-- Of each of the portfolios, whose place in their order comes first.
with asked as (
    select
        unnest(list_sort($portfolio_ids)) as portfolio_id,
        generate_subscripts($portfolio_ids, 1) as place
)

select
    asked.place,
    earned.business_date as days,
    cast(earned.end_value as double) as value,
    cast(earned.inflow as double) as inflow,
    cast(earned.outflow as double) as outflow,
    cast(earned.fees as double) as fees,
    earned.daily_return as returns,
    dates.is_trading_day as is_session,
    earned.is_end_covered and earned.are_flows_known as is_covered,
    earned.is_end_covered as is_value_covered,
    earned.are_flows_known
from marts.fact_return_daily as earned
inner join asked using (portfolio_id)
inner join marts.dim_date as dates on earned.business_date = dates.date_day
where earned.level = 'PORTFOLIO' and earned.business_date <= coalesce($until, date '9999-12-31')
order by asked.place, earned.business_date

-- name: portfolios
select
    base_currency,
    list(portfolio_id order by portfolio_id) as portfolio_ids
from raw.pg_portfolio
where
    ($portfolio_ids is null or list_contains($portfolio_ids, portfolio_id))
    and portfolio_id in (select portfolio_id from marts.fact_portfolio_value_daily)
group by base_currency
order by base_currency

-- name: last_day
select max(business_date) as last_day
from marts.fact_portfolio_value_daily

-- name: tickers
select
    security_id,
    ticker
from marts.dim_security

-- name: return_subjects
-- In the order of `return_rows`, which has so many rows of each.
select
    portfolio_id,
    level,
    account_id,
    security_id,
    count(*) as n_days
from marts.fact_return_daily
where portfolio_id in (select unnest($portfolio_ids)) and business_date <= coalesce($until, date '9999-12-31')
group by portfolio_id, level, account_id, security_id
order by portfolio_id, coalesce(account_id, 0), coalesce(security_id, 0)

-- name: return_rows
-- Sorted by numbers: by the text of portfolios it takes twice as long.
with asked as (
    select
        unnest(list_sort($portfolio_ids)) as portfolio_id,
        generate_subscripts($portfolio_ids, 1) as place
)

select
    business_date as days,
    cast(begin_value as double) as begin,
    cast(end_value as double) as "end",
    cast(inflow as double) as inflow,
    cast(outflow as double) as outflow,
    daily_return as returns,
    daily_return_gross as gross_returns,
    is_begin_covered and is_end_covered and are_flows_known as is_covered,
    is_begin_covered as is_begin_known,
    is_end_covered as is_end_known,
    are_flows_known,
    is_ruin
from marts.fact_return_daily
inner join asked using (portfolio_id)
where business_date <= coalesce($until, date '9999-12-31')
order by place, coalesce(account_id, 0), coalesce(security_id, 0), business_date

-- name: risk_free
select
    date_day as days,
    risk_free_return as values
from marts.dim_date
where risk_free_return is not null
order by date_day

-- name: sessions
select date_day as days
from marts.dim_date
where is_trading_day
order by date_day

-- name: benchmark
-- An adjusted close is of total return, whatever the close beside it is.
select
    price_date as days,
    cast(coalesce(adjusted_close, close) as double) as level,
    case when adjusted_close is null then price_kind else 'TOTAL_RETURN' end as kind,
    currency
from raw.price_daily
where ticker = $ticker
order by price_date

-- name: ticker_performance
with closes as (
    select
        security_id,
        max(price_date) as as_of,
        cast(arg_max(close, price_date) as double) / arg_min(close, price_date) - 1 as total_return
    from marts.fact_price_daily
    where security_id in (select security_id from marts.dim_security where list_contains($tickers, ticker))
    group by security_id
)

select
    securities.ticker,
    closes.as_of,
    closes.total_return,
    volatility.volatility_annual
from closes
inner join marts.dim_security as securities using (security_id)
left join marts.security_volatility as volatility using (security_id)

-- name: ticker_details
select
    ticker,
    display_name,
    asset_type,
    currency,
    exchange,
    country,
    sector,
    industry,
    price_kind,
    first_price_date,
    last_price_date
from marts.dim_security
where list_contains($tickers, ticker)

-- name: price
select
    prices.price_date,
    prices.close,
    prices.currency
from marts.fact_price_daily as prices
inner join marts.dim_security as securities using (security_id)
where securities.ticker = $ticker and prices.price_date <= $on
order by prices.price_date desc
limit 1

-- name: fx_rate
select cast(base.rate_per_eur / own.rate_per_eur as decimal(18, 8)) as fx_rate
from marts.fx_rate_daily as own
inner join marts.fx_rate_daily as base using (business_date)
where
    own.currency = $currency
    and base.currency = $base_currency
    and own.business_date = $on
    and own.status = 'PRICED'
    and base.status = 'PRICED'

-- name: price_source
select price_source
from marts.fact_price_daily
where security_id = $security_id and price_source <> 'CURVE'
limit 1

-- name: correlations_of_tickers
select
    least(a.ticker, b.ticker) as ticker_a,
    greatest(a.ticker, b.ticker) as ticker_b,
    pairs.correlation
from marts.security_correlation as pairs
inner join marts.dim_security as a on pairs.security_id_a = a.security_id
inner join marts.dim_security as b on pairs.security_id_b = b.security_id
where
    list_contains($tickers, a.ticker)
    and list_contains($tickers, b.ticker)
    and pairs.security_id_a < pairs.security_id_b
    and pairs.correlation is not null
order by pairs.correlation, ticker_a, ticker_b

-- name: fan
select
    step,
    years,
    p5,
    p10,
    p25,
    p50,
    p75,
    p90,
    p95,
    mean,
    probability_of_loss
from simulation.simulation_fan
where
    simulation_id = $simulation_id
    and release_id = (select max(release_id) from simulation.simulation_fan where simulation_id = $simulation_id)
order by step

-- name: portfolio_version
select version
from raw.pg_portfolio
where portfolio_id = $portfolio_id

-- name: quoted_since
-- The refresh from which on all releases up to this one have the tables that `quotes` reads, unchanged.
with known as (
    select
        release_id,
        coalesce(refresh_id, release_id) as refresh_id,
        (versions['marts/fact_price_daily'], versions['marts/dim_security']) as quoted
    from meta.release
    where release_id <= $release_id
),

before as (
    select max(release_id) as release_id
    from known
    where quoted is distinct from (select quoted from known where release_id = $release_id)
)

select min(known.refresh_id) as release_id
from known
cross join before
where known.release_id > coalesce(before.release_id, 0)

-- name: quotes
-- Bonds are quoted per 100 of face; a price without a row in dim_security is still a price.
select
    prices.security_id,
    coalesce(any_value(securities.ticker), cast(prices.security_id as varchar)) as ticker,
    arg_max(prices.close + prices.accrued, prices.price_date) as close,
    max(prices.price_date) as price_date,
    cast(case when any_value(securities.asset_type) = 'BOND' then 100 else 1 end as decimal(18, 8)) as units
from marts.fact_price_daily as prices
left join marts.dim_security as securities using (security_id)
group by prices.security_id
