"""Import of a broker's file: read it, record what is new, keep a report of every row.

A row is known again by its external id, so that a file sent twice, or after a crash, or longer than last month's, adds
only what is not there. Rows that are refused stand in nobody's way: the report says what is recorded and what is not.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID, uuid4

from domain.commands import BatchMode, RecordBatch
from domain.errors import BatchRefused, Refusal
from oltp_api.imports import broker_csv, own_export
from oltp_api.imports.repository import Imports
from oltp_api.imports.schemas import (
    MOST_ROWS,
    BatchRequest,
    BatchRow,
    BatchView,
    ImportRequest,
    ImportRow,
    ImportView,
    command_or_refusal,
)
from oltp_api.ledger.batch import BatchOutcome, Duplicate, Recorded, record_batch
from oltp_api.unit_of_work import UnitOfWork

_PUT_IN_ORDER = "the rows of its day were not covered in the order given, and stand in another"


def record_all(asked: BatchRequest, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> BatchView:
    """Return the outcome of every row; BatchRefused, with nothing stored, if all were wanted and one is refused."""
    outcomes = record_batch(asked.command(user_id, portfolio_id), work)
    rows = [BatchRow.model_construct(row=place, **_told(outcome)) for place, outcome in enumerate(outcomes, start=1)]
    refused = [{"row": row.row, "code": row.code, "detail": row.detail} for row in rows if row.status == "REFUSED"]
    if refused and asked.mode is BatchMode.ALL_OR_NOTHING:
        raise BatchRefused(len(rows), refused)
    return BatchView(mode=asked.mode, rows=rows, **_counts(outcomes))


def import_file(asked: ImportRequest, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ImportView:
    """The report. A dry run does everything, and takes all of it back."""
    if own_export.is_own_export(asked.csv.encode()):
        return _replayed(asked, user_id, portfolio_id, work)
    sheet = broker_csv.read(asked.csv, asked.dates, MOST_ROWS, asked.account)
    rows = broker_csv.identified(sheet)
    commands = tuple(_command(row, user_id, portfolio_id) for row in rows)
    command = RecordBatch(user_id, portfolio_id, commands, register_unknown=asked.register_unknown)
    with work.rehearsal() if asked.dry_run else nullcontext():
        outcomes = record_batch(command, work)
        report = sorted(map(_reported, rows, outcomes), key=lambda row: row.line)
        counts = _counts(outcomes)
        view = ImportView(
            import_id=uuid4(),
            portfolio_id=portfolio_id,
            file_name=asked.file_name,
            file_sha256=hashlib.sha256(asked.csv.encode()).hexdigest(),
            status="NOTHING" if not counts["recorded"] else "PARTIAL" if counts["refused"] else "COMPLETE",
            created_at=work.recorded_at,
            dry_run=asked.dry_run,
            ignored_columns=sheet.ignored_columns,
            report=report,
            **counts,
        )
        stored = view.model_dump(mode="json", exclude={"dry_run"})
        rows, ignored = stored.pop("report"), stored.pop("ignored_columns")
        Imports(work).add(stored, {"ignored_columns": ignored, "rows": rows})
    return view


def _replayed(asked: ImportRequest, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ImportView:
    file = asked.csv.encode()
    with work.rehearsal() if asked.dry_run else nullcontext():
        rows = own_export.replay(file, user_id, portfolio_id, work)
        report = [ImportRow(line=row.line, external_id=row.external_id, status="RECORDED", seq=row.seq) for row in rows]
        view = ImportView(
            import_id=uuid4(),
            portfolio_id=portfolio_id,
            file_name=asked.file_name,
            file_sha256=hashlib.sha256(file).hexdigest(),
            status="COMPLETE" if rows else "NOTHING",
            total=len(rows),
            recorded=len(rows),
            duplicates=0,
            refused=0,
            created_at=work.recorded_at,
            dry_run=asked.dry_run,
            ignored_columns=[],
            report=report,
        )
        stored = view.model_dump(mode="json", exclude={"dry_run", "report", "ignored_columns"})
        Imports(work).add(stored, {"ignored_columns": [], "rows": [row.model_dump(mode="json") for row in report]})
    return view


def _command(row: broker_csv.BrokerRow, user_id: UUID, portfolio_id: UUID) -> Any:
    if row.request is None:
        return row.refusal
    return command_or_refusal(row.request, user_id, portfolio_id)


def _told(outcome: BatchOutcome) -> dict[str, Any]:
    match outcome:
        case Recorded():
            notes = [_PUT_IN_ORDER] if outcome.is_put_in_order else []
            return {"status": "RECORDED", "seq": outcome.seqs[0], "notes": notes}
        case Duplicate(change=None):
            return {"status": "DUPLICATE", "seq": outcome.seq}
        case Duplicate():
            return {"status": "CHANGED", "seq": outcome.seq, "code": "row_changed", "detail": outcome.change}
        case Refusal():
            return {"status": "REFUSED", "code": outcome.code, "detail": outcome.message}


def _reported(row: broker_csv.BrokerRow, outcome: BatchOutcome) -> ImportRow:
    told = _told(outcome)
    if isinstance(outcome, Refusal) and not outcome.message.startswith(f"line {row.line}"):
        told["detail"] = f"line {row.line}: {outcome.message}"
    facts = outcome.facts if isinstance(outcome, Refusal) else {}
    column = facts.get("column") or facts.get("field")
    external_id = row.request.external_id if row.request else None
    notes = [*row.notes, *told.pop("notes", ())]
    named = str(column) if column else None
    return ImportRow(line=row.line, external_id=external_id, column=named, notes=notes, **told)


def _counts(outcomes: Sequence[BatchOutcome]) -> dict[str, int]:
    kinds = Counter(type(outcome) if isinstance(outcome, (Recorded, Duplicate)) else Refusal for outcome in outcomes)
    return {
        "total": len(outcomes),
        "recorded": kinds[Recorded],
        "duplicates": kinds[Duplicate],
        "refused": kinds[Refusal],
    }
