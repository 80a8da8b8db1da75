"""Rows of simulations in the lake, and the summary in PostgreSQL: what a simulation started from and came to.

Belongs here: columns and words. Does not: any figure, those are in domain.analytics.simulation.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Self

import numpy as np
import pyarrow as pa

from domain.analytics.simulation.comparison import share_of_drift
from domain.analytics.simulation.figures import PERCENTILES, Figure
from domain.analytics.simulation.result import SimulationResult
from domain.analytics.simulation.warnings import warnings_of
from domain.simulations import SimulationRequest
from pipelines.simulations.starting import Start, code_hash

DESCRIPTIONS: Mapping[str, str] = {
    "simulation_run": "One row per simulation and release: what it started from and what it came to, with errors.",
    "simulation_fan": "Percentiles of a simulated portfolio's value at every step, with errors, and the deflator.",
    "simulation_path": "Sample paths at evenly spaced percentiles of the final value.",
    "simulation_input": "One row per input of a simulation: drift, volatility, seed, code ...; matrices by their hash.",
    "simulation_contribution": "What each security adds to mean wealth and to risk at the horizon.",
    "simulation_outcome": "What every path came to, as float32 arrays: what a comparison's errors are made of.",
}
_NAMES = [f"p{percentile}" for percentile in PERCENTILES]


@dataclass(frozen=True, slots=True)
class Told:
    """All that the rows in the lake and the summary tell of a simulation; worked out once.

    `figures` are the result's, and how much of the median is drift; `inputs` the rows of `simulation_input`.
    """

    request: SimulationRequest
    start: Start
    result: SimulationResult
    figures: Mapping[str, Figure]
    inputs: Sequence[Mapping[str, Any]]
    inputs_hash: str
    result_hash: str

    @classmethod
    def of(cls, request: SimulationRequest, start: Start, result: SimulationResult) -> Self:
        share = share_of_drift(result.figures, result.outcomes)
        inputs = input_rows(start)
        return cls(
            request,
            start,
            result,
            {**result.figures, "median_share_of_drift": share},
            inputs,
            hashlib.sha256(json.dumps(inputs, default=str, sort_keys=True).encode()).hexdigest(),
            result_hash(result),
        )


def rows_of(told: Told) -> dict[str, pa.Table]:
    """The lake's rows of one simulation, by table."""
    request, start, result = told.request, told.start, told.result
    named = {
        "simulation_id": (str(request.simulation_id), pa.string()),
        "release_id": (start.release_id, pa.int64()),
    }

    def table(columns: Mapping[str, Any]) -> pa.Table:
        count = len(next(iter(columns.values())))
        keys = {name: pa.repeat(pa.scalar(value, kind), count) for name, (value, kind) in named.items()}
        return pa.table({**keys, **columns})

    return {
        "simulation_run": table({name: [value] for name, value in _run(told).items()} | _numbers(told)),
        "simulation_fan": table(_fan(result)),
        "simulation_path": table(_paths(result)),
        "simulation_input": table(_inputs(told)),
        "simulation_contribution": table(_contributions(start, result)),
        "simulation_outcome": table(
            {
                "num_paths": [result.num_paths],
                **{name: pa.array([one.tobytes()], pa.binary()) for name, one in result.outcomes.items()},
            }
        ),
    }


def summary_of(told: Told) -> dict[str, Any]:
    """The result as the request's row says it: the figures, each with its error or a reason, and what is behind."""
    start, result = told.start, told.result
    terms, assumed = told.request.terms, start.assumed
    tickers = [one.ticker for one in start.held]
    given = terms.inflation_annual
    inflation: dict[str, Any] = {"value": start.spec.inflation_annual, "reason": None, "how": "given with the request"}
    if given is None:
        inflation = {
            "value": assumed.inflation_annual,
            "reason": assumed.inflation_reason,
            "how": next((row.how for row in assumed.rows if row.name == "inflation_annual"), None),
        }
    return {
        "as_of": start.as_of,
        "currency": start.currency,
        "initial_value": float(result.fan[0, 3]),
        "value_status": start.value_status,
        "figures": {name: asdict(one) for name, one in told.figures.items()},
        "warnings": [asdict(one) for one in warnings_of(start.inputs, start.spec, assumed.risk_free, tickers)],
        "model": {"name": str(terms.model), **model_parameters(start)},
        "drift": {
            "name": str(terms.drift or "series"),
            "weighted_mean": start.inputs.weighted_drift,
            "risk_free": assumed.risk_free,
            "sources": sorted({row.how for row in start.rows if row.name == "mu_annual"}),
        },
        "scenario": terms.scenario,
        "inflation": inflation,
        "cash_rate": start.inputs.cash_rate,
        "is_bridged": result.is_bridged,
        "between_steps": "continuously" if result.is_bridged else "seen at the steps",
        "psd_distance": result.psd_distance,
        "paths": result.num_paths,
        "separate_paths": result.separate,
        "code_hash": code_hash(),
        "inputs_hash": told.inputs_hash,
        "result_hash": told.result_hash,
    }


def model_parameters(start: Start) -> dict[str, Any]:
    """The model's numbers, but for matrices."""
    names = getattr(type(start.model), "__slots__", ())
    found = {name: getattr(start.model, name) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, (int, float, tuple))}


def result_hash(result: SimulationResult) -> str:
    """SHA-256 of every bit that a simulation comes to: rows of the fan, figures, contributions, paths, outcomes."""
    digest = hashlib.sha256()
    arrays = {
        "fan": result.fan,
        "fan_errors": result.fan_errors,
        "mean": result.mean,
        "mean_errors": result.mean_errors,
        "probability_of_loss": result.probability_of_loss,
        "sample_paths": result.sample_paths,
        **result.outcomes,
    }
    if result.contributions is not None:
        arrays |= {f"contributions {name}": one for name, one in asdict(result.contributions).items()}
    for name, array in arrays.items():
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(array).tobytes() + b"\0")
    figures = {name: asdict(one) for name, one in result.figures.items()}
    digest.update(json.dumps(figures, sort_keys=True).encode())
    return digest.hexdigest()


def input_rows(start: Start) -> list[dict[str, Any]]:
    """The inputs by name, as `simulation_input` has them."""
    names = ("name", "ticker", "text", "unit", "how", "source", "window_start", "window_end", "content_hash")
    ids = dict(zip((one.ticker for one in start.held), start.security_ids, strict=True))
    return [
        {
            **{name: getattr(row, name) for name in names},
            "value": None if row.value is None or not isfinite(row.value) else row.value,
            "security_id": ids.get(row.ticker or ""),
            "shape": None if row.shape is None else " x ".join(map(str, row.shape)),
            "place": place,
        }
        for place, row in enumerate(start.rows)
    ]


def _run(told: Told) -> dict[str, Any]:
    request, start, result = told.request, told.start, told.result
    terms = request.terms
    return {
        "portfolio_id": str(request.portfolio_id),
        "portfolio_version": start.portfolio_version,
        "as_of": start.as_of,
        "model": str(terms.model),
        "drift": str(terms.drift or "series"),
        "scenario": terms.scenario or "",
        "horizon_years": terms.horizon_years,
        "num_paths": result.num_paths,
        "seed": request.seed,
        "rebalancing": str(terms.rebalancing),
        "sampling": str(terms.sampling),
        "is_bridged": result.is_bridged,
        "code_hash": code_hash(),
        "inputs_hash": told.inputs_hash,
        "result_hash": told.result_hash,
    }


def _numbers(told: Told) -> dict[str, pa.Array]:
    plain = {
        **{name: one.value for name, one in told.figures.items()},
        **{f"{name}_error": one.standard_error for name, one in told.figures.items()},
        "psd_distance": told.result.psd_distance,
    }
    return {name: pa.array([value], pa.float64()) for name, value in plain.items()}


def _fan(result: SimulationResult) -> dict[str, Any]:
    steps = len(result.times_years)
    deflator = np.full(steps, np.nan) if result.deflator is None else result.deflator
    return {
        "step": np.arange(steps),
        "years": result.times_years,
        **{name: result.fan[:, column] for column, name in enumerate(_NAMES)},
        "mean": result.mean,
        "probability_of_loss": result.probability_of_loss,
        **{f"{name}_error": result.fan_errors[:, column] for column, name in enumerate(_NAMES)},
        "mean_error": result.mean_errors,
        "loss_error": result.loss_errors,
        "deflator": pa.array(deflator, pa.float64(), mask=np.isnan(deflator)),
    }


def _paths(result: SimulationResult) -> dict[str, Any]:
    steps, count = len(result.times_years), len(result.sample_percentiles)
    return {
        "path": np.repeat(np.arange(count), steps),
        "percentile": np.repeat(result.sample_percentiles, steps),
        "step": np.tile(np.arange(steps), count),
        "value": result.sample_paths.ravel(),
    }


_INPUT_TYPES = {
    "place": pa.int64(),
    "name": pa.string(),
    "ticker": pa.string(),
    "security_id": pa.int64(),
    "value": pa.float64(),
    "text": pa.string(),
    "unit": pa.string(),
    "how": pa.string(),
    "source": pa.string(),
    "window_start": pa.date32(),
    "window_end": pa.date32(),
    "content_hash": pa.string(),
    "shape": pa.string(),
}


def _inputs(told: Told) -> dict[str, Any]:
    return {name: pa.array([row[name] for row in told.inputs], kind) for name, kind in _INPUT_TYPES.items()}


def _contributions(start: Start, result: SimulationResult) -> dict[str, Any]:
    """No rows where weights are kept or money is taken out."""
    found = result.contributions
    held = start.held if found else ()
    columns = asdict(found) if found else dict.fromkeys(("wealth", "wealth_errors", "risk", "risk_errors"), np.zeros(0))
    return {
        "security_id": pa.array(start.security_ids if found else [], pa.int64()),
        "ticker": pa.array([one.ticker for one in held], pa.string()),
        "value": pa.array(start.inputs.values if found else [], pa.float64()),
        **{
            name: pa.array(columns[column], pa.float64())
            for name, column in (
                ("wealth", "wealth"),
                ("wealth_error", "wealth_errors"),
                ("risk", "risk"),
                ("risk_error", "risk_errors"),
            )
        },
    }
