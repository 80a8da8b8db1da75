"""A broker's CSV over HTTP: every row told, twins kept, the same file again without effect, a dry run without trace."""

import random
import re
import string
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from oltp_api.imports import handlers
from oltp_api.imports.reading import Hints, read
from oltp_api.imports.schemas import BatchRequest, BatchView, ImportRequest
from oltp_api.statements.schemas import ReconciliationView, StatementRequest
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements
from storage.settings import REPOSITORY
from tests.effort import IS_LONG

FILE = """type,date,ticker,quantity,price,fees,amount,currency,account,external_id,note
SELL,2016-03-01,AAPL,4,12,,,USD,,T-3,
BUY,2016-02-01,AAPL,10,10,1.5,101.5,USD,MAIN,T-2,second
WITHDRAW,2016-01-05,,,,,100,USD,,,
"""
TWINS = """type,date,ticker,quantity,price
BUY,2016-02-01,AAPL,1,10
BUY,2016-02-01,AAPL,1,10.00
BUY,2016-02-01,AAPL,2,10
"""
BROKEN = """type,date,ticker,quantity,price
BUY,2016-02-01,AAPL,1,10
BUY,2016-02-02,AAPL,1e3,10
SELL,2016-02-03,AAPL,50,10
BUY,2016-02-04,NOSUCH,1,10
"""


def send(portfolio, file: str | bytes, key: str | None = None, **options: Any) -> httpx.Response:
    headers = {"content-type": "text/csv", **({"Idempotency-Key": key} if key else {})}
    return portfolio.api.post(
        f"/portfolios/{portfolio.portfolio_id}/imports", content=file, params=options, headers=headers
    )


def imported(portfolio, file: str | bytes, **options: Any) -> dict[str, Any]:
    answer = send(portfolio, file, **options)
    assert answer.status_code == 201, answer.text
    return answer.json()


def told(report: dict[str, Any]) -> list[tuple[int, str]]:
    return [(row["line"], row["status"]) for row in report["report"]]


def test_a_reference_of_any_length_is_recorded_once(portfolio) -> None:
    """An index has room for 2,700 bytes, of what cannot be made shorter."""
    text = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=3_000))
    file = f"date,type,amount,reference\n2016-03-02,DEPOSIT,5,{text}\n2016-03-03,DEPOSIT,5,{text[:200]}\n"

    assert [status for _, status in told(imported(portfolio, file))] == ["RECORDED"] * 2
    assert [status for _, status in told(imported(portfolio, file))] == ["DUPLICATE"] * 2


def test_a_reference_is_taken_for_no_row_that_comes_with_another(api: httpx.Client, portfolio) -> None:
    """The tax of a dividend that is called A1 is no row of the file, whatever the next one is called."""
    assert api.post("/securities", json={"ticker": "ZLPO"}).status_code in (201, 409)
    file = """date,type,ticker,quantity,price,amount,withheld,reference
2016-01-05,BUY,ZLPO,10,20,-200,,A0
2016-03-01,DIVIDEND,ZLPO,,,10,1,A1
2016-03-02,DEPOSIT,,,,5,,A1+1
2016-03-03,DEPOSIT,,,,6,,+1:ref:A1
"""
    assert [status for _, status in told(imported(portfolio, file))] == ["RECORDED"] * 4
    assert [status for _, status in told(imported(portfolio, file))] == ["DUPLICATE"] * 4


def test_a_file_is_recorded_in_order_of_its_dates_and_reported_by_its_lines(portfolio) -> None:
    report = imported(portfolio, FILE, file_name="march.csv")

    assert (report["status"], report["recorded"], report["refused"]) == ("COMPLETE", 3, 0)
    assert [(row["line"], row["seq"]) for row in report["report"]] == [(2, 4), (3, 3), (4, 2)]
    rows = portfolio.get("/transactions")["items"]
    assert [(row["type"], row["external_id"]) for row in rows[1:]] == [
        ("WITHDRAW", None),
        ("BUY", None),
        ("SELL", None),
    ]
    ids = [row["external_id"] for row in report["report"]]
    assert (ids[:2], ids[2][:2], ids[2][-2:]) == (["ref:T-3", "ref:T-2"], "3:", ":1")
    assert rows[2]["note"] == "second"


def test_twins_are_both_kept_and_neither_is_added_again(portfolio, stored) -> None:
    first = imported(portfolio, TWINS)
    assert told(first) == [(2, "RECORDED"), (3, "RECORDED"), (4, "RECORDED")]
    ids = [row["external_id"] for row in first["report"]]
    assert [name.rsplit(":", 1)[1] for name in ids] == ["1", "2", "1"]
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "4"

    before = stored()
    again = imported(portfolio, TWINS)
    assert again["status"] == "NOTHING"
    assert told(again) == [(2, "DUPLICATE"), (3, "DUPLICATE"), (4, "DUPLICATE")]
    assert [row["seq"] for row in again["report"]] == [row["seq"] for row in first["report"]]
    assert stored() == before


def test_a_longer_file_adds_only_what_is_new_even_a_third_twin(portfolio) -> None:
    imported(portfolio, TWINS)
    longer = imported(portfolio, TWINS + "BUY,2016-02-01,AAPL,1,10\nBUY,2016-03-01,AAPL,5,10\n")

    assert Counter(status for _, status in told(longer)) == {"DUPLICATE": 3, "RECORDED": 2}
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "10"


def test_partial_success_is_said_and_each_refused_row_has_its_line_and_column(portfolio) -> None:
    report = imported(portfolio, BROKEN)

    assert (report["status"], report["recorded"], report["refused"]) == ("PARTIAL", 1, 3)
    assert [(row["line"], row["code"], row["column"]) for row in report["report"][1:]] == [
        (3, "invalid_number", "quantity"),
        (4, "insufficient_position", None),
        (5, "unknown_security", None),
    ]
    assert report["report"][1]["detail"] == "line 3, column quantity: '1e3' must be a number, such as 12.50"
    assert report["report"][2]["detail"].startswith("line 4: 50 asked")


def test_after_a_partial_import_the_mended_file_adds_what_was_refused_and_nothing_twice(portfolio) -> None:
    imported(portfolio, BROKEN)
    mended = BROKEN.replace("1e3", "1000").replace("NOSUCH", "MSFT")
    portfolio.post(type="DEPOSIT", amount="100000", business_date="2015-01-02")
    report = imported(portfolio, mended)

    assert told(report) == [(2, "DUPLICATE"), (3, "RECORDED"), (4, "RECORDED"), (5, "RECORDED")]
    assert report["status"] == "COMPLETE"


def test_a_file_of_which_nothing_can_be_recorded_says_so(portfolio) -> None:
    report = imported(portfolio, "type,date,ticker,quantity,price\nSELL,2016-02-01,AAPL,1,10\n")

    assert (report["status"], report["total"], report["refused"]) == ("NOTHING", 1, 1)


def test_a_dry_run_tells_what_would_happen_and_stores_nothing(portfolio, stored) -> None:
    before = stored()
    rehearsed = imported(portfolio, BROKEN, dry_run=True, register_unknown=True)

    assert rehearsed["dry_run"]
    assert told(rehearsed) == [(2, "RECORDED"), (3, "REFUSED"), (4, "REFUSED"), (5, "RECORDED")]
    assert stored() == before
    assert portfolio.get("/imports")["items"] == []
    assert portfolio.api.get(f"/imports/{rehearsed['import_id']}").status_code == 404

    real = imported(portfolio, BROKEN, register_unknown=True)
    hidden = {
        "cells": None,
        "read": None,
        "external_id": None,
    }  # an id of ours is in it, which a rehearsal does not keep
    shown = [[{**row, **hidden} for row in each["report"]] for each in (real, rehearsed)]
    assert shown[0] == shown[1], "the same numbers as the real run"
    assert {name: real[name] for name in ("balances", "reading")} == {
        name: rehearsed[name] for name in ("balances", "reading")
    }


def test_no_transaction_is_open_while_a_file_is_read(portfolio, database, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def watched(*args: Any) -> Any:
        with psycopg.connect(database.admin_url) as owner:
            query = "select query from pg_stat_activity where datname = %s and state like 'idle in transaction%%'"
            seen.append(owner.execute(query, (owner.info.dbname,)).fetchall())
        return read(*args)

    monkeypatch.setattr(handlers, "read", watched)
    imported(portfolio, BROKEN, register_unknown=True)
    assert seen == [[]]

    monkeypatch.setattr(UnitOfWork, "let_go", lambda _: None)
    imported(portfolio, BROKEN, register_unknown=True)
    assert len(seen[1]) == 1, "the control: the profiles were asked for in one"


def test_an_import_that_crashed_leaves_nothing_and_can_be_sent_again(portfolio, stored, database) -> None:
    """The report is written last: a table that is not there stands for whatever ends the unit of work."""
    before = stored()
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("alter table import_batch rename to import_batch_away")
        try:
            assert send(portfolio, TWINS, key="crash").status_code == 500
        finally:
            owner.execute("alter table import_batch_away rename to import_batch")
    assert stored() == before

    assert told(imported(portfolio, TWINS, key="crash")) == [(2, "RECORDED"), (3, "RECORDED"), (4, "RECORDED")]


def test_an_import_is_kept_with_its_report(portfolio) -> None:
    first, second = imported(portfolio, FILE, file_name="a.csv"), imported(portfolio, FILE, file_name="b.csv")

    kept = portfolio.get("/imports")["items"]
    assert [(each["file_name"], each["status"]) for each in kept] == [("a.csv", "COMPLETE"), ("b.csv", "NOTHING")]
    assert kept[0]["file_sha256"] == kept[1]["file_sha256"]
    page = portfolio.get("/imports", limit=1)
    assert portfolio.get("/imports", limit=1, cursor=page["next_cursor"])["items"] == kept[1:]
    assert portfolio.api.get(f"/imports/{first['import_id']}").json() == first
    assert portfolio.api.get(f"/imports/{second['import_id']}").json() == second


def test_an_import_honours_its_idempotency_key(portfolio, stored) -> None:
    first = send(portfolio, FILE, key="file-1")
    before = stored()
    again = send(portfolio, FILE, key="file-1")
    other = send(portfolio, TWINS, key="file-1")

    assert (again.status_code, again.content) == (201, first.content)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
    assert stored() == before


def test_a_file_in_json_is_the_same_file(portfolio) -> None:
    imported(portfolio, TWINS)
    again = portfolio.api.post(f"/portfolios/{portfolio.portfolio_id}/imports", json={"csv": TWINS, "dates": "iso"})

    assert [row["status"] for row in again.json()["report"]] == ["DUPLICATE"] * 3


@pytest.mark.parametrize("topic", [ImportRequest, BatchRequest, StatementRequest])
def test_the_examples_in_the_documentation_work(portfolio, topic) -> None:
    addresses = {ImportRequest: "imports", BatchRequest: "transactions/bulk", StatementRequest: "reconciliations"}
    for example in topic.model_json_schema()["examples"]:
        answer = portfolio.api.post(f"/portfolios/{portfolio.portfolio_id}/{addresses[topic]}", json=example)
        assert answer.is_success, answer.text
        assert answer.json().get("refused", 0) == 0


def test_the_file_in_the_documentation_is_imported_whole(portfolio) -> None:
    page = (REPOSITORY / "docs" / "imports.md").read_text()
    report = imported(portfolio, page.split("```csv\n")[1].split("```")[0])

    assert (report["status"], report["recorded"]) == ("COMPLETE", 4)
    assert [row["external_id"].split(":")[-1] for row in report["report"][1:]] == ["T-1001", "1", "2"]
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "30"


@pytest.mark.parametrize("view", [BatchView, ReconciliationView])
def test_the_examples_of_answers_are_such_answers(view) -> None:
    for example in view.model_json_schema(by_alias=False)["examples"]:
        assert set(view.model_validate(example).model_dump()) == set(example)


def test_another_users_imports_do_not_exist(api, foreign_portfolio) -> None:
    address = f"/portfolios/{foreign_portfolio}/imports"

    assert api.get(address).status_code == 404
    assert api.post(address, content=TWINS, headers={"content-type": "text/csv"}).status_code == 404


def test_unknown_tickers_are_registered_only_if_that_was_asked(portfolio, api) -> None:
    file = "type,date,ticker,quantity,price,currency\nBUY,2016-02-01,BRANDNEWX,1,10,USD\n"
    assert imported(portfolio, file)["report"][0]["code"] == "unknown_security"

    assert imported(portfolio, file, register_unknown=True)["status"] == "COMPLETE"
    assert api.get("/securities/BRANDNEWX").json()["asset_type"] == "EQUITY"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("Typ;Düsseldorf\n".encode("latin-1"), "is not UTF-8 (line 1)"),
        (b"", "has no header"),
        (b"a,b\n1,2\n", "has no header"),
        (b"type,date,amount,amount\n", "has two columns 'amount' on line 1"),
        (b'type,date,note\nBUY,2016-01-01,"open\n', "cannot be read at line 2"),
        (b"type,date,note\nDEPOSIT,2016-01-01,\0\n", "NUL"),
        ("type,date,note\nDEPOSIT,2016-01-01,\0\n".encode("utf-16"), "NUL"),
        (b'{"activities": [{"date": "\\u0000"}]}', "NUL"),
        (b'{"activities": [{"date": "\\ud800"}]}', "surrogate"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole_and_says_why(portfolio, stored, file, why) -> None:
    before = stored()
    answer = send(portfolio, file)

    assert answer.status_code == 422, answer.text
    assert why in answer.json()["detail"]
    assert stored() == before


def test_a_file_that_is_too_large_is_refused(portfolio) -> None:
    row = "DEPOSIT,2016-01-05,1\n"
    too_many = send(portfolio, "type,date,amount\n" + row * 100_001)
    too_long = send(portfolio, "type,date,amount\n" + row * 1_500_001)

    assert (too_many.status_code, too_long.status_code) == (422, 413)
    assert "100000" in too_many.json()["detail"]


def test_thousands_of_rows_and_the_same_again(new_portfolio, stored) -> None:
    mine, count = new_portfolio(initial_cash="10000000"), 10_000 if IS_LONG else 2_000
    rows = [f"BUY,2016-01-{1 + place % 28:02},AAPL,{1 + place % 5},10" for place in range(count)]
    file = "type,date,ticker,quantity,price\n" + "\n".join(rows)

    assert imported(mine, file)["recorded"] == count
    before = stored()
    assert imported(mine, file)["duplicates"] == count
    assert stored() == before


def test_the_same_file_in_parallel_is_recorded_once(portfolio) -> None:
    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(lambda _: imported(portfolio, TWINS), range(4)))

    assert sorted(report["recorded"] for report in reports) == [0, 0, 0, 3]
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "4"


def test_a_reversed_row_is_not_imported_again(portfolio) -> None:
    report = imported(portfolio, TWINS)
    seq = report["report"][0]["seq"]
    address = f"/portfolios/{portfolio.portfolio_id}/transactions/{seq}/reversal"
    assert portfolio.api.post(address, json={}).status_code == 201

    assert imported(portfolio, TWINS)["duplicates"] == 3
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "3"


AMOUNTS = """Date,Type,Symbol,Quantity,Price,Amount
2016-02-01,Buy,AAPL,18.572,30.96,{first}
2016-02-02,Buy,AAPL,0.6242,48.05,{second}
"""


def test_a_row_that_an_older_reader_recorded_is_known_and_one_that_moves_something_else_is_changed(portfolio) -> None:
    """As the first reader recorded them: without the amount, which it compared to a cent and dropped."""
    sheet = read(AMOUNTS.format(first="-574.99", second="-30.00").encode(), Hints(), {}, 10)
    for row, (units, price) in zip(sheet.drafts, (("18.572", "30.96"), ("0.6242", "48.05")), strict=True):
        known = sheet.first_ids[row.line]
        portfolio.buy(units, price, external_id=known, business_date=f"2016-02-0{row.line - 1}").raise_for_status()
    cash = portfolio.get("/cash")

    same = imported(portfolio, AMOUNTS.format(first="-574.99", second="-29.99"))
    other = imported(portfolio, AMOUNTS.format(first="-574.99", second="-30.00"))

    assert [row["status"] for row in same["report"]] == ["DUPLICATE", "DUPLICATE"]
    assert [(row["status"], row["code"]) for row in other["report"]] == [
        ("DUPLICATE", None),
        ("CHANGED", "row_changed"),
    ]
    assert "-29.99" in other["report"][1]["detail"]
    assert portfolio.get("/cash") == cash


def test_a_day_that_is_not_covered_in_its_order_is_put_in_one_that_is_and_says_so(new_portfolio) -> None:
    mine = new_portfolio(initial_cash="100", business_date="2016-01-04")
    file = "type,date,ticker,quantity,price,amount\nSELL,2016-02-01,AAPL,1,12,\nBUY,2016-02-01,AAPL,10,10,\n"

    report = imported(mine, file)["report"]
    assert [(row["status"], row["seq"], len(row["notes"])) for row in report] == [
        ("RECORDED", 3, 1),
        ("RECORDED", 2, 1),
    ]
    covered = "type,date,ticker,quantity,price\nSELL,2016-02-02,AAPL,9,12\nBUY,2016-02-02,AAPL,1,12\n"
    assert [row["notes"] for row in imported(mine, covered)["report"]] == [[], []], "in the order given, if that works"
    short = imported(mine, "type,date,ticker,quantity,price\nSELL,2016-02-03,AAPL,999,12\nBUY,2016-02-03,AAPL,1,12\n")
    assert [row["status"] for row in short["report"]] == ["REFUSED", "RECORDED"]
    assert "AAPL" in short["report"][0]["detail"]


def test_money_comes_in_before_it_goes_out_on_a_day_whose_order_does_not_work(new_portfolio) -> None:
    mine = new_portfolio(initial_cash="0", business_date="2016-01-04")
    days = ("WITHDRAW,2016-02-01,,,,50", "BUY,2016-02-01,AAPL,10,10,", "DEPOSIT,2016-02-01,,,,150")
    file = "\n".join(("type,date,ticker,quantity,price,amount", *days))

    assert imported(mine, file)["status"] == "COMPLETE"
    assert [row["type"] for row in mine.get("/transactions")["items"]] == ["DEPOSIT", "BUY", "WITHDRAW"]


def test_an_import_is_undone_at_once_and_can_be_sent_again(portfolio, stored) -> None:
    before = portfolio.get("/holdings"), portfolio.get("/cash")
    first = send(portfolio, FILE, key="once")
    address = f"/imports/{first.json()['import_id']}/undo"

    undone = portfolio.api.post(address, json={})
    assert (undone.status_code, sorted(undone.json()["reversed"])) == (200, [5, 6, 7])
    assert (portfolio.get("/holdings"), portfolio.get("/cash")) == before
    assert portfolio.api.post(address, json={}).json() == {**undone.json(), "reversed": []}
    again = send(portfolio, FILE, key="once").json()
    assert again == {**first.json(), "undone_at": undone.json()["undone_at"]}

    assert [row["status"] for row in imported(portfolio, FILE)["report"]] == ["RECORDED"] * 3
    assert imported(portfolio, FILE)["duplicates"] == 3


def test_an_import_that_something_later_needs_is_not_undone_and_the_later_row_is_named(portfolio, stored) -> None:
    report = imported(portfolio, FILE)
    portfolio.post(type="SELL", ticker="AAPL", quantity="6", price="11", business_date="2016-04-01").raise_for_status()
    before = stored()

    answer = portfolio.api.post(f"/imports/{report['import_id']}/undo", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_position")
    assert answer.json()["first_violating_date"] == "2016-04-01"
    assert stored() == before


def test_a_row_that_was_reversed_alone_stays_known_and_the_rest_of_its_import_is_undone(portfolio) -> None:
    report = imported(portfolio, TWINS)
    seq = report["report"][0]["seq"]
    portfolio.api.post(f"/portfolios/{portfolio.portfolio_id}/transactions/{seq}/reversal", json={}).raise_for_status()
    assert imported(portfolio, TWINS)["duplicates"] == 3

    undone = portfolio.api.post(f"/imports/{report['import_id']}/undo", json={}).json()
    assert len(undone["reversed"]) == 2
    assert imported(portfolio, TWINS)["recorded"] == 3


def test_another_users_import_cannot_be_undone(portfolio, api) -> None:
    assert api.post("/imports/3b5a3a52-6b0f-4a60-9f0c-0e6b6cf6f3f4/undo", json={}).status_code == 404


def test_the_same_row_in_the_files_of_two_accounts_is_two_rows(portfolio, api) -> None:
    api.post("/accounts", json={"identifier": "IRA-IMPORTS", "broker": "A"}).raise_for_status()
    row = "type,date,amount\nDEPOSIT,2016-02-01,500\n"

    assert imported(portfolio, row, account="IRA-IMPORTS")["recorded"] == 1
    assert imported(portfolio, row, account="MAIN")["recorded"] == 1
    assert imported(portfolio, row, account="IRA-IMPORTS")["duplicates"] == 1
    assert imported(portfolio, row, source="another broker")["recorded"] == 1


def test_a_file_without_an_account_of_which_older_rows_are_not_known_is_a_question(portfolio) -> None:
    header = "type,date,amount\n"
    imported(portfolio, f"{header}DEPOSIT,2016-02-01,500\n")
    file = f"{header}DEPOSIT,2016-01-15,200\nDEPOSIT,2016-02-01,500\n"

    answer = send(portfolio, file)
    assert (answer.status_code, answer.json()["code"]) == (422, "source_unclear")
    assert told(imported(portfolio, file, source="plain")) == [(2, "RECORDED"), (3, "DUPLICATE")]
    assert told(imported(portfolio, file, source="other")) == [(2, "RECORDED"), (3, "RECORDED")]


def test_missing_cash_may_be_assumed_and_is_a_row_of_its_own(new_portfolio) -> None:
    mine = new_portfolio(initial_cash="0")
    file = "type,date,ticker,quantity,price\nBUY,2016-02-01,AAPL,3,10\nSELL,2016-02-02,AAPL,1,12\n"
    assert imported(mine, file, dry_run=True)["refused"] == 2

    report = imported(mine, file, missing_cash="assume")
    assert (report["recorded"], report["assumed_cash"]) == (2, {"USD": "30"})
    rows = mine.get("/transactions")["items"]
    assert [(row["type"], row["cash_effect"]) for row in rows] == [("DEPOSIT", "30"), ("BUY", "-30"), ("SELL", "12")]
    assert rows[0]["note"].startswith("assumed")
    assert len(mine.api.post(f"/imports/{report['import_id']}/undo", json={}).json()["reversed"]) == 3


def test_a_rows_identity_is_looked_up_in_the_index_though_the_table_was_counted_empty(portfolio, database) -> None:
    """After a dry run it is: of each key all rows of the import itself were gone through."""
    fill = """
        insert into imported_row (import_id, portfolio_id, source, row_key, seq, content)
        select gen_random_uuid(), %s, 'plain', '3:' || number, number, '{}' from generate_series(1, 3000) as number
    """
    keys = [f"3:{number}" for number in range(10_000)]
    asked = {"portfolio_id": portfolio.portfolio_id, "sources": ["plain"] * len(keys), "keys": keys}
    joined = """
        select seq from imported_row
        inner join unnest(%(sources)s::text[], %(keys)s::text[]) as asked(source, row_key) using (source, row_key)
        where portfolio_id = %(portfolio_id)s and freed_at is null
    """
    with psycopg.connect(database.admin_url) as owner:
        owner.execute(fill, (portfolio.portfolio_id,))
        owner.rollback()
        owner.autocommit = True
        owner.execute("vacuum (analyze, truncate false) imported_row")
        ours, plain = (
            "\n".join(str(row) for row in owner.execute(f"explain {query}", asked))
            for query in (statements("oltp_api/imports/queries.sql")["known_rows"], joined)
        )
    by_key = re.compile(r"Index Cond: .*row_key = ")
    assert by_key.search(ours)
    assert not by_key.search(plain), "the control"


def test_an_identity_is_of_a_row_of_its_imports_own_portfolio(portfolio, new_portfolio, database) -> None:
    report = imported(portfolio, "type,date,amount\nDEPOSIT,2016-02-01,5\n")
    keep = """
        insert into imported_row (import_id, portfolio_id, source, row_key, seq, content)
        values ('{}', '{}', 'x', 'x', 1, '{{}}');
        set constraints all immediate
    """
    ids = ((report["import_id"], new_portfolio().portfolio_id), (uuid4(), portfolio.portfolio_id))
    with psycopg.connect(database.admin_url) as owner:
        for wrong in ids:
            with pytest.raises(psycopg.errors.ForeignKeyViolation, match="row_of_an_import_of_its_portfolio"):
                owner.execute(keep.format(*wrong))
            owner.rollback()
        owner.execute(keep.format(report["import_id"], portfolio.portfolio_id))
