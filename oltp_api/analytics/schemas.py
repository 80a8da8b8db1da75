"""Views of released numbers, each with the release that it is from."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import Field

from oltp_api.web.fields import Amount
from oltp_api.web.schemas import View

VALUE_STATUS = (
    "Of the value: PRICED, STALE (a price or a rate in it is older than its day), UNCONFIRMED (a newest price in it "
    "jumps, with none after it) or MISSING (something has no price or no rate, and is not in it)."
)


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
    warnings: Sequence[str] = Field((), description="Splits and dividends that the market tells and the ledger lacks.")


class ValuedPositionView(View):
    security_id: int
    ticker: str
    quantity: Amount
    avg_cost: Amount | None
    cost_basis: Amount | None = Field(description="Absent, as are gains, where a basis is not known.")
    close: Amount | None
    price_date: date | None
    status: str = Field(
        description="PRICED, STALE, MISSING, which has no value, or UNCONFIRMED: the newest price, which counts, jumps "
        "and has none after it to confirm it."
    )
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
    status: str = Field(description=VALUE_STATUS)
    n_stale: int = Field(description="Holdings at an older price than the day's.")
    n_missing: int = Field(description="Holdings without a price, which are not in the value.")
    n_fx_stale: int = Field(description="Holdings and balances at an older rate than the day's.")
    n_fx_missing: int = Field(description="Holdings and balances without a rate, which are not in the value.")
    stale_days: int = Field(description="Sessions since the oldest of the prices; 0 if all are of the day's session.")
    coverage_pct: float = Field(description="Share of positions, by cost, that has a price and a rate; 0 to 100.")
    twr_index: float | None
    n_unconfirmed: int = Field(
        0, description="Holdings that count at a newest price that jumps, with none after it to confirm it."
    )


class ClosedPositionView(View):
    """A security of which nothing is held any more, in any account."""

    security_id: int
    ticker: str
    name: str
    currency: str
    opened_on: date = Field(description="The day of the first units.")
    closed_on: date = Field(description="The day after whose close there were none.")
    realised: Amount | None = Field(
        description="Gain of all that was sold since the first day; null where a basis is not known."
    )
    base_currency: str
    realised_base: Amount | None


class PositionsView(PortfolioReleaseView):
    """Positions as the release shows them. `total` is None for a day before the first transaction."""

    positions: Sequence[ValuedPositionView]
    closed: Sequence[ClosedPositionView] | None = Field(
        None, description="Positions that are closed on the day; only with `include_closed`."
    )
    cash: Sequence[ReleasedCashView] = Field(description="Per currency.")
    total: PortfolioValueView | None


EXPLAIN = Field(None, description="What the reference of each figure here begins with; its place follows.")


class ValuesView(PortfolioReleaseView):
    values: Sequence[PortfolioValueView]
    explain: str | None = EXPLAIN


class CorrelationView(View):
    ticker_a: str
    ticker_b: str
    correlation: float


class CorrelationsView(PortfolioReleaseView):
    """The lowest and the highest pair, in this order; fewer if fewer than three securities are held."""

    extremes: Sequence[CorrelationView]
