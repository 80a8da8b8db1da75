"""A day that has a price keeps it, whatever split is told later."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from pipelines.quality.series import Split, splits_in
from pipelines.quality.source_revisions import audited_restatement, restated, rows_restated
from pipelines.quality.verdicts import Audited
from tests.price_rows import dividend, series, session, split

CLOSES = [50.0 + n / 10 for n in range(12)]
DOUBLED = [close * (2 if n < 8 else 1) for n, close in enumerate(CLOSES)]


@pytest.mark.parametrize(("is_invented", "reason"), [(True, "INVENTED_SPLIT"), (False, "UNADJUSTED_SPLIT")])
def test_days_that_come_back_times_a_split_are_out_and_those_after_it_are_not(is_invented: bool, reason: str) -> None:
    delivered, splits = series(DOUBLED), splits_in(split(8, 2))
    moved = restated(delivered, series(CLOSES[:6]), splits)
    invented = splits if is_invented else ()

    done = audited(delivered, moved, invented)

    assert done.quarantined["price_date"].to_pylist() == [session(n) for n in range(8)]
    assert set(done.quarantined["reason"].to_pylist()) == {reason}
    for day, n_out in ((3, 1), (9, 0)):
        paid = dividend(day, 0.4)
        by = rows_restated(paid, moved, "action_date", "amount")
        assert audited_restatement(paid, by, invented, "action_date", "amount").quarantined.num_rows == n_out


def audited(delivered: pa.Table, moved: Sequence[Split], invented: Sequence[Split], **more: Any) -> Audited:
    by = rows_restated(delivered, moved, "price_date", "close", **more)
    return audited_restatement(delivered, by, invented, "price_date", "close")


def test_a_real_split_leaves_what_is_known_as_it_was() -> None:
    real = series([*CLOSES[:8], *(close / 2 for close in CLOSES[8:])])

    assert restated(real, series(CLOSES[:8]), splits_in(split(8, 2))) == ()


def test_control_without_a_known_day_nothing_shows_it() -> None:
    assert restated(series(DOUBLED), series([]), splits_in(split(8, 2))) == ()


def test_a_released_row_passes() -> None:
    delivered, splits = series(DOUBLED), splits_in(split(8, 2))
    moved = restated(delivered, series(CLOSES), splits)
    held = audited(delivered, moved, splits).quarantined

    again = audited(delivered, moved, splits, waived=frozenset(held["id"].to_pylist()))

    assert held.num_rows
    assert again.quarantined.num_rows == 0
