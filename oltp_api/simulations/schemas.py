"""Bodies of requests for simulations, and views of them and their results."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from domain.commands import RequestSimulation
from oltp_api.web.fields import Text
from oltp_api.web.schemas import Request, View

_MAX_SEED = 2**53 - 1  # the largest whole number that every JSON reader keeps


class SimulationRequestBody(Request):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "to retirement", "horizon_years": 20, "num_paths": 10_000}]}
    )

    name: Text = Field(max_length=1000)
    horizon_years: int = Field(default=30, ge=1, le=30, strict=True)
    num_paths: int = Field(default=10_000, ge=1, le=100_000, strict=True)
    sample_paths: int = Field(default=10, ge=0, le=50, strict=True)
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED, strict=True, description="Drawn and stored if absent.")

    def command(self, user_id: UUID, portfolio_id: UUID) -> RequestSimulation:
        return RequestSimulation(user_id=user_id, portfolio_id=portfolio_id, **self.model_dump())


class SimulationView(View):
    simulation_id: UUID
    portfolio_id: UUID
    name: str
    horizon_years: int
    num_paths: int
    sample_paths: int
    seed: int
    is_standing: bool
    status: str = Field(description="REQUESTED, DONE or REFUSED.")
    reason: str | None
    release_id: int | None
    portfolio_version: int | None
    summary: Mapping[str, Any] | None
    requested_at: datetime
    finished_at: datetime | None


class SimulationPage(View):
    items: Sequence[SimulationView]
    next_cursor: str | None


class SimulationResultView(SimulationView):
    fan: Sequence[Mapping[str, float]] | None = Field(description="Percentiles of wealth per step, once DONE.")
