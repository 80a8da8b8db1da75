/*
title: Saxo, transactions
recognised: [Trade Date, Value Date, Type, Instrument, Instrument ISIN, Instrument currency, Event, Amount, Conversion Rate]
optional: [Client ID, Instrument Symbol, Order ID, Exchange Description, Booked Amount]
names:
  Instrument Symbol: [Symbol]
  Event: [Events]
  Amount: [Booked amount]
dates: ["%d-%b-%Y", "%d-%B-%Y", "%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y"]
amounts: signed
income: net
fees: implied
*/
with told as (
    select
        *,
        lower("Event") as deed,
        lower("Type") as sort,
        part(lower("Event"), '^(buy|sell|koop|verkoop|køb|salg|kauf|verkauf|achat|vente|köp|sälj|compra|vendita) ') as verb,
        part("Event", '^[^ ]+ (-?[0-9.,]+) @ ') as units,
        part("Event", ' @ ([0-9.,]+)') as unit_price,
        part("Event", ' @ [0-9.,]+ ([A-Z]{3})') as price_unit,
        regexp_matches("Conversion Rate", '^1([.,]0*)?$') as is_one
    from cells
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
    "Trade Date" as day,
    case when kind in ('BUY', 'SELL') then "Value Date" end as settles,
    "Instrument ISIN" as isin,
    split_part("Instrument Symbol", ':', 1) as ticker,
    case when kind in ('BUY', 'SELL', 'DIVIDEND', 'TAX') then "Instrument" end as name,
    "Order ID" as reference,
    "Event" as note,
    units as quantity,
    unit_price as price,
    price_unit as price_currency,
    "Amount" as amount,
    case when is_one then "Instrument currency" else 'BASE' end as currency,
    case when kind in ('BUY', 'SELL') and not is_one then "Conversion Rate" end as fx_rate
from kinds
