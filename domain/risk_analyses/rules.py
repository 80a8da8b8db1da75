"""`rules/1`: the writer that needs no model. The same sheet gives the same text, to the byte.

Every limit in BREACH is a risk of high severity, every one in WARN of medium; then each measure that is beyond its
bound (`bounds.py`), and the market as such. What nothing is beyond is of low severity.
"""

from collections.abc import Callable, Iterator, Sequence

from domain.risk_analyses.bounds import BOUNDS, Severity
from domain.risk_analyses.drafts import MOST_RISKS, AnalysisDraft, Likelihood, Risk
from domain.risk_analyses.facts import Fact, FactSheet, Sense

RULES = "rules/1"
_ORDER = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
_LIKELIHOOD = {
    Severity.HIGH: Likelihood.LIKELY,
    Severity.MEDIUM: Likelihood.POSSIBLE,
    Severity.LOW: Likelihood.UNLIKELY,
}


def write(sheet: FactSheet) -> AnalysisDraft:
    """The risks of a sheet, the most severe first, and what is known of the climate."""
    found = [risk for rule in _RULES for risk in rule(sheet)]
    kept = sorted(found, key=lambda risk: _ORDER.index(risk.severity))
    n_breached = sum(risk.severity is Severity.HIGH for risk in kept)
    return AnalysisDraft(tuple(kept[: max(MOST_RISKS, n_breached)]), _climate(sheet))


def _limits(sheet: FactSheet) -> Iterator[Risk]:
    for fact in sheet.under("limit/"):
        if fact.state not in ("BREACH", "WARN"):
            continue
        bound = sheet.of(f"bound/{fact.measure}")
        assert bound is not None, "whoever tells a limit tells its bound"
        is_breached = fact.state == "BREACH"
        yield Risk(
            title=f"{_first(fact.label)} is {'over its limit' if is_breached else 'close to its limit'}",
            severity=Severity.HIGH if is_breached else Severity.MEDIUM,
            likelihood=Likelihood.LIKELY if is_breached else Likelihood.POSSIBLE,
            text=f"It stands at {_t(fact)}. The limit is {_t(bound)}. {_WHY_LIMITS}",
            fact_ids=(fact.fact_id, bound.fact_id),
            what_would_change_it="Selling part of it, or buying what is outside of it, brings it back.",
        )


_WHY_LIMITS = "What is held in few hands fails together, and no return of the past says when."


def _component(sheet: FactSheet) -> Iterator[Risk]:
    share, part = sheet.of("component/largest_share"), sheet.of("component/largest")
    if share and part and (severity := _beyond(share)):
        weight = sheet.of("component/largest_weight")
        its_weight = f" Its weight is {_t(weight)}." if weight else ""
        yield _risk(
            "A single holding makes the most of the risk",
            severity,
            f"Of what the portfolio can lose on a bad day, {part.label} makes {_t(share)}.{its_weight} "
            "A holding whose part of the risk is larger than its weight decides how the portfolio does.",
            (share, part, weight),
            "A smaller weight of it, or holdings that move apart from it.",
        )


def _volatility(sheet: FactSheet) -> Iterator[Risk]:
    now = sheet.of("volatility/CURRENT_WEIGHTS") or sheet.of("volatility/REALISED")
    if now and (severity := _beyond(now)):
        before = sheet.of("volatility/REALISED") if now.measure != "volatility/REALISED" else None
        compared = f" What the owner went through so far was {_t(before)}." if before else ""
        yield _risk(
            "The holdings move much",
            severity,
            f"Their volatility is {_t(now)} a year.{compared}",
            (now, before),
            "Calmer holdings, more cash, or holdings that move apart from each other.",
        )


def _drawdown(sheet: FactSheet) -> Iterator[Risk]:
    now = sheet.of("drawdown/now")
    if now and (severity := _beyond(now)):
        deepest, since = sheet.of("drawdown/deepest"), sheet.of("drawdown/days")
        told = f" The last high is {_t(since)} ago." if since else ""
        told += f" The deepest fall so far was {_t(deepest)}." if deepest else ""
        yield _risk(
            "The portfolio is below its last high",
            severity,
            f"It has lost {_t(now)} from there.{told}",
            (now, since, deepest),
            "A new high, with what was paid in and taken out left aside.",
        )


def _currency(sheet: FactSheet) -> Iterator[Risk]:
    share = sheet.of("currency/foreign")
    if share and (severity := _beyond(share)):
        rates = sheet.under("exchange_rate/")[:2]
        moved = "".join(f" {_first(fact.label)}: {_t(fact)}." for fact in rates)
        yield _risk(
            "Much is held in other currencies",
            severity,
            f"Of the portfolio {_t(share)} is in currencies other than its own.{moved}",
            (share, *rates),
            "Holdings in the portfolio's own currency, or a hedge, which is not recorded here.",
        )


def _bonds(sheet: FactSheet) -> Iterator[Risk]:
    loss = sheet.of("bonds/loss_per_point")
    if loss and (severity := _beyond(loss)):
        duration, by_point = sheet.of("bonds/duration"), sheet.of("bonds/dv01")
        told = f" The duration of the bonds is {_t(duration)}." if duration else ""
        told += f" For the smallest step of the curve that is a loss of {_t(by_point)}." if by_point else ""
        yield _risk(
            "Higher yields would cost much",
            severity,
            f"If yields rise by a whole point, the portfolio loses {_t(loss)}.{told}",
            (loss, duration, by_point),
            "Shorter bonds, or fewer of them.",
        )


def _liquidity(sheet: FactSheet) -> Iterator[Risk]:
    for measure, what in (
        ("liquidity/stale", "is valued at a price that is older than its day"),
        ("liquidity/uncovered", "has no price or no rate, and is in no figure of this text"),
    ):
        share = sheet.of(measure)
        if share and (severity := _beyond(share)):
            yield _risk(
                "Not all of the value is known",
                severity,
                f"Of what is held {_t(share)} {what}. A price that nobody has paid lately may not be there to sell at.",
                (share,),
                "Newer prices of those holdings.",
            )


def _leverage(sheet: FactSheet) -> Iterator[Risk]:
    found = sheet.of("exposure/leverage")
    if found and (severity := _beyond(found)):
        yield _risk(
            "More is held than is owned",
            severity,
            f"The sizes of all positions are {_t(found)} of what the portfolio is worth..",
            (found,),
            "Fewer positions on borrowed money, or smaller shorts.",
        )


def _correlation(sheet: FactSheet) -> Iterator[Risk]:
    found = sheet.of("correlation/highest")
    if found and found.sense is Sense.TOGETHER and (severity := _beyond(found)):
        yield _risk(
            "Holdings that are nearly the same",
            severity,
            f"{_first(found.label)} move together at {_t(found)}, so that they spread no risk between them.",
            (found,),
            "Only one of the pair.",
        )


def _future(sheet: FactSheet) -> Iterator[Risk]:
    loss = sheet.of("simulation/loss")
    if loss and (severity := _beyond(loss)):
        low, median = sheet.of("simulation/p5"), sheet.of("simulation/median")
        told = f" The simulated middle is {_t(median)}." if median else ""
        told += f" The low end is {_t(low)}." if low else ""
        yield _risk(
            "The future may leave less than there is",
            severity,
            f"Of the simulated futures {_t(loss)} end below today's value.{told}",
            (loss, median, low),
            "A longer time, less that is taken out, or holdings with less risk.",
        )


def _inflation(sheet: FactSheet) -> Iterator[Risk]:
    found = sheet.of("inflation/year")
    if found and (severity := _beyond(found)):
        yield _risk(
            "Money loses its worth fast",
            severity,
            f"Consumer prices rose by {_t(found)} over a year. Cash and fixed coupons lose that much of what they buy.",
            (found,),
            "Slower inflation, or less cash and fewer fixed coupons.",
        )


def _inversion(sheet: FactSheet) -> Iterator[Risk]:
    slope = sheet.of("curve/slope")
    if slope and slope.sense is Sense.INVERTED and (severity := _beyond(slope)):
        yield _risk(
            "The curve is inverted",
            severity,
            f"Its slope is {_t(slope)}: long yields are below short ones. Such curves came before most recessions, "
            "and before some that did not come.",
            (slope,),
            "Short yields that fall, or long ones that rise.",
        )


def _market(sheet: FactSheet) -> Iterator[Risk]:
    """The risk that every portfolio has, as severe as its worst tail."""
    shortfall = sheet.of("shortfall/day")
    if shortfall is None:
        return
    var, deepest = sheet.of("value_at_risk/ten_days"), sheet.of("drawdown/deepest")
    told = f" Over {var.label} it may lose {_t(var)}." if var else ""
    told += f" So far it fell by {_t(deepest)} at the most." if deepest and deepest.value < 0 else ""
    severity = BOUNDS["shortfall/day"].severity(shortfall.value)
    likelihood = Likelihood.POSSIBLE if severity is Severity.LOW else _LIKELIHOOD[severity]
    yield Risk(
        "The market falls",
        severity,
        likelihood,
        f"On its worst days the portfolio as it is held now would lose {_t(shortfall)}, in the mean.{told}",
        tuple(fact.fact_id for fact in (shortfall, var, deepest) if fact),
        "More cash, or holdings that the market moves less.",
    )


_RULES: Sequence[Callable[[FactSheet], Iterator[Risk]]] = (
    *(_limits, _component, _volatility, _drawdown, _liquidity, _leverage, _bonds),
    *(_currency, _correlation, _future, _inflation, _inversion, _market),
)


def _climate(sheet: FactSheet) -> str:
    told = []
    if level := sheet.of("curve/long"):
        moved = sheet.of("curve/change")
        told.append(f"{_first(level.label)} is {_t(level)}.")
        if moved and moved.sense is not Sense.LEVEL:
            told.append(f"Over a year it {'rose' if moved.sense is Sense.ROSE else 'fell'} by {_t(moved)}.")
    if slope := sheet.of("curve/slope"):
        shape = {Sense.UPWARD: "slopes upward", Sense.INVERTED: "is inverted"}.get(slope.sense, "is flat")
        told.append(f"The curve {shape}: its slope is {_t(slope)}.")
    if inflation := sheet.of("inflation/year"):
        moves = {Sense.ROSE: "rose", Sense.FELL: "fell"}.get(inflation.sense, "stayed where they were, at")
        by = "by " if inflation.sense is not Sense.LEVEL else ""
        told.append(f"Consumer prices {moves} {by}{_t(inflation)} over a year.")
    for rate in sheet.under("exchange_rate/")[:3]:
        moves = {Sense.ROSE: "rose by", Sense.FELL: "fell by"}.get(rate.sense, "stands where it was,")
        told.append(f"{_first(rate.label)} {moves} {_t(rate)}.")
    return " ".join(told) or "Nothing is known of yields, prices or exchange rates on the day."


def _beyond(fact: Fact) -> Severity | None:
    """The severity of a measure that is beyond a bound, None of one that is not."""
    severity = BOUNDS[fact.measure].severity(fact.value)
    return None if severity is Severity.LOW else severity


def _risk(title: str, severity: Severity, text: str, facts: Sequence[Fact | None], what_would_change_it: str) -> Risk:
    ids = tuple(fact.fact_id for fact in facts if fact)
    return Risk(title, severity, _LIKELIHOOD[severity], text, ids, what_would_change_it)


def _t(fact: Fact) -> str:
    return f"{{{{{fact.fact_id}}}}}"


def _first(label: str) -> str:
    """The label at the beginning of a sentence."""
    return label[:1].upper() + label[1:]
