"""The fence around a writer's text: no number of its own, no unknown fact, no word against a fact's sign.

An answer is void as a whole where it holds a digit or a number word, a token that is not of the sheet, or characters
that a plain text has no use for. A sentence is void where a word contradicts the sign of a fact in it. Nothing here
depends on who the writer is.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from domain.risk_analyses.directions import contradiction, moved, signed_before, unread, wrong_comparison
from domain.risk_analyses.facts import FactSheet, Sense
from domain.risk_analyses.number_words import number_word

TOKEN = re.compile(r"\{\{([FN][1-9]\d{0,3})\}\}")
_ALLOWED = frozenset(" .,;:!?'\"’‘“”()–—-&\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+|\n+")


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a text is void: `sentence` is the sentence that is, None where the whole answer is."""

    reason: str
    sentence: str | None = None


def objections(text: str, sheet: FactSheet) -> Iterator[Objection]:
    """All that is wrong with a text; those of the answer come first."""
    whole = list(_of_answer(text, sheet))
    yield from whole
    if not whole:
        for sentence in sentences(text):
            yield from (Objection(reason, sentence) for reason in _of_sentence(sentence, sheet))


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without what is between them."""
    return [one.strip() for one in _SENTENCE_END.split(text) if one.strip()]


def _of_answer(text: str, sheet: FactSheet) -> Iterator[Objection]:
    known = {fact.fact_id for fact in sheet.facts} | {name.name_id for name in sheet.names}
    for found in TOKEN.finditer(text):
        if found[1] not in known:
            yield Objection(f"{found[0]} is not a token that was given")
    plain = TOKEN.sub(" ", text)
    strange = sorted({character for character in plain if not _is_plain(character)})
    if strange:
        named = ", ".join(f"{one!r}" for one in strange[:5])
        yield Objection(f"it holds {named}: a number belongs to a token, and a text to letters and punctuation")
    if word := number_word(TOKEN.sub(" ~ ", text)):
        yield Objection(f"it says a number in words: {word!r}; put the token of a fact there")
    for before, after in _touching(text):
        if before[1][0] == after[1][0] == "F":
            yield Objection(f"{before[0]} and {after[0]} touch: nothing is between two numbers")
    for found in TOKEN.finditer(text):
        if found[1][0] == "F" and not _stands_free(text, found.start(), found.end()):
            yield Objection(f"{found[0]} is joined to what is beside it")


def _touching(text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """Tokens that nothing but a space is between."""
    for before, after in pairwise(TOKEN.finditer(text)):
        between = text[before.end() : after.start()]
        if not re.search(r"[^\W\d_]|[,;:()–—]", between) and not _SENTENCE_END.search(between):
            yield before, after


def _is_plain(character: str) -> bool:
    if character in _ALLOWED:
        return True
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN ") and character.isidentifier()


def _stands_free(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return before in ("", " ", "(", "\n", '"', "“", "‘", "'") and after in ("", *" .,;:!?)\n\"”’'")


def _of_sentence(sentence: str, sheet: FactSheet) -> Iterator[str]:
    facts = sheet.by_id()
    indices = frozenset(name.name_id for name in sheet.names if name.kind == "INDEX")
    tokens = [(found, facts[found[1]]) for found in TOKEN.finditer(sentence) if found[1] in facts]
    senses = [(found.start(), fact.sense) for found, fact in tokens]
    for found, fact in tokens:
        before = sentence[: found.start()]
        if word := signed_before(before):
            yield f"{found[0]} has its sign in itself, without {word!r}"
        if fact.sense is Sense.LEVEL:
            if word := moved(sentence, found.span()):
                yield f"{found[0]} ({fact.label}) is a level: nothing here knows whether it {word!r}"
        elif word := contradiction(sentence, found.span(), fact, senses, indices):
            yield f"{word!r} contradicts the sign of {found[0]} ({fact.label}: {fact.shown})"
        elif word := unread(sentence, found.span(), fact, senses):
            yield f"{found[0]} ({fact.label}: {fact.shown}): say in plain words what {word!r} has to do with it"
    shown = {name.name_id: name.shown for name in sheet.names} | {fact.fact_id: fact.shown for fact in sheet.facts}
    for left, right in _touching(sentence):
        if shown[left[1]][-1].isdigit() and re.match(r"[-−]?\d", shown[right[1]]):
            yield f"{left[0]} and {right[0]} touch and would be read as a number: {shown[left[1]]} {shown[right[1]]}"
    for (before_it, one), (after_it, other) in pairwise(tokens):
        if word := wrong_comparison(sentence, (before_it.end(), after_it.start()), one, other):
            yield f"{before_it[0]} is {one.shown} and {after_it[0]} is {other.shown}: not {word!r}"


def sentence_around(text: str, at: int) -> tuple[str, int]:
    """The sentence of a text that a place is in, and the place in it."""
    start = max((found.end() for found in _SENTENCE_END.finditer(text) if found.end() <= at), default=0)
    end = next((found.start() for found in _SENTENCE_END.finditer(text) if found.start() >= at), len(text))
    return text[start:end], at - start
