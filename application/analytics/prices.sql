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

-- name: fx_rates
select
    own.business_date as days,
    cast(base.rate_per_eur as double) / own.rate_per_eur as rates
from marts.fx_rate_daily as own
inner join marts.fx_rate_daily as base using (business_date)
where
    own.currency = $currency
    and base.currency = $base_currency
    and own.status = 'PRICED'
    and base.status = 'PRICED'
order by own.business_date

-- name: price_source
select price_source
from marts.fact_price_daily
where security_id = $security_id and price_source <> 'CURVE'
limit 1

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

-- name: quoted_since
-- The refresh from which on all releases up to this one have the tables that `quotes` reads, unchanged.
with known as (
    select
        release_id,
        coalesce(refresh_id, release_id) as refresh_id,
        (
            versions['marts/fact_price_daily'],
            versions['marts/fact_own_price_daily'],
            versions['marts/dim_security']
        ) as quoted
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

-- name: fund_metadata
select
    ticker,
    fund_family,
    category,
    expense_ratio_bps,
    net_assets
from marts.dim_funds
where list_contains($tickers, ticker)
order by ticker

-- name: ticker_performance
with closes as (
    select
        security_id,
        max(price_date) as as_of,
        cast(arg_max(close / split_factor, price_date) as double) / arg_min(close / split_factor, price_date) - 1
            as total_return
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

-- name: description
select display_name
from marts.dim_security
where ticker = $ticker and display_name is not null

-- name: tickers
select
    security_id,
    ticker
from marts.dim_security

-- name: sessions
select date_day as days
from marts.dim_date
where is_trading_day
order by date_day

-- name: risk_free
select
    date_day as days,
    risk_free_return as values
from marts.dim_date
where risk_free_return is not null
order by date_day
