"""Posted prices and files of prices: which rows count, which are put out, and why."""

from copy import copy
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.quality.own_prices import OwnPrices, own_prices
from pipelines.quality.registry import Registry
from pipelines.sources.market_tables import CORPORATE_ACTIONS
from pipelines.sources.price_files.folder import price_files

TODAY = date(2017, 3, 29)
REGISTRY = Registry(
    pa.table({"security_id": [1, 2], "currency": ["USD", "EUR"], "price_kind": ["AS_TRADED", "TOTAL_RETURN"]}),
    pa.Table.from_pylist(
        [
            {"security_id": 1, "id_type": "TICKER", "id_value": "ACME", "is_primary": True},
            {"security_id": 1, "id_type": "ISIN", "id_value": "US0378331005", "is_primary": True},
            {"security_id": 2, "id_type": "TICKER", "id_value": "FUNDX", "is_primary": True},
            {"security_id": 2, "id_type": "TICKER", "id_value": "OLD", "is_primary": False, "valid_to": TODAY},
        ],
        schema=pa.schema(
            [
                ("security_id", pa.int64()),
                ("id_type", pa.string()),
                ("id_value", pa.string()),
                ("is_primary", pa.bool_()),
                ("valid_from", pa.date32()),
                ("valid_to", pa.date32()),
            ]
        ),
    ),
)


def posted(*rows: tuple[int, int, str, str], owner: str | None = None) -> pa.Table:
    """(number, security, day, close), in its currency; published for all, or of an owner."""
    named = ("posted_price_id", "security_id", "price_date", "close", "currency", "owner_id", "posted_at")
    said = [
        (number, security, date.fromisoformat(day), Decimal(close), "USD" if security == 1 else "EUR", owner, MOMENT)
        for number, security, day, close in rows
    ]
    return pa.table({name: [row[n] for row in said] for n, name in enumerate(named)})


MOMENT = datetime(2017, 3, 29, tzinfo=UTC)


def judged(
    folder: Path, *lines: str, rows: pa.Table | None = None, market: frozenset[str] = frozenset(), **more: Any
) -> OwnPrices:
    (folder / "a.csv").write_text("\n".join(["identifier,date,close,currency", *lines]))
    files = price_files(folder)
    assert files.unreadable == {}
    return own_prices(rows or posted(), files.lines, REGISTRY, market, today=TODAY, **more)


def reasons(verdict: OwnPrices) -> list[str]:
    return [str(reason) for reason in verdict.quarantined["reason"].to_pylist()]


def test_the_newest_posted_price_of_a_day_counts_in_whatever_order_rows_are_read(tmp_path: Path) -> None:
    rows = posted((3, 1, "2017-03-28", "11"), (1, 1, "2017-03-28", "10"), (2, 1, "2017-03-29", "12"))

    found = judged(tmp_path, rows=rows).accepted.to_pylist()

    assert [(str(row["price_date"]), row["close"], row["posted_price_id"]) for row in found] == [
        ("2017-03-28", 11, 3),
        ("2017-03-29", 12, 2),
    ]


def test_a_close_in_pence_is_in_pounds(tmp_path: Path) -> None:
    pounds = copy(REGISTRY)
    pounds.securities = {**REGISTRY.securities, 1: {**REGISTRY.securities[1], "currency": "GBP"}}
    (tmp_path / "a.csv").write_text("identifier,date,close,currency\nACME,2017-03-28,4082,GBX\n")

    found = own_prices(posted(), price_files(tmp_path).lines, pounds, frozenset(), today=TODAY)

    assert [(row["close"], row["currency"]) for row in found.accepted.to_pylist()] == [(Decimal("40.82"), "GBP")]
    assert found.quarantined.num_rows == 0


def test_an_identifier_of_any_type_means_what_it_meant_on_the_day(tmp_path: Path) -> None:
    lines = ["us0378331005,2017-03-28,10,USD", "OLD,2017-03-28,20,EUR", "OLD,2017-03-29,20,EUR"]

    verdict = judged(tmp_path, *lines)

    kinds = [(row["security_id"], row["price_kind"], row["file"]) for row in verdict.accepted.to_pylist()]
    assert kinds == [(1, "AS_TRADED", "a.csv"), (2, "TOTAL_RETURN", "a.csv")]
    assert verdict.quarantined["detail"].to_pylist() == [
        "a.csv line 4: no security is registered under 'OLD' on 2017-03-29"
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ACME,2017-03-30,10,USD", "FUTURE"),
        ("ACME,2017-03-27,0,USD", "ZERO"),
        ("ACME,2017-03-27,-10,USD", "NEGATIVE"),
        ("ACME,2017-03-27,NaN,USD", "NOT_A_NUMBER"),
        ("ACME,2017-03-27,,USD", "NOT_A_NUMBER"),
        ("ACME,2017-03-27,10,EUR", "WRONG_CURRENCY"),
        ("ACME,2017-03-27,10.123456789,USD", "UNREADABLE"),
        ("ACME,03/27/2017,10,USD", "UNREADABLE"),
        ("ACME,1969-12-31,10,USD", "UNREADABLE"),
        ("ACME,2017-03-27,10", "UNREADABLE"),
        ("ACME,2017-03-27,1000,USD", "TIMES_100"),
        ("ACME,2017-03-23,10.5,USD", "DUPLICATE"),
        ("NOBODY,2017-03-27,10,USD", "UNKNOWN_SECURITY"),
    ],
)
def test_a_bad_line_is_named_with_its_reason_and_the_good_ones_stay(tmp_path: Path, line: str, reason: str) -> None:
    good = [f"ACME,2017-03-{day},10.{day},USD" for day in range(20, 26)]  # a Saturday too

    verdict = judged(tmp_path, *good, line)

    twins = 1 if reason == "DUPLICATE" else 0
    assert reasons(verdict) == [reason] * (1 + twins)
    assert any("a.csv line 8: " in detail for detail in verdict.quarantined["detail"].to_pylist())
    assert verdict.accepted.num_rows == 6 - twins
    again = judged(tmp_path, line, *good)
    assert set(again.quarantined["id"].to_pylist()) == set(verdict.quarantined["id"].to_pylist()), "wherever it stands"


def test_one_security_has_one_source(tmp_path: Path) -> None:
    lines = ["ACME,2017-03-28,10,USD", "FUNDX,2017-03-28,20,EUR"]
    rows = posted((1, 1, "2017-03-29", "10"))

    both = judged(tmp_path, *lines, rows=rows)
    of_the_market = judged(tmp_path, *lines, rows=rows, market=frozenset({"ACME"}))

    assert both.accepted["price_source"].to_pylist() == ["POSTED", "FOLDER"]
    assert of_the_market.accepted["price_source"].to_pylist() == ["FOLDER"]
    assert reasons(both) == ["PRICED_ELSEWHERE"]
    assert sorted(of_the_market.quarantined["compared_with"].to_pylist()) == ["MARKET", "MARKET"]


def test_each_owners_prices_are_a_series_of_their_own(tmp_path: Path) -> None:
    """A hundredfold close of one is in quarantine under an id of its own, and lets pass for that one alone."""
    days = [(f"2017-03-{day}", "10") for day in range(20, 26)]
    of_ann = posted(*((number, 1, *one) for number, one in enumerate(days)), (7, 1, "2017-03-27", "1000"), owner="ann")
    of_ben = posted(*((number, 1, day, "1000") for number, (day, _) in enumerate(days, 10)), owner="ben")
    again = posted((20, 1, "2017-03-27", "1000"), owner="ben")
    rows = pa.concat_tables([of_ann, of_ben, again], promote_options="permissive")

    verdict = judged(tmp_path, rows=rows)
    (out,) = verdict.quarantined.to_pylist()
    let_pass = judged(tmp_path, rows=rows, waived={out["id"]})

    assert (out["owner_id"], out["reason"], out["close"]) == ("ann", "TIMES_100", "1000")
    assert verdict.accepted["owner_id"].to_pylist() == ["ann"] * 6 + ["ben"] * 7
    assert let_pass.accepted["owner_id"].to_pylist() == ["ann"] * 7 + ["ben"] * 7


@pytest.mark.parametrize(("line", "rows"), [("ACME,2017-03-28,10,USD", []), ("", [(2, 1, "2017-03-29", "11")])])
def test_what_is_for_all_comes_before_an_owners_own(
    tmp_path: Path, line: str, rows: list[tuple[int, int, str, str]]
) -> None:
    own = posted((1, 1, "2017-03-28", "12"), owner="ann")
    both = pa.concat_tables([own, posted(*rows)], promote_options="permissive") if rows else own

    verdict = judged(tmp_path, *filter(None, [line]), rows=both)

    assert verdict.accepted["owner_id"].to_pylist() == [None]
    assert [(row["owner_id"], row["reason"]) for row in verdict.quarantined.to_pylist()] == [
        ("ann", "PRICED_ELSEWHERE")
    ]


def test_a_released_row_counts(tmp_path: Path) -> None:
    lines = [f"ACME,2017-03-{day},10,USD" for day in range(20, 26)]
    held = judged(tmp_path, *lines, "ACME,2017-03-27,1000,USD").quarantined

    after = judged(tmp_path, *lines, "ACME,2017-03-27,1000,USD", waived=set(held["id"].to_pylist()))

    assert (reasons(after), after.accepted.num_rows) == ([], 7)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("b.xlsx", b"PK", "is no .csv"),
        ("b.csv", b"PK\3\4\0\0", "is no text"),
        ("b.csv", b'identifier,date,close,currency\n"ACME,2017-03-28,10,USD\n', "is no CSV"),
        ("b.csv", b"ticker,date,close,currency\nACME,2017-03-28,10,USD\n", "is in no format that is known"),
        ("b.csv", b"", "is empty"),
        ("b.zip", b"PK", "is no zip file"),
    ],
)
def test_a_file_that_is_no_csv_of_prices_is_one_warning(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "good.csv").write_text("Date,Identifier,Close,Currency,Note\n2017-03-28,ACME,10,USD,n\n\n")
    (tmp_path / ".hidden").write_bytes(b"\0")

    files = price_files(tmp_path)

    assert [line.place for line in files.lines] == ["good.csv line 2"]
    assert list(files.unreadable) == [name]
    assert why in files.unreadable[name]


def test_without_a_folder_there_are_no_files(tmp_path: Path) -> None:
    assert price_files(tmp_path / "none").lines == ()


def test_a_split_that_the_market_tells_is_no_unit_of_a_hundred(tmp_path: Path) -> None:
    lines = [f"ACME,2017-03-{day:02},{0.5 if day < 20 else 50},USD" for day in range(1, 29)]
    row = {"ticker": "ACME", "action_date": date(2017, 3, 20), "action_type": "SPLIT"}
    told = pa.Table.from_pylist([{**row, "split_new": Decimal(1), "split_old": Decimal(100)}], schema=CORPORATE_ACTIONS)

    assert judged(tmp_path, *lines, actions=told).quarantined.num_rows == 0
    assert set(reasons(judged(tmp_path, *lines))) == {"TIMES_100"}
