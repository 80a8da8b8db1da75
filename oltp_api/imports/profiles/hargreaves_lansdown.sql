/*
title: Hargreaves Lansdown, transactions of an account
recognised: [Trade date, Settle date, Reference, Description, Quantity, Value (£)]
names:
  Quantity: [Qty]
  Value (£): [Value, "Value (GBP)"]
optional: [Unit cost (p), Unit cost (£)]
encoding: latin-1
dates: dmy
decimal: "."
amounts: signed
quantities: unsigned
fees: implied
# The kind of a row is in its reference; a trade's security, units and price are in its description too.
*/
with
named as (
    select *, upper("Reference") as said, coalesce("Description", '') as words
    from cells
),
typed as (
    select
        *,
        case
            when said similar to 'B[0-9]+' then 'BUY'
            when said similar to 'S[0-9]+' then 'SELL'
            when said similar to '(UTC CR|UT CR)' and words similar to '.* Eql.*' then 'RETURN_OF_CAPITAL'
            when said similar to '(ST DIV|OVR CR|UTC CR|UT CR|DIV|DIVIDEND|UK DIV|DISTRIBUTION)' then 'DIVIDEND'
            when said similar to '(INTEREST|INT|COMMISSION|LOYALTY.*|UNIT REBATE|REBATE)' then 'INTEREST'
            when said similar to '(MANAGE FEE|FEE|CHARGE|CUSTODY FEE|ADMIN FEE)' then 'FEE'
            when said similar to
                '(FPC|FPD|CARD WEB|CARD.*|BACS.*|CHQ.*|CHEQUE.*|DIRECT DEBIT|DD|PAYMENT|WITHDRAWAL|TRANSFER|TFR.*|.*SUBSCRIPTION|.*CONTRIBUTION|TAX RELIEF|CASH.*)'
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
        when kind in ('BUY', 'SELL') then coalesce(part(words, '^(.*?)\s+[0-9.,]+ +@ +[0-9.,]+$'), words)
        when kind in ('DIVIDEND', 'RETURN_OF_CAPITAL')
            then coalesce(part(words, '^(.*?)(?: Eql)?(?: -)?(?: UK| Overseas)? (?:Dividend Payment|UT Cash Payment|Cash Payment|Dividend)$'), words)
    end as name,
    "Reference" as reference,
    "Description" as note,
    "Quantity" as quantity,
    part("Description", ' ([0-9.,]+) +@ +[0-9.,]+$') as also_quantity,
    coalesce("Unit cost (p)", "Unit cost (£)") as price,
    part("Description", ' @ +([0-9.,]+)$') as also_price,
    case when kind in ('BUY', 'SELL') then case when "Unit cost (p)" is not null then 'GBX' else 'GBP' end end as price_currency,
    "Value (£)" as amount,
    'GBP' as currency
from typed
order by line
