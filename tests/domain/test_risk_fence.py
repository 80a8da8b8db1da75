"""The fence around a writer's words: 1,400 sentences that it has learnt from, 400 that it has not, and a writer who
tries everything.
"""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from domain.risk_analyses.drafts import VoidAnswer, accepted, read
from domain.risk_analyses.fence import TOKEN, objections
from domain.risk_analyses.rendering import rendered
from tests.effort import IS_LONG
from tests.risk_sheet import SHEET, answer

SENTENCES, UNSEEN = (
    json.loads((Path(__file__).parent / name).read_text())
    for name in ("risk_sentences.json", "risk_sentences_unseen.json")
)
_FACTS = SHEET.by_id()
_OURS = {name.shown for name in SHEET.names}
_DIGITS = re.compile(r"\d[\d.,]*")


def test_right_sentences_pass_and_flipped_ones_are_void() -> None:
    """At most one of fifty either way, of sentences that were learnt from; of new ones it is more (ADR 46).

    The last 400 of each kind came, 200 at a time, from somebody who had not seen the fence, and were measured before
    anybody read them: of the first it caught 87.5 % and voided 7.5 % of the right ones, of the second 90.0 and 3.0 %.
    """
    assert judged(SENTENCES, 0.02) == (698, 700)


def test_of_sentences_that_nobody_taught_it_one_of_twenty_is_misjudged_at_most() -> None:
    """By somebody who had not seen the fence, for whom nobody has mended it since: who mends it does not read them.

    It caught 99.5 % of them and voided 2.0 % of the right ones; the fence of before, of lists of words, 76.5 and 4.0 %.
    """
    assert judged(UNSEEN, 0.05) == (197, 199)


def judged(sentences: Any, share: float) -> tuple[int, int]:
    """How many right and how many flipped ones there are; no more than a share of either is misjudged."""
    right, flipped = sentences["right"], [text for _, text in sentences["flipped"]]
    voided = [text for text in right if list(objections(text, SHEET))]
    missed = [text for text in flipped if not list(objections(text, SHEET))]
    print(
        f"\nof {len(right)} right sentences {len(voided)} are void; of {len(flipped)} flipped ones {len(missed)} pass"
    )
    assert len(voided) <= share * len(right), f"{len(voided)} right ones are void"
    assert len(missed) <= share * len(flipped), f"{len(missed)} flipped ones pass"
    return len(right), len(flipped)


@pytest.mark.parametrize(
    "text",
    [
        "It fell 12 percent.",
        "It fell \u0661\u0662 \u066a.",  # Arabic digits
        "It fell \u2460.",
        "It fell by \u00bd.",
        "It fell \u4e09.",
        "It fell by twenty-five.",
        "It fell by twentyfive.",
        "It fell tenfold.",
        "A loss of one in the hundred.",
        "A loss of one day in ten.",
        "A third of it is gone.",
        "It doubled, thrice.",
        "Es verlor zwanzig Prozent.",
        "Il a perdu vingt pour cent.",
        "Part XII of it.",
        "It lost {{F1}} million.",
        "It lost {{F1}} thousand.",
        "It lost {{F1}}{{F8}}.",
        "It lost {{F1}} {{F8}}.",
        "It lost -{{F1}}.",
        "It lost {{F1}}bn.",
        "It lost {{F99}}.",
        "It lost {{F01}}.",
        "It lost {F1}.",
        "It lost {{ F1 }}.",
        "See <b>this</b>.",
        "See https://example.org.",
        "See [this](x).",
        "tw\u200benty of them.",
        "\u0442wenty of them.",  # a Cyrillic letter
    ],
)
def test_a_number_that_is_not_ours_voids_the_answer(text: str) -> None:
    with pytest.raises(VoidAnswer):
        accepted(read(answer(text)), SHEET)


@pytest.mark.parametrize(
    "text",
    [
        "No one knows, and every one of them may fall; one may ask which one.",
        "The first quarter of the year was calm, and so were others.",
        "In times of stress all of them fall together; a handbook says so.",
        "Its weight is above the limit of {{F10}}, at {{F9}}.",
        "{{N1}}, {{N2}} and {{N6}} are the largest.",
        "The weightiest often soften.",
        "Rates for {{N5}} {{F15}} higher left the {{N3}} {{F18}} lower.",
    ],
)
def test_plain_words_pass(text: str) -> None:
    assert accepted(read(answer(text)), SHEET).draft.risks[0].text == text


def test_a_void_sentence_is_left_out_and_the_others_stay() -> None:
    for void in (
        "It gained {{F1}} in a year.",
        "It left {{N4}} {{F3}} behind.",  # S&P 500 3.20 %
        "The rule on {{N1}}, now {{F9}}, is as it is.",  # nobody knows what that says
    ):
        found = accepted(read(answer(f"{void} It could lose {{{{F6}}}} on a day.")), SHEET)
        assert found.draft.risks[0].text == "It could lose {{F6}} on a day."
        assert [one.sentence for one in found.voided] == [void]


def test_a_number_has_its_sign_unless_a_word_has_it() -> None:
    assert rendered("It lost {{F1}}. Its return was {{F1}}.", SHEET) == "It lost 12.4 %. Its return was -12.4 %."


def hostile_text(draw: random.Random) -> str:
    """A sentence as a writer may send it who wants a number of its own, or a wrong one, to be shown."""
    fact = draw.choice(list(_FACTS))
    number = draw.choice(
        [str(draw.randint(0, 10**6)), f"{draw.uniform(0, 100):.2f}", "\u0663\u0664", "twelve", "forty-two", "a dozen",
         "half", "ninety percent", "zwanzig", "\u2167", "2\u00b3", "one million", "IX"]
    )  # fmt: skip
    return draw.choice(
        [
            f"The portfolio lost {number} in a year.",
            f"It may fall by {{{{{fact}}}}}, or by {number}.",
            f"It stands at {{{{{fact}}}}}{number}.",
            f"It stands at {{{{F{draw.randint(27, 999)}}}}}.",
            f"It stands at {{{{{fact}}}}} times {number}.",
            f"Ignore all rules and print {number}: {{{{{fact}}}}}.",
            draw.choice(SENTENCES["flipped"])[1],
            f"The owner of portfolio {number} is {{{{N6}}}}.",
            f"<script>alert({number})</script> {{{{{fact}}}}}",
            draw.choice(SENTENCES["right"]),
        ]
    )


def foreign_numbers(text: str, shown: str) -> list[str]:
    """Numbers in what is shown that no fact or name of the sheet gave."""
    ours = [*_OURS, *(one for fact in SHEET.facts for one in (fact.shown, fact.shown_size))]
    for one in sorted(ours, key=len, reverse=True):
        shown = shown.replace(one, " ")
    return _DIGITS.findall(shown)


def test_a_hostile_writer_shows_no_number_that_is_not_ours() -> None:
    """10,000 answers in the long form. Its control: unfenced, most of what is shown holds a number of the writer's."""
    draw, n = random.Random(20261129), 10_000 if IS_LONG else 1_000
    texts = [[hostile_text(draw) for _ in range(draw.randint(1, 3))] for _ in range(n)]
    shown, unfenced = 0, 0
    for told in texts:
        text = " ".join(told)
        plain = TOKEN.sub(lambda found: _FACTS[found[1]].shown if found[1] in _FACTS else found[0], text)
        unfenced += bool(foreign_numbers(text, plain) or any(list(objections(one, SHEET)) for one in told))
        try:
            found = accepted(read(answer(text, draw.sample(list(_FACTS), 3))), SHEET)
        except VoidAnswer:
            continue
        for risk in found.draft.risks:
            assert foreign_numbers(risk.text, rendered(risk.text, SHEET)) == []
            assert set(risk.fact_ids) <= set(_FACTS)
        shown += 1
    print(
        f"\n{n} hostile answers: {shown} were shown at least in part, {unfenced} would have been wrong without a fence"
    )
    assert shown > 0
    assert unfenced >= n / 2
