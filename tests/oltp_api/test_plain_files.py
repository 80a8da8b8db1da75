"""Reading files whose columns have plain names: what has one meaning is taken, what has two is asked or refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from domain.errors import InvalidInput, Refusal
from domain.ledger import TxnType
from domain.securities import AssetType, Security
from oltp_api.imports.drafts import Draft
from oltp_api.imports.identity import Identifying
from oltp_api.imports.rates import Rates
from oltp_api.imports.reading import Hints, Sheet, read
from oltp_api.imports.requests import Rules
from oltp_api.imports.sheets import decoded
from oltp_api.imports.statement import statement_rows
from oltp_api.ledger.schemas import TransactionRequest
from storage.settings import REPOSITORY

D = Decimal
SHARE = Security(1, "A", AssetType.EQUITY, "USD", "A")
BOND = Security(2, "B", AssetType.BOND, "USD", "B")


@dataclass(frozen=True)
class Row:
    line: int
    draft: Draft
    request: TransactionRequest | None
    refusal: Refusal | None


def _requested(fields: Mapping[str, Any]) -> TransactionRequest:
    return TransactionRequest.model_construct(**fields)


def sheet_of(text: str, **stated: Any) -> Sheet:
    return read(text.encode(), Hints(**stated), {}, 100)


def rows(text: str, security: Security | None = None, base: str = "USD", **stated: Any) -> list[Row]:
    sheet = sheet_of(text, **stated)
    rules = Rules(sheet.reader, Rates(sheet.reader, base, lambda *_: None))
    found = []
    for draft in sheet.drafts:
        try:
            if draft.refusal is not None:
                raise draft.refusal
            found.append(Row(draft.line, draft, _requested(rules.fields(draft, security)), None))
        except Refusal as refusal:
            found.append(Row(draft.line, draft, None, refusal))
    return found


def only(text: str, **stated: Any) -> Any:
    (row,) = rows(text, **stated)
    assert row.request is not None, row.refusal
    return row.request


def why(text: str, **stated: Any) -> str:
    """Why the only row, or the whole file, is refused."""
    try:
        (row,) = rows(text, **stated)
    except InvalidInput as refusal:
        return refusal.message
    assert row.refusal is not None
    return row.refusal.message


@pytest.mark.parametrize(
    ("file", "dates"),
    [
        ("Type,Date,Ticker,Quantity,Price,Fees\nbuy,2016-01-05,AAPL,10,25.5,1\n", "iso"),
        ("Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount\n"
         '01/05/2016,Buy,AAPL,"APPLE, INC",10,25.5,1,-256\n', "mdy"),
        ("Run Date,Action,Symbol,Description,Quantity,Price ($),Commission ($),Amount ($)\n"
         "01/05/2016,YOU BOUGHT,AAPL,APPLE INC,10,25.5,1,-256\n", "mdy"),
        ("Symbol;Trade Date;Buy/Sell;Quantity;T. Price;Comm/Fee\nAAPL;2016-01-05;BUY;10;25,5;-1\n", "iso"),
        ("Statement of account 7\n\nTRADE DATE\tSIDE\tISIN\tSHARES\tPRICE / SHARE\tFEE\n"
         "05/01/2016\tBought\tAAPL\t10\t25.5\t1\n", "dmy"),
    ],
)  # fmt: skip
def test_columns_and_words_of_several_brokers_mean_the_same(file, dates) -> None:
    request = only(file, dates=dates)

    assert (request.type, request.ticker, request.business_date.isoformat()) == (TxnType.BUY, "AAPL", "2016-01-05")
    assert (request.quantity, request.price, request.fees) == (10, D("25.5"), 1)


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert decoded("type\n".encode("utf-8-sig")).text == "type\n"


def test_columns_that_mean_nothing_to_us_are_named() -> None:
    assert sheet_of("type,date,amount,Mood\nDEPOSIT,2016-01-05,5,good\n").ignored == ["Mood"]


def test_of_two_columns_that_mean_the_same_one_counts_and_the_other_is_named() -> None:
    sheet = sheet_of("type,date,trade date,symbol,quantity\nTRANSFER_OUT,2016-01-06,2016-01-05,AAPL,1\n")

    assert [str(each.day) for each in sheet.drafts] == ["2016-01-05"]
    assert sheet.ignored == ["date"]


def test_charges_add_up_and_so_do_taxes() -> None:
    request = only("type,date,symbol,quantity,price,commission,fees\nBUY,2016-01-05,AAPL,1,10,4.95,0.02\n")

    assert request.fees == D("4.97")


@pytest.mark.parametrize(
    ("text", "number"),
    [("12.50", "12.50"), ("-3", "-3"), ("+7", "7"), ("0.00000001", "0.00000001"), ("$5", "5"), ("(5)", "-5"),
     ("1,234.56", "1234.56"), ("1.234,56", "1234.56"), ("1'234.5", "1234.5"), ("1 234", "1234"), ("5.00-", "-5"),
     ("1.234.567", "1234567"), ("-$3,500.00", "-3500"), ("12,5", "12.5")],
)  # fmt: skip
def test_numbers_are_taken_as_the_file_writes_them(text, number) -> None:
    assert only(f'type,date,amount\nINTEREST,2016-01-05,"{text}"\n').amount == D(number)


@pytest.mark.parametrize(
    "text", ["1e3", "NaN", "Infinity", "0x1F", "١٢", "1_000", "--1", "1.2.3", "5 EUR USD", "1,23,4.5"]
)
def test_what_is_no_number_is_refused(text) -> None:
    refused = why(f'type,date,Net Amount\nDEPOSIT,2016-01-05,"{text}"\n')

    assert refused.startswith("line 2, column Net Amount:")


@pytest.mark.parametrize("text", ["12,345", "1.234"])
def test_a_file_whose_numbers_could_be_read_both_ways_is_asked(text) -> None:
    file = f'type,date,amount\nDEPOSIT,2016-01-05,"{text}"\n'
    assert "decimal=" in why(file)

    either = {only(file, decimal=decimal).amount for decimal in ".,"}
    assert either == {D(text.replace(",", ".")), D(text.replace(",", "").replace(".", ""))}


def test_a_file_with_both_decimal_signs_is_refused() -> None:
    assert "decimal points" in why("type;date;amount;price\nDEPOSIT;2016-01-05;1,5;2.5\n")


@pytest.mark.parametrize("text", ["2016-13-01", "2016-02-30", "yesterday", "2016-01-05 25:00"])
def test_what_is_no_day_is_refused(text) -> None:
    assert "column Trade Date:" in why(f"type,Trade Date,amount\nDEPOSIT,{text},5\n")


@pytest.mark.parametrize("text", ["20160105", "2016/01/05", "05.01.2016", "5 Jan 2016", "Jan 5, 2016"])
def test_days_that_have_one_meaning_are_taken(text) -> None:
    assert str(only(f'type,date,amount\nDEPOSIT,"{text}",5\n').business_date) == "2016-01-05"


def test_days_that_could_be_read_both_ways_are_asked_and_one_that_could_not_decides() -> None:
    file = "type,date,amount\nDEPOSIT,01/05/2016,5\n"
    assert "dates=" in why(file)

    assert str(only(file, dates="dmy").business_date) == "2016-05-01"
    decided = rows(f"{file}DEPOSIT,01/25/2016,5\n")
    assert [str(row.draft.day) for row in decided] == ["2016-01-05", "2016-01-25"]
    with pytest.raises(InvalidInput, match="both ways round"):
        rows(f"{file}DEPOSIT,01/25/2016,5\nDEPOSIT,25/01/2016,5\n")


def test_lines_are_counted_through_cells_with_line_breaks() -> None:
    first, second = rows('type,date,amount,note\nDEPOSIT,2016-01-05,5,"two\nlines"\nDEPOSIT,2016-01-05,x,\n')

    assert (first.line, second.line) == (2, 4)
    assert second.refusal is not None


def test_a_file_with_the_newest_first_is_turned_round() -> None:
    header = "type,date,ticker,quantity,price\n"
    sale, purchase = "SELL,2016-01-05,A,1,2\n", "BUY,2016-01-05,A,1,1\n"

    newest_first = rows(f"{header}SELL,2016-01-06,A,1,2\n{sale}{purchase}BUY,2016-01-04,A,9,1\n")
    unsorted = rows(f"{header}{sale}{purchase}BUY,2016-01-04,A,9,1\nSELL,2016-01-06,A,1,2\n")

    assert [row.line for row in newest_first] == [5, 4, 3, 2]
    assert [row.line for row in unsorted] == [2, 3, 4, 5], "as many up as down"


def test_a_file_of_one_day_keeps_its_order() -> None:
    kept = rows("type,date,amount\nDEPOSIT,2016-01-05,1\nDEPOSIT,2016-01-05,2\n")

    assert [row.line for row in kept] == [2, 3]


@pytest.mark.parametrize(
    ("row", "amount"),
    [("WITHDRAW,2016-01-05,-5", "5"), ("FEE,2016-01-05,-5", "5"), ("TAX,2016-01-05,-5", "5"),
     ("WITHDRAW,2016-01-05,5", "5"), ("INTEREST,2016-01-05,-5", "-5")],
)  # fmt: skip
def test_what_leaves_may_be_written_with_a_minus_or_without(row, amount) -> None:
    assert only(f"type,date,amount\n{row}\n").amount == D(amount)


def test_in_a_file_with_signs_a_positive_tax_is_one_paid_back() -> None:
    refund = rows("type,date,amount\nWITHDRAW,2016-01-05,-5\nTAX,2016-01-06,3\n")[1]

    assert refund.request is not None
    assert refund.request.amount == -3


def test_in_a_file_with_negative_fees_a_positive_one_is_a_rebate_and_not_a_fee() -> None:
    header = "type,date,ticker,quantity,price,fees\n"
    paid, rebate = rows(f"{header}BUY,2016-01-05,A,1,10,-1\nBUY,2016-01-05,A,1,10,0.2\n")

    assert [row.request.fees for row in (paid, rebate) if row.request] == [1, D("-0.2")]  # which the ledger refuses


def test_a_sale_may_have_a_negative_quantity_and_a_purchase_may_not_turn_into_one() -> None:
    header = "type,date,ticker,quantity,price\n"

    assert only(f"{header}SELL,2016-01-05,A,-3,10\n").quantity == 3
    assert "below 0" in why(f"{header}BUY,2016-01-05,A,-3,10\n")


@pytest.mark.parametrize(("amount", "moved"), [("-101", "-101"), ("101", "101"), ("-100", "101"), ("100.00", "101")])
def test_a_trades_amount_is_what_it_moved_also_where_the_file_has_it_without_the_fees(amount, moved) -> None:
    header = "type,date,ticker,quantity,price,fees,amount\n"

    assert only(f"{header}BUY,2016-01-05,A,10,10,1,{amount}\n").amount == D(moved)


def test_a_bonds_amount_is_compared_per_cent_of_par() -> None:
    header = "type,date,ticker,quantity,price,accrued,amount\n"

    assert only(f"{header}SELL,2016-01-05,A,1000,99.5,4,999\n", security=BOND).accrued == 4
    assert "price_unit" in why(f"{header}SELL,2016-01-05,A,1000,99.5,0,995\n", security=SHARE)


@pytest.mark.parametrize("word", ["Journal", "BUYY", "REVERSAL"])
def test_an_unknown_type_is_refused_by_line_and_column(word) -> None:
    refused = why(f"Action,date,amount\n{word},2016-01-05,5\n")

    assert refused.startswith("line 2, column Action:")
    assert "is not a type of transaction that we know" in refused


def named(text: str, source: str = "plain", **stated: Any) -> dict[int, Any]:
    sheet = sheet_of(text, **stated)
    read_rows = [row for row in rows(text, **stated) if row.request is not None]
    identifying = Identifying(source, [row.draft for row in read_rows], sheet.first_ids)
    return {
        row.line: identifying.of(row.draft, row.request.fields(), row.request.ticker)
        for row in read_rows
        if row.request
    }


def keys(text: str, **options: Any) -> list[str]:
    return [each.key for each in named(text, **options).values()]


def test_a_row_is_known_by_what_it_moves_not_by_how_it_is_written_nor_by_its_text() -> None:
    one = keys("type,date,amount\nDEPOSIT,2016-01-05,5.0\n")
    same = keys("Amount;Action;Trade Date;Description\n5.00;deposit;2016-01-05;salary\n")

    assert one == same != keys("type,date,amount\nDEPOSIT,2016-01-05,5.01\n")


def test_twins_are_numbered_and_a_reference_that_repeats_or_has_no_digit_is_no_id() -> None:
    header = "type,date,amount,reference\n"
    twins = keys(f"{header}DEPOSIT,2016-01-05,5,\nDEPOSIT,2016-01-05,5,\n")
    assert [key[-2:] for key in twins] == [":1", ":2"]

    assert keys(f"{header}DEPOSIT,2016-01-05,5,T-1\nDEPOSIT,2016-01-06,5,T-2\n") == ["ref:T-1", "ref:T-2"]
    repeated = keys(f"{header}DEPOSIT,2016-01-05,5,R1\nDEPOSIT,2016-01-06,5,R1\nDEPOSIT,2016-01-07,5,FPC\n")
    assert [key[:2] for key in repeated] == ["3:", "3:", "3:"]


def test_a_reference_that_is_written_as_part_of_another_line_is_no_id() -> None:
    day = date(2016, 1, 5)
    drafts = [Draft(line, part, TxnType.DEPOSIT, day) for line, part in ((2, 0), (2, 1), (3, 0), (4, 0))]
    for draft, reference in zip(drafts, ("X1", "X1", "X1:1", "X2:1"), strict=True):
        draft.texts["reference"] = reference
    identifying = Identifying("plain", drafts, None)
    found = [identifying.of(each, {"type": TxnType.DEPOSIT, "amount": D(each.line)}, None).key for each in drafts]

    assert [found[0], found[1], found[3]] == ["ref:X1", "ref:X1:1", "ref:X2:1"]
    assert found[2].startswith("3:")


def test_the_fingerprint_of_the_first_reader_never_changes() -> None:
    """Rows of files that were imported long ago are known again by it, with or without an amount."""
    said = '{"business_date":"2016-01-05","price":"25.5","quantity":"10","ticker":"AAPL","type":"BUY"}'
    first = f"csv:{sha256(said.encode()).hexdigest()[:24]}"

    (one,) = named("type,date,ticker,quantity,price,fees\nBUY,2016-01-05,AAPL,10,25.50,0\n").values()
    assert one.older[0] == f"{first}:1"
    twins = "BUY,2016-01-05,AAPL,10,25.50,-255\nBUY,2016-01-05,AAPL,10,25.50,-255.00\n"
    two = named("type,date,ticker,quantity,price,amount\n" + twins).values()
    assert [each.older[0] for each in two] == [f"{first}:1", f"{first}:2"]


def test_what_the_first_reader_could_not_read_has_ids_of_the_second() -> None:
    (known,) = named("type,date,ticker,quantity,price,amount\nBUY,2016-01-05,A,18.572,30.96,-575.00\n").values()

    assert [each[:5] for each in known.older] == ["csv2:"]


def test_a_statement_without_a_quantity_column_is_no_statement() -> None:
    with pytest.raises(InvalidInput, match="no header with ticker"):
        statement_rows("ticker,price\nA,1\n", 10)


FIRST = json.loads((REPOSITORY / "tests/oltp_api/first_reader_ids.json").read_text())


@pytest.mark.parametrize("file", FIRST, ids=[one["name"] for one in FIRST])
def test_lines_that_the_first_reader_read_keep_the_ids_that_it_gave(file) -> None:
    """Its ids are of the commit before it was frozen; a line that it refused has one of the second."""
    found = sheet_of(file["text"], dates=file["dates"], account=file["account"]).first_ids

    assert {line: found[int(line)] for line in file["ids"] if file["ids"][line].startswith("csv:")} == {
        line: known for line, known in file["ids"].items() if known.startswith("csv:")
    }


@pytest.mark.parametrize(
    ("written", "day", "moment"),
    [
        ("2016-03-01T00:00:00.000Z", "2016-03-01", None),
        ("2016-03-01 00:00:00", "2016-03-01", None),
        ("2016-03-01 14:30:05", "2016-03-01", None),
        ("2016-03-01T14:30:05.123Z", None, "2016-03-01T14:30:05+00:00"),
        ("2016-03-01 14:30+02:00", None, "2016-03-01T14:30:00+02:00"),
    ],
)
def test_a_time_beside_the_date_is_read(written, day, moment) -> None:
    request = only(f"type,date,amount\nDEPOSIT,{written},5\n")

    assert (request.business_date and str(request.business_date)) == day
    assert (request.event_ts and request.event_ts.isoformat()) == moment


def test_a_file_that_is_newest_first_by_its_times_is_turned() -> None:
    taken = rows("type,date,amount\nDEPOSIT,2016-03-01 15:00:00,2\nDEPOSIT,2016-03-01 09:00:00,1\n")

    assert [row.request.amount for row in taken if row.request] == [1, 2]


def test_more_than_eight_decimals_are_rounded_and_said() -> None:
    (row,) = rows("type,date,ticker,quantity,price\nSELL,2016-02-26,A,50,34.231791044\n")

    assert row.request is not None
    assert row.request.price == D("34.23179104")
    assert row.draft.notes == ("price 34.231791044 was rounded to 34.23179104",)


@pytest.mark.parametrize(
    "file",
    [
        "type,date,ticker,quantity,price,currency,settlement currency\nBUY,2016-01-05,A,1,10,USD,EUR\n",
        "type,date,ticker,quantity,price,stamp duty\nBUY,2016-01-05,A,1,10,0.50\n",
        "type,date,ticker,quantity,price,currency,fx rate,total (EUR)\nBUY,2016-01-05,A,1,26.99,USD,1.06382,25.73\n",
        "type,date,ticker,quantity,price,currency,total (EUR)\nBUY,2016-01-05,A,1,26.99,USD,25.37\n",
    ],
)
def test_a_column_that_changes_what_a_number_means_is_not_passed_over(file) -> None:
    assert "line 2, column" in why(file)


def test_columns_that_say_what_the_row_says_anyway_are_passed_over() -> None:
    file = "type,date,ticker,quantity,price,currency,settlement currency,tax,total (USD)\n"

    request = only(f"{file}BUY,2016-01-05,A,1,10,USD,USD,0.00,-10\n")
    assert request.amount == -10


@pytest.mark.parametrize(("rate", "recorded"), [("0.94", "0.94"), ("1.06382", "0.94000865")])
def test_a_price_and_an_amount_in_two_currencies_show_which_way_the_rate_is(rate, recorded) -> None:
    file = f"type,date,ticker,quantity,price,currency,fx rate,total (EUR)\nBUY,2016-01-05,A,1,26.99,USD,{rate},25.37\n"

    in_price = only(file, security=SHARE, base="EUR")
    assert (in_price.currency, in_price.amount, in_price.fx_rate) == ("USD", None, D(recorded))
    in_amount = only(file, security=Security(3, "E", AssetType.EQUITY, "EUR", "E"))
    assert (in_amount.currency, in_amount.amount, in_amount.price) == ("EUR", D("25.37"), None)
