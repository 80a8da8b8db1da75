/*
title: Trading 212, a pie
kind: statement
recognised: [Slice, Name, Invested value, Value, Owned quantity]
decimal: "."
*/
select
    line,
    "Slice" as ticker,
    "Owned quantity" as quantity,
    "Value" as market_value,
    "Invested value" as cost,
    case when "Slice" = 'Total' then 'a total' end as skip
from cells
