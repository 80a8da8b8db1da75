"""Interfaces that the domain needs from outside, named for the role; and values that cross between the two contexts.

The write side (OLTP) and the read side (a release of the lake) meet only here. A value is frozen, so that a change
of a mart's shape never leaks into a rule.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Protocol
from uuid import UUID

from domain.errors import Conflict, Refusal
from domain.orders import Execution, Order
from domain.snapshots import ReleasedQuotes

TabularData = Any
"""A table in Arrow's C-stream protocol; the domain never looks inside."""


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """One published, consistent set of table versions. `as_of` is the last day with prices."""

    release_id: int
    released_at: datetime
    as_of: date | None


@dataclass(frozen=True, slots=True)
class HeldReason:
    """Why a portfolio is not shown up to its newest ledger row: `failed_version` was tried and failed a check.

    It is shown up to ledger row `shown_version`, as before.
    """

    table_name: str
    check_name: str
    figures: str
    held_since: datetime
    failed_version: int
    shown_version: int | None


@dataclass(frozen=True, slots=True)
class PortfolioReleaseInfo(ReleaseInfo):
    """A release as it shows one portfolio: RELEASED, or HELD with the reason and an `as_of` of its own."""

    status: Literal["RELEASED", "HELD"]
    held: HeldReason | None
    warnings: tuple[str, ...] = ()

    def warned(self, warnings: tuple[str, ...]) -> "PortfolioReleaseInfo":
        """The same, with what should be known of its numbers."""
        return replace(self, warnings=warnings)


@dataclass(frozen=True, slots=True)
class UnrecordedAction:
    """A SPLIT or DIVIDEND that the market tells of `units` that were held at the close before, and the ledger lacks."""

    ticker: str
    security_id: int
    action_type: str
    action_date: date
    split_new: Decimal | None
    split_old: Decimal | None
    amount: Decimal | None
    currency: str | None
    units: Decimal


class PortfolioHeld(Conflict):
    """Nothing of a portfolio can be shown: it has failed a check, and no release has it as it was before."""

    code = "held"

    def __init__(self, portfolio_id: UUID, reason: str, since: datetime) -> None:
        super().__init__(
            f"portfolio {portfolio_id} is held since {since.isoformat(timespec='seconds')}, and nothing of it was "
            f"released before: {reason}",
            portfolio_id=str(portfolio_id),
            reason=reason,
            held_since=since.isoformat(),
        )


@dataclass(frozen=True, slots=True)
class ValuedPosition:
    """A position at the close of `business_date`. `status` is PRICED, STALE, UNCONFIRMED, or MISSING without a value.

    Amounts are in `currency`, those that end in `_base` in the portfolio's, at `fx_rate`; without a rate (FX_MISSING)
    they are None. Cost and gains are None where the basis of some units is not known.
    """

    security_id: int
    ticker: str
    quantity: Decimal
    avg_cost: Decimal | None
    cost_basis: Decimal | None
    close: Decimal | None
    price_date: date | None
    status: str
    stale_days: int
    market_value: Decimal | None
    gain_loss: Decimal | None
    realised: Decimal | None
    currency: str
    base_currency: str
    fx_rate: Decimal | None
    fx_status: str
    market_value_base: Decimal | None
    gain_loss_base: Decimal | None
    business_date: date


@dataclass(frozen=True, slots=True)
class ReleasedCash:
    """Cash of one currency at a day's close, and what it is in the portfolio's; None without a rate (FX_MISSING)."""

    currency: str
    balance: Decimal
    base_currency: str
    fx_rate: Decimal | None
    fx_status: str
    balance_base: Decimal | None


@dataclass(frozen=True, slots=True)
class PortfolioValue:
    """Amounts are in `currency`, the portfolio's. `realised` is since the first transaction; flows, income, tax, fees
    and the gains of transfers and of exchange rates on cash are the day's.

    `status` is the worst of what is held: MISSING if something has no price or no rate, and is not counted; UNCONFIRMED
    if a newest price jumps; STALE if a price or a rate is older than the day's; else PRICED. The counts say of how many
    holdings and balances, `stale_days` of how many sessions the oldest price. `coverage_pct` is the share of positions,
    by cost, that has a price and a rate; below 100 if anything is not counted. `n_unconfirmed` holdings count at a
    newest price that jumps and that none after it confirms.
    """

    business_date: date
    currency: str
    total_value: Decimal
    positions_value: Decimal
    cash: Decimal
    cost_basis: Decimal
    realised: Decimal
    inflow: Decimal
    outflow: Decimal
    income: Decimal
    tax: Decimal
    fees: Decimal
    transfer_gain: Decimal
    fx_gain: Decimal
    n_stale: int
    n_missing: int
    n_fx_stale: int
    n_fx_missing: int
    stale_days: int
    coverage_pct: float
    twr_index: float | None
    n_unconfirmed: int = 0

    @property
    def status(self) -> str:
        if self.n_missing + self.n_fx_missing:
            return "MISSING"
        if self.n_unconfirmed:
            return "UNCONFIRMED"
        return "STALE" if self.n_stale + self.n_fx_stale else "PRICED"


@dataclass(frozen=True, slots=True)
class TickerPerformance:
    ticker: str
    as_of: date
    total_return: float
    volatility_annual: float | None


@dataclass(frozen=True, slots=True)
class TickerDetails:
    ticker: str
    display_name: str
    asset_type: str
    currency: str
    exchange: str | None
    country: str | None
    sector: str | None
    industry: str | None
    price_kind: str | None
    first_price_date: date | None
    last_price_date: date | None


@dataclass(frozen=True, slots=True)
class FundMetadata:
    """A fund as its registry or the market tells it; None where nobody said. Costs are a year's, in basis points."""

    ticker: str
    fund_family: str | None
    category: str | None
    expense_ratio_bps: Decimal | None
    net_assets: Decimal | None


@dataclass(frozen=True, slots=True)
class TickerPriceAtDate:
    """The last close on or before `asked`; `price_date` tells which day it is from."""

    ticker: str
    asked: date
    price_date: date
    close: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class SecuritySimParams:
    """`mu_annual` is the arithmetic drift m of dS/S; both are fractions per year."""

    security_id: int
    ticker: str
    mu_annual: float
    volatility_annual: float
    n_observations: int


@dataclass(frozen=True, slots=True)
class HistoricalReturns:
    """Daily log returns on the dates that all of `tickers` have; `returns[i][k]` is ticker i on date k."""

    tickers: tuple[str, ...]
    dates: tuple[date, ...]
    returns: tuple[tuple[float, ...], ...]


class TooManyWaiting(Refusal):
    """An owner's limit of simulations that wait for their turn."""

    code = "too_many_waiting"
    status = 429

    def __init__(self, waiting: int, limit: int) -> None:
        super().__init__(
            f"{waiting} of your simulations wait for their turn, and at most {limit} may; ask again when some are done",
            waiting=waiting,
            limit=limit,
        )


@dataclass(frozen=True, slots=True)
class EventMessage:
    """An event of the outbox on its way out. It may arrive twice: `event_id` tells. `payload` is JSON."""

    event_id: UUID
    event_type: str
    aggregate_id: UUID
    version: int
    occurred_at: datetime
    correlation_id: str
    payload: Mapping[str, Any]


class Clock(Protocol):
    """`now` stamps what we record; `today` is the business date in a named zone.

    `last_day` is that of a bundled market, which no later day follows; None where time goes on.
    """

    @property
    def last_day(self) -> date | None: ...
    def now(self) -> datetime: ...
    def today(self, zone: str) -> date: ...


class EventPublisher(Protocol):
    """Tells the world outside what happened; returns once the message has been taken over."""

    def publish(self, message: EventMessage) -> None: ...


class AnalyticsRepository(Protocol):
    """Read-only questions to one release of the lake."""

    def release(self) -> ReleaseInfo: ...
    def get_positions(self, portfolio_id: UUID, on: date | None = None) -> Sequence[ValuedPosition]: ...
    def get_cash(self, portfolio_id: UUID, on: date | None = None) -> Sequence[ReleasedCash]: ...
    def get_values(self, portfolio_id: UUID, start: date | None, end: date | None) -> Sequence[PortfolioValue]: ...
    def get_performance_for_tickers(self, tickers: Sequence[str]) -> Mapping[str, TickerPerformance]: ...
    def get_ticker_details(self, tickers: Sequence[str]) -> Mapping[str, TickerDetails]: ...
    def get_fund_metadata_for_tickers(self, tickers: Sequence[str]) -> Mapping[str, FundMetadata]: ...
    def get_price_for_date(self, ticker: str, on: date) -> TickerPriceAtDate | None: ...
    def get_correlation_extremes(self, tickers: Sequence[str]) -> tuple[tuple[str, str, float], ...]: ...
    def get_simulation_fan(self, simulation_id: UUID) -> Sequence[Mapping[str, float | None]]: ...
    def get_quotes(self) -> ReleasedQuotes: ...


class SimulationParamsRepository(Protocol):
    """Parameters that a simulation starts from; a security without any is refused by name."""

    def get_security_params(self, security_ids: Sequence[int]) -> Sequence[SecuritySimParams]: ...
    def get_correlation(self, security_ids: Sequence[int]) -> Sequence[Sequence[float]]: ...
    def get_historical_returns(self, tickers: Sequence[str]) -> HistoricalReturns: ...


class IncompleteMarket(Exception):
    """Something did not come; nothing that did is lost.

    `rows` is whole for everything that `missing` does not name: publish it, keep what was there of the missing, and ask
    for them again later. `missing` says why, by ticker, or by series or currency where there are no tickers; `unknown`
    are those of them that the source says it has never heard of.
    """

    def __init__(
        self, source: str, rows: TabularData, missing: Mapping[str, str], unknown: Collection[str] = ()
    ) -> None:
        self.source, self.rows, self.missing, self.unknown = source, rows, dict(missing), frozenset(unknown)
        named = "; ".join(f"{what}: {why}" for what, why in sorted(self.missing.items()))
        super().__init__(f"{source} did not answer for {len(self.missing)}: {named}")


class PriceSource(Protocol):
    """Market data between two days, both included, or `IncompleteMarket` with what there is of it.

    Every answer has all its columns and types, also without rows, and comes in the order of its key. What the source
    does not know is a missing row, or null where a row has other figures; it is never 0. `currency` is an ISO 4217
    code: what is quoted in pence comes in pounds.

    prices             ticker, price_date | close, currency, price_kind, adjusted_close, volume. `close` and `volume`
                       of AS_TRADED are those of the day, whatever was split later; `adjusted_close` serves returns.
    corporate_actions  ticker, action_date, action_type (SPLIT or DIVIDEND) | split_new, split_old, amount, currency.
                       By ex-date; `split_new` units for `split_old`; the amount per unit as it was paid on the day.
    yields             curve_date, tenor_months | par_yield_pct: semiannual par yield in per cent; 0.00 is a real yield.
    fx_rates           currency, rate_date | rate_per_eur: units of the currency for one euro, as the ECB says them.
    consumer_prices    series, index_month | index_level, by the first day of its month.
    fund_metadata      ticker, as_of | fund_family, category, legal_type, inception_date, expense_ratio_pct, net_assets,
                       currency, is_illustrative. A live source knows today's only: none for a window without it.
    analyst_targets    ticker, as_of | target_mean, target_median, target_low, target_high, n_analysts, currency,
                       is_illustrative: prices in twelve months.
    """

    @property
    def name(self) -> str: ...
    def prices(self, start: date, end: date) -> TabularData: ...
    def corporate_actions(self, start: date, end: date) -> TabularData: ...
    def yields(self, start: date, end: date) -> TabularData: ...
    def fx_rates(self, start: date, end: date) -> TabularData: ...
    def consumer_prices(self, start: date, end: date) -> TabularData: ...
    def fund_metadata(self, start: date, end: date) -> TabularData: ...
    def analyst_targets(self, start: date, end: date) -> TabularData: ...


class Broker(Protocol):
    """Whoever executes orders, in its own time.

    `executions` is asked again and again while an order is open, and answers what has been confirmed and is not yet
    among its fills. Each has an id of its own, so that telling it twice does no harm; a broker that is reached over the
    network submits the order under its `order_id` when it is asked for the first time.
    """

    def executions(self, order: Order, today: date, now: datetime) -> Sequence[Execution]: ...
