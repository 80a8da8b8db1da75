"""Report on the files in the folder of prices, which changes nothing: `make prices`.

Belongs here: the words. It is judged as the next release will, by the newest one's registry and ledger.
"""

import sys
from collections import Counter
from collections.abc import Iterator

from pipelines.ingestion.own_prices import NEEDED, SECURITIES, judged
from pipelines.quality.price_histories import joined
from pipelines.runtime.resources import Platform
from pipelines.sources.price_files.folder import price_files, rate_files
from storage.errors import SetupError
from storage.outages import in_one_sentence

_MOST_LINES = 5


def report(platform: Platform) -> Iterator[str]:
    """A paragraph for each file: what goes in, what does not and why."""
    folder = platform.settings.prices
    files, rates = price_files(folder), rate_files(folder)
    versions = {table: found for table in NEEDED if (found := platform.lake.version(table)) is not None}
    if SECURITIES not in versions:
        raise SetupError("nothing is released yet, so no security is known: make up, or make refresh, comes first")
    verdict = judged(platform, files, versions)
    accepted = Counter(name for name in verdict.accepted["file"].to_pylist() if name is not None)
    of_rates = Counter(rate.file for rate in rates.rates)
    refused = {**files.unreadable, **rates.unreadable, **verdict.refused}
    remarks = joined(files.notes, rates.notes, verdict.remarks)
    out: dict[str, list[str]] = {}
    for row in verdict.quarantined.to_pylist():
        name, is_of_file, _ = row["place"].rpartition(" line ")
        if is_of_file:
            out.setdefault(name, []).append(f"{row['reason']}: {row['detail']}")
    names = sorted({*accepted, *of_rates, *refused, *remarks, *out})
    yield f"{folder}: {len(names)} files" if names else f"{folder}: there is no file"
    for name in names:
        counted = f"{of_rates[name]} rates" if name in of_rates else f"{accepted[name]} prices go in"
        yield f"{name}: {f'not read: {refused[name]}' if name in refused and not accepted[name] else counted}"
        yield from (f"  {said}" for said in (remarks.get(name), refused.get(name) if accepted[name] else None) if said)
        yield from (f"  {said}" for said in out.get(name, ())[:_MOST_LINES])
        if len(out.get(name, ())) > _MOST_LINES:
            yield f"  and {len(out[name]) - _MOST_LINES} lines more"


def main() -> int:
    for line in report(Platform()):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(in_one_sentence(main))
