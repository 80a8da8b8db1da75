"""Contents of the front page: portfolios as they are recorded and as the newest release has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.ports import PortfolioReleaseInfo, ReleaseInfo
from oltp_api.analytics.schemas import PortfolioValueView
from oltp_api.portfolios.schemas import PortfolioView


@dataclass(frozen=True, slots=True)
class FrontRow:
    """A portfolio; `release` is how the newest release shows it, None if it does not. `is_behind` says that rows are
    recorded that `value` does not know."""

    portfolio: PortfolioView
    release: PortfolioReleaseInfo | None = None
    value: PortfolioValueView | None = None
    is_behind: bool = True
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Front:
    """One page of portfolios. `release` is None before the first; `last_day` is that of a bundled market."""

    rows: Sequence[FrontRow]
    next_cursor: str | None
    is_archived: bool
    release: ReleaseInfo | None
    is_lake_there: bool
    last_day: date | None
