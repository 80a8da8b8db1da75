/*
title: Trade Republic, export of transactions
recognised: [datetime, date, account_type, category, type, asset_class, name, symbol, shares, price, amount, fee, tax, currency]
optional: [original_amount, original_currency, fx_rate, description, transaction_id, value_date, counterparty_name, counterparty_iban, payment_reference, mcc_code]
dates: iso
decimal: "."
amounts: signed
quantities: signed
charges: signed
income: gross
*/
with told as (
    select
        *,
        upper("type") as deed,
        "symbol" as named,
        "fee" as fee_cell,
        "tax" as tax_cell
    from cells
),

kinds as (
    select
        *,
        case
            when deed in ('BUY', 'SELL') and "category" = 'TRADING' then deed
            when deed in ('SAVINGS_PLAN', 'SAVEBACK', 'ROUND_UP') and "category" = 'TRADING' then 'BUY'
            when deed in ('DIVIDEND', 'DISTRIBUTION') then 'DIVIDEND'
            when deed in ('COUPON', 'COUPON_PAYMENT', 'BOND_COUPON') then 'COUPON'
            when deed in ('INTEREST_PAYMENT', 'INTEREST', 'INTEREST_PAYMENT_TAX_EXEMPT') then 'INTEREST'
            when deed in ('TAX_OPTIMIZATION', 'TAX', 'TAX_REFUND', 'PREPAID_TAX', 'VORABPAUSCHALE', 'EARNINGS_TAX') then 'TAX'
            when deed in ('FEE', 'CARD_FEE', 'ORDER_FEE', 'CARD_ORDERING_FEE') then 'FEE'
            when deed in (
                'CUSTOMER_INPAYMENT', 'CUSTOMER_INBOUND', 'CUSTOMER_OUTBOUND', 'CUSTOMER_OUTBOUND_REQUEST', 'TRANSFER_INBOUND', 'TRANSFER_OUTBOUND',
                'TRANSFER_INSTANT_INBOUND', 'TRANSFER_INSTANT_OUTBOUND', 'TRANSFER_DIRECT_DEBIT_INBOUND', 'TRANSFER_DIRECT_DEBIT_OUTBOUND',
                'CARD_TRANSACTION', 'CARD_TRANSACTION_INTERNATIONAL', 'CARD_REFUND', 'CARD_CASHBACK', 'CARD_ATM', 'CARD_SUCCESSFUL_TRANSACTION',
                'BENEFITS_SAVEBACK', 'BENEFITS_SPARE_CHANGE', 'GIFT', 'BONUS', 'REFERRAL', 'KINDERGELD_BONUS', 'DIRECT_DEBIT', 'INPAYMENT', 'PAYOUT', 'PAYIN', 'PAYMENT_INBOUND',
                'PAYMENT_OUTBOUND', 'DEPOSIT', 'WITHDRAWAL'
            ) then 'CASH'
            when deed in ('TRANSFER_IN', 'TRANSFER_OUT') and named is null then 'CASH'
            when deed in ('TRANSFER_IN', 'TRANSFER_OUT', 'FREE_RECEIPT', 'FREE_DELIVERY') then 'UNITS'
        end as kind,
        regexp_matches(coalesce(fee_cell, ''), '[1-9]') as has_fee,
        regexp_matches(coalesce(tax_cell, ''), '[1-9]') as has_tax
    from told
)

select
    line,
    coalesce(kind, "type" || ', which is not read') as type,
    "datetime" as day,
    "date" as also_day,
    case when regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as isin,
    case when not regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as ticker,
    case when named is not null then "name" end as name,
    "asset_class" as asset_type,
    "transaction_id" as reference,
    "description" as note,
    case when kind in ('BUY', 'SELL', 'UNITS') then "shares" end as quantity,
    case when kind in ('BUY', 'SELL') then "price" end as price,
    case when kind in ('BUY', 'SELL') then "fee" end as fees,
    case when kind in ('DIVIDEND', 'COUPON') then "tax" end as withheld,
    case when kind = 'TAX' and has_tax then ["amount", "tax"] else ["amount"] end as amount,
    "currency" as currency,
    "value_date" as settles,
    {'fee': case when not has_fee then fee_cell end, 'tax': case when not has_tax then tax_cell end} as uncounted
from kinds

union all by name

select
    line,
    'FEE' as type,
    "datetime" as day,
    "transaction_id" as reference,
    "description" as note,
    ["fee"] as amount,
    "currency" as currency
from kinds
where has_fee and kind not in ('BUY', 'SELL')

union all by name

select
    line,
    'TAX' as type,
    "datetime" as day,
    case when regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as isin,
    case when not regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as ticker,
    "transaction_id" as reference,
    "description" as note,
    ["tax"] as amount,
    "currency" as currency
from kinds
where has_tax and kind not in ('DIVIDEND', 'COUPON', 'TAX')
