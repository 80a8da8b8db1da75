"""Bodies of requests and answers about portfolios, simulations and released numbers; and what all bodies share.

Requests know how to become commands; views are what a query answers, as it is.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from domain.commands import CreatePortfolio, InitialHolding, RequestSimulation
from domain.errors import InvalidInput
from domain.holdings import CostMethod
from domain.money import ZERO
from domain.portfolio import PortfolioKind
from oltp_api.web.etags import portfolio_etag
from oltp_api.web.fields import Amount, Currency, Day, Number, Row, ShortText, Text, Zone, at_most

TICKER = AliasChoices("ticker", "symbol")
_MAX_SEED = 2**53 - 1  # the largest whole number that every JSON reader keeps


class Request(BaseModel):
    """An unknown field is refused: a misspelt one must not be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


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


class SimulationRequestBody(Request):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "to retirement", "horizon_years": 20, "num_paths": 10_000}]}
    )

    name: Text = Field(max_length=1000)
    horizon_years: int = Field(default=30, ge=1, le=30, strict=True)
    num_paths: int = Field(default=10_000, ge=1, le=100_000, strict=True)
    sample_paths: int = Field(default=10, ge=0, le=50, strict=True)
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED, strict=True, description="Drawn and stored if absent.")

    def command(self, user_id: UUID, portfolio_id: UUID) -> RequestSimulation:
        return RequestSimulation(user_id=user_id, portfolio_id=portfolio_id, **self.model_dump())


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

    @property
    def etag(self) -> str:
        return portfolio_etag(self.version, self.revision)


class PortfolioPage(View):
    items: Sequence[PortfolioView]
    next_cursor: str | None


class SimulationView(View):
    simulation_id: UUID
    portfolio_id: UUID
    name: str
    horizon_years: int
    num_paths: int
    sample_paths: int
    seed: int
    is_standing: bool
    status: str = Field(description="REQUESTED, DONE or REFUSED.")
    reason: str | None
    release_id: int | None
    portfolio_version: int | None
    summary: Mapping[str, Any] | None
    requested_at: datetime
    finished_at: datetime | None


class SimulationPage(View):
    items: Sequence[SimulationView]
    next_cursor: str | None


class SimulationResultView(SimulationView):
    fan: Sequence[Mapping[str, float]] | None = Field(description="Percentiles of wealth per step, once DONE.")


class ReleaseView(View):
    release_id: int
    released_at: datetime
    as_of: date | None = Field(description="The last day with prices.")


class HeldReasonView(View):
    """The check that the portfolio's new numbers failed; until it passes, the portfolio is shown as it was before."""

    table_name: str
    check_name: str
    figures: str = Field(description="What the check found.")
    held_since: datetime
    failed_version: int = Field(description="The portfolio's version that was tried.")
    shown_version: int | None = Field(description="The portfolio's version that is shown; null if none is.")


class PortfolioReleaseView(ReleaseView):
    """`as_of` of a HELD portfolio is the last day that it is shown on."""

    status: str = Field("RELEASED", description="RELEASED, or HELD: its newest numbers have failed a check.")
    held: HeldReasonView | None = Field(None, description="Why it is HELD.")


class ValuedPositionView(View):
    security_id: int
    ticker: str
    quantity: Amount
    avg_cost: Amount | None
    cost_basis: Amount | None = Field(description="Absent, as are gains, where a basis is not known.")
    close: Amount | None
    price_date: date | None
    status: str = Field(description="PRICED, STALE or MISSING; MISSING has no value.")
    stale_days: int
    market_value: Amount | None
    gain_loss: Amount | None
    realised: Amount | None
    currency: str
    base_currency: str
    fx_rate: Amount | None = Field(description="What one unit of `currency` is in `base_currency` on that day.")
    fx_status: str = Field(description="PRICED, STALE or FX_MISSING; FX_MISSING has no value in `base_currency`.")
    market_value_base: Amount | None
    gain_loss_base: Amount | None
    business_date: date


class ReleasedCashView(View):
    currency: str
    balance: Amount
    base_currency: str
    fx_rate: Amount | None
    fx_status: str
    balance_base: Amount | None


class PortfolioValueView(View):
    business_date: date
    currency: str = Field(description="The portfolio's currency, of every amount.")
    total_value: Amount
    positions_value: Amount
    cash: Amount
    cost_basis: Amount
    realised: Amount = Field(description="Since the first transaction; what follows is of the day.")
    inflow: Amount
    outflow: Amount
    income: Amount
    tax: Amount
    fees: Amount = Field(description="Standalone; a trade's are in its cost or proceeds.")
    transfer_gain: Amount = Field(
        description="What units that came from outside had gained before, less those that left."
    )
    fx_gain: Amount = Field(description="Of cash, by the change of exchange rates.")
    coverage_pct: float = Field(description="Share of positions, by cost, that has a price and a rate; 0 to 100.")
    twr_index: float | None


class PositionsView(PortfolioReleaseView):
    """Positions as the release shows them. `total` is None for a day before the first transaction."""

    positions: Sequence[ValuedPositionView]
    cash: Sequence[ReleasedCashView] = Field(description="Per currency.")
    total: PortfolioValueView | None


class ValuesView(PortfolioReleaseView):
    values: Sequence[PortfolioValueView]


class CorrelationView(View):
    ticker_a: str
    ticker_b: str
    correlation: float


class CorrelationsView(PortfolioReleaseView):
    """The lowest and the highest pair, in this order; fewer if fewer than three securities are held."""

    extremes: Sequence[CorrelationView]


class PriceView(ReleaseView):
    ticker: str
    asked: date
    price_date: date
    close: Amount
    currency: str
