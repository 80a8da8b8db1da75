with days as (
    select * from {{ ref('int_days_numbered') }}
),

final as (
    select
        date_day,
        cast(year(date_day) as integer) as calendar_year,
        cast(quarter(date_day) as integer) as calendar_quarter,
        cast(month(date_day) as integer) as calendar_month,
        cast(isodow(date_day) as integer) as iso_weekday,
        is_business_day,
        is_trading_day,
        last_trading_day,
        cast(trading_day_number as integer) as trading_day_number
    from days
)

select * from final
