{# Cash balances in other currencies than the portfolio's: how many more are held since this day, by portfolio. #}
with transactions as (
    select * from {{ ref('stg_postgres__transaction') }}
    where not is_base_currency
),

balances as (
    select
        portfolio_id,
        currency,
        business_date,
        cast(sum(sum(cash_effect)) over by_day <> 0 as integer) as is_held
    from transactions
    group by portfolio_id, currency, business_date
    window by_day as (partition by portfolio_id, currency order by business_date)
),

stepped as (
    select
        *,
        is_held - lag(is_held, 1, 0) over (partition by portfolio_id, currency order by business_date) as opened
    from balances
),

final as (
    select
        portfolio_id,
        business_date,
        sum(opened) as foreign_cash_opened
    from stepped
    group by portfolio_id, business_date
)

select * from final
