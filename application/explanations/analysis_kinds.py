"""Figures of risk analyses: their facts, each of which stands in a table of the release and often in the review too."""

from collections.abc import Iterator

from application.explanations.asked import AskedFigure
from application.explanations.kinds import kind
from application.explanations.market import stated
from application.explanations.sources import ledger
from domain.explanations import Explained

_AT = "(?:/risk_analysis)?"
_SHEET = "application.risk_facts.sheet:FactCollector"


def told_from(asked: AskedFigure) -> Iterator[Explained]:
    """The row that the fact was read from, and the same number in the review of its day."""
    fact = asked.beside
    key = ", ".join(f"{name} {value}" for name, value in fact["key"].items())
    yield Explained(
        f"row of {fact['table']}, as of {fact['as_of']}",
        fact["value"],
        asked.unit,
        source=asked.at(fact["table"], key),
        reference=fact["source"],
    )


KINDS = (
    kind(
        f"{_AT}/facts/(?P<fact>[^/]+)/value",
        "{label}",
        "Risk and concentration",
        _SHEET,
        "measured of the portfolio in its release; a text shows it as {shown}",
        told_from,
        ledger(),
    ),
    kind(
        f"{_AT}/(?P<name>n_voided|release_id)",
        "{name} of the risk analysis",
        "Risks in words",
        "domain.risk_analyses.fence:objections",
        "sentences that were left out since they contradict a fact; and the release of all facts",
        stated("counted when it was written"),
        ledger(),
    ),
)
