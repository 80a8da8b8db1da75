/*
title: Hargreaves Lansdown, transaction summary
recognised: [Trade date, Settle date, Reference, Description, Unit cost (p), Quantity]
encoding: latin-1
dates: dmy
decimal: "."
amounts: signed
quantities: unsigned
price_unit: minor
fees: implied
*/
with
named as (
    select *, upper("Reference") as said, upper(coalesce("Reference", '') || ' ' || coalesce("Description", '')) as words
    from cells
),
typed as (
    select
        *,
        case
            when said similar to 'B[0-9]+' then 'BUY'
            when said similar to 'S[0-9]+' then 'SELL'
            when said similar to '(MANAGE FEE|FEE|CHARGE|PLAT.*|ADMIN.*)' then 'FEE'
            when said similar to '(INTEREST|INT)' then 'INTEREST'
            when said similar to '(LOYALTY.*|UNIT REBATE|REBATE)' then 'INTEREST'
            when said similar to '(DIV.*|OVR CR|UK DIV|EQ.*|DISTRIB.*)' then 'DIVIDEND'
            when said similar to '(FPC|FPD|CARD.*|BACS.*|CHQ.*|CHEQUE.*|DIRECT DEBIT|DD|PAYMENT|WITHDRAWAL|TRANSFER|TFR.*|R|SUBSCR.*|TAX RELIEF|CASH.*)'
                then 'CASH'
            else "Reference"
        end as kind
    from named
)
select
    line,
    kind as type,
    "Trade date" as day,
    "Settle date" as settles,
    case
        when kind in ('BUY', 'SELL') then coalesce(trim(part("Description", '^(.*?)\s+[0-9.,]+ +@ +[0-9.,]+$')), "Description")
        when kind = 'DIVIDEND' then "Description"
    end as name,
    "Reference" as reference,
    "Description" as note,
    "Quantity" as quantity,
    part("Description", ' ([0-9.,]+) +@ +[0-9.,]+$') as also_quantity,
    "Unit cost (p)" as price,
    part("Description", ' @ +([0-9.,]+)$') as also_price,
    "Value (£)" as amount,
    'GBP' as currency
from typed
order by line
