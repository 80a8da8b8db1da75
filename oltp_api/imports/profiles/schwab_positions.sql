/*
title: Charles Schwab, positions
kind: statement
recognised: [Symbol, Description, Quantity, Price, Market Value, Cost Basis]
names:
    Quantity: [Qty (Quantity)]
    Market Value: [Mkt Val (Market Value)]
decimal: "."
*/
select
    line,
    case when "Symbol" in ('Cash & Cash Investments', 'Cash and Money Market') then 'CASH' else "Symbol" end as ticker,
    "Quantity" as quantity,
    "Price" as price,
    "Market Value" as market_value,
    "Cost Basis" as cost,
    'USD' as currency,
    case when "Symbol" in ('Account Total', 'Positions Total') then 'a total' end as skip
from cells
