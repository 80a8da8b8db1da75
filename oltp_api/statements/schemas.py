"""A statement as a broker sends it, and how it compares with the ledger."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AliasChoices, ConfigDict, Field

from domain.differences import Cause
from domain.money import parse_money, parse_quantity
from domain.reconciliation import Finding, Tolerance
from oltp_api.web.fields import Amount, Currency, Day, Number, Row, ShortText, Text, at_most
from oltp_api.web.schemas import Request, View

MOST_LINES = 10_000


class StatementLine(Request):
    """Units of one security, under any of its identifiers. Lines of one security and account are added up."""

    ticker: ShortText = Field(
        min_length=1,
        validation_alias=AliasChoices("ticker", "symbol", "isin", "cusip"),
        description="Or another identifier.",
    )
    account: ShortText | None = Field(default=None, description="Absent: in all accounts together.")
    quantity: Number
    cost: Number | None = Field(default=None, description="Total cost, in the security's currency; told, not decisive.")
    price: Number | None = Field(default=None, description="What a unit's difference is worth.")
    market_value: Number | None = Field(default=None, description="For the price, where it is not there.")


class ToleranceRequest(Request):
    units: Number = Decimal(0)
    cash: Number = Decimal("0.01")

    def tolerance(self) -> Tolerance:
        return Tolerance(abs(parse_quantity(self.units, "tolerance")), abs(parse_money(self.cash, "tolerance")))


class StatementRequest(Request):
    """`positions` and `cash`, or the broker's `csv` with both: a row of cash has CASH for its ticker."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "statement_date": "2016-12-30",
                    "positions": [
                        {"ticker": "AAPL", "quantity": "10", "price": "115.82"},
                        {"ticker": "US1912161007", "account": "MAIN", "quantity": "25"},
                    ],
                    "cash": {"USD": "1250.17"},
                    "tolerance": {"units": "0", "cash": "0.01"},
                }
            ]
        }
    )

    statement_date: Day
    positions: Annotated[tuple[Row[StatementLine], ...], at_most(MOST_LINES)] = Field(default=(), max_length=MOST_LINES)
    cash: dict[Currency, Number] | None = Field(default=None, description="Absent: cash is not compared.")
    csv: Text | None = Field(default=None, description="Columns ticker, account, quantity, cost, price, currency ...")
    accounts: Annotated[tuple[ShortText, ...] | None, at_most(1000)] = Field(
        default=None,
        max_length=1000,
        description="What the statement covers. Absent: the accounts it names, if every line names one; else all.",
    )
    tolerance: ToleranceRequest = ToleranceRequest()


class LikelyCauseView(View):
    """A cause that would explain a difference exactly, and the ledger rows that it is about: a hint."""

    cause: Cause
    detail: str
    seqs: Sequence[int]


class PositionFinding(View):
    """`difference` is ours less theirs. `ticker` is as stated; what only we have goes by ours."""

    finding: Finding
    ticker: str
    account: str | None
    ours: Amount
    theirs: Amount
    difference: Amount
    value_of_difference: Amount | None
    cost_difference: Amount | None
    likely_cause: LikelyCauseView | None = None


class CashFinding(View):
    finding: Literal[Finding.MATCHED, Finding.CASH_DIFFERS]
    currency: str
    ours: Amount
    theirs: Amount
    difference: Amount
    likely_cause: LikelyCauseView | None = None


class ReconciliationView(View):
    """Nothing was changed. `version` is the ledger's, of which rows up to the statement's date were added up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "portfolio_id": "7d0c9d5a-0f0e-4d3c-8b53-3d6c1f1f0a11",
                    "statement_date": "2016-12-30",
                    "version": 42,
                    "is_reconciled": False,
                    "totals": {"MATCHED": 2, "QUANTITY_DIFFERS": 1},
                    "positions": [
                        {
                            "finding": "QUANTITY_DIFFERS",
                            "ticker": "AAPL",
                            "account": None,
                            "ours": "10",
                            "theirs": "12",
                            "difference": "-2",
                            "value_of_difference": "-231.64",
                            "cost_difference": None,
                            "likely_cause": {
                                "cause": "MISSING_ROW",
                                "detail": "a row that brings 2 units may be missing here",
                                "seqs": [],
                            },
                        }
                    ],
                    "cash": [
                        {
                            "finding": "MATCHED",
                            "currency": "USD",
                            "ours": "1250.17",
                            "theirs": "1250.17",
                            "difference": "0",
                            "likely_cause": None,
                        }
                    ],
                }
            ]
        }
    )

    portfolio_id: UUID
    statement_date: date
    version: int
    is_reconciled: bool
    totals: dict[Finding, int]
    positions: Sequence[PositionFinding]
    cash: Sequence[CashFinding] | None
