"""Types of arrays, by what they hold; and when a double holds nothing."""

from typing import overload

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

NOISE = 1e-12
"""Size of a fraction below which it is what doubles leave of nothing, and no figure."""


@overload
def figure(value: float) -> float: ...
@overload
def figure(value: Float64) -> Float64: ...
def figure(value: float | Float64) -> float | Float64:
    """Return `value`, one or many, as it is told: 0 for less than NOISE, and never a negative zero. NaN stays NaN."""
    if isinstance(value, np.ndarray):
        return np.where(np.abs(value) < NOISE, 0.0, value)
    return 0.0 if abs(value) < NOISE else value
