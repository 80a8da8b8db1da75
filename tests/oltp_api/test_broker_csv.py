"""Reading brokers' files: what has one meaning is taken, what has two is refused with its line and column."""

import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.ledger import TxnType
from oltp_api.imports.broker_csv import BrokerRow, decoded, identified, read, statement_rows
from storage.settings import REPOSITORY

D = Decimal


def rows(text: str, **options: Any) -> list[BrokerRow]:
    return list(read(text, options.pop("dates", "iso"), 100, **options).rows)


def only(text: str, **options: Any) -> Any:
    (row,) = rows(text, **options)
    assert row.request is not None, row.refusal
    return row.request


def why(text: str, **options: Any) -> str:
    (row,) = rows(text, **options)
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
    assert only(decoded("type,date,amount\nDEPOSIT,2016-01-05,5\n".encode("utf-8-sig"))).amount == 5


def test_columns_that_mean_nothing_to_us_are_named() -> None:
    assert read("type,date,amount,Mood\nDEPOSIT,2016-01-05,5,good\n", "iso", 10).ignored_columns == ["Mood"]


def test_of_two_columns_that_mean_the_same_one_counts_and_the_other_is_named() -> None:
    sheet = read("type,date,isin,symbol,quantity\nTRANSFER_OUT,2016-01-05,US0378331005,AAPL,1\n", "iso", 10)

    assert [row.request.ticker for row in sheet.rows if row.request] == ["AAPL"]
    assert sheet.ignored_columns == ["isin"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("12.50", "12.50"), ("-3", "-3"), ("+7", "7"), ("0.00000001", "0.00000001")],
)
def test_plain_numbers_are_taken_exactly(text, number) -> None:
    assert only(f"type,date,amount\nINTEREST,2016-01-05,{text}\n").amount == D(number)


@pytest.mark.parametrize("text", ["1e3", "NaN", "Infinity", "0x1F", "١٢", "1_000", "$5", "--1", "1.2.3", "(5)"])
def test_what_is_no_plain_number_is_refused(text) -> None:
    refused = why(f"type,date,Net Amount\nDEPOSIT,2016-01-05,{text}\n")

    assert refused == "line 2, column Net Amount: must be a plain decimal number, such as 12.50"


@pytest.mark.parametrize("text", ["1,234.56", "12,345", "1.234.567", "1 234", "1'234.5"])
def test_thousands_separators_are_refused_by_name(text) -> None:
    assert "thousands separators are refused" in why(f'type,date,amount\nDEPOSIT,2016-01-05,"{text}"\n')


def test_a_decimal_comma_is_taken_in_a_file_with_semicolons_that_shows_it_is_one() -> None:
    taken = rows("type;date;amount\nDEPOSIT;2016-01-05;1,5\nDEPOSIT;2016-01-05;1,234\n")

    assert [row.request.amount for row in taken if row.request] == [D("1.5"), D("1.234")]


@pytest.mark.parametrize(
    "file",
    [
        'type,date,amount\nDEPOSIT,2016-01-05,"1,5"\n',
        "type;date;amount\nDEPOSIT;2016-01-05;1,234\n",
        "type;date;amount;price\nDEPOSIT;2016-01-05;1,5;2.5\n",
    ],
)
def test_a_decimal_comma_that_may_be_something_else_is_refused(file) -> None:
    assert "line 2, column" in why(file)


@pytest.mark.parametrize("text", ["01/05/2016", "2016-13-01", "2016-02-30", "05.01.2016", "20160105", "yesterday"])
def test_a_date_of_another_form_is_refused_and_the_form_named(text) -> None:
    refused = why(f"type,Trade Date,amount\nDEPOSIT,{text},5\n")

    assert refused.startswith("line 2, column Trade Date: must be a day such as 2016-01-05")


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
    assert [row.line for row in unsorted] == [2, 3, 4, 5]


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
    assert only(f"{header}BUY,2016-01-05,A,-3,10\n").quantity == -3  # which the ledger refuses


@pytest.mark.parametrize(("amount", "moved"), [("-101", "-101"), ("101", "101"), ("-100", "101"), ("100.00", "101")])
def test_a_trades_amount_is_what_it_moved_also_where_the_file_has_it_without_the_fees(amount, moved) -> None:
    header = "type,date,ticker,quantity,price,fees,amount\n"

    assert only(f"{header}BUY,2016-01-05,A,10,10,1,{amount}\n").amount == D(moved)


def test_a_bonds_amount_is_compared_per_cent_of_par() -> None:
    header = "type,date,ticker,quantity,price,accrued,amount\n"

    assert only(f"{header}SELL,2016-01-05,A,1000,99.5,4,999\n").accrued == 4


@pytest.mark.parametrize("word", ["Journal", "", "BUYY", "REVERSAL"])
def test_an_unknown_type_is_refused_by_line_and_column(word) -> None:
    refused = why(f"Action,date,amount\n{word},2016-01-05,5\n")

    assert refused == "line 2, column Action: is not a type of transaction that we know"


def ids(text: str) -> list[str | None]:
    return [row.request.external_id for row in identified(read(text, "iso", 10)) if row.request]


def test_a_row_is_known_by_what_it_says_not_by_how_it_is_written() -> None:
    one = ids("type,date,amount\nDEPOSIT,2016-01-05,5.0\n")
    same = ids("Amount;Action;Trade Date\n5.00;deposit;2016-01-05\n")

    assert one == same != ids("type,date,amount\nDEPOSIT,2016-01-05,5.01\n")


def test_the_fingerprint_of_a_row_never_changes() -> None:
    """Rows of files that were imported long ago are known again by it, with or without an amount."""
    said = '{"business_date":"2016-01-05","price":"25.5","quantity":"10","ticker":"AAPL","type":"BUY"}'
    first = f"csv:{sha256(said.encode()).hexdigest()[:24]}"

    assert ids("type,date,ticker,quantity,price,fees\nBUY,2016-01-05,AAPL,10,25.50,0\n") == [f"{first}:1"]
    twins = "BUY,2016-01-05,AAPL,10,25.50,255\nBUY,2016-01-05,AAPL,10,25.50,-255.00\n"
    assert ids("type,date,ticker,quantity,price,amount\n" + twins) == [f"{first}:1", f"{first}:2"]


def test_what_the_first_reader_could_not_read_has_ids_of_the_second() -> None:
    (known,) = ids("type,date,ticker,quantity,price,amount\nBUY,2016-01-05,A,18.572,30.96,-575.00\n")

    assert str(known).startswith("csv2:")


def test_a_statement_without_a_quantity_column_is_no_statement() -> None:
    with pytest.raises(InvalidInput, match="no header with ticker"):
        statement_rows("ticker,price\nA,1\n", 10)


FIRST = json.loads((REPOSITORY / "tests/oltp_api/first_reader_ids.json").read_text())


@pytest.mark.parametrize("file", FIRST, ids=[one["name"] for one in FIRST])
def test_lines_that_the_first_reader_read_keep_the_ids_that_it_gave(file) -> None:
    """Its ids are of the commit before it was frozen; a line that it refused has one of the second."""
    named = identified(read(file["text"], file["dates"], 100, file["account"]))
    ids = {str(row.line): row.request.external_id for row in named if row.request is not None}

    assert {line: ids[line] for line in file["ids"]} == file["ids"]
    assert all(external_id.startswith("csv2:") for line, external_id in ids.items() if line not in file["ids"])


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
    assert row.notes == ("price 34.231791044 was rounded to 34.23179104",)


@pytest.mark.parametrize(
    "file",
    [
        "type,date,ticker,quantity,price,currency,settlement currency\nBUY,2016-01-05,A,1,10,USD,EUR\n",
        "type,date,ticker,quantity,price,stamp duty\nBUY,2016-01-05,A,1,10,0.50\n",
        "type,date,ticker,quantity,price,currency,fx rate,total (EUR)\nBUY,2016-01-05,A,1,26.99,USD,1.06382,25.37\n",
        "type,date,ticker,quantity,price,currency,total (EUR)\nBUY,2016-01-05,A,1,26.99,USD,25.37\n",
    ],
)
def test_a_column_that_changes_what_a_number_means_is_not_passed_over(file) -> None:
    assert "line 2, column" in why(file)


def test_columns_that_say_what_the_row_says_anyway_are_passed_over() -> None:
    file = "type,date,ticker,quantity,price,currency,settlement currency,tax,total (USD)\n"

    request = only(f"{file}BUY,2016-01-05,A,1,10,USD,USD,0.00,-10\n")
    assert request.amount == -10
    rate = only(
        "type,date,ticker,quantity,price,currency,fx rate,total (EUR)\nBUY,2016-01-05,A,1,26.99,USD,0.94,25.37\n"
    )
    assert (rate.amount, rate.fx_rate) == (None, D("0.94"))
