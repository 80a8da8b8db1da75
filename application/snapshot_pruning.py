"""Pruning: the payloads of snapshots that were superseded long ago are removed; their hashes stay."""

from datetime import datetime, timedelta
from typing import Any

import psycopg

_PRUNE = """
    update position_snapshot set payload = null, pruned_at = %(now)s
    where payload is not null and not is_current and superseded_at < %(before)s
"""


def prune_payloads(connection: psycopg.Connection[Any], now: datetime, keep_days: int) -> int:
    """Remove what snapshots superseded more than `keep_days` ago held; how many. Time, hash and reason stay."""
    return connection.execute(_PRUNE, {"now": now, "before": now - timedelta(days=keep_days)}).rowcount
