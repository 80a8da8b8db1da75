"""Words and phrases of English in all their forms, and where a sentence has them.

A phrase is written as a dictionary has it: "take a bite" is found in "took a bite". Its parts are words; `_`, up to
three words of any kind ("set _ back"); `#`, the token of a fact ("make #"); `@`, a benchmark; `%peak`, any word of a
list; "out*", any word that begins so.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from itertools import chain


def words_of(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


_IRREGULAR = """
arise arose arisen, backslide backslid, be am is are was were been being, bear bore borne, beat beat beaten,
bite bit bitten, bleed bled, blow blew blown, break broke broken, bring brought, build built, burn burnt, burst burst,
bust bust, buy bought, catch caught, come came, cost cost, creep crept, cut cut, dive dove, do did done,
draw drew drawn, drive drove driven, eat ate eaten, fall fell fallen, fight fought, find found, fly flew flown,
forgo forwent forgone, get got gotten, give gave given, go went gone, grow grew grown, have has had having, hit hit,
hold held, hurt hurt, keep kept, lay laid, lead led, leap leapt, leave left, lie lay lain lying, lose lost, make made,
mean meant, meet met, mislay mislaid, offset offset, outdo outdid outdone, outgrow outgrew outgrown,
outrun outran outrun, outsell outsold, outshine outshone, overrun overran overrun, overshoot overshot,
overtake overtook overtaken, pay paid, put put, ride rode ridden, rise rose risen, run ran run, see saw seen,
sell sold, set set, shake shook shaken, shear shore shorn, shed shed, shine shone, shoot shot, shrink shrank shrunk,
sink sank sunk, sit sat, slide slid, slit slit, spend spent, spill spilt, split split, spread spread,
spring sprang sprung, stand stood, steal stole stolen, stick stuck, stride strode, strike struck, sweep swept,
swell swelled swollen, swim swam swum, swing swung, take took taken, tear tore torn, think thought,
throw threw thrown, undercut undercut, undershoot undershot, undo undid undone, unwind unwound, wear wore worn,
win won, withstand withstood, write wrote written
"""
_IRREGULAR_FORMS: Mapping[str, Sequence[str]] = {
    forms.split()[0]: forms.split() for forms in _IRREGULAR.strip().split(",")
}
_DOUBLED = words_of(
    "propel repel defer confer concur undercut outrun overrun offset outstrip outgun outwit shrivel dial level cancel "
    "fuel spiral unravel channel tunnel"
)
"""Verbs of more than a syllable that double their last letter."""
_BOTH = words_of("burn leap dive spill bust light")
"""Irregular verbs that are regular as well."""
_PREFIXES = ("out", "over", "under")
_GAP = 3
_FILLERS = words_of(
    "a an the about nearly almost some around roughly only just another further as much fully exactly over its full "
    "whole total cool additional extra estimated up their this owner owners holder holders investor investors them him "
    "her us portfolio bonds bond holdings account"
)
"""Words that may stand between a verb and the number that is its object."""
_TOKENS = re.compile(
    r"\{\{([FN]\d+)\}\}(?:\s+(?:(?:a|per|each|every)\s+(?:year|annum)|annual(?:ly)?|yearly)\b(?!\s+(?:ago|earlier|before)\b))?|"
    r"[^\W\d_]+(?:['’](?:t|s)\b)?|[,;:()–—]|\s-\s"
)
"""A number with what it is a measure of: "{{F1}} a year"."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a sentence in small letters, a token's id, or what separates clauses; and where it begins."""

    text: str
    at: int

    @property
    def is_fact(self) -> bool:
        return self.text[0] == "F"

    @property
    def is_name(self) -> bool:
        return self.text[0] == "N"


class PartOfSpeech(Enum):
    VERB = "verb"
    NOUN = "noun"
    OTHER = "other"
    TONE = "tone"


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """A phrase in a sentence, by its first word and the one after its last, with what it stands for."""

    start: int
    end: int
    sign: int
    part: PartOfSpeech


def spoken(sentence: str) -> list[SpokenWord]:
    """The words of a sentence, in order."""
    return [
        SpokenWord(found[1] or found[0].strip().lower().replace("’", "'"), found.start())
        for found in _TOKENS.finditer(sentence)
    ]


def forms(verb: str) -> Iterator[str]:
    """All forms of a verb: finite ones and participles."""
    if verb in _IRREGULAR_FORMS:
        yield from _IRREGULAR_FORMS[verb]
        if verb in ("be", "have", "lie"):
            return
    if verb[0] == "%" or verb[-1] == "*":
        yield verb
        return
    stem = verb
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        stem = verb[:-1]
    elif re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb) or verb in _DOUBLED:
        stem = verb + verb[-1]
    soft = re.search(r"[^aeiou]y$", verb)
    yield verb
    yield verb[:-1] + "ies" if soft else verb + ("es" if re.search(r"(?:s|x|z|ch|sh|o)$", verb) else "s")
    yield stem + "ing"
    if verb not in _IRREGULAR_FORMS or verb in _BOTH:
        yield verb[:-1] + "ied" if soft else stem + "ed"
    if verb in _DOUBLED:
        yield from (verb + "ed", verb + "ing")


def _plurals(noun: str) -> Iterator[str]:
    yield noun
    yield (
        noun[:-1] + "ies"
        if re.search(r"[^aeiou]y$", noun)
        else noun + ("es" if noun.endswith(("s", "h", "x")) else "s")
    )


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of one meaning, by part of speech, separated by commas: verbs and nouns are found in all their forms."""

    verbs: str = ""
    nouns: str = ""
    others: str = ""
    tones: str = ""


class Lexicon:
    """Phrases with a sign; what stands for nothing, though a part of it would, has none (zero)."""

    def __init__(self, signs: Mapping[int, Iterable[Phrases]], lists: Mapping[str, frozenset[str]]) -> None:
        self._signs, self._lists = signs, lists

    @cached_property
    def _by_first(self) -> Mapping[str, Sequence[tuple[Sequence[str], int, PartOfSpeech]]]:
        """By first words the other parts of phrases: the longest first, of equals the one without a sign."""
        found: dict[str, list[tuple[Sequence[str], int, PartOfSpeech]]] = {}
        for sign, meanings in self._signs.items():
            for part, (first, *rest) in chain.from_iterable(map(_in_all_forms, meanings)):
                for word in self._lists[first[1:]] if first[0] == "%" else (first,):
                    found.setdefault(word, []).append((rest, sign, part))
        for phrases in found.values():
            phrases.sort(key=lambda one: (-sum(word != "_" for word in one[0]), abs(one[1])))
        return found

    def matches(self, words: Sequence[SpokenWord]) -> list[PhraseMatch]:
        """The phrases of a sentence from the left, the longest that begins at a word."""
        found, place = [], 0
        while place < len(words):
            one = self._at(words, place)
            if one and one.sign:
                found.append(one)
            place = max(place + 1, one.end - words[one.end - 1].is_fact) if one else place + 1
        return found

    def _at(self, words: Sequence[SpokenWord], place: int) -> PhraseMatch | None:
        """The longest phrase that begins at a place."""
        first = "#" if words[place].is_fact else words[place].text
        phrases = self._by_first.get(first)
        if phrases is None and (stem := next(filter(first.startswith, _PREFIXES), "")) and len(first) > len(stem) + 2:
            phrases = self._by_first.get(f"{stem}*")
        for parts, sign, part in phrases or ():
            if (end := self._end(parts, words, place + 1)) is not None:
                return PhraseMatch(place, end, sign, part)
        return None

    def _end(self, parts: Sequence[str], words: Sequence[SpokenWord], at: int) -> int | None:
        """The place after the parts, which begin at a place; None where they are not there."""
        for n, part in enumerate(parts):
            if part == "_":
                rest = parts[n + 1 :]
                for skipped in range(_GAP + 1):
                    if any(not word.text[0].isalpha() for word in words[at : at + skipped]):
                        return None
                    if (end := self._end(rest, words, at + skipped)) is not None:
                        return end
                return None
            if part in "#@":
                while at < len(words) and words[at].text in _FILLERS:
                    at += 1
            if at >= len(words) or not self._is(part, words[at]):
                return None
            at += 1
        return at

    def _is(self, part: str, word: SpokenWord) -> bool:
        if part == "#":
            return word.is_fact
        if part == "@":
            return word.is_name or word.text in ("benchmark", "index")
        return word.text in self._lists[part[1:]] if part[0] == "%" else word.text == part


@cache
def _in_all_forms(phrases: Phrases) -> Sequence[tuple[PartOfSpeech, Sequence[str]]]:
    inflected: Sequence[tuple[PartOfSpeech, str, Callable[[str], Iterable[str]]]] = (
        (PartOfSpeech.VERB, phrases.verbs, forms),
        (PartOfSpeech.NOUN, phrases.nouns, _plurals),
        (PartOfSpeech.OTHER, phrases.others, lambda word: [word]),
        (PartOfSpeech.TONE, phrases.tones, lambda word: [word]),
    )
    return [
        (part, " ".join((*phrase[:place], form, *phrase[place + 1 :])).replace("-", " ").split())
        for part, listed, forms_of in inflected
        for phrase in (one.split() for one in listed.split(",") if one.strip())
        for place in [_head(phrase) if part is PartOfSpeech.NOUN else 0]
        for form in forms_of(phrase[place])
    ]


def _head(phrase: Sequence[str]) -> int:
    """The place of the noun that a phrase is of: "head start", "margin of victory"."""
    return next((i - 1 for i, word in enumerate(phrase) if word in ("of", "in", "on", "for", "to")), len(phrase) - 1)
