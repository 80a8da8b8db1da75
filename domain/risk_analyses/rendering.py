"""A text with tokens as people read it: our number with its unit where a token stands, and the fact that it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.risk_analyses.directions import directs
from domain.risk_analyses.facts import Fact, FactSheet
from domain.risk_analyses.fence import TOKEN, sentence_around


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text as it is shown; of a number the `fact` that it is."""

    shown: str
    fact: Fact | None = None


def pieces(text: str, sheet: FactSheet) -> Iterator[Piece]:
    """The text in parts. A number has its sign, unless a word beside it has it: "-3.0 %", "lost 3.0 %"."""
    facts, at = sheet.by_id(), 0
    for found in TOKEN.finditer(text):
        if found.start() > at:
            yield Piece(text[at : found.start()])
        at = found.end()
        if found[1][0] == "N":
            yield Piece(sheet.name(found[1]).shown)
            continue
        fact = facts[found[1]]
        sentence, place = sentence_around(text, found.start())
        is_told = fact.value < 0 and directs(sentence, (place, place + len(found[0])), fact)
        yield Piece(fact.shown_size if is_told else fact.shown, fact)
    if at < len(text):
        yield Piece(text[at:])


def rendered(text: str, sheet: FactSheet) -> str:
    """The text as plain words."""
    return "".join(piece.shown for piece in pieces(text, sheet))
