"""The fence around a writer's text: no number of its own, no unknown fact, no word against a fact's sign.

An answer is void as a whole where it holds a digit or a number word, a token that is not of the sheet, or characters
that a plain text has no use for. A sentence is void where a word contradicts the sign of a fact in it. Nothing here
depends on who the writer is.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.risk_analyses.facts import Fact, FactSheet, Sense
from domain.risk_analyses.words import AGAINST, LARGER, MOVES, NEGATIONS, SMALLER, WORDS, number_word

TOKEN = re.compile(r"\{\{([FN][1-9]\d{0,3})\}\}")
_ALLOWED = frozenset(" .,;:!?'\"’‘“”()–—-&\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+|\n+")
_CLAUSE_END = re.compile(
    r"[,;:()–—]|\s-\s|\b(?:and|but|while|whereas|although|though|yet|as|because|since|after|before|when|whenever|if|"
    r"unless|despite|who|once|until|so|even|rather than|instead of|on top of)\b",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(
    r"\s*(?:(?:by|to|of|at|from|with|about|nearly|almost|some|around|roughly|exactly|fully|a|an|the|just|only|another|"
    r"total|full|whole|further|which is|that is|being|namely|or)\b\s*)*(?:\{\{F\d+\}\}|$)",
    re.IGNORECASE,
)
"""A clause that goes on with what the one before it says."""
_DIRECTLY = re.compile(
    r"([a-z]+)(?:\s+(?:further|sharply|steadily|slightly|again|all|the|way|strongly|modestly|markedly|substantially|"
    r"noticeably|quickly|slowly|gradually|back|away|only|in|year|over))*\s+(?:to|by|from|of|at|toward|towards|around)"
    r"\s+(?:about |nearly |almost |around |roughly |only |a |an |the |as much as )*$",
    re.IGNORECASE,
)
"""What moved to or by a number, right before it."""
_NEGATION_REACH = 5
_LIKELY = frozenset(["would", "could", "if", "should", "might", "may", "were", "can", "when", "unless", "whenever"])


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
        facts = sheet.by_id()
        for sentence in sentences(text):
            yield from (Objection(reason, sentence) for reason in _of_sentence(sentence, facts))


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
    for before, after in pairwise(TOKEN.finditer(text)):
        between = text[before.end() : after.start()]
        if not re.search(r"[^\W\d_]|[,;:()–—]", between) and not _SENTENCE_END.search(between):
            yield Objection(f"{before[0]} and {after[0]} touch: nothing is between two numbers")
    for found in TOKEN.finditer(text):
        if found[1][0] == "F" and not _stands_free(text, found.start(), found.end()):
            yield Objection(f"{found[0]} is joined to what is beside it")


def _is_plain(character: str) -> bool:
    if character in _ALLOWED:
        return True
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN ") and character.isidentifier()


def _stands_free(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return before in ("", " ", "(", "\n", '"', "“", "‘", "'") and after in ("", *" .,;:!?)\n\"”’'")


def _of_sentence(sentence: str, facts: dict[str, Fact]) -> Iterator[str]:
    tokens = [(found, facts[found[1]]) for found in TOKEN.finditer(sentence) if found[1] in facts]
    clauses = _clauses(sentence)
    for found, fact in tokens:
        if word := _signed_before(sentence[: found.start()]):
            yield f"{found[0]} has its sign in itself, without {word!r}"
        if fact.sense is Sense.LEVEL:
            if (word := _moved(sentence[: found.start()])) is not None:
                yield f"{found[0]} ({fact.label}) is a level: nothing here knows whether it {word!r}"
        elif (word := _contradiction(clauses, found.start(), fact.sense)) is not None:
            yield f"{word!r} contradicts the sign of {found[0]} ({fact.label}: {fact.shown})"
    for (before, one), (after, other) in pairwise(tokens):
        if word := _wrong_comparison(sentence[before.end() : after.start()], one, other):
            yield f"{before[0]} is {one.shown} and {after[0]} is {other.shown}: not {word!r}"


def sentence_around(text: str, at: int) -> tuple[str, int]:
    """The sentence of a text that a place is in, and the place in it."""
    start = max((found.end() for found in _SENTENCE_END.finditer(text) if found.end() <= at), default=0)
    end = next((found.start() for found in _SENTENCE_END.finditer(text) if found.start() >= at), len(text))
    return text[start:end], at - start


def directed(sentence: str, at: int, sense: Sense) -> bool:
    """Whether a word of the sentence gives the number at a place its direction, so that it needs no sign."""
    words = _governing(_clauses(sentence), at, WORDS.get(sense, frozenset()))
    return bool(words)


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    end: int
    text: str


def _clauses(sentence: str) -> list[_Clause]:
    ends = [(found.start(), found.end()) for found in _CLAUSE_END.finditer(sentence)]
    starts = [0, *(end for _, end in ends)]
    stops = [*(start for start, _ in ends), len(sentence)]
    return [_Clause(a, b, sentence[a:b]) for a, b in zip(starts, stops, strict=True) if sentence[a:b].strip()]


def _contradiction(clauses: Sequence[_Clause], at: int, sense: Sense) -> str | None:
    """The word nearest to the number, in its clause or the one it goes on from, if it is against the sense."""
    fitting, against = WORDS[sense], AGAINST[sense]
    found = _governing(clauses, at, fitting | against)
    if not found:
        return None
    word, is_negated = found[0]
    if word in fitting and word in against:
        return None
    return word if (word in against) != is_negated else None


def _governing(clauses: Sequence[_Clause], at: int, wanted: frozenset[str]) -> list[tuple[str, bool]]:
    """The wanted words of the number's clause, the nearest first, those before it first of all; each with whether it
    is negated. A clause that only goes on from the one before is read with it."""
    index = next((i for i, clause in enumerate(clauses) if clause.start <= at < clause.end), None)
    if index is None:
        return []
    first = index
    while first > 0 and (_LEADS_ON.match(clauses[first].text[: at - clauses[first].start] if first == index else "")):
        if _words_in(clauses[first], wanted, at):
            break
        first -= 1
        if _words_in(clauses[first], wanted, at):
            break
    found = [one for clause in clauses[first : index + 1] for one in _words_in(clause, wanted, at)]
    before = sorted((one for one in found if one[0] < at), key=lambda one: at - one[0])
    after = sorted((one for one in found if one[0] > at), key=lambda one: one[0] - at)
    return [(word, is_negated) for _, word, is_negated in [*before, *after]]


def _words_in(clause: _Clause, wanted: frozenset[str], at: int) -> list[tuple[int, str, bool]]:
    words = [
        (clause.start + found.start(), found[0].lower())
        for found in re.finditer(r"\{\{\w+\}\}|[^\W\d_]+(?:n't)?", clause.text)
    ]
    return [
        (place, word, _is_negated([before for _, before in words[max(0, i - _NEGATION_REACH) : i]]))
        for i, (place, word) in enumerate(words)
        if word in wanted
    ]


def _is_negated(before: Sequence[str]) -> bool:
    return sum(word in NEGATIONS or word.endswith("n't") for word in before) % 2 == 1


def _signed_before(text: str) -> str | None:
    found = re.search(r"\b(minus|negative|plus|positive)\s*$", text, re.IGNORECASE)
    return str(found[1]) if found else None


def _moved(text: str) -> str | None:
    """The word that says that what follows has moved there; None of what only might."""
    found = _DIRECTLY.search(text)
    if found is None or found[1].lower() not in MOVES:
        return None
    words = re.findall(r"[^\W\d_]+", text.lower())
    return None if _LIKELY.intersection(words) else str(found[1])


def _wrong_comparison(between: str, one: Fact, other: Fact) -> str | None:
    if one.unit != other.unit or one.currency != other.currency or one.sense not in _COMPARED:
        return None
    words = re.findall(r"[^\W\d_]+", between.lower())
    for i, word in enumerate(words):
        is_negated = _is_negated(words[max(0, i - _NEGATION_REACH) : i])
        if word in LARGER and (one.value > other.value) == is_negated and one.value != other.value:
            return word
        if word in SMALLER and (one.value < other.value) == is_negated and one.value != other.value:
            return word
    return None


_COMPARED = frozenset({Sense.LEVEL, Sense.OVER, Sense.WITHIN})
