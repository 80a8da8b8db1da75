/*
title: Portfolio Performance, transactions of an account or all of them, English
recognised: [Date, Type, Value, Transaction Currency, Shares, ISIN, WKN, Ticker Symbol, Security Name]
optional: [Gross Amount, Currency Gross Amount, Exchange Rate, Fees, Taxes, Note, Time, Cash Account, Securities Account, Offset Account, Offset securities account, Date of Value]
dates: ["%Y-%m-%d", "%d/%m/%Y"]
decimal: "."
amounts: signed
income: net
*/
with told as (
    select
        *,
        lower("Type") as deed
    from cells
),

words as (
    select
        *,
        case
            when deed in ('buy') then 'BUY'
            when deed in ('sell') then 'SELL'
            when deed in ('deposit') then 'DEPOSIT'
            when deed in ('withdrawal', 'removal') then 'WITHDRAW'
            when deed in ('dividend', 'dividends') then 'DIVIDEND'
            when deed in ('fees') then 'FEE'
            when deed in ('fees refund') then 'FEE_BACK'
            when deed in ('interest') then 'INTEREST'
            when deed in ('interest charge') then 'INTEREST_PAID'
            when deed in ('taxes', 'tax') then 'TAX'
            when deed in ('tax refund') then 'TAX_BACK'
            when deed in ('transfer (inbound)') then 'MOVED_IN'
            when deed in ('transfer (outbound)') then 'MOVED_OUT'
            when deed in ('delivery (inbound)') then 'TRANSFER_IN'
            when deed in ('delivery (outbound)') then 'TRANSFER_OUT'
        end as word
    from told
),

kinds as (
    select
        *,
        case
            when word in ('FEE_BACK') then 'FEE'
            when word in ('TAX_BACK') then 'TAX'
            when word = 'INTEREST_PAID' then 'INTEREST'
            when word in ('MOVED_IN', 'MOVED_OUT') and "Shares" is not null then replace(word, 'MOVED', 'TRANSFER')
            when word = 'MOVED_IN' then 'DEPOSIT'
            when word = 'MOVED_OUT' then 'WITHDRAW'
            else word
        end as kind,
        coalesce(bool_and(word in ('BUY', 'SELL', 'TRANSFER_IN', 'TRANSFER_OUT', 'MOVED_IN', 'MOVED_OUT')) over (), false)
            and not coalesce(bool_or(word = 'BUY' and is_negative("Value")) over (), false)
            and not coalesce(bool_or(word = 'SELL' and not is_negative("Value")) over (), false) as is_of_depot,
        is_something("Fees") as has_fees,
        is_something("Taxes") as has_taxes,
        "Note" as remark
    from words
)

select
    line,
    coalesce(kind, "Type" || ', which is not read') as type,
    "Date" as day,
    "Time" as time,
    "Ticker Symbol" as ticker,
    "ISIN" as isin,
    "Security Name" as name,
    remark as note,
    case when kind in ('BUY', 'SELL', 'TRANSFER_IN', 'TRANSFER_OUT') then "Shares" end as quantity,
    case
        when kind = 'BUY' then ["Fees", "Taxes"]
        when kind = 'SELL' then ["Fees"]
    end as fees,
    [
        case
            when kind in ('TRANSFER_IN', 'TRANSFER_OUT') then null
            when is_of_depot then negated("Value")
            else "Value"
        end,
        case when kind in ('SELL', 'INTEREST') then "Taxes" end,
        case when kind in ('DIVIDEND', 'INTEREST') then "Fees" end
    ] as amount,
    case when kind = 'DIVIDEND' and "Currency Gross Amount" = "Transaction Currency" then "Gross Amount" end as gross,
    case when kind = 'DIVIDEND' then "Taxes" end as withheld,
    ["Shares", "Gross Amount", "Exchange Rate", "Fees", "Taxes"] as checked,
    "Transaction Currency" as currency,
    {
        'Gross Amount': case
            when "Currency Gross Amount" <> "Transaction Currency" and "Exchange Rate" is null then "Gross Amount"
        end,
        'Fees': case when is_negative("Fees") or kind not in ('BUY', 'SELL', 'DIVIDEND', 'INTEREST') then "Fees" end,
        'Taxes': case when is_negative("Taxes") or kind not in ('BUY', 'SELL', 'DIVIDEND', 'INTEREST') then "Taxes" end
    } as uncounted
from kinds

union all by name

select
    line,
    'TAX' as type,
    "Date" as day,
    "Time" as time,
    "Ticker Symbol" as ticker,
    "ISIN" as isin,
    remark as note,
    [negated("Taxes")] as amount,
    "Transaction Currency" as currency
from kinds
where has_taxes and kind in ('SELL', 'INTEREST')

union all by name

select
    line,
    'FEE' as type,
    "Date" as day,
    "Time" as time,
    "Ticker Symbol" as ticker,
    "ISIN" as isin,
    remark as note,
    [negated("Fees")] as amount,
    "Transaction Currency" as currency
from kinds
where has_fees and kind in ('DIVIDEND', 'INTEREST')
