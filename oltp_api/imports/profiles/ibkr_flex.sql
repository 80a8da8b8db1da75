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
cash: unrounded
income: gross
rate: currency
order: by_day
*/
with
named as (
    select
        *,
        coalesce("cashTransfer", '0') not similar to '[-0.]*' as is_cash,
        coalesce("quantity", '0') not similar to '[-0.]*' as has_units,
        "record" = 'Trade' and "assetCategory" = 'CASH' and coalesce("symbol", '') similar to '[A-Z]{3}\.[A-Z]{3}' as is_exchange,
        is_negative("quantity") as leaves,
        unsigned(coalesce("proceeds", "tradeMoney")) as worth,
        left("symbol", 3) as left_currency,
        right("symbol", 3) as right_currency
    from cells
),
typed as (
    select
        *,
        case
            when is_exchange then 'WITHDRAW'
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
        end as kind,
        0 as place
    from named
),
-- an exchange of currency is one row, its commission another
told as (
    select * from typed
    union all
    select * replace ('FEE' as kind, 1 as place) from typed where is_exchange and "ibCommission" similar to '.*[1-9].*'
)
select
    line,
    kind as type,
    coalesce("dateTime", "tradeDate", "date", "settleDate", "reportDate") as day,
    case when "record" = 'Trade' and "dateTime" is not null then "tradeDate" end as also_day,
    coalesce("settleDateTarget", case when "record" = 'CashTransaction' and "dateTime" is not null then "settleDate" end) as settles,
    "exDate" as ex_date,
    case when kind not in ('CASH', 'INTEREST') and not is_exchange then "symbol" end as ticker,
    case when kind not in ('CASH', 'INTEREST') then "isin" end as isin,
    case when kind not in ('CASH', 'INTEREST') then "cusip" end as cusip,
    case when "record" = 'Trade' then "description" end as name,
    "assetCategory" as asset_type,
    "description" as note,
    case when kind <> 'SPLIT' and not is_exchange then "quantity" end as quantity,
    case when not is_exchange then coalesce("tradePrice", "transferPrice") end as price,
    case when not is_exchange then coalesce("tradeMoney", "proceeds") end as gross,
    case when not is_exchange then ["ibCommission", "taxes"] end as fees,
    case when not is_exchange then "ibCommissionCurrency" end as fee_currency,
    "accruedInt" as accrued,
    case when place = 1 then "ibCommission" when is_exchange then case when leaves then "quantity" else negated(worth) end
        when "record" = 'Transfer' then case when is_cash then "cashTransfer" end else coalesce("netCash", "amount") end as amount,
    case when kind = 'SPLIT' then part("description", 'SPLIT +([0-9.]+) +FOR +[0-9.]+') end as split_new,
    case when kind = 'SPLIT' then part("description", 'SPLIT +[0-9.]+ +FOR +([0-9.]+)') end as split_old,
    case when place = 0 and is_exchange then case when leaves then worth else "quantity" end end as received,
    case when place = 0 and is_exchange then case when leaves then right_currency else left_currency end end as received_currency,
    case
        when place = 1 then coalesce("ibCommissionCurrency", "currency")
        when is_exchange then case when leaves then left_currency else right_currency end
        else "currency"
    end as currency,
    case when not is_exchange then "fxRateToBase" end as fx_rate,
    coalesce("transactionID", "tradeID") as reference,
    "accountId" as account,
    case
        when "unread" is not null then "unread"
        when "record" = 'Trade' and "assetCategory" = 'CASH' and not is_exchange then 'is an exchange of currencies that it does not name'
        when "assetCategory" in ('OPT', 'FUT', 'FOP', 'WAR', 'CFD', 'IOPT', 'FSFOP', 'FSOPT')
            then 'is of a derivative (' || "assetCategory" || '), which is not supported'
        when "transactionType" in ('TradeCancel', 'FracShareCancel') then 'cancels an earlier row; reverse that one'
        when "record" = 'CorporateAction' and kind <> 'SPLIT'
            then 'is a corporate action (' || coalesce("type", 'of no type') || '), of which the file does not say the terms; record it by hand'
        when "record" = 'Transfer' and is_cash and has_units then 'moves cash and units at once; record it by hand'
        when "record" in ('SalesTax', 'StockGrantActivity') then 'is a ' || "record" || ', which is not supported; record it by hand'
    end as refuse,
    case when "record" = 'CashTransaction' and "levelOfDetail" = 'SUMMARY' then 'a summary of rows that are there' end as skip
from told
order by line, place
