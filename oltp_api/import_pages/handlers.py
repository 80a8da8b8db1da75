"""Actions of the pages of imports: try a file, record it, take up a proposal of its dry run, undo."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from psycopg.rows import DictRow

from domain.errors import ImportNotFound, plain
from oltp_api.context import AppContext
from oltp_api.import_pages.sent import FilledForm
from oltp_api.imports import own_profiles
from oltp_api.imports.handlers import import_file, undo_import
from oltp_api.imports.profiles import Profile
from oltp_api.imports.repository import IN_REPORT, Imports
from oltp_api.imports.schemas import ImportSummary, ImportView
from oltp_api.ledger.handlers import record_transaction
from oltp_api.registry.handlers import register_security
from oltp_api.unit_of_work import UnitOfWork

MOST_IMPORTS_SHOWN = 50


def tried(sent: FilledForm, user_id: UUID, portfolio_id: UUID, context: AppContext) -> ImportView:
    """The dry run."""
    asked = sent.request(is_dry_run=True)
    return context.transact(lambda work: import_file(asked, sent.file, user_id, portfolio_id, work))


def record(sent: FilledForm, user_id: UUID, portfolio_id: UUID, context: AppContext) -> ImportView:
    asked = sent.request(is_dry_run=False)
    return context.transact(lambda work: import_file(asked, sent.file, user_id, portfolio_id, work))


def taken_up(sent: FilledForm, user_id: UUID, portfolio_id: UUID, context: AppContext) -> str | None:
    """Record the opening or register the security whose button was pressed; say what was done, None if nothing."""
    kind, number = sent.touched()
    if kind == "opening":
        asked = sent.opening(number)
        command = asked.command(user_id, portfolio_id)
        rows, _ = context.transact(lambda work: record_transaction(command, work))
        return f"{plain(asked.quantity or Decimal(0))} {asked.ticker} are recorded, as ledger row {rows[0].seq}"
    if kind == "security":
        registering = sent.security(number).command(user_id)
        security = context.transact(lambda work: register_security(registering, work))
        return f"{security.ticker} is registered, as {security.display_name}"
    return None


def undo(import_id: UUID, user_id: UUID, context: AppContext) -> None:
    context.transact(lambda work: undo_import(user_id, import_id, work))


def one(import_id: UUID, user_id: UUID, portfolio_id: UUID, context: AppContext) -> ImportView:
    """The import with its report; one of another portfolio is not there."""
    found = context.transact(lambda work: Imports(work).one(user_id, import_id))
    if found["portfolio_id"] != portfolio_id:
        raise ImportNotFound(import_id)
    report = found.pop("report")
    told = {name: report[name] for name in IN_REPORT if name in report}
    return ImportView(**found, dry_run=False, report=report["rows"], **told)


def beside(
    user_id: UUID, portfolio_id: UUID, context: AppContext
) -> tuple[Sequence[ImportSummary], Sequence[tuple[str, str]]]:
    """The newest imports, and the profiles by name and title."""

    def look(work: UnitOfWork) -> tuple[list[DictRow], Mapping[str, Profile]]:
        return Imports(work).newest(user_id, portfolio_id, MOST_IMPORTS_SHOWN), own_profiles.known_profiles(
            user_id, work
        )

    rows, profiles = context.transact(look)
    return [ImportSummary.model_validate(row) for row in rows], [
        (each.name, each.title) for each in sorted(profiles.values(), key=lambda one: one.title.casefold())
    ]
