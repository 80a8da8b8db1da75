-- name: portfolio_version
select version
from raw.pg_portfolio
where portfolio_id = $portfolio_id

-- name: settings
-- All columns: a release of before has no limits.
select *
from raw.pg_portfolio
where list_contains($portfolio_ids, portfolio_id)

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

-- name: settings
-- All columns: a release of before has not all of them.
select *
from raw.pg_portfolio
where list_contains($portfolio_ids, portfolio_id)

-- name: last_day
select max(business_date) as last_day
from marts.fact_portfolio_value_daily

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

-- name: value_statuses
-- Worst status of what a portfolio, each of its accounts and each of its positions held at the close of some days.
with parts as (
    select
        business_date,
        account_id,
        security_id,
        market_value_base is null as is_missing,
        status = 'STALE' or fx_status = 'STALE' as is_stale,
        status = 'UNCONFIRMED' as is_unconfirmed
    from marts.fact_position_daily
    where portfolio_id = $portfolio_id and list_contains($days, business_date) and quantity <> 0

    union all

    select
        business_date,
        null as account_id,
        null as security_id,
        balance_base is null as is_missing,
        fx_status = 'STALE' as is_stale,
        false as is_unconfirmed
    from marts.fact_cash_daily
    where portfolio_id = $portfolio_id and list_contains($days, business_date) and balance <> 0
)

select
    business_date,
    account_id,
    security_id,
    case grouping(account_id, security_id) when 3 then 'PORTFOLIO' when 1 then 'ACCOUNT' else 'POSITION' end as level,
    case
        when bool_or(is_missing) then 'MISSING'
        when bool_or(is_unconfirmed) then 'UNCONFIRMED'
        when bool_or(is_stale) then 'STALE'
        else 'PRICED'
    end as status
from parts
group by grouping sets ((business_date), (business_date, account_id), (business_date, security_id))
having grouping(account_id, security_id) = 3 or $with_parts

-- name: value_ages
-- Days on which a price or a rate of what was held was not of the day.
with parts as (
    select
        business_date,
        fx_status,
        stale_days
    from marts.fact_position_daily
    where portfolio_id = $portfolio_id and quantity <> 0

    union all

    select
        business_date,
        fx_status,
        0 as stale_days
    from marts.fact_cash_daily
    where portfolio_id = $portfolio_id and balance <> 0
)

select
    business_date,
    cast(count(*) filter (where fx_status = 'STALE') as integer) as n_fx_stale,
    cast(max(stale_days) as integer) as stale_days
from parts
where business_date >= coalesce($start, date '0001-01-01') and business_date <= coalesce($end, date '9999-12-31')
group by business_date
having n_fx_stale > 0 or max(stale_days) > 0

-- name: unconfirmed
-- Counted from positions: a release of before has no such status, and no column for it.
select
    business_date,
    count(*) as n_unconfirmed
from marts.fact_position_daily
where portfolio_id = $portfolio_id and status = 'UNCONFIRMED'
group by business_date

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
    value.n_stale,
    value.n_missing,
    value.n_fx_missing,
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
    securities.issuer_class,
    sum(positions.quantity) as quantity,
    sum(positions.market_value_base) as value,
    case when bool_and(positions.cost_basis_base is not null) then sum(positions.cost_basis_base) end as cost
from marts.fact_position_daily as positions
inner join marts.dim_security as securities using (security_id)
where
    positions.portfolio_id in (select unnest($portfolio_ids))
    and positions.business_date = $on
    and positions.quantity <> 0
group by all
order by positions.portfolio_id, value desc nulls last, securities.ticker
