"""Files of prices and rates as people download them: each goes in as it is, and a damaged one is never wrong."""

import csv
import io
import zipfile
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import prod
from pathlib import Path

import pyarrow as pa
import pytest
from price_downloads import ACME, BIG, DAYS, DOWNLOADS, RATES
from test_own_price_rules import TODAY, posted

from pipelines.quality.own_prices import OwnPrices, own_prices
from pipelines.quality.registry import Registry
from pipelines.quality.split_histories import LedgerSplit
from pipelines.runtime.resources import bundled_market
from pipelines.sources.price_files.cells import FORMS, Undecided, decimal_mark, form_of_days, number, out_of_order
from pipelines.sources.price_files.folder import PriceFiles, price_files, rate_files
from pipelines.sources.price_files.profiles import profiles, told_by_name

DAY_WORDS = ("date", "data", "datum", "fecha", "timestamp", "time", "tarih", "дата")
IDENTIFIERS = [
    {"security_id": 1, "id_type": "TICKER", "id_value": "ACME", "is_primary": True},
    {"security_id": 1, "id_type": "ISIN", "id_value": "US0378331005", "is_primary": False},
    {"security_id": 2, "id_type": "TICKER", "id_value": "BIG", "is_primary": True},
    {"security_id": 3, "id_type": "TICKER", "id_value": "VOD.L", "is_primary": True},
]


def registry() -> Registry:
    securities = {"security_id": [1, 2, 3], "currency": ["USD", "USD", "GBP"], "price_kind": ["AS_TRADED"] * 3}
    named = [{"valid_from": None, "valid_to": None, **row} for row in IDENTIFIERS]
    return Registry(pa.table(securities), pa.Table.from_pylist(named))


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> PriceFiles:
    (folder / name).write_bytes(text.encode(encoding))
    return price_files(folder)


def judged(files: PriceFiles) -> OwnPrices:
    return own_prices(posted(), files.lines, registry(), frozenset(), today=TODAY)


def read(files: PriceFiles) -> set[tuple[str, str, Decimal]]:
    """Closes that the lines state, before the audit of all prices."""
    meant = dict.fromkeys(("US0378331005", "ACME.US"), "ACME")
    lines = [line for line in files.lines if not line.missing]
    return {(meant.get(line.identifier, line.identifier), line.date, Decimal(line.close)) for line in lines}


def closes(verdict: OwnPrices) -> set[tuple[str, str, Decimal]]:
    names = {1: "ACME", 2: "BIG", 3: "VOD.L"}
    rows = verdict.accepted.to_pylist()
    return {(names[row["security_id"]], row["price_date"].isoformat(), row["close"]) for row in rows}


def expected(security: str, of: dict[str, str]) -> set[tuple[str, str, Decimal]]:
    return {(security, day, Decimal(close)) for day, close in of.items()}


def cells(text: str) -> tuple[list[list[str]], str]:
    first = text.splitlines()[1]
    separator = next((mark for mark in ("\t", ";") if mark in first), ",")
    return list(csv.reader(io.StringIO(text.removeprefix("sep=;\n")), delimiter=separator)), separator


def written(rows: list[list[str]], separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_download_goes_in_as_it_is(tmp_path: Path, name: str) -> None:
    text, _, security, truth = DOWNLOADS[name]

    files = put(tmp_path, name, text)
    verdict = judged(files)

    assert files.unreadable == verdict.refused == {}
    assert closes(verdict) == expected(security, truth)
    assert verdict.quarantined.num_rows == 0


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        (name, encoding)
        for encoding in ("utf-8-sig", "utf-16", "cp1252")
        for name, (text, *_) in DOWNLOADS.items()
        if text.encode(encoding, "ignore").decode(encoding) == text  # no Windows of the West has Cyrillic
    ],
)
def test_a_download_is_read_in_any_encoding_that_programs_write(tmp_path: Path, name: str, encoding: str) -> None:
    text, _, security, truth = DOWNLOADS[name]

    files = put(tmp_path, name, text.replace("\n", "\r\n"), encoding)

    assert read(files) == expected(security, truth)


@pytest.mark.parametrize("name", [name for name in DOWNLOADS if name != "ACME (1).csv"])
def test_neither_the_order_of_lines_nor_that_of_columns_matters(tmp_path: Path, name: str) -> None:
    text, _, security, truth = DOWNLOADS[name]
    rows, separator = cells(text)
    turned = [row[::-1] for row in (rows[0], *reversed(rows[1:]))]

    files = put(tmp_path, name, written(turned, separator))

    assert read(files) == expected(security, truth)


def judged_columns(name: str) -> list[int]:
    """The columns that are read: days and prices, without those that no price is compared with."""
    header = [word.strip().lower() for word in cells(DOWNLOADS[name][0])[0][0]]
    unread = (
        "vol",
        "wolumen",
        "change",
        "var",
        "+/-",
        "%",
        "adj",
        "dividend",
        "split",
        "stock",
        "divcash",
        "hac",
        "fark",
        "объём",
        "изм",
        "<time",
        "<vol",
        "<openi",
    )
    return [n for n, word in enumerate(header) if not word.startswith(unread)]


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_cell_that_is_no_day_or_number_puts_its_line_out_and_no_other(tmp_path: Path, name: str) -> None:
    text, _, security, truth = DOWNLOADS[name]
    rows, separator = cells(text)
    for column in judged_columns(name):
        damaged = [list(row) for row in rows]
        damaged[-3][column] = "x" + damaged[-3][column]
        folder = tmp_path / str(column)
        folder.mkdir()

        files = put(folder, name, written(damaged, separator))
        verdict = judged(files)

        assert len(closes(verdict)) >= len(truth) - 1
        assert closes(verdict) < expected(security, truth), rows[0][column]
        assert verdict.quarantined.num_rows == 1 or verdict.refused or files.unreadable


@pytest.mark.parametrize("name", [name for name, one in DOWNLOADS.items() if one[1] != "lakefolio"])
@pytest.mark.parametrize(
    "day", ["2016-02-01", "2017/03/21", "20170321", "03-21-2017", "21st March", "1490054400", "03/13/17"]
)
def test_a_day_in_another_form_or_out_of_the_order_is_never_taken_for_another_day(
    tmp_path: Path, name: str, day: str
) -> None:
    text, _, security, truth = DOWNLOADS[name]
    rows, separator = cells(text)
    words = [word.lower().strip("<>") for word in rows[0]]
    column = next((n for n, word in enumerate(words) if word in DAY_WORDS), 0)
    rows[-3][column] = day

    files = put(tmp_path, name, written(rows, separator))

    assert closes(judged(files)) <= expected(security, truth)


@pytest.mark.parametrize("name", [name for name, one in DOWNLOADS.items() if "igh" in one[0] or "Hoch" in one[0]])
def test_cells_under_the_wrong_heads_contradict_each_other(tmp_path: Path, name: str) -> None:
    text, _, security, truth = DOWNLOADS[name]
    rows, separator = cells(text)
    header = [word.strip("<> ").lower() for word in rows[0]]
    high = next(n for n, word in enumerate(header) if word in ("high", "hoch"))
    for other in ("low", "tief", "close", "price", "zuletzt", "close/last", "date", "datum", "timestamp", "volume"):
        if other not in header or (other == "price" and "close" in header):
            continue
        at = header.index(other)
        swapped = [list(row) for row in rows]
        swapped[0][high], swapped[0][at] = swapped[0][at], swapped[0][high]
        folder = tmp_path / other.replace("/", "")
        folder.mkdir()

        verdict = judged(put(folder, name, written(swapped, separator)))

        assert closes(verdict) <= expected(security, truth), other


@pytest.mark.parametrize("name", RATES)
def test_a_file_of_rates_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    text, _, truth = RATES[name]

    assert put(tmp_path, name, text) == PriceFiles((), {}, {}), "among prices it is neither read nor refused"
    files = rate_files(tmp_path)

    assert files.unreadable == files.notes == {}
    assert files.lines == ()
    assert {(rate.series, rate.day.isoformat()): rate.value for rate in files.rates} == {
        key: Decimal(value) for key, value in truth.items()
    }


def test_the_central_banks_archive_is_read_as_the_file_in_it(tmp_path: Path) -> None:
    text, _, truth = RATES["eurofxref-hist.csv"]
    with zipfile.ZipFile(tmp_path / "eurofxref-hist.zip", "w") as archive:
        archive.writestr("eurofxref-hist.csv", text)

    assert len(rate_files(tmp_path).rates) == len(truth)


def test_a_damaged_rate_is_left_out_and_named(tmp_path: Path) -> None:
    put(tmp_path, "DGS10.csv", "observation_date,DGS10\n2017-03-27,2.38\n2017-03-28,2,39\n2017-03-29,2.x\n")
    put(tmp_path, "DFF.csv", "observation_date,DFF\n2017-03-27,0.91\n")
    files = rate_files(tmp_path)

    assert [str(rate.value) for rate in files.rates] == ["2.38"]
    assert "line 3" in files.notes["DGS10.csv"]
    assert "line 4" in files.notes["DGS10.csv"]
    assert "DGS1MO" in files.notes["DFF.csv"]


def test_every_download_is_of_the_format_that_is_meant() -> None:
    known = [profile.name for profile in profiles()]
    fixtures = {one[1] for one in (*DOWNLOADS.values(), *RATES.values())}

    assert len(set(known)) == len(known)
    assert fixtures == set(known), "each format has a fixture"


@pytest.mark.parametrize("name", [*DOWNLOADS, *RATES])
def test_no_two_formats_fit_one_header(name: str) -> None:
    text, meant = (DOWNLOADS.get(name) or RATES[name])[:2]
    rows, separator = cells(text)
    header = [word.strip() for word in rows[0] if word.strip()]

    fitting = [one.name for one in profiles() if separator in one.separators and one.fitted(header)]

    assert fitting[0] == meant or fitting == ["stooq", meant]
    assert (
        fitting == [meant] or set(fitting) in ({"stooq", "us-quotes"}, {"yahoo", "yahoo-page"}) or "fred" in fitting[1:]
    ), fitting


def test_the_adjusted_close_is_named_and_not_taken(tmp_path: Path) -> None:
    text, *_ = DOWNLOADS["ACME.csv"]

    notes = put(tmp_path, "ACME.csv", text).notes["ACME.csv"]

    assert "Adj Close" in notes
    assert "splits" in notes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HistoricalData_1490659200000.csv", DOWNLOADS["BIG.csv"][0]),
        ("intraday_5min_ACME.csv", DOWNLOADS["daily_ACME.csv"][0]),
        (".csv.csv", "Date,Quote\n2017-03-21,12.10\n"),
    ],
)
def test_a_name_without_a_security_is_refused_and_says_how_to_name_it(tmp_path: Path, name: str, text: str) -> None:
    files = put(tmp_path, name.lstrip(".") if name == ".csv.csv" else name, text)
    if name == ".csv.csv":
        assert "CSV" in judged(files).refused["csv.csv"]
        return
    assert "AAPL.csv" in files.unreadable[name]


def test_a_renamed_file_goes_in_and_the_others_beside_it(tmp_path: Path) -> None:
    put(tmp_path, "HistoricalData_1.csv", DOWNLOADS["BIG.csv"][0])
    put(tmp_path, "Apple.csv", DOWNLOADS["ACME.csv"][0])
    files = put(tmp_path, "BIG.csv", DOWNLOADS["BIG.csv"][0])

    verdict = judged(files)

    assert closes(verdict) == expected("BIG", BIG)
    assert set(files.unreadable) == {"HistoricalData_1.csv"}
    assert set(verdict.refused) == {"Apple.csv"}
    assert "'APPLE'" in verdict.refused["Apple.csv"]
    assert verdict.quarantined.num_rows == 0


def test_what_may_be_pence_is_refused_until_the_name_says_the_unit(tmp_path: Path) -> None:
    text = DOWNLOADS["acme_us_d.csv"][0]

    asked = judged(put(tmp_path, "vod_uk_d.csv", text))
    (tmp_path / "vod_uk_d.csv").rename(tmp_path / "VOD.L GBX.csv")
    pence = judged(price_files(tmp_path))
    (tmp_path / "VOD.L GBX.csv").rename(tmp_path / "VOD.L GBP.csv")
    pounds = judged(price_files(tmp_path))

    assert asked.accepted.num_rows == 0
    assert "VOD.UK GBX.csv" in asked.refused["vod_uk_d.csv"]
    assert closes(pence) == {("VOD.L", day, Decimal(close) / 100) for day, close in ACME.items()}
    assert closes(pounds) == expected("VOD.L", ACME)


def test_a_unit_in_the_name_that_is_not_the_securitys_is_a_wrong_currency(tmp_path: Path) -> None:
    verdict = judged(put(tmp_path, "ACME EUR.csv", DOWNLOADS["ACME.csv"][0]))

    assert set(verdict.quarantined["reason"].to_pylist()) == {"WRONG_CURRENCY"}
    assert verdict.accepted.num_rows == 0


def test_another_exchanges_namesake_is_not_taken(tmp_path: Path) -> None:
    assert told_by_name("acme_uk_d", one("stooq")).identifiers == ("ACME.UK", "ACME.L")
    assert told_by_name("acme_us_d", one("stooq")).identifiers == ("ACME.US", "ACME")

    verdict = judged(put(tmp_path, "acme_uk_d.csv", DOWNLOADS["acme_us_d.csv"][0]))

    assert verdict.accepted.num_rows == 0
    assert list(verdict.refused) == ["acme_uk_d.csv"]


def one(name: str) -> "object":
    return next(profile for profile in profiles() if profile.name == name)


def test_days_that_may_be_months_are_refused_until_the_name_says_which(tmp_path: Path) -> None:
    text = '"Date","Price","Open","High","Low","Vol.","Change %"\n' + "".join(
        f'"0{n}/02/2017","12.{n}0","12.00","13.00","11.00","1M","0%"\n' for n in (1, 2, 3)
    )
    files = put(tmp_path, "ACME.csv", text)
    assert closes(judged(files)) == set()
    assert "two ways" in files.unreadable["ACME.csv"]
    (tmp_path / "ACME.csv").rename(tmp_path / "ACME dmy.csv")

    found = closes(judged(price_files(tmp_path)))

    assert {day for _, day, _ in found} == {"2017-02-01", "2017-02-02", "2017-02-03"}


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["03/04/2017", "03/05/2017", "03/13/2017"], "mdy"),
        (["03/04/2017", "04/04/2017", "13/04/2017"], "dmy"),
        (["28.02.2017", "01.03.2017"], "dmy"),
        (["12/30/2016", "01/02/2017"], "mdy"),
        (["11/02/2017", "12/02/2017", "01/03/2017"], "dmy"),  # read as mdy it would go forth and back
    ],
)
def test_the_whole_file_decides_between_days_and_months(texts: list[str], form: str) -> None:
    assert form_of_days(texts, ["mdy", "dmy"]) == form


@pytest.mark.parametrize("texts", [["01/02/2017"], ["01/02/2017", "01/03/2017"], ["03/13/2017", "13/03/2017"]])
def test_days_that_nothing_decides_or_that_contradict_each_other_are_refused(texts: list[str]) -> None:
    with pytest.raises(Undecided):
        form_of_days(texts, ["mdy", "dmy"])


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["12,5"], ","),
        (["12.5"], "."),
        (["1.234,50", "1.234"], ","),
        (["1,234,567"], "."),
        (["12"], "."),
        (["0,123"], ","),
    ],
)
def test_the_whole_file_decides_what_a_comma_is(texts: list[str], mark: str) -> None:
    assert decimal_mark(texts) == mark


@pytest.mark.parametrize("texts", [["1.234"], ["12,5", "12.5"]])
def test_numbers_that_nothing_decides_or_that_contradict_each_other_are_refused(texts: list[str]) -> None:
    with pytest.raises(Undecided):
        decimal_mark(texts)


@pytest.mark.parametrize("text", ["1_000", "1e3", "٣", "12,34.5", "1,23", "", "-", "12.", ".5", "0x1", "NaN", "1 2"])
def test_what_a_person_would_not_write_is_no_number(text: str) -> None:
    assert number(text, ".", thousands=True) is None


@pytest.mark.parametrize("text", ["2017-02-30", "2017-3-29", "٢٠١٧-٠٣-٢٩", "2017-03-29T12:00"])
def test_no_day_is_no_day_in_any_form(text: str) -> None:
    assert [form for form, reads in FORMS.items() if reads(text)] == []


def test_the_days_that_are_out_of_the_order_are_the_fewest() -> None:
    days = [FORMS["iso"](text) for text in ("2017-03-21", "2017-03-22", "2016-03-23", "2017-03-23", "2017-03-23")]

    assert out_of_order([day for day in days if day]) == [2]


@pytest.mark.parametrize(("line", "day"), [(1, "2016-03-21"), (5, "2016-12-27"), (5, "2017-07-27")])
def test_an_end_that_is_far_from_the_rest_is_put_out(tmp_path: Path, line: int, day: str) -> None:
    rows, separator = cells(DOWNLOADS["ACME.csv"][0])
    rows[line][0] = day

    files = put(tmp_path, "ACME.csv", written(rows, separator))

    assert read(files) == expected("ACME", {day: ACME[day] for n, day in enumerate(DAYS, 1) if n != line})


def test_remarks_below_and_days_without_a_close_are_left_out_and_counted(tmp_path: Path) -> None:
    text = DOWNLOADS["ACME.csv"][0] + "2017-03-28,null,null,null,null,null,null\n\nData delayed by 15 minutes\n"

    files = put(tmp_path, "ACME.csv", text)

    assert closes(judged(files)) == expected("ACME", ACME)
    assert judged(files).quarantined.num_rows == 0
    assert "Data delayed" in files.notes["ACME.csv"]
    assert "one line without a close" in files.notes["ACME.csv"]


def test_days_to_come_wait_and_those_before_the_calendar_are_left_out(tmp_path: Path) -> None:
    text = "Date,Quote\n1969-12-31,12.00\n2017-03-28,12.10\n2017-03-29,12.20\n2017-03-30,12.30\n2026-01-02,50\n"

    verdict = judged(put(tmp_path, "ACME.csv", text))

    assert {day for _, day, _ in closes(verdict)} == {"2017-03-28", "2017-03-29"}
    assert verdict.quarantined.num_rows == 0
    assert verdict.remarks["ACME.csv"].startswith("1 of its prices are of before 1970-01-01; 2 of its prices")


def test_a_history_of_a_security_that_is_priced_elsewhere_is_refused_as_one(tmp_path: Path) -> None:
    files = put(tmp_path, "ACME.csv", DOWNLOADS["ACME.csv"][0])

    of_market = own_prices(posted(), files.lines, registry(), frozenset({"ACME"}), today=TODAY)
    of_people = own_prices(posted((1, 1, DAYS[0], "12")), files.lines, registry(), frozenset(), today=TODAY)

    for verdict in (of_market, of_people):
        assert list(verdict.refused) == ["ACME.csv"]
        assert verdict.quarantined.num_rows == 0


def test_two_downloads_that_overlap_count_once_and_two_that_differ_do_not_count(tmp_path: Path) -> None:
    put(tmp_path, "ACME.csv", DOWNLOADS["ACME.csv"][0])
    put(tmp_path, "ACME (2).csv", DOWNLOADS["ACME.csv"][0])
    assert closes(judged(price_files(tmp_path))) == expected("ACME", ACME)

    put(tmp_path, "ACME (2).csv", DOWNLOADS["ACME.csv"][0].replace("12.550000", "12.500000"))

    assert closes(judged(price_files(tmp_path))) == expected("ACME", {day: ACME[day] for day in DAYS[:-1]})


def test_a_longer_download_repeats_an_older_one_without_a_word_in_quarantine(tmp_path: Path) -> None:
    """`yfinance` writes 12.100000381 for the 12.1 of Yahoo's own file."""
    put(tmp_path, "ACME.csv", DOWNLOADS["ACME.csv"][0])

    verdict = judged(put(tmp_path, "ACME (1).csv", DOWNLOADS["ACME (1).csv"][0]))

    assert len(closes(verdict)) == len(ACME)
    assert verdict.quarantined.num_rows == 0
    assert verdict.remarks == {"ACME.csv": "5 of its prices are in ACME (1).csv too; " + _MIXED} | {
        "ACME (1).csv": _MIXED
    }


_MIXED = (
    "closes of ACME may be adjusted for dividends in ACME (1).csv, and are not in ACME.csv: if they are, the series "
    "has a step where they meet, so take one of them out"
)


def test_a_line_without_the_volume_that_its_source_does_not_know_is_read_and_one_that_is_cut_off_is_not(
    tmp_path: Path,
) -> None:
    """stooq ends such a line after the close."""
    text = DOWNLOADS["acme_us_d.csv"][0].replace(",981200", "")
    files = put(tmp_path, "acme_us_d.csv", text + "2017-03-28,12.5,12.6,12.5,12.5")
    assert closes(judged(files)) == expected("ACME", {**ACME, "2017-03-28": "12.5"})

    files = put(tmp_path, "acme_us_d.csv", DOWNLOADS["acme_us_d.csv"][0] + "2017-03-28,12.5,12.6,12.5,12.5")
    assert closes(judged(files)) == expected("ACME", ACME)
    assert judged(files).quarantined.num_rows == 1


def test_what_a_page_tells_of_dividends_and_splits_is_no_price_and_counted(tmp_path: Path) -> None:
    text = DOWNLOADS["ACME.txt"][0] + "Mar 20, 2017\t4:1 Stock Splits\n*Close price adjusted for splits.\n"

    files = put(tmp_path, "ACME.txt", text)

    assert closes(judged(files)) == expected("ACME", ACME)
    assert "2 lines of a dividend or a split" in files.notes["ACME.txt"]


def test_a_table_of_all_quotes_names_by_ticker_what_has_no_isin(tmp_path: Path) -> None:
    text = "Datum;US0378331005;BIG;Mein Fonds\n2017-03-21;12,10;1.234,50;7,1\n2017-03-22;12,25;;7,2\n"

    verdict = judged(put(tmp_path, "alle Kurse.csv", text))

    assert closes(verdict) == {
        ("ACME", DAYS[0], Decimal("12.10")),
        ("ACME", DAYS[1], Decimal("12.25")),
        ("BIG", DAYS[0], Decimal("1234.50")),
    }
    assert "'Mein Fonds'" in verdict.refused["alle Kurse.csv"]


def test_years_of_two_digits_are_asked_as_others_are(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close\n03/02/17,12,12,12,12\n03/03/17,12,12,12,12\n"

    asked = put(tmp_path, "ACME.csv", text).unreadable["ACME.csv"]
    (tmp_path / "ACME.csv").rename(tmp_path / "ACME mdy.csv")

    assert "add mdy or dmy to its name" in asked
    assert {day for _, day, _ in closes(judged(price_files(tmp_path)))} == {"2017-03-02", "2017-03-03"}


def test_a_series_that_nobody_uses_is_named_once(tmp_path: Path) -> None:
    put(tmp_path, "DFF.csv", "DATE,DFF\n" + "".join(f"2017-03-{n},0.91\n" for n in range(10, 20)))

    assert rate_files(tmp_path).notes["DFF.csv"].startswith("not read: 10 lines from 2 on: DFF is none of")


def test_an_archive_of_many_files_or_a_large_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d_us_txt.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("aapl.us.txt", "a")
        archive.writestr("ibm.us.txt", "b")
    with (tmp_path / "large.csv").open("wb") as large:
        large.truncate(64_000_001)

    assert {name: why[:8] for name, why in price_files(tmp_path).unreadable.items()} == {
        "d_us_txt.zip": "has 2 fi",
        "large.csv": "has more",
    }


@pytest.mark.parametrize("name", ["ACME.csv", "BIG Historical Data.csv", "BIG Historische Daten.csv"])
@pytest.mark.parametrize("step", [7, 31])
def test_weeks_and_months_that_stand_beside_their_first_day_are_refused(tmp_path: Path, name: str, step: int) -> None:
    """Yahoo and Investing.com date the close of 31 March 1 March; as a close of that day it would be wrong."""
    rows, separator = cells(DOWNLOADS[name][0])
    form = "%Y-%m-%d" if name == "ACME.csv" else "%d.%m.%Y" if "Daten" in name else "%m/%d/%Y"
    for n, row in enumerate(rows[1:]):
        row[0] = (date(2017, 1, 2) - timedelta(days=step * n)).strftime(form)

    files = put(tmp_path, name, written(rows, separator))

    assert files.lines == ()
    assert "daily" in files.unreadable[name]


def test_dollars_are_not_taken_for_another_currency(tmp_path: Path) -> None:
    verdict = judged(put(tmp_path, "VOD.L GBP.csv", DOWNLOADS["BIG.csv"][0]))

    assert verdict.accepted.num_rows == 0
    assert "GBP" in verdict.refused["VOD.L GBP.csv"]


def test_a_class_of_shares_is_found_as_others_write_it() -> None:
    assert told_by_name("BRK-B", one("yahoo")).identifiers == ("BRK-B", "BRK.B")
    assert told_by_name("brk-b_us_d", one("stooq")).identifiers[:2] == ("BRK-B.US", "BRK-B")
    assert "BRK.B" in told_by_name("brk-b_us_d", one("stooq")).identifiers


def test_a_file_whose_days_are_all_in_another_form_is_one_warning_and_an_empty_one_a_remark(tmp_path: Path) -> None:
    put(tmp_path, "ACME.csv", "Date,Quote\n21 Mar,12.10\n22 Mar,12.20\n")
    put(tmp_path, "nothing.csv", "\n\n")
    files = put(tmp_path, "BIG.csv", "Date,Quote\n")

    assert list(files.unreadable) == ["ACME.csv", "nothing.csv"]
    assert files.unreadable["nothing.csv"] == "is empty"
    assert list(files.notes) == ["BIG.csv"]
    assert files.lines == ()


YAHOO = """Date,Open,High,Low,Close,Adj Close,Volume
2017-03-21,12.00,12.20,11.90,12.10,11.50,1
2017-03-22,12.10,12.30,12.05,12.25,11.60,1
2017-03-23,12.20,12.25,12.00,12.05,11.40,1
2017-03-24,12.05,12.45,12.05,12.40,11.70,1
"""
FOUR_FOR_ONE = LedgerSplit(date(2017, 3, 23), Decimal(4), Decimal(1))


@pytest.mark.parametrize("ratio", [("4", "1"), ("1", "3")])
def test_a_close_that_is_adjusted_for_a_split_of_the_ledger_is_restated_as_it_traded(tmp_path: Path, ratio) -> None:
    """RULEBOOK 4: raw close = close x the ratios of the splits after it."""
    new, old = map(Decimal, ratio)
    files = put(tmp_path, "ACME.csv", YAHOO)

    verdict = own_prices(
        posted(),
        files.lines,
        registry(),
        frozenset(),
        today=TODAY,
        splits={1: [LedgerSplit(date(2017, 3, 23), new, old)]},
    )

    before = {DAYS[0]: Decimal("12.10"), DAYS[1]: Decimal("12.25")}
    expected_closes = {
        day: (close * new / old).quantize(Decimal("1e-8"), ROUND_HALF_UP) for day, close in before.items()
    }
    assert closes(verdict) == {("ACME", day, close) for day, close in expected_closes.items()} | {
        ("ACME", DAYS[2], Decimal("12.05")),
        ("ACME", DAYS[3], Decimal("12.40")),
    }
    assert "split" in verdict.remarks["ACME.csv"]


def test_a_history_with_the_step_of_the_split_is_as_traded_already(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Volume\n2017-03-22,48,50,47,49,1\n2017-03-23,12,12.5,11.9,12.05,1\n"
    files = put(tmp_path, "ACME.csv", text)

    verdict = own_prices(posted(), files.lines, registry(), frozenset(), today=TODAY, splits={1: [FOUR_FOR_ONE]})

    assert closes(verdict) == {("ACME", "2017-03-22", Decimal(49)), ("ACME", "2017-03-23", Decimal("12.05"))}


@pytest.mark.parametrize(
    "splits",
    [
        [LedgerSplit(date(2017, 3, 28), Decimal(4), Decimal(1))],
        [FOUR_FOR_ONE, LedgerSplit(date(2017, 3, 24), Decimal(5), Decimal(1))],
    ],
)
def test_what_may_be_adjusted_or_not_is_put_out_and_says_why(tmp_path: Path, splits: list[LedgerSplit]) -> None:
    files = put(tmp_path, "ACME.csv", YAHOO)

    verdict = own_prices(posted(), files.lines, registry(), frozenset(), today=TODAY, splits={1: splits})

    out = verdict.quarantined.to_pylist()
    assert {row["reason"] for row in out} == {"UNREADABLE"}
    assert {row["price_date"].isoformat() for row in out} == {
        day for day in DAYS[:4] if day < splits[0].day.isoformat()
    }
    assert all("split" in row["detail"] for row in out)


def test_prices_of_ones_own_format_and_as_traded_ones_are_left_alone(tmp_path: Path) -> None:
    lines = put(
        tmp_path, "mine.csv", "identifier,date,close,currency\nACME,2017-03-22,12,USD\nACME,2017-03-23,12,USD\n"
    ).lines

    verdict = own_prices(posted(), lines, registry(), frozenset(), today=TODAY, splits={1: [FOUR_FOR_ONE]})

    assert closes(verdict) == {("ACME", "2017-03-22", Decimal(12)), ("ACME", "2017-03-23", Decimal(12))}


@pytest.mark.parametrize("ticker", ["AAPL", "MSFT"])
def test_real_prices_that_are_adjusted_for_real_splits_are_those_on_the_screen_again(
    tmp_path: Path, ticker: str
) -> None:
    """Shares of the bundled market from 2000 to 2013, which has them as they traded, in the way of a download."""
    market = bundled_market("as_traded")
    span = (date(2000, 3, 1), date(2013, 3, 1))
    traded = {row["price_date"]: row["close"] for row in market.prices(*span).to_pylist() if row["ticker"] == ticker}
    splits = [
        LedgerSplit(row["action_date"], row["split_new"], row["split_old"])
        for row in market.corporate_actions(*span).to_pylist()
        if (row["ticker"], row["action_type"]) == (ticker, "SPLIT")
    ]
    rows = ["Date,Open,High,Low,Close,Adj Close,Volume"]
    for day, close in sorted(traded.items()):
        adjusted = close / prod(split.ratio for split in splits if split.day > day)
        rows.append(f"{day},,,,{adjusted:.6f},{adjusted / 2:.6f},1")
    files = put(tmp_path, "ACME.csv", "\n".join(rows))

    verdict = own_prices(posted(), files.lines, registry(), frozenset(), today=TODAY, splits={1: splits})

    assert splits
    assert closes(verdict) == {("ACME", day.isoformat(), close) for day, close in traded.items()}
