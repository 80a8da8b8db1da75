-- name: terms
-- All columns: a release of before has not all of them.
select *
from raw.pg_portfolio
where portfolio_id = $portfolio_id

-- name: years
select distinct cast(year(realised_on) as integer) as year
from positions.disposal
where portfolio_id = $portfolio_id

-- name: income_years
with ledger as (
    select *
    from raw.pg_transaction_ledger
    where portfolio_id = $portfolio_id
)

select distinct cast(year(business_date) as integer) as year
from ledger
where
    txn_type in ('DIVIDEND', 'COUPON', 'INTEREST', 'TAX', 'FEE')
    and seq not in (select reverses_seq from ledger where reverses_seq is not null)

-- name: disposals
select
    disposals.portfolio_id,
    disposals.account_id,
    disposals.security_id,
    disposals.seq,
    disposals.part,
    disposals.txn_type,
    disposals.realised_on,
    disposals.sale_seq,
    disposals.lot_seq,
    disposals.acquired_on,
    disposals.sold_on,
    disposals.days_held,
    disposals.units,
    disposals.currency,
    disposals.proceeds,
    disposals.cost,
    disposals.gain,
    disposals.proceeds_base,
    disposals.cost_base,
    disposals.gain_base,
    disposals.fx_gain_base,
    disposals.term,
    accounts.identifier as account,
    securities.ticker,
    securities.isin,
    coalesce(securities.display_name, securities.ticker) as name
from positions.disposal as disposals
inner join marts.dim_security as securities using (security_id)
inner join raw.pg_account as accounts using (account_id)
where
    disposals.portfolio_id = $portfolio_id
    and ($year is null or year(disposals.realised_on) = $year)
order by disposals.realised_on, disposals.seq, disposals.part

-- name: income
-- What a reversal took back is left out, as in the marts. A fee of a trade in another currency is a row with its
-- transfer_id; the trade's own row has it in its fees.
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
        and ($year is null or year(business_date) = $year)
),

portfolios as (
    select *
    from raw.pg_portfolio
    where portfolio_id = $portfolio_id
),

rates as (
    select
        currency,
        business_date,
        max(fx_rate) as fx_rate
    from marts.fact_cashflow_daily
    where portfolio_id = $portfolio_id
    group by currency, business_date
),

lines as (
    select
        seq,
        txn_type as income_type,
        business_date,
        account_id,
        security_id,
        currency,
        cash_effect as amount
    from effective
    where txn_type in ('DIVIDEND', 'COUPON', 'INTEREST', 'TAX') or (txn_type = 'FEE' and transfer_id is null)

    union all

    select
        seq,
        'ACCRUED_INTEREST' as income_type,
        business_date,
        account_id,
        security_id,
        currency,
        case when quantity > 0 then -accrued else accrued end as amount
    from effective
    where txn_type in ('BUY', 'SELL', 'CASH_IN_LIEU') and accrued <> 0

    union all

    select
        seq,
        'TRADE_FEE' as income_type,
        business_date,
        account_id,
        security_id,
        currency,
        -fees as amount
    from effective
    where txn_type in ('BUY', 'SELL', 'CASH_IN_LIEU') and fees <> 0
)

select
    lines.*,
    accounts.identifier as account,
    securities.ticker,
    case when lines.currency = portfolios.base_currency then 1 else rates.fx_rate end as fx_rate
from lines
cross join portfolios
inner join raw.pg_account as accounts using (account_id)
left join marts.dim_security as securities on lines.security_id = securities.security_id
left join rates on lines.currency = rates.currency and lines.business_date = rates.business_date
order by lines.business_date, lines.seq, lines.income_type

-- name: closed
with of_the_day as (
    select *
    from positions.position_interval
    where portfolio_id = $portfolio_id and valid_from <= $on and (valid_to is null or valid_to > $on)
),

closed as (
    select
        security_id,
        max(valid_from) as closed_on,
        case when bool_and(is_realised_known) then sum(realised) end as realised,
        case when bool_and(is_realised_known) then sum(realised_base) end as realised_base
    from of_the_day
    group by security_id
    having bool_and(quantity = 0)
),

opened as (
    select
        security_id,
        min(valid_from) as opened_on
    from positions.position_interval
    where portfolio_id = $portfolio_id
    group by security_id
)

select
    closed.security_id,
    securities.ticker,
    coalesce(securities.display_name, securities.ticker) as name,
    securities.currency,
    opened.opened_on,
    closed.closed_on,
    closed.realised,
    portfolios.base_currency,
    closed.realised_base
from closed
inner join opened using (security_id)
inner join marts.dim_security as securities using (security_id)
inner join raw.pg_portfolio as portfolios on portfolios.portfolio_id = $portfolio_id
order by closed.closed_on, securities.ticker
