"""Make chosen portfolios anew from a day on: `python -m pipelines.rebuild --portfolio <id> --since 2016-01-04`.

A refresh makes what has changed; this makes what is named, whether or not it has changed: portfolios, all that ever
held a security, or those of ledger rows, from the first of them on. It says what was rewritten. Nothing of what was
recorded is touched.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from typing import LiteralString

import dagster as dg

from pipelines.definitions import build_defs
from pipelines.runtime import progress
from pipelines.runtime.resources import Platform
from pipelines.tables.rebuild_scope import FIRST, REPROCESS_TAG, RebuildScope
from pipelines.tables.run_changes import Rewritten, rewritten_by
from storage.errors import SetupError
from storage.outages import in_one_sentence
from storage.postgres import database as postgres

_OF_PORTFOLIO = "select portfolio_id::text, null::date from portfolio where portfolio_id::text = %s"
_OF_SECURITY = """
    select distinct ledger.portfolio_id::text, null::date
    from transaction_ledger as ledger
    inner join security_identifier as named on ledger.security_id = named.security_id
    where named.id_value = %s
"""
_OF_ROW = "select portfolio_id::text, business_date from transaction_ledger where portfolio_id::text = %s and seq = %s"


def chosen(
    platform: Platform, portfolios: Sequence[str], securities: Sequence[str], rows: Sequence[str], since: date | None
) -> RebuildScope:
    """The portfolios behind what was named, and the first day; SetupError for what is not in the ledger."""
    found: list[tuple[str, date | None]] = []
    with postgres.connect(platform.database.admin_url) as connection:
        asked: list[tuple[str, LiteralString, tuple[object, ...]]] = [
            *((f"portfolio {name}", _OF_PORTFOLIO, (name,)) for name in portfolios),
            *((f"security {name}", _OF_SECURITY, (name,)) for name in securities),
            *((f"ledger row {name}", _OF_ROW, _row(name)) for name in rows),
        ]
        for named, query, parameters in asked:
            answer = connection.execute(query, parameters).fetchall()
            if not answer:
                raise SetupError(f"{named}: there is nothing of it in the ledger")
            found += answer
    if not found:
        raise SetupError(
            "name what to reprocess: --portfolio <id>, --security <ticker or ISIN>, --row <portfolio>:<seq>"
        )
    first = min((day or FIRST for _, day in found), default=FIRST)
    named = ", ".join(name for name, _, _ in asked)
    return RebuildScope(f"reprocessing of {named}", tuple(sorted({one for one, _ in found})), since or first)


def reprocess(scope: RebuildScope, platform: Platform, instance: dg.DagsterInstance) -> list[Rewritten]:
    """One run from a new instant of the ledger to a release, with `scope` made anew; what it rewrote."""
    job = build_defs(platform).resolve_job_def("pick_up")
    done = job.execute_in_process(
        instance=instance,
        tags={REPROCESS_TAG: scope.to_tag()},
        run_config=progress.SHOWN,
        raise_on_error=False,
    )
    if not done.success:
        raise SetupError("the run failed; what was released before stands")
    return rewritten_by(instance, done.run_id)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.rebuild", description="Make chosen portfolios anew.")
    parser.add_argument("--portfolio", action="append", default=[], help="a portfolio's id")
    parser.add_argument("--security", action="append", default=[], help="a ticker, ISIN or CUSIP: all that held it")
    parser.add_argument("--row", action="append", default=[], help="a ledger row, <portfolio id>:<seq>")
    parser.add_argument("--since", type=date.fromisoformat, help="first day, YYYY-MM-DD (default: the beginning)")
    asked = parser.parse_args(words)
    try:
        platform = Platform()
        scope = chosen(platform, asked.portfolio, asked.security, asked.row, asked.since)
        print(f"  {scope.why}: {scope.metadata['scope/what']}", flush=True)
        rewritten = reprocess(scope, platform, dg.DagsterInstance.get())
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        "\n".join(f"  rewritten: {one}" for one in rewritten) or "  rewritten: nothing; every row was as it should be"
    )
    return 0


def _row(name: str) -> tuple[str, int]:
    portfolio_id, _, seq = name.rpartition(":")
    if not portfolio_id or not seq.isdecimal():
        raise SetupError(f"ledger row {name}: write it as <portfolio id>:<seq>")
    return portfolio_id, int(seq)


if __name__ == "__main__":
    sys.exit(in_one_sentence(main))
