"""Bodies and views of shares."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from oltp_api.web.fields import ShortText
from oltp_api.web.schemas import Request, View

Granted = Literal["VIEWER", "EDITOR"]
Email = Annotated[
    ShortText,
    StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$", max_length=254),
    AfterValidator(str.lower),
]


class ShareRequest(Request):
    email: Email = Field(description="Of a user, or of somebody who will be one.")
    role: Granted = Field(description="VIEWER reads; EDITOR records too.")
    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "bob@example.org", "role": "VIEWER"}]})


class ShareView(View):
    share_id: UUID
    portfolio_id: UUID
    email: str
    role: Granted
    offered_at: datetime
    accepted_at: datetime | None


class ShareList(View):
    items: list[ShareView]


class OfferedShare(View):
    """A portfolio that somebody shares with you; before you accept it you see its name and its owner."""

    share_id: UUID
    portfolio_id: UUID
    portfolio_name: str
    owner_name: str
    owner_email: str
    role: Granted
    offered_at: datetime
    accepted_at: datetime | None


class OfferedShareList(View):
    items: list[OfferedShare]
