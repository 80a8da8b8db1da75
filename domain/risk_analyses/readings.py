"""How a sentence is read about what a number does: a function for each pair of opposite senses, whose claim decides.

Its sign is 1 where the number rises, or is a loss; -1 the other way round. Of the claims about a number the nearest in
its clause decides. Something else may be told of instead: a recovery that is still to come, what was a year ago, the
owner's own currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from domain.risk_analyses import comparisons as c
from domain.risk_analyses import vocabulary as v
from domain.risk_analyses.facts import Fact, Sense
from domain.risk_analyses.phrases import Lexicon, PartOfSpeech, Phrases, words_of
from domain.risk_analyses.sentences import Claim, Sentence, nearest

Meanings = Sequence[Phrases]


def lexicon(plus: Meanings, minus: Meanings = (), nothing: Meanings = ()) -> Lexicon:
    """The phrases of meanings with their signs, and those that mean nothing though a part of them would."""
    return Lexicon({1: plus, -1: minus, 0: nothing}, v.LISTS)


UP, DOWN, NOT = (v.RISES, v.GAINS), (v.FALLS, v.LOSES), (v.NOT_DIRECTIONS,)
_MOVES = lexicon((*UP, v.RECOVERS, v.PASSES_PEAK), DOWN, NOT)
_ACTIONS = lexicon(UP, DOWN, NOT)
_EFFECTS = lexicon((*UP, v.WORTH), DOWN, NOT)
_TONES = lexicon([v.GOOD], [v.BAD], NOT)
_RESULTS = lexicon([v.GAINS], [v.LOSES])
_QUANTITIES = lexicon([v.MORE], [v.LESS])
_RECOVERIES = lexicon([v.RECOVERS])
_UNDOINGS = lexicon([v.RECOVERS, v.UNDOES])
_RESTORED = lexicon([v.RESTORED], [v.PERSISTS])
_EXCESS = lexicon([c.BEYOND], [c.INSIDE])
_OFTEN = lexicon([c.MOSTLY], [c.RARELY], [c.OF_LABELS])

_OBJECT = 4
"""Words within which a verb has its object."""
DETERMINERS = words_of("the its this a an")
_PENDING = words_of(
    "would could need needs needed must yet until before still required requires takes only part partly if once left "
    "remaining incomplete outstanding unfinished partial partially missing"
)
_NEED = words_of("need needs needed require required requires must")
_TODAY = words_of("today today's now")
_STOPS = words_of("and but while although yet , ; : ( ) – —")
_BE = words_of("is was were are been be being got gets")
_YIELDS, _STEPS = words_of("yield yields rate rates"), words_of("point points notch tick step rung")
_PRICES = words_of("prices living basket")
_HARDLY = words_of("rarely seldom hardly unlikely")
_COUNTER: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "exchange_rate/": (words_of("own home base domestic reporting owner's portfolio's investor's"), frozenset()),
    "security/": (words_of("cost outlay book purchase paid"), words_of("proceeds market worth")),
    "inflation/": (
        words_of("money cash savings coin purchasing wages salaries"),
        words_of("prices living basket inflation households consumers life"),
    ),
}
"""By measure, subjects that rise when it falls, and those that rise with it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in its sentence: its place, the fact that it is, the places of the others about the same kind of thing,
    and the names of benchmarks."""

    sentence: Sentence
    at: int
    fact: Fact
    others: Sequence[int]
    indices: frozenset[str]


def move(number: Number) -> Claim | None:
    """A rise or a gain, a fall or a loss."""
    sentence, at, is_fall = number.sentence, number.at, number.fact.sense is Sense.FELL
    is_over = number.fact.measure.startswith("drawdown/") and number.fact.measure != "drawdown/now"
    if is_fall and not is_over and (restored := _restored(number)):
        return restored
    claims = sentence.claims(_MOVES)
    if next((text for text in reversed(sentence.texts[:at]) if text not in DETERMINERS), "") == "than":
        # "no loss is deeper than" denies no loss
        claims = [one.turned if one.is_negated else one for one in claims]
    one = next(iter(sentence.governing(claims, at) or sentence.governing(sentence.claims(_TONES), at)), None)
    if one is None:
        return None
    is_to_come = is_fall and one.sign > 0 and is_pending(number, one)
    is_unreal = is_needed(sentence, one) or _is_to_spare(sentence, one)
    is_other = is_unreal or _is_of_then(sentence, one) or _is_counter(number, one)
    return one.turned if is_to_come or is_other else one


def _is_of_then(sentence: Sentence, one: Claim) -> bool:
    """True if what was is compared with what is: "a year ago it was worth more"."""
    after = sentence.texts[one.end : sentence.clause(one.start)[1]]
    if _TODAY.intersection(after[:1]) or ("than" in after[:1] and _TODAY.intersection(after)):
        return True
    before = sentence.texts[sentence.clause(one.start)[0] : one.start]
    ago = next((i for i, text in enumerate(before) if text in ("ago", "earlier")), None)
    return ago is not None and "than" not in before[:ago] and bool({"was", "were", "stood"}.intersection(before[ago:]))


def _restored(number: Number) -> Claim | None:
    """The claim that a fall is no more: it is gone, it has been recovered, or the portfolio has undone it."""
    sentence, texts, at = number.sentence, number.sentence.texts, number.at
    is_apposed = texts[at - 1] == "," and texts[at + 1 : at + 2] == [","]  # "the gap, {{F8}}, is closed"
    start = sentence.clause(at - 2 if is_apposed else at)[0]
    end = next((i for i in range(at + 2 * is_apposed, len(texts)) if texts[i] in _STOPS), len(texts))
    falls = [one.start for one in sentence.claims(_ACTIONS) if start <= one.start < end and one.sign < 0]
    falls += [i for i in range(start, end) if texts[i] in ("gap", "distance")]
    for one in [*sentence.claims(_RESTORED), *sentence.claims(_UNDOINGS)]:
        if not start <= one.start < end or one.sign < 0 or is_pending(number, one):
            continue
        is_of_fall = any(fall != one.start for fall in falls) or sentence.has(_RECOVERIES, one.start)
        if sentence.has(_RESTORED, one.start):
            is_done = is_of_fall
        elif at < one.start:
            is_done = is_of_fall and is_passive(sentence, one)
        else:
            takes_fall = any(one.end <= fall <= at + 1 <= one.end + 5 for fall in falls)
            takes_number = sentence.has(_RECOVERIES, one.start) and DETERMINERS.issuperset(texts[one.end : at])
            is_done = texts[one.end] in DETERMINERS and (takes_fall or takes_number)
        if is_done:
            return one
    return None


def is_passive(sentence: Sentence, one: Claim) -> bool:
    """True if a form of "to be" stands before a claim, and not in an infinitive."""
    before = sentence.texts[max(0, one.start - 3) : one.start]
    return bool(_BE.intersection(before)) and before[-2:] != ["to", "be"]


def is_pending(number: Number, one: Claim) -> bool:
    """True if the sentence tells, up to the claim, of a recovery that is still to come, or is one in part."""
    sentence = number.sentence
    start, end = sentence.clause(one.start)
    before = sentence.texts[max(0, one.start - 2) : one.start]
    is_to_come = (before[-1:] == ["to"] or before == ["to", "be"]) and sentence.has(_UNDOINGS, one.start)
    if is_to_come or sentence.texts[start] in ("until", "unless"):
        return True
    undoings = [undoing.start for undoing in sentence.claims(_UNDOINGS)]
    undoings += [gone.start for gone in sentence.claims(_RESTORED) if gone.sign > 0]
    if not any(start <= at < end for at in undoings):
        return False
    start = min(start, sentence.clause(number.at)[0])
    return bool(_PENDING.intersection(sentence.texts[start:end]))


def is_needed(sentence: Sentence, one: Claim) -> bool:
    """True if the claim is what it takes to make up for the number: "it would have to gain", "it needs to rise"."""
    texts, (start, end) = sentence.texts, sentence.clause(one.start)
    has_to = texts[max(start, one.start - 2) : one.start] == ["have", "to"]
    if (
        one.sign > 0
        and one.part is PartOfSpeech.VERB
        and _NEED.intersection(texts[max(start, one.start - 3) : one.start])
    ):
        return True
    return "would" in texts[start:end] and (has_to or bool(_NEED.intersection(texts[one.end : end])))


def _is_to_spare(sentence: Sentence, one: Claim) -> bool:
    """True if the claim is a fall that there is room for: "it could lose {{F2}} before it is worth less"."""
    start, end = sentence.clause(one.start)
    return one.sign < 0 and "could" in sentence.texts[start : one.start] and sentence.texts[end : end + 1] == ["before"]


def _is_counter(number: Number, one: Claim) -> bool:
    """True if it is something else that rises or falls, against which the fact moves."""
    prefix = next((prefix for prefix in _COUNTER if number.fact.measure.startswith(prefix)), None)
    if prefix is None or one.part is PartOfSpeech.NOUN or one.start == number.at + 1:
        return False
    sentence, texts = number.sentence, number.sentence.texts
    counter, own = _COUNTER[prefix]
    clause = texts[sentence.clause(one.start)[0] : one.start]
    is_taking = one.sign < 0 and one.part is PartOfSpeech.VERB and not _PRICES.intersection(clause)
    if is_taking and "inflation" in texts[: one.start]:
        return prefix == "inflation/"  # it takes from what money buys
    for i in range(one.start - 1, sentence.clause(one.start)[0] - 1, -1):
        if {"against", "versus"}.intersection(texts[max(0, i - 2) : i]):
            continue
        if texts[i] in own or (texts[i][0] == "N" and texts[i - 1] not in ("of", "for")):
            return False
        if texts[i] in counter:
            return True
    return False


def effect_of_yields(number: Number) -> Claim | None:
    """A loss where yields rise, or a gain where they fall; or the other way round."""
    sentence = number.sentence
    outcomes: list[Claim] = []
    turns: list[Claim] = []
    used = set[int]()
    quantities = [one for one in sentence.claims(_QUANTITIES) if _yields_of(sentence, one) is not None]
    for one in [*sentence.claims(_EFFECTS), *quantities]:
        of = None if _takes(number, one) else _yields_of(sentence, one)
        if of is None or of in used:
            outcomes.append(one)
        else:
            turns.append(one)
            used.add(of)
    start, end = sentence.clause(number.at)
    directions = {one.sign for one in turns if start <= one.start < end} or {one.sign for one in turns} or {1}
    found = next(iter(nearest(outcomes or sentence.claims(_TONES), number.at, len(sentence.texts))), None)
    return replace(found, sign=-found.sign * directions.pop()) if found and len(directions) == 1 else None


def _takes(number: Number, one: Claim) -> bool:
    """True if the number is the object of a verb of gain or loss: "a point of yield costs them {{F1}}"."""
    return number.sentence.has(_RESULTS, one.start) and one.end <= number.at < one.end + _OBJECT


def _yields_of(sentence: Sentence, one: Claim) -> int | None:
    """The place of the yields that a claim is about (-1 of a step of them), None where it is about something else."""
    texts, end = sentence.texts, sentence.stop(one.end)
    if inside := [i for i in range(one.start, one.end) if texts[i] in _YIELDS]:
        return inside[0]
    has_object = any(word.is_fact for word in sentence.words[one.start : one.end]) or texts[one.end - 1] == "to"
    for i in range(one.end, one.end if has_object else min(one.end + 7, end)):
        is_of = {"in", "of", "on", "off"}.intersection(texts[max(one.end, i - 2) : i])
        if texts[i] in _YIELDS and (i < one.end + 2 or is_of):
            return i
    for i in range(one.start - 1, max(-1, one.start - 5), -1):
        is_step = texts[i + 1] in _STEPS or texts[i + 1] == "basis"
        if texts[i][0] == "F" or texts[i] in (",", ";") or (texts[i] in ("a", "an") and not is_step):
            break
        if texts[i] in _YIELDS:
            return i
    is_after_step = one.part is PartOfSpeech.OTHER and one.start > 0 and texts[one.start - 1] in _STEPS
    is_of_step = texts[one.start] in _STEPS and texts[one.end - 1] in ("up", "down")
    return -1 if is_after_step or is_of_step else None


def loss(number: Number) -> Claim | None:
    """A loss that most days do not pass."""
    sentence, at = number.sentence, number.at
    moves = [one.turned if one.is_negated else one for one in sentence.claims(_ACTIONS)]
    claims = sentence.governing(moves, at) or moves
    is_verb = claims and claims[0].part is PartOfSpeech.VERB and not sentence.has(_EXCESS, claims[0].end)
    is_told = is_verb or (claims and all(one.sign > 0 for one in claims))
    if is_told and claims[0].sign > 0:
        return claims[0].turned
    excess = sentence.claims(_EXCESS, ignoring=_HARDLY)
    often = [one.turned if one.is_negated else one for one in sentence.claims(_OFTEN)]
    if excess and often:
        far, how_often = min(
            product(excess, often),
            key=lambda both: abs(both[0].start - both[1].start) + abs(both[0].start - at),
        )
        before = [text for text in sentence.texts[: how_often.start] if text not in DETERMINERS]
        is_denied = before[-1:] in (["not"], ["never"], ["hardly"], ["no"])
        often_sign = -how_often.sign if is_denied else how_often.sign
        if far.sign > 0 or often_sign > 0:  # that bad days stay within it is no contradiction
            return replace(far, sign=-far.sign * often_sign)
    losses = [one for one in claims if one.sign < 0 and one.start < at]
    return next((one.turned for one in [*losses, *claims]), None)
