/*
title: Fidelity, history of one or all accounts
recognised: [Run Date, Action, Symbol, Settlement Date]
names:
  Description: [Security Description]
  Type: [Security Type]
  Price: [Price ($)]
  Commission: [Commission ($)]
  Fees: [Fees ($)]
  Accrued Interest: [Accrued Interest ($)]
  Amount: [Amount ($)]
  Cash Balance: [Cash Balance ($)]
optional: [Account, Account Number, Description, Type, Currency, Exchange Quantity, Exchange Currency, Exchange Rate, Cash Balance]
dates: ["%m/%d/%Y", "%b-%d-%Y"]
decimal: "."
amounts: signed
quantities: signed
charges: unsigned
income: gross
*/
with
named as (
    select
        *,
        upper("Action") as said,
        coalesce("Quantity", '0') not similar to '[-0., ]*' as has_units,
        coalesce("Amount", '0') not similar to '[-0., ]*' as has_amount,
        length("Symbol") = 9 and "Symbol" similar to '[0-9A-Z]*[0-9][0-9A-Z]*' as is_cusip
    from cells
),
typed as (
    select
        *,
        case
            when said similar to '(YOU BOUGHT|REINVESTMENT|PURCHASE INTO|EXCHANGE IN|EXCHANGED TO).*' and has_units then 'BUY'
            when said similar to '(YOU SOLD|REDEMPTION|EXCHANGE OUT).*' and has_units then 'SELL'
            when said like 'IN LIEU OF%' and has_units then 'CASH_IN_LIEU'
            when said like 'RETURN OF CAPITAL%' then 'RETURN_OF_CAPITAL'
            when said similar to '(FOREIGN TAX|ADJ FOREIGN TAX|NON-RESIDENT TAX|NON RESIDENT TAX|FED TAX|FEDERAL TAX|STATE TAX|TAX PAID).*'
                then 'TAX'
            when said similar to '(MUNI (EXEMPT|TAXABLE) INT|INTEREST ).*' and is_cusip then 'COUPON'
            when said similar to '(INTEREST|MARGIN INTEREST|CREDIT INTEREST|MUNI (EXEMPT|TAXABLE) INT).*' then 'INTEREST'
            when said similar to '(DIVIDEND|LONG-TERM CAP GAIN|SHORT-TERM CAP GAIN|CAP GAIN|IN LIEU OF|ROYALTY|PARTNERSHIP DIST).*'
                then 'DIVIDEND'
            when said similar to '(FEE|ADVISOR FEE|ADVISORY FEE|ADR |MANAGEMENT FEE|RECORDKEEPING|FOREIGN CUSTODY|SERVICE CHARGE|ADJUST FEE).*'
                then 'FEE'
            when said like 'DISTRIBUTION%' and has_units and not has_amount then 'SPLIT'
            when said similar to '(TRANSFER|JOURNALED|ROLLOVER|CONTRIB|SHARES|DEPOSIT|ASSET).*' and has_units then 'UNITS'
            when said similar to concat(
                '(ELECTRONIC FUNDS|DIRECT DEPOSIT|DIRECT DEBIT|TRANSFER|CHECK|WIRE|BILL PAYMENT|DEBIT CARD|CASH |',
                'ROLLOVER|PARTIC CONTR|PART CONTRIB|CO CONTR|CONTRIB|NORMAL DIST|PREMATURE DIST|DEPOSIT|JOURNALED|REMITTANCE|',
                'CONTRIBUTION|WITHDRAWAL|ACH |EFT ).*'
            ) and not has_units then 'CASH'
            else "Action"
        end as kind
    from named
)
select
    line,
    kind as type,
    "Run Date" as day,
    "Settlement Date" as settles,
    case when kind not in ('INTEREST', 'CASH') then "Symbol" end as ticker,
    case when kind not in ('INTEREST', 'CASH') and "Symbol" is not null then "Description" end as name,
    "Action" as note,
    case when kind in ('BUY', 'SELL', 'UNITS', 'CASH_IN_LIEU') then "Quantity" end as quantity,
    case when kind = 'SPLIT' then "Quantity" end as units_new,
    case when said not like 'REDEMPTION PAYOUT%' then "Price" end as price,
    ["Commission", "Fees"] as fees,
    "Accrued Interest" as accrued,
    "Amount" as amount,
    coalesce("Currency", 'USD') as currency,
    case when "Cash Balance" not ilike 'processing' then "Cash Balance" end as balance,
    coalesce("Account", "Account Number") as account,
    case
        when "Symbol" like '-%' or said similar to '.*((OPENING|CLOSING) TRANSACTION).*|(EXPIRED|ASSIGNED|EXERCISED|YOU BOUGHT ASSIGNED|YOU SOLD ASSIGNED).*'
            then 'is of an option, and options are not supported'
        when said similar to '(MERGER|REVERSE SPLIT|SPIN|TENDERED|NAME CHANGE|CONVERSION|EXCHANGE (?:FROM|OF)).*|DISTRIBUTION SPINOFF.*'
            then 'is a corporate action, of which the file does not say the terms; record it by hand'
        when said similar to '(BUY|SELL) CANCEL.*|CANCEL.*' then 'cancels an earlier row, and does not say which; reverse that one'
        when coalesce("Exchange Currency", 'USD') <> coalesce("Currency", 'USD')
            then 'is in two currencies, and their rate has no direction; record it by hand'
    end as refuse,
    case
        when "Action" is null and "Symbol" is null and "Amount" is null and length("Run Date") > 10 then 'a text of the broker'
        when said like '%VS A/C TYPES%' then 'a move between the cash and the margin of one account'
    end as skip
from typed
order by line
