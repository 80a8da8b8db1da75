"""The direction that a sentence gives to a number in it, as far as words tell: for the fence, which lets no word say
the opposite of a fact's sign.

English, by words and their order alone: phrases with a direction (`vocabulary.py`, `comparisons.py`), what negates them
(`sentences.py`), and what each means about a fact (`readings.py`).
"""

import re
from collections.abc import Callable, Mapping, Sequence

from domain.risk_analyses import leads, readings, standings
from domain.risk_analyses import vocabulary as v
from domain.risk_analyses.facts import Fact, Sense
from domain.risk_analyses.phrases import Lexicon, PartOfSpeech, Phrases, words_of
from domain.risk_analyses.sentences import Claim, Span, read

_READINGS: Mapping[Sense, tuple[Callable[[readings.Number], Claim | None], int]] = {
    Sense.ROSE: (readings.move, 1),
    Sense.FELL: (readings.move, -1),
    Sense.LOSS: (readings.loss, 1),
    Sense.COST_OF_YIELDS: (readings.effect_of_yields, 1),
    Sense.AHEAD: (leads.lead, 1),
    Sense.BEHIND: (leads.lead, -1),
    Sense.OVER: (standings.limit, 1),
    Sense.WITHIN: (standings.limit, -1),
    Sense.UPWARD: (standings.slope, 1),
    Sense.INVERTED: (standings.slope, -1),
    Sense.TOGETHER: (standings.pair, 1),
    Sense.OPPOSITE: (standings.pair, -1),
}
"""By sense, how a sentence is read about it, and the sign of a claim that fits. A LEVEL has none."""
_YIELDS = words_of("yields rates rise fall higher lower")
_WHEN = words_of("when whenever wherever while whereas")
_UNREAD: Mapping[Sense, frozenset[str]] = {
    Sense.OVER: v.LISTS["limit"],
    Sense.WITHIN: v.LISTS["limit"],
    Sense.COST_OF_YIELDS: _YIELDS,
    Sense.TOGETHER: _WHEN,
    Sense.OPPOSITE: _WHEN,
}
"""By sense, words that a sentence without a claim says something with, for or against the sign."""
_LIMITS = frozenset({Sense.OVER, Sense.WITHIN})
_CHANGES = Lexicon({1: [v.RISES, v.FALLS, v.RECOVERS, v.CHANGES]}, v.LISTS)
_SIZES = Lexicon(
    {
        1: [
            Phrases(others="exceeds, exceed, exceeding, surpasses, above, over, more, higher, larger, greater, beyond")
        ],
        0: [Phrases(others="no more than")],
        -1: [Phrases(others="below, under, less, lower, smaller, within, beneath, short")],
    },
    v.LISTS,
)
_LIKELY = words_of("would could if should might may were can when unless whenever must needs need to")
_MODALS = words_of("would could might may")
_TO = words_of("now to by from at reached reaching hitting hit touching touched")
_ON_THE_WAY = _TO | words_of(
    "of toward towards around about nearly almost roughly only just a an the as much further sharply steadily slightly "
    "again all way strongly modestly markedly substantially noticeably quickly slowly gradually back away in year over "
    "up down this time and now stands sits standing is currently today since last within past lately recently calmer "
    "level quieter has have had low high yield yields volatility duration chance limit cap annual for out its bond "
    "bonds sleeve curve holdings book portfolio ,"
)
"""Words between a change and the level that it leads to."""


def contradiction(
    text: str, at: Span, fact: Fact, senses: Sequence[tuple[int, Sense]], indices: frozenset[str]
) -> str | None:
    """The words that say the opposite of the sign of the fact at a place, None where nothing does.

    `senses` are those of all numbers of the sentence by where they begin, `indices` the names of benchmarks.
    """
    claim = _claim(text, at, fact, senses, indices)
    return claim.text if claim and claim.sign != _READINGS[fact.sense][1] else None


def directs(text: str, at: Span, fact: Fact) -> bool:
    """True if a word near the number at a place gives it its direction, so that it needs no sign."""
    claim = _claim(text, at, fact, (), frozenset())
    if claim is None or claim.part is PartOfSpeech.TONE or claim.sign != _READINGS[fact.sense][1]:
        return False
    start, end = read(text).clause(read(text).place(at[0]))
    return start <= claim.start < end


def _claim(
    text: str, at: Span, fact: Fact, senses: Sequence[tuple[int, Sense]], indices: frozenset[str]
) -> Claim | None:
    """The claim that gives the number at a place its direction; None where nothing does."""
    if fact.sense not in _READINGS:
        return None
    sentence, (reading, _) = read(text), _READINGS[fact.sense]
    others = [
        at_other for at_other, sense in senses if at_other != at[0] and _READINGS.get(sense, (None,))[0] is reading
    ]
    places = [sentence.place(at_other) for at_other in others]
    return reading(readings.Number(sentence, sentence.place(at[0]), fact, places, indices))


def unread(text: str, at: Span, fact: Fact, senses: Sequence[tuple[int, Sense]]) -> str | None:
    """The word for a limit, yields or two holdings of which the sentence says something that no known word tells."""
    texts, others = read(text).texts, [sense for at_other, sense in senses if at_other != at[0]]
    if fact.sense not in _UNREAD or _claim(text, at, fact, senses, frozenset()):
        return None
    if fact.sense in _LIMITS and Sense.LEVEL in others:  # a weight beside its limit tells enough
        return None
    return next((word for word in texts if word in _UNREAD[fact.sense]), None)


def moved(text: str, at: Span) -> str | None:
    """The words that say that the level at a place has moved there; None of what only might."""
    sentence = read(text)
    place = sentence.place(at[0])
    for one in reversed(sentence.claims(_CHANGES)):
        between = sentence.texts[one.end : place]
        if any(text[0] == "F" for text in sentence.texts[one.start : one.end]):
            continue
        if one.start == place + 1:  # "a {{F21}} jump"
            return one.text
        if one.end == place and one.part is PartOfSpeech.VERB:
            return one.text
        is_led = _TO.intersection(between) or between[:1] == ["of"] or "time" in between
        if is_led and all(text in _ON_THE_WAY or text[0] == "N" for text in between):
            rest = sentence.texts[place : sentence.clause(place)[1]]
            is_likely = _LIKELY.intersection(sentence.texts[: one.end]) or _MODALS.intersection(rest)
            return None if is_likely else one.text
    return None


def signed_before(before: str) -> str | None:
    """A sign in words right before a number, which has its own."""
    found = re.search(r"\b(minus|plus)\s*$|(?:of|is|at|was|by)\s+(negative)\s*$", before, re.IGNORECASE)
    return str(found[1] or found[2]) if found else None


def wrong_comparison(text: str, between: Span, one: Fact, other: Fact) -> str | None:
    """The words between two numbers that compare a measure with its limit the wrong way round."""
    senses = {one.sense, other.sense}
    if one.unit != other.unit or one.currency != other.currency or not (senses & _LIMITS and Sense.LEVEL in senses):
        return None
    sentence = read(text[between[0] : between[1]])
    is_unreal = "would" in read(text).texts or standings.WOULD.intersection(read(text[: between[0]]).texts)
    for claim in sentence.claims(_SIZES):
        if (claim.sign > 0) == (one.value > other.value) or one.value == other.value:
            continue
        return None if is_unreal or standings.WOULD.intersection(sentence.texts[: claim.start]) else claim.text
    return None
