{# Every calendar day up to the last one with prices, with the trading day it is valued at. Not `filter`: DuckDB counts
with it over a window in 0.2 s where this takes 0.02, and most marts begin here. #}
with calendar as (
    select * from {{ ref('stg_market__trading_calendar') }}
),

as_of as (
    select max(price_date) as last_price_date from {{ ref('stg_market__price') }}
),

known as (
    select calendar.*
    from calendar
    cross join as_of
    where calendar.calendar_date <= as_of.last_price_date
),

final as (
    select
        calendar_date as date_day,
        is_trading_day,
        is_business_day,
        max(case when is_trading_day then calendar_date end) over (order by calendar_date) as last_trading_day,
        count(case when is_trading_day then 1 end) over (order by calendar_date) as trading_day_number
    from known
)

select * from final
