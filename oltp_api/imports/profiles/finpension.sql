/*
title: finpension, transactions of a portfolio
recognised: [Date, Category, Asset Name, ISIN, Number of Shares, Asset Currency, Currency Rate, Asset Price in CHF, Cash Flow, Balance]
names:
  Date: [Datum]
  Category: [Kategorie, Catégorie, Categoria]
  Asset Name: [Name der Anlage, Anlage, Wertschrift, Titel]
  Number of Shares: [Anzahl Anteile, Anzahl, Nombre de parts]
  Asset Currency: [Währung der Anlage, Währung, Monnaie]
  Currency Rate: [Währungskurs, Wechselkurs, Taux de change]
  Asset Price in CHF: [Preis der Anlage in CHF, Kurs in CHF, Prix en CHF]
  Cash Flow: [Cashflow, Geldfluss, Flux de trésorerie]
  Balance: [Saldo, Solde]
dates: iso
decimal: "."
amounts: signed
cash: unrounded
income: net
*/
with told as (
    select
        *,
        lower("Category") as deed,
        is_something("Number of Shares") as has_units,
        "Balance" as balance_cell
    from cells
)

select
    line,
    case
        when deed in ('buy', 'kauf', 'achat') then 'BUY'
        when deed in ('sell', 'verkauf', 'vente') then 'SELL'
        when deed in ('portfolio transaction', 'portfoliotransaktion', 'transaction de portefeuille') then 'TRADE'
        when deed in ('dividend', 'dividende', 'dividend and interest distributions', 'distribution', 'dividenden- und zinsausschüttungen', 'ausschüttung') then 'DIVIDEND'
        when deed in ('interests', 'interest', 'zinsen', 'intérêts') then 'INTEREST'
        when regexp_matches(deed, '\bfees?\b|gebühr|frais') then 'FEE'
        when regexp_matches(deed, 'deposit|einzahlung|einlage|dépôt|withdrawal|auszahlung|retrait|^transfer|übertrag|transfert|contribution|pay(out|ment)') and not has_units then 'CASH'
        when regexp_matches(deed, 'tax|steuer|impôt') then 'TAX'
        else "Category" || ', which is not read'
    end as type,
    "Date" as day,
    "ISIN" as isin,
    "Asset Name" as name,
    "Category" as note,
    "Number of Shares" as quantity,
    "Asset Price in CHF" as price,
    "Cash Flow" as amount,
    balance_cell as balance,
    ["Number of Shares", "Asset Price in CHF", "Currency Rate"] as checked,
    'CHF' as currency
from told
