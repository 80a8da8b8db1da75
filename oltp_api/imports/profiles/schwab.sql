/*
title: Charles Schwab, history of a brokerage account
names:
  Description: [Security Description]
recognised: [Date, Action, Symbol, Description, Quantity, Price, Fees & Comm, Amount]
dates: ["%m/%d/%Y"]
decimal: "."
amounts: signed
quantities: unsigned
charges: unsigned
income: gross
*/
with
named as (
    select
        *,
        part("Date", 'as of (.*)') as as_of,
        coalesce("Symbol", '') similar to '.* [0-9]{2}/[0-9]{2}/[0-9]{4} .*' as is_option,
        coalesce("Quantity", '0') not similar to '[-0., ]*' as has_units
    from cells
),
-- a merger in cash, or the redemption of a bond, is two lines: the cash, and the units that leave
paid as (
    select
        cash.line as cash_line, units.line as units_line, units."Quantity" as paid_units
    from named as cash
    inner join named as units
        on cash."Date" = units."Date" and cash."Symbol" = units."Symbol" and not cash.has_units and units.has_units
        and cash."Amount" is not null and units."Amount" is null
        and replace(cash."Action", ' Adj', '') = replace(units."Action", ' Adj', '')
        and replace(cash."Action", ' Adj', '') in ('Cash Merger', 'Full Redemption')
),
-- a reverse split is two lines: the new units, and the old ones that leave under a number of their own
reversed as (
    select
        came.line as came_line, any_value(gone.line) as gone_line, any_value(gone."Quantity") as gone_units, count(*) as lines_gone
    from named as came
    inner join named as gone
        on came."Date" = gone."Date" and came."Action" = 'Reverse Split' and gone."Action" = 'Reverse Split'
        and split_part(came."Description", ' ', 1) = split_part(gone."Description", ' ', 1)
        and not is_negative(came."Quantity") and is_negative(gone."Quantity")
    group by came.line
    having count(*) = 1
)
select
    line,
    case when paid.units_line is not null then [paid.units_line] when gone_line is not null then [gone_line] end as merged,
    case
        when gone_line is not null then 'SPLIT'
        when paid.units_line is not null then 'SELL'
        when "Action" in ('Buy', 'Reinvest Shares', 'Reinvestment Adj', 'Buy to Cover') then 'BUY'
        when "Action" in ('Sell', 'Sell Short') then 'SELL'
        when "Action" = 'Cash In Lieu' and has_units then 'CASH_IN_LIEU'
        when "Action" in ('Return Of Capital', 'Return of Capital') then 'RETURN_OF_CAPITAL'
        when "Action" similar to '.*(Dividend|Dividends|Div|Div Adjustment|Div Reinvest|Cap Gain|Cap Gain Reinvest|Cap Gain Dist)'
            or "Action" in ('Cash In Lieu', 'Cash In Lieu Div', 'Div Adjustment', 'Pr Yr Cash Div', 'Pr Yr Non-Qual Div')
            then 'DIVIDEND'
        when "Action" in (
            'NRA Tax Adj', 'NRA Withholding', 'Foreign Tax Paid', 'Foreign Tax Reclaim', 'IRS Withhold Adj', 'Tax Withholding',
            'Backup Withholding'
        ) then 'TAX'
        when "Action" in ('Bond Interest', 'Accrued Interest') and "Symbol" is not null then 'COUPON'
        when "Action" in ('Credit Interest', 'Bank Interest', 'Bond Interest', 'Margin Interest', 'CD Interest')
            then 'INTEREST'
        when "Action" in ('Service Fee', 'ADR Mgmt Fee', 'Advisor Fee', 'Misc Cash Entry Fee', 'Wire Fee', 'Foreign Fee')
            then 'FEE'
        when "Action" in ('Stock Split', 'Stock Div Dist') then 'SPLIT'
        when "Action" in ('Journal', 'Journaled Shares', 'Security Transfer', 'Internal Transfer', 'Stock Plan Activity')
            and has_units then 'UNITS'
        when "Action" in (
            'MoneyLink Transfer', 'MoneyLink Deposit', 'MoneyLink Adj', 'Wire Funds', 'Wire Funds Received', 'Wire Funds Adj',
            'Wire Received', 'Wire Sent', 'Funds Received', 'Funds Paid', 'Journal', 'Security Transfer', 'Internal Transfer',
            'Bank Transfer', 'Misc Cash Entry', 'Misc Credits', 'Adjustment', 'Visa Purchase', 'ATM Withdrawal',
            'Promotional Award', 'Check', 'Deposit', 'Withdrawal'
        ) then 'CASH'
        else "Action"
    end as type,
    part("Date", '^([0-9/]+)') as day,
    case when "Action" not in ('Credit Interest', 'Bank Interest', 'Margin Interest') then "Symbol" end as ticker,
    "Description" as note,
    case when paid.units_line is not null then unsigned(paid_units) 
        when "Action" not in ('Stock Split', 'Stock Div Dist', 'Reverse Split') then "Quantity" end as quantity,
    case
        when gone_line is not null then ["Quantity", gone_units]
        when "Action" in ('Stock Split', 'Stock Div Dist') then ["Quantity"]
    end as units_new,
    case when "Action" <> 'Stock Split' then "Price" end as price,
    "Fees & Comm" as fees,
    "Amount" as amount,
    'USD' as currency,
    case
        when is_option or "Action" similar to '.*to (Open|Close)|Expired|Assigned|Exchange or Exercise'
            then 'is ' || "Action" || ', of an option, and options are not supported'
        when "Action" in ('Spin-off', 'Reverse Split', 'Name Change', 'Mandatory Reorg Exc', 'Stock Merger', 'Exchange', 'Conversion')
            and gone_line is null
            then 'is ' || "Action" || ', of which the file does not say the terms; record it by hand'
        when "Action" like 'Cancel %' then 'cancels an earlier row, and does not say which; reverse that one'
    end as refuse,
    case when "Date" like 'Transactions Total%' then 'a total' end as skip,
    case when "Date" like 'Transactions Total%' then "Amount" end as total,
    case when "Date" like 'Transactions Total%' and "Amount" is null then 'the total has no amount' end as odd
from named
left join paid on paid.cash_line = line
left join reversed on came_line = line
where line not in (select units_line from paid) and line not in (select gone_line from reversed)
order by line
