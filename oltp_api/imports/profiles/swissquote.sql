/*
title: Swissquote, transactions
recognised: [Date, Transaction, Symbol, Name, ISIN, Quantity, Unit price, Costs, Accrued Interest, Net Amount, Balance, Currency]
names:
  Date: [Datum, Data, Fecha]
  "Order #": ["Auftrag #", "Ordre #", "Ordine #", "Ordre", "No d'ordre", "Numéro d'ordre", "N° d'ordre"]
  Transaction: [Transaktionen, Transaktion, Transactions, Transazione, Opération]
  Symbol: [Symbole, Simbolo]
  Name: [Nom, Nome]
  Quantity: [Anzahl, Quantité, Quantità]
  Unit price: [Stückpreis, Prix unitaire, Prix à l'unité, Prezzo unitario]
  Costs: [Kosten, Coûts, Frais, Costi]
  Accrued Interest: [Aufgelaufene Zinsen, Intérêts courus, Interessi maturati]
  Net Amount: [Nettobetrag, Montant net, Importo netto]
  Net Amount Currency: [Währung Nettobetrag, Currency Net Amount, Net amount currency, Monnaie du montant net, Devise du montant net]
  Net Amount in account currency: [Nettobetrag in der Währung des Kontos, Nettobetrag in Kontowährung, Net amount in the currency of the account, Montant net dans la devise du compte, Montant net dans la monnaie du compte]
  Balance: [Saldo, Solde]
  Currency: [Währung, Monnaie, Devise, Valuta]
optional: ["Order #", Net Amount Currency, Net Amount in account currency]
encoding: latin-1
dates: ["%d-%m-%Y", "%d.%m.%Y"]
decimal: "."
amounts: signed
quantities: unsigned
charges: unsigned
income: net
*/
with told as (
    select
        *,
        lower("Transaction") as deed,
        coalesce(regexp_matches("Quantity", '^1([.]0*)?$'), true) as is_one,
        coalesce("Net Amount Currency", "Currency") as unit
    from cells
),

kinds as (
    select
        *,
        case
            when deed in ('buy', 'kauf', 'achat', 'acquisto', 'compra') then 'BUY'
            when deed in ('sell', 'verkauf', 'vente', 'vendita') then 'SELL'
            when deed in ('dividend', 'dividende', 'dividendo', 'capital gain', 'gain en capital', 'distribution', 'ausschüttung') then 'DIVIDEND'
            when deed in ('capital repayment', 'kapitalrückzahlung', 'remboursement de capital', 'nennwertrückzahlung') then 'RETURN_OF_CAPITAL'
            when deed in (
                'interests', 'interest', 'interests on deposits', 'interests on debits', 'interest on credits', 'interest on debits', 'zinsen',
                'zinsen auf einlagen', 'zinsen auf belastungen', 'zinsen auf guthaben', 'intérêts', 'intérêts sur dépôts', 'intérêts créditeurs',
                'intérêts débiteurs', 'intérêts sur débits', 'intérêts sur crédits', 'interessi'
            ) then 'INTEREST'
            when deed in (
                'custody fees', 'fees tax statement', 'exchange fee rectif.', 'reversal (custody fees)', 'fees', 'depotgebühren',
                'berichtigung börsengeb.', 'gebühren', 'gebühren steuerauszug', 'steuerauszug', 'droits de garde', 'frais de garde', 'frais',
                'frais relevé fiscal', 'diritti di custodia', 'stock market fee', 'account fee'
            ) then 'FEE'
            when deed in ('withholding tax', 'verrechnungssteuer', 'impôt anticipé', 'tax', 'steuer') then 'TAX'
            when deed in (
                'payment', 'credit', 'debit', 'deposit', 'withdrawal', 'payout', 'twint', 'zahlung', 'vergütung', 'gutschrift', 'belastung',
                'auszahlung', 'einzahlung', 'paiement', 'versement', 'crédit', 'débit', 'retrait', 'pagamento', 'virement'
            ) then 'CASH'
            when deed in ('forex credit', 'forex-gutschrift', 'fx-gutschrift comp.', 'fx credit comp.', 'crédit forex', 'forex crédit') then 'FX_IN'
            when deed in ('forex debit', 'forex-belastung', 'fx-belastung comp.', 'fx debit comp.', 'débit forex', 'forex débit') then 'FX_OUT'
        end as kind
    from told
),

exchanged as (
    select
        went.line,
        came.line as came_line,
        came."Net Amount" as received,
        came."Currency" as received_currency
    from kinds as went
    inner join kinds as came on went."Order #" = came."Order #" and went."Date" = came."Date"
    where went.kind = 'FX_OUT' and came.kind = 'FX_IN' and went."Currency" <> came."Currency"
    qualify count(*) over (partition by went.line) = 1 and count(*) over (partition by came.line) = 1
),

costs as (
    select * from kinds where kind = 'CASH' and is_something("Costs")
)

select
    kinds.line,
    case
        when kind = 'FX_OUT' and exchanged.line is not null then 'WITHDRAW'
        when kind in ('FX_IN', 'FX_OUT') then "Transaction" || ' without its other half'
        else coalesce(kind, "Transaction" || ', which is not read')
    end as type,
    "Date" as day,
    "Symbol" as ticker,
    "ISIN" as isin,
    "Name" as name,
    case when not regexp_matches("Order #", '^0*$') then "Order #" end as reference,
    "Transaction" as note,
    case when kind in ('BUY', 'SELL') then "Quantity" end as quantity,
    case when kind in ('BUY', 'SELL') then "Unit price" end as price,
    case when kind in ('BUY', 'SELL') then "Costs" end as fees,
    case when kind in ('BUY', 'SELL') then "Accrued Interest" end as accrued,
    case when kind in ('DIVIDEND', 'RETURN_OF_CAPITAL') then "Costs" end as withheld,
    case
        when kinds.line in (select line from costs) and is_negative("Net Amount") then negated("Unit price")
        when kinds.line in (select line from costs) then "Unit price"
        else coalesce("Net Amount in account currency", "Net Amount")
    end as amount,
    case
        when kinds.line in (select line from costs) then ["Net Amount", "Costs"]
        when kind in ('BUY', 'SELL') or not is_one or unit <> "Currency" then null
        when kind = 'FEE' or (kind = 'CASH' and is_negative("Net Amount")) then ["Unit price", "Costs"]
        when kind in ('DIVIDEND', 'RETURN_OF_CAPITAL') then null
        else ["Unit price", negated("Costs")]
    end as also_amount,
    case when kind in ('DIVIDEND', 'RETURN_OF_CAPITAL') and unit = "Currency" then "Unit price" end as gross,
    case when kind in ('DIVIDEND', 'RETURN_OF_CAPITAL') and not is_one then 'its quantity is not 1, as that of an income is' end as odd,
    received,
    received_currency,
    case when kinds.line not in (select line from costs) then "Balance" end as balance,
    ["Quantity", "Unit price", "Costs", "Accrued Interest"] as checked,
    "Currency" as currency,
    case when kind in ('BUY', 'SELL') and unit <> "Currency" then unit end as price_currency,
    case when came_line is not null then [came_line] end as merged,
    {
        'Unit price': case when is_negative("Unit price") then "Unit price" end,
        'Costs': case when is_negative("Costs") then "Costs" end,
        'Quantity': case when kind not in ('BUY', 'SELL') and not is_one then "Quantity" end,
        'Accrued Interest': case when kind not in ('BUY', 'SELL') then "Accrued Interest" end
    } as uncounted
from kinds
left join exchanged on kinds.line = exchanged.line
where kinds.line not in (select came_line from exchanged)

union all by name

select
    line,
    'FEE' as type,
    "Date" as day,
    'costs of ' || "Transaction" as note,
    negated("Costs") as amount,
    "Balance" as balance,
    "Currency" as currency
from costs
