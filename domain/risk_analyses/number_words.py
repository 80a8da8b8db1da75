"""Words that say a number, which a text of a writer must not hold: English ones and, as far as the words are none of
English, those of German, French, Spanish, Italian, Dutch and Portuguese.
"""

import re

from domain.risk_analyses.phrases import words_of

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
    r"\b(?:no|any|every|each|some|this|that|which|another)[ -]one\b|\bone (?:of|another|that|which|"
    r"side|way|reason|by one|may|can|might|should|would|must|needs?|sees|reads|looks)\b|\bthe one\b|\bone who\b|"
    r"\b(?:an?|the) [a-z]+ one(?=[.,;:!?)]|$| (?:at|by|is|was|has|does|did|who|that)\b)|\bone's\b",
    re.IGNORECASE,
)
"""A person, a choice: not a number."""
_SCALED = re.compile(
    r"\b(?:(?:a|about|nearly|over|almost|some) quarter(?: of| less| more)|quarters of|"
    r"(?:percentage|index) points?|per ?cent|per mille|couple of|handful of|"
    r"scores? of|[a-z]+-fold|orders? of magnitude)\b|"
    r"~\s*(?:basis points?|points?(?! (?:to|toward|towards|at)\b)|times|x|k|m|thousandfold)\b",
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
