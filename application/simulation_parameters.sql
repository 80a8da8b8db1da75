-- name: names
select
    security_id,
    ticker
from marts.dim_security
where list_contains($security_ids, security_id)

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

-- name: window_returns
-- The returns that the parameters of the release are of, of some securities.
select
    security_id,
    price_date as days,
    log_return
from marts.fact_price_daily
where
    list_contains($security_ids, security_id)
    and log_return is not null
    and price_date > (select max(price_date) - to_years($window_years) from marts.fact_price_daily)

-- name: sessions
select date_day as days
from marts.dim_date
where is_trading_day
order by date_day
