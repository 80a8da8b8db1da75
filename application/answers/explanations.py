"""The tool that explains: a figure by what it was made of, or a change of value by its causes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from application.answers.asking import Api, NotAnswered
from application.answers.figures import MOST, Page, Shown, text_of, untrusted
from domain.errors import InvalidInput
from domain.references import FigureReference

Given = Mapping[str, Any]
_TEXTS = ("label", "how")
_PLAIN = ("value", "unit", "n", "rulebook", "made_by")


async def explain(api: Api, given: Given) -> dict[str, Any]:
    if "ref" in given:
        return await _figure(api, given)
    if "portfolio_id" in given and "from" in given:
        return await _change(api, given)
    raise NotAnswered("give ref, a figure's reference; or portfolio_id and from, with to, for why its value changed")


async def _figure(api: Api, given: Given) -> dict[str, Any]:
    try:
        reference = FigureReference.parse(given["ref"])
    except InvalidInput as refusal:
        raise NotAnswered(refusal.message) from refusal
    told = await api.get("explain", ref=given["ref"])
    room = _Room(given.get("limit", MOST))
    release = {"release": reference.release_id, "as_of": told["day"], "code_version": told["code_version"]}
    return {**release, "figure": room.shown(told["figure"])}


class _Room:
    """Room for so many nodes of a tree; the children of a node have theirs before what is below them."""

    def __init__(self, nodes: int) -> None:
        self._left = nodes - 1

    def shown(self, node: Mapping[str, Any]) -> dict[str, Any]:
        told = {name: text_of(node[name]) for name in _PLAIN if node[name] is not None}
        texts = {name: node[name] for name in _TEXTS}
        if source := node["source"]:
            told["source"], texts["key"] = source["table"], source["key"]
            told |= {} if source["version"] is None else {"version": text_of(source["version"])}
        if node["reference"]:
            told["explain"] = node["reference"]
        children = node["children"][: self._left]
        self._left -= len(children)
        more = len(node["children"]) - len(children)
        made_of = {"made_of": [self.shown(child) for child in children]} if children else {}
        return {**told, **untrusted(texts), **made_of, **({"more": more} if more else {})}


async def _change(api: Api, given: Given) -> dict[str, Any]:
    portfolio_id = given["portfolio_id"]
    told = await api.get("portfolios", portfolio_id, "change", from_=given["from"], to=given.get("to"))
    if not told["explain"]:
        raise NotAnswered("the release has no such days of the portfolio")
    reference = FigureReference.parse(told["explain"])
    since = reference.place.removeprefix("/")
    document = {since: {**told, "explain": None, "warnings": ()}}
    shown = Shown(replace(reference, place=""), document, told["ends"])
    days = {"release": reference.release_id, "from": told["begins"], "to": told["ends"]}
    return {**days, **await shown.answer(Page(limit=given.get("limit", MOST)))}
