/*
title: Revolut, statement of crypto
recognised: [Symbol, Type, Quantity, Price, Value, Fees, Date]
dates: ["%b %d, %Y", "%d %b %Y", "%Y-%m-%d"]
amounts: unsigned
*/
with told as (
    select
        *,
        lower("Type") as deed
    from cells
)

select
    line,
    case
        when deed in ('buy', 'sell') then upper("Type")
        when deed = 'send' then 'TRANSFER_OUT'
        when deed in ('receive', 'staking reward', 'reward', 'learn reward', 'airdrop') then 'TRANSFER_IN'
        else "Type" || ', which is not read'
    end as type,
    "Date" as day,
    "Symbol" as ticker,
    'CRYPTO' as asset_type,
    "Quantity" as quantity,
    case when deed in ('buy', 'sell') then "Price" end as price,
    case when deed in ('buy', 'sell') then "Value" end as gross,
    case when deed in ('buy', 'sell') then "Fees" end as fees,
    case when deed in ('stake', 'unstake') then 'staked units are still held' end as skip
from told
