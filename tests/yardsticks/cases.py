"""Reading a folder of case files: each row of a known form becomes a `Case` with its kind.

The kind is what the row says of itself, or what the keys of its inputs make it; never its id, place or number. Not
here: what is computed for a kind (the modules beside this one) and whether it is right (judging.py).
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMED_BY = ("function", "kind", "measure")
"""Keys of a row by which it names its own kind."""
NAMED_BY_INPUTS: dict[str, frozenset[str]] = {
    "coupon bond": frozenset({"settlement", "maturity", "coupon"}),
    "curve of bond prices": frozenset({"bonds", "coupon_freq"}),
    "bond on zero yields": frozenset({"zero_continuous", "coupon_percent"}),
    "parametric curve": frozenset({"model", "beta0"}),
    "covariance": frozenset({"prices", "returns"}),
    "mean return": frozenset({"prices", "compounding"}),
    "data not carried": frozenset({"data", "compounding"}),
    "capm return": frozenset({"data", "compounding", "market"}),
    "activities": frozenset({"transactions", "prices"}),
    "flows within a period": frozenset({"start_value", "events", "end_value"}),
    "yearly flows": frozenset({"flows_t"}),
    "modified Dietz": frozenset({"begin", "end", "flows"}),
    "linked returns": frozenset({"period_returns"}),
    "savings goal": frozenset({"payment_per_month", "target"}),
}
"""Kinds of rows that do not name theirs, by the inputs that they have."""
BESIDE_EXPECTED = ("accrued", "cash_flows")
"""Figures that a row has beside those under `expected`."""


class UnknownForm(ValueError):
    """A file that has none of the forms of the folder's README."""


@dataclass(frozen=True)
class Case:
    """One row: what goes in, what should come out. `row` is all of it, `file` the file that it is from."""

    id: str
    kind: str
    inputs: Mapping[str, Any]
    expected: Any
    tolerance: float
    row: Mapping[str, Any] = field(repr=False)
    file: Mapping[str, Any] = field(repr=False)

    def tolerance_of(self, figure: str) -> float:
        return float(self.row.get("per_key_tolerance", {}).get(figure, self.tolerance))


def is_of_situations(document: Any) -> bool:
    """Say whether a file holds situations that run: each has requests and what is expected after them."""
    rows = document if isinstance(document, list) else []
    return bool(rows) and all(isinstance(row, dict) and {"requests", "expected"} <= row.keys() for row in rows)


def cases_of(document: Any) -> list[Case]:
    """The cases of a file of any known form; UnknownForm if there is none."""
    try:
        cases = list(_cases(document))
    except (AttributeError, KeyError, TypeError) as error:
        raise UnknownForm(f"a row of it is none: {type(error).__name__} {error}") from error
    if not cases:
        raise UnknownForm("no list of cases with ids and expected figures, no functions with rows, no situations")
    return cases


def _cases(document: Any) -> Iterator[Case]:
    if isinstance(document, list):
        rows = [row for row in document if isinstance(row, dict) and {"id", "input", "expected"} <= row.keys()]
        yield from (Case(row["id"], "situation in words", {}, row["expected"], 0, row, {}) for row in rows)
        return
    if not isinstance(document, dict):
        return
    if "withdrawal_rate_percent" in document:
        yield from (
            Case(mix, "withdrawal success", {}, rates, 0, {}, document) for mix, rates in document["rows"].items()
        )
    for name, function in document.get("functions", {}).items():
        yield from (_case({"function": name, **row}, document) for row in function["rows"])
    for rows in document.values():
        if isinstance(rows, list):
            yield from (_case(row, document) for row in rows if isinstance(row, dict) and "id" in row)


def _case(row: dict[str, Any], file: dict[str, Any]) -> Case:
    inputs = row.get("inputs", {})
    expected = row.get("expected")
    if "defect" in row:  # the file says what its quotes must raise once, for all of them
        expected = {"named": True, "raised by the repair": False}
    elif isinstance(expected, dict):
        expected = {**expected, **{name: row[name] for name in BESIDE_EXPECTED if name in row}}
    tolerance = row.get("tolerance", file.get("tolerance", 0))
    return Case(
        str(row["id"]), _kind(row, inputs, file.get("folder", "")), inputs, expected, float(tolerance), row, file
    )


def _kind(row: dict[str, Any], inputs: Mapping[str, Any], folder: str) -> str:
    if "defect" in row:
        return row["defect"] + _excerpt(row, folder)
    if "flows_file" in inputs or _is_elsewhere(row.get("data")):
        return "data not carried"
    for key in NAMED_BY:
        if key in row:
            return f"{row[key]} {row.get('convention', '')}".strip().lower()
    fitting = [kind for kind, keys in NAMED_BY_INPUTS.items() if keys <= inputs.keys()]
    return max(fitting, key=lambda kind: len(NAMED_BY_INPUTS[kind]), default="without a kind")


def _excerpt(row: dict[str, Any], folder: str) -> str:
    """Say how little the rows of a price defect show of it, unless the source's whole file is there."""
    if (Path(folder) / row["bad_file"]).exists():
        return ""
    pairs = [(example["bad"], example["fixed"]) for example in row["examples"]]
    if all(bad.get("Dividends") and not fixed.get("Dividends") for bad, fixed in pairs):
        return " repeated dividend"
    if any(bad.get("Dividends") and bad.get("Stock Splits") for bad, _ in pairs):
        return " beside a dividend"
    moved = {name for bad, fixed in pairs for name in bad if not _is_same(bad[name], fixed.get(name))}
    are_numbers = all(math.isfinite(bad.get("Adj Close") or math.nan) for bad, _ in pairs)
    return " of adjusted closes" if moved <= {"Adj Close"} and are_numbers else ""


def _is_same(bad: float | None, fixed: float | None) -> bool:
    return bad == fixed if not bad or not fixed else math.isclose(bad, fixed, rel_tol=1e-6)


def _is_elsewhere(data: str | None) -> bool:
    return data is not None and data not in ("inline", "portfolio_bacon")


def documents(folder: Path) -> Iterator[tuple[Path, Any]]:
    """The JSON files of a folder by name, each with its content or the error of reading it."""
    for path in sorted(folder.glob("*.json")):
        try:
            document = json.loads(path.read_text())
            yield path, {**document, "folder": str(path.parent)} if isinstance(document, dict) else document
        except ValueError as error:
            yield path, UnknownForm(f"it is no JSON: {error}")
