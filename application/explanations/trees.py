"""The explanation of one figure: its kind, found by its place, with all that it is made of below it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from application.explanations import (
    analysis_kinds,
    change_kinds,
    day_kinds,
    gain_kinds,
    review_kinds,
    simulation_kinds,
    value_kinds,
)
from application.explanations.asked import AskedFigure, NotInRelease, Source
from application.explanations.kinds import FigureKind
from domain.explanations import Explained, LakeRow
from domain.references import Document, FigureReference, NoSuchFigure, around, found_at
from storage.lake.mounted import MountedRelease

_OF_ALL = tuple(one for one in day_kinds.KINDS if one.place.pattern.startswith(("/release_id", "/held")))
_KINDS: Mapping[Document, Sequence[FigureKind]] = {
    Document.REVIEW: (
        *value_kinds.KINDS,
        *review_kinds.KINDS,
        *day_kinds.KINDS,
        *simulation_kinds.KINDS,
        *analysis_kinds.KINDS,
    ),
    Document.VALUES: (*value_kinds.KINDS, *_OF_ALL),
    Document.GAINS: (*gain_kinds.KINDS, *_OF_ALL),
    Document.SIMULATION: simulation_kinds.KINDS,
    Document.CHANGE: change_kinds.KINDS,
    Document.ANALYSIS: analysis_kinds.KINDS,
}
_SCALARS = (str, int, float)


def explanation(
    reference: FigureReference, document: Mapping[str, Any], mounted: MountedRelease, portfolio_id: UUID, on: date
) -> Explained:
    """The tree of the figure at the reference's place; NoSuchFigure if there is none.

    `document` is the answer that the figure stands in, and `on` its last day.
    """
    names = _names(reference, document)
    found = kind_of(reference)
    assert found is not None, f"{reference.place} of {reference.document} has no kind"
    match = found.place.fullmatch(reference.place)
    assert match is not None, "it is how the kind was found"
    grouped = {name: _plain(text) for name, text in match.groupdict().items() if text is not None}
    asked = AskedFigure(reference, document, mounted, portfolio_id, on, _Names({**names, **grouped}))
    return Explained(
        asked.filled(found.label).replace("_", " "),
        asked.value,
        asked.unit,
        how=asked.filled(found.how),
        reference=str(reference),
        rulebook=found.rulebook,
        made_by=asked.filled(found.made_by),
        children=_once(node for source in found.sources for node in _found(source, asked)),
    ).cut()


def _found(source: Source, asked: AskedFigure) -> Sequence[Explained]:
    """Nodes that a source finds, or that the release has not got its tables."""
    try:
        return list(source(asked))
    except NotInRelease as missing:
        return [Explained("not kept in this release", source=LakeRow(table, None, "none")) for table in missing.tables]


def _once(nodes: Iterable[Explained]) -> list[Explained]:
    """Two sources may find the same rows."""
    found: list[Explained] = []
    for node in nodes:
        if node not in found:
            found.append(node)
    return found


def kind_of(reference: FigureReference) -> FigureKind | None:
    """The kind of what stands at a place; None if no figure of that document can."""
    kinds = _KINDS.get(reference.document, ())
    return next((one for one in kinds if one.place.fullmatch(reference.place)), None)


class _Names(dict[str, Any]):
    """Names around a figure; one that is not there is not known."""

    def __missing__(self, name: str) -> str:
        return "not known"


def _names(reference: FigureReference, document: Mapping[str, Any]) -> dict[str, Any]:
    """The plain fields of all that holds the place, those nearest to it over those further out."""
    try:
        found = found_at(document, reference.place)
    except (KeyError, ValueError) as error:
        raise NoSuchFigure(reference, f"there is no {error} in this {reference.document}") from error
    if isinstance(found, (Mapping, list)) or found is None or isinstance(found, bool):
        raise NoSuchFigure(reference, "what stands there is no number")
    names: dict[str, Any] = {}
    for held in (*_beside(reference, document), *around(document, reference.place)):
        names |= {name: value for name, value in held.items() if value is not None and _is_plain(value)}
    return names


def _beside(reference: FigureReference, document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Facts beside a place that do not hold it: the simulation of a fan, the day of a point of the curve."""
    first, *rest = reference.place.split("/")[1:]
    if fan := {"fan": "simulation", "beside_fan": "beside"}.get(first):
        yield document.get(fan) or {}
        yield {"fan": first}
    if first == "curve" and rest:
        yield {"business_date": document["curve"]["days"][int(rest[-1])]}
    if reference.document is Document.GAINS and document.get("year"):
        yield {"before": f"{int(document['year']) - 1}-12-31"}


def _is_plain(value: Any) -> bool:
    return isinstance(value, _SCALARS) or (isinstance(value, list) and all(isinstance(one, int) for one in value))


def _plain(text: str) -> str:
    return text.replace("~1", "/").replace("~0", "~")
