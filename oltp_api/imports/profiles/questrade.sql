/*
title: Questrade, account activity
recognised: [Transaction Date, Action, Symbol, Gross Amount, Commission, Net Amount, Currency, Activity Type]
optional: [Settlement Date, "Account #", Account Type, Description]
decimal: "."
amounts: signed
quantities: signed
charges: signed
gross: cash
income: gross
*/
with
named as (
    select
        *,
        upper("Action") as said,
        lower("Activity Type") as kind,
        "Quantity" not similar to '[-0., ]*' as has_units,
        upper("Action") = 'FXT' or lower("Activity Type") = 'fx conversion' as is_exchange
    from cells
),
-- an exchange of currency is two lines of a day, what leaves and what comes
sides as (
    select "Transaction Date" as exchanged, "Account #" as owner, count(*) as sides,
        any_value(line) filter (not is_negative("Net Amount")) as came_line,
        any_value("Net Amount") filter (not is_negative("Net Amount")) as came,
        any_value("Currency") filter (not is_negative("Net Amount")) as came_currency
    from named
    where is_exchange
    group by all
)
select
    line,
    case when is_exchange and sides = 2 then [came_line] end as merged,
    case when is_exchange and sides = 2 then came end as received,
    case when is_exchange and sides = 2 then came_currency end as received_currency,
    case
        when "Action" is null and kind <> 'interest' then null
        when is_exchange then 'WITHDRAW'
        when said in ('BUY', 'SELL') then said
        when said in ('REI', 'DRIP', 'DRP') or kind = 'dividend reinvestment' then 'BUY'
        when said in ('NRT', 'NRTX', 'WHT', 'TAX') then 'TAX'
        when said = 'ROC' then 'RETURN_OF_CAPITAL'
        when said = 'CIL' then case when has_units then 'CASH_IN_LIEU' else 'DIVIDEND' end
        when said in ('DIV', 'DIS', 'CDI', 'CAP', 'DST') or kind = 'dividends' then 'DIVIDEND'
        when said = 'INT' or kind = 'interest' then 'INTEREST'
        when said in ('FCH', 'FEE', 'GST', 'HST', 'LFJ', 'MGF', 'ADR') or kind = 'fees and rebates' then 'FEE'
        when said in ('BRW', 'TFI', 'TFO', 'TF6', 'TSF', 'JNL') or kind in ('transfers', 'internal transfers')
            then case when has_units then 'UNITS' else 'CASH' end
        when said in ('CON', 'DEP', 'EFT', 'WDR') or kind in ('deposits', 'withdrawals') then 'CASH'
        else "Action"
    end as type,
    "Transaction Date" as day,
    "Settlement Date" as settles,
    case when kind not in ('deposits', 'withdrawals', 'interest', 'fees and rebates', 'fx conversion') then "Symbol" end as ticker,
    "Description" as note,
    "Quantity" as quantity,
    case when "Price" similar to '.*[1-9].*' then "Price" end as price,
    "Gross Amount" as gross,
    "Commission" as fees,
    "Net Amount" as amount,
    "Currency" as currency,
    "Account #" as account,
    case
        when said in ('EXP', 'ASN', 'EXR') or "Description" similar to '(CALL|PUT)  ?[^ ]+ .*'
            then 'is of an option, and options are not supported'
        when is_exchange and (sides <> 2 or came_line is null) then 'is a side of an exchange of currency whose other one is not to be told'
        when kind = 'corporate actions' and said not in ('CIL', 'ROC')
            then 'is a corporate action (' || "Action" || '), of which the file does not say the terms; record it by hand'
    end as refuse
from named
left join sides on is_exchange and exchanged = "Transaction Date" and owner is not distinct from "Account #"
where not (is_exchange and sides = 2 and came_line is not null and came_line = line)
order by line
