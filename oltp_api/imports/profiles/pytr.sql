/*
title: Trade Republic, as pytr writes it
recognised: [Date, Type, Value, Note, ISIN, Shares, Fees, Taxes]
unless: [Transaction Currency, Buchungswährung, WKN]
names:
  Date: [Datum, Data, Fecha]
  Type: [Typ, Tipo, Transactietype]
  Value: [Wert, Valeur, Valore, Valor, Waarde (netto)]
  Note: [Notiz, Nota, Opmerking]
  Shares: [Stück, Parts, Azioni, Cantidad, Aantal, Quantidade]
  Fees: [Gebühren, Frais, Commissioni, Comisiones, Kosten, Comissões]
  Taxes: [Steuern, Impôts / Taxes, Tasse, Impuestos, Belasting, Impostos]
dates: ["%Y-%m-%d", "%d.%m.%Y"]
amounts: signed
cash: unrounded
income: net
*/
with told as (
    select
        *,
        lower("Type") as deed,
        is_something("Taxes") as has_taxes,
        is_something("Fees") as has_fees
    from cells
),

words as (
    select
        *,
        case
            when deed in ('buy', 'kauf', 'achat', 'compra', 'aankoop', 'comprar') then 'BUY'
            when deed in ('sell', 'verkauf', 'vente', 'vendi', 'venta', 'verkoop', 'vender') then 'SELL'
            when deed in ('deposit', 'einlage', 'dépôt', 'deposito', 'depósito', 'storting') then 'DEPOSIT'
            when deed in ('withdrawal', 'removal', 'entnahme', 'retrait', 'prelievo', 'retirada', 'onttrekking', 'levantamento') then 'WITHDRAW'
            when deed in ('dividend', 'dividends', 'dividende', 'dividendes', 'dividendo') then 'DIVIDEND'
            when deed in ('fees', 'gebühren', 'frais', 'commissioni', 'comisiones', 'kosten', 'comissões') then 'FEE'
            when deed in ('fees refund', 'gebührenerstattung', 'remboursement de frais', 'rimborso commissioni', 'reembolso de comisiones', 'terugbetaling kosten', 'reembolso de comissões') then 'FEE_BACK'
            when deed in ('interest', 'zinsen', 'intérêts', 'interessi', 'intereses', 'creditrente', 'juros') then 'INTEREST'
            when deed in ('interest charge', 'zinsbelastung', 'frais d''intérêts', 'interessi passivi', 'cargo por intereses', 'debetrente', 'encargos de juros') then 'INTEREST_PAID'
            when deed in ('taxes', 'tax', 'steuern', 'impôts / taxes', 'tasse', 'impuestos', 'belasting', 'impostos') then 'TAX'
            when deed in ('tax refund', 'steuerrückerstattung', 'remboursement impôts / taxes', 'rimborso tasse', 'devolución de impuestos', 'belastingteruggave', 'reembolso de impostos') then 'TAX_BACK'
            when deed in ('transfer (inbound)', 'umbuchung (eingang)', 'transfert (entrant)', 'trasferimento (in entrata)', 'transferencia (entrada)', 'traspaso (entrada)', 'inkomende overboeking', 'transferência (entrada)') then 'MOVED_IN'
            when deed in ('transfer (outbound)', 'umbuchung (ausgang)', 'transfert (sortant)', 'trasferimento (in uscita)', 'transferencia (salida)', 'traspaso (salida)', 'uitgaande overboeking', 'transferência (saída)') then 'MOVED_OUT'
            when deed in ('delivery (inbound)', 'einlieferung', 'distribution (entrante)', 'trasferimento titoli (in entrata)', 'entrega (entrante)', 'inkomende levering', 'entrega (entrada)') then 'TRANSFER_IN'
            when deed in ('delivery (outbound)', 'auslieferung', 'distribution (sortante)', 'trasferimento titoli (in uscita)', 'entrega (saliente)', 'uitgaande levering', 'entrega (saída)') then 'TRANSFER_OUT'
        end as word
    from told
),

kinds as (
    select
        *,
        case
            when word = 'FEE_BACK' then 'FEE'
            when word = 'TAX_BACK' then 'TAX'
            when word = 'INTEREST_PAID' then 'INTEREST'
            when word in ('MOVED_IN', 'MOVED_OUT') then replace(word, 'MOVED', 'TRANSFER')
            else word
        end as kind,
        "Note" as remark
    from words
)

select
    line,
    coalesce(kind, "Type" || ', which is not read') as type,
    "Date" as day,
    "ISIN" as isin,
    case when "ISIN" is not null then remark end as name,
    remark as note,
    case when kind in ('BUY', 'SELL', 'TRANSFER_IN', 'TRANSFER_OUT') then "Shares" end as quantity,
    case
        when kind = 'BUY' then ["Fees", "Taxes"]
        when kind = 'SELL' then ["Fees"]
    end as fees,
    case when kind = 'DIVIDEND' then "Taxes" end as withheld,
    case
        when kind in ('TRANSFER_IN', 'TRANSFER_OUT') then null
        when kind in ('BUY', 'DIVIDEND') then ["Value"]
        else ["Value", negated("Taxes"), case when kind <> 'SELL' then negated("Fees") end]
    end as amount,
    ["Shares", "Fees", "Taxes"] as checked,
    'EUR' as currency
from kinds

union all by name

select
    line,
    'TAX' as type,
    "Date" as day,
    case when kind = 'SELL' then "ISIN" end as isin,
    remark as note,
    ["Taxes"] as amount,
    'EUR' as currency
from kinds
where has_taxes and kind not in ('BUY', 'DIVIDEND')

union all by name

select
    line,
    'FEE' as type,
    "Date" as day,
    remark as note,
    ["Fees"] as amount,
    'EUR' as currency
from kinds
where has_fees and kind not in ('BUY', 'SELL')
