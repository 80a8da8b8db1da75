"""Forms of everyday commands, with the names that the bodies of the API have."""

from collections.abc import Sequence

from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.ledger import TxnType
from domain.orders import OrderType, Side
from domain.simulations import ModelName
from oltp_api.page_forms.form import Field, PageForm

_DRIFTS = {
    DriftChoice.POSTERIOR: "between a prior and the last ten years",
    DriftChoice.EQUILIBRIUM: "what the market pays for risk",
    DriftChoice.HISTORICAL: "as the last ten years",
    DriftChoice.FORWARD: "as analysts expect",
}
"""Drifts that need no table of their own."""


def _spoken(name: str) -> str:
    return name.lower().replace("_", " ").capitalize()


def _choices(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(str(name), _spoken(str(name))) for name in names]


_DAY = Field("business_date", "Day", "date", "Today if it is left out.")
_ACCOUNT = Field("account", "Account", hint="MAIN if it is left out.", is_more=True)
_RATE = Field("fx_rate", "Exchange rate", "number", "One unit of the currency in that of the portfolio.", is_more=True)
_CURRENCY = Field("currency", "Currency", hint="As EUR; the security’s, else the portfolio’s.", is_more=True, most=3)
_NOTE = Field("note", "Note", is_more=True, most=1000)
_TICKER = Field("ticker", "Security", hint="Ticker, ISIN or CUSIP, as AAPL.", is_needed=True)

TRADE = PageForm(
    "trade",
    "Record the trade",
    [
        Field("type", "Kind", "choice", choices=_choices([TxnType.BUY, TxnType.SELL]), default=TxnType.BUY),
        _TICKER,
        Field("quantity", "Units", "number", is_needed=True, most=40),
        Field("price", "Price per unit", "number", "Or the amount, below.", most=40),
        Field("fees", "Fees", "number", most=40),
        _DAY,
        Field("amount", "Amount", "number", "Cash that moved, as the statement has it.", is_more=True, most=40),
        _CURRENCY,
        _RATE,
        _ACCOUNT,
        _NOTE,
    ],
)
CASH = PageForm(
    "cash",
    "Record the payment",
    [
        Field("type", "Kind", "choice", choices=_choices([TxnType.DEPOSIT, TxnType.WITHDRAW]), default=TxnType.DEPOSIT),
        Field("amount", "Amount", "number", is_needed=True, most=40),
        _DAY,
        _CURRENCY,
        _RATE,
        _ACCOUNT,
        _NOTE,
    ],
)
ORDER = PageForm(
    "order",
    "Place the order",
    [
        Field("side", "Side", "choice", choices=_choices(list(Side)), default=Side.BUY),
        _TICKER,
        Field("quantity", "Units", "number", is_needed=True, most=40),
        Field("order_type", "Kind", "choice", choices=_choices(list(OrderType)), default=OrderType.MARKET),
        Field("limit_price", "Limit per unit", "number", "Of a limit order, which needs it.", most=40),
        Field("fees", "Fees expected", "number", is_more=True, most=40),
        _ACCOUNT,
    ],
)
SIMULATION = PageForm(
    "simulation",
    "Request the simulation",
    [
        Field("name", "Name", is_needed=True),
        Field("horizon_years", "Years", "whole", is_needed=True, default="30", most=4),
        Field("model", "Model", "choice", choices=_choices(list(ModelName)), default=ModelName.GAUSSIAN),
        Field("drift", "Drift", "choice", choices=[("", "as the model has it"), *_DRIFTS.items()]),
        Field("scenario", "Scenario", "choice"),
        Field("goal", "Goal", "number", "How likely the value ends at or above it.", is_more=True, most=40),
        Field("floor", "Floor", "number", "How likely the value is ever below it.", is_more=True, most=40),
        Field("withdrawal_per_year", "Taken out a year", "number", is_more=True, most=40),
        Field("inflation_annual", "Inflation a year", "number", "A fraction: 0.025 is 2.5 %.", is_more=True, most=20),
        Field("seed", "Seed", "whole", "Drawn if it is left out.", is_more=True, most=15),
    ],
)
ANALYSIS = PageForm(
    "analysis",
    "Request the analysis",
    [
        Field(
            "writer",
            "Written by",
            "choice",
            choices=[("configured", "the server’s writer"), ("rules/1", "rules, without a language model")],
            default="configured",
        )
    ],
)
PORTFOLIO = PageForm(
    "portfolio",
    "Make the portfolio",
    [
        Field("name", "Name", is_needed=True),
        Field("base_currency", "Currency", hint="As EUR.", is_needed=True, default="USD", most=3),
        Field("initial_cash", "Cash to begin with", "number", most=40),
        Field("business_date", "Day it begins", "date", "Today if it is left out."),
    ],
)
