-- Each question is asked of both releases; what the older one answered is there as the table `older`.
-- name: last_day
select max(business_date) as last_day
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id

-- name: days
select
    business_date,
    total_value,
    positions_value,
    cash,
    cost_basis,
    realised,
    inflow,
    outflow,
    income,
    twr_index
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id and business_date <= $until

-- name: last
select
    business_date,
    total_value,
    twr_index
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id and business_date = $until

-- name: both_days
select
    business_date,
    older.total_value as before_value,
    newer.total_value as after_value,
    older.twr_index as before_index,
    newer.twr_index as after_index
from older
full join newer using (business_date)

-- name: restated_days
-- A day's growth since inception moves with every earlier one, so it alone restates no day.
select
    business_date,
    older.total_value as before_value,
    newer.total_value as after_value,
    older.twr_index as before_index,
    newer.twr_index as after_index
from older
full join newer using (business_date)
where
    (older.total_value, older.positions_value, older.cash, older.cost_basis, older.realised)
    is distinct from (newer.total_value, newer.positions_value, newer.cash, newer.cost_basis, newer.realised)
    or (older.inflow, older.outflow, older.income) is distinct from (newer.inflow, newer.outflow, newer.income)
order by business_date

-- name: ledger
select
    ledger.seq,
    ledger.txn_type,
    ledger.business_date,
    ledger.recorded_at,
    securities.ticker,
    ledger.quantity,
    ledger.price,
    ledger.cash_effect,
    ledger.currency,
    ledger.reverses_seq,
    ledger.note
from raw.pg_transaction_ledger as ledger
left join marts.dim_security as securities using (security_id)
where ledger.portfolio_id = $portfolio_id

-- name: new_rows
-- Only those that reach back into days which the older release had.
select newer.*
from newer
anti join older using (seq)
where newer.business_date <= $until
order by newer.seq

-- name: held
select distinct security_id
from marts.fact_position_daily
where portfolio_id = $portfolio_id and business_date <= $until

-- name: prices
select
    prices.security_id,
    coalesce(securities.ticker, cast(prices.security_id as varchar)) as ticker,
    prices.price_date as day,
    prices.close + prices.accrued as close
from marts.fact_price_daily as prices
left join marts.dim_security as securities using (security_id)
where list_contains($held, prices.security_id) and prices.price_date <= $until

-- name: changed_prices
-- By security, with the day on which the price moved most.
with changed as (
    select
        coalesce(newer.ticker, older.ticker) as what,
        day,
        older.close as before,
        newer.close as after,
        abs(coalesce(newer.close, 0) - coalesce(older.close, 0))
        / greatest(abs(coalesce(older.close, 0)), abs(coalesce(newer.close, 0))) as size
    from older
    full join newer using (security_id, day)
    where older.close is distinct from newer.close
)

select
    what,
    count(*) as n_days,
    min(day) as first_day,
    max(day) as last_day,
    arg_max(day, size) as largest_day,
    arg_max_null(before, size) as before,
    arg_max_null(after, size) as after
from changed
group by what
order by what

-- name: rates
select
    currency,
    business_date as day,
    rate_per_eur
from marts.fx_rate_daily
where business_date <= $until

-- name: changed_rates
with changed as (
    select
        currency as what,
        day,
        older.rate_per_eur as before,
        newer.rate_per_eur as after,
        abs(coalesce(newer.rate_per_eur, 0) - coalesce(older.rate_per_eur, 0)) as size
    from older
    full join newer using (currency, day)
    where older.rate_per_eur is distinct from newer.rate_per_eur
)

select
    what,
    count(*) as n_days,
    min(day) as first_day,
    max(day) as last_day,
    arg_max(day, size) as largest_day,
    arg_max_null(before, size) as before,
    arg_max_null(after, size) as after
from changed
group by what
order by what
