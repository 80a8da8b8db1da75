"""Interim: what CALIBRATION's `application.simulation_parameters.assumptions` will give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import numpy as np

from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.arrays import Float64
from domain.analytics.simulation.models import Gaussian, Model, StudentT
from domain.errors import InvalidInput
from domain.simulations import Drift, ModelName


@dataclass(frozen=True, slots=True)
class InputRow:
    name: str
    ticker: str | None
    value: float | None
    unit: str
    how: str
    source_table: str | None = None
    window_start: date | None = None
    window_end: date | None = None
    content_hash: str | None = None
    size: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Assumptions:
    mu_annual: Float64
    mu_deviation: Float64
    volatility_annual: Float64
    correlation: Float64
    model: Model
    cash_rate: float
    inflation_annual: float | None
    inflation_reason: str | None
    risk_free: float
    rows: Sequence[InputRow]


def assumptions(
    parameters: LakeSimulationParamsRepository,
    security_ids: Sequence[int],
    model: ModelName,
    drift: Drift | None,
    horizon_years: int,
    given: Mapping[str, float],
) -> Assumptions:
    del horizon_years
    known = parameters.get_security_params(security_ids)
    n = len(known)
    correlation = np.array(parameters.get_correlation(security_ids), dtype=float).reshape(n, n)
    if drift is Drift.GIVEN:
        mu = np.array([given[one.ticker] for one in known])
    else:
        mu = np.array([one.mu_annual for one in known])
    models: dict[ModelName, Model] = {ModelName.GAUSSIAN: Gaussian(), ModelName.STUDENT_T: StudentT(5.0)}
    if model not in models:
        raise InvalidInput("model", f"{model} is not there yet")
    mu_table, volatility_table = "marts/security_historical_mu", "marts/security_volatility"
    rows = [
        *(InputRow("mu_annual", one.ticker, one.mu_annual, "per year", "the mean", mu_table) for one in known),
        *(
            InputRow(
                "volatility_annual", one.ticker, one.volatility_annual, "per year", "the deviation", volatility_table
            )
            for one in known
        ),
        InputRow(
            "correlation",
            None,
            None,
            "",
            "pairwise",
            "marts/security_correlation",
            content_hash=sha256(correlation.tobytes()).hexdigest(),
            size=n * n,
        ),
    ]
    return Assumptions(
        mu,
        np.zeros(n),
        np.array([one.volatility_annual for one in known]),
        correlation,
        models[model],
        0.0,
        0.02,
        None,
        0.024,
        rows,
    )
