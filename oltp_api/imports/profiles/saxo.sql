/*
title: Saxo, transactions
recognised: [Trade Date, Value Date, Type, Instrument, Instrument ISIN, Instrument currency, Event, Amount, Conversion Rate]
optional: [Client ID, Instrument Symbol, Order ID, Exchange Description, Booked Amount]
names:
  Instrument Symbol: [Symbol]
  Event: [Events]
  Order ID: [Trade ID]
  Amount: [Booked amount]
dates: ["%d-%b-%Y", "%d-%B-%Y", "%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y"]
amounts: signed
income: net
fees: implied
*/
with written as (
    select
        * exclude ("Amount", "Event", "Conversion Rate", "Trade Date", "Value Date"),
        "Event",
        bool_or(regexp_matches("Amount", ',[0-9]{1,2}$')) over () as is_comma,
        case
            when is_comma and regexp_matches("Amount", '^-?[0-9]+[.][0-9]{1,2}$') then replace("Amount", '.', ',')
            else "Amount"
        end as moved,
        case when is_comma then replace(replace("Conversion Rate", ',', ''), '.', ',') else "Conversion Rate" end as rate_cell,
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            lower("Trade Date"), 'mrt', 'mar'), '-ma[ij]-', '-may-'), 'okt', 'oct'), 'de[zc]', 'dec') as traded,
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            lower("Value Date"), 'mrt', 'mar'), '-ma[ij]-', '-may-'), 'okt', 'oct'), 'de[zc]', 'dec') as settled
    from cells
),

told as (
    select
        *,
        lower("Event") as deed,
        lower("Type") as sort,
        part(lower("Event"), '^(buy|sell|koop|verkoop|køb|salg|kauf|verkauf|achat|vente|köp|sälj|compra|vendita) ') as verb,
        part("Event", '^[^ ]+ (-?[0-9.,]+) @ ') as told_units,
        part("Event", ' @ ([0-9.,]+)') as told_price,
        case when is_comma then replace(replace(told_units, ',', ''), '.', ',') else told_units end as units,
        case when is_comma then replace(replace(told_price, ',', ''), '.', ',') else told_price end as unit_price,
        part("Event", ' @ [0-9.,]+ ([A-Z]{3})') as price_unit,
        regexp_matches(rate_cell, '^1([.,]0*)?$') as is_one
    from written
),

kinds as (
    select
        *,
        case
            when verb in ('buy', 'koop', 'køb', 'kauf', 'achat', 'köp', 'compra') then 'BUY'
            when verb is not null then 'SELL'
            when regexp_matches(deed, 'tax|belasting|skat|steuer|skatt') then 'TAX'
            when regexp_matches(deed, '^(cash )?(dividend|udbytte|dividende|utbytte)') then 'DIVIDEND'
            when regexp_matches(deed, 'reinvest') then null
            when regexp_matches(deed, 'interest|rente|zins') then 'INTEREST'
            when regexp_matches(deed, '\bfee\b|fees|commission|charge|kosten|gebühr|kommission|omkostning') then 'FEE'
            when deed in ('deposit', 'withdrawal', 'storting', 'opname', 'indbetaling', 'udbetaling', 'einzahlung', 'auszahlung', 'indskud', 'hævning', 'cash transfer')
                then 'CASH'
        end as kind
    from told
)

select
    line,
    coalesce(kind, "Type" || ' ' || "Event" || ', which is not read') as type,
    traded as day,
    case when kind in ('BUY', 'SELL') then settled end as settles,
    "Instrument ISIN" as isin,
    split_part("Instrument Symbol", ':', 1) as ticker,
    case when kind in ('BUY', 'SELL', 'DIVIDEND', 'TAX') then "Instrument" end as name,
    "Order ID" as reference,
    "Event" as note,
    units as quantity,
    unit_price as price,
    price_unit as price_currency,
    [rate_cell] as checked,
    moved as amount,
    case when is_one then "Instrument currency" else 'BASE' end as currency,
    case when kind in ('BUY', 'SELL') and not is_one then rate_cell end as fx_rate
from kinds
