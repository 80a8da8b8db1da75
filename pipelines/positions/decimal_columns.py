"""Decimals of Arrow as integers of their last place, and back: what a compiled fold computes with."""

from typing import Any

import numpy as np
import pyarrow as pa


def integers(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Decimals as integers of their last place: the lower half of their 128 bits, in which they are known to fit."""
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    halves = np.frombuffer(array.buffers()[1], np.int64)
    return halves[2 * array.offset : 2 * (array.offset + len(array)) : 2].copy()


def decimals(values: np.ndarray[Any, np.dtype[np.int64]], kind: pa.DataType) -> pa.Array:
    halves = np.empty((len(values), 2), np.int64)
    halves[:, 0], halves[:, 1] = values, values >> 63
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(halves)])
