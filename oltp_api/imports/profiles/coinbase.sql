/*
title: Coinbase, transaction report
recognised: [Timestamp, Transaction Type, Asset, Quantity Transacted]
names:
  Price Currency: [Spot Price Currency]
  Price: [Price at Transaction, Spot Price at Transaction, EUR Spot Price at Transaction, USD Spot Price at Transaction, GBP Spot Price at Transaction]
  Subtotal: [EUR Subtotal, USD Subtotal, GBP Subtotal]
  Total: [Total (inclusive of fees and/or spread), Total (inclusive of fees), EUR Total (inclusive of fees), USD Total (inclusive of fees), GBP Total (inclusive of fees)]
  Fees: [Fees and/or Spread, EUR Fees, USD Fees, GBP Fees]
optional: [ID, Price Currency, Price, Subtotal, Total, Fees, Notes]
dates: iso
decimal: "."
amounts: unsigned
cash: unrounded
fees: implied
# What is between the total and units x price are fees and spread, of which the column may have the fees alone.
# Coins that are earned come in at what they are worth, which is their cost; of coins received the cost is not known.
*/
with
named as (
    select
        *,
        lower("Transaction Type") as said,
        "Asset" in ('EUR', 'USD', 'GBP', 'CAD', 'AUD', 'CHF', 'SGD') as is_cash,
        part("Notes", '^Converted [0-9.,]+ [A-Z0-9]+ to ([0-9.,]+) [A-Z0-9]+') as units_got,
        part("Notes", '^Converted [0-9.,]+ [A-Z0-9]+ to [0-9.,]+ ([A-Z0-9]+)') as coin_got
    from cells
),
typed as (
    select
        *,
        0 as place,
        case
            when is_cash and said in ('deposit', 'receive') then 'DEPOSIT'
            when is_cash and said in ('withdrawal', 'send') then 'WITHDRAW'
            when said in ('buy', 'advanced trade buy', 'advance trade buy', 'trade buy') then 'BUY'
            when said in ('sell', 'advanced trade sell', 'advance trade sell', 'trade sell') then 'SELL'
            when said = 'convert' and coin_got is not null then 'SELL'
            when said in (
                'staking income', 'rewards income', 'reward income', 'inflation reward', 'learning reward', 'coinbase earn',
                'interest income', 'airdrop'
            ) then 'TRANSFER_IN'
            when said in ('send', 'withdrawal', 'exchange deposit', 'pro deposit', 'vault deposit', 'retail staking transfer') then 'TRANSFER_OUT'
            when said in ('receive', 'deposit', 'exchange withdrawal', 'pro withdrawal', 'vault withdrawal', 'retail unstaking transfer')
                then 'TRANSFER_IN'
            else "Transaction Type"
        end as kind
    from named
),
told as (
    select * from typed
    union all
    select * replace ('BUY' as kind, coin_got as "Asset", units_got as "Quantity Transacted", 1 as place)
    from typed
    where said = 'convert' and coin_got is not null
)
select
    line,
    kind as type,
    "Timestamp" as day,
    case when not is_cash then "Asset" end as ticker,
    'CRYPTO' as asset_type,
    coalesce("Notes", "Transaction Type") as note,
    case when not is_cash then unsigned("Quantity Transacted") end as quantity,
    case when said in ('buy', 'sell', 'advanced trade buy', 'advanced trade sell')
        then part("Notes", '^(?:Bought|Sold) ([0-9.,]+) [A-Z0-9]+')
        when said = 'convert' and place = 0 then part("Notes", '^Converted ([0-9.,]+) [A-Z0-9]+') end as also_quantity,
    case when said = 'convert' and place = 0 then part("Notes", '^Converted [0-9.,]+ ([A-Z0-9]+)') end as also_ticker,
    case
        when said = 'convert' or kind = 'TRANSFER_OUT' or is_cash then null
        when said in ('receive', 'deposit', 'exchange withdrawal', 'pro withdrawal', 'vault withdrawal', 'retail unstaking transfer') then null
        else "Price"
    end as price,
    case
        when is_cash and "Total" is not null then [unsigned("Quantity Transacted")]
        when said = 'convert' or "Subtotal" is null then null
        when kind = 'BUY' then [unsigned("Subtotal"), unsigned("Fees")]
        when kind = 'SELL' then [unsigned("Subtotal"), negated(unsigned("Fees"))]
    end as also_amount,
    case
        when is_cash then coalesce(unsigned("Total"), unsigned("Quantity Transacted"))
        when said = 'convert' then unsigned("Subtotal")
        when kind in ('BUY', 'SELL') then unsigned("Total")
    end as amount,
    case when is_cash then "Asset" else "Price Currency" end as currency,
    "ID" as reference
from told
order by line, place
