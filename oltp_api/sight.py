"""For whom a request acts, as the policies of the database and the views of the lake ask it (`0024_row_security`).

It stands in the context of the request, which threads take over: the door says it once, and every transaction that is
begun inside repeats it to the database. Where nobody has said anything, nothing of anybody's is there.
"""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from domain.values import quickly_made
from oltp_api.connections import Connection
from storage.inside import Inside

_SAY = "select act_for(%s::uuid[], %s::uuid[], %s::uuid[], %s)"


@quickly_made
@dataclass(frozen=True, slots=True)
class Sight:
    """`askers` have asked, it is done for `owners`, and the door has let them to `portfolios`.

    Asker and owner differ where a portfolio is shared. Several are there only where strangers' trades share a commit.
    """

    askers: frozenset[UUID] = frozenset()
    owners: frozenset[UUID] = frozenset()
    portfolios: frozenset[UUID] = frozenset()

    def say(self, connection: Connection, is_first: bool = True) -> None:
        """Tell the database, until the transaction ends; it ends the connection if another's words are still there."""
        connection.execute(_SAY, [*(f"{{{','.join(map(str, ids))}}}" for ids in self._ids()), is_first])

    def joined(self, other: "Sight") -> "Sight":
        return Sight(*(one | two for one, two in zip(self._ids(), other._ids(), strict=True)))

    def _ids(self) -> tuple[frozenset[UUID], ...]:
        return self.askers, self.owners, self.portfolios


def sight_of(asker: UUID, owner: UUID, portfolio_id: UUID | None = None) -> Sight:
    """The sight of one request."""
    return Sight(frozenset([asker]), frozenset([owner]), frozenset([] if portfolio_id is None else [portfolio_id]))


_NOTHING = Sight()
_SIGHT: ContextVar[Sight] = ContextVar("sight", default=_NOTHING)


def current_sight() -> Sight:
    return _SIGHT.get()


def seeing(sight: Sight) -> Inside[Sight]:
    """Inside, transactions touch what `sight` says."""
    return Inside(_SIGHT, sight)


def also_seeing(portfolio_ids: Iterable[UUID]) -> Inside[Sight]:
    """Inside, these portfolios are seen too: those that the database has shown, of a request that names none."""
    return seeing(current_sight().joined(Sight(portfolios=frozenset(portfolio_ids))))


def owner_in_sight() -> UUID | None:
    """The user whose own prices count: the one for whom it is done."""
    owners = current_sight().owners
    return next(iter(owners)) if len(owners) == 1 else None


def portfolios_in_sight() -> frozenset[UUID]:
    """The portfolios whose rows the lake shows."""
    return current_sight().portfolios
