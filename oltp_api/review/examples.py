"""Examples of return, risk and concentration for the OpenAPI document; `examples.py` has the others."""

_DAY = "2017-03-29"

_NUMBERS = {
    "as_of": _DAY,
    "first_date": "2015-01-02",
    "total_value": "10037.7",
    "net_contributions": "10000",
    "twr": 0.0037,
    "twr_annual": 0.0017,
    "xirr": 0.0017,
    "xirr_status": "OK",
    "volatility_annual": 0.021,
    "sharpe": 0.08,
    "max_drawdown": -0.012,
    "max_drawdown_peak": "2015-05-22",
    "max_drawdown_trough": "2016-05-12",
    "max_drawdown_recovery": "2017-01-25",
}
_PERIOD = {
    "period": "1Y",
    "status": "OK",
    "start": "2016-03-29",
    "as_of": _DAY,
    "begin_value": "9890.12",
    "end_value": "10037.70",
    "net_contributions": "0.00",
    "gain": "147.58",
    "twr": 0.0149,
    "twr_annual": 0.0149,
    "twr_gross": 0.0151,
    "twr_gross_annual": 0.0151,
    "mwr": 0.0149,
    "xirr": 0.0149,
    "xirr_status": "OK",
    "n_uncovered_days": 0,
    "benchmark_twr": 0.1474,
    "benchmark_twr_annual": 0.1474,
    "benchmark_value": "11347.92",
    "active_return": -0.1325,
}
_BENCHMARK = {"name": "SP500", "kind": "PRICE_INDEX"}
_CONTRIBUTIONS = {
    "period": "1Y",
    "parts": [{"ticker": "AAPL", "contribution": 0.0151}],
    "other": -0.0002,
    "twr": 0.0149,
}
PERFORMANCE = {
    "currency": "USD",
    "benchmark": _BENCHMARK,
    "performance": _NUMBERS,
    "periods": [_PERIOD],
    "contributions": [_CONTRIBUTIONS],
}
_TAIL = {
    "method": "HISTORICAL",
    "confidence": 0.95,
    "horizon_days": 1,
    "var": 0.0151,
    "es": 0.0224,
    "n": 563,
    "status": "OK",
}
RISK = {
    "profiles": [
        {
            "basis": "REALISED",
            "status": "OK",
            "first_day": "2015-01-05",
            "last_day": _DAY,
            "n": 563,
            "volatility": 0.021,
            "downside_deviation": 0.014,
            "sharpe": 0.08,
            "sortino": 0.12,
            "max_drawdown": -0.012,
            "peak": "2015-05-22",
            "trough": "2016-05-12",
            "recovery": "2017-01-25",
            "beta": 0.11,
            "alpha": -0.004,
            "tracking_error": 0.12,
            "information_ratio": -0.61,
            "tails": [_TAIL],
        }
    ],
    "components": [{"ticker": "AAPL", "weight": 0.26, "var": 0.0073, "es": 0.0092}],
    "backtest": {
        "exceptions": 3,
        "expected": 12.6,
        "n": 252,
        "likelihood_ratio": 10.97,
        "p_value": 0.0009,
        "verdict": "TOO_FEW",
    },
    "left_out": [],
}
HOLDINGS = {
    "currency": "USD",
    "holdings": [
        {**_PERIOD, "level": "POSITION", "account_id": None, "ticker": "AAPL", "status": "OK", "contribution": 0.031}
    ],
}
CONCENTRATION = {
    "dimensions": [
        {
            "dimension": "issuer",
            "hhi": 0.117,
            "effective_number": 8.6,
            "top_5": 0.59,
            "top_10": 0.83,
            "groups": [{"label": "Apple Inc.", "gross": 0.26, "net": 0.26}],
        }
    ],
    "limits": [
        {
            "dimension": "issuer",
            "measure": "GROSS_WEIGHT",
            "label": "Apple Inc.",
            "value": 0.26,
            "warn_at": 0.2,
            "breach_at": 0.35,
            "state": "WARN",
        }
    ],
    "left_out": [],
}
REVIEW = {
    "day": _DAY,
    "holdings": [
        {
            "security_id": 1,
            "ticker": "AAPL",
            "name": "Apple Inc.",
            "asset_type": "EQUITY",
            "quantity": "10",
            "value": "1440.6",
            "weight": 0.14,
        }
    ],
    "benchmark": _BENCHMARK,
    "periods": [_PERIOD],
    "contributions": [_CONTRIBUTIONS],
    "risk": RISK,
    "concentration": CONCENTRATION,
    "curve": {
        "days": [_DAY],
        "value": [10037.7],
        "contributed": [10000],
        "index": [1.0037],
        "drawdown": [0],
        "benchmark": [1.16],
    },
    "fan": [{"step": 252, "years": 1, "p5": 8120.5, "p50": 10410.2, "p95": 13240.9}],
}
RESTATEMENT = {
    "until": _DAY,
    "n_days": 28,
    "first_day": "2017-03-02",
    "last_day": _DAY,
    "last": {
        "business_date": _DAY,
        "before_value": "10037.7",
        "after_value": "10051.2",
        "change": "13.5",
        "before_index": 1.0037,
        "after_index": 1.0051,
    },
    "largest": {
        "business_date": "2017-03-21",
        "before_value": "9981.4",
        "after_value": "9960.3",
        "change": "-21.1",
        "before_index": 0.9981,
        "after_index": 0.996,
    },
    "days": [],
    "transactions": [
        {
            "seq": 12,
            "txn_type": "BUY",
            "business_date": "2017-03-02",
            "recorded_at": "2017-03-29T20:00:00Z",
            "ticker": "AAPL",
            "quantity": "3",
            "price": "138.96",
            "cash_effect": "-416.88",
            "currency": "USD",
            "reverses_seq": None,
            "note": "found in a drawer",
        }
    ],
    "prices": [
        {
            "what": "ACME",
            "n_days": 1,
            "first_day": "2017-03-21",
            "last_day": "2017-03-21",
            "largest_day": "2017-03-21",
            "before": "12.4",
            "after": "12.1",
        }
    ],
    "rates": [],
    "settings": [],
}
