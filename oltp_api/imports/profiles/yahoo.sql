/*
title: Yahoo Finance, lots of a portfolio
recognised: [Symbol, Current Price, Trade Date, Purchase Price, Quantity, Commission]
optional: [Comment, Transaction Type, Date, Time, Change, Open, High, Low, Volume, High Limit, Low Limit]
dates: ["%Y%m%d", "%Y-%m-%d", "%Y/%m/%d"]
decimal: "."
amounts: unsigned
order: by_day
# A lot is a purchase, at its price and commission; the file has no cash, so that missing_cash=assume is the rule.
*/
select
    line,
    case
        when "Symbol" = '$$CASH' then coalesce("Transaction Type", 'DEPOSIT')
        when upper("Transaction Type") in ('BUY', 'SELL') then upper("Transaction Type")
        when "Transaction Type" is null or "Transaction Type" = '' then 'TRADE'
        else "Transaction Type"
    end as type,
    "Trade Date" as day,
    case when "Symbol" <> '$$CASH' then "Symbol" end as ticker,
    "Comment" as note,
    case when "Symbol" <> '$$CASH' then "Quantity" end as quantity,
    "Purchase Price" as price,
    "Commission" as fees,
    case when "Symbol" = '$$CASH' then "Quantity" end as amount,
    case when "Quantity" is null and "Purchase Price" is null and "Trade Date" is null then 'a security that is only watched' end as skip
from cells
order by day, line
