"""A state that one owner has had becomes one of many by its setting: all of it is the first administrator's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from storage.settings import Settings
from tests.apps import app_over
from tests.conftest import served
from tests.oltp_api.people import first_code, invited, registered, served_with_accounts

_OF_A_PORTFOLIO = ("", "/transactions", "/holdings", "/cash", "/orders", "/simulations", "/imports", "/limits")
_OF_THE_OWNER = ("/portfolios", "/accounts", "/orders", "/import-profiles", "/simulation-scenarios")
_FILE = {"csv": "date,type,quantity,price,amount\n2015-02-02,DEPOSIT,,,5\n", "file_name": "a.csv"}


def recorded(client: httpx.Client) -> str:
    """Something of each kind that an owner has; the portfolio's id."""
    portfolio = {"name": "Mine", "initial_cash": "10000", "business_date": "2015-01-02"}
    portfolio_id = str(client.post("/portfolios", json=portfolio).json()["portfolio_id"])
    trade = {"type": "BUY", "ticker": "AAPL", "quantity": "10", "price": "33.77", "account": "PENSION"}
    order = {"portfolio_id": portfolio_id, "ticker": "AAPL", "quantity": "1", "order_type": "LIMIT", "limit_price": "1"}
    for path, body in (
        ("/accounts", {"identifier": "PENSION", "broker": "B", "account_type": "BROKERAGE"}),
        (f"/portfolios/{portfolio_id}/transactions", trade),
        (f"/portfolios/{portfolio_id}/imports", _FILE),
        ("/orders", order),
        ("/simulation-scenarios", {"name": "my-crash", "drift_points": -0.02}),
    ):
        client.post(path, json=body).raise_for_status()
    return portfolio_id


def seen(client: httpx.Client, portfolio_id: str) -> Mapping[str, object]:
    paths = (*_OF_THE_OWNER, *(f"/portfolios/{portfolio_id}{below}" for below in _OF_A_PORTFOLIO))
    return {path: client.get(path).raise_for_status().json() for path in paths}


@contextmanager
def local(settings: Settings) -> Iterator[httpx.Client]:
    with (
        app_over(settings) as app,
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=30) as client,
    ):
        yield client


def test_all_of_it_is_the_first_administrators_and_nobody_elses(settings: Settings, tmp_path_factory) -> None:
    own = settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})
    with local(own) as client:
        portfolio_id = recorded(client)
        before = seen(client, portfolio_id)

    with served_with_accounts(own) as address:
        assert httpx.get(f"{address}/api/v1/portfolios/{portfolio_id}").status_code == 401
        admin = registered(address, first_code(own), "ada@example.org")
        assert seen(admin.client, portfolio_id) == before
        assert admin.post("/portfolios", {"name": "Later"}).status_code == 201

        bob = invited(admin, "bob@example.org")
        assert bob.get(f"/portfolios/{portfolio_id}").status_code == 404
        assert [bob.get(path).json()["items"] for path in ("/portfolios", "/orders")] == [[], []]
        bob.portfolio("Bob's")

    with local(own) as client:
        names = [each["name"] for each in client.get("/portfolios").json()["items"]]
        assert names == ["Mine", "Later"], "with one owner again it is the first administrator's"
