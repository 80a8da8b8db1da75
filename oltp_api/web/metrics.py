"""Metrics that Prometheus reads at `/metrics`: requests as they are counted, and the state as it is when it is read."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

GAUGES = {
    "pool_connections": "Connections that the pool holds.",
    "pool_connections_in_use": "Connections that a request holds.",
    "pool_requests_waiting": "Requests that wait for a connection.",
    "database_up": "Whether the database answers; 0 leaves out all that it would tell.",
    "lake_up": "Whether the newest release can be read; 0 leaves out all that it would tell.",
    "failing_jobs": "Jobs of the worker whose last attempt failed.",
    "ledger_rows": "Rows recorded in the ledger.",
    "oldest_transaction_seconds": "Age of the oldest open transaction of the database.",
    "outbox_waiting_events": "Events that a consumer has not handled.",
    "outbox_lag_seconds": "Age of the oldest event that a consumer has not handled.",
    "dead_letters": "Events that a consumer has given up.",
    "held_portfolios": "Portfolios that are shown as an older release had them, as they have failed a check.",
    "held_oldest_seconds": "How long the one that is held longest has been; 0 if none is.",
    "release_id": "The newest release.",
    "release_age_seconds": "Time since the newest release was made.",
    "release_lag_seconds": "Age of the oldest ledger row that the newest release does not show; 0 if there is none.",
}
"""Gauges of the state, each as `lakefolio_<name>`; a figure that is not known is left out."""


class Metrics:
    """The metrics of one application; `look` gives the gauges by name when they are read."""

    def __init__(self, look: Callable[[], Mapping[str, float | None]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_State(look))
        self._durations = Histogram(
            "lakefolio_http_request_duration_seconds",
            "How long requests took; its count is the number of requests.",
            ["method", "route", "status"],
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._refusals = Counter(
            "lakefolio_refusals", "Requests answered with a problem, by its code.", ["code"], registry=self._registry
        )
        self._known: dict[tuple[str, str, int], Histogram] = {}

    def count(self, method: str, route: str, status: int, seconds: float, code: str | None) -> None:
        key = (method, route, status)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._durations.labels(method, route, str(status))
        known.observe(seconds)
        if code:
            self._refusals.labels(code).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _State(Collector):
    def __init__(self, look: Callable[[], Mapping[str, float | None]]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(f"lakefolio_{name}", told) for name, told in GAUGES.items()]

    def collect(self) -> Iterable[Metric]:
        for name, value in self._look().items():
            if value is not None:
                yield GaugeMetricFamily(f"lakefolio_{name}", GAUGES[name], value=value)
