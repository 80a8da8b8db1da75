"""Whether the process lives, and whether it can do its work."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from oltp_api.dependencies import WorldDep
from oltp_api.errors import PROBLEMS, NotReady

router = APIRouter(prefix="/health", tags=["health"])


class Live(BaseModel):
    status: str = "live"


class Ready(BaseModel):
    """`ledger_head_at` is when the newest ledger row was recorded; None for an empty ledger."""

    status: str = "ready"
    schema_version: str
    ledger_head_at: datetime | None


@router.get("/live", summary="The process answers")
def live() -> Live:
    return Live()


@router.get("/ready", summary="The database answers and has our schema", responses={503: PROBLEMS[503]})
def ready(world: WorldDep) -> Ready:
    schema_version, ledger_head_at = world.transact(lambda work: work.reads.state())
    if schema_version != world.schema_version:
        raise NotReady(f"the schema is at {schema_version}, this process was started for {world.schema_version}")
    return Ready(schema_version=schema_version, ledger_head_at=ledger_head_at)
