"""Import of our own export: the ledger is replayed into an empty portfolio with its moments and in its order.

Nothing is decided again (`domain.replay`): what was reversed stays reversed, and cash that was short stays short. Only
`recorded_at` is new, for that is when we wrote it here. Accounts and securities that are not known are made of what the
export says of them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from pydantic import ValidationError

from domain.accounts import AccountType
from domain.errors import InvalidInput, Refusal
from domain.ledger import Transaction, TxnType
from domain.portfolio import Portfolio
from domain.replay import NotTheSame, take_over
from domain.securities import AssetType, IdentifierType, PriceKind, Reference, Security
from oltp_api.accounts.repository import Accounts, usable
from oltp_api.business_dates import opening_of
from oltp_api.connections import RowLock
from oltp_api.exports.columns import DIGEST
from oltp_api.imports.own_rows import Cells, NotAsExported, is_own_export, read
from oltp_api.ledger.writing import Wanted, load_one, save, tradable
from oltp_api.registry.handlers import register_security
from oltp_api.registry.repository import Securities
from oltp_api.registry.schemas import SecurityRequest
from oltp_api.unit_of_work import UnitOfWork

__all__ = ["ReplayedRow", "is_own_export", "replay"]

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,8})?")
_LETTERS = re.compile(r"[A-Za-z]{3}")
_NUMBERS = ("quantity", "price", "gross", "fx_rate", "split_new", "split_old", "cost_effect", "basis_share")
_ALWAYS = ("fees", "accrued", "cash_effect")


class SecurityDiffers(Refusal):
    """A security that goes by the export's identifier here, and is another one, or known otherwise."""

    code = "security_differs"

    def __init__(self, name: str, what: str, here: str, there: str) -> None:
        super().__init__(
            f"{name} is known here with the {what} {here}, and in the export it has {there}: the same rows would be "
            "worth something else",
            security=name,
            field=what,
            here=here,
            there=there,
        )


@dataclass(frozen=True, slots=True)
class ReplayedRow:
    """A row as it is recorded now; `digest` is what the export knows it by, `line` its place below a header."""

    line: int
    seq: int
    external_id: str | None
    digest: str


def replay(file: bytes, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> Sequence[ReplayedRow]:
    """Record all rows of an export of ours in an empty portfolio of its currency, method and kind; or none."""
    rows = read(file)
    portfolio = load_one(Wanted(user_id, portfolio_id), work).portfolio
    try:
        transactions = _transactions(rows, portfolio, work)
    except ValueError as error:
        raise NotAsExported(f"a cell of the file is not what its column is: {str(error)[:100]}") from error
    take_over(portfolio, transactions)
    if rows:
        save(portfolio, work)
    return [
        ReplayedRow(place + 1, place, cells["external_id"], str(cells[DIGEST]))
        for place, cells in enumerate(rows, start=1)
    ]


def _transactions(rows: Sequence[Cells], portfolio: Portfolio, work: UnitOfWork) -> list[Transaction]:
    if not rows:
        return []
    of_all = rows[0]
    for name, here in (
        ("base_currency", portfolio.base_currency),
        ("cost_method", portfolio.cost_method.value),
        ("kind", portfolio.kind.value),
    ):
        if of_all[name] != here:
            raise NotTheSame(name, here, str(of_all[name]))
    for day in (min(str(cells["business_date"]) for cells in rows), max(str(cells["business_date"]) for cells in rows)):
        opening_of(date.fromisoformat(day), portfolio.time_zone, work.clock)
    accounts = _accounts(rows, portfolio.user_id, work)
    securities = _securities(rows, portfolio.user_id, work)
    return [_transaction(cells, portfolio.portfolio_id, accounts, securities) for cells in rows]


def _transaction(
    cells: Cells, portfolio_id: UUID, accounts: Mapping[str, int], securities: Mapping[str, Security]
) -> Transaction:
    numbers = {name: _number(cells[name]) for name in _ALWAYS}
    numbers |= {name: _number(cells[name]) for name in _NUMBERS if cells[name] is not None}
    transfer, reverses, ticker = cells["transfer_id"], cells["reverses_seq"], cells["ticker"]
    currency = str(cells["currency"])
    if not _LETTERS.fullmatch(currency):
        raise ValueError(currency)
    return Transaction(
        portfolio_id=portfolio_id,
        seq=int(str(cells["seq"])),
        account_id=accounts[str(cells["account"])],
        txn_type=TxnType(str(cells["type"])),
        currency=currency,
        event_ts=_moment(str(cells["event_ts"])),
        business_date=date.fromisoformat(str(cells["business_date"])),
        security_id=securities[ticker].security_id if ticker is not None else None,
        note=cells["note"] or "",
        ex_date=date.fromisoformat(cells["ex_date"]) if cells["ex_date"] else None,
        transfer_id=uuid5(portfolio_id, str(UUID(transfer))) if transfer else None,
        reverses_seq=int(reverses) if reverses else None,
        external_id=cells["external_id"],
        **numbers,
    )


def _number(text: str | None) -> Any:
    if text is None or not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r:.40} is no number")
    return Decimal(text)


def _moment(text: str) -> datetime:
    if not text.endswith("Z"):
        raise ValueError(f"{text!r:.40} is no moment in UTC")
    return datetime.fromisoformat(text)


def _accounts(rows: Sequence[Cells], user_id: UUID, work: UnitOfWork) -> Mapping[str, int]:
    """The user's accounts by name; one that is not there is opened as it was."""
    named = {str(cells["account"]): cells for cells in rows}
    known = Accounts(work).fetch_later([(user_id, name) for name in named], RowLock.WAIT)()
    for name in sorted(named):
        if (user_id, name) not in known:
            cells = named[name]
            Accounts(work).open(user_id, name, str(cells["account_broker"]), AccountType(str(cells["account_type"])))
    known = Accounts(work).fetch_later([(user_id, name) for name in named], RowLock.WAIT)()
    return {name: usable(known.get((user_id, name)), name) for name in named}


def _securities(rows: Sequence[Cells], user_id: UUID, work: UnitOfWork) -> Mapping[str, Security]:
    """The securities by the export's name; what is not known is registered of the row that has its details."""
    named: dict[str, Cells] = {}
    for cells in rows:
        if cells["ticker"] is not None:
            named.setdefault(cells["ticker"], cells)
    return {name: _security(named[name], user_id, work) for name in sorted(named)}


def _security(cells: Cells, user_id: UUID, work: UnitOfWork) -> Security:
    name = str(cells["ticker"])
    for kind, value in _identifiers(cells).items():
        found = Securities(work).look_up(Reference(value, kind))
        if found is not None:
            _refuse_other(found, cells, name, work)
            return tradable(found, name)
    details = json.loads(cells["security_details"] or "{}")
    facts: dict[str, str | None] = {kind.value.lower(): value for kind, value in _identifiers(cells).items()}
    facts |= {"asset_type": cells["asset_type"], "currency": cells["security_currency"]}
    facts |= {"price_kind": cells["price_kind"], "display_name": cells["security_name"]}
    try:
        asked = SecurityRequest.model_validate({**details, **facts})
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InvalidInput("security", f"{name} cannot be registered by its {field[:60]}") from error
    return tradable(register_security(asked.command(user_id), work), name)


def _identifiers(cells: Cells) -> Mapping[IdentifierType, str]:
    """ISIN, CUSIP and ticker, as far as it has them, in the order in which they are looked for."""
    isin, cusip, name = cells["isin"], cells["cusip"], cells["ticker"]
    found = {IdentifierType.ISIN: isin, IdentifierType.CUSIP: cusip}
    found[IdentifierType.TICKER] = name if name not in (isin, cusip) else None
    return {kind: value for kind, value in found.items() if value is not None}


def _refuse_other(found: Security, cells: Cells, name: str, work: UnitOfWork) -> None:
    known = {"currency": found.currency, "asset_type": found.asset_type.value, "price_kind": found.price_kind.value}
    told = {
        "currency": str(cells["security_currency"]),
        "asset_type": AssetType(str(cells["asset_type"])).value,
        "price_kind": PriceKind(str(cells["price_kind"])).value,
    }
    for each in Securities(work).identifiers(found.security_id):
        if each.identifier.id_type is IdentifierType.ISIN and each.is_primary and cells["isin"] is not None:
            known["isin"], told["isin"] = each.identifier.value, cells["isin"]
    for what, here in known.items():
        if told[what] != here:
            raise SecurityDiffers(name, what, here, told[what])
