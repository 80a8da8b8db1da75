"""How a sentence is read about where a thing stands: a limit, a curve, a pair of holdings.

1 where it is over its limit, upward, together; -1 where it is within, inverted, apart. Mostly the whole sentence is
about it, so that the nearest claim decides wherever it stands.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from domain.risk_analyses import comparisons as c
from domain.risk_analyses import relations as r
from domain.risk_analyses import vocabulary as v
from domain.risk_analyses.phrases import PartOfSpeech, words_of
from domain.risk_analyses.readings import DOWN, NOT, UP, Number, lexicon
from domain.risk_analyses.sentences import Claim, Sentence, nearest

_LIMITS = lexicon([c.BREAKS], [c.KEEPS], [c.NOT_OF_LIMITS, c.NOT_COMPARED])
_CURES = lexicon([c.CURE])
_SWELLS = lexicon([c.SWELLS])
_GROWTHS = lexicon([v.RISES])
_SLOPES = lexicon([r.UPWARD], [r.INVERTED], [r.NOT_OF_SLOPES, r.NOT_A_SHAPE])
_PAID = lexicon((r.MORE_PAID, *UP, c.BEATS, c.LEADS), (r.LESS_PAID, *DOWN, c.LAGS), (r.NOT_OF_SLOPES, c.NOT_COMPARED))
_PAIRS = lexicon([r.TOGETHER], [r.OPPOSITE], [r.NOT_OF_PAIRS])
_FATES = lexicon((*UP, v.GOOD_TIMES), (*DOWN, v.BAD_TIMES), NOT)

WOULD = words_of("would could might may should must until unless needs need towards toward back before")
_CONTINUES = words_of("continues continue continued seems appears found proves known")
_OBLIGED = words_of(
    "must should ought has have had needs need needed required requires obliged calls due overdue unavoidable forced "
    "reason cause grounds pressure"
)
_FREE, _BEFORE = words_of("could can may might free able"), words_of("before until")
_BESIDE = words_of("than no from below beneath under above over behind")
_PURPOSE = words_of("to avoid avoiding prevent preventing")
_OVER = words_of("corrected undone reversed ended gone over past history vanished resolved disappeared passed")
_BEEN = words_of("is was been has have are were")
_BUT = words_of("but yet")
_PERMITTED = words_of("permitted allowed")
_PAST = words_of("did were was had began became fell rose went came")
_LONG = words_of("long longer back far distant")
_SHORT = words_of("short shorter near front nearby cash bills overnight deposits immediate")
_SMALL = words_of(
    "negligible minimal nil illusion illusory myth limited slim scant poor absent missing small weak weaker smaller "
    "less thinner lower poorer tiny marginal feeble meagre insignificant false fake little minor limits limit limiting "
    "reduces reducing weakens hampers undermines fails fail failed removes erodes lessens impairs hurts restricts "
    "lowers diminishes"
)
_LINKS = words_of(
    "be for what mean means meant spell spells when whenever if while as where accompanied accompany with"
)


def limit(number: Number) -> Claim | None:
    """Over a limit, or within it."""
    sentence = number.sentence
    claims = [one.turned if _only_would(sentence, one) else one for one in sentence.claims(_LIMITS)]
    claims = [one for one in claims if not _is_rule(number, one)]
    one, cut = _of_sentence(number, claims), _must_be_cut(sentence)
    if sentence.ends_in_not(number.at):  # "{{N1}} keeps to its limit, {{N2}} does not"
        return next((other.turned for other in nearest(claims, number.at, 0)), None)
    is_purpose = one and _PURPOSE.intersection(sentence.texts[one.start - 2 : one.start])
    if cut and is_purpose:  # "must be cut to avoid a breach"
        return cut
    return one or cut or _may_grow(sentence) or _of_sentence(number, sentence.claims(_SWELLS))


def _is_rule(number: Number, one: Claim) -> bool:
    """True if the claim is what the limit says: "it may not weigh more than {{F10}}"."""
    sentence = number.sentence
    start = sentence.clause(one.start)[0]
    if any(sentence.words[i].is_fact and i != number.at for i in range(one.start, one.end)):
        return True  # "it allows {{F10}}"
    before = max(0, one.start - 1 - (sentence.texts[one.start - 1] in ("that", "which")))
    if sentence.words[before].is_fact and before != number.at and _PERMITTED.intersection(one.text.split()):
        return True  # "the {{F10}} that is permitted"
    is_of_bound = one.end < len(sentence.texts) and sentence.words[one.end].is_fact and one.end != number.at
    return is_of_bound and bool({"may", "must", "should"}.intersection(sentence.texts[start : one.start]))


def _must_be_cut(sentence: Sentence) -> Claim | None:
    near = ((one, sentence.texts[max(0, one.start - 5) : one.end + 5]) for one in sentence.claims(_CURES))
    return next((one for one, words in near if _OBLIGED.intersection(words)), None)


def _may_grow(sentence: Sentence) -> Claim | None:
    """The claim that a thing may grow before it reaches its limit."""
    texts = sentence.texts
    for one in sentence.claims(_GROWTHS):
        is_free = _FREE.intersection(texts[max(0, one.start - 4) : one.start])
        if is_free and _BEFORE.intersection(texts[one.end :]) and v.LISTS["limit"].intersection(texts[one.end :]):
            return one.turned
    return None


def _only_would(sentence: Sentence, one: Claim) -> bool:
    """True if the clause says what only would be; "the breach" is there, whatever would cure it."""
    texts, (start, end) = sentence.texts, sentence.clause(one.start)
    before = texts[max(0, one.start - 2) : one.start]
    if "may" in texts[start:end] and _BUT.intersection(texts[end : end + 2]):
        return False
    if before[-1:] in (["the"], ["this"], ["its"]) or (one.is_negated and one.sign < 0):
        return False
    if before == ["to", "be"]:
        return True
    if before[-1:] == ["to"] and one.part is PartOfSpeech.VERB:
        return before[0] not in _CONTINUES and not one.is_negated
    if texts[one.start - 2 : one.start] == ["still", "be"]:
        return False  # it is so, whatever else would be
    after = {"would", "could"}.intersection(texts[one.end : end])
    return bool(after or WOULD.intersection(texts[start : one.start]))


def _of_sentence(number: Number, claims: Sequence[Claim]) -> Claim | None:
    """The claim about a thing that a sentence is mostly about: the nearest; of two such things that of its clause."""
    sentence = number.sentence
    claims = [one.turned if _is_unreal(sentence, one) else one for one in claims]
    if number.others:
        if found := sentence.governing(claims, number.at):
            return found[0]
        theirs = [sentence.clause(other) for other in number.others]
        claims = [one for one in claims if not any(start <= one.start < end for start, end in theirs)]
    start, end = sentence.clause(number.at)
    claims = [one for one in claims if start <= one.start < end] or claims
    return next(iter(nearest(claims, number.at, len(sentence.texts))), None)


def _is_unreal(sentence: Sentence, one: Claim) -> bool:
    """True if the claim is in a condition that is not met: "if they did not move together, the risk would be lower"."""
    start, end = sentence.clause(one.start)
    condition = sentence.texts[start:end]
    if "would" not in sentence.texts or condition[0] not in ("if", "were") or sentence.texts[one.start - 1] == "the":
        return False
    return any(text in _PAST or text.endswith("ed") for text in condition)


def slope(number: Number) -> Claim | None:
    """A curve upward or inverted: told by a word, or by long yields above or below short ones."""
    sentence = number.sentence
    slopes = [one.turned if _is_over(sentence, one) else one for one in sentence.claims(_SLOPES)]
    direct, one = _of_sentence(number, slopes), _of_sentence(number, sentence.claims(_PAID))
    own = sentence.clause(number.at)
    is_direct = direct and (one is None or own[0] <= direct.start < own[1] or not own[0] <= one.start < own[1])
    if is_direct or one is None:
        return direct
    own, (begin, _) = sentence.clause(number.at), sentence.clause(one.start)
    if sentence.texts[begin] in ("which", "that"):
        nearest_end = next((text for text in reversed(sentence.texts[:begin]) if text in _SHORT | _LONG), "")
        if nearest_end:
            return one.turned if nearest_end in _SHORT else one
    for start, end in (sentence.clause(one.start), own, (0, own[1])):
        for i in range(start, end):
            is_first = not _BESIDE.intersection(sentence.texts[max(start, i - 4) : i])
            if sentence.texts[i] in _SHORT | _LONG and is_first:
                return one.turned if sentence.texts[i] in _SHORT else one
    return one


def _is_over(sentence: Sentence, one: Claim) -> bool:
    """True if the claim was so: "the inversion has been corrected", "it has lost its upward slope"."""
    texts = sentence.texts
    if {"lost", "shed", "ended"}.intersection(texts[max(0, one.start - 3) : one.start]):
        return True
    ends = (i for i in range(one.end + 1, len(texts)) if texts[i] in _OVER)
    return any(_BEEN.intersection(texts[end - 2 : end]) and "not" not in texts[one.end : end] for end in ends)


def pair(number: Number) -> Claim | None:
    """Two holdings that move together, or against each other."""
    sentence = number.sentence
    claims = [one.turned if _is_small(sentence, one) else one for one in sentence.claims(_PAIRS)]
    direct, both = _of_sentence(number, claims), _both(number)
    return direct if both is None or (direct and direct.sign < 0) else both


def _is_small(sentence: Sentence, one: Claim) -> bool:
    """True if there is little of what the claim names: "diversification is negligible"."""
    texts, end = sentence.texts, sentence.clause(one.start)[1]
    near = texts[max(0, one.start - 2) : one.start] + texts[one.end : end]
    return one.part is PartOfSpeech.NOUN and not one.is_negated and bool(_SMALL.intersection(near))


def _both(number: Number) -> Claim | None:
    """The claim that two moves make: "when the former falls, the latter rises"."""
    texts = number.sentence.texts
    for one, other in pairwise(one for one in number.sentence.claims(_FATES) if one.part is not PartOfSpeech.OTHER):
        between = texts[one.end : other.start]
        is_linked = bool(_LINKS.intersection(between + texts[max(0, one.start - 4) : one.start]))
        is_of_another = any(text[0] == "F" and text != texts[number.at] for text in between)
        in_clause = number.sentence.clause(one.start) == number.sentence.clause(other.start)
        is_linked |= in_clause and one.part is PartOfSpeech.NOUN and other.part is PartOfSpeech.VERB
        if is_linked and not is_of_another and between not in (["and"], ["or"], []):
            return replace(one, text=f"{one.text} ... {other.text}", sign=one.sign * other.sign)
    return None
