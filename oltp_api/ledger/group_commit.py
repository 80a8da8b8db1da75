"""Group commit: what arrives while one group is being committed forms the next.

A commit waits for the disk, and a statement costs PostgreSQL much the same for one row as for twenty; so the more
clients there are, the less each one costs. A lone request waits for nobody. Members of a group are of different roots
(`apart`), and one root is in one group at a time, so that no member waits for another one's lock.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
MOST_TOGETHER = 32
GROUPS_AT_ONCE = 2
"""While PostgreSQL works on one, the next is decided."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T, R]):
    root: Hashable
    item: T
    outcome: "asyncio.Future[R]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GroupCommit(Generic[T, R]):
    """`commit` is called in a thread with what waits, and says what became of each; its exception is everyone's.

    It belongs to one event loop.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Sequence[R]], apart: Callable[[T], Hashable]) -> None:
        self._commit = commit
        self._apart = apart
        self._waiting: list[_Waiting[T, R]] = []
        self._busy: set[Hashable] = set()
        self._groups: set[asyncio.Task[None]] = set()
        self._is_about_to_start = False

    async def submit(self, item: T) -> R:
        """Return the outcome of `item`, after its group is committed."""
        waiting: _Waiting[T, R] = _Waiting(self._apart(item), item)
        self._waiting.append(waiting)
        if not self._is_about_to_start:
            self._is_about_to_start = True
            asyncio.get_running_loop().call_soon(self._start)
        return await waiting.outcome

    def _start(self) -> None:
        """Once per turn of the event loop, so that all whom the door lets in together are in one group."""
        self._is_about_to_start = False
        if len(self._groups) == GROUPS_AT_ONCE:
            return
        group = self._take()
        if group:
            task = asyncio.create_task(self._run(group))
            self._groups.add(task)
            task.add_done_callback(self._groups.discard)

    def _take(self) -> list[_Waiting[T, R]]:
        """The next group, in the order of arrival; what is left out stays in front."""
        group: list[_Waiting[T, R]] = []
        left: list[_Waiting[T, R]] = []
        for each in self._waiting:
            if each.root in self._busy or len(group) == MOST_TOGETHER:
                left.append(each)
            else:
                self._busy.add(each.root)
                group.append(each)
        self._waiting = left
        return group

    async def _run(self, group: Sequence[_Waiting[T, R]]) -> None:
        try:
            outcomes = await asyncio.to_thread(self._commit, [each.item for each in group])
        except Exception as error:
            for each in group:
                if not each.outcome.done():
                    each.outcome.set_exception(error)
        else:
            for each, outcome in zip(group, outcomes, strict=True):
                if not each.outcome.done():
                    each.outcome.set_result(outcome)
        self._busy.difference_update(each.root for each in group)
        asyncio.get_running_loop().call_soon(self._start)
