"""Language models on the wire: answers in two providers' forms, and what keeps one from answering.

The envelopes are those that the providers' own packages recorded for their tests: `chat.completion` of openai-python
(tests/lib/chat/test_completions.py), `message` of anthropic-sdk-python (tests/lib/_parse/__inline_snapshot__ and
tests/lib/streaming/fixtures/refusal_response.txt). The text in them is ours.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from domain.risk_analyses.analysis import AnalysisStatus
from domain.risk_analyses.writing import RiskAnalyst, written
from pipelines.risk_analyses import writers
from pipelines.risk_analyses.writers import configured
from storage.errors import SetupError
from storage.settings import Settings
from tests.risk_sheet import SHEET, answer

_GOOD = answer("On a bad day it may lose {{F6}}.")


def openai_answer(text: str | None, refusal: str | None = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return {
        "id": "chatcmpl-ABfvaueLEMLNYbT8YzpJxsmiQ6HSY",
        "object": "chat.completion",
        "created": 1727346142,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 14, "completion_tokens": 37, "total_tokens": 51},
        "system_fingerprint": "fp_b40fb1c6fb",
    }


def anthropic_answer(text: str | None, refusal: str | None = None) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-5-20250929",
        "id": "msg_01T4jd6NyD9xGGtTPDC4ogy5",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text or ""}],
        "stop_reason": "refusal" if refusal else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 406, "output_tokens": 50, "service_tier": "standard"},
    }


_FORMS = {"openai": openai_answer, "anthropic": anthropic_answer}


@dataclass
class Model:
    """A provider: its answers in turn, each a status and a body, and what it was sent."""

    answers: list[tuple[int, bytes]]
    delay: float = 0
    drip: float = 0
    sent: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def served(model: Model) -> Iterator[Model]:
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            model.sent.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, body = model.answers[min(len(model.sent), len(model.answers)) - 1]
            if ended.wait(model.delay):
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for place in range(len(body)) if model.drip else ():
                self.wfile.write(body[place : place + 1])
                self.wfile.flush()
                if ended.wait(model.drip):
                    return
            if not model.drip:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        model.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield model
        finally:
            ended.set()
            server.shutdown()


def analyst(provider: str, model: Model) -> RiskAnalyst:
    at = f"{model.address}/v1" if provider == "openai" else model.address
    found = configured(Settings(risk_model=f"{provider}:some-model", risk_model_url=at))
    assert found is not None
    return found


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("provider", _FORMS)
def test_a_model_writes_and_is_told_no_persons_word(provider: str) -> None:
    with served(Model([(200, _json(_FORMS[provider](_GOOD)))])) as model:
        found = written(SHEET, analyst(provider, model))
    assert (found.status, found.model_used) == (AnalysisStatus.DONE, f"{provider}:some-model")
    assert found.draft.risks[0].text == "On a bad day it may lose {{F6}}."
    (sent,) = model.sent
    assert "Grandmother" not in sent
    assert "Never write a number" in sent


@pytest.mark.parametrize("provider", _FORMS)
@pytest.mark.parametrize(
    ("status", "text", "refusal", "reason"),
    [
        (429, None, None, "429"),
        (500, None, None, "500"),
        (401, None, None, "401"),
        (200, "not JSON", None, "no JSON document"),
        (200, None, "I cannot help with that", "refus"),
        (200, "It lost 3 %.", None, "no JSON document"),
    ],
)
def test_what_keeps_a_model_from_answering_degrades_the_analysis(
    provider: str, status: int, text: str | None, refusal: str | None, reason: str
) -> None:
    body = _FORMS[provider](text, refusal) if status == 200 else {"error": {"message": "slow down", "type": "x"}}
    with served(Model([(status, _json(body))])) as model:
        found = written(SHEET, analyst(provider, model))
    assert (found.status, found.model_used) == (AnalysisStatus.DEGRADED, "rules/1")
    assert reason in str(found.reason)


@pytest.mark.parametrize("how", ["no answer", "byte by byte", "not JSON at all", "nobody there"])
def test_a_slow_model_or_none_is_given_up_within_its_time(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "SECONDS", 1.0)
    good = _json(openai_answer(_GOOD))
    model = Model(
        [(200, b"<html>" if how == "not JSON at all" else good)],
        delay=30 if how == "no answer" else 0,
        drip=0.2 if how == "byte by byte" else 0,
    )
    with served(model):
        if how == "nobody there":
            model.address = "http://127.0.0.1:9"
        asked = analyst("openai", model)
        began = time.monotonic()
        found = written(SHEET, asked)
        took = time.monotonic() - began
    assert found.status is AnalysisStatus.DEGRADED
    assert took < 5


def test_a_provider_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(SetupError, match="openai or anthropic"):
        configured(Settings(risk_model="oracle:delphi"))
    assert configured(Settings()) is None
