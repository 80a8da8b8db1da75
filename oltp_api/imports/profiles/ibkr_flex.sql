/*
title: Interactive Brokers, a Flex query as XML
format: flex
recognised: [record, currency]
records: [Trade, CashTransaction, Transfer, CorporateAction, SalesTax, StockGrantActivity]
optional: [
  unread, accountId, symbol, isin, cusip, description, assetCategory, buySell, tradeDate, dateTime, date, reportDate, settleDateTarget,
  settleDate, exDate, quantity, tradePrice, tradeMoney, proceeds, netCash, ibCommission, ibCommissionCurrency, taxes, accruedInt,
  amount, type, direction, cashTransfer, transferPrice, fxRateToBase, transactionID, tradeID, levelOfDetail, transactionType,
  actionDescription
]
dates: ["%Y-%m-%d"]
decimal: "."
amounts: signed
income: gross
rate: currency
order: by_day
*/
with
named as (
    select
        *,
        coalesce("cashTransfer", '0') not similar to '[-0.]*' as is_cash,
        coalesce("quantity", '0') not similar to '[-0.]*' as has_units
    from cells
),
typed as (
    select
        *,
        case
            when "record" = 'Trade' then coalesce("buySell", 'a trade without a side')
            when "record" = 'Transfer' and is_cash then 'CASH'
            when "record" = 'Transfer' then 'UNITS'
            when "record" = 'CorporateAction' and "type" in ('FS', 'RS') then 'SPLIT'
            when "record" = 'CashTransaction' then case
                when "type" in ('Dividends', 'Payment In Lieu Of Dividends') and "description" ilike '%return of capital%'
                    then 'RETURN_OF_CAPITAL'
                when "type" in ('Dividends', 'Payment In Lieu Of Dividends') then 'DIVIDEND'
                when "type" = 'Withholding Tax' then 'TAX'
                when "type" = 'Deposits & Withdrawals' then 'CASH'
                when "type" in ('Broker Interest Received', 'Broker Interest Paid') then 'INTEREST'
                when "type" in ('Bond Interest Received', 'Bond Interest Paid') then 'COUPON'
                when "type" in ('Other Fees', 'Commission Adjustments', 'Advisor Fees') then 'FEE'
                else "type"
            end
            else "record"
        end as kind
    from named
)
select
    line,
    kind as type,
    coalesce("dateTime", "tradeDate", "date", "settleDate", "reportDate") as day,
    case when "record" = 'Trade' and "dateTime" is not null then "tradeDate" end as also_day,
    coalesce("settleDateTarget", case when "record" = 'CashTransaction' and "dateTime" is not null then "settleDate" end) as settles,
    "exDate" as ex_date,
    case when kind not in ('CASH', 'INTEREST') then "symbol" end as ticker,
    case when kind not in ('CASH', 'INTEREST') then "isin" end as isin,
    case when kind not in ('CASH', 'INTEREST') then "cusip" end as cusip,
    case when "record" = 'Trade' then "description" end as name,
    "assetCategory" as asset_type,
    "description" as note,
    case when kind <> 'SPLIT' then "quantity" end as quantity,
    coalesce("tradePrice", "transferPrice") as price,
    coalesce("tradeMoney", "proceeds") as gross,
    ["ibCommission", "taxes"] as fees,
    "ibCommissionCurrency" as fee_currency,
    "accruedInt" as accrued,
    case when "record" = 'Transfer' then case when is_cash then "cashTransfer" end else coalesce("netCash", "amount") end as amount,
    case when kind = 'SPLIT' then part("description", 'SPLIT +([0-9.]+) +FOR +[0-9.]+') end as split_new,
    case when kind = 'SPLIT' then part("description", 'SPLIT +[0-9.]+ +FOR +([0-9.]+)') end as split_old,
    "currency",
    "fxRateToBase" as fx_rate,
    coalesce("transactionID", "tradeID") as reference,
    "accountId" as account,
    case
        when "unread" is not null then "unread"
        when "record" = 'Trade' and "assetCategory" = 'CASH' then 'is a conversion of currency; record it as one'
        when "assetCategory" in ('OPT', 'FUT', 'FOP', 'WAR', 'CFD', 'IOPT', 'FSFOP', 'FSOPT')
            then 'is of a derivative (' || "assetCategory" || '), which is not supported'
        when "transactionType" in ('TradeCancel', 'FracShareCancel') then 'cancels an earlier row; reverse that one'
        when "record" = 'CorporateAction' and kind <> 'SPLIT'
            then 'is a corporate action (' || coalesce("type", 'of no type') || '), of which the file does not say the terms; record it by hand'
        when "record" = 'Transfer' and is_cash and has_units then 'moves cash and units at once; record it by hand'
        when "record" in ('SalesTax', 'StockGrantActivity') then 'is a ' || "record" || ', which is not supported; record it by hand'
    end as refuse,
    case when "record" = 'CashTransaction' and "levelOfDetail" = 'SUMMARY' then 'a summary of rows that are there' end as skip
from typed
order by day, line
