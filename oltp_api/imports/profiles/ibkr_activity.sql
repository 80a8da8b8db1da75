/*
title: Interactive Brokers, activity statement
recognised: [Statement, Data, Title, Activity Statement]
separator: ","
dates: iso
decimal: "."
amounts: signed
income: gross
order: by_day
# Its sections have a header each; those that tell of no movement are skipped by name.
*/
with
heads as (select line, cells[1] as section, cells as head from lines where cells[2] = 'Header'),
listed as (select line, cells[1] as section, cells[2] as kind, cells as c from lines),
instruments as (
    select cell(l.c, h.head, 'Symbol') as listed_symbol, any_value(cell(l.c, h.head, 'Security ID')) as listed_isin,
        any_value(cell(l.c, h.head, 'Description')) as listed_name
    from listed as l
    asof join heads as h on l.section = h.section and l.line >= h.line
    where l.section = 'Financial Instrument Information' and l.kind = 'Data'
    group by 1
),
owner as (
    select any_value(c[4]) as account from listed where section = 'Account Information' and c[3] in ('Account', 'Account Alias')
),
data as (
    select
        l.line, l.section, l.kind, l.c,
        cell(l.c, h.head, 'Symbol') as symbol,
        cell(l.c, h.head, 'Currency') as currency,
        cell(l.c, h.head, 'Asset Category') as category,
        coalesce(cell(l.c, h.head, 'DataDiscriminator'), '') as discriminator,
        coalesce(cell(l.c, h.head, 'Date/Time'), cell(l.c, h.head, 'Settle Date'), cell(l.c, h.head, 'Date')) as day,
        cell(l.c, h.head, 'Description') as description,
        cell(l.c, h.head, 'Subtitle') as subtitle,
        cell(l.c, h.head, 'Type') as word,
        coalesce(cell(l.c, h.head, 'Quantity'), cell(l.c, h.head, 'Qty')) as quantity,
        cell(l.c, h.head, 'T. Price') as price,
        cell(l.c, h.head, 'Proceeds') as proceeds,
        cell(l.c, h.head, 'Comm/Fee') as fee,
        cell(l.c, h.head, 'Amount') as amount,
        cell(l.c, h.head, 'Cash Amount') as cash,
        cell(l.c, h.head, 'Account') as own_account
    from listed as l
    asof left join heads as h on l.section = h.section and l.line >= h.line
    where l.line > 1
),
typed as (
    select
        *,
        list_has_any(c[3:5], ['Total', 'SubTotal']) or coalesce(c[3], '') similar to 'Total .*' as is_total,
        case
            when section = 'Trades' then 'TRADE'
            when section in ('Dividends', 'Payment In Lieu Of Dividends') and description ilike '%return of capital%' then 'RETURN_OF_CAPITAL'
            when section in ('Dividends', 'Payment In Lieu Of Dividends') then 'DIVIDEND'
            when section in ('Withholding Tax', '871(m) Withholding') then 'TAX'
            when section in ('Deposits & Withdrawals', 'Deposits and Withdrawals') then 'CASH'
            when section in ('Interest', 'Broker Interest Received', 'Broker Interest Paid') then 'INTEREST'
            when section in ('Bond Interest Received', 'Bond Interest Paid') then 'COUPON'
            when section in ('Fees', 'Transaction Fees', 'Other Fees', 'Commission Adjustments', 'Sales Tax Details') then 'FEE'
            when section = 'Corporate Actions' and description similar to '.* Split [0-9.]+ for [0-9.]+.*' then 'SPLIT'
            when section = 'Transfers' and coalesce(quantity, '0') not similar to '[-0., ]*' then 'UNITS'
            when section = 'Transfers' then 'CASH'
            when section = 'Corporate Actions' then section
        end as type,
        part(description, '^([A-Z0-9. ]+?) ?\([A-Z0-9]+\)') as named,
        part(description, '^[A-Z0-9. ]+?\(([A-Z]{2}[A-Z0-9]{9}[0-9])\)') as named_isin
    from data
)
select
    t.line,
    type,
    day,
    coalesce(own_account, owner.account) as account,
    case when type not in ('CASH', 'INTEREST', 'FEE') then coalesce(symbol, named) end as ticker,
    case when type not in ('CASH', 'INTEREST', 'FEE') and coalesce(named_isin, listed_isin) similar to '[A-Z]{2}[A-Z0-9]{9}[0-9]'
        then coalesce(named_isin, listed_isin) end as isin,
    case when type not in ('CASH', 'INTEREST', 'FEE') then listed_name end as name,
    description as note,
    case when type <> 'SPLIT' then quantity end as quantity,
    price,
    case when section = 'Trades' then proceeds end as gross,
    case when section = 'Trades' then fee end as fees,
    case when section = 'Transfers' then cash when section <> 'Trades' then amount end as amount,
    part(description, ' Split ([0-9.]+) for [0-9.]+') as split_new,
    part(description, ' Split [0-9.]+ for ([0-9.]+)') as split_old,
    currency,
    case
        when category in ('Forex', 'Forex - Held with Interactive Brokers') then 'is a conversion of currency; record it as one'
        when section = 'Trades' and category not in ('Stocks', 'Bonds', 'Mutual Funds', 'ETFs', 'Treasury Bills', 'Funds', 'Stocks - Held with Interactive Brokers')
            then 'is of ' || category || ', which is not supported'
        when section = 'Corporate Actions' and type <> 'SPLIT'
            then 'is a corporate action, of which the file does not say the terms; record it by hand'
    end as refuse,
    case
        when kind = 'Header' then 'a header'
        when kind in ('SubTotal', 'Total', 'Notes', 'Footer') or is_total then 'a total'
        when section = 'Trades' and discriminator not in ('Order', 'Trade', '') then 'a detail (' || discriminator || ') of a trade that is there'
        when type is null then 'the section ' || section || ', which moves nothing'
    end as skip
from typed as t
left join instruments as i on listed_symbol = coalesce(symbol, named)
cross join owner
order by day, t.line
