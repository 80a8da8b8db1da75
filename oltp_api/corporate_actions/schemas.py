"""Bodies and views of splits and dividends that the market tells and the ledger lacks."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from oltp_api.analytics.schemas import PortfolioReleaseView
from oltp_api.web.fields import Amount, ShortText
from oltp_api.web.schemas import TICKER, Request, View


class UnrecordedActionView(View):
    """A SPLIT of `split_new` units for `split_old`, or a DIVIDEND of `amount` a unit, of the `units` that were held at
    the close before."""

    ticker: str
    action_type: Literal["SPLIT", "DIVIDEND"]
    action_date: date = Field(description="The ex-date.")
    units: Amount
    split_new: Amount | None
    split_old: Amount | None
    amount: Amount | None
    currency: str | None


class UnrecordedActionsView(PortfolioReleaseView):
    actions: Sequence[UnrecordedActionView]


class RecordActionsRequest(Request):
    """All that is proposed, or what is of one type or one security."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"action_type": "SPLIT"}]})

    action_type: Literal["SPLIT", "DIVIDEND"] | None = None
    ticker: ShortText | None = Field(default=None, validation_alias=TICKER)
