"""The background worker, `python -m oltp_api.worker`: it acts on the events that the API has written.

Any number may run beside the API; each consumer has one of them at a time. SIGTERM lets the events at hand finish.
"""

import logging
import signal
import sys
from collections.abc import Sequence
from threading import Event

from domain.ports import EventMessage, EventPublisher
from storage.collateral import on_position_snapshot_created
from storage.consumers import Connection, Consumer, Handler, run_consumers
from storage.errors import SetupError
from storage.postgres import locate, prepare
from storage.publishers import publisher_of
from storage.settings import Settings, settings


def consumers(current: Settings) -> Sequence[Consumer]:
    """Who listens to the outbox."""
    return [
        Consumer("publisher", None, _publish_to(publisher_of(current))),
        Consumer("collateral", ["PositionSnapshotCreated"], on_position_snapshot_created),
    ]


def main() -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("lakefolio").setLevel(logging.INFO)
    stop = Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    try:
        listening = consumers(settings())
        database = locate(settings())
        prepare(database)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    run_consumers(database.app_url, listening, stop)
    return 0


def _publish_to(publisher: EventPublisher) -> Handler:
    def publish(_: Connection, message: EventMessage) -> None:
        publisher.publish(message)

    return publish


if __name__ == "__main__":
    sys.exit(main())
