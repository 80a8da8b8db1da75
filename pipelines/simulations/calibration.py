"""The track record of simulations on the bundled data, as it was committed (`make calibration` makes it again).

Belongs here: the table. Does not: how it is computed, which is in domain/analytics/simulation; it takes minutes, and no
refresh waits for it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from application.track_record import committed_rows
from pipelines.marts.definition import CHECK, Columns, Mart, checked
from pipelines.runtime.resources import Platform
from pipelines.tables.publishing import publish

TABLE = "simulation/simulation_calibration"
_TEXT, _COUNT, _DAY, _FIGURE = pa.string(), pa.int32(), pa.date32(), pa.float64()
_LOSSES: Columns = {
    "crps_log": (_FIGURE, "Mean CRPS of log wealth; less is better."),
    "crps_log_baseline": (_FIGURE, "The same of a normal with the ten-year mean and an EWMA variance (decay 0.97)."),
    "pinball_log": (_FIGURE, "Mean pinball loss of log wealth over the fan's percentiles; less is better."),
    "pinball_log_baseline": (_FIGURE, "The same of that baseline."),
}
CALIBRATION = Mart(
    "Grain: one row per series, model, drift, horizon and span of starts: how often past fans were right.",
    {
        "series": (_TEXT, "sp500_monthly, or shares: 30 random portfolios of the 20 bundled ones, which have lasted."),
        "model": (_TEXT, "How securities move."),
        "drift": (_TEXT, "Kind of drift; own of historical_sequences; with other priors than the rule's beside it."),
        "horizon_years": (_COUNT, "Years that were simulated."),
        "span": (_TEXT, "ALL starts; or JUDGED, those after the data that shapes were fitted on."),
        "first_start": (_DAY, "First month that was simulated from."),
        "last_start": (_DAY, "Last one."),
        "n_starts": (_COUNT, "Months that were simulated from; their futures overlap."),
        "n_separate": (_COUNT, "Futures among them that do not overlap; at least 1."),
        **{f"coverage_{band}": (_FIGURE, f"Share that ended within the {band} % band.") for band in (50, 80, 90)},
        "coverage_90_low": (_FIGURE, "Wilson's 95 % interval of coverage_90, by n_separate: its lower end."),
        "coverage_90_high": (_FIGURE, "Its upper end."),
        "share_below_p5": (_FIGURE, "Share that ended below the fan's 5 % line."),
        **_LOSSES,
        **{
            f"pit_{one}": (_FIGURE, f"Share that ended in tenth {one} of the fan; 0.1 if right.")
            for one in range(1, 11)
        },
        "code_hash": (_TEXT, "SHA-256 of the code that made the row."),
        "data_hash": (_TEXT, "SHA-256 of the data that it was made of."),
    },
    ("series", "model", "drift", "horizon_years", "span"),
    {
        "every share is from 0 to 1": lambda rows: pc.and_(
            pc.greater_equal(rows["coverage_90"], 0.0), pc.less_equal(rows["coverage_90"], 1.0)
        ),
        "its interval holds the coverage": lambda rows: pc.and_(
            pc.less_equal(rows["coverage_90_low"], rows["coverage_90"]),
            pc.greater_equal(rows["coverage_90_high"], rows["coverage_90"]),
        ),
        "separate futures are at most as many as starts": lambda rows: pc.less_equal(
            rows["n_separate"], rows["n_starts"]
        ),
    },
)


@dg.multi_asset(
    name="simulation_calibration",
    specs=[
        dg.AssetSpec(
            TABLE.split("/"),
            description=CALIBRATION.grain,
            group_name="simulation",
            owners=["team:lakefolio"],
            kinds={"numpy", "deltalake"},
            code_version="1",
        )
    ],
    check_specs=[
        dg.AssetCheckSpec(
            CHECK, asset=TABLE.split("/"), blocking=True, description="One row per key; shares within 0 and 1."
        )
    ],
)
def simulation_calibration(
    context: dg.AssetExecutionContext, platform: Platform
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    rows = CALIBRATION.of_rows(committed_rows())
    broken = CALIBRATION.broken(rows)
    yield checked(TABLE, broken)
    if broken:
        raise dg.Failure(f"not published, as these rules are broken: {broken}", allow_retries=False)
    yield publish(platform, dg.AssetKey(TABLE.split("/")), rows, context.run.run_id, meanings=CALIBRATION.meanings)


ASSETS = [simulation_calibration]
