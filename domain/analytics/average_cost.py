"""Average cost over millions of trades: the rule of `domain.holdings` in compiled form, for whole columns.

The rule itself stands in `domain.holdings`; a property test holds the two equal, to the last decimal. All numbers are
integers in units of 10^-8, as numeric(18,8) and numeric(28,8) are stored. What does not fit 62 bits is not computed
but named, so that the caller can give it to the rule.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Int64

UNIT = 10**8
LIMIT = 2**62
"""Amounts from here on are left to the rule: 46 billion in money."""
OPEN = np.iinfo(np.int32).max
"""`valid_to` of what still holds."""

_U0, _U1, _U32, _U64, _LOW, _TOP = (np.uint64(x) for x in (0, 1, 32, 64, 2**32 - 1, 2**63))
_STEPS = tuple(np.uint64(2**power) for power in (5, 4, 3, 2, 1, 0))


@dataclass(frozen=True, slots=True)
class Closings:
    """One entry per trade that gave units for money, in order; `trade` is its index. Signs are those of the fold: of a
    short, `quantity` is above 0 and the others negative. `gain_at_rate` is the gain in base currency at the trade's
    rate, without that of the rate itself."""

    trade: Int64
    quantity: Int64
    proceeds: Int64
    cost: Int64
    proceeds_base: Int64
    cost_base: Int64
    gain_at_rate: Int64


@dataclass(frozen=True, slots=True)
class Intervals:
    """One entry per holding and day with a trade, in order. `trade` is the index of that day's last trade, by which
    the caller knows whose it is. `overflowed` are the indices of the first trades of holdings that were left out."""

    trade: Int64
    valid_from: NDArray[np.int32]
    valid_to: NDArray[np.int32]
    quantity: Int64
    cost_basis: Int64
    avg_cost: Int64
    realised: Int64
    cost_basis_base: Int64
    realised_base: Int64
    realised_fx_base: Int64
    closings: Closings
    overflowed: Int64


def average_cost_intervals(
    first: Int64,
    day: NDArray[np.int32],
    quantity: Int64,
    gross: Int64,
    fees: Int64,
    fx_rate: Int64,
) -> Intervals:
    """Fold trades, n of them, into the ranges of validity of their holdings.

    Trades are ordered by holding, then as they happened; `first` has the index at which each holding begins, starting
    with 0. `quantity` is signed (a sale is negative); `gross` and `fees` are not negative and in the trade's currency,
    `fx_rate` is what one unit of that is in base currency. Days are counted from any one day.
    """
    day = day.view()
    day.flags.writeable = False  # as a column of Arrow is: the fold is then compiled once for whoever calls
    columns = tuple(np.empty(len(day), np.int64) for _ in range(8))
    closed = tuple(np.empty(len(day), np.int64) for _ in range(7))
    starts, ends = np.empty(len(day), np.int32), np.empty(len(day), np.int32)
    overflowed = np.zeros(len(first), np.bool_)
    last = np.append(first[1:], len(day)).astype(np.int64)
    count, n_closed = _fold(first, last, day, quantity, gross, fees, fx_rate, columns, closed, starts, ends, overflowed)
    trade, held, cost, average, realised, cost_base, realised_base, fx = (column[:count] for column in columns)
    return Intervals(
        trade,
        starts[:count],
        ends[:count],
        quantity=held,
        cost_basis=cost,
        avg_cost=average,
        realised=realised,
        cost_basis_base=cost_base,
        realised_base=realised_base,
        realised_fx_base=fx,
        closings=Closings(*(column[:n_closed] for column in closed)),
        overflowed=first[overflowed],
    )


@numba.njit(cache=True, nogil=True)
def _fold(first, last, day, quantity, gross, fees, fx_rate, columns, closed, starts, ends, overflowed):  # pyrefly: ignore[implicit-any-parameter, unannotated-return]
    trade, held_at, cost_at, average_at, realised_at, cost_base_at, realised_base_at, realised_fx_at = columns
    count = n_closed = 0
    for holding in range(len(first)):
        begin, begin_closed = count, n_closed
        held = cost = cost_base = realised = realised_base = realised_fx = 0
        fits = True
        for i in range(first[holding], last[holding]):
            traded, worth, fee, rate = quantity[i], gross[i], fees[i], fx_rate[i]
            if held != 0 and (held > 0) != (traded > 0):
                closing, closing_worth = traded, worth
                if abs(traded) > abs(held):
                    closing = -held
                    closing_worth, fits = _share(worth, abs(held), abs(traded), fits)
                left, left_base = cost, cost_base
                if abs(closing) < abs(held):
                    left, fits = _share(cost, abs(closing), abs(held), fits)
                    left_base, fits = _share(cost_base, abs(closing), abs(held), fits)
                proceeds = (closing_worth if traded < 0 else -closing_worth) - fee
                gain = proceeds - left
                proceeds_base, fits = _share(proceeds, rate, UNIT, fits)
                price_effect, fits = _share(gain, rate, UNIT, fits)
                gain_base = proceeds_base - left_base
                realised += gain
                realised_base += gain_base
                realised_fx += gain_base - price_effect
                closed[0][n_closed], closed[1][n_closed] = i, closing
                closed[2][n_closed], closed[3][n_closed] = proceeds, left
                closed[4][n_closed], closed[5][n_closed] = proceeds_base, left_base
                closed[6][n_closed] = price_effect
                n_closed += 1
                held += closing
                cost -= left
                cost_base -= left_base
                traded, worth, fee = traded - closing, worth - closing_worth, 0
            if traded != 0:
                added = (worth if traded > 0 else -worth) + fee
                added_base, fits = _share(added, rate, UNIT, fits)
                held += traded
                cost += added
                cost_base += added_base
            average = 0
            if held != 0:
                average, fits = _share(cost if held > 0 else -cost, UNIT, abs(held), fits)
            for amount in (held, cost, cost_base, realised, realised_base, realised_fx):
                fits = fits and -LIMIT < amount < LIMIT
            if not fits:
                break
            if count == begin or starts[count - 1] != day[i]:
                if count > begin:
                    ends[count - 1] = day[i]
                starts[count], ends[count] = day[i], OPEN
                count += 1
            at = count - 1
            trade[at], held_at[at], cost_at[at], average_at[at] = i, held, cost, average
            realised_at[at], cost_base_at[at] = realised, cost_base
            realised_base_at[at], realised_fx_at[at] = realised_base, realised_fx
        if not fits:
            overflowed[holding] = True
            count, n_closed = begin, begin_closed
    return count, n_closed


@numba.njit(cache=True, nogil=True)
def _share(total, part, whole, fits):  # pyrefly: ignore[implicit-any-parameter, unannotated-return]
    """total x part / whole, rounded half away from zero, and whether all so far fits; part and whole not negative."""
    if part == whole:
        return total, fits
    high, low = _multiplied(np.uint64(abs(total)), np.uint64(part))
    divisor = np.uint64(whole)
    if high >= divisor:
        return 0, False
    quotient, rest = _divided(high, low, divisor)
    if rest >= divisor - rest:
        quotient += _U1
    if quotient >= np.uint64(LIMIT):
        return 0, False
    return (np.int64(quotient) if total >= 0 else -np.int64(quotient)), fits


@numba.njit(cache=True, nogil=True)
def _multiplied(a, b):  # pyrefly: ignore[implicit-any-parameter, unannotated-return]
    """The 128 bits of a x b as two halves."""
    a_high, a_low, b_high, b_low = a >> _U32, a & _LOW, b >> _U32, b & _LOW
    low = a_low * b_low
    middle = a_high * b_low + (low >> _U32)
    other = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _U32) + (other >> _U32), (other << _U32) | (low & _LOW)


@numba.njit(cache=True, nogil=True)
def _divided(high, low, divisor):  # pyrefly: ignore[implicit-any-parameter, unannotated-return]
    """Quotient and rest of 128 bits by 64, for high < divisor, in digits of 32 bits (Knuth 4.3.1, algorithm D)."""
    if high == _U0:
        return low // divisor, low % divisor
    shift, scaled = _U0, divisor
    for step in _STEPS:
        if scaled < (_TOP >> (step - _U1)):
            scaled <<= step
            shift += step
    if shift > _U0:
        high = (high << shift) | (low >> (_U64 - shift))
        low <<= shift
    quotient_high, rest = _digit(high, low >> _U32, scaled)
    quotient_low, rest = _digit(rest, low & _LOW, scaled)
    return (quotient_high << _U32) | quotient_low, rest >> shift


@numba.njit(cache=True, nogil=True)
def _digit(rest, digit, divisor):  # pyrefly: ignore[implicit-any-parameter, unannotated-return]
    """The next 32 bits of a quotient: (rest, digit) by a divisor whose top bit is set."""
    divisor_high, divisor_low = divisor >> _U32, divisor & _LOW
    guess, over = rest // divisor_high, rest % divisor_high
    while guess > _LOW or guess * divisor_low > ((over << _U32) | digit):
        guess -= _U1
        over += divisor_high
        if over > _LOW:
            break
    return guess, ((rest << _U32) | digit) - guess * divisor
