"""The newest risk analysis of a portfolio: its facts are figures of ours, its words are somebody's."""

from collections.abc import Mapping
from typing import Any

from application.answers.asking import Api, NotAnswered
from application.answers.figures import Page, figure_of, text_of, untrusted
from domain.references import FigureReference

Given = Mapping[str, Any]
_WRITTEN = ("DONE", "DEGRADED")
_LOOKED_THROUGH = 20
_MOST_TEXT = 1000
_UNITS = {"BASIS_POINTS": "bps"}


async def newest(api: Api, given: Given, page: Page) -> dict[str, Any]:
    """Words may be a language model's: they are told as data, whoever wrote them."""
    listed = await api.get("portfolios", given["portfolio_id"], "risk-analyses", limit=_LOOKED_THROUGH)
    written = [one["analysis_id"] for one in listed["items"] if one["status"] in _WRITTEN]
    if not written:
        raise NotAnswered("the portfolio has no risk analysis that is done; one is requested over the HTTP API")
    told = await api.get("risk-analyses", written[0])
    figures, rest = page.of([_figure(fact) for fact in told["facts"]], int(told["release_id"]))
    plain = ("analysis_id", "status", "as_of", "model_used")
    return {
        **{name: told[name] for name in plain},
        "release": int(told["release_id"]),
        "risks": [_risk(one) for one in told["risks"]],
        "figures": figures,
        **rest,
        **untrusted({name: told[name] for name in ("reason", "macro_climate_summary")}, _MOST_TEXT),
    }


def _figure(fact: Mapping[str, Any]) -> dict[str, Any]:
    unit = fact["currency"] if fact["unit"] == "MONEY" else _UNITS.get(fact["unit"], fact["unit"].lower())
    reference = FigureReference.parse(fact["explain"])
    found = figure_of(fact["fact_id"], text_of(fact["value"]), unit, fact["as_of"], reference)
    return {**found, **untrusted({name: fact[name] for name in ("measure", "label")})}  # both may name an issuer


def _risk(risk: Mapping[str, Any]) -> dict[str, Any]:
    words = {name: risk[name] for name in ("title", "text", "what_would_change_it")}
    ours = {name: risk[name] for name in ("severity", "likelihood", "fact_ids")}
    return {**ours, **untrusted(words, _MOST_TEXT)}
