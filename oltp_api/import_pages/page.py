"""Pages of imports as HTML documents, in the look of the review: no script, no other host."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from domain.securities import AssetType
from oltp_api.import_pages.sent import MOST_CARRIED_BYTES, MOST_FILE_BYTES, OPTIONS, FilledForm
from oltp_api.imports.schemas import MOST_FILE_ROWS, ImportOptions, ImportRow, ImportSummary, ImportView
from oltp_api.page_forms.page import form_environment, form_style
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.web.places import Link

MOST_ROWS_SHOWN = 300
_HERE = Path(__file__).parent
CHOICES: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "dates": ("Days", [("iso", "2016-01-05"), ("dmy", "05/01/2016, day first"), ("mdy", "01/05/2016, month first")]),
    "decimal": ("Decimal sign", [(".", "point"), (",", "comma")]),
    "encoding": ("Encoding", [(each, each) for each in ("utf-8", "latin-1", "cp1252", "cp1250", "utf-16")]),
    "order": ("Order of rows", [("oldest_first", "oldest first"), ("newest_first", "newest first")]),
    "price_unit": ("Prices are in", [("major", "pounds, dollars"), ("minor", "pence, cents")]),
    "income": ("Dividends are", [("net", "after the tax beside them"), ("gross", "before it")]),
    "rate": ("Exchange rates are for one unit of", [("currency", "the row’s currency"), ("base", "the base currency")]),
    "missing_cash": ("Cash that is missing", [("refuse", "refuse the row"), ("assume", "assume a deposit")]),
    "mode": ("If a row is refused", [("partial", "record the others"), ("all_or_nothing", "record nothing")]),
}
_DEFAULTS = {name: str(ImportOptions.model_fields[name].default) for name in ("missing_cash", "mode")}
_A_DAY = date(2016, 1, 25)
"""A day that shows which of its numbers is which."""
_OF_FILE = ("profile", "account", "source")
assert {*CHOICES, *_OF_FILE, "register_unknown"} == set(OPTIONS)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of one outcome, of which the first are shown."""

    name: str
    why: str
    rows: Sequence[ImportRow]
    is_open: bool

    @property
    def shown(self) -> Sequence[ImportRow]:
        return self.rows[:MOST_ROWS_SHOWN]


def imports_page(
    portfolio: PortfolioView,
    imports: Sequence[ImportSummary],
    profiles: Sequence[tuple[str, str]],
    sent: FilledForm | None = None,
    tried: ImportView | None = None,
    problem: str | None = None,
    done: str | None = None,
    places: Sequence[Link] = (),
) -> str:
    """The form with the past imports; with `tried`, the dry run of the file that was `sent`. `problem` is why what was
    asked was not done, `done` what was."""
    return _template("imports.html").render(
        **_framed(),
        places=places,
        portfolio=portfolio,
        imports=imports,
        profiles=profiles,
        sent=sent,
        tried=tried,
        problem=problem,
        done=done,
        groups=groups(tried) if tried else [],
        choices=CHOICES,
        defaults=_DEFAULTS,
        asset_types=[each.value for each in AssetType],
        most_rows=MOST_FILE_ROWS,
        most_megabytes=MOST_FILE_BYTES // 1_000_000,
        carried_megabytes=MOST_CARRIED_BYTES // 1_000_000,
    )


def import_page(
    portfolio: PortfolioView, view: ImportView, problem: str | None = None, places: Sequence[Link] = ()
) -> str:
    """The page of an import: its rows, and the button that takes it back."""
    return _template("import.html").render(
        **_framed(), places=places, portfolio=portfolio, tried=view, groups=groups(view), problem=problem
    )


def groups(view: ImportView) -> list[RowGroup]:
    """The rows by what became of them, what needs a person first."""
    would = "would be" if view.dry_run else "were"
    by_status = {
        "REFUSED": ("Refused", "nothing of these would be recorded; each says why"),
        "CHANGED": ("Changed", "these have the id of a recorded row, and say something else"),
        "RECORDED": ("New", f"these {would} recorded"),
        "DUPLICATE": ("Known", f"these {would} passed over: they are recorded already"),
        "SKIPPED": ("No rows", "these are none on purpose: totals, headings, disclaimers"),
    }
    found = []
    for status, (name, why) in by_status.items():
        rows = [row for row in view.report if row.status == status]
        if rows:
            rows.sort(key=lambda row: (not row.flags, row.line))
            found.append(RowGroup(name, why, rows, status != "SKIPPED"))
    return found


def policy() -> str:
    """The policy of these pages, which have forms that are sent here."""
    return _style()[1]


def _framed() -> dict[str, Any]:
    style, policy = _style()
    return {"style": style, "policy": policy, "most_shown": MOST_ROWS_SHOWN}


def _style() -> tuple[Markup, str]:
    return form_style(_HERE / "imports.css")


@cache
def _template(name: str) -> Template:
    environment = form_environment(_HERE)
    environment.filters.update(as_example=_A_DAY.strftime, as_json=lambda value: json.dumps(value, default=str))
    return environment.get_template(name)
