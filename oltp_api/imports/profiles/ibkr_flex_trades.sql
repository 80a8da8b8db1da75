/*
title: Interactive Brokers, trades of a Flex query
recognised: [Buy/Sell, TradePrice, Quantity, CurrencyPrimary]
optional: [
  TradeDate, DateTime, TradeTime, Date/Time, SettleDateTarget, Symbol, ISIN, CUSIP, Description, AssetClass, SubCategory,
  TradeMoney, Proceeds, NetCash, IBCommission, IBCommissionCurrency, Taxes, FXRateToBase, TradeID, TransactionID,
  ClientAccountID, AccountId, LevelOfDetail, Multiplier, TransactionType, Notes/Codes, AccruedInt
]
dates: ["%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y"]
decimal: "."
amounts: signed
cash: unrounded
quantities: signed
charges: signed
gross: units
rate: currency
*/
with
named as (
    select
        *,
        ("AssetClass" = 'CASH' or "AssetClass" is null and "ISIN" is null) and coalesce("Symbol", '') similar to '[A-Z]{3}\.[A-Z]{3}'
            as is_exchange,
        is_negative("Quantity") as leaves,
        unsigned(coalesce("TradeMoney", "Proceeds")) as worth,
        left("Symbol", 3) as left_currency,
        right("Symbol", 3) as right_currency
    from cells
),
-- an exchange of currency is one row, its commission another
told as (
    select *, 0 as place from named
    union all
    select *, 1 as place from named where is_exchange and "IBCommission" similar to '.*[1-9].*'
)
select
    line,
    case
        when place = 1 then 'FEE'
        when is_exchange and upper("Buy/Sell") in ('BUY', 'SELL') then 'WITHDRAW'
        when upper("Buy/Sell") in ('BUY', 'SELL') then upper("Buy/Sell")
        else "Buy/Sell"
    end as type,
    coalesce("DateTime", "Date/Time", "TradeDate") as day,
    "TradeTime" as time,
    case when coalesce("DateTime", "Date/Time") is not null then "TradeDate" end as also_day,
    "SettleDateTarget" as settles,
    case when not is_exchange then "Symbol" end as ticker,
    "ISIN" as isin,
    "CUSIP" as cusip,
    "Description" as name,
    "AssetClass" as asset_type,
    case when not is_exchange then "Quantity" end as quantity,
    case when not is_exchange then "TradePrice" end as price,
    case when not is_exchange then coalesce("TradeMoney", "Proceeds") end as gross,
    case when not is_exchange then ["IBCommission", "Taxes"] end as fees,
    case when not is_exchange then "IBCommissionCurrency" end as fee_currency,
    "AccruedInt" as accrued,
    case when place = 1 then "IBCommission" when is_exchange then case when leaves then "Quantity" else negated(worth) end else "NetCash" end
        as amount,
    case when place = 0 and is_exchange then case when leaves then worth else "Quantity" end end as received,
    case when place = 0 and is_exchange then case when leaves then right_currency else left_currency end end as received_currency,
    case
        when place = 1 then coalesce("IBCommissionCurrency", "CurrencyPrimary")
        when is_exchange then case when leaves then left_currency else right_currency end
        else "CurrencyPrimary"
    end as currency,
    case when not is_exchange then "FXRateToBase" end as fx_rate,
    coalesce("TradeID", "TransactionID") as reference,
    coalesce("ClientAccountID", "AccountId") as account,
    case
        when is_exchange and worth is null or not is_exchange and ("AssetClass" = 'CASH' or coalesce("ISIN", "Symbol", "CUSIP") is null)
            then 'is an exchange of currency, of which the file does not say both; add the columns Symbol and Proceeds to the query'
        when "AssetClass" in ('OPT', 'FUT', 'FOP', 'WAR', 'CFD', 'IOPT', 'FSFOP', 'FSOPT')
            then 'is of a derivative (' || "AssetClass" || '), which is not supported'
        when upper("Buy/Sell") like '%CA.)' then 'cancels an earlier row, and does not say which; reverse that one'
    end as refuse,
    case when "LevelOfDetail" in ('ORDER', 'SYMBOL_SUMMARY', 'ASSET_SUMMARY', 'CLOSED_LOT', 'WASH_SALE')
        then 'a summary (' || "LevelOfDetail" || ') of rows that are there' end as skip
from told
order by line, place
