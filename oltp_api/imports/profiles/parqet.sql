/*
title: Parqet, activities
recognised: [datetime, price, shares, amount, tax, fee, type, identifier, currency]
names: {holdingname: [holding name]}
optional: [date, time, realizedgains, broker, assettype, wkn, originalcurrency, fxrate, holding, holdingname, holdingnickname, exchange, avgholdingperiod, activityid, isin]
dates: ["%d.%m.%Y", "%Y-%m-%d"]
decimal: ","
amounts: signed
income: gross
*/
with told as (
    select
        *,
        lower("type") as deed,
        "time" as clock,
        "tax" as tax_cell,
        "fee" as fee_cell,
        coalesce("date", "datetime") as said_day,
        is_something("tax") as has_tax,
        is_something("fee") as has_fee,
        coalesce("isin", "identifier") as named,
        "currency" as unit
    from cells
),

kinds as (
    select
        *,
        case
            when deed in ('buy', 'kauf') then 'BUY'
            when deed in ('sell', 'verkauf') then 'SELL'
            when deed in ('dividend', 'dividende') then 'DIVIDEND'
            when deed in ('interest', 'zinsen') then 'INTEREST'
            when deed in ('deposit', 'einzahlung', 'cashin') then 'DEPOSIT'
            when deed in ('withdrawal', 'auszahlung', 'cashout') then 'WITHDRAW'
            when deed in ('transferin', 'transfer_in', 'einbuchung') then 'TRANSFER_IN'
            when deed in ('transferout', 'transfer_out', 'ausbuchung') then 'TRANSFER_OUT'
            when deed in ('tax', 'taxes', 'steuern') then 'TAX'
            when deed in ('fee', 'fees', 'cost', 'gebühren') then 'FEE'
        end as kind
    from told
)

select
    line,
    coalesce(kind, "type" || ', which is not read') as type,
    said_day as day,
    clock as time,
    case when kind not in ('DEPOSIT', 'WITHDRAW', 'INTEREST') and regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as isin,
    case when kind not in ('DEPOSIT', 'WITHDRAW', 'INTEREST') and not regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as ticker,
    case when kind not in ('DEPOSIT', 'WITHDRAW', 'INTEREST') then "holdingname" end as name,
    "broker" as note,
    "shares" as quantity,
    "price" as price,
    case
        when kind = 'BUY' then [fee_cell, tax_cell]
        when kind = 'SELL' then [fee_cell]
    end as fees,
    case when kind = 'DIVIDEND' then tax_cell end as withheld,
    case when kind in ('BUY', 'SELL') then "amount" end as gross,
    case
        when kind in ('BUY', 'SELL', 'TRANSFER_IN', 'TRANSFER_OUT') then null
        when kind in ('WITHDRAW', 'TAX', 'FEE') and not is_negative("amount") then [negated("amount")]
        else ["amount"]
    end as amount,
    ["price", "shares", "realizedgains", "fxrate", fee_cell, tax_cell] as checked,
    unit as currency
from kinds

union all by name

select
    line,
    'TAX' as type,
    said_day as day,
    clock as time,
    case when kind = 'SELL' and regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as isin,
    case when kind = 'SELL' and not regexp_matches(named, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$') then named end as ticker,
    "broker" as note,
    [negated(tax_cell)] as amount,
    unit as currency
from kinds
where has_tax and kind in ('SELL', 'INTEREST', 'DEPOSIT', 'WITHDRAW')

union all by name

select
    line,
    'FEE' as type,
    said_day as day,
    clock as time,
    "broker" as note,
    [negated(fee_cell)] as amount,
    unit as currency
from kinds
where has_fee and kind not in ('BUY', 'SELL')
