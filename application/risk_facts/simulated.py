"""Facts of the standing simulation: what it came to, and how often bands of its kind held."""

from typing import Any
from uuid import UUID

from application.analytics.review import LakeAnalyticsRepository
from application.track_record import track_records
from domain.risk_analyses.facts import Sense, SheetMaker, Unit, signed


def tell_simulation(maker: SheetMaker, portfolio_id: UUID, analytics: LakeAnalyticsRepository) -> None:
    """The newest standing one of the release; none is said to be missing."""
    run = analytics.get_standing_run(portfolio_id)
    fan = analytics.get_simulation_fan(UUID(run["simulation_id"])) if run else ()
    if not run or not fan:
        maker.gap("there is no standing simulation in the release")
        return
    key = {"simulation_id": run["simulation_id"], "release_id": str(run["release_id"])}
    horizon = maker.plain("HORIZON", f"{run['horizon_years']} years")
    loss = run["probability_of_loss"]
    figures: dict[str, Any] = {"table": "simulation/simulation_run", "key": key}
    maker.add("simulation/loss", f"chance of less than today after {horizon}", loss, Unit.FRACTION, **figures)
    fall = run["expected_max_drawdown"]
    label = f"mean of the deepest falls within {horizon}"
    maker.add("simulation/fall", label, fall, Unit.FRACTION, sense=signed(fall, Sense.LOSS, Sense.FELL), **figures)
    end: dict[str, Any] = {"table": "simulation/simulation_fan", "key": {**key, "step": str(len(fan) - 1)}}
    last = fan[-1]
    for measure, column, what in (
        ("simulation/median", "p50", "middle of the simulated values"),
        ("simulation/p5", "p5", "low end of the simulated values"),
        ("simulation/median_real", "p50_real", "middle of the simulated values in today's money"),
    ):
        maker.add(measure, f"{what} after {horizon}", last.get(column), Unit.MONEY, **end)
    for record in track_records(run["model"], run["drift"], run["horizon_years"])[:1]:
        label = "share of past futures that such bands held, where the band promises {{promised}}"
        told: dict[str, Any] = {"table": "simulation/simulation_calibration", "key": {"series": record.series}}
        label = label.replace("{{promised}}", maker.plain("CONFIDENCE", "90 %"))
        maker.add("simulation/record", label, record.coverage_90, Unit.FRACTION, **told)
