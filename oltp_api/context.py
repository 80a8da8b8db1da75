"""Resources of the running application, and who asks: what routes and the worker's jobs begin with.

What asks no database is `async`: FastAPI hands each plain function to a thread, which costs more than it does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request

from application.analytics.review import LakeAnalyticsRepository
from domain.errors import NoRelease
from domain.ports import Clock
from oltp_api.unit_of_work import Pool, UnitOfWork, unit_of_work
from storage.errors import LakeUnavailable

LOCAL_USER = UUID("00000000-0000-4000-8000-000000000001")
USER_ID = "lakefolio.user_id"
"""Where a request's scope carries who asked."""
OWNER_ID = "lakefolio.owner_id"
"""Where it carries for whom it acts: the owner of what it names, once the door has let it in."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AppContext:
    """Resources of one running application. `schema_version` is the one it was started with; `bundled` are the tickers
    of a bundled market, which it prices before anything is released; `benchmark` is the ticker that portfolios are
    held against. It `has_accounts` where people sign in."""

    pool: Pool
    clock: Clock
    analytics: LakeAnalyticsRepository
    schema_version: str
    bundled: frozenset[str] = frozenset()
    benchmark: str = "SP500DIV,SP500"
    has_accounts: bool = False

    def transact(self, act: Callable[[UnitOfWork], T]) -> T:
        """Run `act` in a unit of work, and return its result once that is committed."""
        with unit_of_work(self.pool, self.clock, self.released_rate) as work:
            return act(work)

    def released_rate(self, currency: str, base_currency: str, on: date) -> float | None:
        """See ReleasedRate; without a release, or a lake, none is known."""
        try:
            return self.analytics.get_rough_fx_rate(currency, base_currency, on)
        except (NoRelease, LakeUnavailable):
            return None


async def context_of(request: Request) -> AppContext:
    found: AppContext = request.app.state.context
    return found


async def current_user(request: Request) -> UUID:
    """The user for whom the request acts: the owner of the portfolio that it names, or else who asks."""
    owner: UUID = request.scope[OWNER_ID]
    request.scope.setdefault(USER_ID, owner)
    return owner


ContextDep = Annotated[AppContext, Depends(context_of)]
UserDep = Annotated[UUID, Depends(current_user)]
