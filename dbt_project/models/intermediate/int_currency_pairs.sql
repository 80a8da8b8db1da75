{# Base currency and another one that a transaction of one of its portfolios is in: what needs a rate. #}
with transactions as (
    select * from {{ ref('stg_postgres__transaction') }}
),

final as (
    select distinct
        base_currency,
        currency
    from transactions
    where not is_base_currency
)

select * from final
