/*
title: Nordnet, transactions (Swedish, Danish, Norwegian, Finnish, English)
recognised: [Id, Booked, Traded, Settles, Transaction type, Security, ISIN, Quantity, Price, Amount]
names:
  Booked: [Bokföringsdag, Bogføringsdag, Bokføringsdag, Kirjauspäivä, Booking date, Posting date]
  Traded: [Affärsdag, Handelsdag, Kauppapäivä, Trade date]
  Settles: [Likviddag, Valørdag, Oppgjørsdag, Oppgjörsdag, Maksupäivä, Settlement date, Value date]
  Transaction type: [Transaktionstyp, Transaktionstype, Transaksjonstype, Tapahtumatyyppi]
  Security: [Värdepapper, Värdepapper/ISIN, Værdipapirer, Værdipapir, Verdipapir, Arvopaperi, Instrument]
  Quantity: [Antal, Antall, Määrä]
  Price: [Kurs, Kurssi]
  Interest: [Ränta, Rente, Korko]
  Fees: [Avgifter, Total Avgift, Totala avgifter, Afgifter, Samlede afgifter, Totale Avgifter, Samlede avgifter, Kokonaiskulut, Maksut, Total Fees]
  Amount: [Belopp, Beløb, Beløp, Summa]
  Cost: [Inköpsvärde, Indkøbsværdi, Kjøpsverdi, Kjöpsverdi, Hankinta-arvo, Acquisition value]
  Rate: [Växlingskurs, Vekslingskurs, Vaihtokurssi, Exchange rate]
  Told: [Transaktionstext, Transaktionstekst, Transaksjonstekst, Tapahtumateksti, Transaction text]
  Cancelled: [Makuleringsdatum, Makuleringsdato, Makuleringsddato, Mitätöintipäivä, Cancellation date]
  Balance: [Saldo]
  Portfolio: [Depå, Depot, Portefølje, Portefölje, Salkku, Portföj]
optional: [Interest, Fees, Cost, Rate, Told, Cancelled, Balance, Portfolio]
encoding: latin-1
dates: ["%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y"]
decimal: ","
amounts: signed
income: gross
rate: currency
*/
with head as (
    select cells as titles
    from lines
    where
        len(list_filter(cells, cell -> lower(cell) in ('belopp', 'beløb', 'beløp', 'summa', 'amount'))) > 0
        and len(list_filter(cells, cell -> lower(cell) = 'isin')) > 0
    limit 1
),

places as (
    select
        list_position(list_transform(titles, each -> lower(each) in ('belopp', 'beløb', 'beløp', 'summa', 'amount')), true) as amount_at,
        list_position(list_transform(titles, each -> lower(each) in ('avgifter', 'total avgift', 'totala avgifter', 'afgifter', 'samlede afgifter', 'totale avgifter', 'samlede avgifter', 'kokonaiskulut', 'maksut', 'total fees')), true) as fees_at,
        list_position(list_transform(titles, each -> lower(each) in ('inköpsvärde', 'indkøbsværdi', 'kjøpsverdi', 'kjöpsverdi', 'hankinta-arvo', 'acquisition value')), true) as cost_at
    from head
),

units as (
    select
        lines.line as unit_line,
        list_filter(lines.cells[amount_at + 1:amount_at + 2], cell -> regexp_matches(cell, '^[A-Z]{3}$'))[1] as amount_unit,
        list_filter(lines.cells[fees_at + 1:fees_at + 1], cell -> regexp_matches(cell, '^[A-Z]{3}$'))[1] as fees_unit,
        list_filter(lines.cells[cost_at + 1:cost_at + 1], cell -> regexp_matches(cell, '^[A-Z]{3}$'))[1] as cost_unit
    from lines
    cross join places
),

told as (
    select
        cells.*,
        amount_unit,
        fees_unit,
        cost_unit,
        lower("Transaction type") as deed,
        "Balance" as balance_cell,
        not regexp_matches(coalesce("Rate", '1'), '^[01]?([.,]0*)?$') as is_converted,
        count(distinct "Portfolio") over () < 2 as is_alone
    from cells
    left join units on cells.line = unit_line
),

kinds as (
    select
        *,
        case
            when deed in ('köpt', 'köp', 'købt', 'køb', 'kjøpt', 'kjøp', 'osto', 'buy', 'bought', 'tilldelning', 'teckning') then 'BUY'
            when deed in ('sålt', 'sälj', 'solgt', 'salg', 'myynti', 'sell', 'sold') then 'SELL'
            when regexp_matches(deed, 'kupongskatt|kupskatt|utbytteskatt|udbytteskat|ennakkopidätys|kuponkivero|lähdevero|skatt|\bskat\b|afkastskat|pal-skat|vero|tax') then 'TAX'
            when regexp_matches(deed, '^(utdelning|udbytte|udb\.|utbytte|osinko|osingot|dividend|tuotto)') then 'DIVIDEND'
            when regexp_matches(deed, 'ränta|rente|korko|interest') then 'INTEREST'
            when regexp_matches(deed, 'återbetalning av kapital|tilbakebetaling av kapital|pääoman ?palautus') then 'RETURN_OF_CAPITAL'
            when regexp_matches(deed, 'avgift|\bavg\b|gebyr|maksu|palkkio|courtage|kurtasje|fee') then 'FEE'
            when regexp_matches(deed, '^(valuta|valutta)') then null
            when regexp_matches(deed, '^(insättning|indsættelse|indbetaling|innskudd|talletus|deposit|uttag|hævning|udbetaling|uttak|nosto|withdrawal|överföring|overførsel|overføring)')
                and "ISIN" is null and "Security" is null then 'CASH'
        end as kind
    from told
)

select
    line,
    coalesce(kind, "Transaction type" || ', which is not read') as type,
    coalesce("Traded", "Booked") as day,
    case when kind in ('BUY', 'SELL') then "Settles" end as settles,
    case when kind <> 'CASH' then "ISIN" end as isin,
    case when kind <> 'CASH' then "Security" end as name,
    "Id" as reference,
    "Told" as note,
    case when kind in ('BUY', 'SELL') then "Quantity" end as quantity,
    case when kind in ('BUY', 'SELL') then "Price" end as price,
    case when kind in ('BUY', 'SELL') and is_converted and cost_unit <> amount_unit then cost_unit end as price_currency,
    case when kind in ('BUY', 'SELL') then "Fees" end as fees,
    case when kind in ('BUY', 'SELL') then fees_unit end as fee_currency,
    case when kind in ('BUY', 'SELL') then "Interest" end as accrued,
    "Amount" as amount,
    ["Quantity", "Price", "Interest", "Fees"] as checked,
    amount_unit as currency,
    case when is_converted then "Rate" end as fx_rate,
    case when is_alone then balance_cell end as balance,
    case when "Cancelled" is not null then 'was cancelled on ' || "Cancelled" || ', so that it has no effect beside the row that cancels it' end as refuse,
    {'Fees': case when kind not in ('BUY', 'SELL') then "Fees" end} as uncounted
from kinds
