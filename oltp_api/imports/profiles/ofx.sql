/*
title: OFX or QFX, a statement of an investment or bank account (with the extra `ofx`)
format: ofx
recognised: [record, CURDEF, ACCTID, FITID]
optional: [
  DTSTART, DTEND, OLDUNITS, NEWUNITS, BUYTYPE, SELLTYPE, TICKER, SECNAME, listed, DTTRADE, DTSETTLE, DTPOSTED, MEMO, NAME, UNIQUEID, UNIQUEIDTYPE, UNITS, UNITPRICE, COMMISSION, FEES, LOAD,
  TAXES, PENALTY, WITHHOLDING, STATEWITHHOLDING, ACCRDINT, TOTAL, TRNAMT, TRNTYPE, INCOMETYPE, CURRENCY, ORIGCURRENCY,
  NUMERATOR, DENOMINATOR, FRACCASH, TFERACTION, AVGCOSTBASIS, SUBACCTFROM, SUBACCTTO, REVERSALFITID, OPTACTION
]
encoding: cp1252
dates: ["%Y%m%d"]
decimal: "."
amounts: signed
quantities: signed
charges: unsigned
cash: unrounded
order: by_day
*/
with
named as (
    select
        *,
        try_strptime(left(coalesce("DTTRADE", "DTPOSTED"), 8), '%Y%m%d') as traded,
        try_strptime(left("DTSTART", 8), '%Y%m%d') as starts,
        try_strptime(left("DTEND", 8), '%Y%m%d') as ends,
        list_transform(["OLDUNITS", "NEWUNITS", "NUMERATOR", "DENOMINATOR"], x -> try_cast(x as double)) as split_units,
        upper("TRNTYPE") as said,
        coalesce("MEMO", '') || ' ' || coalesce("NAME", '') as words
    from cells
),
typed as (
    select
        *,
        case
            when "record" in ('BUYSTOCK', 'BUYMF', 'BUYOTHER', 'BUYDEBT') then 'BUY'
            when "record" in ('SELLSTOCK', 'SELLMF', 'SELLOTHER', 'SELLDEBT') then 'SELL'
            when "record" = 'REINVEST' then 'BUY'
            when "record" = 'INCOME' and "INCOMETYPE" in ('DIV', 'CGLONG', 'CGSHORT', 'MISC') then 'DIVIDEND'
            when "record" = 'INCOME' and "INCOMETYPE" = 'INTEREST' and "listed" = 'DEBTINFO' then 'COUPON'
            when "record" = 'INCOME' and "INCOMETYPE" = 'INTEREST' then 'INTEREST'
            when "record" = 'RETOFCAP' then 'RETURN_OF_CAPITAL'
            when "record" = 'MARGININTEREST' then 'INTEREST'
            when "record" = 'INVEXPENSE' and words similar to '.*([Tt]ax|TAX|W/H|[Ww]ithh|WITHH).*' then 'TAX'
            when "record" = 'INVEXPENSE' then 'FEE'
            when "record" = 'SPLIT' then 'SPLIT'
            when "record" = 'TRANSFER' and "TFERACTION" = 'IN' then 'TRANSFER_IN'
            when "record" = 'TRANSFER' and "TFERACTION" = 'OUT' then 'TRANSFER_OUT'
            when "record" in ('INVBANKTRAN', 'STMTTRN') and said in ('INT', 'DIV') then 'INTEREST'
            when "record" in ('INVBANKTRAN', 'STMTTRN') and said in ('FEE', 'SRVCHG') then 'FEE'
            when "record" in ('INVBANKTRAN', 'STMTTRN') then 'CASH'
            else "record"
        end as kind
    from named
),
told as (
    select *, 1 as place from typed
    union all
    select * replace ('DIVIDEND' as kind), 0 as place from typed where "record" = 'REINVEST'
)
select
    line,
    kind as type,
    left(coalesce("DTTRADE", "DTPOSTED"), 8) as day,
    left("DTSETTLE", 8) as settles,
    case when kind not in ('CASH', 'INTEREST') then "TICKER" end as ticker,
    case when kind not in ('CASH', 'INTEREST') and "UNIQUEIDTYPE" = 'CUSIP' then "UNIQUEID" end as cusip,
    case when kind not in ('CASH', 'INTEREST') and "UNIQUEIDTYPE" = 'ISIN' then "UNIQUEID" end as isin,
    case when kind not in ('CASH', 'INTEREST') then "SECNAME" end as name,
    case "listed" when 'STOCKINFO' then 'EQUITY' when 'MFINFO' then 'FUND' when 'DEBTINFO' then 'BOND' end as asset_type,
    coalesce("MEMO", "NAME") as note,
    case when kind <> 'DIVIDEND' then unpadded("UNITS") end as quantity,
    unpadded(coalesce("UNITPRICE", case when "record" = 'TRANSFER' then "AVGCOSTBASIS" end)) as price,
    case when place = 1 then ["COMMISSION", "FEES", "LOAD", "TAXES", "PENALTY"] end as fees,
    case when kind in ('DIVIDEND', 'COUPON') then ["WITHHOLDING", "STATEWITHHOLDING"] end as withheld,
    "ACCRDINT" as accrued,
    case when place = 0 then negated("TOTAL") else coalesce("TOTAL", "TRNAMT") end as amount,
    ["OLDUNITS", "NEWUNITS"] as checked,
    "NUMERATOR" as split_new,
    "DENOMINATOR" as split_old,
    coalesce("CURRENCY", "CURDEF") as currency,
    "ACCTID" || '/' || "FITID" as reference,
    case
        when "record" in ('BUYOPT', 'SELLOPT', 'CLOSUREOPT') or "listed" = 'OPTINFO'
            then 'is of an option, and options are not supported'
        when coalesce("BUYTYPE", 'BUY') not in ('BUY', 'BUYTOCOVER') or coalesce("SELLTYPE", 'SELL') not in ('SELL', 'SELLSHORT')
            then 'is a ' || coalesce("BUYTYPE", "SELLTYPE") || ', which is no trade'
        when coalesce("INCOMETYPE", 'DIV') not in ('DIV', 'INTEREST', 'CGLONG', 'CGSHORT', 'MISC')
            then 'is income of the type ' || "INCOMETYPE" || ', which there is none of'
        when "REVERSALFITID" is not null then 'takes back ' || "REVERSALFITID" || '; reverse that one'
        when "FRACCASH" similar to '.*[1-9].*' then 'pays a fraction in cash, of which it does not say the units; record it by hand'
        when coalesce("STATEWITHHOLDING", "WITHHOLDING", '0') similar to '.*[1-9].*' and kind in ('BUY', 'SELL')
            then 'says a tax that is withheld of a trade; record it by hand'
    end as refuse,
    case when "record" in ('JRNLFUND', 'JRNLSEC') then 'a move inside the account' end as skip,
    case
        when traded is null then 'it has no day'
        when traded < starts - interval 45 day or traded > ends + interval 45 day then 'it is of ' || strftime(traded, '%Y-%m-%d') || ', which is out of the period of the statement'
        when "UNIQUEID" is not null and "listed" is null then 'its security ' || "UNIQUEID" || ' is not listed in the file'
        when said in ('CREDIT', 'DEP', 'DIRECTDEP') and is_negative("TRNAMT") or said in ('DEBIT', 'DIRECTDEBIT', 'FEE', 'SRVCHG', 'CHECK') and not is_negative("TRNAMT")
            then 'its amount has another sign than a ' || said
        when "record" = 'MARGININTEREST' and not is_negative("TOTAL") then 'it is interest that is charged, and comes'
        when "record" = 'SPLIT' and abs(split_units[1] * split_units[3] / split_units[4] - split_units[2]) >= 1
            then 'its units, ' || "OLDUNITS" || ' and ' || "NEWUNITS" || ', are not as its ratio'
        when "record" in ('JRNLFUND') and try_cast("TOTAL" as double) is null then 'it moves no amount'
    end as odd
from told
order by day, line, place
