/*
title: Ghostfolio, export as JSON
format: json
recognised: [record, date, type, quantity, unitPrice, fee]
names: {symbol: [SymbolProfile.symbol, assetProfile.symbol], currency: [SymbolProfile.currency, assetProfile.currency]}
optional: [symbol, currency, dataSource, SymbolProfile.dataSource, assetProfile.dataSource, accountId, comment, id, name, isin]
records: [activities]
dates: iso
decimal: "."
bond_price: unit
amounts: unsigned
quantities: unsigned
charges: unsigned
*/
with profiles as (
    select
        "symbol" as profile_symbol,
        any_value("name") as profile_name,
        any_value("isin") as profile_isin
    from cells
    where record = 'assetProfiles'
    group by 1
),

accounts as (
    select
        "id" as account_key,
        any_value("name") as account_name
    from cells
    where record = 'accounts'
    group by 1
),

told as (
    select
        cells.*,
        upper("type") as deed,
        upper(coalesce("dataSource", "SymbolProfile.dataSource", "assetProfile.dataSource", '')) = 'MANUAL' as is_manual,
        is_something("fee") as has_fee,
        coalesce(regexp_matches("quantity", '^[01]?([.]0*)?$'), true) as is_one,
        profile_name,
        profile_isin,
        account_name,
        "currency" as unit,
        "quantity" as units
    from cells
    left join profiles on "symbol" = profile_symbol
    left join accounts on "accountId" = account_key
    where record = 'activities'
)

select
    line,
    case when deed in ('BUY', 'SELL', 'DIVIDEND', 'INTEREST', 'FEE') then deed else "type" || ', which is not read' end as type,
    "date" as day,
    case when deed not in ('FEE', 'INTEREST') and not is_manual then "symbol" end as ticker,
    case when deed not in ('FEE', 'INTEREST') then profile_isin end as isin,
    case when deed not in ('FEE', 'INTEREST') then coalesce(profile_name, case when is_manual then "symbol" end) end as name,
    coalesce("comment", case when deed in ('FEE', 'INTEREST') then coalesce(profile_name, "symbol") end) as note,
    account_name as account,
    "id" as reference,
    units as quantity,
    "unitPrice" as price,
    case when deed in ('BUY', 'SELL') then "fee" end as fees,
    case
        when deed = 'FEE' then ["fee", "unitPrice"]
        when deed = 'INTEREST' and is_one then ["unitPrice"]
    end as amount,
    unit as currency,
    case when deed = 'FEE' and has_fee and is_something("unitPrice") then 'it is a fee, and has a price beside it' end as odd,
    {'quantity': case when deed = 'FEE' and not is_one and is_something("unitPrice") then units end} as uncounted
from told

union all by name

select
    line,
    'FEE' as type,
    "date" as day,
    "comment" as note,
    account_name as account,
    "id" as reference,
    ["fee"] as amount,
    unit as currency
from told
where has_fee and deed in ('DIVIDEND', 'INTEREST')
