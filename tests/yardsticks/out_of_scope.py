"""The one list of kinds, and figures as `kind.figure`, that no code of ours computes, each with the reason."""

NO_SUCH_RATIO = "not among the measures of RULEBOOK 9"
ROLLING = "a window that moves over a series; here one number per series"
BY_CALENDAR = "returns by calendar period are grouped in the marts"
PERIODIC = "cash flows without dates, one a period: an annuity's arithmetic, which no figure of ours needs"
PRESENT_VALUE = "a present or future value at a rate that is given; ours solve for the rate"
ATTRIBUTION = (
    "splits a period's change into buckets: an identity of the marts, which tests of the marts prove (RULEBOOK 12)"
)
ROAI = "a return on average invested capital, which is neither time- nor money-weighted (RULEBOOK 7)"
NO_SUCH_COUNT = "a day count that no security's details can have (RULEBOOK 8)"
ELSEWHERE = "what is wrong is a dividend of a row that the case does not have; the source's whole file shows it"
WINDOWS = "weights between two rebalancings are the simulation's, not a measure"

DRAWDOWN = "drawdown_from_accumulated_returns"

_NO_SUCH_RATIO = """
    calmar_ratio, omega_ratio, stability_of_timeseries, tail_ratio, capture, up_capture, down_capture, up_down_capture,
    up_alpha_beta, down_alpha_beta, beta_fragility_heuristic, gpd_risk_estimates, batting_average, treynor_ratio,
    conditional_value_at_risk,
    downsidepotential, downsidefrequency, upsidefrequency, upsiderisk, upsidepotentialratio, kappa, omegasharperatio,
    omegaexcessreturn, omega, msquared, msquaredexcess, m2sortino, systematicrisk, specificrisk, totalrisk, martinratio,
    painratio, painindex, ulcerindex, appraisalratio, prospectratio, adjustedsharperatio, bernardoledoitratio,
    burkeratio, calmarratio, cdd, dratio, famabeta, modigliani, netselectivity, selectivity, treynorratio,
    skewnesskurtosisratio, volatilityskewness, meanabsolutedeviation, activepremium, frequency, hurstindex,
    drawdown at risk, cdar, average drawdown, ulcer index, edar, evar, entropic risk measure, worst realization,
    gini mean difference, mean absolute deviation, first lower partial moment, fourth central moment,
    fourth lower partial moment, value at risk, owa, drawdowns
"""

_OTHER_COUNTS = (
    "act/act afb, act/act euro, nl/365, nl/360, act/364, act/365.25, act/365a, act/365l, act/365 canadian, act/366, "
    "30/365, 30/360 italian, business/252, simple, 1/1"
)
OUT_OF_SCOPE: dict[str, str] = {
    **dict.fromkeys((name.strip() for name in _NO_SUCH_RATIO.split(",")), NO_SUCH_RATIO),
    **dict.fromkeys(("roll_max_drawdown", "roll_sharpe_ratio", "roll_alpha_beta", "roll_beta"), ROLLING),
    **dict.fromkeys(("roll_up_capture", "roll_down_capture", "roll_up_down_capture"), ROLLING),
    **dict.fromkeys(("roll_annual_volatility", "roll_cagr", "roll_sortino_ratio"), ROLLING),
    **dict.fromkeys(("aggregate_returns", "table.calendarreturns"), BY_CALENDAR),
    **dict.fromkeys(("irr", "mirr", "npv", "npv_excel_first_flow_at_t1", "npv_first_flow_at_t0", "nfv"), PERIODIC),
    **dict.fromkeys(("fv", "pv", "pmt", "ppmt", "ipmt", "nper", "rate", "cumprinc", "cumipmt", "fvschedule"), PERIODIC),
    **dict.fromkeys(("xnpv", "xnfv"), PRESENT_VALUE),
    **dict.fromkeys(("effect", "nominal", "rri", "pduration"), "converts one rate into another, nothing of a bond"),
    **dict.fromkeys(("period_attribution", "period_attribution_fx"), ATTRIBUTION),
    **dict.fromkeys(
        (f"{kind} {name}" for kind in ("day_count", "year_fraction") for name in _OTHER_COUNTS.split(", ")),
        NO_SUCH_COUNT,
    ),
    "all_time_high": "a statistic of a price series, not of a ledger",
    "return.portfolio": WINDOWS,
    "capm return": "an expected return from beta, which RULEBOOK 11 does not have",
    "modified Dietz": "an approximation of the money-weighted return, which is solved exactly here (RULEBOOK 7)",
    "savings goal": "months until regular savings reach a sum; the simulation answers with a probability instead",
    "data not carried": "its series or flows are in a file that the case names and does not carry",
    "bad-div of adjusted closes": ELSEWHERE,
    "cg-double-count of adjusted closes": ELSEWHERE,
    "bad-div repeated dividend": "a small dividend that repeats that of another row, which the case does not have",
    "bad-stock-split beside a dividend": "the dividend of the same row explains the fall (docs/quarantine.md, Missed)",
    "withdrawal success": "historical sequences of withdrawals, which the simulation does not have yet",
    "situation in words": "told to people; situations.json has the same as requests and answers, and those are run",
    # Figures of kinds that are compared.
    **{
        f"activities.{name}": ROAI
        for name in ("roai_gross", "roai_net", "roai_gross_with_fx", "roai_net_with_fx", "time_weighted_investment")
    },
    "activities.liabilities": "debts are not kept, and no row counts before its day",
    f"{DRAWDOWN}.max_drawdown_duration_days": "days between two highs; ours are peak, trough and recovery",
}
