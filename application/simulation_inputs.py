"""Rows of `simulation/simulation_input`: what a simulation started from, number by number, and where each is from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Protocol

import numpy as np

from domain.analytics.arrays import Float64

PER_YEAR = "per year"


@dataclass(frozen=True, slots=True)
class InputRow:
    """One number, or one array by its content: `content_hash` (SHA-256 of its float64 in C order) and its `shape`.

    `how` says in a sentence how it was made; `source` is the lake's table or the bundled file, None of what follows
    from other rows or from a rule. `window_start` and `window_end` are the days of the data; `text` is of what is no
    number, such as a model's name.
    """

    name: str
    ticker: str | None
    value: float | None
    unit: str
    how: str
    source: str | None
    window_start: date | None = None
    window_end: date | None = None
    content_hash: str | None = None
    shape: tuple[int, ...] | None = None
    text: str | None = None


class Windowed(Protocol):
    """Securities, and the window that each one's estimates are of."""

    @property
    def tickers(self) -> Sequence[str]: ...
    @property
    def windows(self) -> Sequence[tuple[date, date]]: ...


def single(
    name: str,
    value: float | None,
    how: str,
    source: str | None,
    window: tuple[date | None, date | None] = (None, None),
    unit: str = PER_YEAR,
) -> InputRow:
    return InputRow(name, None, value, unit, how, source, *window)


def per_security(
    name: str,
    securities: Windowed,
    values: Float64,
    how: str,
    source: str | None,
    spans: Sequence[tuple[date, date]] | None = None,
    unit: str = PER_YEAR,
) -> Iterator[InputRow]:
    """A row for each of `values` (n,), of the securities' own windows or of `spans`."""
    windows = securities.windows if spans is None else spans
    for ticker, value, window in zip(securities.tickers, values.tolist(), windows, strict=True):
        yield InputRow(name, ticker, value, unit, how, source, *window)


def array_row(name: str, array: Float64, how: str, source: str | None) -> InputRow:
    """An array by its content, so that a table does not hold a row per pair."""
    content = np.ascontiguousarray(array, np.float64)
    return InputRow(
        name, None, None, "1", how, source, content_hash=sha256(content.tobytes()).hexdigest(), shape=content.shape
    )
