/*
title: eToro, account activity
recognised: [Date, Type, Details, Amount, Units, Realized Equity Change, Realized Equity, Balance, Position ID]
names: {Amount: [Amount in (USD), Amount (USD)], Units: ["Units / Contracts"]}
optional: [Asset type, NWA]
dates: ["%d/%m/%Y"]
amounts: signed
income: net
*/
-- some files have commas and spaces in amounts, and points in units
with written as (
    select
        * replace (
            case when has_commas then replace(regexp_replace("Amount", '[^-0-9,()]', '', 'g'), ',', '.') else "Amount" end as "Amount",
            case when has_commas then replace(regexp_replace("Realized Equity Change", '[^-0-9,()]', '', 'g'), ',', '.') else "Realized Equity Change" end as "Realized Equity Change",
            case when has_commas then replace(regexp_replace("Realized Equity", '[^-0-9,()]', '', 'g'), ',', '.') else "Realized Equity" end as "Realized Equity",
            case when has_commas then replace(regexp_replace("Balance", '[^-0-9,()]', '', 'g'), ',', '.') else "Balance" end as "Balance"
        )
    from (select *, bool_or(regexp_matches("Amount", '[0-9],[0-9]{2}[ )]*$')) over () as has_commas from cells)
),

told as (
    select
        *,
        lower("Type") as deed,
        nullif("Details", '-') as said,
        part("Details", '^([^/ ]+)/') as symbol,
        lower(coalesce("Asset type", '')) as sort,
        not is_something("Amount") as is_nothing,
        "Amount" as moved,
        part("Details", '([0-9]+):[0-9]+') as after_units,
        part("Details", '[0-9]+:([0-9]+)') as before_units
    from written
),

kinds as (
    select
        *,
        case
            when sort = 'cfd' and deed in ('open position', 'position closed', 'edit stop loss', 'overnight fee', 'overnight refund', 'rollover fee') then 'CFD'
            when deed = 'open position' then 'BUY'
            when deed in ('position closed', 'profit/loss of trade') then 'SELL'
            when deed in ('corp action: split', 'split', 'stock split') and after_units is not null then 'SPLIT'
            when deed in ('dividend', 'payment caused by dividend') then 'DIVIDEND'
            when deed in ('interest payment', 'interest', 'daily interest') then 'INTEREST'
            when deed in ('deposit', 'withdraw request', 'withdrawal', 'deposit cancelled', 'withdraw request cancelled') then 'CASH'
            when deed in ('sdrt', 'stamp duty', 'tax', 'withholding tax', 'ftt') then 'TAX'
            when deed in (
                'fee', 'withdraw fee', 'withdrawal fee', 'withdrawal conversion fee', 'deposit conversion fee', 'commission', 'overnight fee', 'overnight refund', 'rollover fee',
                'inactivity fee', 'conversion fee', 'weekend fee'
            ) then 'FEE'
        end as kind
    from told
),

splits as (
    select
        min(line) as line,
        list(line order by line)[2:] as other_lines
    from kinds
    where kind = 'SPLIT'
    group by "Date"[1:10], "Details"
),

converted as (
    select
        request.line,
        fee.moved as fee_moved
    from kinds as request
    inner join kinds as fee on request."Date" = fee."Date"
    where
        request.deed = 'withdraw request' and fee.deed = 'withdrawal conversion fee' and not fee.is_nothing
        and not regexp_matches(coalesce(fee."Realized Equity Change", ''), '[1-9]')
)

select
    kinds.line,
    coalesce(kind, "Type" || ', which is not read') as type,
    "Date" as day,
    case when kind in ('BUY', 'SELL', 'SPLIT', 'DIVIDEND', 'TAX') then symbol end as ticker,
    "Asset type" as asset_type,
    concat_ws(' ', "Type", said, "Position ID") as note,
    case when kind in ('BUY', 'SELL') then "Units" end as quantity,
    case when kind = 'SPLIT' then after_units end as split_new,
    case when kind = 'SPLIT' then before_units end as split_old,
    case
        when kind = 'SPLIT' then null
        when kind = 'BUY' then [negated(moved)]
        else [moved, negated(fee_moved)]
    end as amount,
    ["Units", "Realized Equity Change", "Realized Equity", "Balance"] as checked,
    case when kind <> 'SPLIT' then 'USD' end as currency,
    case when len(other_lines) > 0 then other_lines end as merged,
    case
        when kind = 'CFD' then 'is of a CFD, which is a contract and no holding of units'
    end as refuse,
    case
        when is_nothing and kind in ('FEE', 'TAX', 'INTEREST', 'DIVIDEND', 'CASH') then 'an amount of 0'
    end as skip
from kinds
left join splits on kinds.line = splits.line
left join converted on kinds.line = converted.line
where kinds.line not in (select unnest(other_lines) from splits)
