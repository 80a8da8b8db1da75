"""The background worker, `python -m oltp_api.worker`: it acts on the events that the API has written,
and looks again and again at what is due: open orders, coupons and redemptions.

Any number may run beside the API; each consumer has one of them at a time. SIGTERM lets the events at hand finish.
"""

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Thread

import psycopg
from psycopg_pool import PoolTimeout

from domain.ports import EventMessage, EventPublisher
from oltp_api.app import opened
from oltp_api.bond_income import BondIncomeJob
from oltp_api.broker import broker_of, fill_due_orders
from oltp_api.dependencies import World
from storage.collateral import on_position_snapshot_created
from storage.consumers import Connection, Consumer, Handler, run_consumers
from storage.errors import SetupError
from storage.postgres import locate, prepare
from storage.publishers import publisher_of
from storage.settings import Settings, settings

_LOG = logging.getLogger("lakefolio.worker")
_LOOK_EVERY_S = 0.5
Job = Callable[[], object]


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
    with opened(settings()) as world, at_work(jobs_of(settings(), world), stop):
        run_consumers(database.app_url, listening, stop)
    return 0


def jobs_of(current: Settings, world: World) -> Mapping[str, Job]:
    """What is looked at again and again, whatever happened: open orders, and what bonds owe."""
    broker = broker_of(current, world.analytics)
    bonds: Mapping[str, Job] = {"bond income": BondIncomeJob(world)}
    if broker is None:
        return bonds
    return {"orders": lambda: fill_due_orders(world, broker, world.clock.now()), **bonds}


@contextmanager
def at_work(jobs: Mapping[str, Job], stop: Event) -> Iterator[None]:
    """Each job has a thread beside what goes on inside."""

    def look(name: str, job: Job) -> None:
        while not stop.wait(_LOOK_EVERY_S):
            try:
                job()
            except (psycopg.Error, PoolTimeout):
                _LOG.warning("%s cannot be looked at; trying again", name, exc_info=True)

    looking = [Thread(target=look, args=job, name=job[0]) for job in jobs.items()]
    for thread in looking:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in looking:
            thread.join()


def _publish_to(publisher: EventPublisher) -> Handler:
    def publish(_: Connection, message: EventMessage) -> None:
        publisher.publish(message)

    return publish


if __name__ == "__main__":
    sys.exit(main())
