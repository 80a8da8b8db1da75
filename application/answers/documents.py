"""Tools that show documents of figures: review, values, gains and simulations, as the API tells them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from application.answers import analyses
from application.answers.asking import Api, NotAnswered
from application.answers.figures import MOST, Page, Shown, evenly, figure_of, text_of, untrusted
from domain.references import Document, FigureReference
from domain.units import FRACTION, INDEX, RATIO, unit_of

Given = Mapping[str, Any]
VALUE_MEASURES = (
    *("total_value", "positions_value", "cash", "cost_basis", "realised", "inflow", "outflow", "income", "tax", "fees"),
    *("coverage_pct", "twr_index"),
)
_IN_REVIEW = {"quantity": "quantity", "market_value_base": "value"}
"""Figures of a position that a review has too, and how it calls them."""
_IN_OWN = {
    "close": "{} per unit, of a bond per 100 of face",
    "avg_cost": "{} per unit",
    **dict.fromkeys(("cost_basis", "market_value", "gain_loss", "realised"), "{}"),
}
"""Figures of a position that are in its security's currency, by their units."""
_FAN_ROWS = 31


async def performance(api: Api, given: Given) -> dict[str, Any]:
    portfolio, told = await _reviewed(api, given, "performance")
    sections = {name: told[name] for name in ("benchmark", "periods", "contributions")}
    return await _shown(_review_of(given, told), {"portfolio": portfolio, **sections}, given, told)


async def risk(api: Api, given: Given) -> dict[str, Any]:
    if "analysis" in given:
        return await analyses.newest(api, given, _page(given))
    portfolio, told = await _reviewed(api, given, "risk")
    return await _shown(_review_of(given, told), {"portfolio": portfolio, "risk": told["risk"]}, given, told)


async def concentration(api: Api, given: Given) -> dict[str, Any]:
    portfolio, told = await _reviewed(api, given, "concentration")
    document = {"portfolio": portfolio, "concentration": told["concentration"]}
    return await _shown(_review_of(given, told), document, given, told)


async def _reviewed(api: Api, given: Given, part: str) -> tuple[Any, Any]:
    """The currency of a portfolio, as a review has it, and a part of its review."""
    portfolio_id = given["portfolio_id"]
    portfolio = await api.get("portfolios", portfolio_id)
    asked = {name: given.get(name) for name in ("as_of", "as_known_on")}
    return {"base_currency": portfolio["base_currency"]}, await api.get("portfolios", portfolio_id, part, **asked)


def _review_of(given: Given, told: Any) -> FigureReference:
    """The review of the day that was asked for, or of the release's last day before it."""
    days = [day for day in (given.get("as_of"), told["as_of"]) if day]
    return _reference(Document.REVIEW, given["portfolio_id"], told, min(days, default=None))


async def positions(api: Api, given: Given) -> dict[str, Any]:
    portfolio_id, on = given["portfolio_id"], given.get("on")
    told = await api.get("portfolios", portfolio_id, "positions", on=on)
    total = told["total"]
    day = total["business_date"] if total else on or told["as_of"]
    review = _reference(Document.REVIEW, portfolio_id, told, day)
    of_base = {"base_currency": total["currency"]} if total else {}
    document = {**of_base, "total": total, "cash": told["cash"], "positions": told["positions"]}

    currencies = {one["ticker"]: one["currency"] for one in told["positions"]}

    def explained(place: str) -> FigureReference:
        """A review has a position's quantity and value; what else is told of it is explained by its value."""
        if not place.startswith("/positions/"):
            return replace(review, place=place)
        _, _, ticker, measure = place.split("/")
        return replace(review, place=f"/holdings/{ticker}/{_IN_REVIEW.get(measure, 'value')}")

    def unit_at(place: str) -> str:
        """A position's own figures are in the security's currency."""
        _, _, ticker, measure = f"{place}//".split("/")[:4]
        in_own = _IN_OWN.get(measure) if place.startswith("/positions/") else None
        return in_own.format(currencies[ticker]) if in_own else unit_of(document, place)

    return await _shown(review, document, given, told, explained, unit_at)


async def values(api: Api, given: Given) -> dict[str, Any]:
    portfolio_id, measure = given["portfolio_id"], given.get("measure", "total_value")
    told = await api.get("portfolios", portfolio_id, "values", from_=given.get("from"), to=given.get("to"))
    chosen, rest = evenly(len(told["values"]), given.get("limit", MOST))
    shown_of_each = ("business_date", "currency", "status", measure)
    rows = [{name: row[name] for name in shown_of_each} for i, row in enumerate(told["values"]) if i in chosen]
    reference = _reference(Document.VALUES, portfolio_id, told)
    said = {"/values": rest} if rest else {}
    shown = Shown(reference, {"values": rows}, None, _texts(told), said, day_of=lambda place: place.split("/")[2])
    return {**_release(told), **await shown.answer(Page())}


async def gains(api: Api, given: Given) -> dict[str, Any]:
    portfolio_id = given["portfolio_id"]
    told = await api.get("portfolios", portfolio_id, "gains", year=given.get("year"))
    year = told["year"].text if told["year"] is not None else None
    reference = _reference(Document.GAINS, portfolio_id, told, f"{year}-12-31" if year else None)
    lists = ("disposals", "total", "by_term", "by_currency", "income", "income_by_type", "income_by_currency")
    document = {"base_currency": told["currency"], **{name: told[name] for name in lists}}
    return {"year": year or "all", **await _shown(reference, document, given, told)}


async def simulations(api: Api, given: Given) -> dict[str, Any]:
    simulation_id, other = given.get("simulation_id"), given.get("compare_with")
    if simulation_id is None:
        return await _listed(api, given)
    if other is not None:
        return await _compared(api, given, simulation_id, other)
    told = await api.get("simulations", simulation_id)
    if told["release_id"] is None:
        return {"status": told["status"], **untrusted({"name": told["name"], "reason": told["reason"]})}
    page = _page(given)
    fan = (told["fan"] or []) if page.under.startswith("/fan") else []
    chosen, rest = evenly(len(fan), _FAN_ROWS)
    rows = [row if i in chosen else None for i, row in enumerate(fan)]  # called by their places, which stay
    day = (told["summary"] or {}).get("as_of")
    reference = _reference(Document.SIMULATION, simulation_id, told)
    shown = Shown(reference, {**told, "fan": rows}, day, thinned={"/fan": rest} if rest else {})
    return {"release": reference.release_id, "as_of": day, **await shown.answer(page)}


async def _listed(api: Api, given: Given) -> dict[str, Any]:
    if "portfolio_id" not in given:
        raise NotAnswered("give portfolio_id for the list of its simulations, or simulation_id for one")
    page = {"limit": given.get("limit", MOST), "cursor": given.get("cursor")}
    told = await api.get("portfolios", given["portfolio_id"], "simulations", sort="-requested", **page)
    items = [{**_plain(one, _LISTED), **untrusted({"name": one["name"]})} for one in told["items"]]
    return {"simulations": items, **({"next_cursor": told["next_cursor"]} if told["next_cursor"] else {})}


_LISTED = ("simulation_id", "status", "model", "drift", "scenario", "horizon_years", "is_standing", "requested_at")


async def _compared(api: Api, given: Given, simulation_id: str, other: str) -> dict[str, Any]:
    told = await api.get("simulations", "compare", ids=f"{simulation_id},{other}")
    first, second = (_reference(Document.SIMULATION, told[side]["simulation_id"], told[side]) for side in _SIDES)
    summary = told["second"]["summary"]
    found = [
        figure
        for row in told["differences"]
        for figure in _differences(row, {"first": first, "second": second}, summary["as_of"], summary["currency"])
    ]
    figures, rest = _page(given).of(found, second.release_id)
    return {"how": told["how"], "on_common_numbers": told["on_common_numbers"], "figures": figures, **rest}


def _differences(
    row: Mapping[str, Any], of: Mapping[str, FigureReference], day: str, currency: str
) -> Iterator[dict[str, Any]]:
    """A figure of either simulation is explained by it, a difference by the second's figure."""
    name = row["name"]
    unit = unit_of({"currency": currency, "figures": {name: {"value": row["first"]}}}, f"/figures/{name}/value")
    for measure, side, own in _COMPARED:
        if row[measure] is not None:
            reference = of[side].at("summary", "figures", name, "standard_error" if "error" in measure else "value")
            yield figure_of(f"{name}/{measure}", row[measure].text, own or unit, day, reference)


_SIDES = ("first", "second")
_COMPARED = (
    ("first", "first", None),
    ("first_error", "first", None),
    ("second", "second", None),
    ("second_error", "second", None),
    ("difference", "second", None),
    ("standard_error", "second", None),
    ("relative", "second", FRACTION),
    ("relative_error", "second", FRACTION),
    ("correlation", "second", RATIO),
)
"""Columns of a comparison: the simulation that explains each, and its unit where it is not the figure's."""


async def restatement(api: Api, given: Given) -> dict[str, Any]:
    portfolio_id = given["portfolio_id"]
    told = await api.get("portfolios", portfolio_id, "restatement", since=given["since"])
    currency = (await api.get("portfolios", portfolio_id))["base_currency"]
    then, now = (_reference(Document.VALUES, portfolio_id, told[side]) for side in ("before", "after"))
    found = [figure for day in told["days"] for figure in _restated(day, then, now, currency)]
    figures, rest = _page(given).of(found, now.release_id)
    causes = {name: [_plain(one, _CAUSE) for one in told[name][:MOST]] for name in _CAUSES if told[name]}
    notes = {f"/transactions/{text_of(one['seq'])}/note": one["note"] for one in told["transactions"]}
    return {
        "releases": [then.release_id, now.release_id],
        **{name: text_of(told[name]) for name in ("n_days", "until", "first_day", "last_day")},
        "figures": figures,
        **rest,
        **({"causes": causes} if causes else {}),
        **untrusted(notes),
    }


_CAUSES = ("transactions", "prices", "rates", "settings")
_CAUSE = (
    *("seq", "txn_type", "business_date", "recorded_at", "ticker", "quantity", "price", "cash_effect", "currency"),
    *("reverses_seq", "what", "n_days", "first_day", "last_day", "largest_day", "before", "after", "setting"),
)


def _restated(
    day: Mapping[str, Any], then: FigureReference, now: FigureReference, currency: str
) -> Iterator[dict[str, Any]]:
    """A figure of either release is explained by that release, the change by the newer one."""
    told = (("before_value", then), ("after_value", now), ("change", now), ("before_index", then), ("after_index", now))
    for measure, reference in told:
        if day[measure] is not None:
            is_index = measure.endswith("_index")
            at = reference.at("values", day["business_date"], "twr_index" if is_index else "total_value")
            unit = INDEX if is_index else currency
            yield figure_of(measure, text_of(day[measure]), unit, day["business_date"], at)


async def _shown(
    reference: FigureReference,
    document: Mapping[str, Any],
    given: Given,
    told: Any,
    explained: Callable[[str], FigureReference] | None = None,
    unit_at: Callable[[str], str] | None = None,
) -> dict[str, Any]:
    days = [day for day in (reference.on and reference.on.isoformat(), told["as_of"]) if day]
    day = min(days, default=None)  # a year may not have ended
    shown = Shown(reference, document, day, _texts(told), explained=explained, unit_at=unit_at)
    return {**_release(told), **await shown.answer(_page(given))}


def _release(told: Any) -> dict[str, Any]:
    """The release as it shows a portfolio: HELD is an older state of it, as its new numbers have failed a check."""
    state = {} if told["status"] == "RELEASED" else {"status": told["status"]}
    return {"release": int(told["release_id"]), "as_of": told["as_of"], **state}


def _texts(told: Any) -> dict[str, str]:
    held = told["held"] or {}
    words = {name: held[name] for name in ("check_name", "figures") if name in held}
    return {**words, **{f"/warnings/{i}": text for i, text in enumerate(told["warnings"])}}


def _plain(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: text_of(row[name]) for name in names if row.get(name) is not None}


def _reference(document: Document, subject: str, told: Any, day: str | None = None) -> FigureReference:
    """How a document is referred to: as it says itself, or by its release."""
    if told.get("explain"):
        return FigureReference.parse(told["explain"])
    return FigureReference(document, UUID(subject), int(told["release_id"]), date.fromisoformat(day) if day else None)


def _page(given: Given) -> Page:
    return Page(given.get("under", ""), given.get("limit", MOST), given.get("cursor"))
