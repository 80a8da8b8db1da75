"""The start of a simulation: holdings, how they are assumed to move, and what is asked."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from domain.analytics.arrays import Float64

BOUNDS = {"horizon_years": (1, 30), "num_paths": (1, 100_000), "sample_paths": (0, 50), "steps_per_year": (1, 252)}


class Rebalancing(StrEnum):
    NONE = "NONE"
    """Bought and held: units stay as they are."""
    EVERY_STEP = "EVERY_STEP"
    """Back to today's weights at the end of each step."""


class Sampling(StrEnum):
    PLAIN = "PLAIN"
    SOBOL = "SOBOL"
    """Scrambled Sobol points for where paths end; gaussian, bought and held."""


@dataclass(frozen=True, slots=True)
class SimulationInputs:
    """Holdings and how they are assumed to move: n securities, in one base currency.

    Parameters
    ----------
    values : (n,) market value today, >= 0. A security without value is left out, whatever its other numbers.
    mu_annual : (n,) arithmetic drift m of dS/S per year, 0.07 is 7 %; the variance is taken off in the kernel, once.
    volatility_annual : (n,) standard deviation s of log returns per year, >= 0; 0 is exact growth exp(m t).
    correlation : (n, n) of log returns; read only between securities with a value and a volatility.
    cash : money beside them; negative when overdrawn.
    cash_rate : continuous rate per year that the cash earns (or the debt costs).
    mu_deviation : (n,) standard deviation of how far m itself is not known; a path draws its own drift
        m + deviation x (sqrt(1/2) U + sqrt(1/2) V), U one normal for all securities, V one for each. None is 0.
    shock : (n,) simple return at the very start, before the first step, -0.3 is a fall of 30 %. None is 0.
    opening : (k, n) log returns of the first k steps, the same on every path, in place of the model's. None is none.

    ValueError names the array with a wrong shape, a negative number, or a NaN that would be used.
    Source: RULEBOOK 11.
    """

    values: Float64
    mu_annual: Float64
    volatility_annual: Float64
    correlation: Float64
    cash: float = 0.0
    cash_rate: float = 0.0
    mu_deviation: Float64 | None = None
    shock: Float64 | None = None
    opening: Float64 | None = None

    def __post_init__(self) -> None:
        n = len(self.values)
        held = self.values != 0
        for name in ("values", "mu_annual", "volatility_annual", "mu_deviation", "shock"):
            array = getattr(self, name)
            if array is None:
                continue
            if array.shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), not {array.shape}")
            if not np.isfinite(array[held]).all():
                raise ValueError(f"{name} must be finite for every security with a value")
            if name not in ("mu_annual", "shock") and (array[held] < 0).any():
                raise ValueError(f"{name} must not be negative")
        if self.shock is not None and (self.shock[held] < -1).any():
            raise ValueError("shock must not take more than everything")
        if self.opening is not None:
            if self.opening.ndim != 2 or self.opening.shape[1] != n:
                raise ValueError(f"opening must have shape (steps, {n}), not {self.opening.shape}")
            if not np.isfinite(self.opening[:, held]).all():
                raise ValueError("opening must be finite for every security with a value")
        if self.correlation.shape != (n, n):
            raise ValueError(f"correlation must have shape ({n}, {n}), not {self.correlation.shape}")
        if not np.isfinite(self.cash) or (self.cash < 0 and self.cash + self.values.sum() <= 0):
            raise ValueError("cash must be finite, and not overdrawn by all that the securities are worth")
        if not np.isfinite(self.cash_rate):
            raise ValueError("cash_rate must be finite")

    @property
    def weighted_drift(self) -> float:
        """The drift of the whole today: of securities and of cash, by their values; 0 of what is worth nothing."""
        total = float(self.values.sum()) + self.cash
        mu = np.where(self.values != 0, self.mu_annual, 0.0)
        return (float((self.values * mu).sum()) + self.cash * self.cash_rate) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class SimulationSpec:
    """How far, how often, from which seed, and what is asked of the paths; these take 4 bytes x steps x num_paths.

    Parameters
    ----------
    inflation_annual : continuous rate by which money loses what it buys; None: nothing is told in real terms.
    floor : money; the probability that the value is ever below it is told. None: 70 % of today's value.
    goal : money; the probability that the value ends at or above it is told. None: it is not.
    withdrawal : money taken out at the end of each year, as far as there is any.
    """

    horizon_years: int
    num_paths: int
    seed: int
    sample_paths: int = 10
    steps_per_year: int = 12
    rebalancing: Rebalancing = Rebalancing.NONE
    sampling: Sampling = Sampling.PLAIN
    inflation_annual: float | None = None
    floor: float | None = None
    goal: float | None = None
    withdrawal: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {getattr(self, name)}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, but is {self.seed}")
        if self.withdrawal < 0:
            raise ValueError(f"withdrawal must not be negative, but is {self.withdrawal}")
        if self.sampling is Sampling.SOBOL:
            if self.rebalancing is not Rebalancing.NONE or self.withdrawal:
                raise ValueError("sampling by SOBOL is of a portfolio that is bought and held, without withdrawals")
            if self.num_paths & (self.num_paths - 1):
                below = 1 << (self.num_paths.bit_length() - 1)
                raise ValueError(
                    f"num_paths must be a power of two with SOBOL, such as {below} or {2 * below}, not {self.num_paths}"
                )

    @property
    def steps(self) -> int:
        return self.horizon_years * self.steps_per_year

    @property
    def times_years(self) -> Float64:
        """(steps + 1,), from 0."""
        return np.arange(self.steps + 1) / self.steps_per_year
