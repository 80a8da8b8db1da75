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
from oltp_api.imports.identity import Identifying, Identity, Recognition
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
)
from oltp_api.imports.told import (
    balances_told,
    cells_told,
    openings_told,
    read_told,
    reading_told,
    securities_told,
    stored_rows,
)
from oltp_api.ledger.batch import ASSUMED_CASH, BatchOutcome, Duplicate, Recorded, record_batch
from oltp_api.ledger.handlers import take_back
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
    """A row of the file, with what it asks for, or why it asks for nothing; both None where it is skipped."""

    draft: Draft
    command: RecordTransaction | Refusal | None = None
    identity: Identity | None = None
    read: Mapping[str, str] | None = None


def import_file(asked: ImportRequest, file: bytes, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ImportView:
    """The report. A dry run does everything, and takes all of it back."""
    stated = Stated(asked.profile, asked.encoding, asked.dates, asked.decimal, asked.order, asked.account)
    sheet = read(file, stated, shipped(), MOST_FILE_ROWS)
    with work.rehearsal() if asked.dry_run else nullcontext():
        view, identities = _recorded(sheet, asked, (user_id, portfolio_id), work)
        view = view.model_copy(update={"file_sha256": hashlib.sha256(file).hexdigest()})
        Imports(work).add(view.model_dump(mode="json", exclude={"report"}), stored_rows(view.report), identities)
    return view


def _recorded(
    sheet: Sheet, asked: ImportRequest, owner: tuple[UUID, UUID], work: UnitOfWork
) -> tuple[ImportView, Sequence[Mapping[str, Any]]]:
    """The report, and the identities of what was recorded."""
    user_id, portfolio_id = owner
    source = asked.account or asked.source or sheet.profile.name
    base_currency = Imports(work).base_currency(user_id, portfolio_id)
    registry, unknown = _resolved(sheet, asked, base_currency, user_id, work)
    rules = Rules(sheet.reader, base_currency, work.released_rate, asked.price_unit, asked.income, asked.rate)
    old_ids = sheet.first_ids if Imports(work).has_old_ids(portfolio_id) else None
    identifying = Identifying(source, sheet.drafts, old_ids)
    rows = [_row(draft, rules, registry, identifying, owner, asked.dry_run) for draft in sheet.drafts]
    taken = [row for row in rows if row.command is not None]
    commands = tuple(row.command for row in taken if row.command is not None)
    named = {place: row.identity for place, row in enumerate(taken) if row.identity is not None}
    is_stated = bool(asked.account or asked.source) or any("account" in row.draft.texts for row in taken)
    batch = record_batch(
        RecordBatch(user_id, portfolio_id, commands, asked.mode, assumes_cash=asked.missing_cash == "assume"),
        work,
        Recognition(portfolio_id, named, source, is_stated),
    )
    outcomes = dict(zip(map(id, taken), batch.outcomes, strict=True))
    report = sorted((_reported(row, outcomes.get(id(row)), sheet, asked) for row in rows), key=lambda row: row.line)
    counts = _counts(batch.outcomes)
    if asked.mode is BatchMode.ALL_OR_NOTHING and counts["refused"] and not asked.dry_run:
        refused = [
            {"row": each.line, "code": each.code, "detail": each.detail} for each in report if each.status == "REFUSED"
        ]
        raise BatchRefused(len(rows), refused)
    view = ImportView.model_construct(
        import_id=uuid4(),
        portfolio_id=portfolio_id,
        file_name=asked.file_name,
        status="NOTHING" if not counts["recorded"] else "PARTIAL" if counts["refused"] else "COMPLETE",
        total=len(rows),
        recorded=counts["recorded"],
        duplicates=counts["duplicates"],
        refused=counts["refused"],
        skipped=len(rows) - len(taken),
        profile=sheet.profile.name,
        source=source,
        created_at=work.recorded_at,
        undone_at=None,
        dry_run=asked.dry_run,
        ignored_columns=sheet.ignored,
        reading=reading_told(sheet, source),
        balances=balances_told(batch, user_id, work),
        unknown_securities=securities_told(unknown),
        missing_openings=openings_told([(row.draft, outcomes.get(id(row))) for row in rows], portfolio_id),
        assumed_cash=_assumed(batch.outcomes),
        report=report,
    )
    return view, _kept(taken, batch.outcomes)


def _row(
    draft: Draft,
    rules: Rules,
    registry: resolving.Registry,
    identifying: Identifying,
    owner: tuple[UUID, UUID],
    is_shown: bool,
) -> _Row:
    if draft.skipped is not None:
        return _Row(draft)
    try:
        if draft.refusal is not None:
            raise draft.refusal
        assert draft.day is not None
        security = registry.find(draft.naming, draft.day) if draft.naming and draft.takes_security else None
        if security is None and draft.naming and draft.takes_security:
            raise resolving.unknown(draft.naming)
        request = rules.request(draft, security)
        command = request.command(*owner)
    except Refusal as refusal:
        return _Row(draft, refusal)
    identity = identifying.of(draft, request, str(security.security_id) if security else None)
    return _Row(draft, command, identity, read_told(draft, request) if is_shown else None)


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


def _reported(row: _Row, outcome: BatchOutcome | None, sheet: Sheet, asked: ImportRequest) -> ImportRow:
    draft = row.draft
    told: dict[str, Any] = {"status": "SKIPPED", "detail": draft.skipped} if outcome is None else _told(outcome)
    column = None
    if isinstance(outcome, Refusal):
        column = outcome.facts.get("column") or outcome.facts.get("field")
        if not outcome.message.startswith(f"line {draft.line}"):
            told["detail"] = f"line {draft.line}: {outcome.message}"
    notes = (*draft.notes, *told.pop("notes", ()))
    return ImportRow.model_construct(
        line=draft.line,
        external_id=row.identity.key if row.identity else None,
        column=str(column) if column else None,
        notes=notes,
        flags=tuple(draft.flags),
        cells=cells_told(draft, sheet) if asked.dry_run else None,
        read=row.read,
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
