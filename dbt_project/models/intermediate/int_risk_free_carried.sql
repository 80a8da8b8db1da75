{# The three-month Treasury yield as a return per trading day; a missing one is carried at most 7 days. #}
with days as (
    select * from {{ ref('stg_market__trading_calendar') }}
    where is_trading_day
),

yields as (
    select * from {{ ref('stg_market__yield') }}
    where tenor_months = 3
),

final as (
    select
        days.calendar_date as date_day,
        cast(yields.par_yield_pct as double) / 100 / 252 as risk_free_return
    from days
    asof inner join yields on days.calendar_date >= yields.curve_date
    where days.calendar_date - yields.curve_date <= 7
)

select * from final
