/*
title: Interactive Brokers, cash transactions of a Flex query
recognised: [Type, Amount, CurrencyPrimary, Description]
unless: [Buy/Sell, TradePrice]
optional: [
  SettleDate, Date/Time, DateTime, ReportDate, ExDate, Symbol, ISIN, CUSIP, AssetClass, FXRateToBase, TransactionID,
  ClientAccountID, AccountId, LevelOfDetail, AvailableForTradingDate
]
dates: ["%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y"]
decimal: "."
amounts: signed
cash: unrounded
income: gross
rate: currency
*/
with
typed as (
    select
        *,
        case
            when "Type" in ('Dividends', 'Payment In Lieu Of Dividends') and "Description" ilike '%return of capital%' then 'RETURN_OF_CAPITAL'
            when "Type" in ('Dividends', 'Payment In Lieu Of Dividends') then 'DIVIDEND'
            when "Type" in ('Withholding Tax', '871(m) Withholding') then 'TAX'
            when "Type" in ('Deposits/Withdrawals', 'Deposits & Withdrawals', 'Deposits', 'Withdrawals') then 'CASH'
            when "Type" in ('Broker Interest Received', 'Broker Interest Paid') then 'INTEREST'
            when "Type" in ('Bond Interest Received', 'Bond Interest Paid') then 'COUPON'
            when "Type" in ('Other Fees', 'Broker Fees', 'Commission Adjustments', 'Advisor Fees', 'Client Fees', 'Other Income')
                then 'FEE'
            else "Type"
        end as kind
    from cells
)
select
    line,
    kind as type,
    coalesce("DateTime", "Date/Time", "SettleDate", "ReportDate") as day,
    case when coalesce("DateTime", "Date/Time") is not null then "SettleDate" end as settles,
    "ExDate" as ex_date,
    case when kind not in ('CASH', 'INTEREST') then "Symbol" end as ticker,
    case when kind not in ('CASH', 'INTEREST') then "ISIN" end as isin,
    case when kind not in ('CASH', 'INTEREST') then "CUSIP" end as cusip,
    "AssetClass" as asset_type,
    "Description" as note,
    "Amount" as amount,
    "CurrencyPrimary" as currency,
    "FXRateToBase" as fx_rate,
    "TransactionID" as reference,
    coalesce("ClientAccountID", "AccountId") as account,
    case when "LevelOfDetail" = 'SUMMARY' then 'a summary of rows that are there' end as skip
from typed
order by line
