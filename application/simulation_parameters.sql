-- name: names
select
    security_id,
    ticker
from marts.dim_security
where list_contains($security_ids, security_id)

-- name: own_priced
select distinct security_id
from marts.fact_own_price_daily
where owner_id = $owner_id

-- name: params
select
    securities.security_id,
    securities.ticker,
    mu.mu_annual,
    volatility.volatility_annual,
    least(mu.n_observations, volatility.n_observations) as n_observations
from marts.dim_security as securities
inner join marts.security_historical_mu as mu using (security_id)
inner join marts.security_volatility as volatility using (security_id)
where list_contains($security_ids, securities.security_id) and mu.status = 'OK' and volatility.status = 'OK'

-- name: correlations
select
    security_id_a,
    security_id_b,
    correlation
from marts.security_correlation
where
    list_contains($security_ids, security_id_a)
    and list_contains($security_ids, security_id_b)
    and correlation is not null

-- name: log_returns
select
    prices.price_date,
    map(list(securities.ticker), list(prices.log_return)) as log_returns
from marts.fact_price_daily as prices
inner join marts.dim_security as securities using (security_id)
where list_contains($tickers, securities.ticker) and prices.log_return is not null
group by prices.price_date
having count(distinct securities.ticker) = len($tickers)
order by prices.price_date

-- name: returns
-- After one day and up to another, of some securities.
select
    security_id,
    price_date as days,
    log_return
from marts.fact_price_daily
where
    list_contains($security_ids, security_id)
    and log_return is not null
    and price_date > $after
    and price_date <= $until

-- name: window_start
select cast(max(price_date) - to_years($window_years) as date) as window_start
from marts.fact_price_daily

-- name: sessions
select date_day as days
from marts.dim_date
where is_trading_day
order by date_day

-- name: estimates
-- The window's own estimates and the analysts' drift of some securities, with the days that they are of.
select
    securities.security_id,
    securities.ticker,
    mu.window_start,
    mu.window_end,
    mu.n_observations,
    forward.mu_annual as forward_mu,
    forward.method as forward_method,
    forward.target_as_of,
    forward.reason as forward_reason
from marts.dim_security as securities
inner join marts.security_historical_mu as mu using (security_id)
left join marts.security_forward_mu as forward using (security_id)
where list_contains($security_ids, securities.security_id)

-- name: newest_yields
select
    curve_date,
    tenor_months,
    cast(par_yield_pct as double) as par_yield_pct
from raw.yield_curve
where curve_date = (select max(curve_date) from raw.yield_curve where curve_date <= $as_of)
order by tenor_months

-- name: consumer_prices
select
    series,
    index_month,
    cast(index_level as double) as index_level
from raw.consumer_price
where index_month < date_trunc('month', $as_of::date)
order by index_month
