{{ config(materialized='windowed', date_column='business_date', owner_column='portfolio_id') }}

with transactions as (
    select * from {{ ref('int_transactions_converted') }}
    where cash_effect <> 0
),

kinds as (
    select
        *,
        case
            when txn_type in ('DEPOSIT', 'WITHDRAW') then 'EXTERNAL'
            when txn_type in ('DIVIDEND', 'COUPON', 'INTEREST') then 'INCOME'
            when txn_type in ('BUY', 'SELL', 'TRADE_FEE') then 'TRADE'
            when txn_type in ('RETURN_OF_CAPITAL', 'COST_ADJUSTMENT', 'MERGER') then 'CORPORATE_ACTION'
            when txn_type in ('TRANSFER_IN', 'TRANSFER_OUT') then 'CONVERSION'
            else txn_type
        end as flow_type
    from transactions
),

final as (
    select
        portfolio_id,
        account_id,
        currency,
        business_date,
        flow_type,
        base_currency,
        {{ money('sum(cash_effect)') }} as amount,
        cast(max(close_fx_rate) as decimal(18, 8)) as fx_rate,
        {{ money('sum(' ~ product('cash_effect', 'close_fx_rate') ~ ')') }} as amount_base,
        cast(count(*) as integer) as n_transactions
    from kinds
    group by portfolio_id, account_id, currency, business_date, flow_type, base_currency
)

select * from final
