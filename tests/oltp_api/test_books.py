"""Books over HTTP: snapshots on request, haircut schedules and collateral rankings."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import httpx
import psycopg
import pytest

from oltp_api.books import schemas as books
from oltp_api.books.schemas import RankingRequest, ScheduleRequest
from storage.lake.delta import Lake
from storage.postgres.database import Database
from tests.small_release import publish_small_release

TODAY = "2017-03-29"  # of the bundled market
# The source design's book and haircuts (seed 004).
SOURCE_HOLDINGS = [
    {"ticker": "AAPL", "quantity": "100", "avg_cost": "180"},
    {"ticker": "MSFT", "quantity": "200", "avg_cost": "310"},
    {"ticker": "TSLA", "quantity": "50", "avg_cost": "250"},
    {"ticker": "XYZ", "quantity": "10", "avg_cost": "100"},
]
SOURCE_HAIRCUTS = {"AAPL": "0.05", "MSFT": "0.04", "TSLA": "0.20"}


@pytest.fixture(scope="module")
def tickers(api: httpx.Client) -> list[str]:
    """Return the tickers of the first two securities, the ones that the small release has prices of."""
    found = api.get("/securities", params={"limit": 1000}).json()["items"]
    named = {security["security_id"]: security["ticker"] for security in found}
    return [named[1], named[2]]


@pytest.fixture(scope="module")
def registered(api: httpx.Client) -> httpx.Client:
    for ticker in ("TSLA", "XYZ"):
        api.post("/securities", json={"ticker": ticker})
    return api


@pytest.fixture
def new_book(new_portfolio: Callable[..., Any], registered: httpx.Client) -> Callable[..., Any]:
    def create(*holdings: dict[str, str]) -> Book:
        made = new_portfolio(kind="TRADING_BOOK", holdings=list(holdings))
        return Book(made.api, made.portfolio_id)

    return create


class Book:
    """One book over HTTP."""

    def __init__(self, api: httpx.Client, portfolio_id: str) -> None:
        self.api = api
        self.portfolio_id = portfolio_id

    def snapshot(self, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.api.post(f"/books/{self.portfolio_id}/snapshots", headers=headers)

    def rank(self, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.api.post(f"/books/{self.portfolio_id}/rankings", json=body, headers=headers)

    def get(self, what: str, **query: Any) -> httpx.Response:
        return self.api.get(f"/books/{self.portfolio_id}/{what}", params=query)

    def trade(self, ticker: str = "AAPL") -> None:
        asked = {"type": "BUY", "ticker": ticker, "quantity": "1", "price": "10", "business_date": TODAY}
        assert self.api.post(f"/portfolios/{self.portfolio_id}/transactions", json=asked).status_code == 201


@pytest.fixture
def book(new_book) -> Book:
    return new_book(*SOURCE_HOLDINGS)


@pytest.fixture
def counted(database: Database) -> Callable[[], list[int]]:
    """How many snapshots, rankings and events there are."""

    def look() -> list[int]:
        with psycopg.connect(database.admin_url) as connection:
            tables = ("position_snapshot", "collateral_ranking", "outbox", "idempotency_key")
            return [connection.execute(f"select count(*) from {table}").fetchone()[0] for table in tables]

    return look


def test_before_the_first_release_a_snapshot_says_what_is_held_and_that_nothing_has_a_price(book, lake: Lake) -> None:
    taken = book.snapshot()

    assert taken.status_code == 201, taken.text
    shown = taken.json()
    assert (shown["stored"], shown["reason"], shown["snapshot"]["release_id"]) == (True, None, 0)
    assert [(line["ticker"], line["quantity"], line["status"]) for line in shown["snapshot"]["lines"]][:1] == [
        ("AAPL", "100", "MISSING")
    ]
    assert {line["market_value"] for line in shown["snapshot"]["lines"]} == {None}


def test_an_equal_snapshot_is_not_stored_and_the_answer_says_why(book) -> None:
    first = book.snapshot().json()["snapshot"]

    again = book.snapshot()

    assert again.status_code == 200
    assert again.json()["stored"] is False
    assert "equal to" in again.json()["reason"]
    assert again.json()["snapshot"] == first


def test_a_newer_snapshot_supersedes_that_of_its_day(book) -> None:
    first = book.snapshot().json()["snapshot"]
    book.trade()

    second = book.snapshot().json()["snapshot"]

    assert (second["business_date"], second["portfolio_version"]) == (TODAY, first["portfolio_version"] + 1)
    assert book.get("snapshots/latest").json() == second
    assert len(book.get("snapshots").json()["items"]) == 1


def test_the_same_key_gets_the_same_answer_and_takes_no_other_snapshot(book, counted) -> None:
    first = book.snapshot(key="one")
    book.trade()
    before = counted()

    again = book.snapshot(key="one")

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert counted() == before


def test_of_eight_who_ask_at_once_one_gets_it_stored_and_the_others_see_the_same_snapshot(book) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: book.snapshot(), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["snapshot"]["snapshot_id"] for answer in answers}) == 1


def test_the_latest_of_today_is_found_by_its_date_too(book) -> None:
    taken = book.snapshot().json()["snapshot"]

    assert book.get("snapshots/latest").json() == taken
    assert book.get(f"snapshots/{TODAY}").json() == taken


def test_no_snapshot_yet_is_not_found(book) -> None:
    for what in ("snapshots/latest", "snapshots/2016-01-04"):
        answer = book.get(what)
        assert (answer.status_code, answer.json()["code"]) == (404, "snapshot_not_found")
    assert book.get("snapshots").json() == {"items": [], "next_cursor": None}


def test_all_ends_of_day_are_listed_page_by_page_between_two_days(book, database: Database) -> None:
    book.snapshot()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into position_snapshot (snapshot_id, portfolio_id, business_date, taken_at, portfolio_version,"
            " release_id, payload, payload_hash, is_current)"
            " select gen_random_uuid(), portfolio_id, business_date - n, taken_at, 1, 1, payload, payload_hash, true"
            " from position_snapshot, generate_series(1, 4) as n where portfolio_id = %s",
            (book.portfolio_id,),
        )

    first = book.get("snapshots", limit=3).json()
    rest = book.get("snapshots", limit=3, cursor=first["next_cursor"]).json()
    between = book.get("snapshots", **{"from": "2017-03-26", "to": "2017-03-27"}).json()["items"]

    days = [end["business_date"] for end in [*first["items"], *rest["items"]]]
    assert days == ["2017-03-25", "2017-03-26", "2017-03-27", "2017-03-28", TODAY]
    assert rest["next_cursor"] is None
    assert [end["business_date"] for end in between] == ["2017-03-26", "2017-03-27"]
    assert first["items"][0]["line_count"] == 4


def test_a_book_of_another_user_does_not_exist(api, foreign_portfolio) -> None:
    theirs = Book(api, str(foreign_portfolio))

    asked = [
        theirs.snapshot(),
        theirs.rank(),
        *(theirs.get(what) for what in ("snapshots", "snapshots/latest", f"snapshots/{TODAY}", "rankings/latest")),
    ]

    assert {answer.status_code for answer in asked} == {404}
    assert {answer.json()["code"] for answer in asked} == {"portfolio_not_found"}


def test_an_archived_book_takes_no_snapshot_and_no_ranking_and_keeps_those_it_has(book, database) -> None:
    kept = book.snapshot().json()["snapshot"]
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update portfolio set archived_at = now() where portfolio_id = %s", (book.portfolio_id,))

    for refused in (book.snapshot(), book.rank()):
        assert (refused.status_code, refused.json()["code"]) == (422, "portfolio_archived")
    assert book.get("snapshots/latest").json() == kept


@contextmanager
def unreadable(database: Database, table: str) -> Iterator[None]:
    """The application may not read the table while inside: an error that has nothing to do with what is stored."""
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute(f"revoke select on {table} from lakefolio_app")
        try:
            yield
        finally:
            owner.execute(f"grant select on {table} to lakefolio_app")


@contextmanager
def locked(database: Database, table: str) -> Iterator[None]:
    """Nobody gets at the table while inside, and the server cancels whoever waits for it."""
    over = Event()

    def cancel_who_waits() -> None:
        waiting = "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        with psycopg.connect(database.admin_url, autocommit=True) as other:
            while not over.wait(0.02):
                other.execute(f"select pg_cancel_backend(pid) {waiting}")

    with psycopg.connect(database.admin_url) as owner, ThreadPoolExecutor(1) as pool:
        owner.execute(f"lock table {table}")
        pool.submit(cancel_who_waits)
        try:
            yield
        finally:
            over.set()
            owner.rollback()


@pytest.mark.parametrize("failing", [unreadable, locked])
def test_a_database_error_is_not_no_snapshot_yet_it_stores_nothing_and_says_so(
    book, database, counted, failing
) -> None:
    book.snapshot()
    book.trade()
    before = counted()

    with failing(database, "position_snapshot"):
        refused = book.snapshot(key=f"during-{book.portfolio_id}")

    assert (refused.status_code, refused.json()["code"]) == (503, "nothing_stored")
    assert "nothing was stored" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    assert counted() == before
    assert book.snapshot(key=f"during-{book.portfolio_id}").status_code == 201, (
        "the key is free: nothing had been stored"
    )


def test_control_the_same_request_without_the_error_stores(book, counted) -> None:
    book.snapshot()
    book.trade()
    before = counted()

    assert book.snapshot().status_code == 201
    assert counted() != before


def test_a_question_that_the_database_cannot_answer_is_not_answered_with_not_found(book, database) -> None:
    with locked(database, "position_snapshot"):
        answers = [book.get(what) for what in ("snapshots/latest", f"snapshots/{TODAY}", "snapshots")]

    assert {answer.status_code for answer in answers} == {503}


@pytest.mark.parametrize("failing", [unreadable, locked])
def test_a_ranking_that_the_database_fails_stores_nothing_and_says_so(book, database, counted, failing) -> None:
    book.snapshot()
    before = counted()

    with failing(database, "collateral_ranking"):
        refused = book.rank()

    assert (refused.status_code, refused.json()["code"]) == (503, "nothing_stored")
    assert counted() == before


def source_ranking(book: Book, **more: Any) -> httpx.Response:
    book.api.put("/haircut-schedules/source", json={"default_haircut": "0.10", "securities": SOURCE_HAIRCUTS})
    return book.rank(schedule="source", valuation_basis="cost", **more)


def test_the_source_example_ranks_msft_aapl_tsla_xyz(book) -> None:
    book.snapshot()

    ranked = source_ranking(book)

    assert ranked.status_code == 201, ranked.text
    shown = ranked.json()
    assert [(item["rank"], item["ticker"], item["lendable_value"]) for item in shown["items"]] == [
        (1, "MSFT", "59520"),
        (2, "AAPL", "17100"),
        (3, "TSLA", "10000"),
        (4, "XYZ", "900"),
    ]
    assert [item["cumulative_value"] for item in shown["items"]] == ["59520", "76620", "86620", "87520"]
    assert (shown["lendable_value"], shown["currency"], shown["delivery"]) == ("87520", "USD", None)


def test_the_same_snapshot_by_the_same_terms_is_the_same_ranking(book, counted) -> None:
    book.snapshot()
    first = source_ranking(book).json()
    before = counted()

    again = source_ranking(book)

    assert (again.status_code, again.json()) == (200, {**first, "stored": False})
    assert counted() == before


def test_the_cheapest_to_deliver_for_a_required_amount_is_asked_of_a_ranking(book) -> None:
    book.snapshot()

    delivery = source_ranking(book, required_amount="90000").json()["delivery"]

    assert [(item["ticker"], item["quantity"]) for item in delivery["items"]] == [
        ("TSLA", "50"),
        ("XYZ", "10"),
        ("AAPL", "100"),
        ("MSFT", "200"),
    ]
    assert (delivery["covered"], delivery["shortfall"]) == ("87520", "2480")
    smaller = book.get("rankings/latest", required_amount="1000").json()["delivery"]
    assert [(item["ticker"], item["quantity"]) for item in smaller["items"]] == [("TSLA", "5")]


def test_rankings_are_found_by_date_schedule_and_basis(book) -> None:
    book.snapshot()
    at_market = book.rank().json()
    at_cost = source_ranking(book).json()

    assert book.get("rankings/latest").json()["ranking_id"] == at_cost["ranking_id"]
    assert book.get(f"rankings/{TODAY}", schedule="SUPERVISORY").json()["ranking_id"] == at_market["ranking_id"]
    assert book.get("rankings/latest", valuation_basis="market").json()["ranking_id"] == at_market["ranking_id"]
    for missing in (book.get("rankings/2016-01-04"), book.get("rankings/latest", schedule="other")):
        assert (missing.status_code, missing.json()["code"]) == (404, "ranking_not_found")


def test_a_book_without_a_snapshot_cannot_be_ranked(book) -> None:
    for asked in ({}, {"business_date": TODAY}):
        refused = book.rank(**asked)
        assert (refused.status_code, refused.json()["code"]) == (404, "snapshot_not_found")


def test_what_has_no_price_is_listed_as_ineligible_and_not_as_0(book) -> None:
    book.snapshot()

    shown = book.rank().json()

    assert {(item["is_eligible"], item["reason"], item["lendable_value"]) for item in shown["items"]} == {
        (False, "PRICE_MISSING", None)
    }


def test_a_short_of_a_trading_book_is_in_its_snapshot_and_does_not_rank(book) -> None:
    asked = {"type": "SELL", "ticker": "AAPL", "quantity": "150", "price": "182", "business_date": TODAY}
    sold = book.api.post(f"/portfolios/{book.portfolio_id}/transactions", json=asked)
    assert sold.status_code == 201, sold.text

    lines = {line["ticker"]: line for line in book.snapshot().json()["snapshot"]["lines"]}
    items = {item["ticker"]: item for item in source_ranking(book).json()["items"]}

    assert (lines["AAPL"]["quantity"], lines["AAPL"]["cost_basis"]) == ("-50", "-9100")
    assert (items["AAPL"]["is_eligible"], items["AAPL"]["reason"]) == (False, "NOT_LONG")
    assert (items["MSFT"]["rank"], items["AAPL"]["rank"]) == (1, None)


def test_single_haircuts_may_be_other_than_the_schedules(book) -> None:
    book.snapshot()

    shown = book.rank(valuation_basis="cost", haircuts={"AAPL": "0.5"}).json()

    haircuts = {item["ticker"]: item["haircut"] for item in shown["items"]}
    assert haircuts == {"AAPL": "0.5", "MSFT": "0.25", "TSLA": "0.25", "XYZ": "0.25"}


def test_a_ranking_with_a_key_is_made_once(book) -> None:
    book.snapshot()

    first, again = book.rank(key="k", valuation_basis="cost"), book.rank(key="k", valuation_basis="cost")
    other = book.rank(key="k", valuation_basis="market")

    assert (again.status_code, again.content) == (201, first.content)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"required_amount": "0"}, "invalid_number"),
        ({"required_amount": "1.000000001"}, "invalid_number"),
        ({"haircuts": {"AAPL": "1.5"}}, "invalid_number"),
        ({"haircuts": {"NOPE": "0.5"}}, "unknown_security"),
        ({"haircuts": {"AAPL": "0.5", "aapl": "0.4"}}, "invalid_input"),
        ({"fx_rates": {"EUR": "0"}}, "invalid_number"),
        ({"schedule": "none"}, "schedule_not_found"),
        ({"valuation_basis": "hope"}, "invalid_input"),
        ({"haircut": "0.5"}, "invalid_input"),
    ],
)
def test_a_ranking_by_impossible_terms_is_refused_and_stores_nothing(book, counted, wrong, code) -> None:
    book.snapshot()
    before = counted()

    refused = book.rank(**wrong)

    assert refused.json()["code"] == code
    assert refused.status_code in (404, 422)
    assert counted() == before


def test_a_schedule_is_put_and_shown(registered) -> None:
    asked = {
        "default_haircut": "0.5",
        "securities": {"AAPL": "0.05"},
        "classes": [{"asset_type": "BOND", "issuer_class": "AGENCY", "maturity": "UP_TO_1_YEAR", "haircut": "0.01"}],
        "main_index": ["MSFT"],
        "excluded": ["TSLA"],
        "holding_days": 5,
        "issuer_cap": "0.25",
    }
    put = registered.put("/haircut-schedules/mine", json=asked)

    assert put.status_code == 200, put.text
    shown = registered.get("/haircut-schedules/mine").json()
    assert shown == put.json()
    assert shown == {"name": "mine", "fx_haircut": "0.08", "max_price_age_days": 7, **asked}


def test_two_haircuts_for_one_class_are_refused(registered) -> None:
    twice = [{"asset_type": "BOND", "haircut": cut} for cut in ("0.1", "0.2")]

    refused = registered.put("/haircut-schedules/twice", json={"default_haircut": "0.5", "classes": twice})

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert registered.get("/haircut-schedules/twice").status_code == 404


def test_schedules_are_listed_page_by_page(registered) -> None:
    for name in ("a1", "a2"):
        registered.put(f"/haircut-schedules/{name}", json={"default_haircut": "0.5"})

    every = registered.get("/haircut-schedules").json()["items"]
    page = registered.get("/haircut-schedules", params={"limit": 1, "cursor": "a1"}).json()

    assert {"SUPERVISORY", "a1", "a2"} <= set(every)
    assert every == sorted(every)
    assert page["items"] == ["a2"]


def test_the_supervisory_schedule_is_shown_and_cannot_be_changed(api) -> None:
    shown = api.get("/haircut-schedules/SUPERVISORY").json()
    refused = api.put("/haircut-schedules/SUPERVISORY", json={"default_haircut": "0"})

    assert shown["default_haircut"] == "0.25"
    assert {"asset_type": "EQUITY", "issuer_class": "MAIN_INDEX", "maturity": None, "haircut": "0.15"} in shown[
        "classes"
    ]
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert api.get("/haircut-schedules/none").json()["code"] == "schedule_not_found"


def test_every_body_about_books_has_an_example_that_is_true(api) -> None:
    models = [
        found
        for found in vars(books).values()
        if isinstance(found, type) and "examples" in (getattr(found, "model_config", {}).get("json_schema_extra") or {})
    ]

    assert {ScheduleRequest, RankingRequest} <= set(models)
    for model in models:
        for example in model.model_config["json_schema_extra"]["examples"]:
            model.model_validate(example)


def test_with_a_release_a_snapshot_has_its_last_closes(new_book, tickers, lake: Lake) -> None:
    book = new_book(*({"ticker": ticker, "quantity": "10", "avg_cost": "1"} for ticker in tickers))
    before = book.snapshot().json()["snapshot"]
    publish_small_release(lake)

    taken = book.snapshot()

    assert taken.status_code == 201, "the book is the same, but the prices are newer"
    shown = taken.json()["snapshot"]
    assert (shown["portfolio_version"], shown["release_id"]) == (before["portfolio_version"], 1)
    valued = {line["ticker"]: (line["close"], line["price_date"], line["market_value"]) for line in shown["lines"]}
    assert valued == {tickers[0]: ("121", TODAY, "1210"), tickers[1]: ("40", "2017-03-28", "400")}
    ranked = book.rank().json()
    assert [(item["ticker"], item["lendable_value"]) for item in ranked["items"]] == [
        (tickers[0], "907.5"),
        (tickers[1], "300"),
    ]


def test_a_release_that_only_added_results_makes_no_newer_snapshot(new_book, tickers, lake: Lake) -> None:
    """Snapshots name the refresh: were it the newest release, every appended snapshot would make the next one due."""
    book = new_book({"ticker": tickers[0], "quantity": "10", "avg_cost": "1"})
    if book.api.get("/releases/latest").status_code == 503:
        publish_small_release(lake)

    assert book.api.get("/releases/latest").json()["release_id"] > book.snapshot().json()["snapshot"]["release_id"]
