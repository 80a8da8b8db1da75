/*
title: E*TRADE, transactions
recognised: [TransactionDate, TransactionType, Symbol, Quantity, Amount, Price, Commission, Description]
names:
  TransactionDate: [Activity/Trade Date]
  TransactionType: [Activity Type]
  Quantity: ["Quantity #"]
  Amount: ["Amount $"]
  Price: ["Price $"]
optional: [SecurityType, Settlement Date, Transaction Date, Cusip, Fees, Category, Note]
dates: ["%m/%d/%y", "%m/%d/%Y"]
decimal: "."
amounts: signed
income: gross
fees: implied_small
# What an exchange charges for a sale is not told, and is missing in its amount.
*/
with
named as (
    select
        * replace (nullif("Symbol", '--') as "Symbol", nullif("Cusip", '--') as "Cusip", nullif("Quantity", '--') as "Quantity"),
        lower("TransactionType") as said,
        coalesce("Quantity", '0') not similar to '[-0., ]*' as has_units,
        coalesce("Amount", '0') not similar to '[-0., $]*' as has_amount,
        lower(coalesce("Description", '')) as words
    from cells
),
typed as (
    select
        *,
        case
            when said in ('bought', 'buy', 'reinvested', 'dividend reinvestment', 'reinvestment') then 'BUY'
            when said in ('sold', 'sell', 'sold short') then 'SELL'
            when said like '%dividend%' and has_units and is_negative("Amount") then 'BUY'
            when said = 'bought to cover' then 'BUY'
            when said like '%dividend%' and (words like '%w/h%' or words like '%withh%') and is_negative("Amount") then 'TAX'
            when said similar to '.*dividend.*|.*cap.*gain.*|capital gains?' then 'DIVIDEND'
            when said in ('interest', 'interest income', 'margin interest', 'credit interest', 'bank interest') then 'INTEREST'
            when said in ('tax withholding', 'foreign tax', 'tax', 'withholding', 'foreign tax withheld', 'non-resident tax') then 'TAX'
            when said similar to '(fee|service fee|adr.*fee|.* fee|fees?|commission adjustment)' then 'FEE'
            when said in ('return of capital') then 'RETURN_OF_CAPITAL'
            when said in ('cash in lieu') then case when has_units then 'CASH_IN_LIEU' else 'DIVIDEND' end
            when said in ('stock split', 'split') then 'SPLIT'
            when said similar to '(transfer|.*transfer|journal|receive.*|deliver.*|conversion|acat.*|stock plan.*)' and has_units then 'UNITS'
            when said similar to '(transfer|.*transfer|wire.*|.*deposit.*|.*withdrawal.*|check.*|direct debit|.*payment.*|journal|contribution.*|adjustment|bill.*|ach.*|cash.*|misc.*)'
                and not has_units then 'CASH'
            else "TransactionType"
        end as kind
    from named
)
select
    line,
    kind as type,
    "TransactionDate" as day,
    "Settlement Date" as settles,
    case when kind not in ('CASH', 'INTEREST') then "Symbol" end as ticker,
    case when kind not in ('CASH', 'INTEREST') then "Cusip" end as cusip,
    "Description" as note,
    case when kind in ('BUY', 'SELL', 'UNITS', 'CASH_IN_LIEU') then "Quantity" end as quantity,
    case when kind = 'SPLIT' then "Quantity" end as units_new,
    coalesce(
        case when "Price" similar to '.*[1-9].*' then "Price" end,
        part("Description", 'REINVEST PRICE +\$ *([0-9.,]+)')
    ) as price,
    ["Commission", "Fees"] as fees,
    "Amount" as amount,
    'USD' as currency,
    case
        when "SecurityType" in ('OPTN', 'OPT') or said similar to '.* to (open|close)|option.*|.*(expir|assign|exercis).*'
            or words similar to '(call|put) .*[0-9]{2}/[0-9]{2}/[0-9]{2}.*' then 'is of an option, and options are not supported'
        when said similar to '(merger|spin.?off|reorganization|reverse split|name change|stock dividend|exchange|redemption|misc trade).*'
            then 'is a corporate action (' || "TransactionType" || '), of which the file does not say the terms; record it by hand'
    end as refuse,
    case when "TransactionType" is null and "Amount" is null then 'a text of the broker' end as skip
from typed
order by line
