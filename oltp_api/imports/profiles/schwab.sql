/*
title: Charles Schwab, history of a brokerage account
recognised: [Date, Action, Symbol, Description, Quantity, Price, Fees & Comm, Amount]
dates: ["%m/%d/%Y"]
decimal: "."
amounts: signed
income: gross
*/
select
    line,
    case
        when "Action" in ('Buy', 'Reinvest Shares', 'Buy to Open', 'Buy to Cover') then 'BUY'
        when "Action" in ('Sell', 'Sell Short', 'Sell to Close') then 'SELL'
        when "Action" like '%Dividend%' or "Action" in ('Cash In Lieu Div', 'Long Term Cap Gain', 'Short Term Cap Gain') then 'DIVIDEND'
        when "Action" in ('NRA Tax Adj', 'Foreign Tax Paid', 'NRA Withholding') then 'TAX'
        when "Action" in ('Credit Interest', 'Bank Interest', 'Bond Interest', 'Margin Interest') then 'INTEREST'
        when "Action" in ('Service Fee', 'ADR Mgmt Fee', 'Misc Cash Entry Fee') then 'FEE'
        when "Action" in ('MoneyLink Transfer', 'MoneyLink Deposit', 'Wire Funds', 'Wire Funds Received', 'Journal', 'Funds Received')
            then 'CASH'
        else "Action"
    end as type,
    split_part("Date", ' as of ', 1) as day,
    "Symbol" as ticker,
    "Description" as note,
    "Quantity" as quantity,
    "Price" as price,
    "Fees & Comm" as fees,
    "Amount" as amount,
    'USD' as currency,
    case when "Date" like 'Transactions Total%' then 'a total' end as skip
from cells
