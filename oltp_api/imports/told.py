"""All that a report tells beside its rows: how the file was read, what was there before and after, what is missing."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from pydantic import TypeAdapter

from domain.accounts import MAIN_ACCOUNT
from domain.errors import InsufficientPosition, plain
from oltp_api.accounts.repository import Accounts
from oltp_api.imports.canonical import Draft
from oltp_api.imports.reading import Sheet
from oltp_api.imports.resolving import Proposal
from oltp_api.imports.schemas import BalanceView, ImportRow, ProposedBody, ReadingView
from oltp_api.ledger.batch import BatchOutcome, RecordedBatch
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_ZERO = Decimal(0)
_ROWS = TypeAdapter(Sequence[ImportRow])


def reading_told(sheet: Sheet, source: str) -> ReadingView:
    return ReadingView(
        profile=sheet.profile.name,
        title=sheet.profile.title,
        why=sheet.why,
        encoding=sheet.encoding,
        separator=_SEPARATORS[sheet.separator],
        decimal="point" if sheet.decimal == "." else "comma",
        dates=sheet.forms,
        direction=sheet.direction,
        source=source,
        columns=sheet.meaning,
    )


def cells_told(draft: Draft, sheet: Sheet) -> Mapping[str, str]:
    """The cells of a row as they stand in the file, by their headers."""
    cells = sheet.cells.get(draft.line, ())
    return {name: cell for name, cell in zip(sheet.header, cells, strict=False) if cell.strip()}


def read_told(draft: Draft, request: TransactionRequest) -> Mapping[str, str]:
    """The facts that were made of a row."""
    said = {name: value for name, value in request.__dict__.items() if value is not None and value != ""}
    read = {name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in said.items()}
    if draft.naming and draft.takes_security:
        read["ticker"] = draft.naming.ticker or draft.naming.isin or draft.naming.cusip or draft.naming.name or ""
    return read


def stored_rows(report: Sequence[ImportRow]) -> str:
    """The rows of a report as it is kept, in JSON: without their cells, which are in the file."""
    hidden = {"__all__": {"cells", "read"}}
    return _ROWS.dump_json(report, exclude=hidden, exclude_defaults=True).decode()


def balances_told(batch: RecordedBatch, user_id: UUID, work: UnitOfWork) -> list[BalanceView]:
    """Cash and units before and after, of what was there or is."""
    before, after = batch.before, batch.after
    told = [
        BalanceView(currency=each, before=before.cash.get(each, _ZERO), after=after.cash.get(each, _ZERO))
        for each in sorted(before.cash.keys() | after.cash.keys())
    ]
    keys = before.units.keys() | after.units.keys()
    tickers = Securities(work).tickers([security_id for _, security_id in keys]) if keys else {}
    accounts = {account_id: name for name, account_id in Accounts(work).open_ones(user_id).items()} if keys else {}
    units = [
        BalanceView(
            ticker=tickers[key[1]],
            account=accounts.get(key[0]),
            before=before.units.get(key, _ZERO),
            after=after.units.get(key, _ZERO),
        )
        for key in keys
    ]
    return told + sorted(units, key=lambda each: (str(each.ticker), str(each.account)))


def securities_told(unknown: Sequence[Proposal]) -> list[ProposedBody]:
    return [
        ProposedBody(
            path="/api/v1/securities",
            body=dict(each.body),
            missing=each.missing,
            lines=each.lines,
            why="nobody has registered it",
        )
        for each in unknown
    ]


def openings_told(rows: Sequence[tuple[Draft, BatchOutcome | None]], portfolio_id: UUID) -> list[ProposedBody]:
    """A body that records the units that rows need and that are not there, dated the day before the first of them."""
    short: dict[tuple[str, str], list[tuple[Draft, Decimal]]] = {}
    for draft, outcome in rows:
        if not isinstance(outcome, InsufficientPosition) or draft.day is None:
            continue
        missing = Decimal(str(outcome.facts["asked"])) - Decimal(str(outcome.facts["held"]))
        ticker = str(outcome.facts.get("ticker") or draft.naming.ticker or draft.naming.isin)
        short.setdefault((ticker, draft.texts.get("account", MAIN_ACCOUNT)), []).append((draft, missing))
    told = []
    for (ticker, account), each in short.items():
        first = min(draft.day for draft, _ in each if draft.day is not None)
        units = each[0][1] + sum((draft.numbers.get("quantity", _ZERO) for draft, _ in each[1:]), _ZERO)
        body = {
            "type": "TRANSFER_IN",
            "ticker": ticker,
            "quantity": plain(units),
            "business_date": str(first - timedelta(days=1)),
            "account": account,
        }
        told.append(
            ProposedBody(
                path=f"/api/v1/portfolios/{portfolio_id}/transactions",
                body=body,
                missing=["price"],
                lines=[draft.line for draft, _ in each],
                why=f"{plain(units)} {ticker} before {first} are not there; price is their unit cost, if known",
            )
        )
    return told
