"""Many rows at once: a batch, the import of a broker's file, and taking one back."""

import hashlib
from contextlib import nullcontext
from uuid import UUID, uuid4

from domain.commands import BatchMode
from domain.errors import BatchRefused
from oltp_api.imports import own_export
from oltp_api.imports.outcomes import counted, outcome_told
from oltp_api.imports.own_profiles import known_profiles
from oltp_api.imports.reading import Hints, read
from oltp_api.imports.recording import record_sheet
from oltp_api.imports.repository import Imports
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
from oltp_api.imports.told import stored_rows
from oltp_api.ledger.batch import record_batch
from oltp_api.ledger.handlers import take_back
from oltp_api.unit_of_work import UnitOfWork

_OWN = "lakefolio"
"""The profile, and the source, of an export of our own."""


def record_all(asked: BatchRequest, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> BatchView:
    """Return the outcome of every row; BatchRefused, with nothing stored, if all were wanted and one is refused."""
    outcomes = record_batch(asked.command(user_id, portfolio_id), work).outcomes
    rows = tuple(
        BatchRow.model_construct(row=place, **outcome_told(outcome)) for place, outcome in enumerate(outcomes, start=1)
    )
    refused = [{"row": row.row, "code": row.code, "detail": row.detail} for row in rows if row.status == "REFUSED"]
    if refused and asked.mode is BatchMode.ALL_OR_NOTHING:
        raise BatchRefused(len(rows), refused)
    return BatchView(mode=asked.mode, rows=rows, **counted(outcomes))


def import_file(asked: ImportRequest, file: bytes, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ImportView:
    """The report. A dry run does everything, and takes all of it back."""
    if own_export.is_own_export(file):
        return _replayed(asked, file, user_id, portfolio_id, work)
    stated = Hints(asked.profile, asked.encoding, asked.dates, asked.decimal, asked.order, asked.account)
    profiles = known_profiles(user_id, work)
    work.let_go()
    sheet = read(file, stated, profiles, MOST_FILE_ROWS)
    with work.rehearsal() if asked.dry_run else nullcontext():
        view = record_sheet(sheet, asked, (user_id, portfolio_id), hashlib.sha256(file).hexdigest(), work)
        Imports(work).add(view.model_dump(mode="json", exclude={"report"}), stored_rows(view.report))
    return view


def undo_import(user_id: UUID, import_id: UUID, work: UnitOfWork) -> ImportUndone:
    """Take back, in one unit of work, what still stands of an import, and forget the identities of its rows; or
    nothing, if a later row would be left short. Again, it answers the same."""
    found = Imports(work).lock(user_id, import_id)
    if found["undone_at"] is not None:
        return ImportUndone(import_id=import_id, undone_at=found["undone_at"], reversed=())
    kept = Imports(work).rows_of(import_id)
    old = [] if kept else [row["seq"] for row in found["report"]["rows"] if row["status"] == "RECORDED"]
    reversals = take_back(user_id, found["portfolio_id"], [*kept, *old], f"import {import_id} undone", work)
    Imports(work).free(found, old, work.recorded_at)
    return ImportUndone(import_id=import_id, undone_at=work.recorded_at, reversed=[row.seq for row in reversals])


def _replayed(asked: ImportRequest, file: bytes, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ImportView:
    with work.rehearsal() if asked.dry_run else nullcontext():
        rows = own_export.replay(file, user_id, portfolio_id, work)
        report = tuple(
            ImportRow(line=row.line, external_id=row.external_id, status="RECORDED", seq=row.seq) for row in rows
        )
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
            profile=_OWN,
            source=_OWN,
            created_at=work.recorded_at,
            dry_run=asked.dry_run,
            ignored_columns=[],
            report=report,
        )
        Imports(work).add(view.model_dump(mode="json", exclude={"report"}), stored_rows(view.report))
    return view
