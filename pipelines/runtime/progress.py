"""Progress for people: one line per step as it ends, instead of Dagster's debug log."""

import logging
import sys
from typing import Any

import dagster as dg

from storage.outages import outage_said

SHOWN: dict[str, Any] = {"loggers": {"progress": {}}}
"""The run config of a run whose progress is shown."""


class _StepLines(logging.Handler):
    """Prints a line when a step succeeds or fails, with what it published."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, dict[str, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is None:
            if record.levelno >= logging.WARNING and not str(meta.get("orig_message")).startswith("Dependencies for"):
                said = str(meta.get("orig_message", record.getMessage()))
                outage = outage_said(said)
                print(f"  ! {outage.sentence if outage else said}", flush=True)
            return
        kind = event.event_type_value
        if kind == "ASSET_MATERIALIZATION":
            self._count(event)
        elif kind in ("STEP_SUCCESS", "STEP_FAILURE"):
            self._print(event, kind == "STEP_SUCCESS")

    def _count(self, event: Any) -> None:
        materialization = event.event_specific_data.materialization
        rows = materialization.metadata.get("dagster/row_count")
        if rows is not None:  # one event per partition says the same of the whole publication
            self._rows.setdefault(event.step_key, {})[str(materialization.asset_key)] = int(rows.value)

    def _print(self, event: Any, is_success: bool) -> None:
        if is_success:
            counts = self._rows.get(event.step_key)
            rows = sum(counts.values()) if counts else None
            seconds = event.event_specific_data.duration_ms / 1000
            print(
                f"  {event.step_key:<36} {seconds:6.1f} s {f'{rows:>10,} rows' if rows is not None else ''}", flush=True
            )
        else:
            print(
                f"  {event.step_key:<36} FAILED: {_why(event.event_specific_data.error)}", file=sys.stderr, flush=True
            )


def _why(error: Any) -> str:
    """The sentence for a full disk and its like, wherever in the chain of causes; else what the cause says."""
    cause = error
    while cause is not None:
        if outage := outage_said(f"{cause.cls_name}: {cause.message}"):
            return outage.sentence
        cause = cause.cause
    return str((error.cause or error).message).strip()


@dg.logger(config_schema={}, description="One line per finished step.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("lakefolio.progress", level=logging.DEBUG)
    logger.addHandler(_StepLines())
    return logger
