/*
title: Hargreaves Lansdown, holdings
kind: statement
recognised: [Code, Stock, Units held, Price (pence), Value (£)]
optional: [Cost (£)]
decimal: "."
# Prices are in pence: what a unit is worth is in the value.
*/
select
    line,
    "Code" as ticker,
    "Units held" as quantity,
    "Value (£)" as market_value,
    "Cost (£)" as cost,
    'GBP' as currency,
    case when "Code" is null then 'a total' end as skip
from cells
union all
select line, 'CASH', cells[2], null, null, 'GBP', null
from lines
where cells[1] = 'Total cash:'
