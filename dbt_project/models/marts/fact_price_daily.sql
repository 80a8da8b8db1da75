{{ config(materialized='windowed', date_column='price_date') }}

with prices as (
    select * from {{ ref('stg_market__price') }}
),

securities as (
    select * from {{ ref('stg_postgres__security') }}
),

days as (
    select * from {{ ref('int_days_numbered') }}
),

registered as (
    select
        securities.security_id,
        prices.*,
        days.trading_day_number
    from prices
    inner join securities using (ticker, currency)
    left join days on prices.price_date = days.date_day
),

followed as (
    select
        *,
        cast(lag(close) over by_day as double) as previous_close,
        trading_day_number - lag(trading_day_number) over by_day as trading_days_since
    from registered
    window by_day as (partition by security_id order by price_date)
),

final as (
    select
        security_id,
        price_date,
        close,
        currency,
        price_kind,
        case when trading_days_since = 1 then cast(close as double) / previous_close - 1 end as simple_return,
        case when trading_days_since = 1 then ln(cast(close as double) / previous_close) end as log_return
    from followed
)

select * from final
