"""A day that has a price keeps it, whatever split is told later."""

import pyarrow as pa
import pytest

from pipelines.quality.source_revisions import audited_restatement, restated
from pipelines.quality.verdicts import Audited
from tests.price_rows import NO_ACTIONS, dividend, series, session, split

CLOSES = [50.0 + n / 10 for n in range(12)]
DOUBLED = [close * (2 if n < 8 else 1) for n, close in enumerate(CLOSES)]


def judged(accepted: pa.Table = NO_ACTIONS, out: pa.Table = NO_ACTIONS) -> Audited:
    return Audited(accepted, out)


@pytest.mark.parametrize(
    ("actions", "reason"),
    [(judged(out=split(8, 2)), "INVENTED_SPLIT"), (judged(accepted=split(8, 2)), "UNADJUSTED_SPLIT")],
)
def test_days_that_come_back_times_a_split_are_out_and_those_after_it_are_not(actions: Audited, reason: str) -> None:
    delivered = series(DOUBLED)
    moved = restated(delivered, series(CLOSES[:6]), actions)

    done = audited_restatement(delivered, moved, "price_date", "close")

    assert done.quarantined["price_date"].to_pylist() == [session(n) for n in range(8)]
    assert set(done.quarantined["reason"].to_pylist()) == {reason}
    assert audited_restatement(dividend(3, 0.4), moved, "action_date", "amount").quarantined.num_rows == 1
    assert audited_restatement(dividend(9, 0.4), moved, "action_date", "amount").quarantined.num_rows == 0


def test_a_real_split_leaves_what_is_known_as_it_was() -> None:
    real = series([*CLOSES[:8], *(close / 2 for close in CLOSES[8:])])

    assert restated(real, series(CLOSES[:8]), judged(accepted=split(8, 2))) == []


def test_control_without_a_known_day_nothing_shows_it() -> None:
    assert restated(series(DOUBLED), series([]), judged(out=split(8, 2))) == []


def test_a_released_row_passes() -> None:
    delivered = series(DOUBLED)
    moved = restated(delivered, series(CLOSES), judged(out=split(8, 2)))
    held = audited_restatement(delivered, moved, "price_date", "close").quarantined

    again = audited_restatement(delivered, moved, "price_date", "close", waived=frozenset(held["id"].to_pylist()))

    assert again.quarantined.num_rows == 0
