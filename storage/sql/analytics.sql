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
where positions.portfolio_id = $portfolio_id and positions.business_date = $on and positions.quantity <> 0
group by all
order by value desc nulls last, securities.ticker

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
    currency,
    balance,
    base_currency,
    fx_rate,
    fx_status,
    balance_base
from marts.fact_cash_daily
where portfolio_id = $portfolio_id and business_date = $on and balance <> 0
order by currency

-- name: values
select
    business_date,
    currency,
    total_value,
    positions_value,
    cash,
    cost_basis,
    realised,
    inflow,
    outflow,
    income,
    tax,
    fees,
    transfer_gain,
    fx_gain,
    coverage_pct,
    twr_index
from marts.fact_portfolio_value_daily
where
    portfolio_id = $portfolio_id
    and business_date >= coalesce($start, date '0001-01-01')
    and business_date <= coalesce($end, date '9999-12-31')
order by business_date

-- name: series
select
    business_date as days,
    cast(total_value as double) as value,
    cast(inflow as double) as inflow,
    cast(outflow as double) as outflow,
    cast(fees + trade_fees as double) as fees,
    daily_return as returns,
    is_trading_day as is_session,
    n_missing + n_fx_missing + n_fx_transactions = 0 as is_covered,
    n_fx_missing = 0 as is_value_rated,
    n_fx_transactions = 0 as are_flows_rated
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id and business_date <= coalesce($until, date '9999-12-31')
order by business_date

-- name: tickers
select
    security_id,
    ticker
from marts.dim_security

-- name: gains
-- Units that were transferred are worth what a unit is at that day's close, or else was the day before.
with held as (
    select
        business_date,
        security_id,
        sum(quantity) as quantity,
        sum(market_value_base) as market_value
    from marts.fact_position_daily
    where portfolio_id = $portfolio_id and business_date <= $until and quantity <> 0
    group by business_date, security_id
),

flows as (
    select
        ledger.business_date,
        ledger.security_id,
        sum(
            cast(ledger.cash_effect as double)
            * case when ledger.currency = $currency then 1 else base.rate_per_eur / own.rate_per_eur end
        ) as cash,
        sum(ledger.quantity) filter (where ledger.txn_type in ('TRANSFER_IN', 'TRANSFER_OUT')) as moved
    from raw.pg_transaction_ledger as ledger
    anti join raw.pg_transaction_ledger as reversals
        on ledger.portfolio_id = reversals.portfolio_id and ledger.seq = reversals.reverses_seq
    left join marts.fx_rate_daily as own on ledger.currency = own.currency and ledger.business_date = own.business_date
    left join marts.fx_rate_daily as base on base.currency = $currency and ledger.business_date = base.business_date
    where
        ledger.portfolio_id = $portfolio_id
        and ledger.business_date <= $until
        and ledger.security_id is not null
        and ledger.reverses_seq is null
    group by ledger.business_date, ledger.security_id
),

steps as (
    select
        business_date,
        security_id,
        case when held.quantity is null then 0 else cast(held.market_value as double) end as market_value,
        cast(held.market_value / held.quantity as double) as unit_value,
        coalesce(flows.cash, 0) as cash,
        coalesce(cast(flows.moved as double), 0) as moved
    from held
    full join flows using (business_date, security_id)
)

select
    business_date as days,
    security_id,
    market_value
    - lag(market_value, 1, 0) over by_day
    + cash
    - case when moved = 0 then 0 else moved * coalesce(unit_value, lag(unit_value) over by_day) end as gain
from steps
window by_day as (partition by security_id order by business_date)

-- name: risk_free
select
    date_day as days,
    risk_free_return as values
from marts.dim_date
where risk_free_return is not null
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

-- name: performance
select
    as_of,
    first_date,
    total_value,
    net_contributions,
    twr,
    twr_annual,
    xirr,
    xirr_status,
    volatility_annual,
    sharpe,
    max_drawdown,
    max_drawdown_peak,
    max_drawdown_trough,
    max_drawdown_recovery
from marts.fact_performance
where portfolio_id = $portfolio_id and period = 'SINCE_INCEPTION'

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
