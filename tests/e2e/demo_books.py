"""The portfolios beside the demo's in its second frozen state: recorded and picked up once, for the modules that look.

One for each kind of transaction, each different from PLAIN by what its name says; a few that others are held beside;
random ones; and the situations that others reported, which are asked about right after their release.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from tests.effort import IS_LONG
from tests.random_ledger import record_random, register_securities

if TYPE_CHECKING:
    from tests.e2e.conftest import Home

OPENED, DAY = "2016-01-04", "2016-06-01"
RANDOM, COMMANDS = 200 if IS_LONG else 20, 60
_SECOND_ACCOUNT = """
    insert into account (user_id, identifier, broker, account_type)
    select user_id, 'PENSION', 'Broker', 'CUSTODY' from app_user
"""


class Book:
    """A portfolio that is being recorded, with 10,000 dollars to begin with."""

    def __init__(self, client: httpx.Client, name: str, **asked: str) -> None:
        self._client = client
        opened = {"name": name, "initial_cash": "10000", "business_date": OPENED, **asked}
        self.portfolio_id = str(self._posted("/portfolios", opened)["portfolio_id"])

    def record(self, kind: str, on: str = DAY, **fields: str | bool) -> int:
        """Its `seq`."""
        return int(self.post("transactions", type=kind, business_date=on, **fields)["seq"])

    def post(self, what: str, **body: str | bool) -> Any:
        return self._posted(f"/portfolios/{self.portfolio_id}/{what}", body)

    def _posted(self, path: str, body: Mapping[str, str | bool]) -> Any:
        answer = self._client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


def plain(client: httpx.Client, name: str, **asked: str) -> Book:
    """Two purchases of Coca-Cola, and a sale after DAY."""
    book = Book(client, name, **asked)
    book.record("BUY", "2016-01-05", ticker="KO", quantity="100", price="40", fees="1")
    book.record("BUY", "2016-03-01", ticker="KO", quantity="50", price="42")
    book.record("SELL", "2016-09-01", ticker="KO", quantity="60", price="43")
    return book


def reversed_rows(client: httpx.Client) -> Book:
    book = plain(client, "REVERSED")
    for seq in (
        book.record("BUY", ticker="MSFT", quantity="10", price="50"),
        book.record("DEPOSIT", "2016-02-01", amount="500"),
        book.record("DEPOSIT", "2016-02-02", amount="9", currency="EUR"),
        book.record("TRANSFER_OUT", ticker="KO", quantity="5"),
    ):
        book.post(f"transactions/{seq}/reversal")
    return book


def moved(client: httpx.Client) -> Book:
    book = Book(client, "MOVED")
    book.record("BUY", "2016-01-05", ticker="KO", quantity="100", price="40", fees="1")
    book.record("BUY", "2016-03-01", ticker="KO", quantity="50", price="42")
    book.post("transfers", ticker="KO", quantity="70", from_account="MAIN", to_account="PENSION", business_date=DAY)
    book.record("SELL", "2016-09-01", ticker="KO", quantity="60", price="43", account="PENSION")
    return book


def given_away(client: httpx.Client) -> Book:
    book = plain(client, "GIVEN AWAY")
    book.record("TRANSFER_OUT", ticker="KO", quantity="30")
    return book


def split(client: httpx.Client) -> Book:
    client.post("/securities", json={"ticker": "ACME"})
    book = Book(client, "SPLIT")
    book.record("BUY", "2016-01-05", ticker="ACME", quantity="100", price="10", fees="1")
    book.record("BUY", "2016-01-05", ticker="ACME", quantity="50", price="12")
    book.record("SPLIT", ticker="ACME", split_new="3", split_old="2")
    book.record("SELL", "2016-09-01", ticker="ACME", quantity="45", price="8")
    return book


def income(client: httpx.Client) -> Book:
    book = plain(client, "INCOME")
    book.record("DIVIDEND", ticker="ACME", amount="100", withheld="15", ex_date="2016-05-20")
    book.record("INTEREST", amount="7")
    book.record("TAX", amount="2")
    book.record("FEE", amount="3")
    return book


def abroad(client: httpx.Client, name: str = "ABROAD", currency: str = "EUR") -> Book:
    client.post("/securities", json={"ticker": f"IN{currency}", "currency": currency})
    book = plain(client, name)
    change = {"from_currency": "USD", "amount": "1100", "to_currency": currency, "received": "1000"}
    book.post("conversions", business_date=DAY, **change)
    book.record("BUY", "2016-06-02", ticker=f"IN{currency}", quantity="10", price="70", fx_rate="1.1")
    book.record("SELL", "2016-06-06", ticker=f"IN{currency}", quantity="10", price="72", fx_rate="1.2")
    return book


TREASURY = {
    "maturity_date": "2024-05-15",
    "coupon_rate_pct": "2.5",
    "coupon_frequency": 2,
    "day_count": "ACT/ACT ICMA",
    "issuer": "United States Treasury",
    "issuer_class": "SOVEREIGN",
    "issue_date": "2014-05-15",
}
CORPORATE = {
    **TREASURY,
    "day_count": "30/360 US",
    "issuer": "A company",
    "issuer_class": "CORPORATE",
    "spread_bps": "125",
}


def bonds(client: httpx.Client) -> Book:
    """A ten-year Treasury with a coupon and a sale, a company's bond, and one of which no spread is known."""
    for ticker, terms in (("T24", TREASURY), ("CO24", CORPORATE), ("NOSPREAD", {**CORPORATE, "spread_bps": None})):
        facts = {name: value for name, value in terms.items() if value is not None}
        client.post("/securities", json={"ticker": ticker, "asset_type": "BOND", "bond": facts}).raise_for_status()
    book = plain(client, "BONDS")
    book.record("BUY", "2016-01-05", ticker="T24", quantity="1000", price="103", accrued="3.5", fees="1")
    book.record("BUY", "2016-01-05", ticker="CO24", quantity="500", price="99", accrued="1.7")
    book.record("BUY", "2016-01-05", ticker="NOSPREAD", quantity="100", price="99")
    book.record("SELL", "2016-03-01", ticker="NOSPREAD", quantity="100", price="99")
    book.record("COUPON", "2016-05-16", ticker="T24", amount="12.5", ex_date="2016-05-15")
    book.record("SELL", DAY, ticker="T24", quantity="400", price="105", accrued="0.46")
    return book


KINDS: dict[str, dict[str, Any]] = {
    "PARTS24": {  # repaid on a Sunday, so on the Monday
        **{"amortisation": [{"day": "2016-05-15", "face_pct": "25"}]},
        **{"payment_convention": "FOLLOWING", "payment_calendar": "US_FEDERAL"},
    },
    "EXSTEP24": {"ex_coupon_days": 7, "coupon_steps": [{"day": "2016-05-15", "rate_pct": "4.5"}]},
    "CALL24": {"coupon_rate_pct": "7", "call_schedule": [{"day": "2018-05-15", "price": "102"}]},
    "ODD24": {"maturity_date": "2024-07-31", "penultimate_coupon_date": "2024-05-15", "dated_date": "2014-03-15"},
}


def kinds_of_bonds(client: httpx.Client) -> Book:
    book = Book(client, "KINDS OF BONDS")
    for ticker, terms in KINDS.items():
        facts = {**TREASURY, **terms}
        client.post("/securities", json={"ticker": ticker, "asset_type": "BOND", "bond": facts}).raise_for_status()
        book.record("BUY", "2016-01-05", ticker=ticker, quantity="1000", price="103", accrued="3.5")
    client.post(f"/portfolios/{book.portfolio_id}/bond-income").raise_for_status()
    return book


def unknown(client: httpx.Client) -> Book:
    book = Book(client, "UNKNOWN")
    book.record("TRANSFER_IN", "2016-01-05", ticker="KO", quantity="10")
    book.record("SELL", "2016-09-01", ticker="KO", quantity="4", price="43")
    return book


def mixed(client: httpx.Client) -> Book:
    """Units of unknown basis join known ones and leave with them on one day; what comes after is known again."""
    book = Book(client, "MIXED")
    book.record("BUY", "2016-01-05", ticker="KO", quantity="10", price="40")
    book.record("TRANSFER_IN", ticker="KO", quantity="5")
    book.record("TRANSFER_OUT", ticker="KO", quantity="15")
    book.record("BUY", "2016-07-01", ticker="KO", quantity="10", price="44")
    book.record("TRANSFER_IN", "2016-08-01", ticker="MSFT", quantity="5")
    book.record("SELL", "2016-08-01", ticker="MSFT", quantity="5", price="57")
    book.record("SELL", "2016-09-01", ticker="KO", quantity="10", price="43")
    return book


PRICES = {
    "PARNT": {OPENED: "150", DAY: "135", "2016-09-06": "130"},
    "KIDCO": {DAY: "15"},
    "KIDNW": {"2016-09-01": "15"},
    "RIGHT": {"2016-09-06": "5"},
    "TGTCO": {OPENED: "100"},
    "ACQCO": {OPENED: "210", "2016-08-01": "140"},
}
NOTHING_GAINED = [DAY, "2016-07-01", "2016-08-01", "2016-09-01", "2016-09-06"]
"""Days of EVENTS on which what is given is worth what is received."""


def events(client: httpx.Client, name: str = "EVENTS", **asked: str) -> Book:
    """Every event between securities and of one, at prices that move by it alone; fees in another currency."""
    for ticker, steps in PRICES.items():
        if client.post("/securities", json={"ticker": ticker}).status_code == 201:
            prices = [{"date": day, "close": close, "currency": "USD"} for day, close in steps.items()]
            client.post(f"/securities/{ticker}/prices", json={"prices": prices}).raise_for_status()
    book = Book(client, name, **asked)
    book.record("BUY", "2016-01-05", ticker="PARNT", quantity="3", price="90")
    book.record("BUY", "2016-01-06", ticker="PARNT", quantity="2", price="115")
    book.record("SPIN_OFF", ticker="PARNT", into="KIDCO", units_new="1", units_old="1", basis_share="0.1")
    book.record("RETURN_OF_CAPITAL", "2016-06-08", ticker="PARNT", amount="25")
    book.record("COST_ADJUSTMENT", "2016-06-09", ticker="PARNT", amount="10")
    book.record("COST_ADJUSTMENT", "2016-06-10", ticker="PARNT", amount="5", is_paid=True)
    book.record("BUY", "2016-06-13", ticker="TGTCO", quantity="10", amount="900")
    merged = {"units_new": "3", "units_old": "10", "per_unit": "37", "basis_share": "0.63"}
    book.record("MERGER", "2016-07-01", ticker="TGTCO", into="ACQCO", **merged)
    book.record("BONUS", "2016-08-01", ticker="ACQCO", units_new="1", units_old="2", in_lieu_price="140")
    book.record("EXCHANGE", "2016-09-01", ticker="KIDCO", into="KIDNW")
    book.record("RIGHTS", "2016-09-06", ticker="PARNT", into="RIGHT", units_new="1", units_old="1")
    book.record("FEE", "2016-10-03", ticker="PARNT", amount="-5")
    change = {"from_currency": "USD", "amount": "110", "to_currency": "EUR", "received": "100"}
    book.post("conversions", business_date="2016-10-04", **change)
    abroad = {"ticker": "KO", "quantity": "10", "fees": "4.40", "fee_currency": "EUR", "fee_fx_rate": "1.1"}
    book.record("BUY", "2016-10-05", price="42", **abroad)
    book.record("SELL", "2016-10-06", price="43", **abroad)
    return book


def short_lived(client: httpx.Client, name: str, opened: str, more: str | None, fee: str) -> Book:
    """Situation S-33: money that is there for a few days, and a fee on the last."""
    book = Book(client, name, initial_cash="7118.29" if more is None else "100", business_date=opened)
    if more is not None:
        book.record("DEPOSIT", more, amount="100")
    book.record("FEE", "2017-03-29", amount=fee)
    return book


def euros(client: httpx.Client, name: str = "EUROS") -> Book:
    """Half of it in dollars, which move against the euro."""
    book = Book(client, name, base_currency="EUR")
    change = {"from_currency": "EUR", "amount": "5000", "to_currency": "USD", "received": "5400"}
    book.post("conversions", business_date=OPENED, **change)
    return book


def shares_abroad(client: httpx.Client) -> Book:
    """In euros, and most of it is a share in dollars."""
    book = euros(client, "SHARES ABROAD")
    book.record("BUY", "2016-01-05", ticker="KO", quantity="100", price="40", fees="1", fx_rate="0.93")
    return book


BOOKS: dict[str, Callable[[httpx.Client], Book]] = {
    "PLAIN": lambda client: plain(client, "PLAIN"),
    "FIFO": lambda client: plain(client, "FIFO", cost_method="FIFO"),
    "REVERSED": reversed_rows,
    "MOVED": moved,
    "GIVEN AWAY": given_away,
    "SPLIT": split,
    "INCOME": income,
    "ABROAD": abroad,
    "BONDS": bonds,
    "KINDS OF BONDS": kinds_of_bonds,
    "NO RATE": lambda client: abroad(client, "NO RATE", "KWD"),
    "UNKNOWN": unknown,
    "MIXED": mixed,
    "EVENTS": events,
    "EVENTS FIFO": lambda client: events(client, "EVENTS FIFO", cost_method="FIFO"),
    "A DAY": lambda client: short_lived(client, "A DAY", "2017-03-27", None, "990.46"),
    "TWO DAYS": lambda client: short_lived(client, "TWO DAYS", "2017-03-27", "2017-03-28", "150"),
    "TWELVE DAYS": lambda client: short_lived(client, "TWELVE DAYS", "2017-03-17", "2017-03-24", "100"),
    "CASH": lambda client: Book(client, "CASH"),
    "EUROS": euros,
    "SHARES ABROAD": shares_abroad,
}


def recorded(client: httpx.Client, portfolio_id: str, kind: str, on: str, **fields: str) -> None:
    body = {"type": kind, "business_date": on, **fields}
    answer = client.post(f"/portfolios/{portfolio_id}/transactions", json=body)
    assert answer.status_code == 201, answer.text


def opened(client: httpx.Client, name: str, cash: str, on: str, kind: str = "INVESTMENT") -> str:
    portfolio_id = str(
        client.post("/portfolios", json={"name": name, "kind": kind}).raise_for_status().json()["portfolio_id"]
    )
    recorded(client, portfolio_id, "DEPOSIT", on, amount=cash)
    return portfolio_id


def bought(client: httpx.Client, name: str) -> str:
    portfolio_id = opened(client, name, "10000", "2010-01-04")
    recorded(client, portfolio_id, "BUY", "2010-01-05", ticker="KO", quantity="100", price="20")
    return portfolio_id


def beyond_what_is_kept(client: httpx.Client) -> dict[str, str]:
    """At the highest price there may be, units that a split makes a million times dearer, and as many as are held."""
    client.post("/securities", json={"ticker": "DEAR"}).raise_for_status()
    prices = [{"date": "2016-01-04", "close": "100000000", "currency": "USD"}]
    client.post("/securities/DEAR/prices", json={"prices": prices}).raise_for_status()
    split_away = opened(client, "split away", "100", "2016-01-04")
    recorded(client, split_away, "BUY", "2016-01-05", ticker="DEAR", quantity="2000000", price="0.00001")
    recorded(client, split_away, "SPLIT", "2016-06-01", ticker="DEAR", split_new="1", split_old="1000000")
    in_yen = {"name": "in yen", "base_currency": "JPY", "initial_cash": "100", "business_date": "2016-01-04"}
    yen = str(client.post("/portfolios", json=in_yen).raise_for_status().json()["portfolio_id"])
    for kind, quantity in (("TRANSFER_IN", "9999999999"), ("TRANSFER_OUT", "999999999")):
        recorded(client, yen, kind, "2016-01-05", ticker="DEAR", quantity=quantity)
    return {"split away": split_away, "in yen": yen}


def beside_each_other(client: httpx.Client) -> dict[str, str]:
    """The ids of portfolios of which some are held later, of the first days, below zero, short, of what is
    beyond what is kept, and random."""
    ids = {name: bought(client, name) for name in ("good", "other", "tampered")}
    ids["first days"] = opened(client, "first days", "100", "1970-01-01")
    recorded(client, ids["first days"], "DEPOSIT", "1989-12-31", amount="100")
    ids["below zero"] = opened(client, "below zero", "10000", "2009-01-02", "TRADING_BOOK")
    recorded(client, ids["below zero"], "SELL", "2009-03-09", ticker="AAPL", quantity="1500", price="2.523")
    ids["pair"] = opened(client, "pair", "30000", "2013-01-02", "TRADING_BOOK")
    recorded(client, ids["pair"], "BUY", "2013-01-03", ticker="AAPL", quantity="3000", price="10")
    recorded(client, ids["pair"], "SELL", "2013-01-03", ticker="WMT", quantity="800", price="40")
    ids |= beyond_what_is_kept(client)
    register_securities(client)
    return ids | {f"random {seed}": record_random(client, seed, COMMANDS) for seed in range(RANDOM)}


def simulation_of(client: httpx.Client, portfolio_id: str) -> str:
    (standing,) = client.get(f"/portfolios/{portfolio_id}/simulations").raise_for_status().json()["items"]
    return str(standing["simulation_id"])


def record_and_pick_up(home: "Home", situations: list[dict[str, Any]]) -> dict[str, Any]:
    """Record everything and pick it up at once; return the ids of the portfolios and the outcomes of the situations."""
    from tests.yardsticks.fresh_states import run_in

    with psycopg.connect(home.variables["DATABASE_ADMIN_URL"], autocommit=True) as connection:
        connection.execute(_SECOND_ACCOUNT)
    with home.client() as client:
        every_kind = {name: book(client).portfolio_id for name, book in BOOKS.items()}
        beside = beside_each_other(client)
        due = [simulation_of(client, every_kind[name]) for name in ("ABROAD", "NO RATE")]

    def release() -> None:
        home.pick_up(due)
        due.clear()

    outcomes = run_in(home, situations, release)
    verdicts = {one["id"]: [of.verdict, *of.why] for one, of in zip(situations, outcomes, strict=True)}
    return {"every kind": every_kind, "beside": beside, "situations": verdicts}
