"""Every file of tests/cases/files goes in as its owner has it, and means what its index says.

One in eight goes the whole way by default: again, beside itself, undone and turned round. The others only go in. All go
the whole way with LAKEFOLIO_CHAOS=long.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from storage.lake.delta import Lake
from storage.postgres.database import Database
from storage.settings import REPOSITORY, Settings
from tests.effort import IS_LONG
from tests.small_release import release
from tests.yardsticks.file_rows import turned_round
from tests.yardsticks.file_states import emptied_api
from tests.yardsticks.files import indexes, judged

FOLDER = Path(__file__).parents[1] / "cases" / "files"
ENTRIES = [entry for _, entries in indexes(FOLDER) for entry in entries]
_RATES = "marts/fx_rate_daily"
_WHOLE = ENTRIES if IS_LONG else ENTRIES[::8]


@pytest.fixture(scope="module")
def opened(new_database: Callable[[], Database], settings: Settings) -> Iterator[Callable[[], Any]]:
    """Gives the API an empty registry: files call different securities by one ticker."""
    with emptied_api(new_database(), settings) as (_, api, empty):

        @contextmanager
        def open_one() -> Iterator[httpx.Client]:
            empty()
            yield api

        yield open_one


def ecb_rates(currencies: set[str]) -> pa.Table:
    """The European Central Bank's own of January 2015."""
    table = pq.read_table(REPOSITORY / "sample_data" / "fx_rate_daily.parquet")
    of_month = pc.and_(
        pc.greater_equal(table["rate_date"], pa.scalar(date(2015, 1, 1))),
        pc.less(table["rate_date"], pa.scalar(date(2015, 2, 1))),
    )
    table = table.filter(pc.and_(of_month, pc.is_in(table["currency"], pa.array(sorted(currencies)))))
    columns = [table["currency"], table["rate_date"], table["rate_per_eur"], table["rate_date"]]
    names = ["currency", "business_date", "rate_per_eur", "rate_date"]
    return pa.table([*columns, pa.array(["PRICED"] * table.num_rows)], [*names, "status"])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_a_file_goes_in_right_a_second_time_adds_nothing_and_an_undo_leaves_nothing(
    entry: dict[str, Any], opened: Callable[[], Any], lake: Lake
) -> None:
    def release_rates(currencies: set[str]) -> None:
        release(lake, {_RATES: lake.publish(_RATES, ecb_rates(currencies)).version})

    outcome = judged(FOLDER, entry, opened, release_rates, is_whole=entry in _WHOLE)

    assert outcome.why == (), "\n".join(outcome.why)
    assert outcome.verdict == "right"
    assert outcome.stated.keys() <= {"missing_cash", "release"}, "nobody has to say how it is written"


def test_what_an_index_expects_otherwise_is_wrong(opened: Callable[[], Any], lake: Lake) -> None:
    """The judge itself: each number of an index counts."""
    entry = next(each for each in ENTRIES if each["file"] == "dates_with_time.csv")
    expected = entry["expected"]
    bought = {**expected["transactions"][1], "price": "41"}
    for name, other in {
        "transactions": [expected["transactions"][0], bought],
        "positions_fifo": {"ZAA": {"quantity": "10", "cost": "401"}},
        "cash": {"USD": "601"},
        "realised_fifo": {"ZAA": "1"},
        "rows_that_are_no_transactions": 1,
    }.items():
        other_entry = {**entry, "expected": {**expected, name: other}}
        outcome = judged(FOLDER, other_entry, opened, lambda _: None, is_whole=False)
        assert outcome.verdict == "wrong", name


def test_rows_are_turned_round_between_what_is_above_and_below_them() -> None:
    file = b'a title\n\nDay,Note\n1,"two\nlines"\n2,x\n\n"a disclaimer"'
    rows = [{"line": 4, "status": "RECORDED"}, {"line": 6, "status": "RECORDED"}, {"line": 8, "status": "SKIPPED"}]
    report = {"reading": {"encoding": "utf-8"}, "report": rows}

    assert turned_round(file, "a.csv", report) == b'a title\n\nDay,Note\n2,x\n1,"two\nlines"\n\n"a disclaimer"'
