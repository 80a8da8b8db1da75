"""Correlation of 5,000 securities over 20 years, each pair on its common days: against pandas, and a day more against a
refit.

Half of the securities are listed within the window, and 0.2 % of all returns are absent. pandas takes all pairs one by
one, so its time is measured on 1,000 of them and told for as many pairs as 5,000 have.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from domain.analytics.estimates.co_moments import CoMoments
from domain.analytics.returns.series import MIN_OBSERVATIONS

DAYS, SECURITIES, THEIR_SECURITIES = 5_040, 5_000, 1_000
TOLERANCE = 1e-6


def universe(days: int, securities: int) -> np.ndarray:
    """Log returns of 2 % a day with a market in them."""
    random = np.random.default_rng(2017)
    returns = random.normal(0, 0.02, (days, securities))
    returns += random.normal(0, 0.01, (days, 1))
    listed = np.where(random.random(securities) < 0.5, random.integers(0, days - 500, securities), 0)
    returns[np.arange(days)[:, None] < listed] = np.nan
    returns[random.random((days, securities)) < 0.002] = np.nan
    return returns


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    done = work()
    return done, time.perf_counter() - started


def main() -> None:
    returns = universe(DAYS + 1, SECURITIES)
    some = returns[:-1, :THEIR_SECURITIES]
    theirs, their_seconds = timed(lambda: pd.DataFrame(some).corr(min_periods=MIN_OBSERVATIONS).to_numpy())
    ours, our_seconds = timed(lambda: CoMoments.of(some).correlation())
    off = float(np.nanmax(np.abs(ours - theirs)))
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert off < TOLERANCE, off
    pairs = SECURITIES * (SECURITIES + 1) / (THEIR_SECURITIES * (THEIR_SECURITIES + 1))
    window, summed = timed(lambda: CoMoments.of(returns[:-1]))
    _, told = timed(window.correlation)
    print(
        f"{SECURITIES:,} securities, {DAYS:,} days: {summed + told:.1f} s, "
        f"{their_seconds * pairs / (summed + told):.0f} times as fast as pandas "
        f"({their_seconds * pairs:.0f} s, told from {their_seconds:.1f} s for {THEIR_SECURITIES:,}, where ours takes "
        f"{our_seconds:.2f} s: {their_seconds / our_seconds:.0f} times); they differ by at most {off:.0e}"
    )
    updated, updating = timed(lambda: window.plus(returns[-1:]).minus(returns[:1]))
    matrix, told_again = timed(updated.correlation)
    refit, refitting = timed(lambda: CoMoments.of(returns[1:]))
    expected, refit_told = timed(refit.correlation)
    assert np.array_equal(matrix, expected, equal_nan=True), "to the bit"
    whole, whole_refit = updating + told_again, refitting + refit_told
    print(
        f"the next day: sums updated in {updating * 1e3:.1f} ms, {refitting / updating:,.0f} times as fast as their "
        f"refit; to the whole matrix {whole:.2f} s, {whole_refit / whole:.0f} times as fast as ours from the start, "
        f"{their_seconds * pairs / whole:.0f} times as fast as pandas'; equal to the bit"
    )


if __name__ == "__main__":
    main()
