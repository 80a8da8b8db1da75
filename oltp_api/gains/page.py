"""The gains of a year as one page that can be read, printed, sent and kept, in the style of the review's."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Template

from domain.errors import plain
from domain.gains import IncomeType
from oltp_api.gains.schemas import GainsView
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.review.page.review import page_environment, page_style
from oltp_api.web.places import Link

_TERMS = {"LONG": "Long term", "SHORT": "Short term", None: "Without a term"}
_INCOME = {
    IncomeType.DIVIDEND: "Dividends",
    IncomeType.COUPON: "Coupons",
    IncomeType.INTEREST: "Interest",
    IncomeType.ACCRUED_INTEREST: "Accrued interest, sold less bought",
    IncomeType.TAX: "Tax",
    IncomeType.FEE: "Fees",
    IncomeType.TRADE_FEE: "Fees of trades, in cost and proceeds already",
}
_EVENTS = {
    "BUY": "short covered",
    "CASH_IN_LIEU": "cash in lieu",
    "MERGER": "cash of a merger",
    "RETURN_OF_CAPITAL": "capital returned beyond the cost",
    "COST_ADJUSTMENT": "cost adjusted beyond 0",
}


def gains_page(gains: GainsView, portfolio: PortfolioView, places: Sequence[Link] = ()) -> str:
    """A whole HTML document. Text of users is escaped, and what is None is said to be unknown."""
    style, policy = page_style()
    return _template().render(
        gains=gains,
        portfolio=portfolio,
        places=places,
        style=style,
        policy=policy,
        terms=_TERMS,
        income=_INCOME,
        events=_EVENTS,
    )


@cache
def _template() -> Template:
    environment = page_environment(Path(__file__).parent)
    environment.filters["units"] = plain
    return environment.get_template("gains.html")
