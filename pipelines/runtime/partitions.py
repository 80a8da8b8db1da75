"""Slices of the graph that can be made by themselves: years of market data, single simulations, windows of days."""

import warnings
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dagster import BetaWarning, Config, DynamicPartitionsDefinition, TimeWindow, TimeWindowPartitionsDefinition
from dagster._core.definitions.partitions.context import partition_loading_context
from pydantic import Field

from domain.ledger import FIRST_DAY
from storage.lake.delta import Window

# A backfill as one run takes 2 s instead of 188 (FIELD_NOTES); that parameter's "beta" is known and pinned.
warnings.filterwarnings("ignore", category=BetaWarning, message=".*backfill_policy.*")

YEARS = TimeWindowPartitionsDefinition(start=f"{FIRST_DAY.year}", fmt="%Y", cron_schedule="0 0 1 1 *", end_offset=1)
"""Market data by calendar year, from the ledger's first day to the current one; a source begins when it begins."""


def _remember_keys(years: TimeWindowPartitionsDefinition) -> None:
    """Have `years` find its keys once a year: Dagster goes through all of them by cron, for each input of each step.

    That was a tenth of a pick-up in which nothing is partitioned.
    """
    found_by_cron, known = years.get_partition_keys, dict[int, Sequence[str]]()

    def keys(current_time: datetime | None = None, store: Any = None) -> Sequence[str]:
        with partition_loading_context(current_time, store) as loading:
            year = loading.effective_dt.astimezone(UTC).year
            if year not in known:
                known[year] = found_by_cron()
            return known[year]

    vars(years)["get_partition_keys"] = keys


_remember_keys(YEARS)

SIMULATIONS = DynamicPartitionsDefinition(name="simulation")
"""One partition per requested simulation."""

RISK_ANALYSES = DynamicPartitionsDefinition(name="risk_analysis")
"""One partition per requested risk analysis."""


class DaysConfig(Config):
    """A window of days, both included; without it, all days of the partitions, or all of history."""

    from_day: str | None = Field(default=None, alias="from", description="First day, YYYY-MM-DD.")
    to_day: str | None = Field(default=None, alias="to", description="Last day, YYYY-MM-DD.")

    def window(self, today: date) -> Window | None:
        """The configured window, its end not after `today`; None if none is configured."""
        if self.from_day is None and self.to_day is None:
            return None
        start = date.fromisoformat(self.from_day) if self.from_day else FIRST_DAY
        end = date.fromisoformat(self.to_day) if self.to_day else today
        return Window(start, min(end, today))

    def window_in(self, partitions: TimeWindow, today: date) -> Window | None:
        """The days of the partitions, narrowed to the configured window and to `today`; None if no day is left."""
        start, end = partitions.start.date(), partitions.end.date() - timedelta(days=1)
        narrowed = self.window(today)
        if narrowed:
            start, end = max(start, narrowed.start), min(end, narrowed.end)
        end = min(end, today)
        return Window(start, end) if start <= end else None


def year_of(day: date) -> str:
    """The key of the year that `day` is in."""
    return f"{day.year:04d}"
