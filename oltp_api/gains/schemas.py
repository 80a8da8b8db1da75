"""Views of gains. Amounts are strings; those that end in `_base` are in the portfolio's currency."""

from collections.abc import Sequence
from datetime import date

from pydantic import Field

from domain.disposals import Term
from domain.gains import IncomeType
from domain.holdings import CostMethod
from domain.ledger import TxnType
from oltp_api.analytics.schemas import EXPLAIN, ClosedPositionView, PortfolioReleaseView
from oltp_api.web.fields import Amount
from oltp_api.web.schemas import View


class DisposalView(View):
    """Units of one lot that ledger row `seq` gave for money, the `part`-th lot of it."""

    seq: int = Field(description="The ledger row that realised the gain.")
    part: int
    txn_type: TxnType = Field(
        description="SELL, or BUY, which covers a short; CASH_IN_LIEU; the cash of a MERGER or EXCHANGE; or with 0 "
        "units what a RETURN_OF_CAPITAL or COST_ADJUSTMENT left beyond the cost."
    )
    realised_on: date = Field(description="The day that decides the year.")
    sale_seq: int | None = Field(description="The row that sold; of a short the one that opened it.")
    lot_seq: int | None = Field(description="The row that acquired; null under average cost, which has no lots.")
    acquired_on: date | None = Field(
        description="The lot's first day, also through transfers, splits and events; null under average cost."
    )
    sold_on: date | None = Field(description="Of a short, whose opening is its sale, the day of that.")
    days_held: int | None = Field(description="From `acquired_on` to `sold_on`; 0 for a short.")
    term: Term | None = Field(description="LONG for more days than `long_term_days`; null where days are not known.")
    account_id: int
    account: str
    security_id: int
    ticker: str
    isin: str | None
    name: str
    units: Amount
    currency: str
    proceeds: Amount | None = Field(description="Less the fees of the sale.")
    cost: Amount | None = Field(description="With the fees of the purchase; null, as is the gain, of unknown basis.")
    gain: Amount | None
    proceeds_base: Amount | None = Field(description="At the rate of the sale.")
    cost_base: Amount | None = Field(description="At the rate of the purchase.")
    gain_base: Amount | None
    fx_gain_base: Amount | None = Field(description="Of that, what is owed to the exchange rate alone.")


class IncomeView(View):
    """Money that one ledger row received, withheld or paid."""

    seq: int
    income_type: IncomeType
    business_date: date
    account_id: int
    account: str
    security_id: int | None
    ticker: str | None
    currency: str
    amount: Amount = Field(description="As it moved cash: negative for what was withheld or paid.")
    amount_base: Amount | None = Field(description="At the rate of the day's close; null where there is none.")


class GainSumView(View):
    """Sums of `n` disposals; `n_unknown` of them have no known basis and are in `proceeds_unknown` alone."""

    n: int
    n_unknown: int
    proceeds: Amount | None
    cost: Amount | None
    gain: Amount | None
    proceeds_unknown: Amount


class TermGainView(GainSumView):
    """In the portfolio's currency."""

    term: Term | None = Field(description="Null for disposals whose days are not known.")
    fx_gain: Amount | None = Field(description="What exchange rates alone made of the gain.")


class CurrencyGainView(GainSumView):
    """In `currency`."""

    term: Term | None
    currency: str


class GainTotalView(GainSumView):
    """Sums of all, in the portfolio's currency."""

    fx_gain: Amount | None


class IncomeSumView(View):
    """Sums of one type in one currency."""

    income_type: IncomeType
    currency: str
    n: int
    amount: Amount
    amount_base: Amount | None = Field(description="Of those with a rate; null if none has one.")
    n_fx_missing: int


class IncomeTotalView(View):
    """Sums of one type, in the portfolio's currency. A TRADE_FEE is in cost or proceeds already."""

    income_type: IncomeType
    n: int
    amount_base: Amount | None
    n_fx_missing: int


class GainsView(PortfolioReleaseView):
    """Gains of a year, or of all. Facts of the ledger up to row `ledger_version`, whatever day has prices."""

    year: int | None = Field(description="Null for all years.")
    years: Sequence[int] = Field(description="Years in which there is something, the newest first.")
    currency: str = Field(description="The portfolio's, of all that is said to be in base.")
    cost_method: CostMethod
    long_term_days: int = Field(description="What was held for more days is LONG.")
    ledger_version: int | None = Field(
        description="The last ledger row that is in it; null if the release does not know the portfolio yet."
    )
    disposals: Sequence[DisposalView] | None = Field(
        description="Null, as are their sums, of a release from before disposals were kept."
    )
    total: GainTotalView | None
    by_term: Sequence[TermGainView] | None
    by_currency: Sequence[CurrencyGainView] | None
    income: Sequence[IncomeView]
    income_by_type: Sequence[IncomeTotalView]
    income_by_currency: Sequence[IncomeSumView]
    closed: Sequence[ClosedPositionView] = Field(
        description="Positions that were closed in the year and still are, with their gain since the first units."
    )
    explain: str | None = EXPLAIN
