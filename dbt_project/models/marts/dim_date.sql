with days as (
    select * from {{ ref('int_days_numbered') }}
),

risk_free as (
    select * from {{ ref('int_risk_free_carried') }}
),

final as (
    select
        days.date_day,
        cast(year(days.date_day) as integer) as calendar_year,
        cast(quarter(days.date_day) as integer) as calendar_quarter,
        cast(month(days.date_day) as integer) as calendar_month,
        cast(isodow(days.date_day) as integer) as iso_weekday,
        days.is_business_day,
        days.is_trading_day,
        days.last_trading_day,
        cast(days.trading_day_number as integer) as trading_day_number,
        risk_free.risk_free_return
    from days
    left join risk_free on days.date_day = risk_free.date_day
)

select * from final
