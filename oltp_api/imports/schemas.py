"""Bodies and views of what takes many rows at once: batches of transactions, and imports of brokers' files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.errors import Refusal
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.web.fields import Row, ShortText, Text, at_most
from oltp_api.web.schemas import Request, View

MOST_ROWS = 10_000
A_FILE = """Type,Trade Date,Symbol,Quantity,Price,Fees,Amount
DEPOSIT,2016-01-04,,,,,5000
BUY,2016-01-05,AAPL,10,25.50,1,
"""


class BatchRequest(Request):
    """Rows are decided and numbered in order of event, those of one moment in the order given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "mode": "all_or_nothing",
                    "transactions": [
                        {"type": "DEPOSIT", "amount": "5000", "business_date": "2016-01-04"},
                        {
                            "type": "BUY",
                            "ticker": "AAPL",
                            "quantity": "10",
                            "price": "25.50",
                            "business_date": "2016-01-05",
                            "external_id": "T-1001",
                        },
                    ],
                }
            ]
        }
    )

    mode: BatchMode = Field(
        default=BatchMode.ALL_OR_NOTHING, description="all_or_nothing: one row refused, none recorded."
    )
    transactions: Annotated[tuple[Row[TransactionRequest], ...], at_most(MOST_ROWS)] = Field(
        min_length=1, max_length=MOST_ROWS
    )

    def command(self, user_id: UUID, portfolio_id: UUID) -> RecordBatch:
        rows = tuple(command_or_refusal(row, user_id, portfolio_id) for row in self.transactions)
        return RecordBatch(user_id, portfolio_id, rows, self.mode)


def command_or_refusal(row: TransactionRequest, user_id: UUID, portfolio_id: UUID) -> RecordTransaction | Refusal:
    try:
        return row.command(user_id, portfolio_id)
    except Refusal as refusal:
        return refusal


class RowOutcome(View):
    """`seq` is the ledger row's, for a DUPLICATE that of the row that was recorded before; so for one that is CHANGED,
    which has the id of a row that moved something else. `code` and `detail` say why a row is REFUSED or CHANGED."""

    status: Literal["RECORDED", "DUPLICATE", "CHANGED", "REFUSED"]
    seq: int | None = None
    code: str | None = None
    detail: str | None = None
    notes: Sequence[str] = Field(default=(), description="What was done to it: a number rounded, an order changed.")


class BatchRow(RowOutcome):
    row: int = Field(description="Its place in the list that was sent, from 1.")


class BatchView(View):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "mode": "partial",
                    "total": 3,
                    "recorded": 1,
                    "duplicates": 1,
                    "refused": 1,
                    "rows": [
                        {"row": 1, "status": "RECORDED", "seq": 12},
                        {"row": 2, "status": "DUPLICATE", "seq": 7},
                        {
                            "row": 3,
                            "status": "REFUSED",
                            "code": "insufficient_cash",
                            "detail": "900 USD asked, 12.5 available",
                        },
                    ],
                }
            ]
        }
    )

    mode: BatchMode
    total: int
    recorded: int
    duplicates: int
    refused: int
    rows: Sequence[BatchRow]


class ImportRequest(Request):
    """A broker's file and how to read it. Sent as text/csv, the options are query parameters of the same names."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "csv": A_FILE,
                    "file_name": "2016.csv",
                    "dry_run": True,
                }
            ]
        }
    )

    csv: Text = Field(description="The file's text.")
    file_name: ShortText = "import.csv"
    account: ShortText | None = Field(default=None, description="For rows that name none; MAIN if absent.")
    dates: Literal["iso", "mdy", "dmy"] = Field(
        default="iso", description="2016-01-05, 01/05/2016 or 05/01/2016; never guessed."
    )
    register_unknown: bool = Field(default=False, description="Register unknown tickers as an EQUITY.")
    dry_run: bool = Field(default=False, description="Tell what would happen; store nothing.")


class ImportRow(RowOutcome):
    """`line` is where the row starts in the file; `column` is the header of what is wrong with it, if one is."""

    line: int
    external_id: str | None = Field(default=None, description="The broker's, or csv:<content>:<n> for twin n.")
    column: str | None = None


class ImportSummary(View):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "import_id": "3b5a3a52-6b0f-4a60-9f0c-0e6b6cf6f3f4",
                    "portfolio_id": "7d0c9d5a-0f0e-4d3c-8b53-3d6c1f1f0a11",
                    "file_name": "2016.csv",
                    "file_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "status": "PARTIAL",
                    "total": 120,
                    "recorded": 118,
                    "duplicates": 0,
                    "refused": 2,
                    "created_at": "2017-03-29T20:00:00Z",
                }
            ]
        }
    )

    import_id: UUID
    portfolio_id: UUID
    file_name: str
    file_sha256: str
    status: Literal["COMPLETE", "PARTIAL", "NOTHING"] = Field(
        description="COMPLETE: no row refused. PARTIAL: some recorded, some refused. NOTHING: none recorded."
    )
    total: int
    recorded: int
    duplicates: int
    refused: int
    created_at: datetime


class ImportView(ImportSummary):
    """An import with the outcome of each row; of a dry run, the outcome that it would have."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "import_id": "3b5a3a52-6b0f-4a60-9f0c-0e6b6cf6f3f4",
                    "portfolio_id": "7d0c9d5a-0f0e-4d3c-8b53-3d6c1f1f0a11",
                    "file_name": "2016.csv",
                    "file_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "status": "PARTIAL",
                    "total": 2,
                    "recorded": 1,
                    "duplicates": 0,
                    "refused": 1,
                    "created_at": "2017-03-29T20:00:00Z",
                    "dry_run": False,
                    "ignored_columns": ["Description 2"],
                    "report": [
                        {"line": 2, "status": "RECORDED", "seq": 2, "external_id": "csv:0f3a9c51d2b84e6fa7c3b1e2:1"},
                        {
                            "line": 3,
                            "status": "REFUSED",
                            "code": "invalid_number",
                            "detail": "line 3, column Price: must be a plain decimal number, such as 12.50",
                            "column": "Price",
                        },
                    ],
                }
            ]
        }
    )

    dry_run: bool
    ignored_columns: Sequence[str]
    report: Sequence[ImportRow]


class ImportPage(View):
    items: Sequence[ImportSummary]
    next_cursor: UUID | None
