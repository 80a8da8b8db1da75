"""Portfolios that a run leaves as the last release has them, because a check about one of them failed.

What one portfolio fails in stops no other: its failure is written into the run's own events, beside the versions (ADR
5), later steps leave it out, and `meta/held` puts its rows back wherever they have been published. Belongs here:
finding out whose failure something is, and telling later steps. Does not: what a check demands.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

FAILED_KEY, RETRIED_KEY = "held/failed", "held/retried"
_MOST_TRIES = 200
_MOST_FIGURES = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """The check `check` of `table` that the portfolio failed, with figures in words."""

    portfolio_id: str
    table: str
    check: str
    figures: str


@dataclass(frozen=True, slots=True)
class Tried:
    """Portfolios that have failed so far, and those that were held and are tried again, by a run's events."""

    failed: Mapping[str, Failure]
    retried: frozenset[str]

    @classmethod
    def of(cls, metadata: Iterable[Mapping[str, Any]]) -> "Tried":
        failed: dict[str, Failure] = {}
        retried: set[str] = set()
        for entry in metadata:
            for one in json.loads(_text(entry, FAILED_KEY)):
                failed.setdefault(one["portfolio_id"], Failure(**one))  # the first is the cause, the others follow
            retried.update(json.loads(_text(entry, RETRIED_KEY)))
        return cls(failed, frozenset(retried))


def failed_metadata(failures: Sequence[Failure]) -> dict[str, str]:
    """Write failures as an event's metadata, for `Tried.of`."""
    return {FAILED_KEY: json.dumps([asdict(failure) for failure in failures])} if failures else {}


def retried_metadata(portfolios: Iterable[str]) -> dict[str, str]:
    listed = sorted(portfolios)
    return {RETRIED_KEY: json.dumps(listed)} if listed else {}


def failure_of(portfolio_id: str, table: str, check: str, figures: object) -> Failure:
    """With at most a line of figures."""
    said = " ".join(str(figures).split())
    return Failure(portfolio_id, table, check, said if len(said) <= _MOST_FIGURES else f"{said[:_MOST_FIGURES]} ...")


def culprits(candidates: Sequence[str], works: Callable[[Sequence[str]], bool]) -> list[str]:
    """Find those of `candidates` without which `works` holds, by halving; none if it fails without any of them, for
    then the fault is nobody's.

    One culprit among n is found in 2 log2(n) tries. After many tries whoever is still suspected counts as one, so that
    a fault of all ends too.
    """
    if not candidates or not works(()):
        return []
    tries = 0
    found: list[str] = []
    suspected = [list(candidates)]
    while suspected:
        group = suspected.pop()
        tries += 1
        if tries > _MOST_TRIES:
            found += group
        elif works(group):
            continue
        elif len(group) == 1:
            found += group
        else:
            suspected += [group[: len(group) // 2], group[len(group) // 2 :]]
    return sorted(found)


def _text(metadata: Mapping[str, Any], key: str) -> str:
    entry = metadata.get(key)
    return str(getattr(entry, "value", entry)) if entry is not None else "[]"
