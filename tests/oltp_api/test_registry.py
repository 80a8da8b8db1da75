"""The registry over HTTP: one security, many identifiers; shared by all, completed and never rewritten."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from itertools import count
from threading import Barrier
from typing import Any, Literal, get_args, get_origin

import httpx
import psycopg
import pytest

from domain.analytics.fixed_income.bonds import Bond
from domain.securities import cusip_check_digit, isin_check_digit
from oltp_api.registry.schemas import BondFacts
from storage.postgres.database import Database

BOND = {"maturity_date": "2027-02-15", "coupon_rate_pct": "2.25", "day_count": "ACT/ACT ICMA", "coupon_frequency": 2}
_NUMBERS = count(1)


def a_cusip() -> str:
    """A CUSIP that nothing has yet."""
    body = f"5{next(_NUMBERS):07}"
    return body + cusip_check_digit(body)


def isin_of(cusip: str) -> str:
    return f"US{cusip}{isin_check_digit('US' + cusip)}"


@pytest.fixture
def register(api: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Registers a security under a ticker of its own, if no other identifier is given."""

    def create(**body: Any) -> dict[str, Any]:
        named = {} if body.keys() & {"isin", "cusip", "ticker"} else {"ticker": f"T{next(_NUMBERS)}"}
        answer = api.post("/securities", json={**named, **body})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return create


def names(security: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(one["id_type"], one["value"], one["is_primary"]) for one in security["identifiers"]]


def test_one_security_has_many_identifiers_and_is_found_by_any(api, register) -> None:
    cusip = a_cusip()
    isin = isin_of(cusip)
    made = register(ticker="MANY", isin=isin, cusip=cusip)

    for address in ("many", isin, cusip, "TICKER:MANY", f"ISIN:{isin}", f"cusip:{cusip}", f"id:{made['security_id']}"):
        assert api.get(f"/securities/{address}").json() == made
    assert names(made) == [("CUSIP", cusip, True), ("ISIN", isin, True), ("TICKER", "MANY", True)]


def test_one_identifier_of_each_type_is_primary(api, register) -> None:
    made = register(ticker="PRIM")
    for ticker in ("PRIM.A", "PRIM.B"):
        added = api.post("/securities/PRIM/identifiers", json={"id_type": "TICKER", "value": ticker})
        assert added.status_code == 201

    assert names(added.json()) == [("TICKER", "PRIM", True), ("TICKER", "PRIM.A", False), ("TICKER", "PRIM.B", False)]
    assert api.get("/securities/PRIM.B").json()["ticker"] == made["ticker"]


@pytest.mark.parametrize(("id_type", "wrong"), [("isin", "US0378331006"), ("cusip", "037833101"), ("isin", "X")])
def test_the_check_digits_of_cusip_and_isin_are_verified(api, stored, id_type, wrong) -> None:
    before = stored()
    answer = api.post("/securities", json={"ticker": "CHECKED", id_type: wrong})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_identifier")
    assert answer.json()["field"] == id_type
    assert stored() == before


def test_a_bond_may_have_an_isin_alone_and_can_be_held(register, portfolio) -> None:
    isin = isin_of(a_cusip())
    bond = register(isin=isin, asset_type="BOND", bond={**BOND, "issuer_class": "SOVEREIGN"})

    assert (bond["ticker"], bond["display_name"], bond["bond"]["coupon_rate_pct"]) == (isin, isin, "2.25")
    assert portfolio.buy("10", "99.5", ticker=isin).json()["ticker"] == isin
    assert [held["ticker"] for held in portfolio.get("/holdings")["holdings"]] == [isin]


def test_a_bond_can_be_valued_by_every_day_count_and_frequency_that_it_may_have() -> None:
    def choices(field: str) -> list[Any]:
        stated = get_args(BondFacts.model_fields[field].annotation)
        return [choice for part in stated if get_origin(part) is Literal for choice in get_args(part)]

    for day_count in choices("day_count"):
        for frequency in choices("coupon_frequency"):
            assert Bond.of(date(2027, 2, 15), Decimal("2.25"), day_count, frequency).accrued(date(2026, 12, 20)) > 0
    assert (len(choices("day_count")), len(choices("coupon_frequency"))) == (5, 4)


def test_a_security_without_an_identifier_is_refused(api) -> None:
    answer = api.post("/securities", json={"display_name": "Nameless"})

    assert (answer.status_code, answer.json()["field"]) == (422, "ticker")


@pytest.mark.parametrize("asset_type", ["FUND", "BOND", "INDEX"])
def test_equity_details_are_refused_for_anything_but_equity_and_etf(api, stored, asset_type) -> None:
    before = stored()
    answer = api.post("/securities", json={"ticker": "NODETAIL", "asset_type": asset_type, "sector": "Energy"})

    assert (answer.status_code, answer.json()["field"]) == (422, "sector")
    assert stored() == before


@pytest.mark.parametrize("asset_type", ["EQUITY", "ETF", "FUND", "INDEX"])
def test_bond_details_are_refused_for_anything_but_bonds(api, stored, asset_type) -> None:
    before = stored()
    answer = api.post("/securities", json={"ticker": "NOBOND", "asset_type": asset_type, "bond": BOND})

    assert (answer.status_code, answer.json()["field"]) == (422, "maturity_date")
    assert stored() == before


def test_an_etf_has_details_of_an_equity_and_of_a_fund(register) -> None:
    fund = {"fund_family": "Acme", "expense_ratio_bps": "3.5", "distribution": "DISTRIBUTING", "category": None}
    etf = register(asset_type="ETF", exchange="XNAS", fund=fund)

    assert (etf["exchange"], etf["fund"], etf["bond"]) == ("XNAS", fund, None)


def test_a_user_may_add_details_that_are_missing(api, register) -> None:
    ticker = register(sector="Energy")["ticker"]
    body = {"sector": "Energy", "country": "US"}
    first = api.put(f"/securities/{ticker}/details", json=body)

    assert (first.status_code, first.json()["country"]) == (200, "US")
    assert api.put(f"/securities/{ticker}/details", json=body).json() == first.json()


def test_a_user_may_not_rewrite_details_that_exist_nor_add_others_with_them(api, register) -> None:
    made = register(sector="Energy")
    answer = api.put(f"/securities/{made['ticker']}/details", json={"sector": "Tech", "country": "US"})

    assert (answer.status_code, answer.json()["code"]) == (409, "already_known")
    assert (answer.json()["field"], answer.json()["known"]) == ("sector", "Energy")
    assert api.get(f"/securities/{made['ticker']}").json() == made


def test_the_terms_of_a_bond_are_added_once_and_its_other_facts_bit_by_bit(api, register) -> None:
    ticker = register(asset_type="BOND")["ticker"]
    details = f"/securities/{ticker}/details"
    assert api.put(details, json={"bond": {"issuer": "Acme"}}).json()["field"] == "maturity_date"
    assert api.put(details, json={"bond": BOND}).json()["bond"]["issuer"] is None
    assert api.put(details, json={"bond": {"issuer": "Acme"}}).json()["bond"]["coupon_frequency"] == 2

    answer = api.put(details, json={"bond": {**BOND, "coupon_rate_pct": "9"}})
    assert (answer.status_code, answer.json()["code"], answer.json()["known"]) == (409, "already_known", "2.25000000")


@pytest.mark.parametrize("by", ["AAPL", "another"])
def test_a_user_may_not_redirect_an_identifier_that_exists(api, register, stored, by) -> None:
    target = "AAPL" if by == "AAPL" else register()["ticker"]
    before = stored(), api.get("/securities/MSFT").json()
    answer = api.post(f"/securities/{target}/identifiers", json={"id_type": "TICKER", "value": "MSFT"})

    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert (stored(), api.get("/securities/MSFT").json()) == before


def test_nobody_takes_over_an_isin_by_a_ticker_that_looks_like_it(api, register) -> None:
    isin = isin_of(a_cusip())
    register(isin=isin)

    assert api.post("/securities", json={"ticker": isin}).json()["code"] == "invalid_identifier"


def test_nobody_takes_over_a_ticker_by_a_cusip_that_looks_like_it(api, register) -> None:
    cusip = a_cusip()
    owner = register(ticker=cusip)

    assert api.post("/securities", json={"cusip": cusip}).status_code == 409
    assert api.get(f"/securities/{cusip}").json() == owner


def test_a_security_has_one_isin_at_a_time(api, register) -> None:
    ticker = register(isin=isin_of(a_cusip()), ticker="ONEISIN")["ticker"]
    answer = api.post(f"/securities/{ticker}/identifiers", json={"id_type": "ISIN", "value": isin_of(a_cusip())})

    assert (answer.status_code, answer.json()["code"]) == (409, "already_known")


def test_a_ticker_that_changed_hands_means_on_each_day_what_it_meant_then(api, register, database: Database) -> None:
    old, new = register(ticker="HANDS")["security_id"], register()["ticker"]
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("update security_identifier set valid_to = '2016-01-04' where id_value = 'HANDS'")
    assert api.get("/securities/HANDS").status_code == 404
    body = {"id_type": "TICKER", "value": "HANDS", "valid_from": "2016-01-04"}
    taken = api.post(f"/securities/{new}/identifiers", json=body).json()["security_id"]

    assert api.get("/securities/HANDS", params={"on": "2016-01-03"}).json()["security_id"] == old
    assert api.get("/securities/HANDS", params={"on": "2016-01-04"}).json()["security_id"] == taken
    assert api.get("/securities/HANDS").json()["security_id"] == taken


def test_an_earlier_name_is_added_with_the_days_it_was_valid(api, register) -> None:
    ticker = register()["ticker"]
    body = {"id_type": "TICKER", "value": "EARLIER", "valid_from": "2012-05-18", "valid_to": "2015-06-09"}
    assert api.post(f"/securities/{ticker}/identifiers", json=body).status_code == 201

    assert api.get("/securities/EARLIER", params={"on": "2015-06-08"}).json()["ticker"] == ticker
    assert api.get("/securities/EARLIER").status_code == 404


def test_a_holding_of_an_unknown_security_registers_it_under_what_it_was_called(api, new_portfolio) -> None:
    isin = isin_of(a_cusip())
    new_portfolio(holdings=[{"ticker": isin, "quantity": "1", "avg_cost": "1"}])

    assert names(api.get(f"/securities/{isin}").json()) == [("ISIN", isin, True)]


def test_a_trade_by_isin_is_a_trade_of_the_security_and_registers_none(api, portfolio, stored) -> None:
    apple = api.post("/securities/AAPL/identifiers", json={"id_type": "ISIN", "value": "US0378331005"})
    assert apple.status_code in (201, 409)
    before = stored()["security_registry rows"]
    row = portfolio.buy("1", "10", ticker="US0378331005").json()

    assert (row["ticker"], stored()["security_registry rows"]) == ("AAPL", before)


def test_the_kind_of_a_price_is_what_was_said_at_registration(api, register) -> None:
    assert api.get("/securities/AAPL").json()["price_kind"] == "TOTAL_RETURN"
    assert api.get("/securities/SP500").json()["price_kind"] == "PRICE_INDEX"
    assert register(asset_type="FUND", price_kind="TOTAL_RETURN")["price_kind"] == "TOTAL_RETURN"
    assert register(asset_type="INDEX")["price_kind"] == "PRICE_INDEX"


def at_once(acts: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    barrier = Barrier(len(acts))

    def run(act: Callable[[], httpx.Response]) -> httpx.Response:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def test_of_parallel_registrations_of_one_name_exactly_one_wins(api) -> None:
    for number in range(5):
        name = f"RACE{number}"
        answers = at_once([lambda name=name: api.post("/securities", json={"ticker": name})] * 8)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}


def test_of_parallel_users_who_state_a_missing_fact_the_first_is_kept(api, register) -> None:
    for _ in range(5):
        details = f"/securities/{register()['ticker']}/details"
        sectors = [f"sector {number}" for number in range(6)]
        answers = at_once([lambda s=s, d=details: api.put(d, json={"sector": s}) for s in sectors])
        (kept,) = [answer.json()["sector"] for answer in answers if answer.status_code == 200]

        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
        assert api.get(details.removesuffix("/details")).json()["sector"] == kept


def test_securities_are_filtered_and_sorted(api, register) -> None:
    for name in ("b", "a", "c"):
        register(display_name=f"sorted {name}", asset_type="FUND", currency="CHF")
    asked = {"q": "SORTED", "asset_type": "FUND", "currency": "CHF"}

    def listed(sort: str, **more: str) -> list[str]:
        items = api.get("/securities", params={**asked, "sort": sort, **more}).json()["items"]
        return [item["display_name"][-1] for item in items]

    assert listed("name") == ["a", "b", "c"]
    assert listed("-name") == ["c", "b", "a"]
    assert listed("registered") == listed("ticker") == ["b", "a", "c"]
    assert listed("name", currency="USD") == []


@pytest.mark.parametrize("sort", ["ticker", "-ticker", "name", "-name", "registered", "-registered"])
def test_every_order_of_securities_pages_without_gap_or_repeat(api, sort) -> None:
    whole = api.get("/securities", params={"sort": sort, "limit": 1000}).json()["items"]
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = api.get(
            "/securities", params={"sort": sort, "limit": 7, **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += page["items"]
        cursor = page["next_cursor"]

    assert seen == whole
    assert len({item["security_id"] for item in seen}) == len(seen)
