with securities as (
    select * from {{ ref('stg_postgres__security') }}
),

identifiers as (
    select * from {{ ref('stg_postgres__identifier') }}
    where id_type = 'TICKER' and is_primary and is_current
),

prices as (
    select
        security_id,
        count(*) as n_prices,
        min(price_date) as first_price_date,
        max(price_date) as last_price_date
    from {{ ref('int_prices_quoted') }}
    where price_source <> 'CURVE'
    group by security_id
),

days as (
    select * from {{ ref('int_days_numbered') }}
),

sessions as (
    select
        max(date_day) filter (where is_trading_day) as last_session,
        max(trading_day_number) as last_number
    from days
),

held as (
    select distinct security_id
    from {{ ref('stg_positions__interval') }}
    where valid_to is null and quantity <> 0
),

final as (
    select
        identifiers.id_value as ticker,
        identifiers.security_id,
        securities.asset_type,
        securities.currency,
        held.security_id is not null as is_held,
        prices.first_price_date,
        prices.last_price_date,
        cast(coalesce(prices.n_prices, 0) as integer) as n_prices,
        cast(sessions.last_number - priced.trading_day_number as integer) as sessions_behind,
        {{ carried_status('prices.last_price_date', 'prices.last_price_date < sessions.last_session') }} as status
    from identifiers
    inner join securities using (security_id)
    cross join sessions
    left join prices using (security_id)
    asof left join days as priced on prices.last_price_date >= priced.date_day
    left join held on identifiers.security_id = held.security_id
)

select * from final
