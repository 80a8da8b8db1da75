"""`rules/1`, comparisons and scores: the same text for the same sheet, every breach a risk, and how it came out."""

import random
from dataclasses import replace
from datetime import date

import pytest

from domain.risk_analyses import rules
from domain.risk_analyses.analysis import ChangeKind, changes, measures
from domain.risk_analyses.bounds import BOUNDS, Severity
from domain.risk_analyses.drafts import AnalysisDraft, Likelihood, Risk, accepted
from domain.risk_analyses.facts import FactSheet, Sense, SheetMaker, Unit, sheet_json, sheet_of, signed
from domain.risk_analyses.rendering import rendered
from domain.risk_analyses.scores import outcomes, quarter_end_after, quarter_ends, score, sheets_within
from tests.effort import examples

_DAY = date(2017, 3, 31)
_SIGNS = {
    "drawdown/now": (Sense.ROSE, Sense.FELL),
    "curve/slope": (Sense.UPWARD, Sense.INVERTED),
    "correlation/highest": (Sense.TOGETHER, Sense.OPPOSITE),
    "inflation/year": (Sense.ROSE, Sense.FELL),
}
_LABELS = {"component/largest_share": "share of the largest", "value_at_risk/ten_days": "a longer stretch"}


def sheet(draw: random.Random, calm: bool = False, on: date = _DAY) -> FactSheet:
    """Measures at random, some of them missing; `calm` ones are on the better side of their bounds."""
    maker = SheetMaker(1, on, "USD")
    told = {"table": "marts/fact_risk", "key": {"portfolio_id": "p"}}
    for measure, bound in BOUNDS.items():
        width = abs(bound.high - bound.medium)
        better = -1 if bound.is_worse_above else 1
        far = draw.uniform(0.1, 1) if calm else draw.uniform(-2, 1)
        value = bound.medium + better * far * width
        if draw.random() < 0.8 or calm:
            positive, negative = _SIGNS.get(measure, (Sense.LEVEL, Sense.LEVEL))
            sense = signed(value, positive, negative)
            maker.add(
                measure, _LABELS.get(measure, measure.replace("/", " of ")), value, Unit.FRACTION, sense=sense, **told
            )
    maker.add("component/largest", maker.name("SECURITY", "3M"), 0.02, Unit.FRACTION, **told)
    for place in range(draw.randint(0, 4)):
        state = "OK" if calm else draw.choice(["OK", "WARN", "BREACH"])
        sense = Sense.OVER if state == "BREACH" else Sense.WITHIN
        measure = f"limit/issuer/GROSS_WEIGHT/{place}"
        label = f"the weight of {maker.name('ISSUER', f'{place}M')}"
        maker.add(measure, label, 0.4, Unit.FRACTION, sense=sense, state=state, **told)
        maker.add(f"bound/{measure}", f"limit of {label}", 0.35, Unit.FRACTION, **told)
    return maker.sheet()


def test_every_breach_is_a_risk_and_without_any_nothing_is_severe() -> None:
    draw = random.Random(1)
    for _ in range(examples(400)):
        found = sheet(draw)
        draft = rules.write(found)
        high = {measure for risk in draft.risks if risk.severity is Severity.HIGH for measure in measures(risk, found)}
        assert {fact.measure for fact in found.facts if fact.state == "BREACH"} <= high
        assert accepted(draft, found).voided == ()
        assert rules.write(sheet_of(sheet_json(found))) == draft
        calm = sheet(draw, calm=True)
        assert {risk.severity for risk in rules.write(calm).risks} <= {Severity.LOW}


def test_the_same_sheet_gives_the_same_words_to_the_byte() -> None:
    found = sheet(random.Random(3))
    draft = rules.write(found)
    told = [rendered(risk.text, found) for risk in draft.risks]
    assert [rendered(risk.text, found) for risk in rules.write(sheet(random.Random(3))).risks] == told
    assert found.facts_hash == sheet(random.Random(3)).facts_hash != sheet(random.Random(4)).facts_hash


def risk_of(found: FactSheet, measure: str, severity: Severity = Severity.MEDIUM) -> Risk:
    fact = found.of(measure)
    assert fact is not None
    return Risk(measure, severity, Likelihood.POSSIBLE, "It may.", (fact.fact_id,), "")


def with_value(found: FactSheet, measure: str, value: float) -> FactSheet:
    return replace(
        found, facts=tuple(replace(one, value=value) if one.measure == measure else one for one in found.facts)
    )


def test_risks_are_compared_by_what_they_are_about() -> None:
    before = sheet(random.Random(5), calm=True)
    after = with_value(with_value(before, "inflation/year", 0.09), "currency/foreign", 0.3)
    old = AnalysisDraft(
        tuple(risk_of(before, one) for one in ("inflation/year", "drawdown/now", "currency/foreign")), ""
    )
    new = AnalysisDraft(tuple(risk_of(after, one) for one in ("inflation/year", "curve/slope", "currency/foreign")), "")
    found = {(one.after or one.before).title: one.change for one in changes((before, old), (after, new))}
    assert found["inflation/year"] is ChangeKind.GROWN
    assert (found["curve/slope"], found["drawdown/now"]) == (ChangeKind.NEW, ChangeKind.GONE)
    severe = AnalysisDraft((risk_of(after, "curve/slope", Severity.HIGH),), "")
    assert changes((after, new), (after, severe))[0].change is ChangeKind.GROWN


@pytest.mark.parametrize(
    ("day", "count", "end"),
    [
        (date(2017, 3, 31), 1, date(2017, 6, 30)),
        (date(2017, 3, 29), 0, date(2017, 3, 31)),
        (date(2016, 11, 5), 1, date(2017, 3, 31)),
        (date(2016, 12, 31), 4, date(2017, 12, 31)),
    ],
)
def test_ends_of_quarters(day: date, count: int, end: date) -> None:
    assert quarter_end_after(day, count) == end


def test_a_named_measure_came_true_if_it_worsened_or_breached_within_the_time() -> None:
    ends = quarter_ends(date(2016, 1, 1), date(2017, 3, 31))
    assert (ends[0], ends[-1], len(ends)) == (date(2016, 3, 31), date(2017, 3, 31), 5)
    sheets = {end: replace(sheet(random.Random(7), calm=True), as_of=end) for end in ends}
    start = sheets[ends[0]]
    sheets[ends[2]] = with_value(sheets[ends[2]], "drawdown/now", -0.25)  # and back again
    sheets[ends[4]] = with_value(sheets[ends[4]], "inflation/year", 0.08)
    draft = AnalysisDraft((risk_of(start, "drawdown/now"), risk_of(start, "curve/slope")), "")

    soon, later = (sheets_within(sheets, ends[0], months) for months in (3, 12))
    assert soon is not None
    assert later is not None
    assert score(3, outcomes(draft, start, soon)).n_true == 0
    found = score(12, outcomes(draft, start, later))
    assert (found.n_named, found.n_breached, found.n_worsened, found.hit_rate) == (2, 1, 0, 0.5)
    assert found.n_others_true == 1
    assert sheets_within(sheets, ends[3], 12) is None
