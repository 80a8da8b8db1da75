"""Time-weighted and money-weighted return: what a portfolio earned, without and with the timing of its flows.

Here: returns out of daily values and flows. Not here: how a value or a flow of a day is found, and risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyxirr
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_DAYS_PER_YEAR = 365
_PREFERRED_RATE = 0.10
_ORDINARY_RATES = (-0.999999, 100.0)
_RESIDUAL = 1e-9  # of the sum of the absolute discounted flows
# Rates are sought by log(1 + rate): from -1 + 2e-16 to 1e26 (ten per cent in one day is 1.3e15 a year), 0.02 apart.
_LOG_RATES = np.linspace(-36.0, 60.0, 4801)


@dataclass(frozen=True, slots=True)
class XirrResult:
    """`rate` per year (0.1 is 10 %), None unless the net present value changes sign at some rate."""

    rate: float | None
    status: Literal["OK", "NO_SIGN_CHANGE", "MULTIPLE"]


@dataclass(frozen=True, slots=True)
class TwrIndex:
    """`returns` (n,) of each day, NaN where a break; `index` (n,) growth of 1 up to the end of each day."""

    returns: Float64
    index: Float64


def xirr(dates: Sequence[date], amounts: Sequence[float]) -> XirrResult:
    """The annual rate at which the flows' net present value is zero: the money-weighted return.

    Parameters
    ----------
    dates : (n,) in any order; flows of one day are netted.
    amounts : (n,) in one currency; negative is paid in by the investor, positive received (so is the final value).

    Returns
    -------
    XirrResult
        OK with the only rate; MULTIPLE with the one nearest 10 %; NO_SIGN_CHANGE with None when the net present
        value keeps its sign at every rate above -100 %: nothing came back, all on one day, or simply no real root.

    Raises
    ------
    ValueError
        Lengths differ, or an amount is NaN or infinite.

    Notes
    -----
    ACT/365 from the first flow. Every rate is proved: the net present value changes sign around it, and less than
    1e-9 of the absolute discounted flows is left at it. Two roots less than 2 % of (1 + rate) apart may go unseen.
    A rate outside -99.9999 % to 10,000 % counts only if there is none inside: long ledgers often have such a ghost.
    Source: pyxirr for the root; Descartes' rule of signs for when it is the only one; RULEBOOK 7.
    """
    if len(dates) != len(amounts):
        raise ValueError(f"{len(dates)} dates do not fit {len(amounts)} amounts")
    if not np.isfinite(np.asarray(amounts, dtype=np.float64)).all():
        raise ValueError("amounts must be finite")
    flows = _Flows.net(dates, amounts)
    every = [flows.rate_between(low, high) for low, high in flows.brackets()]
    rates = [rate for rate in every if _ORDINARY_RATES[0] <= rate <= _ORDINARY_RATES[1]] or every
    if not rates:
        return XirrResult(None, "NO_SIGN_CHANGE")
    nearest = min(rates, key=lambda rate: abs(rate - _PREFERRED_RATE))
    return XirrResult(nearest, "OK" if len(rates) == 1 else "MULTIPLE")


def twr_index(begin: Float64, end: Float64, inflow: Float64, outflow: Float64) -> TwrIndex:
    """Daily time-weighted returns r = (end + outflow) / (begin + inflow) - 1, and their index.

    Parameters
    ----------
    begin, end : (n,) value at the start and at the end of each day, base currency; income is in the value.
    inflow, outflow : (n,) external flows of the day, both >= 0; in at its start, out at its end.

    Returns
    -------
    TwrIndex
        A day whose base begin + inflow is zero (or negative, where a return has no meaning) is a break: its return is
        NaN, not -100 %, and the index carries over it. The index starts from 1 before the first day.

    Raises
    ------
    ValueError
        Lengths differ, a NaN or an infinity, or a negative flow: a missing value is not a break.

    Notes
    -----
    Source: RULEBOOK 7; Portfolio Performance's TTWROR.
    """
    for name, series in (("begin", begin), ("end", end), ("inflow", inflow), ("outflow", outflow)):
        if series.shape != begin.shape:
            raise ValueError(f"{name} has shape {series.shape}, begin {begin.shape}")
        if not np.isfinite(series).all():
            raise ValueError(f"{name} must be finite")
    if (inflow < 0).any() or (outflow < 0).any():
        raise ValueError("inflow and outflow must not be negative: each has its own column")
    base = begin + inflow
    returns = np.full(base.shape, np.nan)
    np.divide(end + outflow, base, out=returns, where=base > 0)
    returns -= 1
    return TwrIndex(returns, np.cumprod(1 + np.nan_to_num(returns)))


def annualise(total_return: float, days: int) -> float | None:
    """(1 + total_return)^(365 / days) - 1, or None below one year, where it would promise what was not earned.

    `total_return` is a fraction, at least -1 (else ValueError); NaN stays NaN. `days` are calendar days.
    Source: RULEBOOK 7.
    """
    if total_return < -1:
        raise ValueError(f"a total return of {total_return} loses more than everything and has no annual rate")
    if days < _DAYS_PER_YEAR:
        return None
    return float((1 + total_return) ** (_DAYS_PER_YEAR / days) - 1)


@dataclass(frozen=True, slots=True)
class _Flows:
    """Net flows, at most one a day, in order; `years` since the first."""

    dates: list[date]
    years: Float64
    amounts: Float64

    @classmethod
    def net(cls, dates: Sequence[date], amounts: Sequence[float]) -> "_Flows":
        by_day: dict[date, float] = {}
        for day, amount in sorted(zip(dates, amounts, strict=True), key=lambda flow: flow[0]):
            by_day[day] = by_day.get(day, 0.0) + float(amount)
        days = [day for day, amount in by_day.items() if amount]
        years = np.array([(day - days[0]).days / _DAYS_PER_YEAR for day in days])
        return cls(days, years, np.array([by_day[day] for day in days]))

    def brackets(self) -> list[tuple[float, float]]:
        """Intervals of log(1 + rate), each with one change of sign of the net present value."""
        signs = np.count_nonzero(np.diff(np.sign(self.amounts)))
        if signs == 0:
            return []
        grid = _LOG_RATES[[0, -1]] if signs == 1 else _LOG_RATES  # Descartes: one change of sign, one root
        positive = self._present_value(grid) > 0
        return [(float(grid[i]), float(grid[i + 1])) for i in np.flatnonzero(positive[1:] != positive[:-1])]

    def rate_between(self, low: float, high: float) -> float:
        """The rate in a bracket: pyxirr's if it is proved there, else by halving (pyxirr may say None, -1 or inf)."""
        guess = _PREFERRED_RATE if low < np.log1p(_PREFERRED_RATE) < high else float(np.expm1((low + high) / 2))
        rate = pyxirr.xirr(self.dates, self.amounts, guess=guess, silent=True)
        if rate is not None and -1 < rate < np.inf and self._is_root(np.log1p(rate), low, high):
            return float(rate)
        rising = self._present_value(np.array([high]))[0] > 0
        for _ in range(100):
            middle = (low + high) / 2
            if (self._present_value(np.array([middle]))[0] > 0) == rising:
                high = middle
            else:
                low = middle
        return float(np.expm1((low + high) / 2))

    def _is_root(self, log_rate: float, low: float, high: float) -> bool:
        below, at, above = self._present_value(log_rate + np.array([-1e-6, 0.0, 1e-6]))
        return low <= log_rate <= high and (below > 0) != (above > 0) and abs(at) < _RESIDUAL

    def _present_value(self, log_rates: Float64) -> Float64:
        """Net present value at each of `log_rates`, as a share of the absolute discounted flows: within [-1, 1]."""
        exponents = -np.outer(log_rates, self.years)
        discounted = self.amounts * np.exp(exponents - exponents.max(axis=1, keepdims=True))
        return np.asarray(discounted.sum(axis=1) / np.abs(discounted).sum(axis=1))
