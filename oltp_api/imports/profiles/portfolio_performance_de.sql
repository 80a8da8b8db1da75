/*
title: Portfolio Performance, transactions of an account or all of them, German and other languages with a decimal comma
recognised: [Date, Type, Value, Transaction Currency, Shares, ISIN, WKN, Ticker Symbol, Security Name]
unless: [Transaction Currency]
names:
  Date: [Datum, Data, Fecha]
  Type: [Typ, Tipo, Transactietype]
  Value: [Wert, Valeur, Valore, Valor, Waarde (netto)]
  Transaction Currency: [Buchungswährung, Devise de l'opération, Valuta  Operazione, Divisa de la transacción, Transactievaluta, Moeda da transação]
  Gross Amount: [Bruttobetrag, Montant brut, Importo Lordo, Valor bruto, Waarde (bruto)]
  Currency Gross Amount: [Währung Bruttobetrag, Montant brut en devise, Importo lordo valuta, Divisa del importe bruto, Valuta (bruto), Valor Bruto em Moeda]
  Exchange Rate: [Wechselkurs, Taux de change, Tasso di cambio, Tipo de cambio, Wisselkoers, Taxas de Câmbio]
  Fees: [Gebühren, Frais, Commissioni, Comisiones, Kosten, Comissões]
  Taxes: [Steuern, Impôts / Taxes, Tasse, Impuestos, Belasting, Impostos]
  Shares: [Stück, Parts, Azioni, Cantidad, Aantal, Quantidade]
  Ticker Symbol: [Ticker-Symbol, Symbole boursier, Simbolo Titolo, Símbolo del ticker, Tickersymbool, Símbolo Ticker]
  Security Name: [Wertpapiername, Nom du titre, Nome Titolo, Nombre del valor, Effect, Nome do Título]
  Note: [Notiz, Nota, Opmerking]
  Time: [Uhrzeit, Heure, Ora, Hora, Tijd]
optional: [Gross Amount, Currency Gross Amount, Exchange Rate, Fees, Taxes, Note, Time]
dates: ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"]
decimal: ","
amounts: signed
quantities: unsigned
charges: unsigned
income: net
*/
with told as (
    select
        *,
        lower("Type") as deed
    from cells
),

words as (
    select
        *,
        case
            when deed in ('kauf', 'achat', 'compra', 'aankoop', 'comprar') then 'BUY'
            when deed in ('verkauf', 'vente', 'vendi', 'venta', 'verkoop', 'vender') then 'SELL'
            when deed in ('einlage', 'dépôt', 'deposito', 'depósito', 'storting') then 'DEPOSIT'
            when deed in ('entnahme', 'retrait', 'prelievo', 'retirada', 'onttrekking', 'levantamento') then 'WITHDRAW'
            when deed in ('dividende', 'dividendes', 'dividendo') then 'DIVIDEND'
            when deed in ('gebühren', 'frais', 'commissioni', 'comisiones', 'kosten', 'comissões') then 'FEE'
            when deed in ('gebührenerstattung', 'remboursement de frais', 'rimborso commissioni', 'reembolso de comisiones', 'terugbetaling kosten', 'reembolso de comissões') then 'FEE_BACK'
            when deed in ('zinsen', 'intérêts', 'interessi', 'intereses', 'creditrente', 'juros') then 'INTEREST'
            when deed in ('zinsbelastung', 'frais d''intérêts', 'interessi passivi', 'cargo por intereses', 'debetrente', 'encargos de juros') then 'INTEREST_PAID'
            when deed in ('steuern', 'impôts / taxes', 'tasse', 'impuestos', 'belasting', 'impostos') then 'TAX'
            when deed in ('steuerrückerstattung', 'remboursement impôts / taxes', 'rimborso tasse', 'devolución de impuestos', 'belastingteruggave', 'reembolso de impostos') then 'TAX_BACK'
            when deed in ('umbuchung (eingang)', 'transfert (entrant)', 'trasferimento (in entrata)', 'transferencia (entrada)', 'traspaso (entrada)', 'inkomende overboeking', 'transferência (entrada)') then 'MOVED_IN'
            when deed in ('umbuchung (ausgang)', 'transfert (sortant)', 'trasferimento (in uscita)', 'transferencia (salida)', 'traspaso (salida)', 'uitgaande overboeking', 'transferência (saída)') then 'MOVED_OUT'
            when deed in ('einlieferung', 'distribution (entrante)', 'trasferimento titoli (in entrata)', 'entrega (entrante)', 'inkomende levering', 'entrega (entrada)') then 'TRANSFER_IN'
            when deed in ('auslieferung', 'distribution (sortante)', 'trasferimento titoli (in uscita)', 'entrega (saliente)', 'uitgaande levering', 'entrega (saída)') then 'TRANSFER_OUT'
        end as word
    from told
),

kinds as (
    select
        *,
        case
            when word in ('FEE_BACK') then 'FEE'
            when word in ('TAX_BACK') then 'TAX'
            when word = 'INTEREST_PAID' then 'INTEREST'
            when word in ('MOVED_IN', 'MOVED_OUT') and "Shares" is not null then replace(word, 'MOVED', 'TRANSFER')
            when word = 'MOVED_IN' then 'DEPOSIT'
            when word = 'MOVED_OUT' then 'WITHDRAW'
            else word
        end as kind,
        coalesce(bool_and(word in ('BUY', 'SELL', 'TRANSFER_IN', 'TRANSFER_OUT', 'MOVED_IN', 'MOVED_OUT')) over (), false)
            and not coalesce(bool_or(word = 'BUY' and is_negative("Value")) over (), false)
            and not coalesce(bool_or(word = 'SELL' and not is_negative("Value")) over (), false) as is_of_depot,
        is_something("Fees") as has_fees,
        is_something("Taxes") as has_taxes,
        "Note" as remark
    from words
)

select
    line,
    coalesce(kind, "Type" || ', which is not read') as type,
    "Date" as day,
    "Time" as time,
    "Ticker Symbol" as ticker,
    "ISIN" as isin,
    "Security Name" as name,
    remark as note,
    case when kind in ('BUY', 'SELL', 'TRANSFER_IN', 'TRANSFER_OUT') then "Shares" end as quantity,
    case
        when kind = 'BUY' then ["Fees", "Taxes"]
        when kind = 'SELL' then ["Fees"]
    end as fees,
    [
        case
            when kind in ('TRANSFER_IN', 'TRANSFER_OUT') then null
            when is_of_depot then negated("Value")
            else "Value"
        end,
        case when kind in ('SELL', 'INTEREST') then "Taxes" end,
        case when kind in ('DIVIDEND', 'INTEREST') then "Fees" end
    ] as amount,
    case when kind = 'DIVIDEND' and "Currency Gross Amount" = "Transaction Currency" then "Gross Amount" end as gross,
    case when kind = 'DIVIDEND' then "Taxes" end as withheld,
    ["Shares", "Gross Amount", "Exchange Rate", "Fees", "Taxes"] as checked,
    "Transaction Currency" as currency,
    case
        when kind in ('BUY', 'WITHDRAW', 'FEE', 'TAX') and not is_negative("Value") then 'its value has no minus, and leaves'
        when not regexp_matches("Gross Amount", '^[-0-9., ]+$') then 'its gross amount is no number'
        when ("Gross Amount" is null) <> ("Currency Gross Amount" is null) then 'its gross amount has no currency'
        when not regexp_matches("Exchange Rate", '^[-0-9., ]+$') then 'its rate is no number'
        when "Currency Gross Amount" <> "Transaction Currency" and "Exchange Rate" is null
            then 'its gross amount is in another currency, and no rate is between them'
    end as odd,
    {
        'Gross Amount': case
            when "Currency Gross Amount" <> "Transaction Currency" and "Exchange Rate" is null then "Gross Amount"
        end,
        'Fees': case when is_negative("Fees") or kind not in ('BUY', 'SELL', 'DIVIDEND', 'INTEREST') then "Fees" end,
        'Taxes': case when is_negative("Taxes") or kind not in ('BUY', 'SELL', 'DIVIDEND', 'INTEREST') then "Taxes" end
    } as uncounted
from kinds

union all by name

select
    line,
    'TAX' as type,
    "Date" as day,
    "Time" as time,
    "Ticker Symbol" as ticker,
    "ISIN" as isin,
    remark as note,
    [negated("Taxes")] as amount,
    "Transaction Currency" as currency
from kinds
where has_taxes and kind in ('SELL', 'INTEREST')

union all by name

select
    line,
    'FEE' as type,
    "Date" as day,
    "Time" as time,
    "Ticker Symbol" as ticker,
    "ISIN" as isin,
    remark as note,
    [negated("Fees")] as amount,
    "Transaction Currency" as currency
from kinds
where has_fees and kind in ('DIVIDEND', 'INTEREST')
