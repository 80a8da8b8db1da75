"""Words that say a number, and words that say a direction, which a text of a writer must not get wrong.

Numbers are refused in English and, as far as the words are none of English, in German, French, Spanish, Italian, Dutch
and Portuguese. Directions are English: a text in another language tells no direction that could be checked, and the
briefing asks for English.
"""

import re
from collections.abc import Mapping

from domain.risk_analyses.facts import Sense


def words_of(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


_UNITS = "two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fourty fifty sixty seventy eighty ninety"
_SCALES = (
    "hundred thousand million billion trillion quadrillion milliard lakh crore dozen myriad googol mn bn tn mln bln "
    "mio mrd"
)
_ORDINALS = (
    "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth sixtieth seventieth "
    "eightieth ninetieth hundredth thousandth millionth billionth"
)
_PARTS = (
    "half halves halve halved halving double doubled doubles doubling twice thrice triple tripled triples tripling "
    "treble trebled quadruple quadrupled quintuple sextuple zero zeros zeroes nought naught nil percent percentile "
    "percents pct permille bps bp bips decile quartile quintile tertile"
)
_FOREIGN = (
    "eins zwei drei vier fuenf fünf sechs sieben acht neun zehn zwölf zwanzig dreissig dreißig vierzig fünfzig "
    "sechzig siebzig achtzig neunzig hundert tausend prozent hälfte drittel viertel deux trois quatre cinq sept "
    "huit neuf dix onze douze vingt trente quarante cinquante soixante cent mille moitié cero uno dos tres cuatro "
    "cinco seis siete ocho nueve diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento "
    "tercio quattro cinque sette otto dieci trenta quaranta cinquanta sessanta settanta ottanta novanta cento twee "
    "drie vijf zes zeven negen tien twintig dertig veertig vijftig honderd duizend procent helft dois duas quatro "
    "sete oito nove dez vinte trinta quarenta cinquenta cem metade terço"
)
NUMBER_WORDS = words_of(" ".join((_UNITS, _TEENS, _TENS, _SCALES, _ORDINALS, _PARTS, _FOREIGN)))
_STEM = "|".join(f"one {_UNITS} {_TEENS} {_TENS} {_SCALES}".split())
_COMPOUND = re.compile(f"(?:(?:{_STEM})(?:and)?)*(?:{_STEM})(?:s|fold|ish|odd|some|plus|th|ths|ly)?")
"""Such as twentyfive, tenfold, hundreds, fiftyish."""
_ROMAN = re.compile(r"[IVXLC]{2,}|M{1,3}(?:CM|CD|D?C{1,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ONE = re.compile(
    r"\b(?:no|any|every|each|some|this|that|which|another)[ -]one\b|\bone (?:of the|of its|of them|another|that|which|"
    r"side|way|reason|by one|may|can|might|should|would|must|needs?|sees|reads|looks)\b|\bthe one\b|\bone's\b",
    re.IGNORECASE,
)
"""A person, a choice: not a number."""
_SCALED = re.compile(
    r"\b(?:(?:a|about|nearly|over|almost|some) quarter(?: of| less| more)|quarters of|"
    r"(?:percentage|index) points?|per ?cent|per mille|couple of|handful of|"
    r"scores? of|[a-z]+-fold|orders? of magnitude)\b|~\s*(?:basis points?|points?|times|x|k|m|thousandfold)\b",
    re.IGNORECASE,
)


def number_word(text: str) -> str | None:
    """The first word of `text` that says a number or scales one; None without any."""
    without = _ONE.sub(" ", text)
    if found := _SCALED.search(without):
        return str(found[0])
    for word in re.findall(r"[^\W\d_]+", without):
        lower = word.lower()
        if lower != "ones" and (
            lower in NUMBER_WORDS or lower == "one" or _COMPOUND.fullmatch(lower) or _ROMAN.fullmatch(word)
        ):
            return str(word)
    return None


_UP = (
    "rise rises rose risen rising gain gains gained gaining grow grows grew grown growing growth increase increases "
    "increased increasing climb climbs climbed climbing advance advances advanced advancing appreciate appreciates "
    "appreciated appreciation appreciating earn earns earned earning earnings profit profits profited profitable "
    "surge surges surged surging soar soars soared soaring jump jumps jumped jumping rally rallies rallied rallying "
    "rebound rebounds rebounded upward upwards uptick upswing upturn positive strengthen strengthens strengthened "
    "strengthening strength firmed firmer higher improve improves improved improvement improving rocketed mounted "
    "mounting swelled swelling expanded expanding expansion added adds adding win wins won winning surplus "
    "accelerated boosted boost lifted lift lifts upside bullish flourished prospered prosper thrived leapt leap "
    "ascended ascent escalated spiked spike crept yielded enriched rewarded rewarding elevated raised inflated "
    "credit credited black benefited benefit benefits inflation dearer costlier outgrew recouped recovered recovers "
    "recover recovery bounced bounce bounces hike hiked hikes upheld overtaken overtakes tops topped exceeded "
    "surpassed regained swell swells rocket rockets multiplied richer up ahead extra premium exceeds exceed"
)
_DOWN = (
    "fall falls fell fallen falling lose loses lost losing loss losses lossmaking decline declines declined "
    "declining drop drops dropped dropping decrease decreases decreased decreasing downward downwards downturn "
    "downtick downswing slide slides slid sliding slip slips slipped slipping shed sheds shedding shrink shrinks "
    "shrank shrunk shrinking shrinkage depreciate depreciates depreciated depreciation depreciating negative weaken "
    "weakens weakened weakening weaker weakness lower lowered deficit worsen worsens worsened worsening deteriorate "
    "deteriorated deterioration plunge plunges plunged plunging plummet plummets plummeted plummeting sink sinks "
    "sank sunk sinking tumble tumbles tumbled tumbling crash crashed crashes collapse collapsed collapses drawdown "
    "drawdowns dip dips dipped dipping ebb ebbs ebbed ebbing erode erodes eroded erosion eroding retreat retreats "
    "retreated contracted contraction dwindled dwindling sagged slumped slump slumps descended descent dented "
    "damage damaged hurt hurts underwater red bearish nosedived subsided eased easing ease softened softening "
    "receded diminished diminish reduced reduction forfeited surrendered wiped destroyed suffered suffer poorer "
    "impaired impairment trimmed deflation cheaper slackened faded waned wane skidded cratered backslid bled "
    "bleeding losers loser setback setbacks decreasingly downside deflated debit shortfall melt melts melted "
    "melting eaten evaporated evaporate vanish vanished subtract subtracted down sacrifice minus badly cost"
)
_SAFE = (
    "gain gains gained gaining profit profits profited profitable earn earns earned earning benefit benefits "
    "benefited benefiting add adds added adding reward rewards rewarded rewarding win wins won winning improve "
    "improves improved improvement enrich enriches enriched bonus windfall upside rise rises rose risen climb "
    "climbs climbed grow grows grew increase increased appreciate appreciates appreciated appreciation surplus "
    "positive credit credited boost boosts boosted lift lifts lifted make makes made pays growth advance advances "
    "advanced surge surges surged richer enriching"
)
_HURT = (
    "lose loses lost losing loss losses fall falls fell fallen falling drop drops dropped decline declines declined "
    "cost costs costing hurt hurts down drawdown drawdowns shed sheds damage damages damaged negative slump slumped "
    "plunge plunged erode erodes eroded forfeit forfeits destroys destroyed setback shortfall dent dents shave "
    "shaves suffered deplete wipe wipes wiped sink sinks sank tumble"
)
_AHEAD = (
    "ahead outperform outperforms outperformed outperformance outperforming beat beats beating exceed exceeds "
    "exceeded exceeding above lead leads led leading outpace outpaces outpaced outpacing better surpass surpasses "
    "surpassed surpassing outdo outdid outstripped outstrips top tops topped overtook overtaken advantage edge "
    "edged gain gained gains higher excess premium positive outshone outran outrun bested trounced improved improve "
    "improves added adds helped contributed outclassed beaten outdone"
)
_BEHIND = (
    "behind underperform underperforms underperformed underperformance underperforming lag lags lagged lagging "
    "trail trails trailed trailing below worse shortfall fall fell falls fallen lose lost loses loss losing lower "
    "deficit missed negative underneath disadvantage fewer poorer laggard undershot forfeited surrendered ceded "
    "conceded subtracted subtracts detracted detracts cost costs left"
)
_OVER = (
    "breach breaches breached breaching breaks broke broken break exceed exceeds exceeded exceeding above over "
    "beyond violate violates violated violating violation past overshoot overshoots overshot surpass surpasses "
    "surpassed surpassing outside excess excessive crossed crosses crossing topped tops overstep oversteps "
    "overstepped overstepping overrun overruns passed passes exceedance infringes infringed flouts flouted bursts "
    "burst transgresses reached reach reaches outgrown outgrew hit hits bust busts"
)
_WITHIN = (
    "within below under respect respects respected respecting inside meets meet met comply complies complied "
    "complying compliant satisfies satisfied satisfy beneath short underneath headroom comfortably clear observed "
    "observes honours honors keeps kept stays fits conforms conforming acceptable safe safely obeys obeyed abides "
    "tolerable room smaller allow allows"
)
_UPWARD = (
    "upward upwards positive positively steep steepens steepened up rises rise rising normal normally climbs "
    "ascending sloping ascends rewarded extra premium usual"
)
_INVERTED = (
    "inverted inversion invert inverts downward downwards negative negatively down falls fall falling inverse "
    "backwardation declines descending descends reversed upturned backward"
)
_TOGETHER = (
    "together positive positively tandem alike same lockstep joint jointly parallel unison similarly concert step "
    "sync synchronised synchronized companion correlated shared mirrors mirror mirrored accompany follow follows "
    "followed echoes amplify amplifies side coincide coincides"
)
_OPPOSITE = (
    "opposite oppositely against negative negatively inverse inversely opposing contrary apart offset offsets "
    "offsetting counter counterbalance counterweight diverge diverges diverged divergent hedge hedges hedged "
    "hedging diversify diversifies diversified opposed cushion cushions cushioned antagonistic contrarily "
    "compensates compensate balances odds reverse uncorrelated independently unrelated different dampens dampen"
)
WORDS: Mapping[Sense, frozenset[str]] = {
    sense: words_of(words)
    for sense, words in {
        Sense.ROSE: _UP,
        Sense.FELL: _DOWN,
        Sense.LOSS: _HURT,
        Sense.AHEAD: _AHEAD,
        Sense.BEHIND: _BEHIND,
        Sense.OVER: _OVER,
        Sense.WITHIN: _WITHIN,
        Sense.UPWARD: _UPWARD,
        Sense.INVERTED: _INVERTED,
        Sense.TOGETHER: _TOGETHER,
        Sense.OPPOSITE: _OPPOSITE,
    }.items()
}
"""By sense, the words that fit it."""
_AGAINST = {
    Sense.ROSE: _DOWN,
    Sense.FELL: _UP,
    Sense.LOSS: _SAFE,
    Sense.AHEAD: _BEHIND,
    Sense.BEHIND: _AHEAD,
    Sense.OVER: _WITHIN,
    Sense.WITHIN: _OVER,
    Sense.UPWARD: _INVERTED,
    Sense.INVERTED: _UPWARD,
    Sense.TOGETHER: _OPPOSITE,
    Sense.OPPOSITE: _TOGETHER,
}
AGAINST: Mapping[Sense, frozenset[str]] = {sense: words_of(words) for sense, words in _AGAINST.items()}
"""By sense, the words that contradict it, unless negated."""
MOVES = (
    words_of(_UP)
    | words_of(_DOWN)
    | words_of("tightened shortened lengthened widened narrowed loosened cut trimmed halved raised pushed driven")
) - words_of(
    "positive negative plus minus higher lower loss losses inflation growth cost costs earnings benefit "
    "benefits upside downside risk black red made lift"
)
"""Words that say that something has moved."""
NEGATIONS = words_of(
    "not no never neither nor none without hardly barely scarcely cannot avoid avoids avoided avoiding escape "
    "escaped failed fails fail failing spared absent prevented prevents denied rarely"
)
LARGER = words_of("above over exceeds exceed exceeded exceeding more higher larger greater beyond surpasses")
SMALLER = words_of("below under less lower smaller within beneath short")
MORE = words_of("more above higher richer better ahead")
LESS = words_of("less below lower poorer worse behind")
"""Right after a number they give it its direction: {{F8}} below the last high."""
PREPOSITIONS = words_of("with to than against over of from beyond versus relative by behind ahead after")
