"""The form of log lines: JSON for programs, text for people."""

import json
import logging

import pytest

from oltp_api.web.logs import JsonLines, logs_written
from storage.correlation import correlated


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API that other tests have served from this process writes its log too."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


def test_logs_are_text_or_json_as_set(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "json", None):
        with logs_written(form), correlated("cause"):
            logging.getLogger("oltp_api").warning("something %s", "happened")
    text, *objects = capsys.readouterr().err.splitlines()

    assert text.endswith("WARNING oltp_api: something happened")
    for line in map(json.loads, objects):
        assert (line["message"], line["level"], line["request_id"]) == ("something happened", "WARNING", "cause")


def test_an_exception_stays_one_line() -> None:
    record = logging.LogRecord("oltp_api", logging.ERROR, "", 0, "wrong", (), (ValueError, ValueError("x"), None))

    assert "\n" not in JsonLines().format(record)
    assert "ValueError: x" in json.loads(JsonLines().format(record))["exception"]


def test_the_server_and_libraries_log_as_we_do_and_only_while_it_runs(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "uvicorn.error")  # a test's server has silenced it
    before = logging.getLogger().handlers[:]
    with logs_written("json"):
        logging.getLogger("uvicorn.error").error("from the server")
        logging.getLogger("psycopg.pool").warning("from a library")
    server, library = map(json.loads, capsys.readouterr().err.splitlines())

    assert (server["message"], library["message"]) == ("from the server", "from a library")
    assert logging.getLogger().handlers == before
