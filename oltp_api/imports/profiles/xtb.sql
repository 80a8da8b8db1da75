/*
title: XTB, cash operations
recognised: [ID, Type, Time, Comment, Amount]
names:
  Type: [Typ, Tipo]
  Time: [Czas, Tiempo, Hora, Zeit]
  Symbol: [Símbolo, Ticker]
  Comment: [Komentarz, Comentario, Comentário, Kommentar]
  Amount: [Kwota, Importe, Montante, Betrag, Quantia]
optional: [Symbol, Instrument, Category, Product, Balance]
dates: ["%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y"]
decimal: "."
amounts: signed
rate: implied
*/
with told as (
    select
        *,
        lower("Type") as deed,
        coalesce("Symbol", "Instrument") as named,
        "Time" as moment,
        part("Comment", '^((OPEN|CLOSE) (BUY|SELL)) ') as turn,
        part("Comment", '(?:BUY|SELL) ([0-9.]+)(/[0-9.]+)? @ ') as units,
        part("Comment", ' @ ([0-9.]+)') as unit_price,
        part("Comment", '^([A-Z0-9]+[.][A-Z]+) [A-Z]{3} ') as told_symbol
    from cells
),

kinds as (
    select
        *,
        case
            when deed in ('stocks/etf purchase', 'stock purchase', 'ações/etf compra', 'compra de acciones/etf', 'aktien/etf kauf', 'zakup akcji/etf')
                then 'BUY'
            when deed in ('stocks/etf sale', 'stock sale', 'stock sell', 'ações/etf vende', 'venta de acciones/etf', 'aktien/etf verkauf', 'sprzedaż akcji/etf')
                then 'SELL'
            when deed in ('deposit', 'withdrawal', 'transfer', 'ike deposit', 'ikze deposit', 'subaccount transfer', 'depósito', 'levantamento', 'wpłata', 'wypłata')
                then 'CASH'
            when deed in ('dividend', 'divident', 'dividendo', 'dywidenda', 'dividende', 'cash dividend') then 'DIVIDEND'
            when deed in ('withholding tax', 'tax iftt', 'free funds interests tax', 'free funds interest tax', 'free-funds interest tax', 'stamp duty', 'tax')
                then 'TAX'
            when deed in ('free funds interests', 'free funds interest', 'free-funds interest') then 'INTEREST'
            when deed in ('sec fee', 'swap', 'commission', 'inactivity fee', 'stock transfer fee', 'fee', 'rollover', 'adr fee') then 'FEE'
        end as kind
    from told
),

profits as (
    select
        sale.line,
        profit.line as profit_line,
        profit."Amount" as profit
    from kinds as sale
    inner join kinds as profit on sale.moment = profit.moment and sale.named = profit.named
    where sale.kind = 'SELL' and profit.deed = 'close trade'
    qualify count(*) over (partition by sale.line) = 1 and count(*) over (partition by profit.line) = 1
)

select
    kinds.line,
    case
        when deed in ('total', 'sum') then 'TOTAL'
        when kind = 'BUY' and coalesce(turn, '') not in ('OPEN BUY', 'CLOSE SELL') then "Type" || ', whose comment tells no purchase'
        when kind = 'SELL' and coalesce(turn, '') not in ('CLOSE BUY', 'OPEN SELL') then "Type" || ', whose comment tells no sale'
        else coalesce(kind, "Type" || ', which is not read')
    end as type,
    "Time" as day,
    "ID" as reference,
    named as ticker,
    case when kind in ('DIVIDEND', 'TAX') then told_symbol end as also_ticker,
    "Comment" as note,
    units as quantity,
    unit_price as price,
    ["Amount", profit] as amount,
    'BASE' as currency,
    case when kind in ('BUY', 'SELL') then
        case part(named, '[.]([A-Z]+)$')
            when 'US' then 'USD'
            when 'PL' then 'PLN'
            when 'CH' then 'CHF'
            when 'CZ' then 'CZK'
            when 'SE' then 'SEK'
            when 'NO' then 'NOK'
            when 'DK' then 'DKK'
            when 'DE' then 'EUR'
            when 'FR' then 'EUR'
            when 'NL' then 'EUR'
            when 'ES' then 'EUR'
            when 'IT' then 'EUR'
            when 'PT' then 'EUR'
            when 'BE' then 'EUR'
            when 'FI' then 'EUR'
        end
    end as price_currency,
    case when profit_line is not null then [profit_line] end as merged,
    case when "ID" is null and deed in ('total', 'sum') then 'a total' end as skip
from kinds
left join profits on kinds.line = profits.line
where kinds.line not in (select profit_line from profits)
