"""The committed track record: what it says, that it is of this code and data, and that a part of it comes out again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from application.calibration import JUDGED_FROM, LONG, SHARES, calibrated, code_hash, data_hash, starts_of, write
from application.track_record import committed_rows, read_rows, track_record_line, track_records
from domain.analytics.simulation.calibration import PastStart, records, tallied
from domain.analytics.simulation.fitted import MODELS
from domain.analytics.simulation.models import Gaussian
from domain.analytics.simulation.scores import JUDGED
from tests.effort import IS_LONG

DEFAULT = ("gaussian", "posterior")


def row_of(series: str, model: str, drift: str, years: int) -> Any:
    """The committed row of judged starts."""
    key = (series, model, drift, years, JUDGED)
    names = ("series", "model", "drift", "horizon_years", "span")
    (found,) = [row for row in committed_rows() if tuple(row[name] for name in names) == key]
    return found


def test_the_track_record_is_of_this_code_and_these_data():
    """If the change is meant: `make calibration` makes it again; read its diff."""
    assert {(row["code_hash"], row["data_hash"]) for row in committed_rows()} == {(code_hash(), data_hash())}


def test_the_defaults_bands_hold_what_they_claim_and_historical_ones_do_not():
    default, historical = (
        [row_of(LONG, "gaussian", drift, years)["coverage_90"] for years in (1, 5, 10)]
        for drift in ("posterior", "historical")
    )

    assert all(0.86 <= one <= 0.94 for one in default), default
    assert not all(0.86 <= one <= 0.94 for one in historical), "the control"
    assert str(row_of(LONG, *DEFAULT, 1)["first_start"]) == "1976-01-01"


def test_the_default_is_sharper_than_historical_over_ten_years():
    default, historical = (row_of(LONG, "gaussian", drift, 10)["crps_log"] for drift in ("posterior", "historical"))

    assert default <= 0.8 * historical


def test_the_defaults_bands_hold_for_shares_over_five_years_and_historical_ones_do_not():
    default, historical = (row_of(SHARES, "gaussian", drift, 5) for drift in ("posterior", "historical"))

    def holds(row: Any) -> bool:
        return bool(row["coverage_90"] >= 0.87 and row["share_below_p5"] <= 0.06)

    assert holds(default)
    assert not holds(historical), "the control"
    assert str(default["first_start"]) == "2004-01-01"


def test_every_model_and_drift_has_a_record_and_the_priors_beside_it():
    of_long = {(row["model"], row["drift"]) for row in committed_rows() if row["series"] == LONG}

    drifts = ("posterior", "equilibrium", "historical")
    expected = {(name, drift) for name in MODELS if name != "historical_sequences" for drift in drifts}
    assert of_long >= {*expected, ("historical_sequences", "own")}
    assert sum("tau" in drift for _, drift in of_long) == 8, "3 to 6 % and 2 to 4 %, but the rule's own"


def test_the_track_record_comes_out_again():
    """Its longest futures, of the default model and the long series; all of it in the long form."""
    if IS_LONG:
        _assert_equal(calibrated(), committed_rows())
    for series, years, first in [(LONG, 30, 1_139), *([(SHARES, 10, 47)] if IS_LONG else [])]:
        starts = (default_alone(one, 12 * years) for one in starts_of(series, first) if 12 * years in one.futures)

        made = [row for row in records(series, tallied(starts), JUDGED_FROM[series]) if row["span"] == JUDGED]

        assert f"{made[0]['first_start']:%Y-%m}" == JUDGED_FROM[series], "none is missing"
        assert [row["drift"] for row in made] == ["equilibrium", "historical", "posterior"]
        _assert_equal(made, [row_of(series, "gaussian", row["drift"], years) for row in made])


def default_alone(start: PastStart, months: int) -> PastStart:
    """The start with one model, one horizon, and without the priors that are beside the rule's."""
    drifts = {name: drift for name, drift in start.drifts[months].items() if "tau" not in name}
    return replace(
        start, models={Gaussian.name: Gaussian()}, futures={months: start.futures[months]}, drifts={months: drifts}
    )


def _assert_equal(made: Any, committed: Any) -> None:
    """To the digits that are committed; another machine's float32 may put one start in fifty across a line."""
    assert len(made) == len(committed) > 0
    for one, before in zip(made, committed, strict=True):
        for name, value in one.items():
            if isinstance(value, float):
                assert value == pytest.approx(before[name], rel=1e-3, abs=0.005), (name, before)
            else:
                assert value == before[name]


def test_a_fan_has_the_line_of_its_kind():
    row = row_of(LONG, *DEFAULT, 1)

    assert track_record_line(*DEFAULT, 1) == (
        f"bands of this kind held {100 * row['coverage_90']:.0f} % ({100 * row['coverage_90_low']:.0f} to "
        f"{100 * row['coverage_90_high']:.0f}) of {row['n_separate']} separate one-year futures "
        f"({row['n_starts']} starts) of the S&P 500 since 1976"
    )
    (long, shares) = track_records(*DEFAULT, 7)
    assert (long.series, shares.series, long.horizon_years, shares.horizon_years) == (LONG, SHARES, 5, 5)
    assert [one.horizon_years for one in track_records(*DEFAULT, 30)] == [30, 10]
    assert "1 separate thirty-year future (" in track_record_line(*DEFAULT, 30)
    assert track_record_line("historical_sequences", "given", 5) == track_record_line("historical_sequences", "own", 5)


def test_what_has_no_past_has_no_track_record():
    for drift in ("given", "forward"):
        assert track_records("gaussian", drift, 5) == ()
        assert "no track record" in track_record_line("gaussian", drift, 5)


def test_rows_are_read_as_they_are_written(tmp_path: Path) -> None:
    write(committed_rows(), tmp_path / "again.csv")

    assert read_rows(tmp_path / "again.csv") == committed_rows()
