/*
title: Interactive Brokers, activity statement
recognised: [Statement, Data, Title, Activity Statement]
separator: ","
dates: iso
decimal: "."
amounts: signed
cash: unrounded
income: gross
order: by_day
# Its sections have a header each; those that tell of no movement are skipped by name.
*/
with
heads as (select line, cells[1] as section, cells as head from lines where cells[2] = 'Header'),
-- the header of a line is the one before it, or, in a file that was turned round, the one after it
listed as (
    select l.line, l.cells[1] as section, l.cells[2] as kind, l.cells as c, coalesce(before.head, later.head) as head
    from lines as l
    asof left join heads as before on l.cells[1] = before.section and l.line >= before.line
    asof left join heads as later on l.cells[1] = later.section and l.line <= later.line
),
instruments as (
    select cell(l.c, l.head, 'Symbol') as listed_symbol, any_value(cell(l.c, l.head, 'Security ID')) as listed_isin,
        any_value(cell(l.c, l.head, 'Description')) as listed_name
    from listed as l
    where l.section = 'Financial Instrument Information' and l.kind = 'Data'
    group by 1
),
owner as (
    select any_value(c[4]) as account from listed where section = 'Account Information' and c[3] in ('Account', 'Account Alias')
),
data as (
    select
        l.line, l.section, l.kind, l.c,
        cell(l.c, l.head, 'Symbol') as symbol,
        cell(l.c, l.head, 'Currency') as currency,
        cell(l.c, l.head, 'Asset Category') as category,
        coalesce(cell(l.c, l.head, 'DataDiscriminator'), '') as discriminator,
        coalesce(cell(l.c, l.head, 'Date/Time'), cell(l.c, l.head, 'Settle Date'), cell(l.c, l.head, 'Date')) as day,
        cell(l.c, l.head, 'Description') as description,
        cell(l.c, l.head, 'Subtitle') as subtitle,
        cell(l.c, l.head, 'Type') as word,
        coalesce(cell(l.c, l.head, 'Quantity'), cell(l.c, l.head, 'Qty')) as quantity,
        cell(l.c, l.head, 'T. Price') as price,
        cell(l.c, l.head, 'Proceeds') as proceeds,
        cell(l.c, l.head, 'Comm/Fee') as fee,
        l.c[list_position(l.head, list_filter(l.head, x -> x similar to 'Comm in [A-Z]{3}')[1])] as fee_in,
        part(list_filter(l.head, x -> x similar to 'Comm in [A-Z]{3}')[1], '([A-Z]{3})$') as fee_currency,
        cell(l.c, l.head, 'Amount') as amount,
        cell(l.c, l.head, 'Cash Amount') as cash,
        cell(l.c, l.head, 'Account') as own_account
    from listed as l
    where l.line > 1
),
typed as (
    select
        *,
        list_has_any(c[3:5], ['Total', 'SubTotal']) or coalesce(c[3], '') similar to 'Total .*' as is_total,
        case
            when section = 'Trades' and category like 'Forex%' then 'WITHDRAW'
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
    case when place = 1 then 'FEE' else type end as type,
    day,
    coalesce(own_account, owner.account) as account,
    case when type not in ('CASH', 'INTEREST', 'FEE', 'WITHDRAW') then coalesce(symbol, named) end as ticker,
    case when type not in ('CASH', 'INTEREST', 'FEE', 'WITHDRAW') and coalesce(named_isin, listed_isin) similar to '[A-Z]{2}[A-Z0-9]{9}[0-9]'
        then coalesce(named_isin, listed_isin) end as isin,
    case when type not in ('CASH', 'INTEREST', 'FEE') then listed_name end as name,
    description as note,
    case when type not in ('SPLIT', 'WITHDRAW') then quantity end as quantity,
    case when type <> 'WITHDRAW' then price end as price,
    case when type = 'TRADE' then proceeds end as gross,
    case when type = 'TRADE' then fee end as fees,
    case
        when place = 1 then coalesce(fee_in, fee)
        when type = 'WITHDRAW' then case when is_negative(quantity) then quantity else proceeds end
        when section = 'Transfers' then cash
        when type <> 'TRADE' then amount
    end as amount,
    case when type = 'WITHDRAW' and place = 0 then case when is_negative(quantity) then proceeds else quantity end end as received,
    case
        when type = 'WITHDRAW' and place = 0
            then case when is_negative(quantity) then part(symbol, '\.([A-Z]{3})$') else part(symbol, '^([A-Z]{3})\.') end
    end as received_currency,
    part(description, ' Split ([0-9.]+) for [0-9.]+') as split_new,
    part(description, ' Split [0-9.]+ for ([0-9.]+)') as split_old,
    case
        when place = 1 then coalesce(fee_currency, currency)
        when type = 'WITHDRAW' then case when is_negative(quantity) then part(symbol, '^([A-Z]{3})\.') else part(symbol, '\.([A-Z]{3})$') end
        else currency
    end as currency,
    case
        when section = 'Trades' and discriminator not in ('Order', 'Trade', '') then 'is neither an order nor a detail of one'
        when type is null and section not similar to
            '(Statement|Account Information|Codes|Cash Report|Disclosures?|.*(Summary|Accruals|Balances|Information|Notes.*|Details|Positions|Value|in NAV|Rate|Rates|Lent|Activity|Collateral|Assets|Programs?|Interest Details|P.L))'
            then 'is of the section ' || section || ', which is not known'
        when section = 'Trades' and type <> 'WITHDRAW' and category not in ('Stocks', 'Bonds', 'Mutual Funds', 'ETFs', 'Treasury Bills', 'Funds', 'Stocks - Held with Interactive Brokers')
            then 'is of ' || category || ', which is not supported'
        when section = 'Corporate Actions' and type <> 'SPLIT'
            then 'is a corporate action, of which the file does not say the terms; record it by hand'
    end as refuse,
    case
        when kind = 'Header' then 'a header'
        when kind in ('SubTotal', 'Total', 'Notes', 'Footer') or is_total then 'a total'
        when section = 'Trades' and discriminator in ('SubTotal', 'Total', 'ClosedLot', 'Execution', 'Lot', 'WashSale', 'Order Detail') then 'a detail (' || discriminator || ') of a trade that is there'
        when type is null and section similar to
            '(Statement|Account Information|Codes|Cash Report|Disclosures?|.*(Summary|Accruals|Balances|Information|Notes.*|Details|Positions|Value|in NAV|Rate|Rates|Lent|Activity|Collateral|Assets|Programs?|Interest Details|P.L))'
            then 'the section ' || section || ', which moves nothing'
    end as skip
from (
    select *, 0 as place from typed
    union all
    select *, 1 as place from typed
    where type = 'WITHDRAW' and coalesce(fee_in, fee, '0') similar to '.*[1-9].*' and kind = 'Data' and discriminator in ('Order', 'Trade', '')
) as t
left join instruments as i on listed_symbol = coalesce(symbol, named)
cross join owner
order by t.line, place
