"""An owner's own profiles over HTTP: checked on a sample, stored, used for files that they fit, and deleted.

An owner's SELECT runs in a process of its own, which takes half a second: the long form has more of what it
refuses.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from oltp_api.imports.schemas import A_SAMPLE, AN_OWN_PROFILE
from storage.settings import REPOSITORY

FILE = """/*
title: Musterbank, Umsätze
recognised: [Buchungstag, Vorgang, Stück, Betrag EUR]
separator: ";"
encoding: latin-1
dates: dmy
decimal: ","
*/
select
    line,
    case "Vorgang"
        when 'Einzahlung' then 'DEPOSIT'
        when 'Kauf' then 'BUY'
        when 'Verkauf' then 'SELL'
        else "Vorgang"
    end as type,
    "Buchungstag" as day,
    "Wertpapier" as ticker,
    "Stück" as quantity,
    "Kurs" as price,
    "Betrag EUR" as amount,
    'USD' as currency,
    case when "Buchungstag" = 'Summe' then 'a total' end as skip
from cells
"""
SAMPLE = """Musterbank AG
Buchungstag;Vorgang;Wertpapier;Stück;Kurs;Betrag EUR
04.01.2016;Einzahlung;;;;5.000,00
05.01.2016;Kauf;AAPL;10;25,50;-255,00
06.01.2016;Verkauf;AAPL;-4;26,00;104,00
Summe;;;;;4.849,00
""".encode("latin-1")


@pytest.fixture(autouse=True)
def no_profiles(api: httpx.Client) -> Any:
    """Profiles are the owner's, and so is the database: a test leaves none to the next."""
    yield
    for each in api.get("/import-profiles").json()["items"]:
        if each["is_own"]:
            api.delete(f"/import-profiles/{each['name']}").raise_for_status()


def put(api: httpx.Client, name: str = "musterbank", profile: str = FILE, sample: bytes = SAMPLE) -> httpx.Response:
    return api.put(f"/import-profiles/{name}", files={"profile": ("p.sql", profile), "sample": ("s.csv", sample)})


def test_a_profile_is_stored_once_it_reads_its_sample_and_then_reads_such_files(portfolio, api) -> None:
    answer = put(api)

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(row["line"], row["status"]) for row in told["rows"]] == [
        (3, "READ"), (4, "READ"), (5, "READ"), (6, "SKIPPED"),
    ]  # fmt: skip
    assert told["rows"][1]["read"] == {
        "type": "BUY", "day": "2016-01-05", "ticker": "AAPL", "quantity": "10", "price": "25.5", "amount": "-255",
        "currency": "USD",
    }  # fmt: skip
    assert told["rows"][1]["cells"]["Stück"] == "10"
    assert (told["reading"]["encoding"], told["reading"]["decimal"]) == ("latin-1", "comma")
    assert told["reading"]["columns"]["amount"] == ["Betrag EUR"]

    address = f"/portfolios/{portfolio.portfolio_id}/imports"
    headers = {"content-type": "text/csv"}
    real = api.post(address, content=SAMPLE, headers=headers).json()
    assert (real["profile"], real["source"], real["status"], real["recorded"]) == (
        "musterbank", "musterbank", "COMPLETE", 3,
    )  # fmt: skip
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "6"
    assert api.post(address, content=SAMPLE, headers=headers).json()["duplicates"] == 3


def test_one_in_json_is_the_same_and_can_be_read_back_and_stored_again(api) -> None:
    answer = api.put("/import-profiles/mine", json={**AN_OWN_PROFILE, "sample": A_SAMPLE})
    assert answer.status_code == 200, answer.text

    text = api.get("/import-profiles/mine.sql").text
    assert api.get("/import-profiles/mine").json()["profile"] == text
    again = put(api, "other", text, A_SAMPLE.encode())
    assert again.json()["rows"] == answer.json()["rows"]
    assert again.json()["also_fit"] == ["mine"]


def test_shipped_profiles_are_listed_and_one_of_their_name_stands_for_them_until_it_is_deleted(api) -> None:
    listed = {each["name"]: each for each in api.get("/import-profiles").json()["items"]}
    assert not listed["schwab"]["is_own"]
    assert "as quantity" in listed["schwab"]["profile"]
    assert api.delete("/import-profiles/schwab").status_code == 404

    assert put(api, "schwab").status_code == 200
    assert api.get("/import-profiles/schwab").json()["is_own"]
    names = [each["name"] for each in api.get("/import-profiles").json()["items"]]
    assert names.count("schwab") == 1
    assert api.delete("/import-profiles/schwab").status_code == 204
    assert api.get("/import-profiles/schwab").json() == listed["schwab"]
    assert api.get("/import-profiles/no_such").json()["code"] == "import_profile_not_found"


def test_the_owners_wins_where_a_shipped_one_fits_too_and_two_of_theirs_are_a_question(portfolio, api) -> None:
    schwab = api.get("/import-profiles/schwab.sql").text
    header = b'"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"'
    file = header + b'\n"01/04/2016","MoneyLink Transfer","","x","","","","$500.00"\n'
    address = f"/portfolios/{portfolio.portfolio_id}/imports?dry_run=true"
    headers = {"content-type": "text/csv"}
    assert api.post(address, content=file, headers=headers).json()["profile"] == "schwab"

    put(api, "mine", schwab, file).raise_for_status()
    assert api.post(address, content=file, headers=headers).json()["profile"] == "mine"
    put(api, "mine_too", schwab, file).raise_for_status()
    assert api.post(address, content=file, headers=headers).json()["code"] == "which_profile"
    stated = api.post(f"{address}&profile=mine_too", content=file, headers=headers).json()
    assert stated["profile"] == "mine_too"


@pytest.mark.parametrize(
    ("profile", "sample", "code"),
    [
        (FILE.replace("'BUY'", "'KAUF'"), SAMPLE, "sample_not_read"),
        pytest.param(
            FILE.replace("case when \"Buchungstag\" = 'Summe' then 'a total' end", "null"), SAMPLE, "sample_not_read",
            marks=pytest.mark.long,
        ),
        pytest.param(
            FILE.replace("from cells", "from cells where \"Vorgang\" = 'Kauf'"), SAMPLE, "sample_not_read",
            marks=pytest.mark.long,
        ),
        (FILE, SAMPLE.replace(b"Buchungstag", b"Day"), "invalid_input"),
        (FILE, SAMPLE.split(b"04.01")[0], "invalid_input"),
        (FILE.replace('decimal: ","', "decimals: comma"), SAMPLE, "invalid_input"),
        (FILE.replace('decimal: ","', "decimal: comma"), SAMPLE, "invalid_input"),
        (FILE.replace("[Buchungstag, Vorgang, Stück, Betrag EUR]", "[]"), SAMPLE, "invalid_input"),
        (FILE.replace("title:", "title: ["), SAMPLE, "invalid_input"),
        ("select 1 as line", SAMPLE, "invalid_input"),
        (FILE.replace("select", "selct"), SAMPLE, "select_refused"),
        (FILE.replace('"Kurs"', '"Preis"'), SAMPLE, "select_refused"),
        pytest.param(FILE.replace("as price", "as prize"), SAMPLE, "select_refused", marks=pytest.mark.long),
        pytest.param(
            FILE.replace("line,", "line + random() as line,"), SAMPLE, "select_refused", marks=pytest.mark.long
        ),
        (FILE, b"", "invalid_input"),
    ],
)  # fmt: skip
def test_one_that_does_not_read_its_sample_is_not_stored_and_says_why(api, profile, sample, code) -> None:
    answer = put(api, profile=profile, sample=sample)

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert api.get("/import-profiles/musterbank").status_code == 404


@pytest.mark.parametrize("name", ["plain", "Muster", "a b", "x" * 41, "..", "é"])
def test_a_name_is_one_that_an_address_and_a_file_can_have(api, name) -> None:
    assert put(api, name).status_code in (404, 405, 422)


def test_another_users_profile_does_not_exist(api, database, foreign_portfolio) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into import_profile select user_id, 'theirs', %s, now() from portfolio where portfolio_id = %s",
            (FILE, foreign_portfolio),
        )
    assert api.get("/import-profiles/theirs").status_code == 404
    assert api.delete("/import-profiles/theirs").status_code == 404
    assert "theirs" not in [each["name"] for each in api.get("/import-profiles").json()["items"]]


def test_the_way_of_a_stranger_as_the_documentation_has_it(new_portfolio, api, tmp_path: Path) -> None:
    """The file, the profile and the commands of docs/imports.md, as they stand."""
    page = (REPOSITORY / "docs" / "imports.md").read_text()
    blocks = {kind: re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("csv", "sql", "sh")}
    (tmp_path / "my.csv").write_text(blocks["csv"][1])
    (tmp_path / "my_broker.sql").write_text(blocks["sql"][0])
    mine = new_portfolio(initial_cash="0", business_date="2016-01-04")
    answers = []
    for command in blocks["sh"][0].splitlines():
        known = {"PATH": "/usr/bin:/bin", "API": str(api.base_url).rstrip("/"), "PORTFOLIO": mine.portfolio_id}
        told = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=known, capture_output=True, check=True)
        answers.append(json.loads(told.stdout))

    stored, tried, recorded = answers
    assert [row["status"] for row in stored["rows"]] == ["READ"] * 5 + ["SKIPPED"]
    assert (tried["recorded"], recorded["status"], recorded["recorded"]) == (5, "COMPLETE", 5)
    assert mine.get("/cash")["balances"][0]["balance"] == "4844.3", "the total that the file has"
    assert mine.get("/holdings")["holdings"][0]["quantity"] == "6"
    assert tried["balances"] == recorded["balances"]
