"""Contents of the front page: portfolios as they are recorded and as the newest release has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.ports import PortfolioReleaseInfo, ReleaseInfo
from oltp_api.analytics.schemas import PortfolioValueView
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.sharing.schemas import OfferedShare


@dataclass(frozen=True, slots=True)
class DayChange:
    """Gain of a portfolio on its last day, whatever came in and went out, and the return of the day."""

    gain: Decimal
    daily_return: float | None


@dataclass(frozen=True, slots=True)
class FrontRow:
    """A portfolio; `release` is how the newest release shows it, None if it does not. `is_behind` says that rows are
    recorded that `value` does not know. `change` is None where a value at either end is not known. `share` is how
    somebody else's is shared."""

    portfolio: PortfolioView
    release: PortfolioReleaseInfo | None = None
    value: PortfolioValueView | None = None
    is_behind: bool = True
    is_held: bool = False
    change: DayChange | None = None
    share: OfferedShare | None = None


@dataclass(frozen=True, slots=True)
class Front:
    """One page of portfolios. `release` is None before the first; `last_day` is that of a bundled market. `offers` are
    portfolios of others that wait for an answer."""

    rows: Sequence[FrontRow]
    next_cursor: str | None
    is_archived: bool
    release: ReleaseInfo | None
    is_lake_there: bool
    last_day: date | None
    offers: int = 0

    @property
    def own(self) -> Sequence[FrontRow]:
        return [row for row in self.rows if row.share is None]

    @property
    def shared(self) -> Sequence[FrontRow]:
        return [row for row in self.rows if row.share is not None]
