"""A sheet of 26 facts of every sense, which the sentences of `risk_sentences.json` are about; and a writer's answer
about it."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from domain.risk_analyses.facts import Fact, FactSheet, Name, Sense, Unit

DAY = date(2017, 3, 29)
_FACTS: Sequence[tuple[str, str, float, Sense, Unit]] = (
    ("return/1Y/twr", "return of the last year", -0.124, Sense.FELL, Unit.FRACTION),
    ("return/SINCE_INCEPTION/twr_annual", "return a year since it began", 0.081, Sense.ROSE, Unit.FRACTION),
    ("return/1Y/active_return", "return of a year beyond {{N4}}", 0.032, Sense.AHEAD, Unit.FRACTION),
    ("return/3Y/active_return", "return of three years beyond {{N4}}", -0.011, Sense.BEHIND, Unit.FRACTION),
    ("volatility/CURRENT_WEIGHTS", "volatility a year", 0.18, Sense.LEVEL, Unit.FRACTION),
    ("value_at_risk/day", "loss that most days do not pass", 0.0213, Sense.LOSS, Unit.FRACTION),
    ("drawdown/deepest", "deepest fall", -0.353, Sense.FELL, Unit.FRACTION),
    ("drawdown/now", "distance below the last high", -0.091, Sense.FELL, Unit.FRACTION),
    ("limit/issuer/GROSS_WEIGHT/N1", "the weight of {{N1}}", 0.412, Sense.OVER, Unit.FRACTION),
    ("bound/limit/issuer/GROSS_WEIGHT/N1", "limit of the weight of {{N1}}", 0.35, Sense.LEVEL, Unit.FRACTION),
    ("limit/sector/GROSS_WEIGHT/N2", "the weight of {{N2}}", 0.384, Sense.WITHIN, Unit.FRACTION),
    ("bound/limit/sector/GROSS_WEIGHT/N2", "limit of the weight of {{N2}}", 0.6, Sense.LEVEL, Unit.FRACTION),
    ("bonds/dv01", "loss for the smallest step of yield", 1241.3, Sense.COST_OF_YIELDS, Unit.MONEY),
    ("curve/slope", "slope of the curve", -0.43, Sense.INVERTED, Unit.POINTS),
    ("curve/change", "change of the yield for {{N5}}", 1.12, Sense.ROSE, Unit.POINTS),
    ("curve/long", "the yield for {{N5}}", 2.39, Sense.LEVEL, Unit.PERCENT),
    ("inflation/year", "rise of consumer prices", 0.0274, Sense.ROSE, Unit.FRACTION),
    ("exchange_rate/EUR", "change of {{N3}}", -0.0421, Sense.FELL, Unit.FRACTION),
    ("correlation/highest", "{{N1}} and {{N6}}", 0.913, Sense.TOGETHER, Unit.RATIO),
    ("correlation/lowest", "{{N2}} and {{N6}}", -0.352, Sense.OPPOSITE, Unit.RATIO),
    ("simulation/loss", "chance of less than today", 0.0817, Sense.LEVEL, Unit.FRACTION),
    ("gains/realised", "gain realised this year", 120_345.67, Sense.ROSE, Unit.MONEY),
    ("security/N6/gain", "unrealised result of {{N6}}", -31_002.5, Sense.FELL, Unit.MONEY),
    ("bonds/duration", "duration of the bonds", 6.24, Sense.LEVEL, Unit.YEARS),
    ("curve/other_slope", "slope of another curve", 1.24, Sense.UPWARD, Unit.POINTS),
    ("curve/change_short", "change of the short yield", -0.61, Sense.FELL, Unit.POINTS),
)
_NAMES = (
    ("SECURITY", "3M Co", "MMM"),
    ("SECTOR", "Industrials", "Industrials"),
    ("CURRENCY", "EUR", "EUR"),
    ("INDEX", "S&P 500", "S&P 500"),
    ("TENOR", "10 years", "10 years"),
    ("SECURITY", "Grandmother's 2nd house", None),
)
SHEET = FactSheet(
    7,
    DAY,
    "USD",
    tuple(
        Fact(
            f"F{place}",
            measure,
            label,
            value,
            unit,
            sense,
            DAY,
            "marts/fact_risk",
            {"portfolio_id": "p"},
            currency="USD" if unit is Unit.MONEY else None,
            state={Sense.OVER: "BREACH", Sense.WITHIN: "OK"}.get(sense),
        )
        for place, (measure, label, value, sense, unit) in enumerate(_FACTS, start=1)
    ),
    tuple(Name(f"N{place}", *one) for place, one in enumerate(_NAMES, start=1)),
)


def answer(text: str, fact_ids: Sequence[str] = ("F6",), **told: Any) -> str:
    """A writer's answer with one risk."""
    risk: Mapping[str, Any] = {
        "title": "Something may happen",
        "severity": "MEDIUM",
        "likelihood": "POSSIBLE",
        "text": text,
        "fact_ids": list(fact_ids),
        "what_would_change_it": "Less of it.",
    }
    return json.dumps({"risks": [{**risk, **told}], "macro_climate_summary": "Prices rose by {{F17}}."})
