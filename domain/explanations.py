"""Explanations of figures: a figure in words, with what it was made of below it.

The tree of one answer ends where many rows are one node (`n` of them, the first and last below it), and at other
figures that have a `reference` of their own, by which it goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

Told = str | float | int | None
"""A value as the API says it: amounts are text."""
MOST_NODES = 200


@dataclass(frozen=True, slots=True)
class LakeRow:
    """A row or a range of rows of a table of the lake, in its version of the release."""

    table: str
    version: int | None
    key: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One node: a figure, or what stands in a table, a setting or a rule. `link` is where the API shows it.

    Of a figure `rulebook` is the section of its rules, and `made_by` the function or the model that computes it.
    """

    label: str
    value: Told = None
    unit: str | None = None
    how: str | None = None
    source: LakeRow | None = None
    n: int | None = None
    reference: str | None = None
    link: str | None = None
    rulebook: str | None = None
    made_by: str | None = None
    children: Sequence["Explained"] = field(default=())

    def __iter__(self) -> Iterator["Explained"]:
        """Every node of the tree, itself first."""
        yield self
        for child in self.children:
            yield from child

    def cut(self, most: int = MOST_NODES) -> "Explained":
        """The tree with at most so many nodes: the deepest are left out first, and the node above says how many."""
        depth = _depth(self)
        found = self
        while sum(1 for _ in found) > most and depth > 1:
            depth -= 1
            found = _to_depth(self, depth)
        return found


def _depth(node: Explained) -> int:
    return 1 + max((_depth(child) for child in node.children), default=0)


def _to_depth(node: Explained, depth: int) -> Explained:
    if depth > 1:
        return replace(node, children=[_to_depth(child, depth - 1) for child in node.children])
    return replace(node, children=(), n=node.n or len(node.children) or None)
