/*
title: E*Trade, portfolio
kind: statement
recognised: [Symbol, Last Price $, Quantity, Value $]
decimal: "."
*/
select
    line,
    "Symbol" as ticker,
    "Quantity" as quantity,
    "Last Price $" as price,
    "Value $" as market_value,
    'USD' as currency,
    case when "Symbol" = 'TOTAL' then 'a total' when "Value $" is null then 'a remark' end as skip
from cells
