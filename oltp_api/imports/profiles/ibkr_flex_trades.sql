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
quantities: signed
gross: units
rate: currency
*/
select
    line,
    case when upper("Buy/Sell") in ('BUY', 'SELL') then upper("Buy/Sell") else "Buy/Sell" end as type,
    coalesce("DateTime", "Date/Time", "TradeDate") as day,
    "TradeTime" as time,
    case when coalesce("DateTime", "Date/Time") is not null then "TradeDate" end as also_day,
    "SettleDateTarget" as settles,
    "Symbol" as ticker,
    "ISIN" as isin,
    "CUSIP" as cusip,
    "Description" as name,
    "AssetClass" as asset_type,
    "Quantity" as quantity,
    "TradePrice" as price,
    coalesce("TradeMoney", "Proceeds") as gross,
    ["IBCommission", "Taxes"] as fees,
    "IBCommissionCurrency" as fee_currency,
    "AccruedInt" as accrued,
    "NetCash" as amount,
    "CurrencyPrimary" as currency,
    "FXRateToBase" as fx_rate,
    coalesce("TradeID", "TransactionID") as reference,
    coalesce("ClientAccountID", "AccountId") as account,
    case
        when "AssetClass" = 'CASH' or ("ISIN" is null and "Symbol" similar to '[A-Z]{3}\.[A-Z]{3}')
            or coalesce("ISIN", "Symbol", "CUSIP") is null
            then 'is a conversion of currency; record it as one'
        when "AssetClass" in ('OPT', 'FUT', 'FOP', 'WAR', 'CFD', 'IOPT', 'FSFOP', 'FSOPT')
            then 'is of a derivative (' || "AssetClass" || '), which is not supported'
        when upper("Buy/Sell") like '%CA.)' then 'cancels an earlier row, and does not say which; reverse that one'
    end as refuse,
    case when "LevelOfDetail" in ('ORDER', 'SYMBOL_SUMMARY', 'ASSET_SUMMARY', 'CLOSED_LOT', 'WASH_SALE')
        then 'a summary (' || "LevelOfDetail" || ') of rows that are there' end as skip
from cells
order by line
