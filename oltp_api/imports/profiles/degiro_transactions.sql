/*
title: DEGIRO, transactions
recognised: [Date, Time, Product, ISIN, Reference exchange, Quantity, Price, Local value, Exchange rate]
names:
  Date: [Datum, Data, Fecha]
  Time: [Tijd, Uhrzeit, Heure, Ora, Hora, Tid, Czas, Čas]
  Product: [Produkt, Produit, Prodotto, Producto, Produto]
  Reference exchange: [Reference, Beurs, Referenzbörse, Börse, Place boursière, Bourse de référence, Bolsa de referencia, Borsa di riferimento, Bolsa de referência, Bolsa, Borsa]
  Venue: [Uitvoeringsplaats, Ausführungsort, Lieu d'exécution, Centro de ejecución, Centro di esecuzione, Local de execução, Plataforma de negociação]
  Quantity: [Aantal, Anzahl, Quantité, Número, Quantità, Quantidade, Cantidad]
  Price: [Koers, Kurs, Cours, Precio, Quotazione, Prezzo, Preço, Preços]
  Local value: [Lokale waarde, Wert in Lokalwährung, Wert in Lokalwährun, Montant devise locale, Valeur locale, Valor local, Valore locale]
  Value: [Waarde, Wert, Montant, Valeur, Valor, Valore]
  Value EUR: [Waarde EUR, Wert EUR, Montant EUR, Valeur EUR, Valor EUR, Valore EUR]
  Exchange rate: [Wisselkoers, Wechselkurs, Taux de change, Tipo de cambio, Tasso di cambio, "Taxa de Câmbio"]
  AutoFX Fee: [AutoFX Kosten, AutoFX, AutoFX-Gebühr, Frais AutoFX, Frais de conversion AutoFX, Comisión AutoFX, Comision AutoFX, Commissione AutoFX, Comissão AutoFX, AutoFX fee EUR]
  Fees: [Transactiekosten en/of, Transactiekosten en/of derden, Transaktionskost, Transactiekosten, Transactiekosten en/of kosten van derden, Transaction and/or third, Transaction and/or third party costs, Transaction and/or third party fees, Transaktionsgebühren, Gebühren, Frais de courtage, Frais de transaction, Costes de transacción, Costi di transazione, Custos de transação]
  Fees EUR:
    - Transactiekosten en/of kosten van derden EUR
    - Transaction and/or third party fees EUR
    - Transaktionsgebühren und/oder Fremdkosten EUR
    - Transaktionsgebühren und/oder Gebühren Dritter EUR
    - Frais de transaction et/ou frais de tiers EUR
    - Frais de courtage et/ou de parties tierces EUR
    - Costes de transaccion y/o externos EUR
    - Costes de transacción y/o externos EUR
    - Costi di transazione e/o di terze parti EUR
    - Custos de transação e/ou taxas de terceiros EUR
  Total: [Totaal, Gesamt, Totale, Montant total]
  Total EUR: [Totaal EUR, Gesamt EUR, Totale EUR, Montant total EUR]
  Order Id: [Order-ID, Order ID, ID Ordre, ID Orden, ID Ordine, ID da Ordem, Ordre-ID]
optional: [Venue, Quantity_2, Exchange rate_2, Price_2, Local value_2, Value, Value_2, Value EUR, AutoFX Fee, AutoFX Fee_2, Fees, Fees_2, Fees EUR, Total, Total_2, Total EUR, Order Id, Order Id_2]
dates: ["%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y"]
amounts: signed
gross: cash
rate: base
*/
with told as (
    select
        *,
        coalesce("Order Id", "Order Id_2") as order_id,
        coalesce("Total", "Total EUR") as moved,
        coalesce("Value", "Value EUR") as worth,
        coalesce("Fees", "Fees EUR") as charged,
        -- older files have a currency before its number, and newer ones behind it
        regexp_matches("Quantity_2", '^[A-Z]{3}$') is true as is_older,
        case
            when is_older then "Fees_2"
            when "Total" is not null then "Total_2"
            when "Total EUR" is not null then 'EUR'
        end as unit,
        case when is_older then "Quantity_2" else "Price_2" end as price_unit,
        case when is_older then "Price_2" else "Local value_2" end as local_unit,
        case when is_older then "Local value_2" else "Value_2" end as worth_unit,
        case when is_older then "Exchange rate_2" else "Fees_2" end as charge_unit,
        "Quantity" as units
    from cells
),

swaps as (
    select
        went.line,
        came.line as came_line,
        came.units as came_units,
        unsigned(went.units) as went_units
    from told as went
    inner join told as came
        on went."Date" = came."Date" and went."Time" = came."Time" and went."ISIN" = came."ISIN"
    where
        is_negative(went.units) and not is_negative(came.units)
        and went.order_id is null and came.order_id is null
        and went."Local value" is not null
        and unsigned(went."Local value") = unsigned(came."Local value")
    qualify count(*) over (partition by went.line) = 1 and count(*) over (partition by came.line) = 1
)

select
    told.line,
    case when swaps.line is not null then 'SPLIT' else 'TRADE' end as type,
    "Date" as day,
    "Time" as time,
    "ISIN" as isin,
    "Product" as name,
    order_id as reference,
    "Venue" as note,
    case when swaps.line is null then units end as quantity,
    case when swaps.line is null then "Price" end as price,
    case when swaps.line is null then price_unit end as price_currency,
    ["Exchange rate", "Local value"] as checked,
    came_units as split_new,
    went_units as split_old,
    case when came_line is not null then [came_line] end as merged,
    case when swaps.line is null then [charged, "AutoFX Fee"] end as fees,
    case when swaps.line is null then moved end as amount,
    case when swaps.line is null then [worth, charged, "AutoFX Fee"] end as also_amount,
    case when swaps.line is null and price_unit = unit then "Local value" end as gross,
    case when swaps.line is null then unit end as currency,
    case when swaps.line is null and price_unit <> unit then "Exchange rate" end as fx_rate,
    case
        when local_unit <> price_unit then 'its price is in ' || price_unit || ', and its value in ' || local_unit
        when worth_unit <> unit then 'its total is in ' || unit || ', and its value in ' || worth_unit
        when charge_unit <> unit then 'its total is in ' || unit || ', and its fees in ' || charge_unit
    end as odd
from told
left join swaps on told.line = swaps.line
where told.line not in (select came_line from swaps)
