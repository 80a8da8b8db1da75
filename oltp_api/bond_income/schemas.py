"""Views of posted bond income."""

from collections.abc import Sequence

from oltp_api.ledger.schemas import TransactionView
from oltp_api.web.schemas import View


class NotPostedView(View):
    security_id: int
    ticker: str
    reason: str


class BondIncomeView(View):
    """The rows that were missing, in ledger order, and the bonds of which nothing or not all could be posted."""

    transactions: Sequence[TransactionView]
    not_posted: Sequence[NotPostedView]
