/*
title: Sharesight, all trades report
recognised: [Market, Code, Name, Type, Date, Quantity, "Price *", "Brokerage *", Currency, Exchange Rate, Value]
optional: [Comments]
decimal: "."
amounts: signed
quantities: signed
rate: base
# The rate is what one unit of the portfolio's currency is in the market's; Value is in the portfolio's.
*/
with
named as (select *, lower("Type") as said from cells)
select
    line,
    case
        when said in ('buy', 'sell') then upper(said)
        when said = 'opening balance' then 'TRANSFER_IN'
        when said in ('split', 'consolidation', 'share consolidation') then 'SPLIT'
        else "Type"
    end as type,
    "Date" as day,
    "Code" as ticker,
    "Name" as name,
    "Comments" as note,
    case when said in ('buy', 'sell', 'opening balance') then "Quantity" end as quantity,
    case when said not in ('buy', 'sell', 'opening balance') then "Quantity" end as units_new,
    "Price *" as price,
    "Brokerage *" as fees,
    "Currency" as currency,
    "Exchange Rate" as fx_rate,
    "Value" as base_amount,
    case
        when "Market" = 'FX' then 'is of a currency account, and no security'
        when said in ('merger', 'demerger', 'capital return', 'capital call', 'bonus', 'rights', 'cancel', 'adjust cost base', 'merge (buy)', 'merge (cancel)')
            then 'is a corporate action (' || "Type" || '), of which the file does not say the terms; record it by hand'
    end as refuse,
    case when "Code" is null and "Type" is null then 'a text of the report' end as skip
from named
order by line
