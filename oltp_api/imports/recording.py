"""A file that is read, recorded: what is new, in order of event, with a report of every row.

Rows that are refused stand in nobody's way: the report says what is recorded and what is not. A long file is recorded
in parts, in one unit of work, so that only two parts' requests are in memory at a time: a part is read and decided
while the one before is written.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.errors import BatchRefused, Refusal
from domain.portfolio import Portfolio
from domain.values import filling, quickly_made
from oltp_api.imports import resolving
from oltp_api.imports.drafts import Draft
from oltp_api.imports.identity import Familiar, Identifying, Identity, Recognition
from oltp_api.imports.oddities import flag_inexact
from oltp_api.imports.outcomes import counted, outcome_told
from oltp_api.imports.rates import Rates
from oltp_api.imports.reading import Sheet
from oltp_api.imports.repository import Imports, KeptRow
from oltp_api.imports.requests import Rules
from oltp_api.imports.schemas import ImportRequest, ImportRow, ImportView
from oltp_api.imports.told import Openings, balances_told, cells_told, read_told, reading_told, securities_told
from oltp_api.ledger.batch import ROWS_BETWEEN, Balances, BatchOutcome, Recorded, decided_batch
from oltp_api.ledger.schemas import command_of
from oltp_api.unit_of_work import UnitOfWork

_reported: Callable[..., ImportRow] = filling(ImportRow)
_ROWS_OF_A_PART = 5_000
_ROWS_TOLD = 1_000
MOST_SHOWN = 10_000
"""Rows of a dry run that are shown beside their cells; of a longer file, later ones only where something is odd."""


@quickly_made
@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the file, with what it asks for, or why it asks for nothing; both None where it is skipped."""

    draft: Draft
    command: RecordTransaction | Refusal | None = None
    identity: Identity | None = None
    read: Mapping[str, str] | None = None


class _Told(NamedTuple):
    """A row that was decided: its outcome, None where it was skipped, and what else is told of it."""

    draft: Draft
    identity: Identity | None
    read: Mapping[str, str] | None
    outcome: BatchOutcome | None


@dataclass(slots=True)
class _Report:
    """All that is told of the parts so far, of which `read` rows were read."""

    read: int = 0
    rows: list[ImportRow] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    assumed: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    openings: Openings = field(default_factory=Openings)
    before: Balances | None = None
    after: Balances | None = None
    portfolio: Portfolio | None = None


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Records the parts of one file, one after the other."""

    sheet: Sheet
    asked: ImportRequest
    owner: tuple[UUID, UUID]
    rules: Rules
    registry: resolving.NamedSecurities
    identifying: Identifying
    familiar: Familiar
    report: _Report
    import_id: UUID

    def rows(self, drafts: Sequence[Draft], work: UnitOfWork) -> Sequence[_Row]:
        """The rows of a part, with their requests; the part before is written meanwhile, some rows after some."""
        rows: list[_Row] = []
        for begin in range(0, len(drafts), ROWS_BETWEEN):
            rows += map(self._row, drafts[begin : begin + ROWS_BETWEEN])
            work.write_some()
        flag_inexact(drafts)
        self.report.read += len(rows)
        return rows

    def decide(self, rows: Sequence[_Row], work: UnitOfWork) -> None:
        """Decide about a part, which is written and reported behind."""
        taken = [row for row in rows if row.command is not None]
        commands = tuple(row.command for row in taken if row.command is not None)
        named = {place: row.identity for place, row in enumerate(taken) if row.identity is not None}
        assumes = self.asked.missing_cash == "assume"
        batch = RecordBatch(*self.owner, commands, BatchMode.PARTIAL, assumes)  # if all was wanted, see the end
        known, before = Recognition(self.owner[1], named, self.familiar), self.report.portfolio
        done, writing = decided_batch(batch, work, known, as_decided=before)
        self.report.portfolio = done.portfolio
        self.report.counts.update(counted(done.outcomes))
        self.report.counts["skipped"] += len(rows) - len(taken)
        self.report.before = self.report.before or done.before
        self.report.after = done.after
        outcomes = iter(done.outcomes)
        told = [
            _Told(row.draft, row.identity, row.read, next(outcomes) if row.command is not None else None)
            for row in rows
        ]
        for each in told:
            self.report.openings.note(each.draft, each.outcome)
            each.draft.forget()
        work.write_behind(chain(writing, self._telling(told, work)))

    def _telling(self, told: list[_Told], work: UnitOfWork) -> Iterator[None]:
        """Keep the identities of rows, and report what became of them while the database writes that down."""
        while told:
            some = told[:_ROWS_TOLD]
            del told[:_ROWS_TOLD]  # for the next part is in memory too
            Imports(work).keep(self.import_id, self.owner[1], self._kept(some))
            work.flush()
            for each in some:
                self.report.rows.append(self._told(each))
            yield

    def _row(self, draft: Draft) -> _Row:
        if draft.skipped is not None:
            return _Row(draft)
        try:
            if draft.refusal is not None:
                raise draft.refusal
            assert draft.day is not None
            security = self.registry.find(draft.naming, draft.day) if draft.names_security else None
            if security is None and draft.names_security:
                raise resolving.unknown(draft.naming)
            fields = self.rules.fields(draft, security)
            command = command_of(fields, *self.owner)
        except Refusal as refusal:
            return _Row(draft, refusal)
        identity = self.identifying.of(draft, fields, str(security.security_id) if security else None)
        is_shown = self._shows(draft, self.report.read)
        return _Row(draft, command, identity, read_told(draft, fields) if is_shown else None)

    def _shows(self, draft: Draft, before: int) -> bool:
        return self.asked.dry_run and (before < MOST_SHOWN or bool(draft.flags or draft.notes))

    def _told(self, row: _Told) -> ImportRow:
        draft, outcome = row.draft, row.outcome
        told: dict[str, Any] = (
            {"status": "SKIPPED", "detail": draft.skipped} if outcome is None else outcome_told(outcome)
        )
        column = None
        if isinstance(outcome, Refusal):
            column = outcome.facts.get("column") or outcome.facts.get("field")
            if not outcome.message.startswith(f"line {draft.line}"):
                told["detail"] = f"line {draft.line}: {outcome.message}"
        is_odd = self.asked.dry_run and not isinstance(outcome, Recorded)
        return _reported(
            ImportRow,
            line=draft.line,
            external_id=row.identity.key if row.identity else None,
            column=str(column) if column else None,
            notes=(*draft.notes, *told.pop("notes", ())),
            flags=draft.flags,
            cells=cells_told(draft, self.sheet) if is_odd or self._shows(draft, len(self.report.rows)) else None,
            read=row.read,
            **told,
        )

    def _kept(self, told: Sequence[_Told]) -> list[KeptRow]:
        """The identities of what was recorded, of what came with it, and of cash that was assumed for it."""
        kept: list[KeptRow] = []
        for _, identity, _, outcome in told:
            if identity is None or not isinstance(outcome, Recorded):
                continue
            seqs = list(outcome.seqs)
            if outcome.assumed is not None:
                seqs.append(outcome.assumed.seq)
                self.report.assumed[outcome.assumed.currency] += outcome.assumed.cash_effect
            for number, seq in enumerate(seqs):
                key = f"+{number}:{identity.key}" if number else identity.key  # no row of a file has such a key
                kept.append((identity.source, key, seq, identity.content))
        return kept


def record_sheet(
    sheet: Sheet, asked: ImportRequest, owner: tuple[UUID, UUID], file_sha256: str, work: UnitOfWork
) -> ImportView:
    """The report."""
    user_id, portfolio_id = owner
    source = asked.account or asked.source or sheet.profile.name
    base_currency = Imports(work).base_currency(user_id, portfolio_id)
    registry, unknown = _resolved(sheet, asked, base_currency, user_id, work)
    rates = Rates(sheet.reader, base_currency, work.released_rate, asked.rate)
    rules = Rules(sheet.reader, rates, asked.price_unit, asked.income)
    old_ids = sheet.first_ids if Imports(work).has_old_ids(portfolio_id) else None
    identifying = Identifying(source, sheet.drafts, old_ids)
    familiar = Familiar(source, bool(asked.account or asked.source) or identifying.has_accounts)
    report, import_id = _Report(), uuid4()
    recorder = _Recorder(sheet, asked, owner, rules, registry, identifying, familiar, report, import_id)
    with work.pipelined():  # so that nothing waits for what is written
        for part in _parts(sheet.drafts):
            recorder.decide(recorder.rows(part, work), work)
        work.catch_up()
    familiar.refuse_unclear()
    report.rows.sort(key=lambda row: row.line)
    counts = report.counts
    if asked.mode is BatchMode.ALL_OR_NOTHING and counts["refused"] and not asked.dry_run:
        refused = [row for row in report.rows if row.status == "REFUSED"]
        told = [{"row": row.line, "code": row.code, "detail": row.detail} for row in refused]
        raise BatchRefused(len(report.rows), told)
    assert report.before is not None
    assert report.after is not None
    return ImportView.model_construct(
        import_id=import_id,
        portfolio_id=portfolio_id,
        file_name=asked.file_name,
        file_sha256=file_sha256,
        status="NOTHING" if not counts["recorded"] else "PARTIAL" if counts["refused"] else "COMPLETE",
        total=len(report.rows),
        recorded=counts["recorded"],
        duplicates=counts["duplicates"],
        refused=counts["refused"],
        skipped=counts["skipped"],
        profile=sheet.profile.name,
        source=source,
        created_at=work.recorded_at,
        undone_at=None,
        dry_run=asked.dry_run,
        ignored_columns=sheet.ignored,
        reading=reading_told(sheet, source),
        balances=balances_told(report.before, report.after, user_id, work),
        unknown_securities=securities_told(unknown),
        missing_openings=report.openings.told(portfolio_id),
        assumed_cash=dict(report.assumed),
        report=tuple(report.rows),
    )


def _parts(drafts: list[Draft]) -> Iterator[Sequence[Draft]]:
    """Parts of the file, in its order, taken out of it; a day is never divided. An empty file is one part."""
    while True:
        end = _ROWS_OF_A_PART
        while end < len(drafts) and drafts[end].day == drafts[end - 1].day:
            end += 1
        part = drafts[:end]
        del drafts[:end]
        yield part
        if not drafts:
            return


def _resolved(
    sheet: Sheet, asked: ImportRequest, base_currency: str, user_id: UUID, work: UnitOfWork
) -> tuple[resolving.NamedSecurities, Sequence[resolving.Proposal]]:
    """The securities of the file, and bodies for those that nobody registered, after what was asked is registered."""
    registry = resolving.NamedSecurities(sheet.drafts, asked.securities, work)
    unknown = resolving.proposals(_unknown(sheet, registry))
    if unknown and asked.register_unknown:
        resolving.register(unknown, base_currency, user_id, work)
        registry = resolving.NamedSecurities(sheet.drafts, asked.securities, work)
        unknown = resolving.proposals(_unknown(sheet, registry))
    return registry, unknown


def _unknown(sheet: Sheet, registry: resolving.NamedSecurities) -> list[Draft]:
    found = []
    for each in sheet.drafts:
        if each.refusal is None and each.naming and each.day is not None and each.takes_security:
            try:
                if registry.find(each.naming, each.day) is None:
                    found.append(each)
            except Refusal:
                continue  # told by its row
    return found
