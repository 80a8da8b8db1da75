"""Money-weighted return: the rate at which the flows of an investment are worth nothing together, of one or of many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import pyxirr

from domain.analytics.arrays import Days, Float64, Int64

Status = Literal["OK", "NO_SIGN_CHANGE", "MULTIPLE"]

DAYS_PER_YEAR = 365
_PREFERRED_RATE = 0.10
_PREFERRED_LOG_RATE = float(np.log1p(_PREFERRED_RATE))
_ORDINARY_RATES = (-0.999999, 100.0)
_RESIDUAL = 1e-9  # of the sum of the absolute discounted flows
# Rates are sought by log(1 + rate): from -1 + 2e-16 to 1e26 (ten per cent in one day is 1.3e15 a year), 0.02 apart.
_LOG_RATES = np.linspace(-36.0, 60.0, 4801)
_MOST_STEPS = 20
_STEP = 16  # investments are padded to a multiple of it
_SETTLED, _ROUNDING = 1e-6, 1e-12
_NO_RATE = 1e-12  # smaller rates are what doubles leave of nothing
_CELLS = 1 << 15  # of the padded arrays that are solved together: they stay in the processor's cache


@dataclass(frozen=True, slots=True)
class XirrResult:
    """`rate` per year (0.1 is 10 %), None unless the net present value changes sign at some rate."""

    rate: float | None
    status: Status


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
    ACT/365 from the first flow. Every rate is proved, one of two ways. If the balance of the investment, compounded at
    the rate, never changes sign, it is the only rate. Else the net present value changes sign around each rate, and
    less than 1e-9 of the absolute discounted flows is left at it; two roots less than 2 % of (1 + rate) apart may go
    unseen, and a rate outside -99.9999 % to 10,000 % counts only if there is none inside: long ledgers often have such
    a ghost.
    Source: Teichroew, Robichek and Montalbano (1965), "Mathematical Analysis of Rates of Return under Certainty", for
    the balance; pyxirr and Descartes' rule of signs where it changes sign; RULEBOOK 7.
    """
    if len(dates) != len(amounts):
        raise ValueError(f"{len(dates)} dates do not fit {len(amounts)} amounts")
    days, given = np.array(dates, dtype="datetime64[D]"), np.asarray(amounts, dtype=np.float64)
    order = np.argsort(days, kind="stable")
    rates, status = xirr_many(np.array([0, len(days)]), days[order], given[order])
    return XirrResult(None if np.isnan(rates[0]) else float(rates[0]), status[0])


def xirr_many(
    offsets: Int64, days: Days, amounts: Float64, rate_days: Int64 | None = None
) -> tuple[Float64, list[Status]]:
    """`xirr` of many investments: rates (m,), NaN where there is none, and their statuses.

    The flows of investment i are those from offsets[i] to offsets[i + 1], its `days` in order; `offsets` (m + 1,).
    `rate_days` (m,), above 0, are the days that each rate is of, 365 where they are not given: a fall of 14 % in a day
    is 1e-24 in a year, of which a double has no digit left. What an investment gets does not depend on the others, to
    the bit. Of a few roots the one nearest 10 % a year counts. Other conventions, errors and source as in `xirr`.
    """
    if not np.isfinite(amounts).all():
        raise ValueError("amounts must be finite")
    if rate_days is None:
        rate_days = np.full(len(offsets) - 1, DAYS_PER_YEAR)
    flows = _Flows.net(offsets, days, amounts, rate_days)
    preferred = _PREFERRED_LOG_RATE * rate_days / DAYS_PER_YEAR
    rates = np.full(flows.n_investments, np.nan)
    sizes = np.diff(flows.offsets)
    widths = -(-sizes // _STEP) * _STEP
    for width in np.unique(widths[sizes > 1]).tolist():
        alike, together = np.flatnonzero((widths == width) & (sizes > 1)), max(1, _CELLS // width)
        for some in (alike[start : start + together] for start in range(0, len(alike), together)):
            rates[some] = _proved_rates(*flows.padded(some, width), preferred[some])
    status: list[Status] = ["NO_SIGN_CHANGE" if is_open else "OK" for is_open in np.isnan(rates)]
    for i in np.flatnonzero((sizes > 1) & np.isnan(rates)).tolist():
        found = _of_every_sign(*flows.of(i), int(rate_days[i]))
        rates[i], status[i] = np.nan if found.rate is None else found.rate, found.status
    rates[np.abs(rates) < _NO_RATE] = 0.0
    return rates, status


@dataclass(frozen=True, slots=True)
class _Flows:
    """Net flows of each investment, none of them 0, at most one a day, in order."""

    offsets: Int64
    days: Days
    amounts: Float64
    rate_days: Int64

    @property
    def n_investments(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def net(cls, offsets: Int64, days: Days, amounts: Float64, rate_days: Int64) -> "_Flows":
        m = len(offsets) - 1
        if not len(days):
            return cls(np.zeros(m + 1, dtype=np.int64), days, amounts, rate_days)
        owner = np.repeat(np.arange(m), np.diff(offsets))
        is_first = np.ones(len(days), dtype=bool)
        is_first[1:] = (days[1:] != days[:-1]) | (owner[1:] != owner[:-1])
        if is_first.all() and amounts.all():
            return cls(offsets, days, amounts, rate_days)
        first = np.flatnonzero(is_first)
        net = np.add.reduceat(amounts, first) if len(first) < len(days) else amounts
        kept = first[net != 0]
        return cls(np.searchsorted(owner[kept], np.arange(m + 1)), days[kept], net[net != 0], rate_days)

    def of(self, i: int) -> tuple[Days, Float64]:
        rows = slice(self.offsets[i], self.offsets[i + 1])
        return self.days[rows], self.amounts[rows]

    def padded(self, some: Int64, width: int) -> tuple[Float64, Float64]:
        """Time since the first flow, in units of `rate_days`, and amounts (len(some), width) of some investments, 0
        behind their last flow."""
        sizes = self.offsets[some + 1] - self.offsets[some]
        columns = np.arange(width)
        is_there = columns < sizes[:, None]
        rows = np.where(is_there, self.offsets[some][:, None] + columns, self.offsets[some][:, None])
        amounts = np.where(is_there, self.amounts[rows], 0.0)
        times = (self.days[rows] - self.days[self.offsets[some]][:, None]).astype(float) / self.rate_days[some][:, None]
        return times, amounts


def _proved_rates(times: Float64, amounts: Float64, preferred: Float64) -> Float64:
    """The rates (m,) of investments (m, n) that are proved to have only one; NaN for others.

    Halley's steps on log(1 + rate) from `preferred` (m,) on: a step leaves an error of about its cube, so a small one
    is the last.
    """
    rates = np.full(len(times), np.nan)
    at, log_rates = np.arange(len(times)), preferred.copy()
    for _ in range(_MOST_STEPS):
        with np.errstate(all="ignore"):
            discounted = np.exp(-log_rates[:, None] * times)
            discounted *= amounts
            value, slope = discounted.sum(axis=1), np.einsum("ij,ij->i", discounted, times)
            bend = np.einsum("ij,ij,ij->i", discounted, times, times)
            step = 2 * value * slope / (2 * slope * slope - value * bend)
        step = np.where(np.isfinite(step), step, np.inf)
        settled = np.flatnonzero(np.abs(step) < _SETTLED)
        if len(settled):
            found = np.expm1(log_rates[settled] + step[settled])
            rates[at[settled]] = np.where(_is_only_rate(discounted[settled]), found, np.nan)
        log_rates += np.clip(step, -1.0, 1.0)
        is_open = (np.abs(step) >= _SETTLED) & np.isfinite(step)
        is_open &= (log_rates > _LOG_RATES[0]) & (log_rates < _LOG_RATES[-1])
        if not is_open.any():
            break
        if not is_open.all():
            at, log_rates, times, amounts = at[is_open], log_rates[is_open], times[is_open], amounts[is_open]
    return rates


def _is_only_rate(discounted: Float64) -> Any:
    """Say which investments have one rate only, from their flows (m, n) discounted at any rate near it.

    They have if every balance before the last is of one sign, and further from 0 than the last is on that side: the
    balances from the first flow on change sign as often as there are rates above, at most, and those from the last flow
    back as often as there are rates below; and so there is one in all.
    """
    balances = np.cumsum(discounted, axis=1)
    last = balances[:, -1:]
    least = np.abs(discounted).max(axis=1, keepdims=True) * _ROUNDING
    is_last = balances == last
    is_owed = ((balances <= np.minimum(last, 0) + least) | is_last).all(axis=1)
    is_owned = ((balances >= np.maximum(last, 0) - least) | is_last).all(axis=1)
    return is_owed | is_owned


def _of_every_sign(days: Days, amounts: Float64, rate_days: int) -> XirrResult:
    """All rates of one investment, sought on a grid."""
    times = (days - days[0]).astype(float) / rate_days
    dates: list[date] | None = days.astype(object).tolist() if rate_days == DAYS_PER_YEAR else None
    preferred = float(np.expm1(_PREFERRED_LOG_RATE * rate_days / DAYS_PER_YEAR))
    every = [_rate_between(dates, times, amounts, low, high) for low, high in _brackets(times, amounts)]
    rates = [rate for rate in every if _ORDINARY_RATES[0] <= rate <= _ORDINARY_RATES[1]] or every
    if not rates:
        return XirrResult(None, "NO_SIGN_CHANGE")
    nearest = min(rates, key=lambda rate: abs(rate - preferred))
    return XirrResult(nearest, "OK" if len(rates) == 1 else "MULTIPLE")


def _brackets(times: Float64, amounts: Float64) -> list[tuple[float, float]]:
    """Intervals of log(1 + rate), each with one change of sign of the net present value."""
    if (amounts > 0).all() or (amounts < 0).all():
        return []
    low, high = _outermost(times, amounts)
    grid = _LOG_RATES[(low <= _LOG_RATES) & (high >= _LOG_RATES)]
    positive = _present_value(times, amounts, grid) > 0
    return [(float(grid[i]), float(grid[i + 1])) for i in np.flatnonzero(positive[1:] != positive[:-1])]


def _outermost(times: Float64, amounts: Float64) -> tuple[float, float]:
    """Values of log(1 + rate) below and above which there is no rate.

    Above one at which the balance, summed from the first flow on, keeps its sign there is none; below one at which it
    does so from the last flow back neither.
    """

    def keeps_sign(log_rate: float, direction: int) -> bool:
        exponents = -log_rate * times
        balances = np.cumsum((amounts * np.exp(exponents - exponents.max()))[::direction])
        return bool((balances > 0).all() or (balances < 0).all())

    bounds = [2.0**power for power in range(-2, 6)]
    low = next((-bound for bound in bounds if keeps_sign(-bound, -1)), float(_LOG_RATES[0]))
    high = next((bound for bound in bounds if keeps_sign(bound, 1)), float(_LOG_RATES[-1]))
    return max(low - 0.03, float(_LOG_RATES[0])), min(high + 0.03, float(_LOG_RATES[-1]))


def _rate_between(dates: list[date] | None, times: Float64, amounts: Float64, low: float, high: float) -> float:
    """The rate in a bracket: pyxirr's, which knows years only, if it is proved there, else by halving (pyxirr may say
    None, -1 or inf)."""
    guess = _PREFERRED_RATE if low < _PREFERRED_LOG_RATE < high else float(np.expm1((low + high) / 2))
    rate = pyxirr.xirr(dates, amounts, guess=guess, silent=True) if dates else None
    if rate is not None and -1 < rate < np.inf and _is_root(times, amounts, np.log1p(rate), low, high):
        return float(rate)
    rising = _present_value(times, amounts, np.array([high]))[0] > 0
    for _ in range(100):
        middle = (low + high) / 2
        if (_present_value(times, amounts, np.array([middle]))[0] > 0) == rising:
            high = middle
        else:
            low = middle
    return float(np.expm1((low + high) / 2))


def _is_root(times: Float64, amounts: Float64, log_rate: float, low: float, high: float) -> bool:
    below, at, above = _present_value(times, amounts, log_rate + np.array([-1e-6, 0.0, 1e-6]))
    return low <= log_rate <= high and (below > 0) != (above > 0) and abs(at) < _RESIDUAL


def _present_value(times: Float64, amounts: Float64, log_rates: Float64) -> Float64:
    """Net present value at each of `log_rates`, as a share of the absolute discounted flows: within [-1, 1]."""
    exponents = -np.outer(log_rates, times)
    discounted = amounts * np.exp(exponents - exponents.max(axis=1, keepdims=True))
    return np.asarray(discounted.sum(axis=1) / np.abs(discounted).sum(axis=1))
