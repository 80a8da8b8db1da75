-- name: ledger
-- The first and the last of the rows, with how many there are; all of them where they are few.
with ledger as (
    select
        ledger.*,
        securities.ticker,
        reversals.seq as reversed_by_seq
    from raw.pg_transaction_ledger as ledger
    left join marts.dim_security as securities using (security_id)
    left join raw.pg_transaction_ledger as reversals
        on ledger.portfolio_id = reversals.portfolio_id and ledger.seq = reversals.reverses_seq
    where
        ledger.portfolio_id = $portfolio_id
        and ledger.business_date <= $until
        and ($since is null or ledger.business_date > $since)
        and ($ticker is null or securities.ticker = $ticker)
        and ($currency is null or ledger.currency = $currency)
        and ($types is null or list_contains($types, ledger.txn_type))
        and ($seqs is null or list_contains($seqs, ledger.seq))
),

numbered as (
    select
        *,
        row_number() over (order by seq) as place,
        count(*) over () as n,
        min(seq) over () as first_seq,
        max(seq) over () as last_seq
    from ledger
)

select
    seq,
    txn_type,
    business_date,
    ticker,
    quantity,
    price,
    cash_effect,
    currency,
    reverses_seq,
    reversed_by_seq,
    n,
    first_seq,
    last_seq
from numbered
where n <= $most or place <= $most / 2 or place > n - $most / 2
order by seq

-- name: price_on
select
    prices.security_id,
    prices.price_date,
    prices.close,
    prices.currency,
    prices.price_kind,
    prices.price_source,
    securities.asset_type
from marts.fact_price_daily as prices
inner join marts.dim_security as securities using (security_id)
where securities.ticker = $ticker and prices.price_date <= $day
order by prices.price_date desc
limit 1

-- name: prices_between
select
    count(*) as n,
    count(distinct prices.security_id) as n_securities,
    min(prices.price_date) as first_day,
    max(prices.price_date) as last_day
from marts.fact_price_daily as prices
where
    prices.security_id in (
        select security_id
        from marts.fact_position_daily
        where portfolio_id = $portfolio_id and business_date = $day
    )
    and prices.price_date <= $day
    and ($since is null or prices.price_date > $since)

-- name: index_between
select
    price_date,
    cast(coalesce(adjusted_close, close) as double) as level,
    count(*) over () as n
from raw.price_daily
where ticker = $ticker and price_date >= $since and price_date <= $until
qualify row_number() over (order by price_date) = 1 or row_number() over (order by price_date desc) = 1
order by price_date

-- name: yields_between
select
    curve_date,
    par_yield_pct,
    count(*) over () as n
from raw.yield_curve
where tenor_months = 3 and curve_date <= $until and ($since is null or curve_date >= $since)
qualify row_number() over (order by curve_date) = 1 or row_number() over (order by curve_date desc) = 1
order by curve_date

-- name: curve_on
select
    curve_date,
    tenor_months,
    par_yield_pct
from raw.yield_curve
where curve_date = $day
order by tenor_months

-- name: rates_on
select
    currency,
    rate_per_eur,
    rate_date,
    business_date
from marts.fx_rate_daily
where business_date = $day and list_contains($currencies, currency)
order by currency

-- name: currencies
select distinct currency
from (
    select currency
    from marts.fact_position_daily
    where portfolio_id = $portfolio_id and business_date = $day
    union all
    select currency
    from marts.fact_cash_daily
    where portfolio_id = $portfolio_id and business_date = $day
)

-- name: value_on
select *
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id and business_date = $day

-- name: values_between
select
    count(*) as n,
    min(business_date) as first_day,
    max(business_date) as last_day
from marts.fact_portfolio_value_daily
where portfolio_id = $portfolio_id and business_date <= $until and ($since is null or business_date >= $since)

-- name: returns_between
select
    business_date,
    daily_return,
    count(*) over () as n
from marts.fact_return_daily
where
    portfolio_id = $portfolio_id
    and level = $level
    and ($ticker is null or security_id in (select security_id from marts.dim_security where ticker = $ticker))
    and business_date <= $until
    and ($since is null or business_date > $since)
qualify row_number() over (order by business_date) = 1 or row_number() over (order by business_date desc) = 1
order by business_date

-- name: holdings_on
select
    securities.ticker,
    positions.currency,
    positions.base_currency,
    sum(positions.quantity) as quantity,
    max(positions.close) as close,
    max(positions.price_date) as price_date,
    max(positions.status) as status,
    max(positions.stale_days) as stale_days,
    sum(positions.market_value_base) as market_value_base,
    sum(positions.cost_basis_base) as cost_basis_base
from marts.fact_position_daily as positions
inner join marts.dim_security as securities using (security_id)
where positions.portfolio_id = $portfolio_id and positions.business_date = $day
group by securities.ticker, positions.currency, positions.base_currency
order by abs(coalesce(sum(positions.market_value_base), 0)) desc, securities.ticker

-- name: balances_on
select
    currency,
    balance,
    fx_rate,
    balance_base,
    base_currency
from marts.fact_cash_daily
where portfolio_id = $portfolio_id and business_date = $day
order by abs(coalesce(balance_base, 0)) desc, currency

-- name: settings
-- All columns: an older release has not all of them.
select *
from raw.pg_portfolio
where portfolio_id = $portfolio_id

-- name: security
select *
from marts.dim_security
where ticker = $ticker

-- name: disposals_until
select
    disposals.seq,
    disposals.part,
    disposals.realised_on,
    securities.ticker,
    disposals.units,
    disposals.gain_base,
    count(*) over () as n
from positions.disposal as disposals
inner join marts.dim_security as securities using (security_id)
where
    disposals.portfolio_id = $portfolio_id
    and disposals.realised_on <= $until
    and ($since is null or disposals.realised_on > $since)
qualify
    row_number() over (order by disposals.realised_on, disposals.seq, disposals.part) <= 3
    or row_number() over (order by disposals.realised_on desc, disposals.seq desc, disposals.part desc) <= 3
order by disposals.realised_on, disposals.seq, disposals.part

-- name: simulation_inputs
-- One row per name: those of one number alone, those of every security with how many there are.
with inputs as (
    select *
    from simulation.simulation_input
    where
        simulation_id = $simulation_id
        and release_id = (
            select max(release_id)
            from simulation.simulation_input
            where simulation_id = $simulation_id
        )
)

select
    name,
    min(place) as place,
    count(*) as n,
    arg_min(ticker, place) as ticker,
    arg_min(value, place) as value,
    arg_min(text, place) as text,
    arg_min(unit, place) as unit,
    arg_min(how, place) as how,
    arg_min(source, place) as source,
    arg_min(content_hash, place) as content_hash,
    min(window_start) as window_start,
    max(window_end) as window_end
from inputs
group by name
order by min(place)
