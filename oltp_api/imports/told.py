"""All that a report tells beside its rows: how the file was read, what was there before and after, what is missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from domain.accounts import MAIN_ACCOUNT
from domain.errors import InsufficientPosition, plain
from oltp_api.accounts.repository import Accounts
from oltp_api.imports.drafts import Draft
from oltp_api.imports.reading import Sheet
from oltp_api.imports.requests import ExchangeRequest
from oltp_api.imports.resolving import Proposal
from oltp_api.imports.schemas import BalanceChange, ImportRow, ProposedBody, ReadingView
from oltp_api.ledger.batch import Balances, BatchOutcome
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_ZERO = Decimal(0)
_ROWS = TypeAdapter(tuple[ImportRow, ...])
_FIELDS = tuple(ExchangeRequest.model_fields)


@dataclass(slots=True)
class _Short:
    first: date
    units: Decimal
    lines: list[int]


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
    """The cells of a row as they stand in the file, by their headers; those of other lines that belong to it, too."""
    told = dict(_named_cells(sheet, draft.line))
    for line in draft.merged:
        told |= {f"{name} (line {line})": cell for name, cell in _named_cells(sheet, line)}
    return told


def _named_cells(sheet: Sheet, line: int) -> Iterator[tuple[str, str]]:
    return ((name, cell) for name, cell in zip(sheet.header, sheet.cells.get(line, ()), strict=False) if cell.strip())


def draft_told(draft: Draft) -> dict[str, str]:
    """A row as it is read, by canonical names, before anything is looked up."""
    naming = draft.naming
    named = {"ticker": naming.ticker, "isin": naming.isin, "cusip": naming.cusip, "name": naming.name}
    told = {"type": draft.kind and draft.kind.value, "day": draft.day, "time": draft.clock, "ex_date": draft.ex_date}
    numbers = {name: plain(value) for name, value in draft.numbers.items()}
    return {
        name: str(value) for name, value in {**told, **named, **numbers, **draft.texts}.items() if value is not None
    }


def read_told(draft: Draft, fields: Mapping[str, Any]) -> Mapping[str, str]:
    """The facts that were made of a row."""
    said = {name: fields[name] for name in _FIELDS if name in fields and fields[name] != ""}
    read = {name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in said.items()}
    if draft.naming and draft.takes_security:
        read["ticker"] = draft.naming.ticker or draft.naming.isin or draft.naming.cusip or draft.naming.name or ""
    return read


def stored_rows(report: tuple[ImportRow, ...]) -> bytes:
    """The rows of a report as it is kept, in JSON: without their cells, which are in the file."""
    hidden = {"__all__": {"cells", "read"}}
    return _ROWS.dump_json(report, exclude=hidden, exclude_defaults=True)


def balances_told(before: Balances, after: Balances, user_id: UUID, work: UnitOfWork) -> list[BalanceChange]:
    """Cash and units before and after, of what was there or is."""
    told = [
        BalanceChange(currency=each, before=before.cash.get(each, _ZERO), after=after.cash.get(each, _ZERO))
        for each in sorted(before.cash.keys() | after.cash.keys())
    ]
    keys = before.units.keys() | after.units.keys()
    tickers = Securities(work).tickers([security_id for _, security_id in keys]) if keys else {}
    accounts = {account_id: name for name, account_id in Accounts(work).open_ones(user_id).items()} if keys else {}
    units = [
        BalanceChange(
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


@dataclass(slots=True)
class Openings:
    """Units that rows need and that are not there, by ticker and account: of the first row, and of all."""

    _short: dict[tuple[str, str], _Short] = field(default_factory=dict)

    def note(self, draft: Draft, outcome: BatchOutcome | None) -> None:
        if not isinstance(outcome, InsufficientPosition) or draft.day is None:
            return
        ticker = str(outcome.facts.get("ticker") or draft.naming.ticker or draft.naming.isin)
        place = (ticker, draft.texts.get("account", MAIN_ACCOUNT))
        missing = Decimal(str(outcome.facts["asked"])) - Decimal(str(outcome.facts["held"]))
        if place in self._short:
            self._short[place].units += draft.numbers.get("quantity", _ZERO)
            self._short[place].lines.append(draft.line)
        else:
            self._short[place] = _Short(draft.day, missing, [draft.line])

    def told(self, portfolio_id: UUID) -> list[ProposedBody]:
        """Bodies that record them, each dated the day before the first row that needs some."""
        return [
            ProposedBody(
                path=f"/api/v1/portfolios/{portfolio_id}/transactions",
                body={
                    "type": "TRANSFER_IN",
                    "ticker": ticker,
                    "quantity": plain(short.units),
                    "business_date": str(short.first - timedelta(days=1)),
                    "account": account,
                },
                missing=["price"],
                lines=short.lines,
                why=f"{plain(short.units)} {ticker} before {short.first} are not there; price is their unit cost",
            )
            for (ticker, account), short in self._short.items()
        ]
