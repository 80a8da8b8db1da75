"""Owners of identifiers: bundled ones are their share's, others whoever's added them first, who may take them back."""

import csv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg.errors import InsufficientPrivilege

from domain.listing import IdentifierInUse, LastIdentifier, Listing, NotYourIdentifier, Withdrawal, counterparts
from domain.securities import Identifier, IdentifierType, cusip_check_digit, isin_check_digit
from oltp_api.context import LOCAL_USER
from oltp_api.registry.listing import listed_isins, listing
from oltp_api.registry.sample_market import tickers_of
from storage.postgres import embedded
from storage.postgres.database import Database, embedded_database, prepare
from storage.settings import REPOSITORY

MICROSOFT, APPLE = "US5949181045", "US0378331005"
_NUMBERS = count(1)


def a_ticker() -> str:
    return f"L{next(_NUMBERS)}"


def an_isin() -> str:
    """One of a US security that nothing has yet."""
    body = f"6{next(_NUMBERS):07}"
    cusip = body + cusip_check_digit(body)
    return f"US{cusip}{isin_check_digit('US' + cusip)}"


@pytest.fixture
def add(api):
    return lambda security, id_type, value, **more: api.post(
        f"/securities/{security}/identifiers", json={"id_type": id_type, "value": value, **more}
    )


@pytest.fixture
def withdraw(api):
    return lambda security, id_type, value: api.delete(f"/securities/{security}/identifiers/{id_type}/{value}")


def test_every_bundled_isin_is_a_right_one_and_contains_a_right_cusip() -> None:
    isins = [known.identifier for each in listed_isins().values() for known in each]

    assert len(isins) >= 24
    for isin in isins:
        assert Identifier.parse(IdentifierType.ISIN, isin.value) == isin
        (cusip,) = counterparts(isin)
        assert Identifier.parse(IdentifierType.CUSIP, cusip.value) == cusip


def test_every_bundled_share_has_its_isin() -> None:
    shares = (tickers_of("sample") | tickers_of("as_traded")) - {"SP500", "SP500DIV"}

    assert shares == listed_isins().keys()
    with (REPOSITORY / "sample_data" / "identifiers.csv").open() as lines:
        values = [row["isin"] for row in csv.DictReader(lines)]
    assert len(values) == len(set(values))


def test_a_bundled_isin_names_its_share_also_by_day(api) -> None:
    assert api.get(f"/securities/{APPLE}").json()["ticker"] == "AAPL"
    assert api.get("/securities/US3696041033", params={"on": "2017-03-29"}).json()["ticker"] == "GE"
    assert api.get("/securities/US3696043013").json()["ticker"] == "GE"


@pytest.mark.parametrize("value", [MICROSOFT, "US3696041033", "US30303M1027", "US38259P5089"])
@pytest.mark.parametrize("security", ["AAPL", "new", "created"])
def test_no_other_security_takes_a_bundled_isin_or_its_cusip(api, add, value: str, security: str) -> None:
    """Also that of a share which this market does not list (FB), under whatever name the security goes."""
    name = security
    if security != "AAPL":
        name = a_ticker()
        api.post("/securities", json={"ticker": name})
    for id_type, text in (("ISIN", value), ("CUSIP", value[2:11])):
        if security == "created":
            answer = api.post("/securities", json={"ticker": a_ticker(), id_type.lower(): text})
        else:
            answer = add(name, id_type, text)
        assert (answer.status_code, answer.json()["code"]) in (
            (409, "listed_elsewhere"),
            (409, "already_known"),
            (422, "invalid_identifier"),
        ), answer.text


def test_nobody_buys_his_way_to_a_bundled_isin(api) -> None:
    answer = api.post(
        "/portfolios",
        json={"name": "x", "holdings": [{"ticker": "US30303M1027", "quantity": "1", "avg_cost": "1"}]},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "listed_elsewhere")


def test_a_bundled_share_takes_no_other_isin_and_its_own_cusip(api, add) -> None:
    other, own = add("AAPL", "ISIN", an_isin()), add("AAPL", "CUSIP", APPLE[2:11])

    assert other.status_code in (409, 422)
    assert own.status_code == 201


@pytest.mark.parametrize("first", ["ISIN", "CUSIP"])
def test_an_isin_and_the_cusip_in_it_name_one_security(api, add, first: str) -> None:
    isin = an_isin()
    values = {"ISIN": isin, "CUSIP": isin[2:11]}
    second = "CUSIP" if first == "ISIN" else "ISIN"
    one, other = a_ticker(), a_ticker()
    for ticker in (one, other):
        api.post("/securities", json={"ticker": ticker})
    assert add(one, first, values[first]).status_code == 201

    refused = add(other, second, values[second])
    registered = api.post("/securities", json={second.lower(): values[second]})

    assert [(answer.status_code, answer.json()["code"]) for answer in (refused, registered)] == [
        (409, "already_exists")
    ] * 2
    assert add(one, second, values[second]).status_code == 201


def test_of_an_isin_and_its_cusip_given_to_two_at_once_exactly_one_is_taken(api, add) -> None:
    for _ in range(5):
        isin, pair, barrier = an_isin(), (a_ticker(), a_ticker()), Barrier(2)
        for ticker in pair:
            api.post("/securities", json={"ticker": ticker})

        def give(ticker: str, id_type: str, value: str, together: Barrier = barrier) -> int:
            together.wait()
            return add(ticker, id_type, value).status_code

        with ThreadPoolExecutor(2) as pool:
            given = [pool.submit(give, pair[0], "ISIN", isin), pool.submit(give, pair[1], "CUSIP", isin[2:11])]
        assert sorted(each.result() for each in given) == [201, 409]


def test_a_wrong_identifier_is_taken_back_by_who_added_it_and_the_right_security_gets_it(
    api, add, withdraw, database: Database
) -> None:
    wrong, right, isin = a_ticker(), a_ticker(), an_isin()
    for ticker in (wrong, right):
        api.post("/securities", json={"ticker": ticker})
    add(wrong, "ISIN", isin)

    taken_back = withdraw(wrong, "ISIN", isin)

    assert taken_back.status_code == 200
    assert [one["value"] for one in taken_back.json()["identifiers"]] == [wrong]
    assert api.get(f"/securities/{isin}").status_code == 404
    assert add(right, "ISIN", isin).status_code == 201
    with psycopg.connect(database.admin_url) as connection:
        kept = connection.execute("select added_by from withdrawn_identifier where id_value = %s", (isin,)).fetchall()
    assert kept == [(LOCAL_USER,)], "what was taken back stays known"


def test_a_mistyped_ticker_is_taken_back_once_the_right_one_is_there(api, add, withdraw) -> None:
    typo, right = a_ticker(), a_ticker()
    api.post("/securities", json={"ticker": typo})

    assert withdraw(typo, "TICKER", typo).json()["code"] == "last_identifier"
    add(typo, "TICKER", right)
    answer = withdraw(typo, "TICKER", typo)

    assert answer.status_code == 200
    assert (answer.json()["ticker"], answer.json()["identifiers"][0]["is_primary"]) == (right, True)


def test_what_was_used_since_stays_and_what_was_used_before_does_not_count(api, add, withdraw, portfolio) -> None:
    ticker, before, since = a_ticker(), an_isin(), an_isin()
    api.post("/securities", json={"ticker": ticker})
    assert portfolio.buy("1", "1", ticker).status_code == 201
    add(ticker, "ISIN", before)
    assert withdraw(ticker, "ISIN", before).status_code == 200
    add(ticker, "ISIN", since)
    assert portfolio.buy("1", "1", since).status_code == 201

    answer = withdraw(ticker, "ISIN", since)

    assert (answer.status_code, answer.json()["code"]) == (409, "identifier_in_use")
    assert api.get(f"/securities/{since}").json()["ticker"] == ticker


def test_neither_a_bundled_identifier_nor_another_users_is_taken_back(api, add, withdraw, database: Database) -> None:
    ticker, isin = a_ticker(), an_isin()
    api.post("/securities", json={"ticker": ticker})
    add(ticker, "ISIN", isin)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("insert into app_user values (%s, 'other@example.invalid')", (UUID(int=7),))
        connection.execute(
            "update identifier_addition set added_by = %s where identifier_id ="
            " (select identifier_id from security_identifier where id_value = %s)",
            (UUID(int=7), isin),
        )

    answers = [withdraw("AAPL", "ISIN", APPLE), withdraw("AAPL", "TICKER", "AAPL"), withdraw(ticker, "ISIN", isin)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "not_your_identifier")] * 3
    assert withdraw(ticker, "ISIN", an_isin()).json()["code"] == "identifier_not_found"


@pytest.mark.parametrize("value", ["AAPL", APPLE])
def test_the_database_itself_lets_go_of_nothing_that_is_bundled(api, database: Database, value: str) -> None:
    with psycopg.connect(database.services_url) as connection, pytest.raises(InsufficientPrivilege, match="stays"):
        connection.execute("delete from security_identifier where id_value = %s", (value,))


def test_control_without_the_trigger_it_does(new_database: Callable[[], Database]) -> None:
    database = new_database()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', 'A')"
        )
        connection.execute(
            "insert into security_identifier (security_id, id_type, id_value, is_primary)"
            " values (1, 'TICKER', 'A', true)"
        )
        connection.execute("alter table security_identifier disable trigger withdraw_identifier")

    with psycopg.connect(database.services_url) as connection:
        assert connection.execute("delete from security_identifier").rowcount == 1


def test_an_older_state_keeps_its_identifiers_and_takes_none_of_them_back(postgres_home) -> None:
    socket_dir = embedded.start(postgres_home)
    database = embedded_database(socket_dir, "before_withdrawals")
    with psycopg.connect(embedded_database(socket_dir, "postgres").admin_url, autocommit=True) as connection:
        connection.execute("create database before_withdrawals")
    config = Config(toml_file=str(REPOSITORY / "pyproject.toml"))
    config.attributes["url"] = database.sqlalchemy_url
    command.upgrade(config, "0011")
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', 'A')"
        )
        for id_type, value in (("TICKER", "OLD"), ("ISIN", MICROSOFT)):
            connection.execute(
                "insert into security_identifier (security_id, id_type, id_value, is_primary) values (1, %s, %s, true)",
                (id_type, value),
            )

    prepare(database)

    with psycopg.connect(database.services_url) as connection:
        assert connection.execute("select count(*) from security_identifier").fetchone() == (2,)
        with pytest.raises(InsufficientPrivilege, match="stays"):
            connection.execute("delete from security_identifier where id_value = 'OLD'")


def test_rules_of_taking_back() -> None:
    mine = Withdrawal("X", LOCAL_USER, is_used=False, is_last=False)
    mine.refuse(LOCAL_USER)
    for withdrawal, refusal in (
        (Withdrawal("X", None, False, False), NotYourIdentifier),
        (Withdrawal("X", UUID(int=7), False, False), NotYourIdentifier),
        (Withdrawal("X", LOCAL_USER, True, False), IdentifierInUse),
        (Withdrawal("X", LOCAL_USER, False, True), LastIdentifier),
    ):
        with pytest.raises(refusal):
            withdrawal.refuse(LOCAL_USER)


def test_control_without_a_listing_anything_is_anybodys() -> None:
    Listing({}).refuse(Identifier(IdentifierType.ISIN, MICROSOFT), {"AAPL"})
    assert listing().tickers[MICROSOFT] == "MSFT"
