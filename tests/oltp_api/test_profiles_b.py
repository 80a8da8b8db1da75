"""Profiles of brokers and trackers: a file is known without being told, in any of its languages; no line is lost."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.ledger import TxnType
from domain.securities import AssetType, Security
from oltp_api.imports.drafts import Draft
from oltp_api.imports.profiles import shipped
from oltp_api.imports.rates import Rates
from oltp_api.imports.reading import Hints, Sheet, read
from oltp_api.imports.records import records_of
from oltp_api.imports.requests import Rules
from storage.settings import REPOSITORY

FILES = REPOSITORY / "tests" / "cases" / "files"
PROFILE_OF = {
    "trading212.csv": "trading212",
    "trading212_older.csv": "trading212",
    "degiro_account.csv": "degiro_account",
    "degiro_account_en.csv": "degiro_account",
    "degiro_transactions.csv": "degiro_transactions",
    "swissquote.csv": "swissquote",
    "swissquote_de.csv": "swissquote",
    "saxo.csv": "saxo",
    "etoro.csv": "etoro",
    "revolut_invest.csv": "revolut_invest",
    "revolut_invest_eur.csv": "revolut_invest",
    "revolut_crypto.csv": "revolut_crypto",
    "xtb.csv": "xtb",
    "xtb_cash_operations.csv": "xtb",
    "traderepublic.csv": "traderepublic",
    "pytr_de.csv": "pytr",
    "parqet.csv": "parqet",
    "finpension.csv": "finpension",
    "nordnet_sv.csv": "nordnet",
    "nordnet_no.csv": "nordnet",
    "portfolio_performance_de.csv": "portfolio_performance_de",
    "portfolio_performance_en.csv": "portfolio_performance",
    "ghostfolio.csv": "ghostfolio",
    "ghostfolio.json": "ghostfolio_json",
    "wealthfolio.csv": "wealthfolio",
    "wealthfolio_camel.csv": "wealthfolio",
    "rate_inverse.csv": "plain",
    "reference_repeats.csv": "plain",
    "dates_with_time.csv": "plain",
}
ZETT = Security(1, "ZAA", AssetType.EQUITY, "GBP", "Zett")


def sheet_of(file: str | bytes, **stated: str) -> Sheet:
    text = file if isinstance(file, bytes) else file.encode()
    return read(text, Hints(**stated), shipped(), 10_000)


def kinds(sheet: Sheet) -> list[str | None]:
    return [each.kind.value if each.kind else None for each in sheet.drafts]


def only(sheet: Sheet) -> Draft:
    [found] = sheet.drafts
    return found


def rules_of(sheet: Sheet, base: str = "GBP") -> Rules:
    return Rules(sheet.reader, Rates(sheet.reader, base, lambda *_: None))


@pytest.mark.parametrize("name", PROFILE_OF)
def test_a_file_is_known_by_its_only_profile_and_every_line_is_told(name: str) -> None:
    """`read` asks if two fit; the rows are judged by tests/yardsticks/test_files.py."""
    sheet = sheet_of((FILES / name).read_bytes())

    assert sheet.profile.name == PROFILE_OF[name]
    assert [(each.line, str(each.refusal)) for each in sheet.drafts if each.refusal] == []
    assert [each.flags for each in sheet.drafts if each.flags] == [], "an unchanged file is not odd"
    told = {line for each in sheet.drafts for line in (each.line, *each.merged)}
    assert {line for line, row in sheet.cells.items() if any(row)} <= told or sheet.profile.records


def test_every_case_has_its_profile_here_or_in_another_half() -> None:
    entries = [entry["file"] for entry in json.loads((FILES / "index_b.json").read_text(encoding="utf-8"))]
    assert set(entries) <= PROFILE_OF.keys()


STRANGE = {
    "trading212.csv": ("Interest on cash,2015", "Levitation,2015"),
    "degiro_account.csv": ("iDEAL Deposit", "Kwijtschelding"),
    "swissquote.csv": (";Payment;", ";Levitation;"),
    "saxo.csv": ("Custody Fee", "Levitation"),
    "etoro.csv": ("Interest Payment", "Levitation"),
    "revolut_invest.csv": ("CUSTODY FEE", "LEVITATION"),
    "revolut_crypto.csv": (",Sell,", ",Levitation,"),
    "xtb.csv": (";Deposit;", ";Profit/Loss (FX/CFD);"),
    "traderepublic.csv": ("INTEREST_PAYMENT", "LEVITATION"),
    "pytr_de.csv": ("Einlage", "Schwebung"),
    "parqet.csv": ('"Dividend"', '"Levitation"'),
    "finpension.csv": ("Interests", "Levitation"),
    "nordnet_no.csv": ("INNSKUDD", "SVEVING"),
    "portfolio_performance_de.csv": ("Einlage", "Schwebung"),
    "ghostfolio.csv": (",fee,", ",liability,"),
    "ghostfolio.json": ('"FEE"', '"LIABILITY"'),
    "wealthfolio.csv": (",INTEREST,", ",ADJUSTMENT,"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_type_that_nobody_knows_is_refused_by_name(name: str) -> None:
    encoding = "latin-1" if name in ("swissquote.csv", "nordnet_no.csv") else "utf-8"
    text = (FILES / name).read_bytes().decode(encoding)
    old, new = STRANGE[name]
    assert text.count(old) == 1

    refused = [each for each in sheet_of(text.replace(old, new).encode(encoding)).drafts if each.refusal]

    assert len(refused) == 1
    assert new.strip(',;"').split(",")[0] in str(refused[0].refusal)


DEGIRO_HEADERS = {
    "nl": "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id",
    "en": "Date,Time,Value date,Product,ISIN,Description,FX,Change,,Balance,,Order Id",
    "de": "Datum,Uhrze,Valutadatum,Produkt,ISIN,Beschreibung,FX,Änderung,,Saldo,,Order-ID",
    "fr": "Date,Heure,Date de,Produit,Code ISIN,Description,FX,Mouvements,,Solde,,ID Ordre",
    "it": "Data,Ora,Data Valore,Prodotto,ISIN,Descrizione,Borsa,Variazioni,,Saldo,,ID Ordine",
    "es": "Fecha,Hora,Fecha valor,Producto,ISIN,Descripción,Tipo,Variación,,Saldo,,ID Orden",
    "pt": "Data,Hora,Data Valor,Produto,ISIN,Descrição,T.,Mudança,,Saldo,,ID da Ordem",
}
DEGIRO_WORDS = {
    "nl": [("Koop 2 @ 60,00 EUR", "BUY"), ("Dividendbelasting", "TAX"), ("iDEAL storting", "DEPOSIT")],
    "en": [("Sell 2 Zett@60,00 EUR (IE00)", "SELL"), ("Dividend Tax", "TAX"), ("flatex Interest Income", "INTEREST")],
    "de": [("Kauf 2 zu je 60,00 EUR", "BUY"), ("Dividendensteuer", "TAX"), ("Verbindungskosten 2015", "FEE")],
    "fr": [("Achat 2 Zett@60,00 EUR (IE00)", "BUY"), ("Impôts sur dividende", "TAX"), ("Versement", "DEPOSIT")],
    "it": [("Vendita 2 Zett@60,00 EUR (IE00)", "SELL"), ("Ritenuta sul dividendo", "TAX"), ("Deposito", "DEPOSIT")],
    "es": [("Venta 2 Zett@60,00 EUR (IE00)", "SELL"), ("Retención del dividendo", "TAX"), ("Ingreso", "DEPOSIT")],
    "pt": [("Compra 2 Zett@60,00 EUR (IE00)", "BUY"), ("Levantamento", "WITHDRAW"), ("Juros", "INTEREST")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "said", "kind"), [(k, *each) for k, words in DEGIRO_WORDS.items() for each in words]
)
def test_degiro_is_read_in_each_of_its_languages(language: str, said: str, kind: str) -> None:
    leaves = kind in ("BUY", "TAX", "WITHDRAW", "FEE")
    moved = f'"{"-" if leaves else ""}120,00"'
    file = (
        f'{DEGIRO_HEADERS[language]}\n15-01-2015,09:31,15-01-2015,Zett,IE00ZZZZZZ16,"{said}",,EUR,{moved},EUR,"9,00",\n'
    )

    row = only(sheet_of(file))

    assert row.refusal is None
    assert row.kind is TxnType(kind)
    if kind in ("BUY", "SELL"):
        assert (row.numbers["quantity"], row.numbers["price"]) == (Decimal(2), Decimal(60))


OTHER_LANGUAGES = {
    "swissquote, French": (
        "Date;Ordre #;Transaction;Symbole;Nom;ISIN;Quantité;Prix unitaire;Coûts;Intérêts courus;Montant net;Solde;"
        "Monnaie\n"
        "09-03-2015 12:22:24;17;Achat;ZCH;Zett;CH9999000100;4.0;25.00;1.00;0.00;-101.00;99.00;CHF\n",
        "swissquote",
    ),
    "degiro transactions, German": (
        "Datum,Uhrzeit,Produkt,ISIN,Referenzbörse,Ausführungsort,Anzahl,Kurs,,Wert in Lokalwährung,,Wert EUR,"
        "Wechselkurs,"
        "AutoFX-Gebühr,Transaktionsgebühren und/oder Fremdkosten EUR,Gesamt EUR,Order-ID,\n"
        '15-01-2015,09:05,Zett,IE00ZZZZZZ16,EAM,XAMS,4,"25,00",EUR,"-100,00",EUR,"-100,00",,"0,00","-1,00","-101,00",,7c-1\n',
        "degiro_transactions",
    ),
    "nordnet, Danish": (
        "Id;Bogføringsdag;Handelsdag;Valørdag;Transaktionstype;Værdipapirer;Instrumenttype;ISIN;Antal;Kurs;Rente;"
        "Afgifter;Beløb;Valuta\n7;2015-01-02;2015-01-02;2015-01-05;KØBT;Zett;Aktie;DK0000000007;4;25,00;0,00;1,00;-101,00;DKK\n",
        "nordnet",
    ),
    "nordnet, Finnish": (
        "Id\tKirjauspäivä\tKauppapäivä\tMaksupäivä\tSalkku\tTapahtumatyyppi\tArvopaperi\tInstrumenttityyppi\tISIN\t"
        "Määrä\tKurssi\tKorko\tKokonaiskulut\tKokonaiskulut Valuutta\tSumma\tValuutta\n"
        "7\t2015-01-02\t2015-01-02\t2015-01-05\t1\tOSTO\tZett\tAktier\tFI0000000007\t4\t25,00\t0\t1\tEUR\t-101,00\tEUR\n",
        "nordnet",
    ),
    "portfolio performance, French": (
        "Date;Type;Valeur;Devise de l'opération;Montant brut;Montant brut en devise;Taux de change;Frais;"
        "Impôts / Taxes;Parts;ISIN;WKN;Symbole boursier;Nom du titre;Note\n"
        "2015-01-02T00:00;Achat;-101,00;EUR;;;;1,00;;4;;;ZAA;Zett;\n",
        "portfolio_performance_de",
    ),
    "pytr, Dutch": (
        "Datum;Transactietype;Waarde (netto);Opmerking;ISIN;Aantal;Kosten;Belasting\n"
        "2015-01-02;Aankoop;-101,00;Zett;IE00ZZZZZZ16;4;-1,00;\n",
        "pytr",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHER_LANGUAGES)
def test_other_languages_are_known_without_being_told(case: str) -> None:
    file, profile = OTHER_LANGUAGES[case]

    sheet = sheet_of(file)

    row = only(sheet)
    assert (sheet.profile.name, row.refusal) == (profile, None)
    assert (row.kind, row.numbers["quantity"], row.numbers["amount"], abs(row.numbers["fees"])) == (
        TxnType.BUY, Decimal(4), Decimal(-101), Decimal(1),
    )  # fmt: skip


def test_charges_in_the_currency_of_the_price_count_at_the_rate_of_the_trade() -> None:
    """250 USD at 1.25 USD a GBP, 1 USD and 0.30 GBP of charges: 200 + 0.80 + 0.30 GBP."""
    file = (
        "Action,Time,ISIN,Ticker,No. of shares,Price / share,Currency (Price / share),Exchange rate,Total,"
        "Currency (Total),"
        "Finra fee,Currency (Finra fee),Currency conversion fee,Currency (Currency conversion fee)\n"
        "Market buy,2015-05-02 14:30:05,US99990001A9,ZAA,10,25.00,USD,1.25,{total},GBP,1.00,{unit},0.30,GBP\n"
    )
    sheet = sheet_of(file.format(total="201.10", unit="USD"))
    fields = rules_of(sheet).fields(only(sheet), ZETT)
    assert (fields["amount"], fields["fees"], fields["currency"]) == (Decimal("-201.10"), Decimal("1.10"), "GBP")

    for total, unit in (("211.10", "USD"), ("201.10", "JPY")):
        sheet = sheet_of(file.format(total=total, unit=unit))
        draft = only(sheet)
        with pytest.raises(InvalidInput):
            raise draft.refusal or rules_of(sheet).fields(draft, ZETT)


def exchange(rate: str) -> Mapping[str, Any]:
    sheet = sheet_of(
        f"{DEGIRO_HEADERS['en']}\n"
        "22-06-2015,08:37,19-06-2015,,,FX Credit,,EUR,3.60,EUR,103.60,\n"
        f"22-06-2015,08:37,19-06-2015,,,FX Debit,{rate},USD,-4.00,USD,0.00,\n"
    )
    return rules_of(sheet, "EUR").fields(only(sheet), None)


def test_an_exchange_of_cash_is_one_row_that_is_held_to_its_rate() -> None:
    found = exchange("1.1111")
    assert (found["type"], found["amount"], found["currency"]) == (TxnType.WITHDRAW, Decimal(4), "USD")
    assert (found["received"], found["received_currency"]) == (Decimal("3.60"), "EUR")
    with pytest.raises(InvalidInput) as refused:
        exchange("1.2111")
    assert refused.value.code == "amount_differs"


def test_half_an_exchange_is_refused() -> None:
    sheet = sheet_of(f"{DEGIRO_HEADERS['en']}\n22-06-2015,08:37,19-06-2015,,,FX Debit,1.1,USD,-4.00,USD,0.00,\n")
    assert only(sheet).refusal is not None


def test_the_balances_of_a_row_of_several_lines_go_on_line_by_line() -> None:
    text = (FILES / "degiro_account.csv").read_text(encoding="utf-8")
    for old, new in (
        ('"79,00"', '"79,01"'),
        ('"80,00"', '"80,01"'),
        ('"-1,00"', '"-1,01"'),
        ('"-120,00"', '"-121,00"'),
    ):
        assert text.count(old) == 1
        rows = sheet_of(text.replace(old, new)).drafts
        assert [each.line for each in rows if each.flags], old


def test_a_broker_that_states_no_rate_is_held_to_the_rate_of_the_day() -> None:
    row = "1;Stocks/ETF purchase;12.04.2015 13:01:45;ZAA.US;OPEN BUY 2 @ 50.00;-90.00"
    file = f"ID;Type;Time;Symbol;Comment;Amount\n{row}\n"
    sheet = sheet_of(file)
    fields = Rules(sheet.reader, Rates(sheet.reader, "GBP", lambda *_: 0.91)).fields(only(sheet), ZETT)
    assert (fields["amount"], fields["currency"], fields["quantity"]) == (Decimal(-90), "GBP", Decimal(2))

    sheet = sheet_of(file)
    with pytest.raises(InvalidInput) as refused:
        Rules(sheet.reader, Rates(sheet.reader, "GBP", lambda *_: 0.65)).fields(only(sheet), ZETT)
    assert refused.value.code == "amount_differs"


def test_a_contract_for_difference_is_no_holding() -> None:
    text = (FILES / "etoro.csv").read_text(encoding="utf-8").replace(",Stocks,", ",CFD,")
    assert {each.refusal.code for each in sheet_of(text).drafts if each.refusal} == {"not_supported"}


def test_records_are_lines_whose_numbers_are_as_they_stand() -> None:
    records = '[{"a": {"b": 1.50}, "c": ["x"]}, {"c": [], "d": 1e-8, "e": null}]'
    assert records_of(f'{{"meta": {{"version": 1}}, "rows": {records}}}') == (
        "json",
        [(0, ["record", "a.b", "c", "d"]), (1, ["rows", "1.50", '["x"]', ""]), (2, ["rows", "", "", "0.00000001"])],
    )
    assert records_of("Date,Type\n") is None
    assert records_of("[" * 100_000) is None
    with pytest.raises(InvalidInput):
        records_of('[{"amount": 1, "amount": 2}]')


def test_records_that_no_profile_knows_are_read_by_their_names() -> None:
    sheet = sheet_of('[{"type": "BUY", "date": "2015-01-05", "symbol": "ZAA", "quantity": 10, "price": 40.5}]')
    row = only(sheet)
    assert (sheet.profile.name, row.kind, row.numbers["price"]) == ("plain", TxnType.BUY, Decimal("40.5"))


def test_a_header_alone_is_a_file_of_no_rows() -> None:
    for name in ("etoro.csv", "degiro_account.csv", "nordnet_no.csv"):
        header = (FILES / name).read_bytes().splitlines(keepends=True)[0]
        assert sheet_of(header).drafts == []


def test_times_of_a_day_count_only_if_all_of_its_rows_have_one() -> None:
    """A moment beside rows without one would put it before or behind them, whatever the file's order is."""
    file = "Date,Action,Amount\n2015-01-05,Deposit,100\n2015-01-05T10:00:00Z,Fee,-1\n2015-01-06T10:00:00Z,Fee,-1\n"
    first, second, third = sheet_of(file).drafts
    assert (first.event_ts, second.event_ts) == (None, None)
    assert third.event_ts is not None


def test_profiles_are_small_enough_to_be_read() -> None:
    folder = Path(REPOSITORY / "oltp_api" / "imports" / "profiles")
    assert all(len(each.read_text(encoding="utf-8").splitlines()) <= 400 for each in folder.glob("*.sql"))
