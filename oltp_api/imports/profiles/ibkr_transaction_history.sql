/*
title: Interactive Brokers, transaction history
recognised: [Transaction History, Header, Date, Account, Description, Transaction Type, Symbol, Quantity, Price, Commission, Net Amount]
optional: [Price Currency, Exchange Rate]
names:
  Gross Amount: ["Gross Amount "]
separator: ","
dates: iso
decimal: "."
amounts: signed
cash: unrounded
quantities: signed
charges: signed
gross: cash
rate: currency
*/
with
base as (
    select any_value(cells[4]) as currency
    from lines
    where cells[1] = 'Summary' and cells[3] in ('Base Currency', 'Basiswährung', 'Devise de base', 'Divisa base', 'Valuta di base')
),
named as (
    select *, nullif("Symbol", '-') as security, lower("Transaction Type") as said
    from cells
)
select
    line,
    case
        when said in ('buy', 'sell') then upper(said)
        when said in ('dividend', 'payment in lieu') then 'DIVIDEND'
        when said = 'return of capital' then 'RETURN_OF_CAPITAL'
        when said in ('foreign tax withholding', 'withholding tax', '871(m) withholding') then 'TAX'
        when said in ('credit interest', 'debit interest', 'investment interest received', 'investment interest paid') then 'INTEREST'
        when said in ('deposit', 'withdrawal', 'electronic fund transfer') then 'CASH'
        when said in ('other fee', 'fee', 'fees', 'commission adjustment', 'sales tax', 'transaction fee') then 'FEE'
        else "Transaction Type"
    end as type,
    "Date" as day,
    "Account" as account,
    security as ticker,
    part("Description", '^[^\s(]+\(([A-Z]{2}[A-Z0-9]{10})\)') as isin,
    "Description" as note,
    "Quantity" as quantity,
    "Price" as price,
    "Gross Amount" as gross,
    "Commission" as fees,
    "Net Amount" as amount,
    base.currency as currency,
    coalesce(nullif("Price Currency", '-'), base.currency) as price_currency,
    "Exchange Rate" as fx_rate,
    case
        when "Transaction History" not in ('Transaction History', 'Statement', 'Summary', 'Notes', 'Disclosures')
            then 'is of a section that is not known'
        when said in ('forex trade component', 'forex trade') and abs(try_cast("Net Amount" as double)) < 0.005 then null
        when said in ('forex trade component', 'forex trade') then 'is part of a conversion of currency; record it as one'
        when said in ('assignment', 'exercise', 'option expiration') then 'is of an option, and options are not supported'
    end as refuse,
    case
        when "Transaction History" in ('Statement', 'Summary', 'Notes', 'Disclosures') or "Header" in ('Total', 'SubTotal') then 'a sum, or a text'
        when said in ('forex trade component', 'forex trade') and abs(try_cast("Net Amount" as double)) < 0.005
            then 'an exchange of currency, of which nothing is left in base currency'
        when said = 'adjustment' and "Description" like 'FX Translations%' then 'a valuation of foreign cash, which moves none'
    end as skip
from named, base
order by line
