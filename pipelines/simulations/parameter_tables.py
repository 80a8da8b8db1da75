"""The tables of parameters: their columns, the rows that domain.analytics has for them, and what must hold of a row.

A security or pair that is refused has a row with a status, a reason and no number.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.analytics.arrays import Float64
from domain.analytics.estimates.co_moments import MAX_SQUARES, CoMoments, common_windows, too_large
from domain.analytics.estimates.correlation import shrunk
from domain.analytics.estimates.forward_drift import (
    MAX_PRICE_AGE_DAYS,
    MAX_TARGET_AGE_DAYS,
    Target,
    TargetPrice,
    forward_drift,
)
from domain.analytics.estimates.moments import HistoricalMoments, historical_moments
from domain.analytics.returns.series import MIN_OBSERVATIONS
from pipelines.marts.definition import Columns, Mart

_TEXT, _PRICE = pa.string(), pa.decimal128(18, 8)
_ID, _COUNT, _DAY, _FIGURE = pa.int64(), pa.int32(), pa.date32(), pa.float64()


@dataclass(frozen=True)
class Parameter(Mart):
    """A mart with one `figure`, and the bounds of it."""

    figure: str = ""
    least: float = -inf
    most: float = inf


_WINDOW: Columns = {
    "n_observations": (_COUNT, "Returns used."),
    "window_start": (_DAY, "First return used."),
    "window_end": (_DAY, "Last return used."),
}
_REASON: Columns = {"reason": (_TEXT, "Why there is no number; null if OK.")}
_OWN_STATUS: Columns = {"status": (_TEXT, f"OK, or INSUFFICIENT below {MIN_OBSERVATIONS} observations."), **_REASON}

HISTORICAL_MU = Parameter(
    "Grain: one row per security with returns in the parameter window: its drift.",
    {
        "security_id": (_ID, "Security."),
        "mu_annual": (_FIGURE, "Arithmetic drift m of dS/S per year: 252 x mean(log return) + volatility^2 / 2."),
        **_WINDOW,
        "method": (_TEXT, "HISTORICAL: of the returns of the window."),
        **_OWN_STATUS,
    },
    ("security_id",),
    figure="mu_annual",
)
VOLATILITY = Parameter(
    "Grain: one row per security with returns in the parameter window: its volatility.",
    {
        "security_id": (_ID, "Security."),
        "volatility_annual": (_FIGURE, "Sample deviation of daily log returns x sqrt(252), a fraction."),
        **_WINDOW,
        "method": (_TEXT, "HISTORICAL: of the returns of the window, each with the same weight."),
        **_OWN_STATUS,
    },
    ("security_id",),
    figure="volatility_annual",
    least=0.0,
)
CORRELATION = Parameter(
    "Grain: one row per ordered pair of securities with common returns in the parameter window.",
    {
        "security_id_a": (_ID, "Security."),
        "security_id_b": (_ID, "Security; every pair stands in both orders, and each with itself."),
        "correlation": (_FIGURE, "Pearson's correlation of daily log returns, in 2^-24, on common days."),
        "n_observations": (_COUNT, "Common days."),
        "window_start": (_DAY, "First common day."),
        "window_end": (_DAY, "Last common day."),
        "method": (_TEXT, "PAIRWISE: each pair on all the days that both have."),
        "correlation_shrunk": (
            _FIGURE,
            "(1 - shrinkage) x correlation, 1 with itself, then repaired to positive semi-definite; null beside a "
            "security that was left out, for a pair without a correlation.",
        ),
        "shrinkage": (_FIGURE, "Of the whole matrix, 0 to 1; null if it was not drawn."),
        "shrinkage_method": (
            _TEXT,
            f"LEDOIT_WOLF, or NONE below {MIN_OBSERVATIONS} days on which every security has a return.",
        ),
        "psd_distance": (_FIGURE, "Frobenius distance of the whole matrix's repair; 0 if it needed none."),
        "status": (
            _TEXT,
            f"OK; INSUFFICIENT below {MIN_OBSERVATIONS} common days or without variation; TOO_LARGE if a security's "
            f"squared returns sum to {MAX_SQUARES:g} or more, where sums are no longer exact.",
        ),
        **_REASON,
    },
    ("security_id_a", "security_id_b"),
    figure="correlation",
    least=-1.0,
    most=1.0,
)
FORWARD_MU = Parameter(
    "Grain: one row per security with analysts' targets: the drift that they expect.",
    {
        "security_id": (_ID, "Security."),
        "mu_annual": (_FIGURE, "Arithmetic drift m of dS/S over one year: ln(target / price), + s^2/2 of a median."),
        "method": (_TEXT, "ANALYST_MEAN; ANALYST_MEDIAN where there is no mean."),
        "target": (_PRICE, "The newest target: what the price will be in twelve months, in its own currency."),
        "price": (_PRICE, "The newest close."),
        "price_date": (_DAY, "Day of that close."),
        "target_as_of": (_DAY, "Day of the target."),
        "n_analysts": (_COUNT, "Analysts behind the target; null where the source does not say."),
        "is_illustrative": (pa.bool_(), "Made up, to show the shape."),
        "status": (
            _TEXT,
            f"OK; STALE if the target is over {MAX_TARGET_AGE_DAYS} days older than the market's newest day, or the "
            f"price over {MAX_PRICE_AGE_DAYS}; OTHER_CURRENCY; NOT_AS_TRADED if the price is a unit of an index; "
            "SPLIT_SINCE the target was set; INSUFFICIENT without a target, a price, or a median's volatility.",
        ),
        **_REASON,
    },
    ("security_id",),
    figure="mu_annual",
)
MARTS = {
    "marts/security_historical_mu": HISTORICAL_MU,
    "marts/security_volatility": VOLATILITY,
    "marts/security_correlation": CORRELATION,
    "marts/security_forward_mu": FORWARD_MU,
}


@dataclass(frozen=True, slots=True)
class Returns:
    """`log_returns` (n, k) of `days` (n,) and `securities` (k,), both in order; NaN where there is none."""

    securities: NDArray[np.int64]
    days: NDArray[np.datetime64]
    log_returns: Float64

    @classmethod
    def of(cls, rows: pa.Table) -> Self:
        """From rows of security_id, price_date and log_return."""
        securities, column = np.unique(rows["security_id"].to_numpy(), return_inverse=True)
        days, row = np.unique(rows["price_date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
        log_returns = np.full((len(days), len(securities)), np.nan)
        log_returns[row, column] = rows["log_return"].to_numpy()
        return cls(securities, days, log_returns)

    def moments(self) -> list[HistoricalMoments]:
        return [historical_moments(column) for column in self.log_returns.T]


def own_moments(mart: Parameter, returns: Returns, moments: Sequence[HistoricalMoments]) -> pa.Table:
    """The rows of HISTORICAL_MU or VOLATILITY."""
    present = ~np.isnan(returns.log_returns)
    return mart.table(
        {
            "security_id": returns.securities,
            mart.figure: [getattr(one, mart.figure) for one in moments],
            "n_observations": [one.n for one in moments],
            "window_start": returns.days[present.argmax(axis=0)] if len(present) else [],
            "window_end": returns.days[len(present) - 1 - present[::-1].argmax(axis=0)] if len(present) else [],
            "method": ["HISTORICAL"] * len(moments),
            "status": ["INSUFFICIENT" if one.reason else "OK" for one in moments],
            "reason": [one.reason for one in moments],
        }
    )


def correlations(returns: Returns) -> pa.Table:
    """The rows of CORRELATION. A security that is too large counts in no sum but that of its days."""
    is_large = too_large(returns.log_returns)
    present = ~np.isnan(returns.log_returns)
    used = np.where(present & is_large, 0.0, returns.log_returns)
    co_moments = CoMoments.of(used)
    matrix, counts = co_moments.correlation(), co_moments.common_days()
    whole = shrunk(matrix, used)
    first, last = common_windows(present)
    a, b = np.nonzero(counts)
    figures, n = matrix[a, b], counts[a, b].astype(np.int32)
    unknown, large = np.isnan(figures), is_large[a] | is_large[b]
    status = np.where(large, "TOO_LARGE", np.where(unknown, "INSUFFICIENT", "OK"))
    reason = np.select(
        [large, n < MIN_OBSERVATIONS, unknown],
        [
            f"squared returns of a security sum to {MAX_SQUARES:g} or more",
            f"fewer than {MIN_OBSERVATIONS} common returns",
            "a return that does not vary on the common days",
        ],
        "",
    )
    return CORRELATION.table(
        {
            "security_id_a": returns.securities[a],
            "security_id_b": returns.securities[b],
            "correlation": figures,
            "n_observations": n,
            "window_start": returns.days[first[a, b]],
            "window_end": returns.days[last[a, b]],
            "method": pa.repeat("PAIRWISE", len(a)),
            "correlation_shrunk": whole.matrix[a, b],
            "shrinkage": pa.repeat(pa.scalar(whole.shrinkage, _FIGURE), len(a)),
            "shrinkage_method": pa.repeat("NONE" if whole.shrinkage is None else "LEDOIT_WOLF", len(a)),
            "psd_distance": np.full(len(a), whole.psd_distance),
            "status": status,
            "reason": pa.array(reason, _TEXT, mask=reason == ""),
        }
    )


def forward_mu(targets: pa.Table, volatility: Mapping[int, float | None]) -> pa.Table:
    """The rows of FORWARD_MU, from a row per security of its newest target, its newest quote, and the market's day."""
    rows = targets.to_pylist()
    found = [
        forward_drift(_target(row), _quote(row), volatility.get(row["security_id"]), row["market_day"] or date.max)
        for row in rows
    ]
    return FORWARD_MU.table(
        {
            **{name: targets[name].combine_chunks() for name in targets.schema.names if name in FORWARD_MU.columns},
            **{name: [getattr(one, name) for one in found] for name in ("mu_annual", "target", "method", "status")},
            "reason": [one.reason for one in found],
        }
    )


def broken_rules(mart: Parameter, rows: pa.Table, known: Collection[int]) -> list[str]:
    """List the rules that a table breaks, in words."""
    figure, is_ok = rows[mart.figure], pc.equal(rows["status"], "OK")
    outside = pc.or_(pc.less(figure, mart.least), pc.greater(figure, mart.most))
    rules = {
        f"{mart.figure} is finite, and there if and only if the status is OK": pc.equal(
            is_ok, pc.fill_null(pc.is_finite(figure), False)
        ),
        f"{mart.figure} is from {mart.least:g} to {mart.most:g}": pc.invert(pc.fill_null(outside, False)),
        "what is refused has a reason": pc.equal(is_ok, pc.is_null(rows["reason"])),
        **{f"{column} is in dim_security": pc.is_in(rows[column], pa.array(sorted(known), _ID)) for column in mart.key},
    }
    return mart.broken(rows) + [rule for rule, holds in rules.items() if not pc.all(holds, min_count=0).as_py()]


def refusals(mart: Parameter, rows: pa.Table, names: Mapping[int, str]) -> dict[str, str]:
    """Say why a security has no number, by its name; not of pairs, of which each security's own refusal says enough."""
    refused = rows.filter(pc.not_equal(rows["status"], "OK")) if len(mart.key) == 1 else _with_themselves(rows)
    ids = refused[mart.key[0]].to_pylist()
    return dict(zip([names.get(one, str(one)) for one in ids], refused["reason"].to_pylist(), strict=True))


def _with_themselves(pairs: pa.Table) -> pa.Table:
    refused = pc.and_(pc.equal(pairs["security_id_a"], pairs["security_id_b"]), pc.not_equal(pairs["status"], "OK"))
    return pairs.filter(refused)


def _target(row: Mapping[str, Any]) -> Target:
    return Target(row["target_mean"], row["target_median"], row["target_currency"], row["target_as_of"])


def _quote(row: Mapping[str, Any]) -> TargetPrice | None:
    if row["price"] is None:
        return None
    split_since = (row["split_factor_then"] or row["split_factor"]) / row["split_factor"]
    return TargetPrice(row["price"], row["price_currency"], row["price_kind"], row["price_date"], float(split_since))
