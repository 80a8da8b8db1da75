"""The background worker, `python -m oltp_api.worker`: it acts on the events that the API has written,
and looks again and again at what is due: open orders, coupons and redemptions.

Any number may run beside the API; each consumer has one of them at a time. SIGTERM lets the events at hand finish.
"""

import logging
import signal
import sys
from collections.abc import Sequence
from threading import Event

from application.rankings import on_position_snapshot_created
from domain.ports import EventMessage, EventPublisher
from oltp_api.bond_income.job import BondIncomeJob
from oltp_api.context import AppContext
from oltp_api.opening import opened
from oltp_api.orders.broker import broker_of, fill_due_orders
from storage.clock import SystemClock
from storage.events.consumers import Connection, Consumer, Handler, delivery_jobs
from storage.events.publishers import publisher_of
from storage.jobs import Job, PostgresFailures, run_jobs
from storage.outages import in_one_sentence
from storage.postgres.database import locate, prepare
from storage.settings import Settings, settings

_LOOK_EVERY_S = 0.5
_DELIVER_EVERY_S = 0.2


def consumers(current: Settings) -> Sequence[Consumer]:
    """List the consumers of the outbox."""
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
    listening = consumers(settings())
    database = locate(settings())
    prepare(database)
    with opened(settings(), for_everybody=True) as context:
        jobs = [
            *jobs_of(settings(), context),
            *delivery_jobs(database.services_url, listening, SystemClock(), _DELIVER_EVERY_S),
        ]
        with run_jobs(jobs, stop, PostgresFailures(database.services_url)):
            stop.wait()
    return 0


def jobs_of(current: Settings, context: AppContext) -> Sequence[Job]:
    """List the jobs that look again and again, whatever happened: at what bonds owe; with a broker, at open orders."""
    bonds = Job("bond income", BondIncomeJob(context), _LOOK_EVERY_S)
    broker = broker_of(current, context.analytics)
    if broker is None:
        return [bonds]
    return [Job("orders", lambda: fill_due_orders(context, broker, context.clock.now()), _LOOK_EVERY_S), bonds]


def _publish_to(publisher: EventPublisher) -> Handler:
    def publish(_: Connection, message: EventMessage) -> None:
        publisher.publish(message)

    return publish


if __name__ == "__main__":
    sys.exit(in_one_sentence(main))
