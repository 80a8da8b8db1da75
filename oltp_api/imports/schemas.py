"""Bodies and views of what takes many rows at once: batches of transactions, and imports of brokers' files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.errors import InvalidInput, Refusal
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.web.fields import Amount, Row, ShortText, Text, at_most
from oltp_api.web.schemas import Request, View

MOST_ROWS = 10_000
MOST_FILE_ROWS = 100_000
A_FILE = """Type,Trade Date,Symbol,Quantity,Price,Fees,Amount
DEPOSIT,2016-01-04,,,,,5000
BUY,2016-01-05,AAPL,10,25.50,1,
"""
A_SAMPLE = """Datum;Vorgang;ISIN;Anzahl;Kurs;Betrag
04.01.2016;Einlage;;;;5.000,00
05.01.2016;Kauf;US0378331005;10;25,50;-255,00
"""
AN_OWN_PROFILE: Mapping[str, JsonValue] = {
    "title": "My broker",
    "recognised": ["Datum", "Vorgang", "Anzahl", "Kurs", "Betrag"],
    "separator": ";",
    "dates": "dmy",
    "decimal": ",",
    "select": (
        'select line, "Datum" as day, "ISIN" as isin, "Anzahl" as quantity, "Kurs" as price, "Betrag" as amount,'
        " case \"Vorgang\" when 'Kauf' then 'BUY' when 'Verkauf' then 'SELL' when 'Einlage' then 'DEPOSIT' end as type,"
        " 'USD' as currency from cells"
    ),
}


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


# Rows, notes and flags are tuples: a Sequence is made into a list of Python's, item by item, before it is written.
Status = Literal["RECORDED", "DUPLICATE", "CHANGED", "REFUSED", "SKIPPED"]
_Notes = Annotated[tuple[str, ...], Field(description="What was done to it: a number rounded, an order changed.")]


class RowOutcome(View):
    """`seq` is the ledger row's, for a DUPLICATE that of the row that was recorded before; so for one that is CHANGED,
    which has the id of a row that moved something else. `code` and `detail` say why a row is REFUSED or CHANGED."""

    status: Status
    seq: int | None = None
    code: str | None = None
    detail: str | None = None
    notes: _Notes = ()


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
    rows: tuple[BatchRow, ...]


class ImportOptions(Request):
    """Facts that a person says of a file, and what is to be done with it."""

    file_name: ShortText = "import.csv"
    profile: ShortText | None = Field(default=None, description="Whose file it is; found out if absent.")
    encoding: ShortText | None = Field(default=None, description="Of a file that is not UTF-8, such as latin-1.")
    account: ShortText | None = Field(default=None, description="For rows that name none; MAIN if absent.")
    source: ShortText | None = Field(
        default=None, description="Where rows are known again: the account, else this, else the profile."
    )
    dates: Literal["iso", "mdy", "dmy"] | None = Field(
        default=None, description="2016-01-05, 01/05/2016 or 05/01/2016, where the file's days could be read both ways."
    )
    decimal: Literal[".", ","] | None = Field(default=None, description="Where the file's numbers do not show it.")
    order: Literal["oldest_first", "newest_first"] | None = Field(default=None, description="Where its days do not.")
    price_unit: Literal["major", "minor"] | None = Field(default=None, description="minor: prices in pence or cents.")
    income: Literal["net", "gross"] | None = Field(
        default=None, description="Whether a dividend's amount is after the tax beside it, or before."
    )
    rate: Literal["currency", "base"] | None = Field(
        default=None, description="What a rate is for one unit of: the row's currency, or the base currency."
    )
    missing_cash: Literal["refuse", "assume"] = Field(
        default="refuse", description="assume: cash that the rows need and that is not there is a deposit of its own."
    )
    mode: BatchMode = Field(default=BatchMode.PARTIAL, description="all_or_nothing: one row refused, none recorded.")
    register_unknown: bool = Field(
        default=False,
        description="Register securities that have a ticker in the file, as an EQUITY if it says no type.",
    )
    dry_run: bool = Field(default=False, description="Tell what would happen; store nothing.")


class ImportQuery(ImportOptions):
    security: Sequence[ShortText] = Field(
        default=(), description="What the file calls a security, and as what it is registered: Zworld UCITS ETF=ZWLD."
    )

    def given(self) -> dict[str, Any]:
        """The options that were stated, by their names in a body."""
        given = self.model_dump(exclude_unset=True)
        if named := given.pop("security", None):
            given["securities"] = securities_stated(named, "security")
        return given


def securities_stated(named: Iterable[str], field: str) -> dict[str, str]:
    """As what each name of a security is registered, of texts such as `Zworld UCITS ETF=ZWLD`."""
    apart = [text.rpartition("=") for text in named]
    stated = {name.strip(): identifier.strip() for name, _, identifier in apart}
    if not all((*stated.keys(), *stated.values())):
        raise InvalidInput(field, "must be what the file calls it, and what it is, such as Zworld UCITS ETF=ZWLD")
    return stated


class ImportRequest(ImportOptions):
    """A broker's file and how to read it. Sent as the file itself, the options are in the query string."""

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
    securities: Mapping[ShortText, ShortText] = Field(
        default_factory=dict, description="What the file calls a security, and as what it is registered."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """`line` is where the row starts in the file; `column` is the header of what is wrong with it, if one is.

    In a dry run, `cells` are the row as it stands in the file, by header, and `read` is what was made of them.
    """

    # the fields of a RowOutcome, and no model: a report may have 100,000 rows, and each would be three times as large
    status: Status
    seq: int | None = None
    code: str | None = None
    detail: str | None = None
    notes: _Notes = ()
    line: int
    external_id: Annotated[
        str | None, Field(description="ref:<the broker's>, or 3:<what it moved>:<n> for twin n.")
    ] = None
    column: str | None = None
    flags: Annotated[tuple[str, ...], Field(description="What is odd about it, though it is recorded.")] = ()
    cells: Mapping[str, str] | None = None
    read: Mapping[str, str] | None = None


class ReadingView(View):
    """How a file was read: by which profile and why, how it is written, and what its headers mean."""

    profile: str
    title: str
    why: str
    encoding: str
    separator: str
    decimal: str
    dates: Sequence[str]
    direction: Literal["oldest_first", "newest_first"]
    source: str
    columns: Mapping[str, Sequence[str]] = Field(description="Canonical columns, and the headers they are made of.")


class ProposedBody(View):
    """A body for a POST to `path`, of what the file says; `missing` are its fields that the file does not say."""

    path: str
    body: Mapping[str, JsonValue]
    missing: Sequence[str] = ()
    why: str
    lines: Sequence[int] = ()


class BalanceChange(View):
    """Cash of a currency, or units of a security in an account, before and after the file."""

    currency: str | None = None
    ticker: str | None = None
    account: str | None = None
    before: Amount
    after: Amount


class ImportSummary(View):
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
    skipped: int = Field(default=0, description="Rows that are none on purpose: totals, disclaimers.")
    profile: str | None = None
    source: str | None = None
    created_at: datetime
    undone_at: datetime | None = None


class ImportView(ImportSummary):
    """An import with the outcome of each row; of a dry run, the outcome that it would have."""

    dry_run: bool
    ignored_columns: Sequence[str]
    reading: ReadingView | None = None
    balances: Sequence[BalanceChange] = ()
    unknown_securities: Sequence[ProposedBody] = ()
    missing_openings: Sequence[ProposedBody] = ()
    assumed_cash: Mapping[str, Amount] = Field(default_factory=dict)
    report: tuple[ImportRow, ...]


class ImportUndone(View):
    import_id: UUID
    undone_at: datetime
    reversed: Sequence[int] = Field(description="The ledger rows that took back what still stood of it.")


class ImportPage(View):
    items: Sequence[ImportSummary]
    next_cursor: UUID | None


class ProfileView(View):
    """How the files of one broker are read. `profile` is its text, a comment with its words and a SELECT; one that
    `is_own` can be replaced and deleted, another one can be stored again as one's own, with changes."""

    name: str
    title: str
    is_own: bool
    recognised: Sequence[str] = Field(description="Cells that the header of such a file has all of.")
    stored_at: datetime | None = None
    profile: str


class ProfileList(View):
    items: Sequence[ProfileView]


class ProfileRow(View):
    """A row of a sample: its cells by header, and what the profile makes of them."""

    line: int
    status: Literal["READ", "SKIPPED", "REFUSED"]
    code: str | None = None
    detail: str | None = None
    notes: Sequence[str] = ()
    flags: Sequence[str] = ()
    cells: Mapping[str, str]
    read: Mapping[str, str] | None = None


class ProfileChecked(View):
    """A profile that was stored, and its sample as it reads it; files that `also_fit` ones of others ask which to take,
    unless these come with the product."""

    name: str
    reading: ReadingView
    ignored_columns: Sequence[str]
    also_fit: Sequence[str] = ()
    rows: Sequence[ProfileRow]
