/*
title: Wealthfolio, activities
recognised: [date, type, symbol, quantity, unit_price, currency, fee, amount]
names:
  type: [activityType, activity_type]
  unit_price: [unitPrice]
  fx_rate: [fxRate]
  instrument_type: [instrumentType]
optional: [comment, fx_rate, subtype, instrument_type, isin, account]
dates: iso
decimal: "."
bond_price: unit
amounts: unsigned
quantities: unsigned
charges: unsigned
income: gross
*/
with told as (
    select
        *,
        upper("type") as deed,
        upper(coalesce("subtype", '')) as nuance,
        "symbol" is not null and upper("symbol") not like '$CASH%' as is_named,
        is_something("fee") as has_fee,
        "amount" as moved,
        "currency" as unit,
        "account" as place
    from cells
)

select
    line,
    case
        when deed in ('DIVIDEND', 'INTEREST') and nuance in ('DIVIDEND_IN_KIND', 'STAKING_REWARD') then "type" || ' of ' || "subtype" || ', which is not read'
        when deed in ('BUY', 'SELL', 'DEPOSIT', 'DIVIDEND', 'INTEREST', 'FEE', 'TAX', 'SPLIT') then deed
        when deed = 'WITHDRAWAL' then 'WITHDRAW'
        when deed = 'CREDIT' and not is_named then 'DEPOSIT'
        when deed = 'TRANSFER_IN' and not is_named then 'DEPOSIT'
        when deed = 'TRANSFER_OUT' and not is_named then 'WITHDRAW'
        when deed in ('TRANSFER_IN', 'TRANSFER_OUT') then deed
        else "type" || ', which is not read'
    end as type,
    "date" as day,
    case when is_named then "symbol" end as ticker,
    "isin" as isin,
    "instrument_type" as asset_type,
    "comment" as note,
    place as account,
    case when deed <> 'SPLIT' then "quantity" end as quantity,
    case when deed <> 'SPLIT' then "unit_price" end as price,
    case when deed = 'SPLIT' then coalesce(moved, "quantity") end as split_new,
    case when deed = 'SPLIT' then '1' end as split_old,
    case when deed in ('BUY', 'SELL') then "fee" end as fees,
    case
        when deed = 'SPLIT' then null
        when deed in ('FEE', 'TAX') and not is_something(moved) then ["fee"]
        else [moved]
    end as amount,
    ["quantity", "unit_price", "fee"] as checked,
    unit as currency,
    "fx_rate" as fx_rate,
    case
        when not is_named and moved is null and regexp_full_match("quantity", '1([.]0*)?') and regexp_full_match("unit_price", '1([.]0*)?')
            then 'it says no amount, and one unit at a price of 1'
    end as odd,
    {
        'fee': case when is_negative("fee") or deed not in ('BUY', 'SELL', 'DIVIDEND', 'INTEREST', 'FEE', 'TAX') then "fee" end
    } as uncounted
from told

union all by name

select
    line,
    'BUY' as type,
    "date" as day,
    "symbol" as ticker,
    "isin" as isin,
    "instrument_type" as asset_type,
    "comment" as note,
    place as account,
    "quantity" as quantity,
    "unit_price" as price,
    unit as currency,
    "fx_rate" as fx_rate
from told
where deed = 'DIVIDEND' and nuance = 'DRIP'

union all by name

select
    line,
    'FEE' as type,
    "date" as day,
    "comment" as note,
    place as account,
    ["fee"] as amount,
    unit as currency,
    "fx_rate" as fx_rate
from told
where has_fee and deed in ('DIVIDEND', 'INTEREST')
