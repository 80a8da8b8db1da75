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

-- name: rates
-- Rates that are a week old at most: an older one would be a currency that stands still.
select
    currency,
    business_date as days,
    cast(rate_per_eur as double) as rate
from marts.fx_rate_daily
where
    list_contains($currencies, currency)
    and business_date between $start and $until
    and rate_date >= business_date - 7
order by currency, business_date

-- name: bond_terms
select *
from raw.pg_bond_details
where list_contains($security_ids, security_id)

-- name: par_yields
select
    curve_date as days,
    tenor_months,
    cast(par_yield_pct as double) as par_yield_pct
from raw.yield_curve
order by curve_date, tenor_months

-- name: last_quotes
-- What somebody says that a bond costs; what the curve says follows from its spread.
select
    security_id,
    arg_max(close, price_date) as close,
    max(price_date) as price_date
from marts.fact_price_daily
where list_contains($security_ids, security_id) and price_source <> 'CURVE' and price_date <= $until
group by security_id

-- name: stated_splits
-- Splits in the ledgers of portfolios, of securities whose prices are people's own and as traded. One that the market
-- tells within a week is in the returns already. Each portfolio's are its own: nobody else's numbers follow from them.
with taken_back as (
    select
        portfolio_id,
        reverses_seq as seq
    from raw.pg_transaction_ledger
    where reverses_seq is not null and list_contains($portfolio_ids, portfolio_id)
),

own_priced as (
    select distinct security_id
    from marts.fact_price_daily
    where price_source in ('POSTED', 'FOLDER') and price_kind = 'AS_TRADED'
)

select
    ledger.portfolio_id,
    ledger.security_id,
    ledger.business_date as day,
    cast(ledger.split_new as double) / cast(ledger.split_old as double) as ratio
from raw.pg_transaction_ledger as ledger
inner join own_priced using (security_id)
inner join marts.dim_security as securities using (security_id)
anti join taken_back on ledger.portfolio_id = taken_back.portfolio_id and ledger.seq = taken_back.seq
anti join raw.corporate_action as actions
    on
        securities.ticker = actions.ticker
        and actions.action_type = 'SPLIT'
        and actions.action_date between ledger.business_date - 7 and ledger.business_date + 7
where
    list_contains($portfolio_ids, ledger.portfolio_id)
    and ledger.txn_type in ('SPLIT', 'BONUS')
    and ledger.reverses_seq is null
-- A bonus has a row for each account.
group by ledger.portfolio_id, ledger.security_id, ledger.business_date, ratio
order by ledger.portfolio_id, min(ledger.seq)

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
