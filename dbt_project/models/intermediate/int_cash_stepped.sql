{# What a portfolio had in cash of each currency, and what of it moved, from one day with a movement to the next. #}
with transactions as (
    select * from {{ ref('stg_postgres__transaction') }}
    where {{ in_scope('portfolio_id') }}
),

moved as (
    select
        portfolio_id,
        base_currency,
        currency,
        business_date as valid_from,
        sum(cash_effect) as cash_effect
    from transactions
    where cash_effect <> 0
    group by portfolio_id, base_currency, currency, business_date
),

final as (
    select
        *,
        sum(cash_effect) over by_day as balance,
        lead(valid_from) over by_day as valid_to
    from moved
    window by_day as (partition by portfolio_id, currency order by valid_from)
)

select * from final
