"""The commands behind the Makefile: `python -m ops <command>`, of which `make help` lists the most.

A command imports what it alone needs: together that takes half a second of a core, which `make env` would take too.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from ops import lifecycle, processes
from ops.environment import export_lines, prepared, prepared_database
from storage.backup import buckets
from storage.clock import SystemClock
from storage.errors import SetupError
from storage.outages import in_one_sentence
from storage.postgres import database as postgres
from storage.settings import REPOSITORY, Settings, settings


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="|".join(_COMMANDS))
    parsers = {name: commands.add_parser(name, help=command.__doc__) for name, command in _COMMANDS.items()}
    parsers["up"].add_argument("--api-port", type=int, default=8000)
    parsers["up"].add_argument("--ui-port", type=int, default=3000)
    parsers["replay"].add_argument("--consumer", default="", help="only its dead letters")
    parsers["replay"].add_argument("--event", default="", help="only this event's, by its id")
    parsers["run"].add_argument("program", nargs=argparse.REMAINDER, help="what to become, once all is prepared")
    parsers["explain"].add_argument("--ref", default="", help="the figure's reference, as answers give it")
    parsers["explain"].add_argument("--portfolio", default="", help="or, of the value of a holding: the portfolio's id")
    parsers["explain"].add_argument("--ticker", default="", help="the security's ticker")
    parsers["explain"].add_argument("--date", default="", help="YYYY-MM-DD; by default the release's last day")
    parsers["restatement"].add_argument("--portfolio", required=True, help="its id")
    parsers["restatement"].add_argument("--since", required=True, help="a day, or a moment as 2017-03-29T15:30:00Z")
    for command in ("explain", "restatement"):
        parsers[command].add_argument("--api", default="http://127.0.0.1:8000", help="where the API answers")
    parsers["backup"].add_argument("--file", type=Path, help="where to write it; by default below the state folder")
    parsers["restore"].add_argument("--file", type=Path, required=True, help="what `backup` wrote")
    parsers["restore"].add_argument("--force", action="store_true", help="move a state that is there aside")
    arguments = parser.parse_args(words)
    return in_one_sentence(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    try:
        return _COMMANDS[arguments.command](settings(), arguments)
    except ValidationError as error:
        (name, *_), why = error.errors()[0]["loc"], error.errors()[0]["msg"]
        raise SetupError(f"{str(name).upper()} is set to something else than it may be: {why}") from error


def env(current: Settings, _: argparse.Namespace) -> int:
    """Print export lines, for `eval`."""
    print(export_lines(prepared(current)))
    return 0


def migrate(current: Settings, _: argparse.Namespace) -> int:
    """Bring the database's schema up to date, by the owner of its tables; what answers requests need not know that."""
    if not prepared_database(current).of_owner:
        raise SetupError("DATABASE_ADMIN_URL, the address of the tables' owner, is not set")
    return 0


def up(current: Settings, arguments: argparse.Namespace) -> int:
    """Start the API, its worker, the Dagster UI and its daemon, keep them running, and say where they are."""
    api_port, ui_port = arguments.api_port, arguments.ui_port
    lifecycle.up(current, api_port, ui_port)
    print(f"\n  portfolios http://127.0.0.1:{api_port}\n  API        http://127.0.0.1:{api_port}/docs")
    print(f"  Dagster    http://127.0.0.1:{ui_port}")
    print(f"  state      {current.home}\n  logs       {current.home / 'logs'}\n\n  `make down` stops them.")
    if link := lifecycle.first_link(current, api_port):
        print(f"\n  Everybody signs in. The first administrator registers, once and within a week, at\n  {link}")
    if reason := lifecycle.unready(api_port):
        print(f"\n  It runs, but not all can be done yet: {reason}")
    return 0


def down(current: Settings, _: argparse.Namespace) -> int:
    """Stop what `up` started, and the embedded database."""
    stopped = lifecycle.down(current)
    print(f"  stopped {', '.join(stopped) or 'nothing'}; what was recorded stays in {current.home}")
    return 0


def run(current: Settings, arguments: argparse.Namespace) -> int:
    """Prepare the database, set the environment and become the given program; the entry point of a container."""
    if not arguments.program:
        raise SetupError("`run` needs a program, such as: python -m ops run python -m pipelines.runtime.daemon")
    variables = {**os.environ, **prepared(current)}
    os.chdir(REPOSITORY)
    os.execvpe(arguments.program[0], arguments.program, variables)


def refresh(current: Settings, _: argparse.Namespace) -> int:
    """One refresh now, in the foreground."""
    buckets.of(current)
    return processes.refresh(prepared(current))


def explain(_: Settings, arguments: argparse.Namespace) -> int:
    """Take a figure apart: what it was made of, down to ledger rows, prices, rates and the release."""
    from ops import explain_report
    from ops.client import api_at, get, value_of_holding

    if not arguments.ref and not (arguments.portfolio and arguments.ticker):
        raise SetupError("`explain` needs REF=<a figure's reference>, or PORTFOLIO= and TICKER= of a holding")
    with api_at(arguments.api) as client:
        holding = arguments.portfolio, arguments.ticker, arguments.date
        print(explain_report.render(get(client, "/explain", ref=arguments.ref or value_of_holding(client, *holding))))
    return 0


def restatement(_: Settings, arguments: argparse.Namespace) -> int:
    """Say which days of a portfolio have other figures than were known then, and the rows and prices behind it."""
    from ops import review_report
    from ops.client import api_at, get

    with api_at(arguments.api) as client:
        found = get(client, f"/portfolios/{arguments.portfolio}/restatement", since=arguments.since)
    print(review_report.restated(found))
    return 0


def mcp(_: Settings, __: argparse.Namespace) -> int:
    """Answer questions of language models over stdio, from LAKEFOLIO_API, signed with LAKEFOLIO_TOKEN."""
    from ops.answers import serve

    serve()
    return 0


def verify(current: Settings, _: argparse.Namespace) -> int:
    """Recompute every hash, holding and balance from the ledger, and name what differs."""
    from application import ledger

    started, rows, portfolios, differences = time.perf_counter(), 0, 0, 0
    database = prepared_database(current)
    with postgres.connect(database.admin_url) as connection:
        for checked in ledger.verify(connection):
            rows, portfolios = rows + checked.rows, portfolios + 1
            for difference in checked.differences:
                differences += 1
                print(f"  {difference}", flush=True)
    said = f"{differences} differences" if differences else "no difference"
    print(f"  {portfolios} portfolios, {rows:,} ledger rows: {said} ({time.perf_counter() - started:.1f} s)")
    return 1 if differences else 0


def rebuild(current: Settings, _: argparse.Namespace) -> int:
    """Write every projection anew from the ledger."""
    from application import ledger

    started, rows = time.perf_counter(), 0
    database = prepared_database(current)
    with postgres.connect(database.admin_url, autocommit=True) as connection:
        portfolios = ledger.portfolio_ids(connection)
        for portfolio_id in portfolios:
            rows += ledger.rebuild(connection, portfolio_id)
    print(f"  {len(portfolios)} portfolios rebuilt from {rows:,} rows ({time.perf_counter() - started:.1f} s)")
    return 0


def replay(current: Settings, arguments: argparse.Namespace) -> int:
    """Return events that a consumer could not handle (dead letters) to it; the worker then delivers them."""
    from storage.events import consumers

    consumer, event_id = arguments.consumer or None, _event_id(arguments.event)
    database = prepared_database(current)
    with postgres.connect(database.services_url) as connection:
        replayed = consumers.replay(connection, SystemClock(), consumer, event_id)
    for name, events in replayed.items():
        print(f"  {name:<20} {events} {'event' if events == 1 else 'events'} replayed")
    if not replayed:
        which = [f"of consumer {consumer}" if consumer else "", f"with event id {event_id}" if event_id else ""]
        print(f"  {' '.join(['there are no dead letters', *filter(None, which)])}; nothing was replayed")
    return 0


def show(current: Settings, _: argparse.Namespace) -> int:
    """Run the whole graph on the bundled market and print the report."""
    from ops import demo

    return demo.run(current)


def _event_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise SetupError(f"{text!r} is not an event id, such as 00000000-0000-4000-8000-000000000001") from error


def backup(current: Settings, arguments: argparse.Namespace) -> int:
    """Write the whole state into one file, while everything runs."""
    from ops import backup as backups

    backups.write(current, arguments.file)
    return 0


def restore(current: Settings, arguments: argparse.Namespace) -> int:
    """Bring back what `backup` wrote; a state that is there is moved aside, with --force only."""
    from ops import backup as backups

    return backups.restore(current, arguments.file, arguments.force, lambda state: verify(state, arguments))


_COMMANDS = {
    "env": env,
    "migrate": migrate,
    "up": up,
    "down": down,
    "refresh": refresh,
    "demo": show,
    "replay": replay,
    "run": run,
    "explain": explain,
    "restatement": restatement,
    "mcp": mcp,
    "verify": verify,
    "rebuild": rebuild,
    "backup": backup,
    "restore": restore,
}
