"""Bodies of requests and answers about portfolios, simulations and released numbers; and what all bodies share.

Requests know how to become commands; views are what a query answers, as it is.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from domain.analytics.risk.limits import DEFAULT_LIMITS, Limit, Measure
from domain.commands import CreatePortfolio, InitialHolding
from domain.disposals import LONG_TERM_DAYS, MOST_LONG_TERM_DAYS
from domain.errors import InvalidInput
from domain.holdings import CostMethod
from domain.money import ZERO
from domain.portfolio import PortfolioKind
from oltp_api.web.etags import portfolio_etag
from oltp_api.web.fields import Amount, Currency, Day, Number, Row, ShortText, Text, Zone, at_most
from oltp_api.web.schemas import TICKER, Request, View

_MOST_LIMIT = Decimal(1000)


class HoldingRequest(Request):
    ticker: ShortText = Field(validation_alias=TICKER)
    quantity: Number
    avg_cost: Number


class PortfolioRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Retirement",
                    "base_currency": "USD",
                    "initial_cash": "10000",
                    "holdings": [{"ticker": "AAPL", "quantity": "10", "avg_cost": "25.50"}],
                    "business_date": "2015-01-02",
                }
            ]
        }
    )

    name: Text | None = Field(default=None, max_length=1000, description="Required, here or as a query parameter.")
    base_currency: Currency = "USD"
    kind: PortfolioKind = PortfolioKind.INVESTMENT
    time_zone: Zone = "America/New_York"
    initial_cash: Number | None = None
    holdings: Annotated[tuple[Row[HoldingRequest], ...], at_most(5000)] = Field(default=(), max_length=5000)
    business_date: Day | None = Field(default=None, description="The day it opens; today if absent.")
    cost_method: CostMethod = CostMethod.AVCO

    def with_query(self, **given: object) -> Self:
        """This request with what the query string gave; the same field in both places is refused."""
        asked = {name: value for name, value in given.items() if value is not None}
        for name in asked:
            if getattr(self, name) is not None:
                raise InvalidInput(name, "is in the body and in the query string; send it once")
        return self.model_copy(update=asked)

    def command(self, user_id: UUID) -> CreatePortfolio:
        if self.name is None:
            raise InvalidInput("name", "is required, in the body or in the query string")
        return CreatePortfolio(
            user_id=user_id,
            name=self.name,
            base_currency=self.base_currency,
            kind=self.kind,
            time_zone=self.time_zone,
            initial_cash=self.initial_cash or ZERO,
            holdings=tuple(InitialHolding(held.ticker, held.quantity, held.avg_cost) for held in self.holdings),
            business_date=self.business_date,
            cost_method=self.cost_method,
        )


class PortfolioEdit(Request):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Retirement at 60"}]})

    name: Text = Field(max_length=1000)


class BenchmarkChoice(Request):
    """A security of the market in the portfolio's currency, an index or a share; null for the default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ticker": "SP500"}]})

    ticker: ShortText | None = Field(validation_alias=TICKER)


class LongTermChoice(Request):
    """Days beyond which what was held is long term; null for the default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"days": 365}]})

    days: int | None = Field(ge=0, le=MOST_LONG_TERM_DAYS, strict=True)


class LimitRequest(Request):
    """From `warn_at` on a measure of a dimension is WARN, from `breach_at` on BREACH."""

    dimension: Literal["security", "issuer", "sector", "country", "currency", "asset_class", "portfolio"]
    measure: Measure
    warn_at: Number = Field(description="A fraction of equity; of LEVERAGE, which is the portfolio's, a multiple.")
    breach_at: Number

    @property
    def limit(self) -> Limit:
        if max(self.warn_at, self.breach_at) > _MOST_LIMIT:
            raise InvalidInput("limits", f"are at most {_MOST_LIMIT}; nothing is that large beside equity")
        try:
            return Limit(self.dimension, self.measure, float(self.warn_at), float(self.breach_at))
        except ValueError as error:
            raise InvalidInput("limits", f"make no sense: {error}") from error


class LimitsRequest(Request):
    """Null for the defaults, an empty list for none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "limits": [
                        {"dimension": "issuer", "measure": "GROSS_WEIGHT", "warn_at": "0.1", "breach_at": "0.15"},
                        {"dimension": "portfolio", "measure": "LEVERAGE", "warn_at": "1.2", "breach_at": "1.5"},
                    ]
                }
            ]
        }
    )

    limits: Annotated[tuple[Row[LimitRequest], ...], at_most(50)] | None = Field(max_length=50)

    def asked(self) -> tuple[Limit, ...] | None:
        if self.limits is None:
            return None
        limits = tuple(one.limit for one in self.limits)
        if len({(limit.dimension, limit.measure) for limit in limits}) < len(limits):
            raise InvalidInput("limits", "bound one measure of one dimension twice; name it once")
        return limits


class ConcentrationLimitView(View):
    dimension: str
    measure: str
    warn_at: float
    breach_at: float


class LimitsView(View):
    """The limits that bind the portfolio. Those on issuers and securities leave out cash, sovereigns and funds, those
    on sectors what is in no sector; a sum of the five or ten largest says nothing of too few holdings."""

    is_default: bool = Field(description="The portfolio has none of its own, and these are everybody's.")
    limits: Sequence[ConcentrationLimitView]


class PortfolioView(View):
    portfolio_id: UUID
    name: str
    base_currency: str
    kind: PortfolioKind
    time_zone: str
    cost_method: CostMethod
    version: int = Field(description="Grows by one with every ledger row.")
    revision: int = Field(description="Grows by one with every edit of its attributes.")
    cash: Amount = Field(description="In the base currency, now.")
    last_business_date: date | None
    archived_at: datetime | None
    created_at: datetime
    benchmark: str | None = Field(None, description="Ticker of what it is held against; null for the default.")
    limits: Sequence[ConcentrationLimitView] | None = Field(
        None, description="Limits of concentration of its own; null where the defaults bind it."
    )

    long_term_days: int | None = Field(
        None, description=f"Gains on what was held for more days are LONG; null for the default, {LONG_TERM_DAYS}."
    )

    @property
    def binding_limits(self) -> tuple[Limit, ...]:
        """The limits of its own, or the defaults."""
        if self.limits is None:
            return DEFAULT_LIMITS
        return tuple(Limit(one.dimension, Measure(one.measure), one.warn_at, one.breach_at) for one in self.limits)

    @property
    def etag(self) -> str:
        return portfolio_etag(self.version, self.revision)


class PortfolioPage(View):
    items: Sequence[PortfolioView]
    next_cursor: str | None
