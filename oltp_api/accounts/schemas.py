"""Bodies about accounts."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ConfigDict, JsonValue

from domain.accounts import AccountType
from oltp_api.web.etags import account_etag
from oltp_api.web.fields import ShortText
from oltp_api.web.schemas import Request, View

_ACCOUNT: dict[str, JsonValue] = {
    "account_id": 7,
    "identifier": "Roth IRA",
    "broker": "Fidelity",
    "account_type": "RETIREMENT",
    "revision": 1,
    "archived_at": None,
    "created_at": "2017-03-29T20:00:00Z",
}


class AccountRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"identifier": "Roth IRA", "broker": "Fidelity", "account_type": "RETIREMENT"}],
        }
    )

    identifier: ShortText
    broker: ShortText
    account_type: AccountType = AccountType.BROKERAGE


class AccountEdit(Request):
    """Only what is given changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"broker": "Schwab"}]})

    identifier: ShortText | None = None
    broker: ShortText | None = None
    account_type: AccountType | None = None


class AccountView(View):
    model_config = ConfigDict(json_schema_extra={"examples": [_ACCOUNT]})

    account_id: int
    identifier: str
    broker: str
    account_type: AccountType
    revision: int
    archived_at: datetime | None
    created_at: datetime

    @property
    def etag(self) -> str:
        return account_etag(self.revision)


class AccountPage(View):
    items: Sequence[AccountView]
    next_cursor: str | None
