"""Models that repeat what was: blocks of joint returns drawn anew, and every start of a long series."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from domain.analytics.arrays import Float32, Float64, Int64
from domain.analytics.simulation.lanes import LANES, Lanes
from domain.analytics.simulation.models import MONTHS, Block, Buffers, Moving, Walk


@dataclass(frozen=True, slots=True)
class BlockBootstrap:
    """Stationary blocks of joint returns of one step: whole rows are drawn, so what moved together still does.

    Parameters
    ----------
    returns : (r, n) log returns of one step from each day (or month) on, all of the same length; finite for those held.
    stride : rows from the start of a step to the start of the next: 21 for months that begin on every day.
    mean_block : steps that a block lasts on average; lengths are geometric, and the rows are a circle.

    Rows are scaled to mean 0 and deviation s sqrt(dt). Source: Politis and Romano (1994), "The Stationary Bootstrap".
    """

    returns: Float64
    stride: int
    mean_block: float
    name: ClassVar[str] = "block_bootstrap"
    bridged: ClassVar[bool] = False
    drifts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.returns.ndim != 2 or len(self.returns) < 2 * self.stride:
            raise ValueError(f"returns must be at least {2 * self.stride} rows, not {self.returns.shape}")
        if self.mean_block < 1:
            raise ValueError(f"mean_block must be at least 1 step, not {self.mean_block}")

    def walk(self, moving: Moving, block: Block) -> Walk:
        rows = self.returns[:, moving.places]
        deviation = rows.std(axis=0)
        if not np.isfinite(rows).all() or (deviation == 0).any():
            raise ValueError("returns must be finite, and vary, for every security that moves")
        scaled = (rows - rows.mean(axis=0)) * (moving.deviation / deviation)
        return _BootstrapWalk(np.ascontiguousarray(scaled.T, np.float32), block.lanes, self.stride, self.mean_block)


@dataclass(frozen=True, slots=True)
class HistoricalSequences:
    """Every stretch of a monthly series, one path for each start; no random numbers.

    `returns` (months, n) are log returns as they were, with the drift and volatility that they had. There
    are `windows` paths of so many steps; they overlap, so errors go by how many of them are separate.
    """

    returns: Float64
    every: int = 1
    """Months from one start to the next: 12 for a window per year."""
    name: ClassVar[str] = "historical_sequences"
    bridged: ClassVar[bool] = False
    drifts: ClassVar[bool] = True

    def windows(self, steps: int) -> int:
        """Starts from which the series has so many steps."""
        return max(0, (len(self.returns) - steps) // self.every + 1)

    def separate(self, steps: int) -> float:
        """Windows that do not overlap."""
        return len(self.returns) / steps

    def walk(self, moving: Moving, block: Block) -> Walk:
        if moving.steps_per_year != MONTHS:
            raise ValueError(f"historical_sequences has steps of a month, not {moving.steps_per_year} a year")
        starts = (block.first_path + np.arange(LANES)) * self.every
        return _SequenceWalk(np.ascontiguousarray(self.returns[:, moving.places].T, np.float32), starts)


class _BootstrapWalk:
    def __init__(self, rows: Float32, lanes: Lanes, stride: int, mean_block: float) -> None:
        self._rows, self._lanes, self._stride = rows, lanes, stride
        self._ends = np.float32(1 / mean_block)
        self._at = self._anywhere(lanes.uniforms(np.empty((1, LANES), np.float32))[0])
        self._buffers = Buffers()

    def moves(self, steps: int) -> Float32:
        moves = self._buffers.of(0, steps, len(self._rows))
        chances = self._lanes.uniforms(np.empty((2 * steps, LANES), np.float32)).reshape(steps, 2, LANES)
        for step, (chance, where) in zip(moves, chances, strict=True):
            np.take(self._rows, self._at, axis=1, out=step, mode="clip")
            following = (self._at + self._stride) % self._rows.shape[1]
            self._at = np.where(chance < self._ends, self._anywhere(where), following)
        return moves

    def _anywhere(self, chance: Float32) -> Int64:
        last = self._rows.shape[1] - 1
        return np.asarray(np.minimum((chance * np.float64(last + 1)).astype(np.int64), last))


class _SequenceWalk:
    """Paths beyond the last window repeat the series' end: they fill the block, and nobody looks at them."""

    def __init__(self, rows: Float32, starts: Int64) -> None:
        self._rows, self._at = rows, starts

    def moves(self, steps: int) -> Float32:
        at = self._at + np.arange(steps)[:, None]
        self._at = self._at + steps
        return np.ascontiguousarray(np.take(self._rows, at, axis=1, mode="clip").transpose(1, 0, 2))
