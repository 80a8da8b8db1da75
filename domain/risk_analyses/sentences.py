"""A sentence as the fence reads it: words, clauses, and the phrases of a lexicon with the negations that reach them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from domain.risk_analyses.phrases import Lexicon, PartOfSpeech, PhraseMatch, spoken, words_of

Span = tuple[int, int]
_PUNCTUATION = frozenset(",;:()–—-")
_CONJUNCTIONS = words_of(
    "and but while whereas although though yet as because since after before when whenever if unless despite who which "
    "until so even given whose where"
)
_SINCE = words_of("start beginning beginnings inception launch outset peak high then opening foundation")
_CONCEDING = words_of(
    "although though despite while whereas even after before if unless when whenever as because until"
)
_APART = words_of("but yet though although while whereas even because since as if when")
"""A clause that begins so does not go on with the one before."""
_LEADING_ON = words_of(
    "by to of at from with about nearly almost some around roughly exactly fully a an the just only another total full "
    "whole further tune extent is that being namely or margin sum it its amounts comes now then in all for and so also "
    "both gap difference distance figure amount result time this"
)
"""A clause that has only these before its number goes on with what the one before it says."""
_BEGINNING = words_of("with at after by")
"""A sentence that begins so says later what its number is."""
_BOTH = words_of("both the sector sectors issuer position holding weight of at with a in")
_MEASURES = words_of("of by to at a an the another about nearly almost some around roughly only just")
_APPOSED = words_of("a an the which for well deep deeply firmly that whose who in by below above down up far more less")
"""A clause after a number's own that begins so is about the number."""
_NEGATIONS = words_of(
    "not no never neither nor none without hardly barely scarcely cannot avoid avoids avoided avoiding escape escaped "
    "escapes failed fails fail failing spared absent prevented prevents denied rarely seldom unable nothing nobody "
    "unlikely little lacks lack lacked lacking un refuses refused anything ceased impossible "
    "shake shakes shook shaken overcome overcomes overcame"
)
_HOLDS_OFF = words_of("keep keeps kept keeping stop stops stopped prevent prevents prevented save saved saves spare")
_REFUSED = words_of("no not cannot never neither nor hardly nothing nobody impossible")
_UNREAL = words_of("had were if")
_WOULD_HAVE = words_of("would have")
_AVOIDED = words_of("avoided spared escaped prevented averted")
_DENIALS = [[verb, "not"] for verb in ("do", "does", "did", "is", "was", "has", "have")]
_AT = words_of("at on in under by")
_BE = words_of("is are was were has have had")
_IS = words_of("is was were means ranks counts looks remains marks represents speaks tells")
"""After them a number is said to be something."""
_BEEN = words_of("is was were are been be")
_COMPARED = words_of("more better closer worse less")
_THOUGHT = words_of("that expected predicted foresaw foreseen thought imagined believed bet")
"""Nobody may have thought what is so nevertheless."""
_CONTRARY = words_of("negative inverse opposite")
"""A word that they stand before counts no more: "negative growth"."""
_NOTHING = words_of("neither no nothing little none nobody few")
_DETERMINERS = words_of("the its this that their these those his her our")
_REACH = 4
"""Words that a negation reaches."""
_AFTERWARDS = 6
"""Words after a number that may be about it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A phrase that gives a number a direction: 1 or -1, as it stands in its sentence."""

    text: str
    start: int
    end: int
    sign: int
    part: PartOfSpeech
    is_negated: bool

    @property
    def turned(self) -> "Claim":
        """The opposite."""
        return replace(self, sign=-self.sign)


class Sentence:
    """A sentence in words and clauses; places are those of words."""

    def __init__(self, text: str) -> None:
        self.words = spoken(text)
        self.texts = [word.text for word in self.words]
        self._matches: dict[Lexicon, list[PhraseMatch]] = {}

    def place(self, at: int) -> int:
        """The place of the word that begins at a character."""
        return next(i for i, word in enumerate(self.words) if word.at == at)

    @cached_property
    def clauses(self) -> list[Span]:
        """Each from its first word, which may be what separates it from the one before."""
        starts = sorted({0, *(i for i, text in enumerate(self.texts) if text in _PUNCTUATION or self._joins(i))})
        return [(a, b) for a, b in zip(starts, [*starts[1:], len(self.texts)], strict=True) if a < b]

    def _joins(self, i: int) -> bool:
        text, after = self.texts[i], self.texts[i + 1 : i + 3]
        if text == "as" and (after[1:] == ["as"] or self.texts[max(0, i - 2) : i - 1] == ["as"]):
            return False
        if text == "and" and i and self.words[i - 1].is_name and self.words[min(i + 1, len(self.words) - 1)].is_name:
            return False
        if text == "as" and self.texts[i - 1] == "such":
            return False
        if text == "even" and (self.texts[i - 1] == "not" or after[:1] in (["more"], ["less"], ["further"])):
            return False
        if text == "but" and after[:1] == ["also"]:
            return False
        if text == "since" and _SINCE.intersection(self.texts[i + 1 : i + 4]):
            return False
        if text in ("rather", "instead"):
            return after[:1] in (["than"], ["of"])
        return text in _CONJUNCTIONS

    def clause(self, at: int) -> Span:
        """The clause of a word."""
        return next(one for one in self.clauses if one[0] <= at < one[1])

    def ends_in_not(self, at: int) -> bool:
        """True if the clause of a word leaves unsaid what it denies."""
        return self.texts[slice(*self.clause(at))][-2:] in _DENIALS

    def claims(self, lexicon: Lexicon, ignoring: frozenset[str] = frozenset()) -> list[Claim]:
        """The phrases of a lexicon, those that are negated turned round."""
        found = self.matches(lexicon)
        heads = {one.end for one in found if self.texts[one.start] in _CONTRARY}
        claims = ((one, self.is_negated(one, ignoring)) for one in found if one.start not in heads)
        return [
            Claim(
                " ".join(self.texts[one.start : one.end]),
                one.start,
                one.end,
                -one.sign if is_negated else one.sign,
                one.part,
                is_negated,
            )
            for one, is_negated in claims
        ]

    def matches(self, lexicon: Lexicon) -> list[PhraseMatch]:
        """The phrases of a lexicon."""
        if lexicon not in self._matches:
            self._matches[lexicon] = lexicon.matches(self.words)
        return self._matches[lexicon]

    def has(self, lexicon: Lexicon, at: int) -> bool:
        """True if a phrase of a lexicon begins at a place."""
        return any(one.start == at for one in self.matches(lexicon))

    def stop(self, start: int) -> int:
        """The place of the first number or comma from a place on."""
        return next((i for i in range(start, len(self.texts)) if self.texts[i][0] in "F,;"), len(self.texts))

    def is_negated(self, one: PhraseMatch, ignoring: frozenset[str] = frozenset()) -> bool:
        """True where a word near it denies it, with no other noun between; or its subject ("none of it"), or its object
        ("spread no risk"), or "kept ... from"."""
        is_unreal = "would" in self.texts
        negations = _NEGATIONS - ignoring - ({"without"} if is_unreal else set())
        before = [text for text in self.texts[self.clause(one.start)[0] : one.start] if text not in _PUNCTUATION]
        if {"it", "not", "for"}.issubset(before) and before[0] in _UNREAL:
            return False  # "had it not been for" it
        denying = [
            place for place in range(_reached(before, negations), len(before)) if _denies(before, place, negations)
        ]
        if _WOULD_HAVE.issubset(before) and _AVOIDED.intersection(before[-3:]):
            return False  # it is there, and would have been avoided
        denied = range(max(0, denying[0] - 3), denying[0]) if denying else ()  # "unable to avoid"
        count = len(denying) + sum(_denies(before, place, negations) for place in denied)
        count += count == 1 and _is_denied_afar(before, denying[0])
        begin = self.texts if before[:1] and before[0] in _BE else before
        subject = begin[1:2] if begin[:1] and begin[0] in _AT else begin[:1]
        last = before[-1] if before else "the"
        is_far = len(begin) >= _REACH and not count and last not in _DETERMINERS | {"from"} and last[0] != "F"
        is_far &= not _THOUGHT.intersection(before)
        if is_far and one.part is not PartOfSpeech.NOUN and subject and subject[0] in _NOTHING:
            count += 1
        rest = self.texts[one.end : self.clause(one.start)[1]]
        if count and subject and subject[0] in _NOTHING and "than" in rest and _COMPARED.intersection(before + rest):
            return False  # "nothing falls more than" it
        after = [*self.texts[one.end : one.end + 2], "", ""]
        is_verb = one.part is PartOfSpeech.VERB and last not in ("a", "an", "the")
        if is_verb and after[0] in _NOTHING and after[1] not in ("less", "more", "fewer"):
            count += 1
        if before[-1:] == ["from"]:
            held = next((i for i, word in enumerate(before[:-1]) if word in _HOLDS_OFF), None)
            if held is not None:
                count += 1 + sum(_denies(before, i, negations) for i in range(max(0, held - 3), held))
                count += held > _REACH and before[0] in _REFUSED
        return (count + (is_unreal and before[:1] == ["had"])) % 2 == 1

    def governing(self, claims: Sequence[Claim], at: int) -> list[Claim]:
        """The claims about the number at a place: those of its clause and of what that goes on from, or of what goes
        on from it; the nearest first."""
        if self.texts[at - 1 : at] == ["of"] and not _IS.intersection(self.texts[at + 1 : at + 2]):
            end = self.clause(at)[1]
            claims = [one for one in claims if one.start <= at or one.start >= end or self._says_what(one, at)]
        for clause in self._about(at):
            if found := nearest([one for one in claims if clause[0] <= one.start < clause[1]], at, 2 * _AFTERWARDS):
                return sorted(found, key=lambda one: self._is_of_another(one, at))
        return []

    def _says_what(self, one: Claim, at: int) -> bool:
        """True if the claim behind "of" and a number tells what the number is: "of {{F1}} was lost"."""
        is_passive = bool(_BEEN.intersection(self.texts[max(at, one.start - 2) : one.start]))
        return is_passive or (one.start == at + 1 and one.part in (PartOfSpeech.NOUN, PartOfSpeech.OTHER))

    def _is_of_another(self, one: Claim, at: int) -> bool:
        """True if another number is right behind the claim, as its object or measure."""
        if one.start and self.words[one.start - 1].is_fact:
            return one.start - 1 != at
        i = one.start if self.words[one.start].is_fact else one.end
        while i < len(self.texts) and self.texts[i] in _MEASURES:
            i += 1
        return i < len(self.texts) and i != at and self.words[i].is_fact

    def _about(self, at: int) -> Iterator[Span]:
        """The clauses that may be about a number, in the order that they count."""
        index = self.clauses.index(self.clause(at))
        own, following = self.clauses[index], self.clauses[index + 1 : index + 2]
        if self.texts[at + 1 : at + 2] == ["that"]:  # "the {{F4}} that it lags"
            yield at, own[1]
        if self.texts[at + 1 : at + 3] == ["by", "which"]:
            yield from following
        yield own
        if own[0] == 0 and following and all(text in _BOTH or text[0] in "NF" for text in self.texts[slice(*own)]):
            yield from following  # "both {{N1}} at {{F9}} and {{N2}} at {{F11}} comply"
        leads_on = self._leads_on(own)
        yield from (one for one in following if not leads_on and self._is_apposed(one))
        if self.texts[own[0]] in _APART and not leads_on:
            return
        is_of_another = False
        for i in range(index - 1, -1, -1):
            clause = self.clauses[i]
            texts = self.texts[slice(*clause)]
            has_number = any(text[0] == "F" for text in texts)
            is_of_another = (has_number or is_of_another) and not self._leads_on(self.clauses[i + 1])
            is_of_another &= not self._is_parallel(clause, own)
            if not is_of_another and (leads_on or texts[0] not in _CONCEDING):
                yield clause
        if leads_on or (index == 0 and self.texts[0] in _BEGINNING):
            yield from (one for one in following if not any(text[0] == "F" for text in self.texts[slice(*one)]))

    def _is_parallel(self, *clauses: Span) -> bool:
        """True if each clause has what its subject moved by: "short yields by {{F1}}, long ones by {{F2}}"."""
        return all(
            self.texts[place - 1] == "by"
            for start, end in clauses
            for place in range(start, end)
            if self.words[place].is_fact
        )

    def _leads_on(self, clause: Span) -> bool:
        """True if nothing but words that lead on is before the clause's number."""
        texts = self.texts[slice(*clause)]
        first = next((i for i, text in enumerate(texts) if text[0] == "F"), len(texts))
        return all(text in _LEADING_ON or text in _PUNCTUATION for text in texts[:first])

    def _is_apposed(self, clause: Span) -> bool:
        words = [text for text in self.texts[slice(*clause)] if text not in _PUNCTUATION]
        return bool(words) and words[0] in _APPOSED and not any(text[0] == "F" for text in words)


def _is_denied_afar(before: Sequence[str], denying: int) -> bool:
    """True if what denies a phrase is itself denied: "not even gains prevented", "can no longer be held without"."""
    if before[-1] == "without":
        return bool(_REFUSED.intersection(before[:-_REACH]))
    return denying > 0 and before[0] in _REFUSED and bool(_AVOIDED.intersection(before[denying:]))


def _reached(before: Sequence[str], negations: frozenset[str]) -> int:
    """The first of the words before a phrase from where a negation reaches it."""
    for place in range(len(before) - 1, max(0, len(before) - _REACH), -1):
        is_bound = before[place] in _DETERMINERS or before[place][0] == "F"
        if is_bound and before[place - 1] not in negations:
            return place
    return max(0, len(before) - _REACH)


def _denies(words: Sequence[str], place: int, negations: frozenset[str]) -> bool:
    word, earlier = words[place], words[place - 1] if place else ""
    if word in ("stop", "stops", "stopped"):
        return place == len(words) - 1
    if word == "to" and earlier in ("yet", "still", "left"):
        return True
    if word in ("than", "of") and earlier in ("rather", "instead"):
        return place >= len(words) - 2
    if word.startswith("escap") and words[place + 1 : place + 2] == ["with"]:
        return False
    return (
        (word in negations and earlier not in ("than", "as"))
        or word.endswith("n't")
        or (word, earlier) == ("from", "far")
    )


@lru_cache(maxsize=256)
def read(text: str) -> Sentence:
    """The sentence of a text."""
    return Sentence(text)


def nearest(claims: Sequence[Claim], at: int, reach: int) -> list[Claim]:
    """Claims that begin at a number or right after it, those before it, the nearest first, and those that follow."""
    beside = [one for one in claims if at <= one.start <= at + 1]
    before = sorted((one for one in claims if one.start < at), key=lambda one: at - one.start)
    after = sorted((one for one in claims if at + 1 < one.start <= at + reach), key=lambda one: one.start)
    return [*beside, *before, *after]
