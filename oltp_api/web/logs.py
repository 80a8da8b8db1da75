"""Logs: one JSON object a line where a program reads them, plain text where a person does. Never a body or a secret."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO

from storage.correlation import cause

Format = Literal["json", "text"]
_OURS = ("oltp_api", "storage", "domain")
_ENCODER = json.JSONEncoder(default=str)
_NOT_SHOWN = ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks")
"""Lookups of logging for every line that ours do not show; its HOWTO turns them off so, for a third of the cost."""
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """time, level, logger, message and the request's id; and what the record's `facts` add."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": cause(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODER.encode({name: value for name, value in line.items() if value is not None})


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at that moment."""

    def __init__(self, formatter: logging.Formatter) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(formatter)

    @property
    def stream(self) -> TextIO:  # pyrefly: ignore[bad-override]
        return sys.stderr


@contextmanager
def logs_written(form: Format | None) -> Iterator[None]:
    """Inside, whatever is logged goes to standard error in `form`; by default JSON unless that is a terminal."""
    chosen = form or ("text" if sys.stderr.isatty() else "json")
    handler = _StandardError(JsonLines() if chosen == "json" else logging.Formatter(_TEXT))
    root, server = logging.getLogger(), logging.getLogger("uvicorn")
    before = server.handlers
    server.handlers = [handler]
    propagated, server.propagate = server.propagate, False
    root.addHandler(handler)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    known = {name: value for name, value in vars(logging).items() if name in _NOT_SHOWN}
    vars(logging).update(dict.fromkeys(known))
    try:
        yield
    finally:
        vars(logging).update(known)
        root.removeHandler(handler)
        server.handlers, server.propagate = before, propagated
