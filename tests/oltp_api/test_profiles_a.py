"""Profiles of brokers in America, Britain and Canada, and of OFX and beancount: each on files re-created in its shape.

What the rows of a file mean stands in its index; the rest is what a profile must not take.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beanquery.shell import main
from click.testing import CliRunner

from domain.corporate_events import ratio_of_units
from domain.errors import InvalidInput, Refusal
from domain.ledger import TxnType
from domain.securities import AssetType, Security
from oltp_api.imports.drafts import Draft
from oltp_api.imports.profiles import shipped
from oltp_api.imports.rates import Rates
from oltp_api.imports.reading import Hints, Sheet, read
from oltp_api.imports.records import records_of
from oltp_api.imports.requests import Rules
from oltp_api.imports.sheets import SEPARATORS, head_of
from oltp_api.ledger.schemas import TransactionRequest
from storage.settings import REPOSITORY

D = Decimal
FILES = REPOSITORY / "tests" / "cases" / "files"
ENTRIES = json.loads((FILES / "index_a.json").read_text(encoding="utf-8"))
PROFILES = REPOSITORY / "oltp_api" / "imports" / "profiles"
HEADS = {
    "schwab": '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"',
    "fidelity": "Run Date,Action,Symbol,Description,Type,Quantity,Price ($),Commission ($),Fees ($),"
    "Accrued Interest ($),Amount ($),Settlement Date",
    "vanguard_us": "Account Number,Trade Date,Settlement Date,Transaction Type,Transaction Description,Investment Name,"
    "Symbol,Shares,Share Price,Principal Amount,Commission Fees,Net Amount,Accrued Interest,Account Type,",
    "etrade": "TransactionDate,TransactionType,SecurityType,Symbol,Quantity,Amount,Price,Commission,Description",
    "robinhood": "Activity Date,Process Date,Settle Date,Instrument,Description,Trans Code,Quantity,Price,Amount",
    "questrade": "Transaction Date,Settlement Date,Action,Symbol,Description,Quantity,Price,Gross Amount,Commission,"
    "Net Amount,Currency,Account #,Activity Type,Account Type",
    "ibkr_flex_trades": "Buy/Sell,TradeDate,Symbol,AssetClass,ISIN,Quantity,TradePrice,TradeMoney,CurrencyPrimary,"
    "IBCommission,IBCommissionCurrency",
    "ibkr_activity": "Statement,Header,Field Name,Field Value\nStatement,Data,Title,Activity Statement\n"
    "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,C. Price,Proceeds,"
    "Comm/Fee,Basis,Realized P/L,MTM P/L,Code",
    "coinbase": "Timestamp,Transaction Type,Asset,Quantity Transacted,Spot Price Currency,Spot Price at Transaction,"
    "Subtotal,Total (inclusive of fees and/or spread),Fees and/or Spread,Notes",
    "sharesight": "Market,Code,Name,Type,Date,Quantity,Price *,Brokerage *,Currency,Exchange Rate,Value,,Comments",
    "hargreaves_lansdown": "Trade date,Settle date,Reference,Description,Unit cost (p),Quantity,Value (£)",
    "vanguard_uk": "Date,Details,Amount,Balance",
    "beancount": "id,date,payee,narration,account,number,currency,cost_number,cost_currency,price,inside",
}


def sheet_of(profile: str, *lines: str, **stated: Any) -> Sheet:
    """A file of that profile with these lines below its header."""
    text = "\n".join((HEADS[profile], *lines, ""))
    return read(text.encode(), Hints(profile=profile, **stated), shipped(), 1_000)


def request_of(sheet: Sheet, draft: Draft, base: str = "USD", ticker: str | None = None) -> TransactionRequest:
    if draft.refusal is not None:
        raise draft.refusal
    security = None
    if draft.naming and draft.takes_security:
        currency = draft.texts.get("price_currency") or draft.texts.get("currency") or base
        security = Security(1, ticker or draft.naming.ticker or "Z", AssetType.EQUITY, currency, "Z")
    fields = Rules(sheet.reader, Rates(sheet.reader, base, lambda *_: None)).fields(draft, security)
    return TransactionRequest.model_construct(**fields)


def refusals(sheet: Sheet, base: str = "USD") -> list[str]:
    """The codes of the refused rows."""
    found = []
    for draft in sheet.drafts:
        if draft.skipped is None:
            try:
                request_of(sheet, draft, base)
            except Refusal as refusal:
                found.append(refusal.code)
    return found


def name_in(entry: Mapping[str, Any], draft: Draft) -> str:
    """The security of the index that a row names."""
    setup, naming = entry["setup"], draft.naming
    by_other = {**setup.get("isin", {}), **setup.get("names", {})}
    found = [ticker for ticker, other in by_other.items() if other in (naming.isin, naming.name)]
    return found[0] if found else str(naming.ticker)


def meant(draft: Draft, request: TransactionRequest, ticker: str, held: Decimal) -> tuple[str, ...]:
    """The row in the words of an index."""
    kind, fees = request.type, request.fees or D(0)
    quantity, price, amount = request.quantity, request.price, request.amount
    if kind in (TxnType.BUY, TxnType.SELL):
        assert quantity is not None
        sign = -1 if kind is TxnType.BUY else 1
        cash = sign * abs(amount) if amount is not None else sign * quantity * (price or D(0)) - fees
        price = price if price is not None else (abs(cash) + sign * fees) / quantity
    elif kind in (TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX):
        cash = -(amount or D(0))
    else:
        cash, price = amount or D(0), price if kind is TxnType.TRANSFER_IN else None
    units = "-" if quantity is None else plain(quantity)
    if kind is TxnType.SPLIT:
        new, old = request.split_new, request.split_old
        if request.units_new is not None:
            new, old = ratio_of_units(held, request.units_new)
        units = f"{plain(new or D(0))}:{plain(old or D(0))}"
    withheld = request.withheld or D(0)
    return (
        str(draft.day), kind.value, ticker, units, "-" if price is None else plain(price), cents(fees),
        cents(cash - withheld), draft.currency or request.currency or "", cents(withheld),
    )  # fmt: skip


def plain(value: Decimal) -> str:
    return format(value.quantize(D("1e-8")).normalize(), "f")


def cents(value: Decimal) -> str:
    return format(value.quantize(D("0.01")), "f")


def file_of(entry: Mapping[str, Any]) -> Path:
    return FILES / str(entry.get("companion", entry["file"]))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["file"]))
def test_the_rows_of_a_file_are_what_its_index_says(entry: Mapping[str, Any]) -> None:
    sheet = read(file_of(entry).read_bytes(), Hints(), shipped(), 1_000)
    held: Counter[str] = Counter()
    found = []
    for draft in sheet.drafts:
        if draft.skipped is not None:
            continue
        ticker = name_in(entry, draft) if draft.naming and draft.takes_security else "-"
        request = request_of(sheet, draft, entry["base_currency"], ticker)
        found.append(meant(draft, request, ticker, D(held[ticker])))
        units = request.quantity or D(0)
        leaves = request.type in (TxnType.SELL, TxnType.TRANSFER_OUT)
        held[ticker] += -units if leaves else units
    expected = entry["expected"]
    wanted = [
        (
            row["day"], row["type"], row["security"],
            row["quantity"] if ":" in row["quantity"] or row["quantity"] == "-" else plain(D(row["quantity"])),
            "-" if row["price"] == "-" else plain(D(row["price"])),
            cents(D(row["fees"])), cents(D(row["cash_effect"])), row["currency"], cents(D(row["withheld"])),
        )
        for row in expected["transactions"]
    ]  # fmt: skip

    assert Counter(found) == Counter(wanted)
    assert sum(draft.skipped is not None for draft in sheet.drafts) == expected["rows_that_are_no_transactions"]
    assert [flag for draft in sheet.drafts for flag in draft.flags] == []


def fitting(text: str) -> list[str]:
    """The profiles that a file fits, by its first lines."""
    records = records_of(text)
    heads = (
        [(records[0], None, records[1][:1])] if records else [("csv", each, head_of(text, each)) for each in SEPARATORS]
    )
    return [
        name
        for name, profile in shipped().items()
        if any(
            profile.format == form and profile.separator in (None, separator) and profile.header_in(head) is not None
            for form, separator, head in heads
        )
    ]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return path.read_text(encoding="latin-1")


def test_no_two_profiles_fit_one_file() -> None:
    paths = [path for path in FILES.iterdir() if path.suffix in (".csv", ".xml", ".ofx", ".qfx")]
    found = {path.name: fitting(text_of(path)) for path in paths}

    assert {name: profiles for name, profiles in found.items() if len(profiles) > 1} == {}
    assert all(len(found[file_of(entry).name]) == 1 for entry in ENTRIES)


NOT_SUPPORTED = {
    "schwab": [
        '"03/01/2016","Sell to Open","ZAA 04/15/2016 50.00 C","CALL ZAA","1","$2.00","$0.65","$199.35"',
        '"03/01/2016","Expired","ZAA 04/15/2016 50.00 C","CALL ZAA","1","","",""',
        '"03/01/2016","Spin-off","ZAB","ZAB INC","5","","",""',
        '"03/01/2016","Cancel Buy","ZAA","ZAA INC","5","$10.00","","$50.00"',
    ],
    "fidelity": [
        '03/01/2016,YOU SOLD OPENING TRANSACTION CALL (ZAA) (Margin), -ZAA160415C50,CALL,Margin,-1,2,0.65,,,199.35,',
        '03/01/2016,MERGER MER FROM 123456789 ZAA INC (ZAA) (Cash), ZAA,ZAA INC,Cash,-10,,,,,300,',
    ],
    "vanguard_us": [
        '1,03/01/2016,03/03/2016,Sell to open,Sell,CALL ZAA,ZAA,-1,2,200,0,200,0,CASH,',
        '1,03/01/2016,03/03/2016,Merger,Merger,ZAA INC,ZAA,-1,2,200,0,200,0,CASH,',
    ],
    "etrade": [
        '03/01/16,Sold To Open,OPTN,ZAA,-1,199.35,2,0.65,CALL ZAA 04/15/16 50',
        '03/01/16,Spin-off,EQ,ZAB,5,0,0,0,ZAB INC',
    ],
    "robinhood": [
        '3/1/2016,3/1/2016,3/2/2016,ZAA,ZAA 4/15/2016 Call $50.00,STO,1,$2.00,$199.95',
        '3/1/2016,3/1/2016,3/2/2016,ZAB,Spinoff,SOFF,5,,',
    ],
    "questrade": [
        '2016-03-01,2016-03-03,Buy,,CALL ZAA 04/15/16 50 ZAA INC,1,2,-200,-10.95,-210.95,USD,5,Trades,Margin',
        '2016-03-01,2016-03-03,FXT,,FX,0,0,0,0,-100,CAD,5,FX conversion,Margin',
    ],
    "ibkr_flex_trades": [
        'BUY,20160301,ZAA 160415C50,OPT,,1,2,200,USD,-0.65,USD',
        'SELL,20160301,,,,-8000,0.9,-7200,CHF,-1.8,CHF',
    ],
    "ibkr_activity": [
        'Trades,Data,Order,Equity and Index Options,USD,ZAA 15APR16 50 C,2016-03-01,1,2,2,-200,-1,201,0,0,O',
        'Trades,Data,Ordre,Stocks,USD,ZAA,"2016-03-01, 10:00:00",1,2,2,-2,-1,3,0,0,O',
        'Bets,Data,USD,2016-03-01,Won,100',
    ],
    "sharesight": [
        'FX,ZBTC,Coin account,Buy,13/03/2016,1,1,0,ZBT,0.1,10,All Trades,',
        'ASX,ZAA,Zaa Inc,Merger,13/03/2016,-10,1,0,AUD,1,10,All Trades,',
    ],
    "beancount": [
        'a,2016-03-01,,Deposit,Assets:Broker:Cash,100,USD,,,,TRUE',
    ],
}  # fmt: skip
"""Rows that each profile knows, and cannot take."""


@pytest.mark.parametrize("profile", NOT_SUPPORTED)
def test_what_is_known_and_cannot_be_taken_is_refused_by_name(profile: str) -> None:
    lines = NOT_SUPPORTED[profile]

    assert refusals(sheet_of(profile, *lines)) == ["not_supported"] * len(lines)


@pytest.mark.parametrize(
    ("profile", "line"),
    [
        ("schwab", '"03/01/2016","Zeta","ZAA","ZAA INC","1","$2.00","","-$2.00"'),
        ("fidelity", "03/01/2016,ZETA ZAA INC (ZAA) (Cash), ZAA,ZAA INC,Cash,1,2,,,,-2,"),
        ("vanguard_us", "1,03/01/2016,03/03/2016,Zeta,Zeta,ZAA INC,ZAA,1,2,-2,0,-2,0,CASH,"),
        ("etrade", "03/01/16,Zeta,EQ,ZAA,1,-2,2,0,ZAA INC"),
        ("robinhood", "3/1/2016,3/1/2016,3/2/2016,ZAA,Zaa,ZETA,1,$2.00,($2.00)"),
        ("questrade", "2016-03-01,2016-03-03,ZET,ZAA,ZAA INC,1,2,-2,0,-2,USD,5,Zeta,Margin"),
        ("ibkr_flex_trades", "ZETA,20160301,ZAA,STK,US99990001A9,1,2,2,USD,0,USD"),
        ("coinbase", "2016-03-01T10:00:00Z,Zeta,ZBTC,1,EUR,2,2,2,0,"),
        ("sharesight", "ASX,ZAA,Zaa Inc,Zeta,13/03/2016,1,2,0,AUD,1,2,All Trades,"),
        ("hargreaves_lansdown", "13/03/2016,15/03/2016,ZETA,Zeta,n/a,n/a,2"),
        ("vanguard_uk", "13/03/2016,Zeta,2,2"),
    ],
)
def test_a_word_that_nobody_knows_is_refused(profile: str, line: str) -> None:
    (draft,) = sheet_of(profile, line).drafts

    assert draft.refusal is not None
    assert "Zeta" in draft.refusal.message or "ZET" in draft.refusal.message


@pytest.mark.parametrize(
    ("profile", "line", "code"),
    [
        # units that come and cash that comes; a price per share that the description tells otherwise
        ("schwab", '"03/01/2016","Buy","ZAA","ZAA INC","1","$2.00","","$2.00"', "sign_contradicts"),
        ("hargreaves_lansdown", "13/03/2016,15/03/2016,B123,Zaa 10 @ 500,510,10,-62", "cells_contradict"),
        ("hargreaves_lansdown", "13/03/2016,15/03/2016,B123,Zaa 11 @ 500,500,10,-62", "cells_contradict"),
        ("sharesight", "NYSE,ZAA,Zaa Inc,Buy,13/03/2016,10,250,5,USD,1.25,2104.00,All Trades,", "amount_differs"),
        ("ibkr_flex_trades", "BUY,20160301,ZAA,STK,US99990001A9,10,11,120,USD,-1,USD", "amount_differs"),
        ("ibkr_activity", "Trades,Data,Order,Stocks,USD,ZAA,2016-03-01,10,2,2,-30,-1,31,0,0,O", "amount_differs"),
        ("coinbase", "2016-03-01T10:00:00Z,Buy,ZBTC,1,EUR,20,20,20,0,Bought 2 ZBTC for 20 EUR", "cells_contradict"),
    ],
)  # fmt: skip
def test_cells_that_contradict_each_other_are_refused(profile: str, line: str, code: str) -> None:
    assert refusals(sheet_of(profile, line), base="GBP") == [code]


def test_a_posting_whose_transaction_does_not_balance_is_refused() -> None:
    lines = (
        "a,2016-03-01,,Deposit,Assets:Broker:Cash,110,USD,,,,TRUE",
        "a,2016-03-01,,Deposit,Equity:Opening,-100,USD,,,,FALSE",
    )

    assert refusals(sheet_of("beancount", *lines)) == ["not_supported"]


def test_fees_that_no_column_states_are_what_lies_between_amount_and_price_and_flagged_if_they_are_much() -> None:
    line = "13/03/2016,15/03/2016,B123,Zaa 100 @ 500,500,100,{}"
    plausible, much = sheet_of("hargreaves_lansdown", line.format("-511.95"), line.format("-591.95")).drafts
    sheet = sheet_of("hargreaves_lansdown", line.format("-511.95"))

    assert request_of(sheet, plausible, "GBP").fees == D("11.95")
    assert request_of(sheet, much, "GBP").fees == D("91.95")
    assert (len(plausible.flags), len(much.flags)) == (0, 1)


def test_an_exchange_of_currency_is_one_row_and_its_commission_another() -> None:
    line = 'Trades,Data,Order,Forex,CHF,USD.CHF,"2016-03-01, 10:00:00",{},0.9,,{},-1.9,,,,'
    sheet = sheet_of("ibkr_activity", line.format("-2000", "1800"), line.format("100", "-90"))
    told = [
        (each.kind, each.numbers["amount"], each.texts["currency"], each.numbers.get("received"))
        for each in sheet.drafts
        if each.skipped is None
    ]

    fee = (TxnType.FEE, D("1.9"), "CHF", None)
    assert told == [
        (TxnType.WITHDRAW, D(2000), "USD", D(1800)), fee, (TxnType.WITHDRAW, D(90), "CHF", D(100)), fee,
    ]  # fmt: skip


def test_units_of_more_decimals_than_are_kept_are_rounded_and_the_note_says_so() -> None:
    sheet = sheet_of("coinbase", "2016-03-01T10:00:00Z,Staking Income,ZETH,0.000037835729,EUR,10,0.0004,0.0004,0,")
    (draft,) = sheet.drafts

    assert request_of(sheet, draft, "EUR").quantity == D("0.00003784")
    assert any("0.000037835729" in note for note in draft.notes)


def test_cash_of_more_decimals_than_can_be_paid_is_rounded_and_said() -> None:
    line = "Trades,Data,Order,Stocks,USD,ZAA,2016-03-01,100,1.5,1.5,-150,-1.00241,151.00241,0,0,O"
    sheet = sheet_of("ibkr_activity", line)
    draft = next(each for each in sheet.drafts if each.skipped is None)

    assert request_of(sheet, draft).amount == D("151.00")
    assert any("151.00241" in note for note in draft.notes)


def test_the_sections_of_a_statement_stand_in_the_order_of_their_days() -> None:
    sheet = read((FILES / "ibkr_activity.csv").read_bytes(), Hints(), shipped(), 1_000)
    days = [draft.day for draft in sheet.drafts if draft.skipped is None and draft.day is not None]

    assert days == sorted(days)


@pytest.mark.parametrize("name", ["ledger.beancount", "income.beancount"])
def test_the_file_of_postings_is_what_beancounts_own_query_makes(name: str) -> None:
    if not (FILES / name).exists():
        return
    query = (PROFILES / "beancount.bql").read_text(encoding="utf-8")
    made = CliRunner().invoke(main, ["-f", "csv", str(FILES / name), query])

    assert made.exit_code == 0, made.output
    profile = (PROFILES / "beancount.sql").read_text(encoding="utf-8")
    assert all(line.strip() in profile for line in query.splitlines())
    assert without_ids(made.output) == without_ids((FILES / f"{name}.csv").read_text(encoding="utf-8"))


def without_ids(text: str) -> list[str]:
    """The lines with their transactions counted: an id is made of the path of the ledger too."""
    rows = [line.split(",", 1) for line in text.splitlines()]
    order = list(dict.fromkeys(identifier for identifier, _ in rows))
    return [f"{order.index(identifier)},{rest}" for identifier, rest in rows]


def test_a_file_whose_reader_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ofxtools.Parser", None)
    with pytest.raises(InvalidInput, match=r"lakefolio\[ofx\]") as refusal:
        read((FILES / "investment_more.ofx").read_bytes(), Hints(), shipped(), 1_000)

    assert refusal.value.code == "extra_missing"


def test_an_element_of_a_flex_query_that_cannot_be_read_is_a_refused_row() -> None:
    text = (FILES / "ibkr_flex.xml").read_text(encoding="utf-8").replace('quantity="100"', 'quantity="1o0"', 1)
    sheet = read(text.encode(), Hints(), shipped(), 1_000)

    assert refusals(sheet) == ["not_supported"]


@pytest.mark.parametrize(
    ("held", "came", "ratio"),
    [
        ("10", "30", ("4", "1")),
        ("10.15", "20.3", ("3", "1")),
        ("10.1234", "30.37", ("4", "1")),  # told to two decimals
        ("3", "2", ("5", "3")),
        ("20", "-19", ("1", "20")),
        ("100", "7", ("107", "100")),
        ("100.5", "301", ("4", "1")),
    ],
)
def test_a_split_by_the_units_that_come_is_the_simple_ratio_that_they_were_rounded_from(
    held: str, came: str, ratio: tuple[str, str]
) -> None:
    assert ratio_of_units(D(held), D(came)) == (D(ratio[0]), D(ratio[1]))


@pytest.mark.parametrize("name", ["schwab", "questrade", "ibkr_activity"])
def test_a_cell_beyond_the_header_refuses_a_row_unless_its_profile_reads_whole_lines(name: str) -> None:
    """Though the SELECT names columns such as other_lines, and has the word in a comment."""
    rows = {
        "schwab": ('"01/05/2016","Buy","ZAA","ZAA","10","$25.50","$1.00","-$256.00"',),
        "questrade": ("2016-01-05,2016-01-07,Buy,ZAA,ZAA,10,25.50,-255.00,-1.00,-256.00,USD,1,Trades,Margin",),
        "ibkr_activity": ("Trades,Data,Order,Stocks,USD,ZAA,\"2016-01-05, 10:00:00\",10,25.5,25.5,-255,-1,256,0,0,O",),
    }[name]  # fmt: skip
    whole, beyond = (sheet_of(name, *rows), sheet_of(name, *(f"{row},7" for row in rows)))

    assert [draft.refusal for draft in whole.drafts if draft.skipped is None] == [None]
    (refusal,) = [draft.refusal for draft in beyond.drafts if draft.skipped is None]
    assert (refusal is None) == (name == "ibkr_activity")
    assert refusal is None or "more cells than" in refusal.message
