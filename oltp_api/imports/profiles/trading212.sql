/*
title: Trading 212, history of an account
recognised: [Action, Time, ISIN, Ticker, No. of shares, Price / share, Currency (Price / share)]
names: {Time: [Time (UTC)], ID: [Transaction ID]}
optional:
  - Exchange rate
  - Notes
  - ID
  - Name
  - Result
  - Currency (Result)
  - Currency (Total)
  - Gross Total
  - Currency (Gross Total)
  - Net Total
  - Currency (Net Total)
  - Withholding tax
  - Currency (Withholding tax)
  - Charge amount
  - Currency (Charge amount)
  - Currency conversion from amount
  - Currency (Currency conversion from amount)
  - Currency conversion to amount
  - Currency (Currency conversion to amount)
  - Merchant name
  - Merchant category
  - Total
  - Total (EUR)
  - Total (GBP)
  - Total (USD)
  - Total (CHF)
  - Charge amount (EUR)
  - Charge amount (GBP)
  - Charge amount (USD)
  - Charge amount (CHF)
  - Deposit fee
  - Currency (Deposit fee)
  - Deposit fee (EUR)
  - Deposit fee (GBP)
  - Deposit fee (USD)
  - Deposit fee (CHF)
  - Currency conversion fee
  - Currency (Currency conversion fee)
  - Currency conversion fee (EUR)
  - Currency conversion fee (GBP)
  - Currency conversion fee (USD)
  - Currency conversion fee (CHF)
  - Stamp duty reserve tax
  - Currency (Stamp duty reserve tax)
  - Stamp duty reserve tax (EUR)
  - Stamp duty reserve tax (GBP)
  - Stamp duty reserve tax (USD)
  - Stamp duty reserve tax (CHF)
  - Stamp duty
  - Currency (Stamp duty)
  - Stamp duty (EUR)
  - Stamp duty (GBP)
  - Stamp duty (USD)
  - Stamp duty (CHF)
  - Transaction fee
  - Currency (Transaction fee)
  - Transaction fee (EUR)
  - Transaction fee (GBP)
  - Transaction fee (USD)
  - Transaction fee (CHF)
  - Finra fee
  - Currency (Finra fee)
  - Finra fee (EUR)
  - Finra fee (GBP)
  - Finra fee (USD)
  - Finra fee (CHF)
  - French transaction tax
  - Currency (French transaction tax)
  - French transaction tax (EUR)
  - French transaction tax (GBP)
  - French transaction tax (USD)
  - French transaction tax (CHF)
  - PTM levy
  - Currency (PTM levy)
  - PTM levy (EUR)
  - PTM levy (GBP)
  - PTM levy (USD)
  - PTM levy (CHF)
  - Taxes
  - Currency (Taxes)
  - Taxes (EUR)
  - Taxes (GBP)
  - Taxes (USD)
  - Taxes (CHF)
dates: ["%Y-%m-%d", "%d/%m/%Y"]
decimal: "."
amounts: signed
quantities: unsigned
charges: unsigned
income: net
rate: base
*/
with told as (
    select
        *,
        coalesce("Total", "Net Total", "Total (EUR)", "Total (GBP)", "Total (USD)", "Total (CHF)") as moved,
        coalesce("Currency (Total)", "Currency (Net Total)", case when "Total (EUR)" is not null then 'EUR' when "Total (GBP)" is not null then 'GBP' when "Total (USD)" is not null then 'USD' when "Total (CHF)" is not null then 'CHF' end) as unit,
        "Currency (Price / share)" as price_unit,
        lower("Action") as deed,
        left("Time", 10) as split_day
    from cells
),

closed as (
    select * from told where deed = 'stock split close'
),

opened as (
    select * from told where deed = 'stock split open'
),

splits as (
    select
        opened.line,
        closed.line as closed_line,
        closed."No. of shares" as replaced
    from opened
    inner join closed on opened."ISIN" = closed."ISIN" and opened.split_day = closed.split_day
    qualify count(*) over (partition by opened.line) = 1 and count(*) over (partition by closed.line) = 1
)

select
    told.line,
    case
        when splits.line is not null then 'SPLIT'
        when deed in ('market buy', 'limit buy', 'stop buy', 'stop limit buy') then 'BUY'
        when deed in ('market sell', 'limit sell', 'stop sell', 'stop limit sell') then 'SELL'
        when deed in ('dividend (interest)', 'interest on cash', 'lending interest', 'share lending interest') then 'INTEREST'
        when deed like 'dividend (return of capital%' then 'RETURN_OF_CAPITAL'
        when deed like 'dividend (%)' or deed = 'dividend adjustment' then 'DIVIDEND'
        when deed in ('deposit', 'card credit', 'card refund', 'spending cashback') then 'DEPOSIT'
        when deed in ('withdrawal', 'card debit') then 'WITHDRAW'
        when deed = 'currency conversion' then 'WITHDRAW'
        when deed = 'result adjustment' and "Notes" ilike '%tax%' then 'TAX'
        when deed = 'result adjustment' then 'INTEREST'
        when deed = 'transfer in' then 'TRANSFER_IN'
        when deed = 'transfer out' then 'TRANSFER_OUT'
        else "Action" || ', which is not read'
    end as type,
    "Time" as day,
    "ISIN" as isin,
    "Ticker" as ticker,
    "Name" as name,
    "ID" as reference,
    "Notes" as note,
    case when splits.line is null then "No. of shares" end as quantity,
    case when splits.line is null then "Price / share" end as price,
    case when splits.line is null then price_unit end as price_currency,
    case when splits.line is not null then "No. of shares" end as split_new,
    splits.replaced as split_old,
    case when splits.line is not null then [splits.closed_line] end as merged,
    case
        when splits.line is not null then null
        when deed = 'currency conversion' then negated("Currency conversion from amount")
        when deed like '% buy' or (deed in ('withdrawal', 'card debit') and not is_negative(moved)) then negated(moved)
        else moved
    end as amount,
    case when deed = 'currency conversion' then "Currency conversion to amount" end as received,
    case when deed = 'currency conversion' then "Currency (Currency conversion to amount)" end as received_currency,
    case when deed = 'deposit' and "Deposit fee" is null then coalesce("Charge amount", "Charge amount (EUR)", "Charge amount (GBP)", "Charge amount (USD)", "Charge amount (CHF)") end as also_amount,
    case
        when deed = 'currency conversion' then "Currency (Currency conversion from amount)"
        when splits.line is null then unit
    end as currency,
    case
        when deed not like 'dividend%' and price_unit <> unit and not (price_unit = 'GBX' and unit = 'GBP') then "Exchange rate"
    end as fx_rate,
    ["No. of shares", "Price / share", "Exchange rate", "Result"] as checked,
    case
        when "Result" is not null and "Currency (Result)" is null then 'its result has no currency'
    end as odd,
    "Withholding tax" as withheld,
    "Currency (Withholding tax)" as withheld_currency,
    [
        case when "Currency (Deposit fee)" is null or "Currency (Deposit fee)" = unit then "Deposit fee" end,
        case when unit = 'EUR' then "Deposit fee (EUR)" end,
        case when unit = 'GBP' then "Deposit fee (GBP)" end,
        case when unit = 'USD' then "Deposit fee (USD)" end,
        case when unit = 'CHF' then "Deposit fee (CHF)" end,
        case when "Currency (Currency conversion fee)" is null or "Currency (Currency conversion fee)" = unit then "Currency conversion fee" end,
        case when unit = 'EUR' then "Currency conversion fee (EUR)" end,
        case when unit = 'GBP' then "Currency conversion fee (GBP)" end,
        case when unit = 'USD' then "Currency conversion fee (USD)" end,
        case when unit = 'CHF' then "Currency conversion fee (CHF)" end,
        case when "Currency (Stamp duty reserve tax)" is null or "Currency (Stamp duty reserve tax)" = unit then "Stamp duty reserve tax" end,
        case when unit = 'EUR' then "Stamp duty reserve tax (EUR)" end,
        case when unit = 'GBP' then "Stamp duty reserve tax (GBP)" end,
        case when unit = 'USD' then "Stamp duty reserve tax (USD)" end,
        case when unit = 'CHF' then "Stamp duty reserve tax (CHF)" end,
        case when "Currency (Stamp duty)" is null or "Currency (Stamp duty)" = unit then "Stamp duty" end,
        case when unit = 'EUR' then "Stamp duty (EUR)" end,
        case when unit = 'GBP' then "Stamp duty (GBP)" end,
        case when unit = 'USD' then "Stamp duty (USD)" end,
        case when unit = 'CHF' then "Stamp duty (CHF)" end,
        case when "Currency (Transaction fee)" is null or "Currency (Transaction fee)" = unit then "Transaction fee" end,
        case when unit = 'EUR' then "Transaction fee (EUR)" end,
        case when unit = 'GBP' then "Transaction fee (GBP)" end,
        case when unit = 'USD' then "Transaction fee (USD)" end,
        case when unit = 'CHF' then "Transaction fee (CHF)" end,
        case when "Currency (Finra fee)" is null or "Currency (Finra fee)" = unit then "Finra fee" end,
        case when unit = 'EUR' then "Finra fee (EUR)" end,
        case when unit = 'GBP' then "Finra fee (GBP)" end,
        case when unit = 'USD' then "Finra fee (USD)" end,
        case when unit = 'CHF' then "Finra fee (CHF)" end,
        case when "Currency (French transaction tax)" is null or "Currency (French transaction tax)" = unit then "French transaction tax" end,
        case when unit = 'EUR' then "French transaction tax (EUR)" end,
        case when unit = 'GBP' then "French transaction tax (GBP)" end,
        case when unit = 'USD' then "French transaction tax (USD)" end,
        case when unit = 'CHF' then "French transaction tax (CHF)" end,
        case when "Currency (PTM levy)" is null or "Currency (PTM levy)" = unit then "PTM levy" end,
        case when unit = 'EUR' then "PTM levy (EUR)" end,
        case when unit = 'GBP' then "PTM levy (GBP)" end,
        case when unit = 'USD' then "PTM levy (USD)" end,
        case when unit = 'CHF' then "PTM levy (CHF)" end,
        case when "Currency (Taxes)" is null or "Currency (Taxes)" = unit then "Taxes" end,
        case when unit = 'EUR' then "Taxes (EUR)" end,
        case when unit = 'GBP' then "Taxes (GBP)" end,
        case when unit = 'USD' then "Taxes (USD)" end,
        case when unit = 'CHF' then "Taxes (CHF)" end
    ] as fees,
    [
        case when "Currency (Deposit fee)" <> unit and "Currency (Deposit fee)" = price_unit then "Deposit fee" end,
        case when "Currency (Currency conversion fee)" <> unit and "Currency (Currency conversion fee)" = price_unit then "Currency conversion fee" end,
        case when "Currency (Stamp duty reserve tax)" <> unit and "Currency (Stamp duty reserve tax)" = price_unit then "Stamp duty reserve tax" end,
        case when "Currency (Stamp duty)" <> unit and "Currency (Stamp duty)" = price_unit then "Stamp duty" end,
        case when "Currency (Transaction fee)" <> unit and "Currency (Transaction fee)" = price_unit then "Transaction fee" end,
        case when "Currency (Finra fee)" <> unit and "Currency (Finra fee)" = price_unit then "Finra fee" end,
        case when "Currency (French transaction tax)" <> unit and "Currency (French transaction tax)" = price_unit then "French transaction tax" end,
        case when "Currency (PTM levy)" <> unit and "Currency (PTM levy)" = price_unit then "PTM levy" end,
        case when "Currency (Taxes)" <> unit and "Currency (Taxes)" = price_unit then "Taxes" end
    ] as price_fees,
    {
        'Deposit fee': case when "Currency (Deposit fee)" not in (unit, price_unit) then "Deposit fee" end,
        'Currency conversion fee': case when "Currency (Currency conversion fee)" not in (unit, price_unit) then "Currency conversion fee" end,
        'Stamp duty reserve tax': case when "Currency (Stamp duty reserve tax)" not in (unit, price_unit) then "Stamp duty reserve tax" end,
        'Stamp duty': case when "Currency (Stamp duty)" not in (unit, price_unit) then "Stamp duty" end,
        'Transaction fee': case when "Currency (Transaction fee)" not in (unit, price_unit) then "Transaction fee" end,
        'Finra fee': case when "Currency (Finra fee)" not in (unit, price_unit) then "Finra fee" end,
        'French transaction tax': case when "Currency (French transaction tax)" not in (unit, price_unit) then "French transaction tax" end,
        'PTM levy': case when "Currency (PTM levy)" not in (unit, price_unit) then "PTM levy" end,
        'Taxes': case when "Currency (Taxes)" not in (unit, price_unit) then "Taxes" end
    } as uncounted
from told
left join splits on told.line = splits.line
where told.line not in (select closed_line from splits)
