"""Portfolios at fault, as halving finds them; and what a run's events tell of it."""

from collections.abc import Sequence

import pytest

from pipelines.tables.holding import Failure, Tried, culprits, failed_metadata, failure_of, retried_metadata

ALL = [f"p{number:03}" for number in range(100)]


class Works:
    """Work that fails wherever one of `faulty` takes part, and counts how often it was tried."""

    def __init__(self, faulty: Sequence[str]) -> None:
        self.faulty, self.tries = frozenset(faulty), 0

    def __call__(self, chosen: Sequence[str]) -> bool:
        self.tries += 1
        return self.faulty.isdisjoint(chosen)


@pytest.mark.parametrize("faulty", [["p000"], ["p057"], ["p099"], ["p003", "p004", "p090"]])
def test_exactly_those_at_fault_are_found(faulty: list[str]) -> None:
    assert culprits(ALL, Works(faulty)) == faulty


def test_one_of_a_hundred_takes_some_fifteen_tries() -> None:
    works = Works(["p057"])
    culprits(ALL, works)

    assert works.tries <= 16


def test_what_fails_without_anybody_is_nobodys() -> None:
    assert culprits(ALL, lambda _: False) == []


def test_a_fault_of_all_ends_too_and_holds_them() -> None:
    works = Works([f"p{number}" for number in range(1000)])
    everyone = sorted(works.faulty)

    assert culprits(everyone, works) == everyone
    assert works.tries <= 202


def test_events_tell_who_failed_first_and_who_is_tried_again() -> None:
    first, later = (failure_of("p001", "marts/fact", check, "1 row") for check in ("rows", "others"))
    tried = Tried.of([failed_metadata([first]), {}, failed_metadata([later]), retried_metadata({"p002", "p003"})])

    assert tried.failed == {"p001": Failure("p001", "marts/fact", "rows", "1 row")}
    assert tried.retried == {"p002", "p003"}


def test_figures_are_at_most_a_line() -> None:
    assert len(failure_of("p", "t", "c", "much\n" * 1000).figures) < 600
