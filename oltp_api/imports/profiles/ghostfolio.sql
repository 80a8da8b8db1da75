/*
title: Ghostfolio, activities as CSV
recognised: [Date, Code, Currency, Price, Quantity, Action, Fee]
names: {Note: [Comment]}
optional: [DataSource, Note, Account]
dates: ["%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d"]
decimal: "."
bond_price: unit
amounts: unsigned
quantities: unsigned
charges: unsigned
*/
with told as (
    select
        *,
        upper("Action") as deed,
        upper(coalesce("DataSource", '')) = 'MANUAL' as is_manual,
        is_something("Fee") as has_fee,
        coalesce(regexp_matches("Quantity", '^[01]?([.]0*)?$'), true) as is_one
    from cells
)

select
    line,
    case when deed in ('BUY', 'SELL', 'DIVIDEND', 'INTEREST', 'FEE') then deed else "Action" || ', which is not read' end as type,
    "Date" as day,
    case when deed not in ('FEE', 'INTEREST') and not is_manual then "Code" end as ticker,
    case when deed not in ('FEE', 'INTEREST') and is_manual then "Code" end as name,
    coalesce("Note", case when deed in ('FEE', 'INTEREST') then "Code" end) as note,
    "Account" as account,
    "Quantity" as quantity,
    "Price" as price,
    case when deed in ('BUY', 'SELL') then "Fee" end as fees,
    case
        when deed = 'FEE' then ["Fee", "Price"]
        when deed = 'INTEREST' and is_one then ["Price"]
    end as amount,
    ["Price", "Quantity", "Fee"] as checked,
    "Currency" as currency,
    case when deed = 'FEE' and has_fee and is_something("Price") then 'it is a fee, and has a price beside it' end as odd,
    {
        'Quantity': case when deed = 'FEE' and not is_one and is_something("Price") then "Quantity" end,
        'Fee': case when is_negative("Fee") then "Fee" end
    } as uncounted
from told

union all by name

select
    line,
    'FEE' as type,
    "Date" as day,
    "Note" as note,
    "Account" as account,
    ["Fee"] as amount,
    "Currency" as currency
from told
where has_fee and deed in ('DIVIDEND', 'INTEREST')
