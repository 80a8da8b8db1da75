-- name: values
select
    business_date,
    currency,
    total_value
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id and business_date in ($begins, $ends)

-- name: days
select
    min(business_date) as first_day,
    max(business_date) as last_day
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id

-- name: securities
-- Of each security: its value at both closes, what went into it less what came out (everything that is paid on it too),
-- and what the change of exchange rates did to it, day by day. Nothing is worth 0 where there is no price or no rate.
with positions as (
    select *
    from marts.fact_position_daily
    where portfolio_id = $portfolio_id and business_date between $begins and $ends
),

held as (
    select
        security_id,
        coalesce(sum(market_value_base) filter (where business_date = $ends), 0) as end_value,
        coalesce(sum(market_value_base) filter (where business_date = $begins), 0) as begin_value
    from positions
    where business_date in ($begins, $ends)
    group by security_id
),

paid as (
    select
        security_id,
        sum(inflow - outflow) as paid_in
    from marts.fact_return_daily
    where
        portfolio_id = $portfolio_id and level = 'POSITION'
        and business_date > $begins and business_date <= $ends
    group by security_id
),

rates as (
    select
        currency,
        business_date,
        max(fx_rate) as fx_rate
    from (
        select currency, business_date, fx_rate from positions where currency <> base_currency
        union all by name
        select currency, business_date, fx_rate
        from marts.fact_cash_daily
        where portfolio_id = $portfolio_id and business_date between $begins and $ends
    )
    where fx_rate is not null
    group by currency, business_date
),

revalued as (
    select
        positions.security_id,
        sum(
            cast(positions.market_value * rates.fx_rate as decimal(28, 8)) - positions.market_value_base
        ) as rate_gain
    from positions
    inner join rates
        on positions.currency = rates.currency and positions.business_date + 1 = rates.business_date
    where positions.currency <> positions.base_currency and positions.business_date < $ends
    group by positions.security_id
)

select
    securities.security_id,
    securities.ticker,
    securities.currency,
    coalesce(held.end_value, 0) - coalesce(held.begin_value, 0) as change,
    coalesce(paid.paid_in, 0) as paid_in,
    coalesce(revalued.rate_gain, 0) as rate_gain
from held
full join paid using (security_id)
left join revalued using (security_id)
inner join marts.dim_security as securities using (security_id)
order by securities.ticker

-- name: rows
-- What ledger rows moved as cash, by what they are, at the close's rate; 0 where there is none. What was taken back
-- never was. Accrued interest and a trade's fees are parts of its row; in a currency of their own fees are a whole one.
with ledger as (
    select *
    from raw.pg_transaction_ledger
    where portfolio_id = $portfolio_id
),

effective as (
    select *
    from ledger
    where
        reverses_seq is null
        and seq not in (select reverses_seq from ledger where reverses_seq is not null)
        and business_date > $begins and business_date <= $ends
),

rates as (
    select
        currency,
        business_date,
        fx_rate
    from marts.fact_cash_daily
    where portfolio_id = $portfolio_id
),

converted as (
    select
        effective.*,
        rates.fx_rate as close_fx_rate
    from effective
    left join rates using (currency, business_date)
),

parts as (
    select
        *,
        cash_effect as part,
        true as is_whole,
        case
            when txn_type in ('DIVIDEND', 'COUPON', 'INTEREST', 'TAX') then txn_type
            when txn_type = 'FEE' and transfer_id is not null then 'TRADE_FEE'
            when txn_type = 'FEE' then 'FEE'
            when security_id is not null then 'TRADE'
            when txn_type in ('TRANSFER_IN', 'TRANSFER_OUT') then 'CONVERSION'
            when txn_type = 'WITHDRAW' then 'TAKEN_OUT'
            else 'PAID_IN'
        end as cause
    from converted

    union all by name

    select
        *,
        case when quantity > 0 then -accrued else accrued end as part,
        false as is_whole,
        'ACCRUED_INTEREST' as cause
    from converted
    where txn_type in ('BUY', 'SELL', 'CASH_IN_LIEU') and accrued <> 0

    union all by name

    select
        *,
        -fees as part,
        false as is_whole,
        'TRADE_FEE' as cause
    from converted
    where txn_type in ('BUY', 'SELL', 'CASH_IN_LIEU') and fees <> 0 and transfer_id is null
),

valued as (
    select
        *,
        coalesce(cast(part * close_fx_rate as decimal(28, 8)), 0) as part_base
    from parts
    where part <> 0
)

select
    cause,
    is_whole,
    security_id,
    currency,
    sum(part_base) as amount,
    count(*) as n_rows
from valued
group by cause, is_whole, security_id, currency

-- name: cash
select
    currency,
    base_currency,
    coalesce(sum(balance_base) filter (where business_date = $ends), 0)
    - coalesce(sum(balance_base) filter (where business_date = $begins), 0) as change
from marts.fact_cash_daily
where portfolio_id = $portfolio_id and business_date in ($begins, $ends)
group by currency, base_currency

-- name: flows
-- Units that came from outside the portfolio or went there are flows that move no cash.
select coalesce(sum(inflow - outflow), 0) as net
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id and business_date > $begins and business_date <= $ends

-- name: holdings_on
select
    securities.security_id,
    securities.ticker,
    positions.currency,
    sum(positions.quantity) as quantity,
    sum(positions.market_value) as value,
    coalesce(sum(positions.market_value_base), 0) as value_base,
    max(positions.fx_rate) as fx_rate
from marts.fact_position_daily as positions
inner join marts.dim_security as securities using (security_id)
where positions.portfolio_id = $portfolio_id and positions.business_date = $ends
group by securities.security_id, securities.ticker, positions.currency

-- name: cash_on
select
    currency,
    fx_rate,
    coalesce(balance_base, 0) as balance_base
from marts.fact_cash_daily
where portfolio_id = $portfolio_id and business_date = $ends

-- name: ledger_on
select
    ledger.seq,
    ledger.currency,
    ledger.cash_effect,
    securities.ticker
from raw.pg_transaction_ledger as ledger
left join marts.dim_security as securities using (security_id)
where ledger.portfolio_id = $portfolio_id and ledger.business_date <= $ends
