"""`meta/quarantine`: where the verdicts of audits are kept, and what a person has let pass.

What an audit is shown is in `market_audits`; its rules are in `pipelines.quality`.
`python -m pipelines.quality.quarantine` lists what is in quarantine; `release <id> --why "..."` lets a row pass
from then on, as it is, the next time its source delivers it.
"""

import argparse
import sys
from collections.abc import Sequence

import pyarrow as pa

from pipelines.quality.verdicts import FINAL, TABLE, Reason, quarantine_rows
from pipelines.runtime.resources import Platform
from storage.errors import SetupError
from storage.lake.delta import Lake
from storage.outages import in_one_sentence

OWN, UNCONFIRMED = "raw/own_price", "raw/unconfirmed_price"
RELEASED = "meta/quarantine_release"
RELEASES = pa.schema([("id", pa.string()), ("released_at", pa.timestamp("us", "UTC")), ("why", pa.string())])


def keep(lake: Lake, source_table: str, quarantined: pa.Table, run_id: str, date_column: str = "price_date") -> int:
    """Append what is not in quarantine yet; how many that were."""
    kept = lake.read(TABLE)["id"].to_pylist() if lake.exists(TABLE) else []
    rows = quarantine_rows(source_table, quarantined, run_id, date_column=date_column, kept=kept)
    if rows.num_rows or not lake.exists(TABLE):
        lake.append(TABLE, rows, run_id)
    return int(rows.num_rows)


def waived(lake: Lake) -> frozenset[str]:
    """The ids of the rows that somebody let pass."""
    return frozenset(lake.read(RELEASED)["id"].to_pylist()) if lake.exists(RELEASED) else frozenset()


def waive(platform: Platform, identifier: str, why: str) -> str:
    """Release the row whose id begins with `identifier`, for a stated reason; what was released, in words."""
    if len(identifier) < 8 or not why.strip():
        raise SetupError("a release needs an id, 8 characters of it at least, and a reason: --why")
    rows = platform.lake.read(TABLE).to_pylist() if platform.lake.exists(TABLE) else []
    found = [row for row in rows if row["id"].startswith(identifier)]
    if len(found) != 1:
        raise SetupError(f"{len(found)} rows in quarantine have an id that begins with {identifier}")
    (row,) = found
    named = f"{row['source_table']}: {row['ticker']} of {row['row_date']}, {row['reason']}"
    if row["id"] in waived(platform.lake):
        return f"{named}, was released before"
    if Reason(row["reason"]) in FINAL:
        raise SetupError(f"{named}, cannot be released: it has to be mended where it comes from")
    entry = {"id": row["id"], "released_at": platform.clock.now(), "why": why}
    platform.lake.append(RELEASED, pa.Table.from_pylist([entry], schema=RELEASES))
    if Reason(row["reason"]) is Reason.UNCONFIRMED:
        return f"{named}, is confirmed from the next refresh on"
    year = f"{row['row_date'].year if row['row_date'] else 'its year'} of "
    return f"{named}, is released; refresh {'' if row['source_table'] == OWN else year}{row['source_table']} to have it"


def listed(lake: Lake) -> str:
    """List the rows in quarantine that were not waived, newest day first."""
    rows = lake.read(TABLE).to_pylist() if lake.exists(TABLE) else []
    passed = waived(lake)
    doubtful = frozenset(lake.read(UNCONFIRMED)["id"].to_pylist()) if lake.exists(UNCONFIRMED) else frozenset()
    held = [
        row
        for row in rows
        if row["id"] not in passed and (row["reason"] != Reason.UNCONFIRMED or row["id"] in doubtful)
    ]
    held.sort(key=lambda row: (str(row["row_date"]), row["ticker"] or ""), reverse=True)
    lines = [
        f"{row['id'][:12]}  {row['source_table']:<20} {row['ticker'] or '?':<8} {row['row_date']}  {row['reason']:<18} "
        f"{row['detail']}"
        for row in held
    ]
    return "\n".join([*lines, f"{len(held)} rows in quarantine, {len(passed)} released"])


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.quality.quarantine", description="What bad prices were put out."
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("list", help="what is in quarantine (the default)")
    release = commands.add_parser("release", help="let a row pass, as it is, when it is delivered again")
    release.add_argument("id", help="its id, or how that begins")
    release.add_argument("--why", required=True, help="the reason, which is kept")
    asked = parser.parse_args(words)
    platform = Platform()
    try:
        print(waive(platform, asked.id, asked.why) if asked.command == "release" else listed(platform.lake))
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(in_one_sentence(main))
