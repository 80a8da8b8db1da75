/*
title: DEGIRO, portfolio
kind: statement
recognised: [Product, Symbol/ISIN, Amount, Closing, Local value]
names:
    Product: [Produkt, Prodotto, Producto, Produit, Produto]
    Symbol/ISIN: [Symbool/ISIN, Simbolo/ISIN, Símbolo/ISIN, Symbole/ISIN]
    Amount: [Aantal, Anzahl, Quantité, Quantity, Quantità, Cantidad, Quantidade]
    Closing: [Slotkoers, Schlußkurs, Schlusskurs, Clôture, Chiusura, Cierre, Closing price]
    Local value: [Lokale waarde, Wert, Montant en devises, Valore locale, Valor local, Valeur locale]
optional: [Local value_2]
# Cash of each currency is a line: USD beside 2,24, or in one cell before it.
*/
with
named as (
    select *, "Symbol/ISIN" is null and "Product" ilike 'cash%' as is_cash, part("Local value", '^([A-Z]{3})') as in_currency
    from cells
)
select
    line,
    case when is_cash then 'CASH' else "Symbol/ISIN" end as ticker,
    case when is_cash then coalesce("Local value_2", part("Local value", '^[A-Z]{3} (.+)$')) else "Amount" end as quantity,
    "Closing" as price,
    case when is_cash then in_currency end as currency
from named
