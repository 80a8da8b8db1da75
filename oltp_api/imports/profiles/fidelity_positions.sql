/*
title: Fidelity, positions
kind: statement
recognised: [Account Number, Symbol, Quantity, Last Price, Current Value, Cost Basis Total]
decimal: "."
*/
select
    line,
    -- The core position is cash; its stars say so.
    case when "Symbol" like '%**' then 'CASH' else "Symbol" end as ticker,
    case when "Symbol" like '%**' then "Current Value" else "Quantity" end as quantity,
    "Last Price" as price,
    "Current Value" as market_value,
    "Cost Basis Total" as cost,
    'USD' as currency,
    case when "Symbol" is null then 'a disclaimer' when "Symbol" = 'Pending Activity' then 'not settled' end as skip
from cells
