"""Import of a broker's file: read it, record what is new, keep a report of every row.

A row is known again by its identity, so that a file sent twice, or after a crash, or longer than last month's, adds
only what is not there. Rows that are refused stand in nobody's way: the report says what is recorded and what is not.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.errors import BatchRefused, Refusal, plain
from oltp_api.imports import resolving
from oltp_api.imports.canonical import Draft
from oltp_api.imports.identity import Identity, Recognition, content_of, identities
from oltp_api.imports.profiles import shipped
from oltp_api.imports.reading import Sheet, Stated, read
from oltp_api.imports.repository import Imports
from oltp_api.imports.requests import Rules
from oltp_api.imports.schemas import (
    MOST_FILE_ROWS,
    BatchRequest,
    BatchRow,
    BatchView,
    ImportRequest,
    ImportRow,
    ImportUndone,
    ImportView,
    command_or_refusal,
)
from oltp_api.imports.told import balances_told, openings_told, reading_told, row_told, securities_told
from oltp_api.ledger.batch import ASSUMED_CASH, BatchOutcome, Duplicate, Recorded, record_batch
from oltp_api.ledger.handlers import take_back
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.unit_of_work import UnitOfWork

_PUT_IN_ORDER = "the rows of its day were not covered in the order given, and stand in another"


def record_all(asked: BatchRequest, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> BatchView:
    """Return the outcome of every row; BatchRefused, with nothing stored, if all were wanted and one is refused."""
    outcomes = record_batch(asked.command(user_id, portfolio_id), work).outcomes
    rows = [BatchRow.model_construct(row=place, **_told(outcome)) for place, outcome in enumerate(outcomes, start=1)]
    refused = [{"row": row.row, "code": row.code, "detail": row.detail} for row in rows if row.status == "REFUSED"]
    if refused and asked.mode is BatchMode.ALL_OR_NOTHING:
        raise BatchRefused(len(rows), refused)
    return BatchView(mode=asked.mode, rows=rows, **_counts(outcomes))


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the file, with the request that it makes; None where it is refused or skipped."""

    draft: Draft
    request: TransactionRequest | None = None
    command: RecordTransaction | Refusal | None = None
    identity: Identity | None = None


def import_file(asked: ImportRequest, file: bytes, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ImportView:
    """The report. A dry run does everything, and takes all of it back."""
    stated = Stated(asked.profile, asked.encoding, asked.dates, asked.decimal, asked.order, asked.account)
    sheet = read(file, stated, shipped(), MOST_FILE_ROWS)
    base_currency = Imports(work).base_currency(user_id, portfolio_id)
    source = asked.account or asked.source or sheet.profile.name
    with work.rehearsal() if asked.dry_run else nullcontext():
        registry, unknown = _resolved(sheet, asked, base_currency, user_id, work)
        rules = Rules(sheet.reader, base_currency, work.released_rate, asked.price_unit, asked.income, asked.rate)
        rows = _identified(_requested(sheet, rules, registry, user_id, portfolio_id), sheet, source)
        taken = [row for row in rows if row.command is not None]
        command = RecordBatch(
            user_id, portfolio_id, tuple(row.command for row in taken if row.command is not None), asked.mode,
            assumes_cash=asked.missing_cash == "assume",
        )  # fmt: skip
        named = {place: row.identity for place, row in enumerate(taken) if row.identity is not None}
        is_stated = bool(asked.account or asked.source) or any("account" in row.draft.texts for row in taken)
        batch = record_batch(command, work, Recognition(portfolio_id, named, source, is_stated))
        outcomes = dict(zip((id(row) for row in taken), batch.outcomes, strict=True))
        counts: dict[str, Any] = dict(_counts(batch.outcomes))
        counts["skipped"] = sum(row.draft.skipped is not None for row in rows)
        counts["total"] = len(rows)
        if asked.mode is BatchMode.ALL_OR_NOTHING and counts["refused"] and not asked.dry_run:
            every = (_reported(row, outcomes.get(id(row)), None) for row in rows)
            refused = [
                {"row": each.line, "code": each.code, "detail": each.detail}
                for each in every
                if each.status == "REFUSED"
            ]
            raise BatchRefused(len(rows), refused)
        shown = sheet if asked.dry_run else None
        report = sorted((_reported(row, outcomes.get(id(row)), shown) for row in rows), key=lambda row: row.line)
        view = ImportView(
            import_id=uuid4(),
            portfolio_id=portfolio_id,
            file_name=asked.file_name,
            file_sha256=hashlib.sha256(file).hexdigest(),
            status="NOTHING" if not counts["recorded"] else "PARTIAL" if counts["refused"] else "COMPLETE",
            profile=sheet.profile.name,
            source=source,
            created_at=work.recorded_at,
            dry_run=asked.dry_run,
            ignored_columns=sheet.ignored,
            reading=reading_told(sheet, source),
            balances=balances_told(batch, user_id, work),
            unknown_securities=securities_told(unknown),
            missing_openings=openings_told([(row.draft, outcomes.get(id(row))) for row in rows], portfolio_id),
            assumed_cash=_assumed(batch.outcomes),
            report=report,
            **counts,
        )
        told = [row.model_dump(mode="json", exclude_defaults=True, exclude={"cells", "read"}) for row in view.report]
        Imports(work).add(view.model_dump(mode="json", exclude={"report"}), told, _kept(taken, batch.outcomes))
    return view


def undo_import(user_id: UUID, import_id: UUID, work: UnitOfWork) -> ImportUndone:
    """Take back, in one unit of work, what still stands of an import, and forget the identities of its rows; or
    nothing, if a later row would be left short. Again, it answers the same."""
    found = Imports(work).lock(user_id, import_id)
    if found["undone_at"] is not None:
        return ImportUndone(import_id=import_id, undone_at=found["undone_at"], reversed=())
    kept = Imports(work).rows_of(import_id)
    old = (
        []
        if kept or found["profile"]
        else [row["seq"] for row in found["report"]["rows"] if row["status"] == "RECORDED"]
    )
    reversals = take_back(user_id, found["portfolio_id"], [*kept, *old], f"import {import_id} undone", work)
    Imports(work).free(found, old, work.recorded_at)
    return ImportUndone(import_id=import_id, undone_at=work.recorded_at, reversed=[row.seq for row in reversals])


def _resolved(
    sheet: Sheet, asked: ImportRequest, base_currency: str, user_id: UUID, work: UnitOfWork
) -> tuple[resolving.Registry, Sequence[resolving.Proposal]]:
    """The securities of the file, and bodies for those that nobody registered, after what was asked is registered."""
    registry = resolving.Registry(sheet.drafts, asked.securities, work)
    unknown = resolving.proposals(_unknown(sheet, registry))
    if unknown and asked.register_unknown:
        resolving.register(unknown, base_currency, user_id, work)
        registry = resolving.Registry(sheet.drafts, asked.securities, work)
        unknown = resolving.proposals(_unknown(sheet, registry))
    return registry, unknown


def _unknown(sheet: Sheet, registry: resolving.Registry) -> list[Draft]:
    found = []
    for each in sheet.drafts:
        if each.refusal is None and each.naming and each.day is not None and each.takes_security:
            try:
                if registry.find(each.naming, each.day) is None:
                    found.append(each)
            except Refusal:
                continue  # told by its row
    return found


def _requested(
    sheet: Sheet, rules: Rules, registry: resolving.Registry, user_id: UUID, portfolio_id: UUID
) -> list[_Row]:
    rows = []
    for draft in sheet.drafts:
        if draft.skipped is not None:
            rows.append(_Row(draft))
            continue
        try:
            if draft.refusal is not None:
                raise draft.refusal
            assert draft.day is not None
            security = registry.find(draft.naming, draft.day) if draft.naming and draft.takes_security else None
            if security is None and draft.naming and draft.takes_security:
                raise resolving.unknown(draft.naming)
            request = rules.request(draft, security)
            rows.append(_Row(draft, request, command_or_refusal(request, user_id, portfolio_id)))
        except Refusal as refusal:
            rows.append(_Row(draft, None, refusal))
    return rows


def _identified(rows: list[_Row], sheet: Sheet, source: str) -> list[_Row]:
    """The rows with their identities; one that is refused has none."""
    told = []
    for row in rows:
        if row.request is not None and isinstance(row.command, RecordTransaction):
            security = (row.request.ticker or "").removeprefix("id:")
            told.append((row.draft, row.request, content_of(row.draft, row.request, security or None)))
    found = iter(identities(told, source, sheet.first_ids))
    return [
        _Row(row.draft, row.request, row.command, next(found))
        if row.request is not None and isinstance(row.command, RecordTransaction)
        else row
        for row in rows
    ]


def _kept(rows: Sequence[_Row], outcomes: Sequence[BatchOutcome]) -> list[Mapping[str, Any]]:
    """Identities of what was recorded: of each row, of those that came with it, and of cash that was assumed for it."""
    kept: list[Mapping[str, Any]] = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if row.identity is None or not isinstance(outcome, Recorded):
            continue
        assumed = [outcome.assumed.seq] if outcome.assumed else []
        for number, seq in enumerate((*outcome.seqs, *assumed)):
            key = f"{row.identity.key}+{number}" if number else row.identity.key
            kept.append({"source": row.identity.source, "row_key": key, "seq": seq, "content": row.identity.content})
    return kept


def _told(outcome: BatchOutcome) -> dict[str, Any]:
    match outcome:
        case Recorded():
            notes = [_PUT_IN_ORDER] if outcome.is_put_in_order else []
            if outcome.assumed is not None:
                deposit = outcome.assumed
                notes.append(f"{plain(deposit.cash_effect)} {deposit.currency} {ASSUMED_CASH} (row {deposit.seq})")
            return {"status": "RECORDED", "seq": outcome.seqs[0], "notes": notes}
        case Duplicate(change=None):
            return {"status": "DUPLICATE", "seq": outcome.seq}
        case Duplicate():
            return {"status": "CHANGED", "seq": outcome.seq, "code": "row_changed", "detail": outcome.change}
        case Refusal():
            return {"status": "REFUSED", "code": outcome.code, "detail": outcome.message}


def _reported(row: _Row, outcome: BatchOutcome | None, sheet: Sheet | None) -> ImportRow:
    draft = row.draft
    told: dict[str, Any] = {"status": "SKIPPED", "detail": draft.skipped} if outcome is None else _told(outcome)
    if isinstance(outcome, Refusal) and not outcome.message.startswith(f"line {draft.line}"):
        told["detail"] = f"line {draft.line}: {outcome.message}"
    facts = outcome.facts if isinstance(outcome, Refusal) else {}
    column = facts.get("column") or facts.get("field")
    notes = [*draft.notes, *told.pop("notes", ())]
    shown: Mapping[str, Any] = row_told(draft, row.request, sheet) if sheet is not None else {}
    return ImportRow.model_construct(
        line=draft.line,
        external_id=row.identity.key if row.identity else None,
        column=str(column) if column else None,
        notes=notes,
        flags=draft.flags,
        **shown,
        **told,
    )


def _assumed(outcomes: Sequence[BatchOutcome]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for each in outcomes:
        if isinstance(each, Recorded) and each.assumed is not None:
            total[each.assumed.currency] += each.assumed.cash_effect  # type: ignore[assignment]
    return dict(total)


def _counts(outcomes: Sequence[BatchOutcome]) -> dict[str, int]:
    kinds = Counter(type(outcome) if isinstance(outcome, (Recorded, Duplicate)) else Refusal for outcome in outcomes)
    return {
        "total": len(outcomes),
        "recorded": kinds[Recorded],
        "duplicates": kinds[Duplicate],
        "refused": kinds[Refusal],
    }
