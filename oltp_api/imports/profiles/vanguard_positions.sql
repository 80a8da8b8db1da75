/*
title: Vanguard (US), holdings
kind: statement
recognised: [Account Number, Investment Name, Symbol, Shares, Share Price, Total Value]
decimal: "."
# The settlement fund is the account's cash. The table of transactions below the holdings is another file's.
*/
with
below as (select coalesce(min(line), 2147483647) as line from cells where "Investment Name" in ('Trade Date', 'Settlement Date'))
select
    cells.line,
    case
        when "Symbol" in ('VMFXX', 'VMMXX', 'VMSXX') or "Investment Name" ilike '%settlement fund%' then 'CASH'
        else coalesce(nullif("Symbol", 'null'), "Investment Name")
    end as ticker,
    "Shares" as quantity,
    "Share Price" as price,
    "Total Value" as market_value,
    'USD' as currency,
    case when cells.line >= below.line then 'a transaction' end as skip
from cells, below
