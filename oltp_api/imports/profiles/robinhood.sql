/*
title: Robinhood, account activity
recognised: [Activity Date, Instrument, Description, Trans Code, Quantity, Price, Amount]
optional: [Process Date, Settle Date, Account Type]
dates: ["%m/%d/%Y"]
decimal: "."
amounts: signed
quantities: unsigned
income: gross
fees: implied_in_sales
# What an exchange charges for a sale is not told, and is missing in its amount.
*/
with
named as (
    select
        -- an S behind the units says that they leave
        * replace (case when "Quantity" like '%S' then '-' || rtrim("Quantity", 'S') else "Quantity" end as "Quantity"),
        upper("Trans Code") as said,
        coalesce("Quantity", '0') not similar to '[-0., S]*' as has_units
    from cells
)
select
    line,
    case
        when said in ('BUY', 'SELL') then said
        when said in ('CDIV', 'MDIV', 'QDIV', 'DIV', 'LCAP', 'SCAP', 'LTCG', 'STCG') then 'DIVIDEND'
        when said = 'ROC' then 'RETURN_OF_CAPITAL'
        when said = 'CIL' then case when has_units then 'CASH_IN_LIEU' else 'DIVIDEND' end
        when said in ('INT', 'SLIP', 'GDBP', 'MINT', 'GMPC') then 'INTEREST'
        when said in ('NRAT', 'DTAX', 'FTAX', 'TAX', 'NRAW') then 'TAX'
        when said in ('GOLD', 'AFEE', 'DFEE', 'FEE', 'MFEE', 'ADRF', 'REGF') then 'FEE'
        when said in ('SPL', 'STSP') then 'SPLIT'
        when said in ('ACATI', 'ACATO', 'REC', 'ITRF', 'XFER', 'ACATS') then case when has_units then 'UNITS' else 'CASH' end
        when said in ('ACH', 'RTP', 'WIRE', 'DCF', 'XENT', 'XENT_CC', 'CXFER', 'BCXFER', 'ABIP', 'MTCH', 'DEP', 'WDR', 'IRAC', 'IADJ', 'MISC', 'JNLC')
            then 'CASH'
        else "Trans Code"
    end as type,
    "Activity Date" as day,
    "Settle Date" as settles,
    case when said not in ('INT', 'GOLD', 'ACH', 'RTP', 'WIRE', 'DCF', 'SLIP', 'GDBP', 'MINT') then "Instrument" end as ticker,
    part("Description", 'CUSIP: *([0-9A-Z]{9})') as cusip,
    "Description" as note,
    case when said not in ('SPL', 'STSP') and has_units then "Quantity" end as quantity,
    case when said in ('SPL', 'STSP') then "Quantity" end as units_new,
    case when said in ('BUY', 'SELL') then "Price" end as price,
    "Amount" as amount,
    'USD' as currency,
    case
        when said in ('BTO', 'STO', 'BTC', 'STC', 'OEXP', 'OASGN', 'OEXCS', 'OEXC', 'OCA', 'OCC')
            then 'is of an option (' || said || '), and options are not supported'
        when said like 'FUT%' then 'is of a future (' || said || '), and futures are not supported'
        when said in ('SOFF', 'MRGS', 'MRGC', 'SPR', 'CONV', 'SXCH', 'NC', 'EXCH', 'LIQ')
            then 'is a corporate action (' || said || '), of which the file does not say the terms; record it by hand'
    end as refuse,
    case
        when length("Activity Date") > 30 and "Trans Code" is null
            or coalesce("Activity Date", "Trans Code", "Instrument", "Quantity") is null
            and coalesce("Amount", '') not similar to '[-($]*[0-9].*'
            then 'a text of the broker'
    end as skip
from named
order by line
