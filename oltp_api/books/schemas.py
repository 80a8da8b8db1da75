"""Bodies about books: snapshots, haircut schedules and collateral rankings."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from domain.collateral import Ineligible, ValuationBasis
from domain.haircuts import Maturity
from oltp_api.web.fields import Amount, Currency, Day, Number, Row, ShortText, at_most
from oltp_api.web.schemas import Request, View

_AAPL = {
    "security_id": 1,
    "ticker": "AAPL",
    "account_id": 1,
    "quantity": "100",
    "cost_basis": "14025",
    "close": "180",
    "price_date": "2017-03-29",
    "status": "PRICED",
    "market_value": "18000",
}
_SNAPSHOT = {
    "snapshot_id": "5f0c7c1e-6f0e-4c5a-9a55-0d4f7b1a2c3d",
    "portfolio_id": "0b9d9c52-4a0e-4b67-8f0e-1c2d3e4f5a6b",
    "business_date": "2017-03-29",
    "taken_at": "2017-03-29T20:10:00Z",
    "portfolio_version": 4,
    "release_id": 7,
    "payload_hash": "fc0138048dd58ff31d89f3c42b6da9be5902b10b178d9281d6204b8345aafd4b",
}


def _example(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


ScheduleName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
Securities = Annotated[tuple[ShortText, ...], at_most(5000)]
ClassName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z][A-Z_]{0,39}$")]


class SnapshotRequest(Request):
    """Nothing to say: a snapshot is of the book as it is now."""

    model_config = _example({})


class SnapshotLineView(View):
    """One security in one account. MISSING has no price and no value."""

    security_id: int
    ticker: str = Field(description="Its ticker, else its ISIN or CUSIP.")
    account_id: int
    quantity: Amount
    cost_basis: Amount | None = Field(description="None if nobody knows what the units cost.")
    close: Amount | None
    price_date: date | None
    status: str = Field(description="PRICED or MISSING.")
    market_value: Amount | None


class SnapshotView(View):
    model_config = _example({**_SNAPSHOT, "lines": [_AAPL]})

    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    taken_at: datetime
    portfolio_version: int
    release_id: int = Field(description="Whose prices it has; 0 if nothing was released, then it has none.")
    payload_hash: str
    lines: Sequence[SnapshotLineView]


class TakenView(View):
    """`snapshot` is the book's current one: the new one, or the one that is as new as it."""

    model_config = _example({"stored": True, "reason": None, "snapshot": {**_SNAPSHOT, "lines": [_AAPL]}})

    stored: bool
    reason: str | None = Field(description="Why nothing was stored.")
    snapshot: SnapshotView


class EndOfDayView(View):
    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    taken_at: datetime
    portfolio_version: int
    release_id: int
    payload_hash: str
    line_count: int


class EndOfDayPage(View):
    model_config = _example({"items": [{**_SNAPSHOT, "line_count": 3}], "next_cursor": None})

    items: Sequence[EndOfDayView]
    next_cursor: date | None


class ClassHaircut(Request):
    asset_type: ClassName
    issuer_class: ClassName | None = None
    maturity: Maturity | None = None
    haircut: Number


class ClassHaircutView(View):
    asset_type: str
    issuer_class: str | None
    maturity: Maturity | None
    haircut: Amount


class ScheduleRequest(Request):
    """Haircuts are fractions, for a holding period of 10 business days."""

    model_config = _example(
        {
            "default_haircut": "0.10",
            "securities": {"AAPL": "0.05", "MSFT": "0.04"},
            "classes": [
                {"asset_type": "BOND", "issuer_class": "SOVEREIGN", "maturity": "UP_TO_1_YEAR", "haircut": "0.005"}
            ],
            "issuer_cap": "0.25",
        }
    )

    default_haircut: Number
    fx_haircut: Number = Decimal("0.08")
    holding_days: int = Field(default=10, ge=1, le=250, strict=True, description="Haircuts are scaled by sqrt(T/10).")
    securities: Mapping[ShortText, Number] = Field(default_factory=dict, max_length=5000)
    classes: Annotated[tuple[Row[ClassHaircut], ...], at_most(1000)] = Field(default=(), max_length=1000)
    main_index: Annotated[tuple[ShortText, ...], at_most(5000)] = Field(
        default=(), max_length=5000, description="Count as class MAIN_INDEX."
    )
    excluded: Annotated[tuple[ShortText, ...], at_most(5000)] = Field(
        default=(), max_length=5000, description="Never collateral."
    )
    max_price_age_days: int = Field(default=7, ge=0, le=3650, strict=True)
    issuer_cap: Number | None = Field(default=None, description="Share of the lendable value before the cap.")


class ScheduleView(View):
    model_config = _example(
        {
            "name": "desk",
            "default_haircut": "0.1",
            "fx_haircut": "0.08",
            "holding_days": 10,
            "securities": {"AAPL": "0.05"},
            "classes": [],
            "main_index": [],
            "excluded": [],
            "max_price_age_days": 7,
            "issuer_cap": None,
        }
    )

    name: str
    default_haircut: Amount
    fx_haircut: Amount
    holding_days: int
    securities: Mapping[str, Amount]
    classes: Sequence[ClassHaircutView]
    main_index: Sequence[str]
    excluded: Sequence[str]
    max_price_age_days: int
    issuer_cap: Amount | None


class SchedulesPage(View):
    model_config = _example({"items": ["SUPERVISORY", "desk"], "next_cursor": None})

    items: Sequence[str]
    next_cursor: str | None


class RankingRequest(Request):
    model_config = _example(
        {"schedule": "desk", "required_amount": "50000"},
        {"valuation_basis": "cost", "haircuts": {"AAPL": "0.05", "MSFT": "0.04"}, "business_date": "2017-03-29"},
    )

    business_date: Day | None = Field(default=None, description="Of the snapshot; the newest if absent.")
    schedule: ScheduleName = "SUPERVISORY"
    haircuts: Mapping[ShortText, Number] = Field(
        default_factory=dict, max_length=5000, description="For single securities, instead of the schedule's."
    )
    valuation_basis: ValuationBasis = ValuationBasis.MARKET
    fx_rates: Mapping[Currency, Number] = Field(
        default_factory=dict, max_length=200, description="What one unit is worth in the book's base currency."
    )
    required_amount: Number | None = Field(default=None, description="Asks for the cheapest to deliver.")


class CollateralItemView(View):
    """Money in the ranking's currency; `price` in the security's own. What does not rank has a `reason` and no rank."""

    rank: int | None
    security_id: int
    ticker: str
    issuer: str
    currency: str
    quantity: Amount
    price: Amount | None
    haircut: Amount
    fx_haircut: Amount
    market_value: Amount | None
    lendable_value: Amount | None
    cumulative_value: Amount | None
    is_eligible: bool
    reason: Ineligible | None


class DeliveredView(View):
    security_id: int
    ticker: str
    quantity: Amount
    haircut: Amount
    fx_haircut: Amount
    covered_value: Amount


class DeliveryView(View):
    """The cheapest collateral that covers `required`, in the order in which it is given."""

    required: Amount
    covered: Amount
    shortfall: Amount
    items: Sequence[DeliveredView]


_RANKING = {
    "ranking_id": "7d8e9f00-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
    "snapshot_id": _SNAPSHOT["snapshot_id"],
    "portfolio_id": _SNAPSHOT["portfolio_id"],
    "business_date": "2017-03-29",
    "schedule": "desk",
    "valuation_basis": "market",
    "currency": "USD",
    "lendable_value": "17100",
    "payload_hash": _SNAPSHOT["payload_hash"],
    "created_at": "2017-03-29T20:10:01Z",
    "items": [
        {
            "rank": 1,
            "security_id": 1,
            "ticker": "AAPL",
            "issuer": "Apple Inc.",
            "currency": "USD",
            "quantity": "100",
            "price": "180",
            "haircut": "0.05",
            "fx_haircut": "0",
            "market_value": "18000",
            "lendable_value": "17100",
            "cumulative_value": "17100",
            "is_eligible": True,
            "reason": None,
        }
    ],
    "delivery": None,
}


class RankingView(View):
    model_config = _example(_RANKING)

    ranking_id: UUID
    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    schedule: str
    valuation_basis: ValuationBasis
    currency: str
    lendable_value: Amount
    payload_hash: str
    created_at: datetime
    items: Sequence[CollateralItemView]
    delivery: DeliveryView | None = Field(description="If an amount was required.")


class RankedView(RankingView):
    model_config = _example({**_RANKING, "stored": True})

    stored: bool = Field(description="False if this snapshot was ranked by these terms before.")
