"""Figures of simulations: what was asked for, what came of it, and the fan."""

from application.explanations.kinds import kind
from application.explanations.market import simulated, stated
from application.explanations.sources import holdings, ledger, reference_of, value

_AT = "(?:/simulation|/beside)?"
_FAN = r"/(?:beside_)?fan/(?P<step>\d+)"
_SIMULATE = "domain.analytics.simulation.result:simulate"
_STARTS = (simulated, holdings(), ledger())
_PATHS = "Simulated paths"

KINDS = (
    kind(
        f"{_AT}/summary/figures/(?P<figure>[^/]+)/(?P<name>value|standard_error)",
        "{figure} of the simulated values, {name}",
        _PATHS,
        _SIMULATE,
        "over {num_paths} paths of {model}, seed {seed}, {horizon_years} years; an error is how far another seed's is",
        *_STARTS,
    ),
    kind(
        f"{_AT}/summary/initial_value",
        "value that the simulation starts from",
        _PATHS,
        "pipelines.simulations.starting:started",
        "value of what is held, with its cash",
        value("total_value"),
        *_STARTS,
    ),
    kind(
        f"{_AT}/summary/(?P<name>drift/.+|cash_rate|inflation/.+|model/.+)",
        "{name} of the simulation",
        "Drift and track record",
        "application.simulation_assumptions:assumptions",
        "an assumption: where it is from stands beside each input",
        *_STARTS,
    ),
    kind(
        f"{_AT}/summary/(?P<name>paths|separate_paths|psd_distance)",
        "{name} of the simulation",
        _PATHS,
        _SIMULATE,
        "paths that were drawn, those that count as independent, and how far the correlations were from possible ones",
        *_STARTS,
    ),
    kind(
        f"{_FAN}/(?P<name>p\\d+_real|mean_real)",
        "{name} at step {step}, after {years} years, in today's money",
        _PATHS,
        _SIMULATE,
        "money of the day x deflator",
        reference_of("/{fan}/{step}/deflator"),
        *_STARTS,
    ),
    kind(
        f"{_FAN}/(?P<name>[a-z0-9_]+)",
        "{name} at step {step}, after {years} years",
        _PATHS,
        _SIMULATE,
        "over the values of all paths at this step",
        *_STARTS,
    ),
    kind(
        "/contributions/(?P<ticker>[^/]+)/(?P<name>wealth|wealth_error|wealth_share|risk|risk_error)",
        "{name} of {ticker} at the horizon",
        _PATHS,
        "domain.analytics.simulation.figures:shares_of_variance",
        "mean value of its units over all paths, and its share of the variance",
        simulated,
        ledger(ticker="{ticker}"),
    ),
    kind(
        f"{_AT}/(?P<name>release_id|portfolio_version|seed)",
        "{name} of the simulation",
        "Simulations over HTTP",
        "oltp_api.simulations.schemas:SimulationView",
        "names what it started from and its random numbers; it is not computed",
        *_STARTS,
    ),
    kind(
        f"{_AT}/(?P<name>horizon_years|num_paths|sample_paths|inflation_annual|floor|goal|withdrawal_per_year"
        "|scenario_parts/.+|given_drifts/.+)",
        "{name} of the simulation",
        "Simulations over HTTP",
        "oltp_api.simulations.schemas:SimulationRequestBody",
        "asked for, or the default",
        stated("stored with the request, which never changes"),
        *_STARTS,
    ),
)
