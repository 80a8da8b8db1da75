-- Each question is asked of both releases; what the older one answered is there as the table `older`.
-- name: last_day
select max(business_date) as last_day
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id

-- name: days
select
    value.portfolio_id,
    value.business_date,
    value.total_value,
    value.positions_value,
    value.cash,
    value.cost_basis,
    value.realised,
    value.inflow,
    value.outflow,
    value.income,
    earned.twr_index
from marts.fact_portfolio_value_daily as value
left join marts.fact_return_daily as earned
    on
        value.portfolio_id = earned.portfolio_id
        and value.business_date = earned.business_date
        and earned.level = 'PORTFOLIO'
where value.portfolio_id = $portfolio_id and value.business_date <= $until

-- name: compared_days
-- The restated ones, and the last. Growth since inception moves with every earlier day, so it alone restates no day.
select
    portfolio_id,
    business_date,
    older.total_value as before_value,
    newer.total_value as after_value,
    older.twr_index as before_index,
    newer.twr_index as after_index,
    (older.total_value, older.positions_value, older.cash, older.cost_basis, older.realised)
    is distinct from (newer.total_value, newer.positions_value, newer.cash, newer.cost_basis, newer.realised)
    or (older.inflow, older.outflow, older.income) is distinct from (newer.inflow, newer.outflow, newer.income)
        as is_restated
from older
full join newer using (portfolio_id, business_date)
where is_restated or business_date = $until
order by business_date

-- name: restated_portfolios
-- Of those that `before` had, the most changed first; by the days that stand in `compared`.
select
    portfolio_id,
    count(*) as n_days,
    min(business_date) as first_day,
    max(business_date) as last_day,
    arg_max(
        {
            'business_date': business_date,
            'before_value': before_value,
            'after_value': after_value,
            'before_index': before_index,
            'after_index': after_index
        },
        abs(coalesce(after_value, 0) - coalesce(before_value, 0))
    ) as largest
from compared
semi join (select portfolio_id from before where business_date = $until) using (portfolio_id)
where is_restated
group by portfolio_id
order by max(abs(coalesce(after_value, 0) - coalesce(before_value, 0))) desc, portfolio_id

-- name: reaching_back
-- The first day of each portfolio's new ledger rows.
select
    portfolio_id,
    min(business_date) as since
from newer
anti join older using (portfolio_id, seq)
group by portfolio_id

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

-- name: settings
-- Those that its figures follow from.
unpivot (
    select
        base_currency,
        time_zone,
        cost_method
    from raw.pg_portfolio
    where portfolio_id = $portfolio_id
)
on columns(*) into name setting value amount

-- name: changed_settings
select
    setting,
    older.amount as before,
    newer.amount as after
from older
inner join newer using (setting)
where older.amount <> newer.amount
order by setting

-- name: held
select distinct security_id
from marts.fact_position_daily
where portfolio_id = $portfolio_id and business_date <= $until

-- name: prices
-- A change is as large as it is of the price.
select
    cast(prices.security_id as varchar) as key,
    coalesce(securities.ticker, key) as what,
    prices.price_date as day,
    prices.close + prices.accrued as amount,
    abs(amount) as scale
from marts.fact_price_daily as prices
left join marts.dim_security as securities using (security_id)
where list_contains($held, prices.security_id) and prices.price_date <= $until

-- name: rates
select
    currency as key,
    currency as what,
    business_date as day,
    rate_per_eur as amount,
    1 as scale
from marts.fx_rate_daily
where business_date <= $until

-- name: changed
-- Of each price or rate that is another one now, on how many days, and the day on which it moved most.
with changed as (
    select
        coalesce(newer.what, older.what) as what,
        day,
        older.amount as before,
        newer.amount as after,
        abs(coalesce(newer.amount, 0) - coalesce(older.amount, 0)) / greatest(older.scale, newer.scale) as size
    from older
    full join newer using (key, day)
    where older.amount is distinct from newer.amount
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
