"""Bodies about securities."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from domain.analytics.fixed_income.bond_facts import LISTS, steps_of
from domain.analytics.fixed_income.payment_calendars import PaymentCalendar, PaymentConvention
from domain.bond_terms import refuse_unpriced, refuse_words_of_bonds
from domain.commands import AddIdentifier, DescribeSecurity, RegisterSecurity
from domain.securities import AssetType, Identifier, IdentifierType, PriceKind
from oltp_api.web.fields import Amount, Currency, Day, Number, ShortText, at_most
from oltp_api.web.schemas import Request, View

_MOST_STEPS = 480
"""Forty years of months."""
Days = Annotated[int, Field(strict=True, ge=1, le=180)]
Fact = Annotated[ShortText, StringConstraints(strip_whitespace=True, min_length=1)]
_BOND: dict[str, JsonValue] = {
    "maturity_date": "2027-02-15",
    "coupon_rate_pct": "2.25",
    "day_count": "ACT/ACT ICMA",
    "coupon_frequency": 2,
    "issuer": "United States Treasury",
    "issuer_class": "SOVEREIGN",
    "issue_date": "2017-02-15",
}
_APPLE: dict[str, JsonValue] = {
    "ticker": "AAPL",
    "asset_type": "EQUITY",
    "currency": "USD",
    "display_name": "Apple Inc.",
    "exchange": "XNAS",
    "country": "US",
    "sector": "Information Technology",
}


class FundFacts(Request):
    fund_family: Fact | None = None
    category: Fact | None = None
    distribution: Literal["ACCUMULATING", "DISTRIBUTING"] | None = None
    expense_ratio_bps: Number | None = None


class StepFacts(Request):
    day: Day = Field(description="A day on which a coupon period begins.")
    rate_pct: Number = Field(description="Per year, from that day on.")


class RepaymentFacts(Request):
    day: Day = Field(description="A coupon date before maturity.")
    face_pct: Number = Field(description="Per cent of the face at issue that is repaid; the rest is at maturity.")


class CallFacts(Request):
    day: Day = Field(description="A coupon date before maturity.")
    price: Number = Field(description="Per 100 of face, without the coupon of the day.")


class BondFacts(Request):
    """The first time, maturity, coupon and day count are all required: without one the terms are not known."""

    maturity_date: Day | None = None
    coupon_rate_pct: Number | None = Field(default=None, description="Per year; 0 for a zero-coupon bond.")
    day_count: Literal["ACT/ACT ICMA", "30/360 US", "30E/360", "ACT/360", "ACT/365F"] | None = None
    coupon_frequency: Literal[1, 2, 4, 12] | None = Field(default=None, description="Per year; none for a zero-coupon.")
    issuer: Fact | None = None
    issuer_class: Literal["SOVEREIGN", "AGENCY", "MUNICIPAL", "CORPORATE"] | None = None
    issue_date: Day | None = None
    first_coupon_date: Day | None = Field(default=None, description="If the first period is short or long.")
    denomination: Number | None = Field(default=None, description="The smallest face amount that can be held.")
    spread_bps: Number | None = Field(
        default=None,
        description="Over the Treasury curve, in basis points; without it only a SOVEREIGN is valued from the curve.",
    )
    dated_date: Day | None = Field(default=None, description="Interest accrues from it; from the issue if absent.")
    penultimate_coupon_date: Day | None = Field(default=None, description="If the last period is short or long.")
    ex_coupon_days: Days | None = Field(
        default=None, description="So many calendar days before payment, and on them, the seller keeps the coupon."
    )
    ex_coupon_business_days: Days | None = Field(default=None, description="The same in days of payment_calendar.")
    payment_convention: PaymentConvention | None = Field(
        default=None,
        description="Where a payment goes that falls on a holiday; interest is not changed. None: nowhere.",
    )
    payment_calendar: PaymentCalendar | None = None
    coupon_steps: Annotated[list[StepFacts], at_most(_MOST_STEPS), Field(min_length=1)] | None = Field(
        default=None, description="Rates after the first, for a coupon that steps up or down."
    )

    amortisation: Annotated[list[RepaymentFacts], at_most(_MOST_STEPS), Field(min_length=1)] | None = Field(
        default=None, description="If face is repaid in parts; units are the face that is outstanding."
    )

    call_schedule: Annotated[list[CallFacts], at_most(_MOST_STEPS), Field(min_length=1)] | None = Field(
        default=None, description="If the issuer may redeem it early; it is valued to worst."
    )

    @model_validator(mode="before")
    @classmethod
    def _are_priced(cls, stated: object) -> object:
        """Refuse by name what would otherwise be an unknown word: the refusal of a rule, not of a spelling."""
        if isinstance(stated, Mapping):
            refuse_unpriced(stated, cls.model_fields)
        return stated


class DetailsRequest(Request):
    """Facts to add. A fact that is known is not rewritten, and stating it as it is changes nothing."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"industry": "Semiconductors"}, {"bond": {"issuer": "United States Treasury"}}]}
    )

    exchange: Fact | None = Field(default=None, description="EQUITY and ETF, as the next three.")
    country: Fact | None = None
    sector: Fact | None = None
    industry: Fact | None = None
    fund: FundFacts | None = Field(default=None, description="FUND and ETF.")
    bond: BondFacts | None = Field(default=None, description="BOND.")

    @model_validator(mode="before")
    @classmethod
    def _has_no_unpriced_terms(cls, stated: object) -> object:
        if isinstance(stated, Mapping) and (stated.get("asset_type") == AssetType.BOND or stated.get("bond")):
            refuse_words_of_bonds(stated, {*cls.model_fields, "symbol"})
        return stated

    def described(self) -> DescribeSecurity:
        equity = {name: getattr(self, name) for name in ("exchange", "country", "sector", "industry")}
        bond = _stated(self.bond)
        bond |= {term: steps_of(bond[term]) for term in LISTS if term in bond}
        return DescribeSecurity(equity, _stated(self.fund), bond)


class SecurityRequest(DetailsRequest):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ticker": "ACME", "asset_type": "EQUITY", "currency": "USD", "display_name": "Acme Corp."},
                {"isin": "US912828V988", "asset_type": "BOND", "display_name": "T 2.25 02/15/27", "bond": _BOND},
                {"ticker": "ACMX", "asset_type": "FUND", "fund": {"fund_family": "Acme", "expense_ratio_bps": "12"}},
            ]
        }
    )

    ticker: ShortText | None = Field(
        default=None,
        validation_alias=AliasChoices("ticker", "symbol"),
        description="At least one of ticker, isin and cusip is required.",
    )
    isin: ShortText | None = None
    cusip: ShortText | None = None
    asset_type: AssetType = AssetType.EQUITY
    currency: Currency = "USD"
    display_name: ShortText | None = Field(default=None, min_length=1, description="The first identifier if absent.")
    price_kind: PriceKind | None = Field(
        default=None, description="What its prices are; AS_TRADED if absent, PRICE_INDEX for an INDEX."
    )

    def command(self, user_id: UUID) -> RegisterSecurity:
        given = {
            IdentifierType.TICKER: self.ticker,
            IdentifierType.ISIN: self.isin,
            IdentifierType.CUSIP: self.cusip,
        }
        identifiers = tuple(Identifier.parse(kind, text) for kind, text in given.items() if text is not None)
        return RegisterSecurity(
            identifiers=identifiers,
            asset_type=self.asset_type,
            currency=self.currency,
            display_name=self.display_name or (identifiers[0].value if identifiers else ""),
            price_kind=self.price_kind,
            described=self.described(),
            user_id=user_id,
        )


class IdentifierRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id_type": "CUSIP", "value": "037833100"},
                {"id_type": "TICKER", "value": "FB", "valid_from": "2012-05-18", "valid_to": "2022-06-09"},
            ]
        }
    )

    id_type: IdentifierType
    value: ShortText
    valid_from: Day | None = Field(default=None, description="The first day; since ever if absent.")
    valid_to: Day | None = Field(default=None, description="The day after the last; until further notice if absent.")

    def command(self, security: str, user_id: UUID) -> AddIdentifier:
        identifier = Identifier.parse(self.id_type, self.value)
        return AddIdentifier(security, identifier, self.valid_from, self.valid_to, user_id)


class IdentifierView(View):
    id_type: IdentifierType
    value: str
    is_primary: bool
    valid_from: date | None
    valid_to: date | None = Field(description="The day after the last.")


class FundView(View):
    fund_family: str | None
    category: str | None
    distribution: str | None
    expense_ratio_bps: Amount | None


class StepView(View):
    day: date
    rate_pct: Amount


class RepaymentView(View):
    day: date
    face_pct: Amount


class CallView(View):
    day: date
    price: Amount


class BondView(View):
    maturity_date: date
    coupon_rate_pct: Amount
    day_count: str
    coupon_frequency: int | None
    issuer: str | None
    issuer_class: str | None
    issue_date: date | None
    first_coupon_date: date | None
    denomination: Amount | None
    spread_bps: Amount | None
    dated_date: date | None
    penultimate_coupon_date: date | None
    ex_coupon_days: int | None
    ex_coupon_business_days: int | None
    payment_convention: str | None
    payment_calendar: str | None
    coupon_steps: Sequence[StepView] | None
    amortisation: Sequence[RepaymentView] | None
    call_schedule: Sequence[CallView] | None


class SecurityView(View):
    """`ticker` is what it is called: its primary ticker, or its ISIN or CUSIP if it has none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "security_id": 1,
                    **_APPLE,
                    "price_kind": "TOTAL_RETURN",
                    "industry": None,
                    "identifiers": [
                        {"id_type": "ISIN", "value": "US0378331005", "is_primary": True},
                        {"id_type": "TICKER", "value": "AAPL", "is_primary": True},
                    ],
                    "fund": None,
                    "bond": None,
                    "created_at": "2017-03-29T20:00:00Z",
                }
            ]
        }
    )

    security_id: int
    ticker: str
    asset_type: AssetType
    currency: str
    display_name: str
    price_kind: PriceKind
    exchange: str | None
    country: str | None
    sector: str | None
    industry: str | None
    identifiers: Sequence[IdentifierView]
    fund: FundView | None
    bond: BondView | None
    created_at: datetime


class SecurityPage(View):
    items: Sequence[SecurityView]
    next_cursor: str | None


def _stated(facts: Request | None) -> dict[str, Any]:
    return facts.model_dump(exclude_none=True) if facts else {}
