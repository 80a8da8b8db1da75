/*
title: Vanguard (US), transactions of brokerage accounts
recognised: [Account Number, Trade Date, Settlement Date, Transaction Type, Transaction Description, Symbol, Shares, Share Price, Net Amount]
names:
  Commission Fees: [Commissions and Fees, Commissions & Fees, Commission & Fees]
optional: [Investment Name, Principal Amount, Commission Fees, Accrued Interest, Account Type]
dates: ["%m/%d/%Y", "%Y-%m-%d"]
decimal: "."
amounts: signed
quantities: signed
income: gross
# The settlement fund is the account's cash: sweeps move nothing, and what is reinvested in it stays cash.
*/
with
named as (
    select
        *,
        lower("Transaction Type") as said,
        coalesce("Shares", '0') not similar to '[-0., ()]*' as has_units,
        "Symbol" in ('VMFXX', 'VMMXX', 'VMSXX') or "Investment Name" ilike '%settlement fund%' as is_settlement_fund
    from cells
),
typed as (
    select
        *,
        case
            when said in ('buy', 'reinvestment', 'reinvestment (lt gain)', 'reinvestment (st gain)', 'dividend reinvestment') then 'BUY'
            when said in ('buy (exchange)', 'exchange (incoming)') then 'BUY'
            when said in ('sell', 'sell (exchange)', 'exchange (outgoing)') then 'SELL'
            when said similar to '(dividend|dividend received|qualified dividend|capital gain.*|short-term capital gain|long-term capital gain)'
                then 'DIVIDEND'
            when said in ('interest', 'margin interest') then 'INTEREST'
            when said in ('return of capital') then 'RETURN_OF_CAPITAL'
            when said in ('withholding', 'foreign tax', 'foreign tax paid', 'tax', 'foreign withholding', 'federal withholding')
                then 'TAX'
            when said similar to '(fee|adr fee|account service fee|advisory fee|.* fee|fees)' then 'FEE'
            when said = 'cash in lieu' then case when has_units then 'CASH_IN_LIEU' else 'DIVIDEND' end
            when said in ('stock split', 'split') then 'SPLIT'
            when said similar to '(transfer.*|rollover.*|contribution.*|distribution.*|asset.*|acat.*|journal.*)' and has_units
                then 'UNITS'
            when said similar to '(funds received|funds withdrawn|contribution.*|distribution.*|withdrawal.*|deposit.*|transfer.*|rollover.*|wire.*|check.*|ach.*|electronic.*|journal.*|cash.*)'
                then 'CASH'
            else "Transaction Type"
        end as kind
    from named
)
select
    line,
    kind as type,
    "Trade Date" as day,
    "Settlement Date" as settles,
    case when kind not in ('CASH', 'INTEREST') then "Symbol" end as ticker,
    case when kind not in ('CASH', 'INTEREST', 'FEE') and "Investment Name" <> 'CASH' then "Investment Name" end as name,
    "Transaction Description" as note,
    case when kind in ('BUY', 'SELL', 'UNITS', 'CASH_IN_LIEU') then "Shares" end as quantity,
    case when kind = 'SPLIT' then "Shares" end as units_new,
    case when "Share Price" similar to '.*[1-9].*' then "Share Price" end as price,
    case when kind not in ('UNITS', 'SPLIT') then "Principal Amount" end as gross,
    "Commission Fees" as fees,
    "Accrued Interest" as accrued,
    "Net Amount" as amount,
    'USD' as currency,
    "Account Number" as account,
    case
        when said similar to '(buy|sell) to (open|close)|.*option.*|expired|assigned|exercised' then 'is of an option, and options are not supported'
        when said similar to '(merger|conversion|spin.?off|corp action.*|reverse split|name change|stock dividend|reorganization).*'
            then 'is a corporate action, of which the file does not say the terms; record it by hand'
    end as refuse,
    case
        when said in ('sweep in', 'sweep out') then 'a sweep into the settlement fund, which is the cash, or out of it'
        when is_settlement_fund and said like 'reinvestment%' then 'reinvested in the settlement fund, which is the cash'
        when "Trade Date" is null and "Transaction Type" is null then 'a text of the broker'
    end as skip
from typed
order by line
