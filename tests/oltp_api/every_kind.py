"""A portfolio with a row of every kind, over HTTP; for whoever asks what becomes of each."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.oltp_api.conftest import Client

TREASURY = {
    "maturity_date": "2024-05-15",
    "coupon_rate_pct": "2.5",
    "coupon_frequency": 2,
    "day_count": "ACT/ACT ICMA",
    "issuer_class": "SOVEREIGN",
    "issue_date": "2014-05-15",
}
SECURITIES: list[dict[str, Any]] = [
    {"ticker": "OLDCO", "isin": "US0000000002", "display_name": "-Old & Co"},
    {"ticker": "NEWCO", "asset_type": "ETF"},
    {"ticker": "RIGHTSCO"},
    {"ticker": "ALL", "display_name": "A ticker that is a currency"},
    {"ticker": "EUFUND", "asset_type": "FUND", "currency": "EUR"},
    {"ticker": "TBOND", "asset_type": "BOND", "bond": TREASURY},
    {"ticker": "F", "asset_type": "EQUITY"},
]


def record_every_kind(api: httpx.Client, new_portfolio: Callable[..., Client], **asked: Any) -> Client:
    for body in SECURITIES:
        assert api.post("/securities", json=body).status_code in (201, 409)
    for name in ("PENSION", "pension.2"):
        account = {"identifier": name, "broker": "=Broker", "account_type": "RETIREMENT"}
        assert api.post("/accounts", json=account).status_code in (201, 409)
    book = new_portfolio(initial_cash="100000", business_date="2016-01-04", name="@every kind", **asked)

    def post(kind: str, on: str, **fields: Any) -> dict[str, Any]:
        answer = book.post(type=kind, business_date=on, **fields)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def at(what: str, **body: Any) -> None:
        answer = api.post(f"/portfolios/{book.portfolio_id}/{what}", json=body)
        assert answer.status_code == 201, answer.text

    post("BUY", "2016-01-05", ticker="OLDCO", quantity="70", price="14.3571", fees="1.99", note="=1+1")
    post("BUY", "2016-01-06", ticker="OLDCO", quantity="33.333", price="16", external_id="T-1")
    post("BUY", "2016-01-07", ticker="OLDCO", quantity="10", price="17", account="PENSION")
    post("SELL", "2016-01-08", ticker="OLDCO", quantity="41.5", price="18.11", fees="2")
    at(
        "transfers",
        ticker="OLDCO",
        quantity="12.5",
        from_account="MAIN",
        to_account="pension.2",
        business_date="2016-01-11",
    )
    at(
        "conversions",
        from_currency="USD",
        amount="5500",
        to_currency="EUR",
        received="5000",
        business_date="2016-01-12",
    )
    post("BUY", "2016-01-13", ticker="EUFUND", quantity="20", price="70", fees="3", fx_rate="1.1")
    fee = {"fees": "4", "fee_currency": "EUR", "fee_fx_rate": "1.1"}
    post("BUY", "2016-01-14", ticker="ALL", quantity="9", price="60", **fee)
    post("SELL", "2016-01-15", ticker="ALL", quantity="3", price="66", **fee)
    post("BUY", "2016-01-19", ticker="TBOND", quantity="1000", price="103", accrued="3.5", fees="1")
    post("SELL", "2016-02-19", ticker="TBOND", quantity="400", price="104", accrued="1.7")
    post("COUPON", "2016-05-16", ticker="TBOND", amount="7.5")
    post("TRANSFER_IN", "2016-02-22", ticker="F", quantity="8", price="12.25")
    post("TRANSFER_IN", "2016-02-23", ticker="RIGHTSCO", quantity="5")
    post("TRANSFER_OUT", "2016-02-24", ticker="F", quantity="3")
    post("DIVIDEND", "2016-03-01", ticker="OLDCO", amount="20", withheld="3", ex_date="2016-02-20")
    post("DIVIDEND", "2016-03-02", ticker="EUFUND", amount="9", currency="USD")
    post("SPLIT", "2016-03-03", ticker="OLDCO", split_new="3", split_old="2", in_lieu_price="11")
    post("BONUS", "2016-03-04", ticker="EUFUND", units_new="1", units_old="3", in_lieu_price="50", fx_rate="1.1")
    post("RETURN_OF_CAPITAL", "2016-03-07", ticker="OLDCO", amount="44.44")
    post("COST_ADJUSTMENT", "2016-03-08", ticker="OLDCO", amount="-12.34")
    post("COST_ADJUSTMENT", "2016-03-09", ticker="OLDCO", amount="50", is_paid=True)
    to_new = {"ticker": "OLDCO", "into": "NEWCO", "units_old": "4", "in_lieu_price": "5"}
    post("SPIN_OFF", "2016-03-10", units_new="1", basis_share="0.2", **to_new)
    post("RIGHTS", "2016-03-11", ticker="OLDCO", into="RIGHTSCO", units_new="1", units_old="10", basis_share="0.05")
    post("MERGER", "2016-03-14", units_new="2", basis_share="0.75", per_unit="2.5", **to_new)
    post("EXCHANGE", "2016-03-15", ticker="NEWCO", into="F", units_new="1", units_old="1")
    post("INTEREST", "2016-03-16", amount="-6.5")
    post("FEE", "2016-03-17", amount="9")
    post("FEE", "2016-03-18", amount="-2", note='"paid" back,\nin part \\')
    post("TAX", "2016-03-21", amount="11", ticker="F")
    post("WITHDRAW", "2016-03-22", amount="100")
    wrong = post("BUY", "2016-03-23", ticker="F", quantity="2", price="10")
    at(f"transactions/{wrong['seq']}/reversal", note="'=wrong")
    post("DEPOSIT", "2016-01-20", amount="77", note="late")
    return book
