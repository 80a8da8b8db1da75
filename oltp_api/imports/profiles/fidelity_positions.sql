/*
title: Fidelity, positions
kind: statement
recognised: [Account Number, Symbol, Description, Quantity, Last Price, Current Value]
optional: [Cost Basis Total]
decimal: "."
*/
select
    line,
    -- The core position is cash; its stars say so. What a plan holds may have no symbol.
    case when "Symbol" like '%**' then 'CASH' else coalesce("Symbol", "Description") end as ticker,
    case when "Symbol" like '%**' then "Current Value" else "Quantity" end as quantity,
    "Last Price" as price,
    "Current Value" as market_value,
    "Cost Basis Total" as cost,
    'USD' as currency,
    case
        when "Symbol" = 'Pending Activity' then 'not settled'
        when "Symbol" like '%Total' then 'a total'
        when "Description" = 'BROKERAGELINK' then 'the sum of an account that is in the file'
        when "Symbol" is null and "Quantity" is null then 'a disclaimer'
    end as skip
from cells
