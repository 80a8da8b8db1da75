"""How a sentence is read about a benchmark: 1 where the portfolio leads it, -1 where it lags.

Who is ahead depends on who is spoken of: the subject of a verb, its object, the owner of what is compared.
"""

from collections.abc import Sequence
from dataclasses import replace

from domain.risk_analyses import comparisons as c
from domain.risk_analyses.facts import Sense
from domain.risk_analyses.phrases import PartOfSpeech, words_of
from domain.risk_analyses.readings import DETERMINERS, DOWN, NOT, UP, Number, is_needed, is_passive, is_pending, lexicon
from domain.risk_analyses.sentences import Claim

_LEADS = lexicon((*UP, c.BEATS, c.LEADS), (*DOWN, c.LAGS), (*NOT, c.NOT_COMPARED))
_RELATIONS = lexicon([c.BEATS, c.LEADS, c.LAGS], nothing=[c.NOT_COMPARED])
_BEATS = lexicon([c.BEATS], nothing=[c.NOT_COMPARED])

_SIZES = words_of("smaller larger lower higher bigger greater")
_INDEX = words_of("benchmark benchmark's index index's market")
_SELF = words_of("portfolio portfolio's holdings manager manager's selection")
_AGAINST = words_of("over against beyond versus than behind ahead to")
_HOLDERS = words_of(
    "record return returns performance result holder holders owner owners investor investors buyer buyers tracker "
    "fund stake bought buying holding owning owned held choosing tracking"
)
_SHUNS = words_of(
    "shun shunned shunning avoid avoided avoiding skip skipped skipping ignore ignored ignoring forsake forsook "
    "forsaken eschew eschewed eschewing spurn spurned spurning leave left leaving abandon abandoned abandoning ditch "
    "ditched ditching sell sold selling reject rejected rejecting deserted dropped forwent quit refused exchanged "
    "exchanging swapped swapping declined resisted"
)
"""Whoever does so to a benchmark holds the portfolio."""
_NEAR = 3
_LETS = words_of(
    "watch watches let lets letting allow allows allowed allowing saw see sees seen seeing watched watching"
)
_PREPOSITIONS = words_of("in amid with to than against over of from beyond versus relative by behind ahead after")
_BESIDE = words_of("of than over at by in with off to performance return returns result results record showing")
_JOINS = words_of("and but or so yet then though although while whereas because since as even , ; : ( ) – — -")


def lead(number: Number) -> Claim | None:
    """Ahead of a benchmark, or behind it."""
    sentence = number.sentence
    one, *farther = [*sentence.governing(sentence.claims(_LEADS), number.at), None]
    if one is None:
        return None
    if (number.fact.sense is Sense.BEHIND and one.sign > 0 and is_pending(number, one)) or is_needed(sentence, one):
        one = one.turned
    if one.part is PartOfSpeech.VERB and sentence.texts[one.end : one.end + 1] == ["less"]:  # "stumbled less"
        one = one.turned
    size = sentence.texts[one.start + 1] if one.start == number.at else ""
    of = farther[0] if farther[0] and farther[0].start < one.start else None
    if of and (size in ("more", "less") or (size in _SIZES and of.part is PartOfSpeech.NOUN)):
        one = replace(one, sign=one.sign * of.sign)  # "lost less", "losses smaller"
    return one.turned if _is_of_index(number, one) else one


def _is_of_index(number: Number, one: Claim) -> bool:
    """True if the comparison is told of the benchmark, so that it says the opposite of the portfolio."""
    sentence, after = number.sentence, number.sentence.texts[one.end : one.end + 4]
    whom = _who(after, number.indices)
    inside = [who for text in sentence.texts[one.start : one.end] if (who := _who([text], number.indices))]
    if one.text.endswith(("favour", "favor")) and (inside or whom):
        return (inside or [whom])[0] < 0
    beaten = any((match.start, match.end) == (one.start, one.end) for match in sentence.matches(_BEATS))
    if inside and not beaten:
        return False  # the phrase says who is ahead: "favour {{N4}}"
    if inside and not is_passive(sentence, one):
        return inside[0] > 0  # "left the portfolio behind"
    is_beaten = sentence.has(_BEATS, one.start) and (is_passive(sentence, one) or (after[:1] == ["by"] and whom != 0))
    if whom and not is_beaten and (sentence.has(_RELATIONS, one.start) or after[:1] == ["than"]):
        is_whose = "of" in after[1:3] and not _who(after[:1] + after[1:2], number.indices)  # "the better return of"
        return (whom < 0) if is_whose else (whom > 0)
    return is_beaten != (_subject(number, one) < 0)


def _who(words: Sequence[str], indices: frozenset[str]) -> int:
    """1 for the portfolio, -1 for the benchmark, 0 where neither comes first."""
    for i, word in enumerate(words):
        if word in _INDEX or word in indices:
            return 1 if words[i - 1 : i] in (["in"], ["with"], ["holding"]) else -1
        if word in _SELF:
            return 1
        if word not in DETERMINERS and word not in _BESIDE:
            return 0
    return 0


def _subject(number: Number, one: Claim) -> int:
    """The one who leads or lags: 1 the portfolio, -1 the benchmark."""
    sentence, texts = number.sentence, number.sentence.texts
    start, end = sentence.clause(one.start)
    let = next((i for i in range(start, one.start) if texts[i] in _LETS), one.start)
    if whom := _who(texts[let + 1 : one.start], number.indices):
        return whom
    near = texts[max(start, one.start - 2) : one.start]
    is_noun = one.part is not PartOfSpeech.OTHER and bool({"the", "a", "an"}.intersection(near))
    is_unreal = "would" in texts[start : one.start]
    conditions = [texts[a:b] for a, b in sentence.clauses if b <= start and texts[a] in ("had", "if", "were")]
    if is_unreal and any(_who([text], number.indices) < 0 for words in conditions for text in words):
        return -1
    spans = [(start, end if is_unreal else one.end)]
    first = next((text for text in texts[start : one.end] if text not in _JOINS), "the")
    if first not in DETERMINERS and first[0] != "N":  # no subject of its own: "..., trailing it"
        spans += [span for span in reversed(sentence.clauses) if span[1] <= start]
    for start, end in spans:
        for i in range(start, end):
            is_portfolio = texts[i] == "it" and not _who(texts[i + 2 : i + 4], number.indices)  # not "it was N4 that"
            who = 1 if is_portfolio else _who([texts[i]], number.indices)
            before = texts[max(start, i - 2 - (texts[i] == "market")) : i]
            if who and _SHUNS.intersection(before):
                return -who
            is_absolute = before[-1:] == ["with"] and one.part is PartOfSpeech.OTHER and one.start - i <= _NEAR
            if who and is_absolute:  # "with {{N4}} ahead"
                return who
            is_held = bool(_HOLDERS.intersection(texts[max(start, i - 3) : i])) and not _AGAINST.intersection(before)
            is_held |= is_unreal and bool({"in", "with"}.intersection(before))
            if who and (is_held or not _PREPOSITIONS.intersection(before)):
                return who
        if texts[start] == "which" and not is_noun:  # "..., which therefore leads"
            earlier = [who for text in texts[:start] if (who := _who([text], number.indices))]
            return earlier[-1] if earlier else 1
    return 1
