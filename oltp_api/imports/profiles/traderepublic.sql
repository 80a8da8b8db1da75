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
        "tax" as tax_cell,
        "date" as said_day,
        "shares" as units,
        left("datetime", 10) <> "date" and try_cast(left("datetime", 10) as date) = try_cast("date" as date) + 1 as is_day_after
    from cells
),

kinds as (
    select
        *,
        case
            when deed in ('BUY', 'SELL') and "category" = 'TRADING' then deed
            when deed in ('SAVINGS_PLAN', 'SAVEBACK', 'ROUND_UP') and "category" = 'TRADING' then 'BUY'
            when deed in ('DIVIDEND', 'DISTRIBUTION', 'DIVIDEND_EQUIVALENT_PAYMENT') then 'DIVIDEND'
            when deed in ('COUPON', 'COUPON_PAYMENT', 'BOND_COUPON') then 'COUPON'
            when deed in ('INTEREST_PAYMENT', 'INTEREST', 'INTEREST_PAYMENT_TAX_EXEMPT') then 'INTEREST'
            when deed in ('TAX_OPTIMIZATION', 'PRE_DETERMINED_TAX_BASE', 'EARNINGS', 'SEC_ACCOUNT', 'TAX', 'TAX_REFUND', 'PREPAID_TAX', 'VORABPAUSCHALE', 'EARNINGS_TAX') then 'TAX'
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
            when "category" = 'CORPORATE_ACTION' and deed = 'SPLIT' and not is_negative("shares") then 'SPLIT'
            when "category" = 'CASH' and deed in ('FINAL_MATURITY', 'REDEMPTION', 'TILG') then 'REPAID'
            when "category" = 'CORPORATE_ACTION' and deed in ('FINAL_MATURITY', 'REDEMPTION', 'WARRANT_EXERCISE') then 'GONE'
        end as kind,
        is_something(fee_cell) as has_fee,
        is_something(tax_cell) as has_tax,
        is_negative("amount") or coalesce(not is_negative(tax_cell), false) as is_corrected
    from told
),

repaid as (
    select
        paid.line,
        gone.line as gone_line,
        gone.units as gone_units
    from kinds as paid
    inner join kinds as gone on paid.named = gone.named
    where paid.kind = 'REPAID' and gone.kind = 'GONE' and is_negative(gone.units)
    qualify count(*) over (partition by paid.line) = 1 and count(*) over (partition by gone.line) = 1
)

select
    kinds.line,
    case
        when gone_line is not null then 'SELL'
        when kind in ('REPAID', 'GONE') then "type" || ' without its other half'
        else coalesce(kind, "type" || ', which is not read')
    end as type,
    case when kind = 'DIVIDEND' and is_day_after then said_day else "datetime" end as day,
    said_day as also_day,
    case when regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as isin,
    case when not regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as ticker,
    case when named is not null then "name" end as name,
    "asset_class" as asset_type,
    "transaction_id" as reference,
    "description" as note,
    case when kind in ('BUY', 'SELL', 'UNITS') then units else gone_units end as quantity,
    case when kind = 'SPLIT' then units end as units_new,
    case when gone_line is not null then [gone_line] end as merged,
    case
        when kind in ('BUY', 'SELL') and upper("asset_class") = 'BOND'  -- of par, and ours are per cent of it
            then coalesce(cast(try_cast("price" as decimal(20, 8)) * 100 as varchar), "price")
        when kind in ('BUY', 'SELL') then "price"
    end as price,
    case when kind in ('BUY', 'SELL') then "fee" end as fees,
    case when kind in ('DIVIDEND', 'COUPON') and not is_corrected then tax_cell end as withheld,
    case
        when kind = 'SPLIT' then null
        when kind = 'TAX' and has_tax then ["amount", "tax"]
        else ["amount"]
    end as amount,
    ["shares", "price", "original_amount", "fx_rate", fee_cell, tax_cell] as checked,
    "currency" as currency,
    case when kind not in ('REPAID', 'TAX') then "value_date" end as settles,
    {'fee': case when not has_fee then fee_cell end, 'tax': case when not has_tax then tax_cell end} as uncounted
from kinds
left join repaid on kinds.line = repaid.line
where kinds.line not in (select gone_line from repaid)

union all by name

select
    line,
    'FEE' as type,
    case when kind = 'DIVIDEND' and is_day_after then said_day else "datetime" end as day,
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
    case when kind = 'DIVIDEND' and is_day_after then said_day else "datetime" end as day,
    case when regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as isin,
    case when not regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as ticker,
    "transaction_id" as reference,
    "description" as note,
    ["tax"] as amount,
    "currency" as currency
from kinds
where has_tax and kind <> 'TAX' and (kind not in ('DIVIDEND', 'COUPON') or is_corrected)
