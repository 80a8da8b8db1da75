"""Comparisons of two simulations, figure by figure."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.analytics.simulation.comparison import Outcomes, differences
from domain.analytics.simulation.figures import Figure
from domain.errors import InvalidInput
from oltp_api.context import AppContext
from oltp_api.sight import also_seeing
from oltp_api.simulations.schemas import ComparisonView, FigureDifferenceView, SimulationView
from oltp_api.simulations.views import done

_COMMON = ("seed", "num_paths")


def two_of(ids: str) -> tuple[UUID, UUID]:
    """The two ids of a question; refused if they are not two."""
    try:
        first, second = (UUID(one) for one in ids.split(","))
    except ValueError as error:
        raise InvalidInput("ids", "must be the ids of two simulations, with a comma between them") from error
    return first, second


def compared(context: AppContext, user_id: UUID, ids: tuple[UUID, UUID]) -> ComparisonView:
    first, second = (done(context, user_id, one) for one in ids)
    outcomes, how = _common(context, first, second)
    found = differences(_figures(first), _figures(second), outcomes)
    return ComparisonView(
        first=first,
        second=second,
        on_common_numbers=outcomes is not None,
        how=how,
        differences=[
            FigureDifferenceView(
                name=one.name,
                first=one.first.value,
                first_error=one.first.standard_error,
                second=one.second.value,
                second_error=one.second.standard_error,
                difference=one.difference.value,
                standard_error=one.difference.standard_error,
                relative=one.relative.value,
                relative_error=one.relative.standard_error,
                correlation=one.correlation,
                reason=one.difference.reason,
            )
            for one in found
        ],
    )


def _common(
    context: AppContext, first: SimulationView, second: SimulationView
) -> tuple[tuple[Outcomes, Outcomes] | None, str]:
    """Outcomes of the paths of both, if path by path they use the same random numbers; and how errors are made."""
    if other := [name for name in _COMMON if getattr(first, name) != getattr(second, name)]:
        return None, f"the two have not the same {' and '.join(other)}, so their errors are independent"
    if "sobol" in (first.sampling, second.sampling):
        return None, "Sobol points are not drawn one by one, so errors are added as if they were independent"
    with also_seeing((first.portfolio_id, second.portfolio_id)):
        outcomes = [context.analytics.get_simulation_outcomes(one.simulation_id) for one in (first, second)]
    if outcomes[0] is None or outcomes[1] is None:
        return None, "one of the two is from before its paths' ends were kept, so errors are taken as independent"
    if len(outcomes[0]["end"]) != len(outcomes[1]["end"]):
        return None, "the two have not the same number of paths, so errors are taken as independent"
    return (
        outcomes[0],
        outcomes[1],
    ), "both use the same random numbers path by path, so what is common to their errors cancels"


def _figures(simulation: SimulationView) -> dict[str, Figure]:
    figures: Mapping[str, Any] = (simulation.summary or {}).get("figures", {})
    return {name: Figure(**one) for name, one in figures.items()}
