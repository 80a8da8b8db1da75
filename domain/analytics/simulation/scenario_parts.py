"""Scenarios as they are stored: the parts that do something, as JSON has them."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from domain.analytics.simulation.scenarios import Scenario, Shock, ShockOf, Stretch

_NAMED = ("name", "description")


def parts_of(scenario: Scenario) -> dict[str, Any]:
    """The parts that differ from those that do nothing."""
    plain = {
        one.name: getattr(scenario, one.name)
        for one in fields(Scenario)
        if one.name not in _NAMED and getattr(scenario, one.name) != one.default
    }
    if scenario.shocks:
        plain["shocks"] = [
            {"simple_return": one.simple_return, "of": str(one.of), "name": one.name} for one in scenario.shocks
        ]
    if scenario.replay:
        plain["replay"] = {"first": scenario.replay.first.isoformat(), "last": scenario.replay.last.isoformat()}
    return plain


def scenario_of(name: str, description: str, parts: Mapping[str, Any]) -> Scenario:
    """The scenario of stored `parts`. ValueError as it has it."""
    plain = dict(parts)
    shocks = tuple(
        Shock(float(one["simple_return"]), ShockOf(one.get("of", "ALL")), one.get("name", ""))
        for one in plain.pop("shocks", ())
    )
    replay = plain.pop("replay", None)
    stretch = replay and Stretch(*(date.fromisoformat(replay[end]).replace(day=1) for end in ("first", "last")))
    return Scenario(name, description, shocks=shocks, replay=stretch, **plain)
