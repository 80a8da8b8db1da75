/*
title: Interactive Brokers, open positions and cash of an activity statement
kind: statement
recognised: [Statement, Data, Title, Activity Statement]
separator: ","
decimal: "."
*/
with
heads as (select line, cells[1] as section, cells as head from lines where cells[2] = 'Header'),
data as (
    select l.line, l.cells[1] as section, l.cells as c, heads.head
    from lines as l
    asof join heads on l.cells[1] = heads.section and l.line >= heads.line
    where l.cells[2] = 'Data'
),
instruments as (
    select cell(c, head, 'Symbol') as symbol, any_value(cell(c, head, 'Security ID')) as isin
    from data
    where section = 'Financial Instrument Information'
    group by 1
)
-- A position is told again by its lots.
select
    data.line,
    cell(c, head, 'Symbol') as ticker,
    instruments.isin,
    cell(c, head, 'Quantity') as quantity,
    cell(c, head, 'Close Price') as price,
    cell(c, head, 'Value') as market_value,
    cell(c, head, 'Cost Basis') as cost,
    cell(c, head, 'Currency') as currency
from data
left join instruments on instruments.symbol = cell(c, head, 'Symbol')
where section in ('Open Positions', 'Long Open Positions') and coalesce(cell(c, head, 'DataDiscriminator'), 'Summary') = 'Summary'
union all
select line, 'CASH', null, cell(c, head, 'Total'), null, null, null, cell(c, head, 'Currency')
from data
where section = 'Cash Report' and c[3] = 'Ending Cash' and cell(c, head, 'Currency') <> 'Base Currency Summary'
