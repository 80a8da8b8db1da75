"""Bodies of requests for simulations and scenarios, and views of them and their results."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from application.track_record import track_record_line
from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.analytics.simulation.inputs import BOUNDS, Rebalancing, Sampling
from domain.commands import RequestSimulation
from domain.simulations import MOST_GIVEN, GivenDrift, ModelName, SimulationTerms
from oltp_api.analytics.schemas import EXPLAIN
from oltp_api.web.fields import Amount, Day, Number, ShortText, Text, at_most
from oltp_api.web.schemas import Request, View

_OF_SCENARIO = "a scenario says what would be if, not what is likely, so that there is no track record of it"
_MAX_SEED = 2**53 - 1  # the largest whole number that every JSON reader keeps
_REBALANCING: Mapping[str, Rebalancing] = {"none": Rebalancing.NONE, "monthly": Rebalancing.EVERY_STEP}
_SAMPLING: Mapping[str, Sampling] = {"plain": Sampling.PLAIN, "sobol": Sampling.SOBOL}
Rate = Annotated[float, Field(allow_inf_nan=False, description="Per year, a fraction: 0.07 is 7 %.")]


def _whole(name: str, default: int) -> Any:
    low, high = BOUNDS[name]
    return Field(default=default, ge=low, le=high, strict=True)


class GivenDriftBody(Request):
    """One line of the owner's own table."""

    ticker: ShortText
    mu_annual: Rate
    source: ShortText = Field(min_length=1, description="Where it is from.")
    date: Day = Field(description="Of which day it is.")


_TABLE: list[Any] = [
    {"ticker": "AAPL", "mu_annual": 0.07, "source": "my own estimate", "date": "2017-03-01"},
    {"ticker": "IBM", "mu_annual": 0.05, "source": "my own estimate", "date": "2017-03-01"},
]
EXAMPLES: Sequence[dict[str, Any]] = (
    {"name": "to retirement", "horizon_years": 20, "num_paths": 10_000},
    {"name": "fat tails", "model": "student_t"},
    {"name": "months drawn anew", "model": "block_bootstrap", "seed": 42},
    {"name": "calm and crisis", "model": "regime_switching"},
    {"name": "every start since 1871", "model": "historical_sequences", "horizon_years": 20},
    {"name": "as the last ten years", "drift": "historical"},
    {"name": "as analysts expect", "drift": "forward"},
    {"name": "what the market pays for beta", "drift": "equilibrium"},
    {"name": "as I think", "drift": "given", "given_drifts": _TABLE},
    {"name": "stagflation", "scenario": "stagflation", "seed": 42},
    {"name": "weights are kept", "rebalancing": "monthly"},
    {"name": "smooth", "sampling": "sobol", "num_paths": 8192},
    {"name": "in today's money", "inflation_annual": 0.025, "goal": "2000000", "floor": "500000"},
    {"name": "a pension", "withdrawal_per_year": "40000", "rebalancing": "monthly", "horizon_years": 30},
)


class SimulationRequestBody(Request):
    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLES]})

    name: Text = Field(max_length=1000)
    horizon_years: int = _whole("horizon_years", 30)
    num_paths: int = _whole("num_paths", 10_000)
    sample_paths: int = _whole("sample_paths", 10)
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED, strict=True, description="Drawn and stored if absent.")
    model: ModelName = ModelName.GAUSSIAN
    drift: DriftChoice | None = Field(
        default=None,
        description="By default the posterior between a prior and the last ten years; with `historical_sequences` the "
        "series has its own.",
    )
    given_drifts: Annotated[Sequence[GivenDriftBody], at_most(MOST_GIVEN)] = Field(
        default=(), description="With drift `given`: a line for each security that is held."
    )
    scenario: ShortText | None = Field(default=None, description="One of `GET /simulation-scenarios`.")
    rebalancing: Literal["none", "monthly"] = "none"
    sampling: Literal["plain", "sobol"] = Field(
        default="plain", description="`sobol`: gaussian, bought and held, and `num_paths` a power of two."
    )
    inflation_annual: Rate | None = Field(default=None, description="By default the CPI's, of a portfolio in USD.")
    floor: Number | None = Field(default=None, description="Money: how likely the value is ever below it.")
    goal: Number | None = Field(default=None, description="Money: how likely the value ends at or above it.")
    withdrawal_per_year: Number = Field(default=Decimal(0), description="Money taken out at each year's end.")

    def command(self, user_id: UUID, portfolio_id: UUID) -> RequestSimulation:
        """Without the parts of the scenario, which are looked up."""
        of_series = self.model is ModelName.HISTORICAL_SEQUENCES
        drift = self.drift or (None if of_series else DriftChoice.POSTERIOR)
        plain = ("horizon_years", "num_paths", "sample_paths", "model", "scenario", "inflation_annual")
        terms = SimulationTerms(
            **{name: getattr(self, name) for name in (*plain, "floor", "goal", "withdrawal_per_year")},
            drift=drift,
            given_drifts=tuple(
                GivenDrift(one.ticker, one.mu_annual, one.source, one.date) for one in self.given_drifts
            ),
            rebalancing=_REBALANCING[self.rebalancing],
            sampling=_SAMPLING[self.sampling],
        )
        return RequestSimulation(user_id, portfolio_id, self.name, self.seed, terms)


class PortfolioSimulationRequestBody(SimulationRequestBody):
    """The same, with the portfolio that it is of."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"portfolio_id": "3b3f5f0e-7a43-4a52-9d6c-0a4f6de0b1c7", **one} for one in EXAMPLES]
        }
    )

    portfolio_id: UUID


class SimulationEdit(Request):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "to retirement, cautiously"}]})

    name: Text = Field(max_length=1000)


class GivenDriftView(View):
    ticker: str
    mu_annual: float
    source: str
    date: date


class SimulationView(View):
    simulation_id: UUID
    portfolio_id: UUID
    name: str
    horizon_years: int
    num_paths: int
    sample_paths: int
    seed: int
    is_standing: bool
    model: str
    drift: str | None = Field(description="None: the series' own, of historical_sequences.")
    given_drifts: Sequence[GivenDriftView]
    scenario: str | None
    scenario_parts: Mapping[str, Any] | None = Field(description="What the scenario stood for when it was asked.")
    rebalancing: str
    sampling: str
    inflation_annual: float | None
    floor: Amount | None
    goal: Amount | None
    withdrawal_per_year: Amount
    replay_of: UUID | None
    calibration_of: UUID | None
    is_hidden: bool = Field(description="Deleted: in no list, and kept.")
    status: str = Field(description="REQUESTED, DONE or REFUSED.")
    reason: str | None
    release_id: int | None
    portfolio_version: int | None
    summary: Mapping[str, Any] | None = Field(
        description="Once DONE: `figures` by name, each a value with its standard error or a reason; warnings; model, "
        "drift and where they are from. Of a replay: the comparison; of a calibration: the records."
    )
    track_record: str = Field(description="How often bands of this kind held, or why that is not known.")
    requested_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "SimulationView":
        """The view of a row of the database."""
        given = [{**one, "date": one["as_of"]} for one in row["given_drifts"] or ()]
        record = _OF_SCENARIO
        if row["scenario"] is None:
            horizons = (1, row["horizon_years"])  # of long ones hardly any past is separate
            lines = [track_record_line(row["model"], row["drift"] or "series", years) for years in horizons]
            record = "; ".join(dict.fromkeys(lines))
        named = {"rebalancing": _name_in(_REBALANCING, row), "sampling": _name_in(_SAMPLING, row)}
        return cls.model_validate(
            {
                **row,
                **named,
                "given_drifts": given,
                "is_hidden": row["hidden_at"] is not None,
                "track_record": record,
            },
            from_attributes=False,
        )


def _name_in(names: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    column = "rebalancing" if names is _REBALANCING else "sampling"
    return next(name for name, value in names.items() if value == row[column])


class SimulationPage(View):
    items: Sequence[SimulationView]
    next_cursor: str | None


class SimulationResultView(SimulationView):
    fan: Sequence[Mapping[str, float | None]] | None = Field(
        description="By step, once DONE: percentiles and mean in money of the day, with their standard errors "
        "(`p5_error`), and in today's money (`p5_real`); null where no inflation is known."
    )
    contributions: Sequence["SimulatedContributionView"] | None = Field(
        description="What each security adds to mean wealth and to risk; null where weights are kept, or money is "
        "taken out."
    )
    explain: str | None = EXPLAIN


class SimulatedContributionView(View):
    ticker: str
    wealth: float = Field(description="Its mean value at the horizon, money.")
    wealth_error: float
    wealth_share: float = Field(description="Of the mean value of all.")
    risk: float = Field(description="Its share of the variance at the horizon; shares add up to 1.")
    risk_error: float


class PathView(View):
    path: int
    percentile: float = Field(description="Where its final value lies among all paths, 0 to 100.")
    values: Sequence[float] = Field(description="Money at each step, from today on.")


class PathsView(View):
    simulation_id: UUID
    years: Sequence[float | None]
    paths: Sequence[PathView]


class InputView(View):
    name: str
    ticker: str | None
    value: float | None
    text: str | None = Field(description="Of what is no number: a name, a version.")
    unit: str
    how: str
    source: str | None = Field(description="The lake's table, or the bundled file; null of a rule or of other rows.")
    source_version: int | None = Field(description="The version of that table in the release.")
    key: str | None = Field(description="The row in it.")
    window_start: date | None
    window_end: date | None
    content_hash: str | None = Field(description="Of a matrix: its SHA-256; no row per pair.")
    shape: str | None
    lineage: str | None = Field(description="Where to look further: prices and ledger rows behind it.")


class InputsView(View):
    simulation_id: UUID
    release_id: int | None
    items: Sequence[InputView]


class FigureDifferenceView(View):
    name: str
    first: float | None
    first_error: float | None
    second: float | None
    second_error: float | None
    difference: float | None = Field(description="Second less first.")
    standard_error: float | None
    relative: float | None = Field(description="Second over first, less 1.")
    relative_error: float | None
    correlation: float | None = Field(description="Of the two figures' errors, by the same paths.")
    reason: str | None


class ComparisonView(View):
    first: SimulationView
    second: SimulationView
    on_common_numbers: bool
    how: str
    differences: Sequence[FigureDifferenceView]


class ShockBody(Request):
    simple_return: float = Field(ge=-1, le=10, allow_inf_nan=False, description="-0.3 is a fall of 30 %.")
    of: Literal["ALL", "ASSET_TYPE", "SECTOR", "TICKER"] = "ALL"
    name: ShortText = ""


class StretchBody(Request):
    first: Day = Field(description="A day of the first month.")
    last: Day = Field(description="A day of the last month.")


class ScenarioRequest(Request):
    """Parts, each of which does nothing by default."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "my-crash",
                    "description": "Apple loses half, all drifts are lower",
                    "drift_points": -0.02,
                    "shocks": [{"simple_return": -0.5, "of": "TICKER", "name": "AAPL"}],
                },
                {"name": "again-2008", "replay": {"first": "2008-09-01", "last": "2009-03-01"}},
            ]
        }
    )

    name: ShortText = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    description: ShortText = ""
    drift_scale: float = Field(default=1.0, allow_inf_nan=False)
    drift_points: float = Field(default=0.0, allow_inf_nan=False)
    drift_floor: float | None = Field(default=None, allow_inf_nan=False)
    volatility_scale: float = Field(default=1.0, allow_inf_nan=False)
    correlation_points: float = Field(default=0.0, allow_inf_nan=False)
    correlation_cap: float = Field(default=1.0, allow_inf_nan=False)
    shocks: Annotated[Sequence[ShockBody], at_most(100)] = ()
    replay: StretchBody | None = None

    def parts(self) -> dict[str, Any]:
        """The parts that do something, as JSON."""
        return self.model_dump(mode="json", exclude={"name", "description"}, exclude_defaults=True)


class ScenarioView(View):
    name: str
    description: str
    is_built_in: bool
    parts: Mapping[str, Any]
    stored_at: datetime | None


class ScenariosView(View):
    items: Sequence[ScenarioView]
