/*
title: DEGIRO, account statement
recognised: [Date, Time, Value date, Product, ISIN, Description, FX, Change, Balance, Order Id]
names:
  Date: [Datum, Data, Fecha, Dato, Päivämäärä]
  Time: [Tijd, Uhrzeit, Uhrze, Heure, Ora, Hora, Tid]
  Value date: [Valutadatum, Date de valeur, Date de, Data Valore, Data Val., Data valor, Fecha valor, Valuta, Valørdato, Valutadato]
  Product: [Produkt, Produit, Prodotto, Producto, Produto, Tuote]
  ISIN: [Code ISIN, ISIN code]
  Description: [Omschrijving, Beschreibung, Descrizione, Descripción, Descrição, Beskrivning, Beskrivelse]
  FX: [Kurs, Borsa, Tipo, T., "Taxa de Câmbio", Wisselkoers, Cambio, Taux de change]
  Change: [Mutatie, Änderung, Mouvements, Variation, Variazioni, Variazione, Variación, Mudança, Variação, Ändring, Endring]
  Balance: [Saldo, Solde, Kontostand]
  Order Id: [Order-ID, Order ID, OrderID, ID Ordre, ID Ordine, ID Orden, ID da Ordem, Ordre-ID, "ID de l'ordre"]
optional: [Change_2, Balance_2]
dates: ["%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d"]
amounts: signed
rate: base
*/
with entries as (
    select
        line as own_line,
        count("Date") over (order by line) as entry,
        "Date" as is_first,
        *
    from cells
),

told as (
    select
        entry,
        min(own_line) as line,
        list(own_line order by own_line) as own_lines,
        any_value("Date") as said_day,
        any_value("Time") as said_time,
        any_value("Value date") as value_day,
        string_agg("Product", ' ' order by own_line) as product,
        any_value("ISIN") as said_isin,
        string_agg("Description", ' ' order by own_line) as said,
        any_value("FX") as said_rate,
        any_value("Change") as unit,
        any_value("Change_2") as moved,
        any_value("Balance") as balance_unit,
        any_value("Balance_2") as balance_cell,
        string_agg("Order Id", '' order by own_line) as order_id
    from entries
    group by entry
),

worded as (
    select
        *,
        lower(said) as words,
        regexp_extract(
            said,
            '(?i)^(?:([^:@]+): *)?(koop|verkoop|buy|sell|kauf|verkauf|achat|vente|acquisto|vendita|compra|venta|venda|köp|sälj|kjøp|salg|køb|osto|myynti) [0-9]',
            2
        ).lower() as verb,
        part(said, '(?i)^([^:@]+): *(?:koop|verkoop|buy|sell|kauf|verkauf|achat|vente|acquisto|vendita|compra|venta|venda|köp|sälj|kjøp|salg|køb|osto|myynti) [0-9]').lower() as event,
        part(said, '(?i)(?:koop|buy|sell|kauf|achat|vente|acquisto|vendita|compra|venta|venda|köp|sälj|kjøp|salg|køb|osto|myynti) ([0-9.,]*[0-9])') as told_units,
        part(said, '(?:@|zu je) *([0-9.,]*[0-9])') as told_price,
        part(said, '(?:@|zu je) *[0-9.,]*[0-9] *([A-Z]{3})') as price_unit,
        part(said, '[(]([A-Z]{2}[A-Z0-9]{9}[0-9])[)]') as told_isin,
        bool_or(moved like '%,__') over () as has_commas
    from told
),

-- a text may have commas where the columns have points: its numbers are those that come nearer to what was moved
spoken as (
    select
        *,
        [try_cast(replace(x, ',', '') as double) for x in [told_units, told_price]] as with_points,
        [try_cast(replace(replace(x, '.', ''), ',', '.') as double) for x in [told_units, told_price]] as with_commas,
        abs(try_cast(replace(moved, ',', '') as double)) as paid,
        abs(with_commas[1] * with_commas[2] - paid) - abs(with_points[1] * with_points[2] - paid) as nearer,
        not has_commas and (nearer < -0.005 or (nearer < 0.005 and (told_units like '%.%' or told_price like '0,%'))) as is_other,
        case when is_other then replace(replace(told_units, '.', ''), ',', '.') else told_units end as units,
        case when is_other then replace(replace(told_price, '.', ''), ',', '.') else told_price end as unit_price
    from worded
),

kinds as (
    select
        *,
        list_transform(
            [units, unit_price, moved, balance_cell],
            x -> try_cast(case when has_commas then replace(replace(x, '.', ''), ',', '.') else replace(x, ',', '') end as decimal(30, 8))
        ) as numbers,
        case
            when verb in ('koop', 'buy', 'kauf', 'achat', 'acquisto', 'compra', 'köp', 'kjøp', 'køb', 'osto') then 'BUY'
            when verb <> '' then 'SELL'
            when regexp_matches(words, 'cash sweep|flatexdegiro bank|flatex bank.*(überweisung|transfer)|processed flatex withdrawal|conto flatex|compte (espèces )?flatex') then 'SWEPT'
            when regexp_matches(words, '^(reservation|reservierung|réservation|reserva|prenotazione)') then 'RESERVED'
            when regexp_matches(
                words,
                '^(valuta (deb|cred)itering|fx (debit|credit)|währungswechsel|opération de change|operation de change|(credito|addebito|prelievo|deposito) .*(valuta|divisa)|.*cambio de divisa|.*(crédito|débito|levantamento) de divisa|valutaveksling|valutaväxling)'
            ) then 'EXCHANGED'
            when regexp_matches(words, 'stamp duty|beurstaks|beurs ?taks|transactie ?belasting|transaction tax|transaktionssteuer|taxe sur les transactions|imposta sulle transazioni|tobin|impuesto sobre transacciones|imposto (de|do) selo')
                then 'DUTY'
            when regexp_matches(words, 'dividendbelasting|dividend tax|dividendensteuer|(impôt|taxe).*dividende|ritenuta|(retención|impuesto|imposta|imposto|retenção).*dividend|withholding|kapitalertragsteuer|quellensteuer|utdelningsskatt|utbytteskatt|udbytteskat')
                then 'TAX'
            when regexp_matches(words, '^(return of capital|capital return|kapitalrückzahlung|teruggave van kapitaal|kapitaalteruggave|remboursement de capital|rimborso di capitale|devolución de capital)')
                then 'RETURN_OF_CAPITAL'
            when regexp_matches(words, '^(contant |variabele |fondsen? |cash )?(dividend|dividende|dividendo|dividendi|dividends|utdelning|utbytte|udbytte|ausschüttung|coupon|distribution|kupon)')
                then 'DIVIDEND'
            when regexp_matches(words, 'courtesy|promoti|cashback|compensat') then 'FEE'
            when regexp_matches(words, 'kosten|gebühr|\bfees?\b|frais|courtage|\bcosti?\b|costes|\bcoste\b|custo|commission|comiss|comisi|pass-through|avgift|gebyr') then 'FEE'
            when regexp_matches(words, 'koersverandering geldmarktfonds|money market fund price change|kursänderung geldmarktfonds|variation fonds monétaires') then 'INTEREST'
            when regexp_matches(words, '(^| )(interest|interests|rente|zinsen|zins|intérêts?|interessi|interés|intereses|juros|ränta|renter)( |$)') then 'INTEREST'
            when regexp_matches(
                words,
                'deposit|storting|einzahlung|dépôt|versement|deposito|depósito|ingreso|innskudd|insättning|indbetaling|withdrawal|terugstorting|opname|auszahlung|retrait|prelievo|retirada|levantamento|uttak|uttag|sofort|sepa|trustly'
            ) then 'CASH'
        end as kind
    from spoken
),

conversions as (
    select
        went.line,
        came.own_lines as came_lines,
        {'currency': came.unit, 'moved': came.moved, 'balance': came.balance_cell} as step,
        came.moved as received,
        came.unit as received_currency,
        coalesce(went.said_rate, came.said_rate) as exchange_rate
    from (
        select
            *,
            (row_number() over (partition by said_day, said_time, order_id order by line) - 1) // 2 as pair
        from kinds
        where kind = 'EXCHANGED'
    ) as went
    inner join (
        select
            *,
            (row_number() over (partition by said_day, said_time, order_id order by line) - 1) // 2 as pair
        from kinds
        where kind = 'EXCHANGED'
    ) as came
        on went.said_day = came.said_day
        and went.said_time = came.said_time
        and went.order_id is not distinct from came.order_id
        and went.pair = came.pair
    where is_negative(went.moved) and not is_negative(came.moved) and went.unit <> came.unit
),

nearest as (
    select
        charge.line as charge_line,
        arg_min(trade.line, abs(trade.line - charge.line)) as line
    from kinds as charge
    inner join kinds as trade on charge.order_id = trade.order_id
    where charge.kind in ('FEE', 'DUTY') and trade.kind in ('BUY', 'SELL') and trade.event is null
    group by charge.line
),

charges as (
    select
        nearest.line,
        any_value(unit) as charge_unit,
        list(moved order by kinds.line) as charged,
        list({'currency': unit, 'moved': moved, 'balance': balance_cell} order by abs(kinds.line - nearest.line)) as steps,
        flatten(list(own_lines)) as charge_lines
    from kinds
    inner join nearest on kinds.line = nearest.charge_line
    group by nearest.line
    having count(distinct unit) = 1
),

rates as (
    select
        trade.line as rated_line,
        any_value(leg.said_rate) as rate_cell,
        any_value(other.unit) as rate_unit
    from kinds as trade
    inner join kinds as leg on trade.order_id = leg.order_id and trade.unit = leg.unit
    inner join kinds as other on trade.order_id = other.order_id and trade.unit <> other.unit
    where
        trade.kind in ('BUY', 'SELL') and leg.kind = 'EXCHANGED' and other.kind = 'EXCHANGED'
        and leg.said_rate is not null
    group by trade.line
    having count(distinct leg.said_rate) = 1 and count(distinct other.unit) = 1
),

events as (
    select
        sold.line as line,
        bought.units as units_after,
        sold.units as units_before,
        bought.own_lines as other_lines,
        {'currency': bought.unit, 'moved': bought.moved, 'balance': bought.balance_cell} as other_step,
        sold.numbers[4] + bought.numbers[3] = bought.numbers[4] as is_sold_first,
        regexp_matches(sold.event, 'split') as is_split
    from kinds as sold
    inner join kinds as bought
        on sold.said_day = bought.said_day
        and sold.said_isin = bought.said_isin
        and sold.event = bought.event
    where
        sold.kind = 'SELL' and bought.kind = 'BUY' and sold.event is not null
        and (
            regexp_matches(sold.event, 'split')
            or (
                regexp_matches(sold.event, 'wijziging|change|änderung|changement|cambio|mudança|modific')
                and sold.units = bought.units
            )
        )
    qualify count(*) over (partition by sold.line) = 1 and count(*) over (partition by bought.line) = 1
),

reserved as (
    select
        gone.line as gone_line,
        paid.line as paid_line
    from kinds as gone
    inner join kinds as paid
        on gone.said_day = paid.said_day
        and gone.said_time = paid.said_time
        and gone.unit = paid.unit
        and unsigned(gone.moved) = unsigned(paid.moved)
    where gone.kind = 'RESERVED' and is_negative(gone.moved) and paid.kind = 'CASH' and not is_negative(paid.moved)
),

oddities as (
    select
        line as odd_line,
        said_day,
        value_day,
        said_rate,
        case
            when unit <> balance_unit then 'what it moves is in ' || unit || ', and its balance in ' || balance_unit
            when moved is not null and balance_cell is null and count(balance_cell) over () > 0 then 'it has no balance, and others have one'
            when value_day is null and moved is not null and count(value_day) over () > 0 then 'it has no value date, and others have one'
            when not regexp_full_match(said_time, '([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?') then said_time || ' is no time'
            when told_isin <> said_isin then 'it is of ' || said_isin || ', and its text says ' || told_isin
            when event is not null and numbers[3] <> 0 and abs(numbers[1] * numbers[2] - abs(numbers[3])) > 0.005 then 'what it moves is not what its text says'
            when
                kind in ('FEE', 'DUTY') and order_id is not null
                and not coalesce(bool_or(kind in ('BUY', 'SELL')) over (partition by order_id), false)
                then 'its order has no trade in the file'
            when order_id is not null and min(said_isin) over (partition by order_id) <> max(said_isin) over (partition by order_id)
                then 'its order is of two products'
        end as oddity
    from kinds
),

taken as (
    select unnest(charge_lines) as taken_line from charges
    union all
    select unnest(came_lines) from conversions
    union all
    select unnest(other_lines) from events
),

rows as (
    select
        kinds.line,
        case
            when conversions.line is not null then 'WITHDRAW'
            when is_split then 'SPLIT'
            when event is not null then said || ', which is not read'
            when kind = 'RESERVED' then 'CASH'
            when kind = 'DUTY' then 'TAX'
            when kind = 'EXCHANGED' then said || ' without its other half'
            else coalesce(kind, said || ', which is not read', 'nothing')
        end as type,
        said_day as day,
        said_time as time,
        case when kind in ('BUY', 'SELL') then value_day end as settles,
        case when kind in ('BUY', 'SELL', 'DIVIDEND', 'RETURN_OF_CAPITAL', 'TAX', 'DUTY', 'FEE') then said_isin end as isin,
        case when kind in ('BUY', 'SELL', 'DIVIDEND', 'RETURN_OF_CAPITAL', 'TAX', 'DUTY', 'FEE') then product end as name,
        order_id as reference,
        said as note,
        case when event is null then units end as quantity,
        case when event is null then unit_price end as price,
        case when event is null then price_unit end as price_currency,
        case when is_split then units_after end as split_new,
        case when is_split then units_before end as split_old,
        charged as fees,
        charge_unit as fee_currency,
        case
            when is_split then null
            when charge_unit = unit then list_concat([moved], charged)
            else [moved]
        end as amount,
        received,
        received_currency,
        case when not coalesce(is_split, false) then unit end as currency,
        coalesce(exchange_rate, rate_cell) as fx_rate,
        rate_unit as rate_currency,
        case when moved is not null and balance_cell is not null and not coalesce(is_split, false) then balance_unit end as also_currency,
        case
            when kind <> 'SWEPT' then list_concat(
                case when not coalesce(is_sold_first, true) then [other_step] else [] end,
                [{'currency': unit, 'moved': moved, 'balance': balance_cell}],
                case when is_sold_first then [other_step] else [] end,
                coalesce(steps, []),
                case when step is not null then [step] else [] end
            )
        end as steps,
        list_distinct(
            list_concat(
                own_lines[2:], coalesce(charge_lines, []), coalesce(came_lines, []), coalesce(other_lines, [])
            )
        ) as merged,
        case
            when kind = 'SWEPT' then 'a move between the accounts at DEGIRO and at its bank'
            when gone_line is not null or paid_line is not null then 'a reservation that became the deposit'
            when events.line is not null and not is_split then 'a change of the product, of which as many units are held'
            when entry = 0 then 'the rest of a line above'
        end as skip
    from kinds
    left join conversions on kinds.line = conversions.line
    left join charges on kinds.line = charges.line
    left join events on kinds.line = events.line
    left join rates on kinds.line = rates.rated_line
    left join reserved on kinds.line in (gone_line, paid_line)
    where kinds.line not in (select taken_line from taken)
),

belonging as (
    select
        parts.line,
        string_agg(oddity, '; ' order by odd_line) as odd,
        flatten(list([said_day, value_day] order by odd_line)) as near_days,
        list(said_rate order by odd_line) as checked
    from (select line, unnest(list_concat([line], merged)) as of_line from rows) as parts
    inner join oddities on of_line = odd_line
    group by parts.line
)

select rows.*, odd, near_days, checked
from rows
left join belonging on rows.line = belonging.line
