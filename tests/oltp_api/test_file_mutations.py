"""Every cell of 23 files changed: what another cell contradicts is refused or flagged, anything else is read as the
changed file says; the files as they are raise no flag.

Contradictions are told by file_contradictions.py, which knows the files' columns and not our reader. Here one change of
each kind is tried in every third file; all changes of all files with LAKEFOLIO_CHAOS=long.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.errors import Refusal
from oltp_api.context import LOCAL_USER, AppContext
from oltp_api.imports.handlers import import_file
from oltp_api.imports.schemas import ImportRequest
from oltp_api.sight import seeing, sight_of
from storage.postgres.database import Database
from storage.settings import Settings
from tests.effort import IS_LONG
from tests.oltp_api.file_contradictions import FileForm, contradictions
from tests.oltp_api.file_forms import FORMS as BROKERS
from tests.oltp_api.file_forms_of_statements import STATEMENTS
from tests.oltp_api.file_forms_of_trackers import TRACKERS
from tests.oltp_api.file_mutations import Mutation, mutations
from tests.oltp_api.file_writings import Grid
from tests.yardsticks.file_states import emptied_api
from tests.yardsticks.files import Way, content_of, file_of, indexes

FOLDER = Path(__file__).parents[1] / "cases" / "files"
ENTRIES = {entry["file"]: entry for _, entries in indexes(FOLDER) for entry in entries}
FORMS = (*BROKERS, *TRACKERS, *STATEMENTS)
_FORMS = FORMS if IS_LONG else FORMS[::3]
_SHORT = {
    "unknown_security", "insufficient_cash", "insufficient_position", "account_not_found", "rate_direction_unknown",
    "identifiers_disagree", "fx_rate_required", "fx_missing",
}  # fmt: skip
"""Refusals of what the file does not contradict: the registry or the ledger do."""


@dataclass(frozen=True)
class Reading:
    """A file as it is read by a dry run: why it is refused or flagged, and each of its rows."""

    refused: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Opened:
    """A file's own portfolio, with its securities registered, and nothing recorded."""

    context: AppContext
    portfolio_id: UUID
    options: dict[str, str]

    def read(self, file: bytes) -> Reading:
        asked = ImportRequest(csv="-", dry_run=True, **self.options)
        try:
            with seeing(sight_of(LOCAL_USER, LOCAL_USER, self.portfolio_id)):
                view = self.context.transact(lambda work: import_file(asked, file, LOCAL_USER, self.portfolio_id, work))
        except Refusal as refusal:
            return Reading(((refusal.code, refusal.message),), (), ())
        return Reading(
            tuple((str(row.code), str(row.detail)) for row in view.report if row.status == "REFUSED"),
            tuple(flag for row in view.report for flag in row.flags),
            tuple((row.line, row.status, row.read, row.cells) for row in view.report),
        )


@pytest.fixture(scope="module")
def empty_api(new_database: Callable[[], Database], settings: Settings) -> Iterator[tuple[Any, httpx.Client, Any]]:
    with emptied_api(new_database(), settings) as opened:
        yield opened


@pytest.fixture
def opened(empty_api: tuple[Any, httpx.Client, Callable[[], None]], form: FileForm) -> Opened:
    app, api, empty = empty_api
    empty()
    way = Way(api, ENTRIES[form.name], file_of(FOLDER, ENTRIES[form.name]), lambda _: None, is_whole=False)
    portfolio_id = way.prepare()
    return Opened(app.state.context, UUID(portfolio_id), dict(way.options))


def judged(form: FileForm, mutation: Mutation, header: list[str], before: Reading, after: Reading) -> str:
    """The verdict on one change: refused, flagged, read, without effect, or what must not be."""
    found = contradictions(form, header, mutation.grid[form.header + 1 :])
    if after.refused:
        codes = {code for code, _ in after.refused}
        return "refused" if found or codes & _SHORT else f"REFUSED WITHOUT REASON: {after.refused[0]}"
    if after.flags:
        return "flagged" if found else f"FLAGGED WITHOUT REASON: {after.flags[0]}"
    if found:
        return f"SILENT: {found[0]}"
    cells = [cells or {} for _, _, _, cells in after.rows]
    if mutation.after.strip() and not any(mutation.after.strip() in each.values() for each in cells):
        return "NOT SHOWN"
    return "read" if [row[2] for row in after.rows] != [row[2] for row in before.rows] else "without effect"


def _encoded(form: FileForm, file: str, grid: Grid) -> bytes:
    text = form.writing.text(file, grid)
    return text.encode(form.encoding) if text.isascii() or form.encoding == "utf-8" else _fitting(text, form.encoding)


def _fitting(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:  # such as an euro sign, which Latin-1 has not
        return text.encode("utf-8")


def _one_of_each_kind(changes: list[Mutation]) -> list[Mutation]:
    """The middle one: the first row is often a deposit, and the last no transaction."""
    kinds = dict.fromkeys(each.kind for each in changes)
    of_kinds = [[each for each in changes if each.kind == kind] for kind in kinds]
    return [each[len(each) // 2] for each in of_kinds]


@pytest.mark.parametrize("form", _FORMS, ids=[form.name for form in _FORMS])
def test_no_change_of_a_cell_that_another_contradicts_is_accepted_silently(form: FileForm, opened: Opened) -> None:
    text = content_of(file_of(FOLDER, ENTRIES[form.name])).decode(form.encoding).replace("\r\n", "\n")
    grid = form.writing.grid(text)
    header = list(form.names) or grid[form.header]
    before = opened.read(text.encode(form.encoding))
    assert (before.refused, before.flags) == ((), ())
    assert contradictions(form, header, grid[form.header + 1 :]) == []

    is_month_first = "%m/%d" in form.day_form
    all_of_them = list(mutations(grid, form.header + 1, is_month_first, form.writing.is_sparse))
    verdicts: Counter[str] = Counter()
    wrong = []
    for mutation in all_of_them if IS_LONG else _one_of_each_kind(all_of_them):
        after = opened.read(_encoded(form, text, mutation.grid))
        verdict = judged(form, mutation, header, before, after)
        verdicts[verdict.partition(":")[0]] += 1
        if verdict.isupper() or verdict[:2].isupper():
            name = header[mutation.column] if mutation.column < len(header) else mutation.column
            wrong.append(
                f"{mutation.kind} line {mutation.row + 1} {name}: {mutation.before!r} -> {mutation.after!r}: {verdict}"
            )

    print(form.name, len(all_of_them), dict(verdicts))
    assert wrong == [], "\n".join(wrong)
