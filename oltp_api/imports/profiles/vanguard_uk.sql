/*
title: Vanguard (UK), cash transactions, with or without the investment transactions
recognised: [Date, Details, Amount, Balance]
unless: [Type, Position ID]
dates: dmy
decimal: "."
amounts: signed
income: gross
# The table of investments, where it follows, tells the trades of the cash table again, with their prices.
*/
with
listed as (
    select line, cells as c, coalesce(cells[6], '') <> '' and cells[1] similar to '[0-9]+/[0-9]+/[0-9]+' as is_investment
    from lines
),
investments as (
    select line, c[3] as bought, c[4] as quantity, c[5] as price, row_number() over (partition by c[3] order by line) as nth
    from listed
    where is_investment
),
cash as (
    select *, row_number() over (partition by "Details" order by line) as nth
    from cells
    where line not in (select line from investments)
),
told as (
    select
        cash.*, i.line as investment_line, i.quantity as units, i.price as unit_price,
        regexp_replace(cash."Details", '^Reversal of ', '') as said
    from cash
    left join investments as i on i.bought = cash."Details" and i.nth = cash.nth
),
typed as (
    select
        *,
        case
            when "Date" in ('Date', 'Balance', 'Cost') or "Amount" is null and coalesce("Date", '') not similar to '.*[0-9].*/.*' then null
            when said similar to 'Bought .*' then 'BUY'
            when said similar to 'Sold .*' then 'SELL'
            when said similar to '(DIV|Dividend|Distribution).*' then 'DIVIDEND'
            when said similar to '.*[Ii]nterest.*' then 'INTEREST'
            when said similar to '.*([Ff]ee|[Cc]harge).*' then 'FEE'
            when said similar to '(.*[Dd]eposit.*|Payment by.*|.*[Ww]ithdrawal.*|Cash [Tt]ransfer.*|.*[Ss]ubscription.*|.*[Tt]ransfer.*|.*[Tt]ax [Rr]elief.*|.*[Cc]ontribution.*)'
                then 'CASH'
            else said
        end as kind,
        said <> "Details" as is_reversal
    from told
)
select
    line,
    case when investment_line is not null then [investment_line] end as merged,
    kind as type,
    "Date" as day,
    case
        when kind = 'DIVIDEND' then part(said, '^DIV: ([^. ]+)')
        when kind in ('BUY', 'SELL') then part(said, '\(([A-Z0-9.]+)\)$')
    end as ticker,
    case when kind in ('BUY', 'SELL') then part(said, '^(?:Bought|Sold) [0-9.,]+ (.*?)(?: \([A-Z0-9.]+\))?$') end as name,
    "Details" as note,
    case when kind in ('BUY', 'SELL') then part(said, '^(?:Bought|Sold) ([0-9.,]+) ') end as quantity,
    units as also_quantity,
    unit_price as price,
    "Amount" as amount,
    "Balance" as balance,
    'GBP' as currency,
    case when is_reversal and kind in ('BUY', 'SELL') then 'takes back a trade; reverse that one' end as refuse,
    case when kind is null then 'a heading, or a sum' end as skip
from typed
union all
select
    line, null, null, c[1], null, null, c[3], null, null, null, null, null, null,
    'is of the investments alone, and moves no cash; record it by hand', null
from listed
where is_investment and line not in (select investment_line from told where investment_line is not null)
order by line
