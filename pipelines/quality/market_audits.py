"""Prices and corporate actions on their way into the lake: what their audits are shown, in which order.

Each rule runs once. What was restated by a split is known by what was known before, and is set aside. Prices are judged
with the actions that are told, of which they confirm the splits themselves; then actions by the prices that stand; then
the adjusted closes by both.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.quality.actions import audited_actions
from pipelines.quality.adjusted import audited_adjusted
from pipelines.quality.prices import audited
from pipelines.quality.quarantine import waived
from pipelines.quality.series import Split, splits_in
from pipelines.quality.source_revisions import audited_restatement, restated, rows_restated
from pipelines.quality.verdicts import Audited, parted
from pipelines.runtime.resources import EXCHANGE, Platform
from pipelines.sources.calendar import trading_days
from pipelines.sources.market_tables import CORPORATE_ACTIONS, PRICES, in_shape
from storage.lake.delta import Lake, Window
from storage.postgres import database as postgres

PRICE_TABLE, ACTION_TABLE = "raw/price_daily", "raw/corporate_action"
_KEY = ["ticker", "price_date"]
_ACTION_KEY = ["ticker", "action_date", "action_type"]
_KNOWN_DAYS = timedelta(days=130)
"""80 sessions and more: what a series is judged by."""
_CURRENCIES = """
    select id_value, currency::text
    from security_identifier inner join security_registry using (security_id)
    where id_type = 'TICKER' and is_primary and valid_to is null
"""


class MarketVerdicts(NamedTuple):
    """The verdicts on a window's prices and actions."""

    prices: Audited
    actions: Audited


class MarketAudits:
    """The audits of one window: what the lake knows of it in `versions`, and what the source tells of it now."""

    def __init__(self, platform: Platform, window: Window, versions: Mapping[str, int]) -> None:
        self._window, self._today = window, platform.market_today
        self._known = _read(platform.lake, PRICE_TABLE, versions, PRICES)
        self._actions = _read(platform.lake, ACTION_TABLE, versions, CORPORATE_ACTIONS)
        self._earlier = self._actions.filter(pc.less(self._actions["action_date"], window.start))
        self._waived = waived(platform.lake)
        with postgres.connect(platform.database.admin_url) as connection:
            self._currencies: dict[str, str] = dict(connection.execute(_CURRENCIES).fetchall())

    def judged(self, prices: pa.Table, actions: pa.Table) -> MarketVerdicts:
        """The verdicts on `prices` and `actions`, which are told from the window's start up to today.

        What comes after the window is there to judge by, so that a split is seen with what it did to the closes. A day
        that only comes back times a split keeps the price that is known of it. A bad adjusted close is in quarantine
        with its row, which stands without it.
        """
        splits = restated(prices, self._known, splits_in(actions))
        moved = rows_restated(prices, splits, "price_date", "close", waived=self._waived)
        standing, stays = self._without(prices, moved)
        told = pa.concat_tables([self._earlier, actions])
        closes = self._closes(standing, told, stays)
        by_closes = self._by_closes(told, closes.accepted)
        invented = splits_in(by_closes.quarantined)
        kept = audited_restatement(prices, moved, invented, "price_date", "close")
        of_actions = self._stated_once(by_closes, splits, invented)

        closes, kept = (_narrowed(audit, lambda rows: self._is_asked(rows["price_date"])) for audit in (closes, kept))
        adjusted = self._adjusted(
            closes.accepted, pa.concat_tables([self._earlier, of_actions.accepted]), of_actions.quarantined
        )
        accepted = pa.concat_tables([_without_adjusted(closes.accepted, adjusted.quarantined), stays])
        out = pa.concat_tables([audit.quarantined for audit in (kept, closes, adjusted)])
        of_prices = Audited(accepted.sort_by([(name, "ascending") for name in _KEY]), out)
        end = self._window.end
        return MarketVerdicts(of_prices, _narrowed(of_actions, lambda rows: pc.less_equal(rows["action_date"], end)))

    def _without(self, prices: pa.Table, moved: Mapping[int, Split]) -> tuple[pa.Table, pa.Table]:
        """`prices` that are judged, and the window's days that keep what is known of them instead.

        Those are judged that were not restated; of days after the window those that are new.
        """
        is_moved = np.isin(np.arange(prices.num_rows), list(moved))
        known = self._known.filter(self._is_asked(self._known["price_date"]))
        stays = known.join(prices.filter(pa.array(is_moved)).select(_KEY), keys=_KEY, join_type="left semi")
        standing = prices.filter(pa.array(~is_moved))
        is_asked = self._is_asked(standing["price_date"])
        later = standing.filter(pc.invert(is_asked)).join(self._known.select(_KEY), keys=_KEY, join_type="left anti")
        return pa.concat_tables([standing.filter(is_asked), later.select(standing.column_names)]), stays

    def _by_closes(self, actions: pa.Table, closes: pa.Table) -> Audited:
        """The verdict on the actions since the window's start: those of a day are held against the price that came
        first, which is the known one, or else `closes`."""
        new = closes.join(self._known.select(_KEY), keys=_KEY, join_type="left anti").select(closes.column_names)
        judged = audited_actions(actions, pa.concat_tables([self._known, new]), waived=self._waived)
        return _narrowed(judged, self._is_since_start)

    def _stated_once(self, judged: Audited, splits: tuple[Split, ...], invented: tuple[Split, ...]) -> Audited:
        """`judged` actions, of which a day that only comes back times a split keeps the amount that is known of it."""
        moved = rows_restated(judged.accepted, splits, "action_date", "amount", waived=self._waived)
        kept = audited_restatement(judged.accepted, moved, invented, "action_date", "amount")
        known = self._actions.filter(self._is_since_start(self._actions))
        stays = known.join(kept.quarantined.select(_ACTION_KEY), keys=_ACTION_KEY, join_type="left semi")
        return Audited(
            pa.concat_tables([kept.accepted, stays]), pa.concat_tables([judged.quarantined, kept.quarantined])
        )

    def _is_asked(self, days: pa.ChunkedArray) -> pa.ChunkedArray:
        """True for prices of the window, those without a day, and those of days to come if today is in it."""
        is_inside = pc.and_(pc.greater_equal(days, self._window.start), pc.less_equal(days, self._window.end))
        is_to_come = pc.and_(pc.greater(days, self._today), self._window.end == self._today)
        return pc.fill_null(pc.or_(is_inside, is_to_come), True)

    def _is_since_start(self, actions: pa.Table) -> pa.ChunkedArray:
        return pc.greater_equal(actions["action_date"], self._window.start)

    def _closes(self, rows: pa.Table, actions: pa.Table, stays: pa.Table) -> Audited:
        """The verdict on `rows`, beside the known before and after the window and what `stays` in it."""
        beside = self._known.filter(
            pc.and_(
                pc.greater_equal(self._known["price_date"], self._window.start - _KNOWN_DAYS),
                pc.invert(self._is_asked(self._known["price_date"])),
            )
        )
        return audited(
            rows,
            pa.concat_tables([beside, stays]),
            actions,
            currencies=self._currencies,
            calendar=trading_days(EXCHANGE, self._window.start, self._today),
            today=self._today,
            waived=self._waived,
        )

    def _adjusted(self, rows: pa.Table, actions: pa.Table, doubtful: pa.Table) -> Audited:
        if rows["adjusted_close"].null_count == rows.num_rows:
            return parted(rows, [""] * rows.num_rows, [])
        return audited_adjusted(rows, actions, doubtful, waived=self._waived)


def _narrowed(audit: Audited, is_wanted: Callable[[pa.Table], pa.ChunkedArray]) -> Audited:
    return Audited(*(rows.filter(is_wanted(rows)) for rows in (audit.accepted, audit.quarantined)))


def _without_adjusted(rows: pa.Table, bad: pa.Table) -> pa.Table:
    """`rows` with no adjusted close where it is `bad`."""
    if not bad.num_rows:
        return rows
    marked = bad.select(_KEY).append_column("is_bad", pa.array([True] * bad.num_rows))
    joined = rows.join(marked, keys=_KEY, join_type="left outer")
    place = rows.column_names.index("adjusted_close")
    kept = pc.if_else(
        pc.is_valid(joined["is_bad"]), pa.scalar(None, PRICES.field(place).type), joined["adjusted_close"]
    )
    return joined.select(rows.column_names).set_column(place, PRICES.field(place), kept)


def _read(lake: Lake, table: str, versions: Mapping[str, int], schema: pa.Schema) -> pa.Table:
    return in_shape(lake.read(table, versions[table]), schema) if table in versions else schema.empty_table()
