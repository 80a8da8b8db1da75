"""Where a number comes from, as the API tells it."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from pydantic import Field

from domain.ledger import TxnType
from oltp_api.analytics.schemas import PortfolioReleaseView
from oltp_api.web.fields import Amount
from oltp_api.web.schemas import View


class ExplainedHoldingView(View):
    account_id: int
    quantity: Amount
    cost_basis: Amount | None
    market_value: Amount | None
    market_value_base: Amount | None


class ExplainedTransactionView(View):
    """A ledger row that led to the position; `link` is the API's list of that day's rows."""

    seq: int
    type: TxnType = Field(validation_alias="txn_type")
    account_id: int
    business_date: date
    quantity: Amount | None
    price: Amount | None
    gross: Amount | None
    fees: Amount
    cash_effect: Amount
    currency: str
    fx_rate: Amount | None
    split_new: Amount | None
    split_old: Amount | None
    reverses_seq: int | None
    reversed_by_seq: int | None = Field(description="The row that took it back; it counts no more.")
    link: str


class ExplainedPriceView(View):
    price_date: date
    close: Amount
    accrued: Amount = Field(description="A bond's accrued interest per 100 of face; 0 for others.")
    currency: str
    price_kind: str
    price_source: str
    split_factor: Amount = Field(description="Units of today that one unit of the day has become.")


class ExplainedValuationView(View):
    price_date: date
    clean_price: Amount
    accrued: Amount
    dirty_price: Amount
    yield_pct: float | None = Field(description="None where no time is left: on a 30th before a maturity on the 31st.")
    modified_duration_years: float | None
    spread_bps: float
    curve_date: date
    redemption_date: date | None = Field(
        default=None,
        description="When it is paid off, or of a callable bond would be at worst; None in older releases.",
    )


class ExplainedRateView(View):
    currency: str
    rate_per_eur: Amount
    rate_date: date
    status: str


class ExplainedSplitView(View):
    action_date: date
    split_new: Amount
    split_old: Amount


class ValueLineageView(PortfolioReleaseView):
    portfolio_id: UUID
    security_id: int
    ticker: str
    business_date: date
    quantity: Amount
    market_value: Amount | None = Field(description="In the security's currency; absent without a price.")
    market_value_base: Amount | None = Field(description="In the portfolio's; absent without a price or a rate.")
    price_status: str | None = Field(description="PRICED, STALE or MISSING; null where nothing was held.")
    stale_days: int | None = Field(description="Sessions since the price.")
    fx_status: str | None = Field(description="PRICED, STALE or FX_MISSING.")
    steps: Sequence[str] = Field(description="How the value was made, in words and figures.")
    holdings: Sequence[ExplainedHoldingView]
    transactions: Sequence[ExplainedTransactionView]
    price: ExplainedPriceView | None
    valuation: ExplainedValuationView | None = Field(description="Of a bond that is priced from the curve.")
    rates: Sequence[ExplainedRateView]
    splits: Sequence[ExplainedSplitView] = Field(description="Of the security up to the day, as the market tells them.")
    versions: Mapping[str, int] = Field(description="The tables of the lake that it was read from, and their versions.")
    links: Mapping[str, str]
