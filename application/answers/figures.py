"""Documents of the API as a model is shown them: a page of figures, and texts that are data.

A figure is a value in the API's own digits, its unit, its day, its release, and the reference by which it is explained.
Whatever people, files or other programs wrote (names, labels, notes) stands under `untrusted_text` alone; so do words
of ours that may quote them. What it says is never an instruction.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from anyio import to_thread

from application.answers.asking import ApiNumber, NotAnswered
from domain.references import FigureReference, leaves
from domain.units import IDENTIFIER, unit_of

T = TypeVar("T")
MOST = 50
"""Most figures, rows or texts of one answer."""
_MOST_TEXT = 200
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?")
_STATE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_USUAL = {"OK", "PRICED", "RELEASED"}
_CODE = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(T[\d:.]+Z)?")
_TEXTS = {"account", "description", "display_name", "isin", "label", "name", "note", "reason", "ticker", "track_record"}


@dataclass(frozen=True, slots=True)
class Page:
    """The figures below `under` that a question wants: `limit` of them from `cursor` on."""

    under: str = ""
    limit: int = MOST
    cursor: str | None = None

    def of(self, found: Sequence[T], release_id: int) -> tuple[Sequence[T], dict[str, Any]]:
        """The items of this page, and what is said of the rest."""
        start = self._start(release_id)
        end = start + self.limit
        more = {"next_cursor": f"{release_id}.{end}"} if end < len(found) else {}
        return found[start:end], {"n_figures": len(found), **more}

    def _start(self, release_id: int) -> int:
        if self.cursor is None:
            return 0
        of, _, at = self.cursor.partition(".")
        if not (of.isdecimal() and at.isdecimal() and len(at) < 10):
            raise NotAnswered("the cursor is none of an answer; ask without one")
        if int(of) != release_id:
            raise NotAnswered("there is a newer release since the page before; ask without a cursor")
        return int(at)


@dataclass(frozen=True, slots=True)
class Shown:
    """A document, by the reference to all of it.

    `texts` are said of all of it, and `thinned` of lists of which few rows are in it. `explained` says which place
    explains a figure, where that is another one; `day_of` the day of a figure that has one of its own, and `unit_at`
    its unit where the document is none of those that have references.
    """

    reference: FigureReference
    document: Mapping[str, Any]
    as_of: str | None
    texts: Mapping[str, str] = field(default_factory=dict)
    thinned: Mapping[str, str] = field(default_factory=dict)
    explained: Callable[[str], FigureReference] | None = None
    day_of: Callable[[str], str] | None = None
    unit_at: Callable[[str], str] | None = None

    async def answer(self, page: Page) -> dict[str, Any]:
        """The page, put together in a thread: a document may have ten thousand figures."""
        return await to_thread.run_sync(self.answer_now, page)

    def answer_now(self, page: Page) -> dict[str, Any]:
        found = [(place, text) for place, text in _numbers(self.document) if place.startswith(page.under)]
        chosen, rest = page.of(found, self.reference.release_id)
        figures = [self._figure(place, text) for place, text in chosen]
        said = {"thinned": dict(self.thinned)} if self.thinned else {}
        words = _words(self.document, page.under, self.texts) if page.cursor is None else {}
        return {"figures": [one for one in figures if one], **rest, **said, **words}

    def _figure(self, place: str, text: str) -> dict[str, Any] | None:
        try:
            unit = self.unit_at(place) if self.unit_at else unit_of(self.document, place)
        except KeyError:
            return None
        reference = self.explained(place) if self.explained else replace(self.reference, place=place)
        day = self.day_of(place) if self.day_of else self.as_of
        return figure_of(None if reference.place == place else place, text, unit, day, reference)


def figure_of(measure: str | None, text: str, unit: str, day: str | None, reference: FigureReference) -> dict[str, Any]:
    """A figure; `measure` says which one it is where its reference does not."""
    release = {"as_of": day, "release": reference.release_id, "explain": str(reference)}
    return {**({"measure": measure} if measure else {}), "value": text, "unit": unit, **release}


def text_of(value: Any) -> Any:
    """A number as the API wrote it; anything else as it is."""
    return value.text if isinstance(value, ApiNumber) else value


def _numbers(document: Any) -> Iterator[tuple[str, str]]:
    """Numbers of a document as they were written, amounts in strings too, without those that name something."""
    for place, leaf in leaves(document):
        if isinstance(leaf, ApiNumber):
            text = leaf.text
        elif isinstance(leaf, str) and _NUMBER.fullmatch(leaf) and _last(place) not in _TEXTS:
            text = leaf
        else:
            continue
        if not _is_identifier(place):
            yield place, text


def _is_identifier(place: str) -> bool:
    try:
        return unit_of({}, place) == IDENTIFIER  # its name alone says so
    except KeyError:
        return False


def _words(document: Any, under: str, said: Mapping[str, str]) -> dict[str, Any]:
    """States that are not as usual, which are words of ours; and all other text, which is marked as data."""
    states, texts = {}, dict(said)
    for place, leaf in leaves(document):
        if not isinstance(leaf, str) or not place.startswith(under):
            continue
        if _is_state(place):
            if _STATE.fullmatch(leaf) and leaf not in _USUAL:
                states[place] = leaf
        elif _last(place) in _TEXTS or not (_CODE.fullmatch(leaf) or _STATE.fullmatch(leaf) or _NUMBER.fullmatch(leaf)):
            texts[place] = leaf
    return {**bounded("states", states), **untrusted(texts)}


def _is_state(place: str) -> bool:
    name = _last(place)
    return name in ("status", "state", "verdict") or name.endswith("_status")


def untrusted(texts: Mapping[str, str | None], most: int = _MOST_TEXT) -> dict[str, Any]:
    """Texts that others wrote, under the name that says so."""
    return bounded("untrusted_text", {name: text[:most] for name, text in texts.items() if text})


def bounded(name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """At most MOST of `texts` under `name`, and how many more there are."""
    if not texts:
        return {}
    few = dict(list(texts.items())[:MOST])
    return {name: few, **({f"more_{name}": len(texts) - MOST} if len(texts) > MOST else {})}


def _last(place: str) -> str:
    """The name that a place ends with; of an item of a list, the list's."""
    return next((name for name in reversed(place.split("/")) if not name.isdecimal()), "")


def evenly(n: int, most: int) -> tuple[set[int], str | None]:
    """At most `most` of `n` places in a list, the first and the last among them, and what to say of the rest."""
    if n <= most:
        return set(range(n)), None
    return {round(i * (n - 1) / max(most - 1, 1)) for i in range(most)}, f"{most} of {n} rows, evenly spaced"
