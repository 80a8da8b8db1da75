/*
title: Revolut, statement of an investment account
recognised: [Date, Ticker, Type, Quantity, Price per share, Total Amount, Currency, FX Rate]
dates: ["%Y-%m-%d", "%d/%m/%Y"]
amounts: signed
quantities: unsigned
income: net
fees: implied_small
# A total has commission and fees of an exchange in it, which no column tells.
*/
with told as (
    select
        *,
        upper("Type") as deed
    from cells
)

select
    line,
    case
        when deed like 'BUY - %' or deed = 'BUY' then 'BUY'
        when deed like 'SELL - %' or deed = 'SELL' then 'SELL'
        when deed in ('CASH TOP-UP', 'CASH WITHDRAWAL') then 'CASH'
        when deed like 'TRANSFER FROM REVOLUT %' and "Ticker" is null then 'CASH'
        when deed in ('DIVIDEND', 'DIVIDEND TAX (CORRECTION)') then 'DIVIDEND'
        when deed in ('CUSTODY FEE', 'CUSTODY FEE - REVERSAL', 'ADR FEE', 'TRADING FEE', 'REGULATORY FEE', 'ROBO MANAGEMENT FEE') then 'FEE'
        when deed like 'INTEREST%' then 'INTEREST'
        when deed in ('WITHHOLDING TAX', 'TAX', 'DIVIDEND TAX', 'FINANCIAL TRANSACTION TAX') then 'TAX'
        when deed = 'STOCK SPLIT' and not is_negative("Quantity") then 'SPLIT'
        when deed in ('STOCKS PROMOTION REWARD', 'PROMOTION REWARD', 'CASH PROMOTION') then 'DEPOSIT'
        else "Type" || ', which is not read'
    end as type,
    "Date" as day,
    "Ticker" as ticker,
    "Type" as note,
    case when deed <> 'STOCK SPLIT' then "Quantity" end as quantity,
    case when deed = 'STOCK SPLIT' then "Quantity" end as units_new,
    "Price per share" as price,
    case
        when deed like 'BUY%' then negated("Total Amount")
        when deed = 'CASH WITHDRAWAL' and not is_negative("Total Amount") then negated("Total Amount")
        when deed <> 'STOCK SPLIT' then "Total Amount"
    end as amount,
    ["Quantity", "Price per share", "FX Rate"] as checked,
    "Currency" as currency,
    case
        when deed like 'TRANSFER FROM REVOLUT %' and "Ticker" is not null then 'a move between companies of the broker'
    end as skip
from told
