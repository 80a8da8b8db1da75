"""How often fans of a kind were right, in a sentence: from the committed calibration (`application/calibration.py`)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.analytics.simulation.scores import JUDGED, OWN_DRIFT
from storage.settings import REPOSITORY

COMMITTED = REPOSITORY / "application" / "calibration.csv"
LONG, SHARES = "sp500_monthly", "shares"
_SERIES = {LONG: "the S&P 500", SHARES: "portfolios of 20 shares that have lasted"}
_WORDS = {1: "one", 5: "five", 10: "ten", 30: "thirty"}
_TEXT = frozenset({"series", "model", "drift", "span", "code_hash", "data_hash"})
_DAYS, _COUNTS = frozenset({"first_start", "last_start"}), frozenset({"horizon_years", "n_starts", "n_separate"})


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Coverage of the 5 to 95 % band by past fans of one kind, with its 95 % interval; fractions.

    `horizon_years` is the longest that was calibrated and is not longer than the fan's. `line` says it in a sentence.
    """

    series: str
    model: str
    drift: str
    horizon_years: int
    coverage_90: float
    low: float
    high: float
    n_separate: int
    n_starts: int
    since: date

    @property
    def line(self) -> str:
        separate = "future" if self.n_separate == 1 else "futures"
        return (
            f"bands of this kind held {_pct(self.coverage_90)} % ({_pct(self.low)} to {_pct(self.high)}) of "
            f"{self.n_separate} separate {_WORDS[self.horizon_years]}-year {separate} ({self.n_starts} starts) of "
            f"{_SERIES[self.series]} since {self.since.year}"
        )


def track_records(model: str, drift: str, horizon_years: int) -> tuple[TrackRecord, ...]:
    """Records on the long series and on shares, from starts after the data that shapes were fitted on.

    None of what has no past, such as drifts that somebody gives.
    """
    rows = [
        row
        for row in committed_rows()
        if (row["model"], row["span"]) == (model, JUDGED)
        and row["drift"] in (drift, OWN_DRIFT)  # what has its own drift has no other
        and row["horizon_years"] <= horizon_years
    ]
    longest = {row["series"]: row for row in sorted(rows, key=lambda row: row["horizon_years"])}
    return tuple(_record(longest[series]) for series in _SERIES if series in longest)


def track_record_line(model: str, drift: str, horizon_years: int) -> str:
    """The line beside a fan: of the long series, or why there is none."""
    found = track_records(model, drift, horizon_years)
    if found:
        return found[0].line
    if drift in (DriftChoice.GIVEN, DriftChoice.FORWARD):
        return f"fans whose drift is {drift} have no track record, as nobody knows what it would have been in the past"
    return f"{model} with the drift {drift} has not been calibrated"


@lru_cache(maxsize=1)
def committed_rows() -> tuple[Mapping[str, Any], ...]:
    """The committed rows of `simulation/simulation_calibration`."""
    return read_rows(COMMITTED)


def read_rows(path: Path) -> tuple[Mapping[str, Any], ...]:
    with path.open(newline="") as lines:
        return tuple({name: _typed(name, text) for name, text in row.items()} for row in csv.DictReader(lines))


def _typed(name: str, text: str) -> Any:
    if name in _TEXT:
        return text
    if name in _DAYS:
        return date.fromisoformat(text)
    return int(text) if name in _COUNTS else float(text)


def _record(row: Mapping[str, Any]) -> TrackRecord:
    same = ("series", "model", "drift", "horizon_years", "coverage_90", "n_separate", "n_starts")
    return TrackRecord(
        **{name: row[name] for name in same},
        low=row["coverage_90_low"],
        high=row["coverage_90_high"],
        since=row["first_start"],
    )


def _pct(share: float) -> int:
    return round(100 * share)
