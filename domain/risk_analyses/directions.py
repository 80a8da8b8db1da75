"""The direction that a sentence gives to a number in it, as far as words tell: for the fence, which lets no word say
the opposite of a fact's sign.

English, by words and their order alone: a clause and what leads on from it, negations that reach a word, who is the
subject of a comparison with the benchmark, what stands right after a number ("... above its peak"), and what only would
be. It is tried on sentences that were written before it (`tests/domain/risk_sentences.json`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.risk_analyses.facts import Fact, Sense
from domain.risk_analyses.words import (
    AGAINST,
    LARGER,
    LESS,
    MORE,
    MOVES,
    NEGATIONS,
    PREPOSITIONS,
    SMALLER,
    WORDS,
    words_of,
)

_CLAUSE_END = re.compile(
    r"[,;:()–—]|\s-\s|\b(?:and|but|while|whereas|although|though|yet|as|because|since|after|before|when|whenever|if|"
    r"unless|despite|who|which|once|until|so|even|rather than|instead of|on top of|given)\b",
    re.IGNORECASE,
)
_AS_DEEP_AS = re.compile(r"\bas \w+ as\b", re.IGNORECASE)
_LEADS_ON = re.compile(
    r"\s*(?:(?:by|to|of|at|from|with|about|nearly|almost|some|around|roughly|exactly|fully|a|an|the|just|only|another|"
    r"total|full|whole|further|is|that is|being|namely|or|margin|sum|it|its|amounts|comes|now|then)\b\s*)*"
    r"(?:\{\{F\d+\}\}|$)",
    re.IGNORECASE,
)
"""A clause that goes on with what the one before it says."""
_DIRECTLY = re.compile(
    r"([a-z]+)(?:\s+(?:further|sharply|steadily|slightly|again|all|the|way|strongly|modestly|markedly|substantially|"
    r"noticeably|quickly|slowly|gradually|back|away|only|in|year|over))*\s+(?:to|by|from|of|at|toward|towards|around)"
    r"\s+(?:about |nearly |almost |around |roughly |only |a |an |the |as much as )*$",
    re.IGNORECASE,
)
"""A move to or by a number, right before it."""
_AFTER = re.compile(r"\s+(?:or so |points? |further |also |still )?([a-z]+)\b", re.IGNORECASE)
_IS = re.compile(r"\{\{F\d+\}\}\s+(?:is|was|were|means|meant|booked|made|lost|gained|earned)\b")
_YIELDS_FELL = re.compile(
    r"\b(?:yields?|rates?)\b(?:\s+\w+){0,3}?\s+(?:fell|falls?|fallen|falling|drop(?:s|ped)?|declined?s?|decrease[sd]?|"
    r"down|lower|ease[sd]?|sank|slipped|retreat(?:s|ed)?)\b|\b(?:lower|falling|declining|"
    r"a (?:fall|drop|decline|decrease)\b[^.]*?\b(?:in|of)\b[^.]*?)\s*(?:yields?|rates?)\b|"
    r"\b(?:basis )?points? (?:down|lower|less)\b",
    re.IGNORECASE,
)
_YIELDS_ROSE = re.compile(
    r"\b(?:yields?|rates?)\b(?:\s+\w+){0,3}?\s+(?:r[io]se[sn]?|rising|climb(?:s|ed|ing)?|increase[sd]?|up|higher|"
    r"mount(?:s|ed)?|jump(?:s|ed)?)\b|\b(?:higher|rising|"
    r"an? (?:rise|increase|climb)\b[^.]*?\b(?:in|of)\b[^.]*?)\s*(?:yields?|rates?)\b",
    re.IGNORECASE,
)
_GAINS = re.compile(
    r"\b(?:gain(?:s|ed)?|profit(?:s|ed)?|earn(?:s|ed)?|pocket(?:s|ed)?|benefit(?:s|ed)?|adds?|added|wins?|won|richer|"
    r"reward(?:s|ed)?|lift(?:s|ed)?|boost(?:s|ed)?|receive[sd]?|bonus|enrich(?:es|ed)?|credit(?:s|ed)?|improve[sd]?|"
    r"appreciate[sd]?|helps?|increase[sd]?)\b|\{\{F\d+\}\} more\b",
    re.IGNORECASE,
)
_LOSES = re.compile(
    r"\b(?:loses?|lost|loss(?:es)?|costs?|hurts?|damage[sd]?|sheds?|reduce[sd]?|forfeit(?:s|ed)?|erodes?|drops? by|"
    r"falls? by|shaves?|poorer)\b|\btake[sn]? \{\{F|\{\{F\d+\}\} less\b",
    re.IGNORECASE,
)
_MADE = re.compile(r"\b(makes?|made|earns?|earned)\s+$", re.IGNORECASE)
_RESTORED = re.compile(
    r"\b(?:has|have|had|was|were|is|are|been)\b(?:\s+\w+){0,3}?\s+(?:regained|recovered|recouped|erased|undone|reversed|"
    r"overtaken|closed|gone)\b|\bnothing remains\b|\bno longer in a drawdown\b|\bnew high\b",
    re.IGNORECASE,
)
_PARTLY = re.compile(r"\b(?:part|partly|some|only|not|never|yet|until|once|if|far from|nowhere|half)\b", re.IGNORECASE)
_MOST_DAYS = re.compile(
    r"\b(?:most|nearly every|almost every|every|vast majority of|typical|usual|ordinary|average)\b[^.]*?\bdays?\b|"
    r"\b(?:regularly|routinely|usually|normally|the norm|the rule|commonplace)\b|"
    r"\bdays?\b[^.]*\b(?:most|nearly every|every)\b",
    re.IGNORECASE,
)
_BEYOND = re.compile(
    r"\b(?:more than|exceeds?|exceeding|beyond|larger than|worse than|greater than|above|at least)\b", re.IGNORECASE
)
_MUST = re.compile(
    r"\b(?:must|has to|have to|needs? to|needed|required|obliged)\b[^.]*?\b(?:cut|sell|sold|sale|trim|trimmed|reduced?|"
    r"bring|brought|shrink|scaled?)\b|\b(?:sale|cut|reduction)\b[^.]*?\b(?:needed|required|due|unavoidable)\b",
    re.IGNORECASE,
)
_ONLY_WOULD = words_of("would could might may should must until unless needs need towards toward back")
_LIKELY = words_of("would could if should might may were can when unless whenever")
_DETERMINERS = words_of("the its this that their these those his her our")
_HOLDS_OFF = words_of("keep keeps kept keeping stop stops stopped prevent prevents prevented save saved saves spare")
_REACH = 4
"""Words that a negation reaches, and that a number reaches back to."""
_AFTERWARDS = 6
_OF_THE_PHRASE = words_of("gave give gives given giving eat ate eaten end ended ends make makes made making add adds")
"""Before "up" it is no direction."""
_WENT = words_of("went gone go goes shot moved moves came come driven pushed brought ticked edged drifted")
_LIMITS = frozenset({Sense.OVER, Sense.WITHIN})
_RELATIVE = frozenset({Sense.AHEAD, Sense.BEHIND})
_PAIRS = frozenset({Sense.TOGETHER, Sense.OPPOSITE})
_SLOPES = frozenset({Sense.UPWARD, Sense.INVERTED})
_RISING = frozenset({Sense.ROSE, Sense.AHEAD, Sense.UPWARD, Sense.OVER})
_FALLING = frozenset({Sense.FELL, Sense.BEHIND, Sense.INVERTED, Sense.WITHIN})
_PASSIVE = words_of("beaten outdone outperformed outpaced outstripped surpassed overtaken bested topped exceeded")
_BE = words_of("is was were are been be being")
_INDEX_WORDS = words_of("benchmark index market")
_SELF_WORDS = words_of("portfolio holdings it")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that has to do with a sense: whether it fits it as it stands here, and where it stands."""

    text: str
    at: int
    fits: bool


def contradiction(
    sentence: str, at: Span, sense: Sense, senses: Sequence[tuple[int, Sense]], indices: frozenset[str]
) -> str | None:
    """The word that says the opposite of the sense of the number at a place, None where nothing does.

    `senses` are those of all numbers of the sentence by where they begin, `indices` the names of benchmarks.
    """
    if word := _right_beside(sentence, at, sense):
        return word
    clauses = _clauses(sentence)
    if sense in _LIMITS | _PAIRS | _SLOPES:
        return _of_sentence(sentence, clauses, at, sense, senses)
    if sense is Sense.COST_OF_YIELDS:
        return _of_yields(sentence)
    if sense is Sense.LOSS and _MOST_DAYS.search(sentence) and (word := _passed(sentence)):
        return word
    if sense is Sense.FELL and (found := _RESTORED.search(sentence)) and not _PARTLY.search(sentence):
        return found[0].split()[-1]
    found_words = _words(sentence, clauses, at[0], sense, indices)
    if sense is Sense.LOSS and (any(word.fits for word in found_words if word.at < at[0]) or _BEYOND.search(sentence)):
        return None  # the loss itself grows, or is not passed
    return found_words[0].text if found_words and not found_words[0].fits else None


def directs(sentence: str, at: Span, sense: Sense) -> bool:
    """True if a word of the sentence gives the number at a place its direction, so that it needs no sign."""
    found = _words(sentence, _clauses(sentence), at[0], sense, frozenset())
    return any(word.fits and word.text in WORDS[sense] for word in found) if sense in WORDS else False


def _spoken(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def moved(before: str) -> str | None:
    """The word that says that the level that follows has moved there; None of what only might."""
    found = _DIRECTLY.search(before)
    words = _spoken(before)
    if found is None or found[1].lower() not in MOVES or _LIKELY.intersection(words):
        return None
    if found[1].lower() in ("up", "down"):  # "allows up to" is no move
        return str(found[1]) if _WENT.intersection(words) else None
    return str(found[1])


def signed_before(before: str) -> str | None:
    """A sign in words right before a number, which has its own."""
    found = re.search(r"\b(minus|plus)\s*$|(?:of|is|at|was|by)\s+(negative)\s*$", before, re.IGNORECASE)
    return str(found[1] or found[2]) if found else None


def wrong_comparison(between: str, one: Fact, other: Fact) -> str | None:
    """The word between two numbers that compares a measure with its limit the wrong way round."""
    pair = {one.sense, other.sense}
    if one.unit != other.unit or one.currency != other.currency or not (pair & _LIMITS and Sense.LEVEL in pair):
        return None
    if one.value == other.value:
        return None
    words = _spoken(between)
    for i, word in enumerate(words):
        is_larger = (one.value > other.value) != _is_negated(words[:i])
        if (word in LARGER and not is_larger) or (word in SMALLER and is_larger):
            return None if _ONLY_WOULD.intersection(words[:i]) else word
    return None


def _right_beside(sentence: str, at: Span, sense: Sense) -> str | None:
    """The word next to a number that gives it the other direction: "up {{F1}}", "{{F1}} above"."""
    before = re.search(r"(\w+)?\s*\b(up|down)\s+$", sentence[: at[0]], re.IGNORECASE)
    if (
        before
        and str(before[1]).lower() not in _OF_THE_PHRASE
        and sense in (_FALLING if before[2].lower() == "up" else _RISING) - _LIMITS
    ):
        return str(before[2])
    made = _MADE.search(sentence[: at[0]]) if sense is Sense.FELL else None
    if made:
        return str(made[1])
    found = _AFTER.match(sentence[at[1] :])
    word = found[1].lower() if found else ""
    if sense in _SLOPES and _is_of_short(sentence[: at[0]]):
        sense = Sense.INVERTED if sense is Sense.UPWARD else Sense.UPWARD
    if sense in _LIMITS | _RELATIVE:
        return None
    if sense in _RISING and word in LESS:
        return word
    return word if sense in _FALLING and word in MORE else None


def _is_of_short(before: str) -> bool:
    """True if short yields are what is compared with long ones."""
    found = re.search(r"\b(?:(short|shorter|near)|long|longer)\b(?! than)", before, re.IGNORECASE)
    return bool(found and found[1])


def _of_sentence(
    sentence: str, clauses: Sequence[_Clause], at: Span, sense: Sense, senses: Sequence[tuple[int, Sense]]
) -> str | None:
    """A limit, a pair that moves, or a curve is mostly what the whole sentence is about; where it has two of them, each
    is what its clause says."""
    kind = next(pair for pair in (_LIMITS, _PAIRS, _SLOPES) if sense in pair)
    found: list[_Word] = []
    if any(other in kind for place, other in senses if place != at[0]):
        found = _in(sentence, _clause_at(clauses, at[0]), at[0], sense)
    elif sense is Sense.WITHIN and (must := _MUST.search(sentence)):
        return must[0]
    found = found or _in(sentence, _Clause(0, len(sentence)), at[0], sense, reach=len(sentence))
    if not found and sense is Sense.TOGETHER and _parts_ways(sentence):
        return "opposite moves"
    return None if not found or found[0].fits else found[0].text


def _parts_ways(sentence: str) -> bool:
    words = set(_spoken(sentence))
    return bool(words & WORDS[Sense.ROSE] & MOVES and words & WORDS[Sense.FELL] & MOVES) or bool(
        words & {"gain", "gains"} and words & {"loss", "losses"}
    )


def _of_yields(sentence: str) -> str | None:
    """The word that gives a move of yields the opposite effect: bonds lose when they rise, and gain when they fall."""
    fell, rose = _YIELDS_FELL.search(sentence), _YIELDS_ROSE.search(sentence)
    if fell and rose:
        return None
    rest = _YIELDS_ROSE.sub(" ", _YIELDS_FELL.sub(" ", sentence))
    gains, loses = _GAINS.search(rest), _LOSES.search(rest)
    wrong = loses if fell else gains
    right = gains if fell else loses
    if wrong is None or right is not None:
        return None
    is_negated = _is_negated(re.findall(r"[^\W\d_]+(?:n't)?", rest[: wrong.start()].lower()))
    return None if is_negated else wrong[0]


def _passed(sentence: str) -> str | None:
    """The word that says that a loss is passed on most days."""
    found = _BEYOND.search(sentence)
    if found is None:
        return None
    words = _spoken(sentence[: found.start()])
    return None if {*NEGATIONS, "few", "rare", "seldom", "worst"} & set(words) else found[0]


def _words(sentence: str, clauses: Sequence[_Clause], at: int, sense: Sense, indices: frozenset[str]) -> list[_Word]:
    """The words about a sense in what governs the number, the nearest first, those before it first of all."""
    if sense not in WORDS:
        return []
    for start, end in _spans(clauses, at, sentence):
        if found := _in(sentence, _Clause(start, end), at, sense, indices):
            return found
    return []


def _in(
    sentence: str,
    clause: _Clause,
    at: int,
    sense: Sense,
    indices: frozenset[str] = frozenset(),
    reach: int = _AFTERWARDS,
) -> list[_Word]:
    fitting, against = WORDS[sense], AGAINST[sense]
    placed = [
        (clause.start + found.start(), found[0])
        for found in re.finditer(r"\{\{\w+\}\}|[^\W\d_]+(?:n't)?", sentence[clause.start : clause.end])
    ]
    told = [text.lower() if text[0] != "{" else text for _, text in placed]
    found = []
    for i, word in enumerate(told):
        fits, contradicts = word in fitting, word in against
        if fits == contradicts or (word == "up" and i and told[i - 1] in _OF_THE_PHRASE):
            continue
        flips = _is_negated(told[:i])
        if sense in _LIMITS:
            flips ^= _only_would(sentence, placed[i][0])
        if sense in _RELATIVE:
            flips ^= _is_of_index(told, i, indices)
        found.append(_Word(word, placed[i][0], fits != flips))
    before = sorted((one for one in found if one.at < at), key=lambda one: at - one.at)
    after = sorted((one for one in found if one.at > at), key=lambda one: one.at)
    if reach == _AFTERWARDS and re.search(r"\bof\s+$", sentence[:at]) and not _IS.match(sentence[at:]):
        reach = 1  # what the number does is not what it is
    near = [one for one in after if len(sentence[at : one.at].split()) <= reach]
    beside = [one for one in near if len(sentence[at : one.at].split()) == 1]
    return [*beside, *before, *near]


def _is_negated(before: Sequence[str]) -> bool:
    """True if what follows is negated: by a word near it that no other noun stands between, or "kept ... from"."""
    count = 0
    for distance, word in enumerate(reversed(before)):
        if distance >= _REACH:
            break
        if word in NEGATIONS or word.endswith("n't"):
            count += 1
        if word in _DETERMINERS and distance < len(before) - 1 and before[-distance - 2] not in NEGATIONS:
            break
    if before and before[-1] == "from":
        for i, word in enumerate(before):
            if word in _HOLDS_OFF:
                count += 1 + sum(one in NEGATIONS or one.endswith("n't") for one in before[max(0, i - 3) : i])
                break
    return count % 2 == 1


def _only_would(sentence: str, at: int) -> bool:
    """True if the clause of a word says what only would be; "the breach" is there, whatever would cure it."""
    if re.search(r"\b(?:the|this|its)\s+$", sentence[:at], re.IGNORECASE):
        return False
    clause = _clause_at(_clauses(sentence), at)
    return bool(_ONLY_WOULD.intersection(_spoken(sentence[clause.start : clause.end])))


def _is_of_index(told: Sequence[str], i: int, indices: frozenset[str]) -> bool:
    """True if the comparison at a word is told of the benchmark, so that it says the opposite of the portfolio."""
    if told[i] in _PASSIVE and _BE.intersection(told[max(0, i - 3) : i]):
        return not _subject_is_index(told[:i], indices)
    after = [word for word in told[i + 1 : i + 4] if word not in _DETERMINERS and word not in ("of", "than")]
    if after[:1] and after[0] in _SELF_WORDS:
        return True
    return _subject_is_index(told[:i], indices)


def _subject_is_index(before: Sequence[str], indices: frozenset[str]) -> bool:
    for j, word in enumerate(before):
        if word in _SELF_WORDS and (j == 0 or not PREPOSITIONS.intersection(before[max(0, j - 2) : j])):
            return False
        if _is_index(word, indices) and not PREPOSITIONS.intersection(before[max(0, j - 2) : j]):
            return True
    return False


def _is_index(word: str, indices: frozenset[str]) -> bool:
    return word in _INDEX_WORDS or word.strip("{}") in indices


def _clauses(sentence: str) -> list[_Clause]:
    sentence = _AS_DEEP_AS.sub(lambda found: "~" * len(found[0]), sentence)
    ends = [(found.start(), found.end()) for found in _CLAUSE_END.finditer(sentence)]
    starts = [0, *(end for _, end in ends)]
    stops = [*(start for start, _ in ends), len(sentence)]
    return [_Clause(a, b) for a, b in zip(starts, stops, strict=True) if sentence[a:b].strip()]


def _clause_at(clauses: Sequence[_Clause], at: int) -> _Clause:
    return next((clause for clause in clauses if clause.start <= at < clause.end), clauses[-1])


def _spans(clauses: Sequence[_Clause], at: int, sentence: str) -> list[Span]:
    """The number's clause, then that with the ones that it goes on from."""
    index = clauses.index(_clause_at(clauses, at))
    found = [(clauses[index].start, clauses[index].end)]
    while index > 0 and _LEADS_ON.match(sentence[clauses[index].start : clauses[index].end]):
        index -= 1
        found.append((clauses[index].start, found[0][1]))
    return found
