/*
title: DEGIRO, portfolio
kind: statement
recognised: [Product, Symbol/ISIN, Amount, Closing, Value in EUR]
names:
    Product: [Produkt, Prodotto, Producto, Produit]
    Symbol/ISIN: [Symbool/ISIN]
    Amount: [Aantal, Anzahl, Quantité]
    Closing: [Slotkoers, Schlußkurs, Clôture]
    Value in EUR: [Waarde in EUR, Wert in EUR, Montant en EUR]
*/
select
    line,
    case when "Symbol/ISIN" is null and "Product" ilike 'cash%' then 'CASH' else "Symbol/ISIN" end as ticker,
    "Amount" as quantity,
    "Closing" as price,
    "Value in EUR" as market_value,
    case when "Symbol/ISIN" is null then 'EUR' end as currency
from cells
