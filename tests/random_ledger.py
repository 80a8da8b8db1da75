"""Random commands over HTTP, of every kind and from the first day to the last, for whoever wants a ledger of anything.

Every twentieth ledger begins on the first day, the others later, most of them in the last years: a year without a row
is as long to value as one with many. What the API refuses is no fault; a portfolio gets commands until so many were
accepted.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx

FIRST, LAST = date(1970, 1, 1), date(2017, 3, 29)
SHARES = ("AAPL", "IBM", "KO", "WMT")
OWN, OWN_CHILD, BOND = "RNDFUND", "RNDCHILD", "RNDBOND"
CURRENCIES = ("EUR", "GBP", "JPY", "CHF")
_ORDINARY = ("1", "10", "100", "2500.5")
_LIMITS = ("0.00000001", "99999999", "0.01", "1234567.12345678", "100000000", "9999999999.99999999", "999999999999999")


class Draw(random.Random):
    """Chance that is the same for the same seed, and the first day of what is drawn."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        days = (LAST - FIRST).days
        self.since = FIRST if seed % 20 == 0 else LAST - timedelta(days=int(days * self.random() ** 12))


def register_securities(client: httpx.Client) -> None:
    """A fund in euros with prices of its own, and a bond; for all the portfolios."""
    for body in (
        {"ticker": OWN, "asset_type": "FUND", "currency": "EUR", "display_name": "Random fund"},
        {"ticker": OWN_CHILD, "asset_type": "FUND", "currency": "EUR", "display_name": "Random fund's child"},
        {"ticker": BOND, "asset_type": "BOND", "currency": "USD", "display_name": "Random bond"},
    ):
        assert client.post("/securities", json=body).status_code == 201
    terms = {"issuer": "US", "issuer_class": "SOVEREIGN", "coupon_rate_pct": "5", "coupon_frequency": 2}
    terms |= {"maturity_date": "2016-02-15", "issue_date": "2006-02-15", "day_count": "ACT/ACT ICMA"}
    answer = client.put(f"/securities/{BOND}/details", json={"bond": terms})
    assert answer.status_code in (200, 201), answer.text
    prices = [
        {"date": day, "close": close, "currency": "EUR"}
        for day, close in (("1971-03-01", "10"), ("1999-01-04", "0.00000001"), ("2010-06-01", "5000000"))
    ]
    answer = client.post(f"/securities/{OWN}/prices", json={"prices": prices})
    assert answer.status_code == 201, answer.text


def record_random(client: httpx.Client, seed: int, accepted: int = 60) -> str:
    """The id of a portfolio with `accepted` random commands, the same for the same seed."""
    chance = Draw(seed)
    opened: dict[str, Any] = {
        "name": f"random {seed}",
        "kind": chance.choice(["INVESTMENT", "TRADING_BOOK"]),
        "base_currency": chance.choice(["USD", "USD", "EUR", "JPY"]),
    }
    portfolio_id = str(client.post("/portfolios", json=opened).raise_for_status().json()["portfolio_id"])
    _post(client, portfolio_id, {"type": "DEPOSIT", "business_date": str(chance.since), "amount": "100000"})
    done = tried = 0
    while done < accepted and tried < 8 * accepted:
        tried += 1
        status = chance.choice(_COMMANDS)(client, portfolio_id, chance)
        assert status < 500, f"{status} for seed {seed}, command {tried}"
        done += status < 300
    assert done, f"nothing was accepted for seed {seed}"
    return portfolio_id


def _post(client: httpx.Client, portfolio_id: str, body: dict[str, Any], what: str = "transactions") -> int:
    return client.post(f"/portfolios/{portfolio_id}/{what}", json=body).status_code


def _day(chance: Draw) -> str:
    if chance.random() < 0.1:
        return str(max(chance.since, chance.choice([FIRST, LAST, date(1989, 12, 31), date(1990, 1, 1)])))
    return str(chance.since + timedelta(days=chance.randrange((LAST - chance.since).days + 1)))


def _number(chance: Draw) -> str:
    return chance.choice(_LIMITS if chance.random() < 0.15 else _ORDINARY)


def _ticker(chance: Draw) -> str:
    return chance.choice([*SHARES, *SHARES, OWN, OWN_CHILD, BOND])


def _trade(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    ticker = _ticker(chance)
    body = {
        "type": chance.choice(["BUY", "SELL"]),
        "business_date": _day(chance),
        "ticker": ticker,
        "quantity": _number(chance),
        "price": "100" if ticker == BOND else _number(chance),
    }
    if chance.random() < 0.3:
        body["fees"] = _number(chance)
    if ticker in (OWN, OWN_CHILD) or chance.random() < 0.3:
        body["fx_rate"] = chance.choice(["1.1", "0.00001", "150", "1", "100000000", "0.00000001"])
    return _post(client, portfolio_id, body)


def _money(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    kind = chance.choice(["DEPOSIT", "DEPOSIT", "WITHDRAW", "FEE", "TAX", "INTEREST"])
    body = {"type": kind, "business_date": _day(chance), "amount": _number(chance)}
    if kind in ("FEE", "TAX", "INTEREST") and chance.random() < 0.3:
        body["amount"] = f"-{body['amount']}"
    if chance.random() < 0.3:
        body |= {"currency": chance.choice(CURRENCIES), "fx_rate": "1.25"}
    return _post(client, portfolio_id, body)


def _income(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    body = {"type": "DIVIDEND", "business_date": _day(chance), "ticker": OWN, "fx_rate": "1.1"}
    body |= chance.choice([{"amount": "35", "withheld": "5"}, {"per_unit": "0.5"}, {"amount": "0.01"}])
    return _post(client, portfolio_id, body)


def _units(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    body = {"business_date": _day(chance), "ticker": _ticker(chance), "quantity": _number(chance)}
    body["type"] = chance.choice(["TRANSFER_IN", "TRANSFER_OUT"])
    if body["type"] == "TRANSFER_IN" and chance.random() < 0.7:
        body["price"] = _number(chance)
    if body["type"] == "TRANSFER_IN" and (body["ticker"] == OWN or chance.random() < 0.3):
        body["fx_rate"] = "1.1"
    return _post(client, portfolio_id, body)


def _split(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    new, old = chance.choice([("2", "1"), ("1", "50"), ("3", "2"), ("1", "1000000"), ("1000000", "1")])
    body = {"type": "SPLIT", "business_date": _day(chance), "ticker": OWN, "split_new": new, "split_old": old}
    return _post(client, portfolio_id, {**body, "in_lieu_price": "1", "fx_rate": "1.1"})


def _conversion(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    body = {"from_currency": "USD", "amount": _number(chance), "to_currency": chance.choice(CURRENCIES)}
    return _post(
        client, portfolio_id, {**body, "received": _number(chance), "business_date": _day(chance)}, "conversions"
    )


def _reversal(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    return _post(client, portfolio_id, {"note": "no"}, f"transactions/{chance.randrange(1, 20)}/reversal")


def _method(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    body = {"cost_method": chance.choice(["AVCO", "FIFO"])}
    return client.put(f"/portfolios/{portfolio_id}/cost-method", json=body).status_code


def _event(client: httpx.Client, portfolio_id: str, chance: Draw) -> int:
    """An event of own prices: the market's are total returns, in which events are already."""
    kind = chance.choice(["RETURN_OF_CAPITAL", "COST_ADJUSTMENT", "BONUS", "SPIN_OFF", "MERGER", "EXCHANGE", "RIGHTS"])
    body: dict[str, Any] = {"type": kind, "business_date": _day(chance), "ticker": chance.choice([OWN, OWN_CHILD])}
    body["fx_rate"] = "1.1"
    if kind in ("RETURN_OF_CAPITAL", "COST_ADJUSTMENT"):
        body["amount"] = chance.choice(["35", "0.01", "-3"])
    else:
        body |= {"units_new": chance.choice(["1", "3"]), "units_old": "2"}
    if kind == "COST_ADJUSTMENT":
        body["is_paid"] = chance.random() < 0.5
    if kind in ("SPIN_OFF", "MERGER", "EXCHANGE", "RIGHTS"):
        body["into"] = OWN if body["ticker"] == OWN_CHILD else OWN_CHILD
    if kind in ("SPIN_OFF", "MERGER"):
        body["basis_share"] = chance.choice(["0", "0.25", "1"])
    if kind == "MERGER":
        body["per_unit"] = "0.5"
    return _post(client, portfolio_id, body)


Command = Callable[[httpx.Client, str, Draw], int]
_COMMANDS: list[Command] = [
    *[_trade] * 10,
    *[_money] * 6,
    *[_units] * 2,
    _income,
    _split,
    _event,
    _event,
    _conversion,
    _reversal,
    _method,
]
