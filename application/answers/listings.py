"""Tools that list or tell what stands in no document: portfolios, securities and the release."""

from collections.abc import Mapping
from typing import Any

from application.answers.asking import Api
from application.answers.figures import MOST, text_of, untrusted

Given = Mapping[str, Any]
_PORTFOLIO = ("portfolio_id", "base_currency", "kind", "time_zone", "cost_method", "last_business_date", "archived_at")
_SECURITY = ("security_id", "ticker", "asset_type", "currency", "price_kind", "exchange", "country")
_REGISTERED = ("display_name", "sector", "industry")


async def portfolios(api: Api, given: Given) -> dict[str, Any]:
    told = await api.get("portfolios", name=given.get("name"), **_page(given))
    return {
        "portfolios": [{**_plain(one, _PORTFOLIO), **untrusted({"name": one["name"]})} for one in told["items"]]
    } | (_next(told))


async def search_securities(api: Api, given: Given) -> dict[str, Any]:
    told = await api.get("securities", q=given.get("q"), **_page(given))
    items = []
    for one in told["items"]:
        known = [f"{each['id_type']}:{each['value']}" for each in one["identifiers"]]
        items.append({**_plain(one, _SECURITY), "identifiers": known, **untrusted({n: one[n] for n in _REGISTERED})})
    return {"securities": items, **_next(told)}


async def status(api: Api, given: Given) -> dict[str, Any]:
    latest = await api.get("releases", "latest")
    told = _plain(latest, ("released_at", "as_of"))
    answer = {"release": int(latest["release_id"]), **told, "server": (await api.get("health", "ready"))["status"]}
    if "portfolio_id" not in given:
        return answer
    found = await api.get("support", "portfolios", given["portfolio_id"], "overview")
    head = found["release_head"] or {}
    held = head.get("held") or {}
    return {
        **answer,
        "ledger": _plain(found["ledger_head"], ("version", "recorded_at", "newest_business_date")),
        "released_version": text_of(head.get("portfolio_version")),
        "is_ahead_of_release": not head.get("has_seen_ledger_head", False),
        "open_orders": text_of(found["open_orders"]),
        "open_simulations": text_of(found["open_simulations"]),
        **untrusted({name: held.get(name) for name in ("check_name", "figures")}),
    }


def _page(given: Given) -> dict[str, Any]:
    return {"limit": given.get("limit", MOST), "cursor": given.get("cursor")}


def _next(told: Any) -> dict[str, Any]:
    return {"next_cursor": told["next_cursor"]} if told["next_cursor"] else {}


def _plain(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: text_of(row[name]) for name in names if row.get(name) is not None}
