"""Starts of simulations: what a portfolio holds in a release, and how it is assumed to move.

Belongs here: gathering, and the rows that say what was gathered. Does not: how securities are assumed to move, which is
in application.simulation_parameters; nor what comes out of it, which is in `pipelines.simulations.tables`.
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from application.analytics.review import LakeAnalyticsRepository
from application.portfolio_calibration import portfolio_records
from application.simulation_assumptions import Assumptions, assumptions
from application.simulation_history import monthly_returns
from application.simulation_inputs import InputRow, array_row
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.analytics.estimates.split_returns import StatedSplit
from domain.analytics.simulation.inputs import SimulationInputs, SimulationSpec
from domain.analytics.simulation.models import Model
from domain.analytics.simulation.scenario_parts import scenario_of
from domain.analytics.simulation.scenarios import Held
from domain.analytics.simulation.under_scenario import under_scenario
from domain.errors import InvalidInput
from domain.ports import ReleasedCash, ValuedPosition
from domain.securities import AssetType
from domain.simulations import DriftMissing, SimulationRequest
from storage.code_hash import hash_of_code
from storage.lake.delta import Lake
from storage.lake.releases import Release

_CODE = (
    "domain/analytics/simulation",
    "domain/analytics/estimates",
    "application/simulation_history.py",
    "application/simulation_assumptions.py",
    "application/simulation_inputs.py",
    "application/simulation_parameters.py",
    "application/simulation_parameters.sql",
    "pipelines/simulations/starting.py",
)
POSITIONS = "marts/fact_position_daily"
PRICES = "marts/fact_price_daily"
VALUES = "marts/fact_portfolio_value_daily"


@dataclass(frozen=True, slots=True)
class Start:
    """Inputs of a simulation: the portfolio in a release, how what it holds is assumed to move, and where that is from.

    `inputs` and `model` are under the scenario; `assumed` is without it. `held` names the securities of `inputs`.
    """

    inputs: SimulationInputs
    model: Model
    spec: SimulationSpec
    held: Sequence[Held]
    security_ids: Sequence[int]
    assumed: Assumptions
    rows: Sequence[InputRow]
    release_id: int
    portfolio_version: int
    as_of: str
    value_status: str
    currency: str


def started(lake: Lake, release: Release, request: SimulationRequest, version: int) -> Start:
    """Values, drifts, volatilities and correlation of what the portfolio holds at the release's last day.

    Refused if a position has no price or is a bond, something is in another currency, a security has no parameters,
    nothing is held and no cash, or the scenario is of nothing that is held.
    """
    analytics = LakeAnalyticsRepository.at(lake, release).of_portfolio(request.portfolio_id)
    positions = analytics.get_positions(request.portfolio_id)
    held = _held(analytics, request, positions)
    values = analytics.get_values(request.portfolio_id, release.as_of, release.as_of)
    if not values or values[-1].total_value <= 0:
        raise InvalidInput("portfolio", "is worth nothing, so there is nothing to simulate")
    terms = request.terms
    given = {one.ticker: one for one in terms.given_drifts}
    if terms.drift is DriftChoice.GIVEN and (missing := {one.ticker for one in held} - given.keys()):
        raise DriftMissing(missing)
    stated = stated_splits(analytics, request)
    parameters = LakeSimulationParamsRepository(analytics.mounted(), stated)
    ids = [position.security_id for position in positions]
    mu = {ticker: one.mu_annual for ticker, one in given.items()}
    assumed = assumptions(
        parameters,
        ids,
        model=terms.model,
        drift=terms.drift or DriftChoice.HISTORICAL,  # with historical_sequences it is not looked at
        horizon_years=terms.horizon_years,
        given=mu,
        currency=values[-1].currency,
    )
    names = {position.security_id: position.ticker for position in positions}
    try:
        inputs = SimulationInputs(
            values=np.array([float(position.market_value or 0) for position in positions]),
            mu_annual=assumed.mu_annual,
            volatility_annual=assumed.volatility_annual,
            correlation=assumed.correlation,
            cash=float(values[-1].cash),
            cash_rate=assumed.cash_rate,
            mu_deviation=assumed.mu_deviation,
        )
        model = assumed.model
        if terms.scenario is not None:
            scenario = scenario_of(terms.scenario, "", terms.scenario_parts or {})
            inputs, model = under_scenario(
                scenario, inputs, model, held, lambda stretch: monthly_returns(parameters, names, stretch)
            )
        spec = terms.spec(request.seed, assumed.inflation_annual)
    except ValueError as error:
        raise InvalidInput("portfolio", f"cannot be simulated: {error}") from error
    return Start(
        inputs=inputs,
        model=model,
        spec=spec,
        held=held,
        security_ids=ids,
        assumed=assumed,
        rows=[*_rows(request, release, positions, inputs, spec), *_with_sources(assumed.rows, request)],
        release_id=release.made_from,
        portfolio_version=version,
        as_of=str(release.as_of),
        value_status=values[-1].status,
        currency=values[-1].currency,
    )


def stated_splits(analytics: LakeAnalyticsRepository, request: SimulationRequest) -> Sequence[StatedSplit]:
    """Splits that the portfolio's own ledger has."""
    portfolio_id = str(request.portfolio_id)
    return analytics.get_stated_splits([portfolio_id]).get(portfolio_id, ())


def _held(
    analytics: LakeAnalyticsRepository, request: SimulationRequest, positions: Sequence[ValuedPosition]
) -> list[Held]:
    """The securities in the order of `positions`; refused where one cannot be simulated."""
    unpriced = [position.ticker for position in positions if position.market_value is None]
    if unpriced:
        raise InvalidInput("portfolio", f"has no price for {', '.join(unpriced)}")
    amounts: list[ValuedPosition | ReleasedCash] = [*positions, *analytics.get_cash(request.portfolio_id)]
    foreign = sorted({one.currency for one in amounts if one.currency != one.base_currency})
    if foreign:
        raise InvalidInput("portfolio", f"holds {', '.join(foreign)}; exchange rates are not simulated yet")
    details = analytics.get_ticker_details([position.ticker for position in positions])
    bonds = sorted(ticker for ticker, known in details.items() if known.asset_type == AssetType.BOND)
    if bonds:
        raise InvalidInput("portfolio", f"holds bonds, which are not simulated yet: {', '.join(bonds)}")
    return [
        Held(position.ticker, details[position.ticker].asset_type, details[position.ticker].sector)
        if position.ticker in details
        else Held(position.ticker, "", None)
        for position in positions
    ]


def _rows(
    request: SimulationRequest,
    release: Release,
    positions: Sequence[ValuedPosition],
    inputs: SimulationInputs,
    spec: SimulationSpec,
) -> list[InputRow]:
    """Rows of what was asked, of code, release and holdings; how these are assumed to move has rows of its own."""
    terms, day = request.terms, release.as_of

    def plain(name: str, value: float | None, unit: str, how: str) -> InputRow:
        return InputRow(name, None, value, unit, how, None)

    def named(name: str, text: str, how: str) -> InputRow:
        return InputRow(name, None, None, "1", how, None, text=str(text))

    replayed = inputs.opening
    opening = [] if replayed is None else [array_row("opening", replayed, "months that are replayed", PRICES)]
    return [
        plain("release", release.made_from, "release", "the refresh whose tables it starts from"),
        named("code", code_hash(), "SHA-256 of the simulation's code"),
        named("machine", machine(), "what computed it: type, numpy"),
        plain("seed", request.seed, "", "stored with the request"),
        named("model", terms.model, "asked for"),
        named("drift", terms.drift or "series", "asked for"),
        *([named("scenario", terms.scenario, f"{dict(terms.scenario_parts or {})}")] if terms.scenario else []),
        plain("horizon_years", spec.horizon_years, "years", "asked for"),
        plain("num_paths", spec.num_paths, "paths", "asked for"),
        named("rebalancing", spec.rebalancing, "asked for"),
        named("sampling", spec.sampling, "asked for"),
        plain("withdrawal_per_year", spec.withdrawal, "money", "asked for"),
        *(
            plain(name, float(value), unit, "asked for")
            for name, value, unit in (
                ("floor", terms.floor, "money"),
                ("goal", terms.goal, "money"),
                ("inflation_given", terms.inflation_annual, "per year"),
            )
            if value is not None
        ),
        *opening,
        InputRow("cash", None, inputs.cash, "money", "cash at the last close", VALUES, day, day),
        *(
            InputRow("value", one.ticker, float(one.market_value or 0), "money", "units x close", POSITIONS, day, day)
            for one in positions
        ),
    ]


@lru_cache(maxsize=1)
def code_hash() -> str:
    """SHA-256 of the code lines that decide what a simulation comes to, given its inputs."""
    return hash_of_code(_CODE)


@lru_cache(maxsize=1)
def machine() -> str:
    """Type of the machine and version of what multiplies: bits are the same on one of them."""
    return f"{platform.machine()}, numpy {np.__version__}"


def _with_sources(rows: Sequence[InputRow], request: SimulationRequest) -> list[InputRow]:
    """The rows, those of a given drift with where the owner has it from."""
    told = {one.ticker: f"given: {one.source}, {one.as_of}" for one in request.terms.given_drifts}
    return [
        replace(row, how=told[row.ticker]) if row.name == "mu_annual" and row.ticker in told else row for row in rows
    ]


def calibrated(lake: Lake, release: Release, request: SimulationRequest, version: int) -> dict[str, Any]:
    """How often fans of the request's model and drift, of what the portfolio holds, were right in the past."""
    start = started(lake, release, replace(request, terms=replace(request.terms, scenario=None)), version)
    analytics = LakeAnalyticsRepository.at(lake, release).of_portfolio(request.portfolio_id)
    parameters = LakeSimulationParamsRepository(analytics.mounted(), stated_splits(analytics, request))
    drift = request.terms.drift or DriftChoice.HISTORICAL
    series = f"portfolio {request.portfolio_id}"
    rows = portfolio_records(
        parameters, start.security_ids, start.inputs.values, model=request.terms.model, drift=drift, series=series
    )
    plain = [{name: str(one) if isinstance(one, date) else one for name, one in row.items()} for row in rows]
    return {"calibration_of": str(request.calibration_of), "as_of": start.as_of, "records": plain}
