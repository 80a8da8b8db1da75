"""Prices and corporate actions on their way into the lake: what their audits are shown, in which order.

Actions are judged first, by the prices around them; then prices, by the actions that stand; then the adjusted closes of
the prices that stand. Both assets judge the actions, each by itself, so that either can be made alone.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from domain.ports import IncompleteMarket, PriceSource
from pipelines.quality.actions import audited_actions
from pipelines.quality.adjusted import audited_adjusted
from pipelines.quality.prices import audited
from pipelines.quality.quarantine import waived
from pipelines.quality.source_revisions import Restated, audited_restatement, restated
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


class MarketAudits:
    """The audits of one window: what the lake knows of it in `versions`, and what the source tells of it now.

    The source is asked for actions and prices up to today, so that a split is seen with what it did to the closes.
    """

    def __init__(self, platform: Platform, source: PriceSource, window: Window, versions: Mapping[str, int]) -> None:
        self._source, self._window, self._today = source, window, platform.market_today
        self._known = _read(platform.lake, PRICE_TABLE, versions, PRICES)
        self._actions = _read(platform.lake, ACTION_TABLE, versions, CORPORATE_ACTIONS)
        self._earlier = self._actions.filter(pc.less(self._actions["action_date"], window.start))
        self._waived = waived(platform.lake)
        with postgres.connect(platform.database.admin_url) as connection:
            self._currencies: dict[str, str] = dict(connection.execute(_CURRENCIES).fetchall())

    def actions(self, rows: pa.Table) -> Audited:
        """The verdict on `rows`, the window's actions."""
        judged, _ = self._judged(rows)
        end = self._window.end
        return Audited(
            judged.accepted.filter(pc.less_equal(judged.accepted["action_date"], end)),
            judged.quarantined.filter(pc.less_equal(judged.quarantined["action_date"], end)),
        )

    def prices(self, rows: pa.Table) -> Audited:
        """The verdict on `rows`, the window's prices.

        A day that only comes back times a split keeps the price that is known of it. A bad adjusted close is in
        quarantine with its row, which stands without it.
        """
        told, moved = self._judged(_told(self._source.corporate_actions, self._window.start, self._window.end))
        actions = pa.concat_tables([self._earlier, told.accepted])
        kept = audited_restatement(rows, moved, "price_date", "close", waived=self._waived)
        stays = self._known.join(kept.quarantined.select(_KEY), keys=_KEY, join_type="left semi")
        before = self._known.filter(pc.less(self._known["price_date"], self._window.start))
        closes = self._closes(kept.accepted, actions, pa.concat_tables([before, stays]))
        adjusted = self._adjusted(closes.accepted, actions, told.quarantined)
        accepted = pa.concat_tables([_without_adjusted(closes.accepted, adjusted.quarantined), stays])
        out = [verdict.quarantined for verdict in (kept, closes, adjusted)]
        return Audited(accepted.sort_by([(name, "ascending") for name in _KEY]), pa.concat_tables(out))

    def _judged(self, rows: pa.Table) -> tuple[Audited, Restated]:
        """The verdict on `rows`, the window's actions, and on those after it; and the splits that moved what was known.

        They are held against the prices that came first: those of a day that are known, else those told now.
        """
        later = self._window.end + timedelta(days=1)
        more = _told(self._source.corporate_actions, later, self._today) if later <= self._today else rows.slice(0, 0)
        rows = pa.concat_tables([rows, more])
        if not rows.num_rows:
            return parted(rows, [], []), []
        actions = pa.concat_tables([self._earlier, rows])
        prices = _told(self._source.prices, self._window.start, self._today)
        new = prices.join(self._known.select(_KEY), keys=_KEY, join_type="left anti")
        closes = self._closes(new, actions, self._known)
        judged = audited_actions(actions, pa.concat_tables([self._known, closes.accepted]), waived=self._waived)
        judged = Audited(*(self._since_start(rows) for rows in (judged.accepted, judged.quarantined)))
        moved = restated(prices, self._known, judged)
        kept = audited_restatement(judged.accepted, moved, "action_date", "amount", waived=self._waived)
        stays = self._since_start(self._actions).join(
            kept.quarantined.select(_ACTION_KEY), keys=_ACTION_KEY, join_type="left semi"
        )
        accepted = pa.concat_tables([kept.accepted, stays])
        return Audited(accepted, pa.concat_tables([judged.quarantined, kept.quarantined])), moved

    def _since_start(self, actions: pa.Table) -> pa.Table:
        return actions.filter(pc.greater_equal(actions["action_date"], self._window.start))

    def _closes(self, rows: pa.Table, actions: pa.Table, known: pa.Table) -> Audited:
        return audited(
            rows,
            known.filter(pc.greater_equal(known["price_date"], self._window.start - _KNOWN_DAYS)),
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


def _told(ask: Callable[[date, date], pa.Table], start: date, end: date) -> pa.Table:
    """Ask the source; what it does not answer for is missing here, and its own asset says so."""
    try:
        return ask(start, end)
    except IncompleteMarket as incomplete:
        return incomplete.rows


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
