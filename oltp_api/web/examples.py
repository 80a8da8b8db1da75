"""Examples in the OpenAPI document of every answer whose model has none of its own; a new one needs an entry here.

Requests carry theirs themselves (`json_schema_extra`), and problems are in `errors.py`.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from oltp_api.ledger import schemas as ledger
from oltp_api.lineage import schemas as lineage
from oltp_api.portfolios import schemas as portfolios
from oltp_api.review import examples as review_examples
from oltp_api.review import schemas as review
from oltp_api.web import health, support

_PORTFOLIO_ID = "3b3f5f0e-7a43-4a52-9d6c-0a4f6de0b1c7"
_SIMULATION_ID = "8d9c2f4e-51b7-4c0e-9b1a-6f2d3c4b5a69"
_DAY, _MOMENT = "2017-03-29", "2017-03-29T20:00:00Z"

_PORTFOLIO = {
    "portfolio_id": _PORTFOLIO_ID,
    "name": "Retirement",
    "base_currency": "USD",
    "kind": "INVESTMENT",
    "time_zone": "America/New_York",
    "cost_method": "AVCO",
    "version": 2,
    "revision": 0,
    "cash": "8596.5",
    "last_business_date": _DAY,
    "archived_at": None,
    "created_at": _MOMENT,
}
_TRANSACTION = {
    "portfolio_id": _PORTFOLIO_ID,
    "seq": 2,
    "type": "BUY",
    "account": "MAIN",
    "security_id": 1,
    "ticker": "AAPL",
    "quantity": "10",
    "price": "140.25",
    "gross": "1402.5",
    "fees": "1",
    "accrued": "0",
    "cash_effect": "-1403.5",
    "currency": "USD",
    "fx_rate": None,
    "business_date": _DAY,
    "event_ts": _MOMENT,
    "recorded_at": _MOMENT,
    "ex_date": None,
    "split_new": None,
    "split_old": None,
    "transfer_id": None,
    "reverses_seq": None,
    "external_id": None,
    "note": "",
}
_COUPON = {
    **_TRANSACTION,
    **dict.fromkeys(("quantity", "price", "gross")),
    "seq": 3,
    "type": "COUPON",
    "security_id": 21,
    "ticker": "912828M56",
    "fees": "0",
    "cash_effect": "112.5",
    "fx_rate": "1",
    "business_date": "2016-11-15",
    "event_ts": "2016-11-15T05:00:00Z",
    "ex_date": "2016-11-15",
    "external_id": "coupon:21:2016-11-15:1",
    "note": "coupon on 10000",
}
_NOT_POSTED = {"security_id": 22, "ticker": "OLDBOND", "reason": "its bond details are not registered"}
_HELD = {"quantity": "10", "avg_cost": "140.35", "cost_basis": "1403.5", "realised": "0"}
_HELD_NOW = {
    **_HELD,
    "cost_basis_base": "1403.5",
    "realised_base": "0",
    "realised_fx_base": "0",
    "basis": "KNOWN",
}
_HOLDING = {
    "security_id": 1,
    "ticker": "AAPL",
    "currency": "USD",
    **_HELD_NOW,
    "accounts": [{"account": "MAIN", **_HELD_NOW, "reserved": "0", "lots": None}],
}
_SIMULATION = {
    "simulation_id": _SIMULATION_ID,
    "portfolio_id": _PORTFOLIO_ID,
    "name": "to retirement",
    "horizon_years": 20,
    "num_paths": 10_000,
    "sample_paths": 10,
    "seed": 42,
    "is_standing": False,
    "status": "REQUESTED",
    "reason": None,
    "release_id": None,
    "portfolio_version": None,
    "summary": None,
    "requested_at": _MOMENT,
    "finished_at": None,
}
_RELEASE = {"release_id": 17, "released_at": _MOMENT, "as_of": _DAY}
_SHOWN = {**_RELEASE, "status": "RELEASED", "held": None}
_DONE = {
    **_SIMULATION,
    "status": "DONE",
    "release_id": 17,
    "portfolio_version": 2,
    "summary": {"as_of": _DAY, "initial_value": 10_037.7},
    "finished_at": _MOMENT,
    "fan": [{"step": 0, "years": 0, "p5": 10_037.7, "p50": 10_037.7, "p95": 10_037.7}],
}
_VALUE = {
    "business_date": _DAY,
    "currency": "USD",
    "total_value": "10037.7",
    "positions_value": "1441.2",
    "cash": "8596.5",
    "cost_basis": "1403.5",
    **dict.fromkeys(("realised", "inflow", "outflow", "income", "tax", "fees", "transfer_gain", "fx_gain"), "0"),
    "coverage_pct": 100,
    "twr_index": 1.0037,
}
_VALUED = {
    **{name: _HOLDING[name] for name in ("security_id", "ticker", "currency")},
    **_HELD,
    "close": "144.12",
    "price_date": _DAY,
    "status": "PRICED",
    "stale_days": 0,
    "market_value": "1441.2",
    "gain_loss": "37.7",
    "base_currency": "USD",
    "fx_rate": "1",
    "fx_status": "PRICED",
    "market_value_base": "1441.2",
    "gain_loss_base": "37.7",
    "business_date": _DAY,
}
_CASH = {
    "currency": "EUR",
    "balance": "100",
    "base_currency": "USD",
    "fx_rate": "1.0748",
    "fx_status": "PRICED",
    "balance_base": "107.48",
}
_EXPLAINED = {
    **_SHOWN,
    "portfolio_id": _PORTFOLIO_ID,
    "security_id": 1,
    "ticker": "AAPL",
    "business_date": _DAY,
    "quantity": "10",
    "market_value": "1441.2",
    "market_value_base": "1441.2",
    "steps": [
        "1 ledger rows up to the day leave 10 units",
        f"the close of {_DAY} is 144.12 USD",
        "10 x 144.12 = 1441.2 USD",
    ],
    "holdings": [
        {
            "account_id": 1,
            "quantity": "10",
            "cost_basis": "1403.5",
            "market_value": "1441.2",
            "market_value_base": "1441.2",
        }
    ],
    "transactions": [
        {
            **{name: _TRANSACTION[name] for name in ("seq", "type", "quantity", "price", "gross", "fees", "currency")},
            **{name: _TRANSACTION[name] for name in ("cash_effect", "fx_rate", "split_new", "split_old")},
            "account_id": 1,
            "business_date": _DAY,
            "reverses_seq": None,
            "reversed_by_seq": None,
            "link": f"/api/v1/portfolios/{_PORTFOLIO_ID}/transactions?ticker=AAPL&from={_DAY}&to={_DAY}",
        }
    ],
    "price": {
        "price_date": _DAY,
        "close": "144.12",
        "accrued": "0",
        "currency": "USD",
        "price_kind": "AS_TRADED",
        "price_source": "MARKET",
        "split_factor": "1",
    },
    "valuation": None,
    "rates": [],
    "splits": [],
    "versions": {"marts/fact_position_daily": 12, "raw/pg_transaction_ledger": 17},
    "links": {"positions": f"/api/v1/portfolios/{_PORTFOLIO_ID}/positions"},
}
_OVERVIEW = {
    "portfolio": _PORTFOLIO,
    "ledger_head": {"version": 2, "recorded_at": _MOMENT, "newest_business_date": _DAY, "head_hash": "9f" * 32},
    "release_head": {**_RELEASE, "portfolio_version": 2, "has_seen_ledger_head": True, "held": None},
    "open_simulations": 1,
    "open_orders": 0,
    "reserved_cash": "0",
    "reserved_holdings": 0,
    "dead_letters": 0,
    "last_snapshot": {
        "snapshot_id": "5a1f5c9e-2f0b-4c51-8f3e-7d1b2a3c4d5e",
        "business_date": _DAY,
        "taken_at": _MOMENT,
        "portfolio_version": 2,
        "release_id": 17,
    },
    "last_idempotency_key_at": _MOMENT,
}
_READY = {
    "status": "ready",
    "schema_version": "0007",
    "ledger_head_at": _MOMENT,
    "release": _RELEASE,
    "release_lag_seconds": 0,
    "oldest_transaction_seconds": 0.02,
    "held_portfolios": 0,
    "dead_letters": 0,
    "failing_jobs": [],
}

EXAMPLES: Mapping[type[BaseModel], Mapping[str, Any]] = {
    portfolios.PortfolioView: _PORTFOLIO,
    portfolios.PortfolioPage: {"items": [_PORTFOLIO], "next_cursor": None},
    ledger.TransactionView: _TRANSACTION,
    ledger.TransactionPage: {"items": [_TRANSACTION], "next_cursor": None},
    ledger.TransactionsView: {"transactions": [_TRANSACTION]},
    ledger.BondIncomeView: {"transactions": [_COUPON], "not_posted": [_NOT_POSTED]},
    ledger.NotPostedView: _NOT_POSTED,
    ledger.HoldingsView: {"portfolio_id": _PORTFOLIO_ID, "holdings": [_HOLDING]},
    ledger.CashView: {
        "portfolio_id": _PORTFOLIO_ID,
        "balances": [{"currency": "USD", "balance": "8596.5", "reserved": "500", "available": "8096.5"}],
    },
    portfolios.SimulationView: _SIMULATION,
    portfolios.SimulationPage: {"items": [_SIMULATION], "next_cursor": None},
    portfolios.SimulationResultView: _DONE,
    portfolios.ReleaseView: _RELEASE,
    portfolios.PositionsView: {**_SHOWN, "positions": [_VALUED], "cash": [_CASH], "total": _VALUE},
    lineage.ValueLineageView: _EXPLAINED,
    portfolios.ValuesView: {**_SHOWN, "values": [_VALUE]},
    review.PerformanceView: {**_SHOWN, **review_examples.PERFORMANCE},
    review.HoldingsPerformanceView: {**_SHOWN, **review_examples.HOLDINGS},
    review.RiskView: {**_SHOWN, "risk": review_examples.RISK},
    review.ConcentrationView: {**_SHOWN, "concentration": review_examples.CONCENTRATION},
    review.ReviewView: {
        **_SHOWN,
        **review_examples.REVIEW,
        "portfolio": _PORTFOLIO,
        "total": _VALUE,
        "cash": [_CASH],
    },
    review.RestatementView: {
        **review_examples.RESTATEMENT,
        "before": {**_RELEASE, "release_id": 16},
        "after": _RELEASE,
    },
    portfolios.CorrelationsView: {
        **_SHOWN,
        "extremes": [{"ticker_a": "AAPL", "ticker_b": "XOM", "correlation": 0.21}],
    },
    portfolios.PriceView: {
        **_RELEASE,
        "ticker": "AAPL",
        "asked": "2017-03-26",
        "price_date": "2017-03-24",
        "close": "140.64",
        "currency": "USD",
    },
    health.Live: {"status": "live"},
    health.Ready: _READY,
    support.OverviewView: _OVERVIEW,
}


def show_examples(app: FastAPI) -> None:
    """Add the examples to the models of `app`'s OpenAPI document that bring none themselves."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        models = document.get("components", {}).get("schemas", {})
        for model, example in EXAMPLES.items():
            if model.__name__ in models:
                models[model.__name__].setdefault("examples", [example])
        for model in models.values():
            item = _model(model.get("properties", {}).get("items", {}).get("items", {}), models)
            if item and "examples" in item:  # a page shows what its rows show
                model.setdefault("examples", [{"items": item["examples"][:1], "next_cursor": None}])
        for model in models.values():
            if "examples" in model:
                model["examples"] = [_with_nulls(example, model, models) for example in model["examples"]]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _with_nulls(example: Any, schema: Mapping[str, Any], models: Mapping[str, Any]) -> Any:
    """FastAPI leaves what is null out of examples; what a model always answers is shown again, however deep."""
    model = _model(schema, models) or schema
    if isinstance(example, list):
        return [_with_nulls(item, model.get("items", {}), models) for item in example]
    if not isinstance(example, dict):
        return example
    known = model.get("properties", {})
    absent = {name: None for name in model.get("required", ()) if name not in example}
    return {**absent, **{name: _with_nulls(value, known.get(name, {}), models) for name, value in example.items()}}


def _model(schema: Mapping[str, Any], models: Mapping[str, Any]) -> Any:
    """The model that a schema refers to, alone or as one branch; None if to none."""
    for branch in (schema, *schema.get("anyOf", ())):
        if "$ref" in branch:
            return models.get(branch["$ref"].rpartition("/")[2])
    return None
