"""A web server on loopback that answers as providers once did, and a clock and patience that cost no time."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pipelines.sources.http import RetryPolicy

RECORDED = Path(__file__).parent / "pipelines" / "recorded"
_TYPES = {".json": "application/json", ".xml": "text/xml", ".html": "text/html", ".txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    status: int = 200
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0


def recorded(name: str, status: int = 200, **headers: str) -> Answer:
    path = RECORDED / name
    return Answer(path.read_bytes(), status, _TYPES[path.suffix], headers)


@dataclass
class Provider:
    """Answers by path, one after the other, the last for ever; and what was asked, as path and as sent.

    A path may end in `?series_id=DGS10`, or in any other single parameter that tells requests apart.
    """

    answers: dict[str, Sequence[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    address: str = ""
    gone: threading.Event = field(default_factory=threading.Event)

    def answer(self, target: str) -> Answer:
        parts = urlsplit(target)
        query = {f"{parts.path}?{name}={values[0]}" for name, values in parse_qs(parts.query).items()}
        key = next((key for key in self.answers if key == parts.path or key in query), None)
        if key is None:
            return Answer(b"nothing recorded", 404, "text/plain")
        self.asked.append(key)
        self.targets.append(target)
        answers = self.answers[key]
        return answers[min(self.asked.count(key), len(answers)) - 1]


@contextmanager
def served(provider: Provider) -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = provider.answer(self.path)
            if provider.gone.wait(answer.delay_seconds):
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.content_type, **answer.headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        provider.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield provider
        finally:
            provider.gone.set()
            server.shutdown()
            thread.join()


class FakeTime:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return sum(self.slept)

    def patience(self, **settings: float) -> RetryPolicy:
        return RetryPolicy(
            sleep=self.slept.append,
            now=self.now,
            chance=lambda: 0.0,
            **settings,
        )
