{#
Transactions with what one unit of their currency is in the portfolio's at the close of their day, null where there is
no rate. `fx_rate` is another one: that of the trade itself, by which cost and realised gain are counted.
#}
with transactions as (
    select * from {{ ref('stg_postgres__transaction') }}
    where {{ in_scope('portfolio_id') }}
),

rates as (
    select * from {{ ref('int_fx_crossed') }}
),

final as (
    select
        transactions.*,
        case when transactions.is_base_currency then 1 else rates.fx_rate end as close_fx_rate
    from transactions
    left join rates using (base_currency, currency, business_date)
)

select * from final
