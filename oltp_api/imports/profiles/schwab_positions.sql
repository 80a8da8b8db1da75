/*
title: Charles Schwab, positions
kind: statement
recognised: [Symbol, Description, Quantity, Market Value, Cost Basis]
names:
    Quantity: [Qty (Quantity)]
    Market Value: [Mkt Val (Market Value)]
optional: [Price]
decimal: "."
# A file of all accounts has a header for each, below a line with its name.
*/
select
    line,
    case when "Symbol" in ('Cash & Cash Investments', 'Cash and Money Market') then 'CASH' else "Symbol" end as ticker,
    "Quantity" as quantity,
    "Price" as price,
    "Market Value" as market_value,
    nullif("Cost Basis", 'Incomplete') as cost,
    'USD' as currency,
    case
        when "Symbol" in ('Account Total', 'Positions Total') then 'a total'
        when "Symbol" = 'Symbol' then 'the header of an account'
        when "Description" is null and "Quantity" is null then 'the name of an account'
    end as skip
from cells
