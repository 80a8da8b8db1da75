"""A server of the S3 protocol for tests: moto's, over HTTP, in a process of its own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from ops import processes
from storage.lake import s3
from storage.settings import Settings

BUCKET = "lakes"


@dataclass(frozen=True)
class S3Server:
    """Where it answers."""

    url: str

    def settings(self, prefix: str = "a-lake") -> dict[str, str]:
        """With these a lake is in it; a secret may have an apostrophe."""
        return {
            "lake_uri": f"s3://{BUCKET}/{prefix}",
            "aws_access_key_id": "a key",
            "aws_secret_access_key": "its secret's",
            "aws_endpoint_url": self.url,
        }

    def options(self, prefix: str = "a-lake") -> dict[str, str]:
        return s3.options_of(Settings(**self.settings(prefix)))

    @cached_property
    def boto(self) -> Any:
        """A client, which takes 10 ms to make."""
        return s3.client(self.options())

    @contextmanager
    def asking_for_credentials(self) -> Iterator[None]:
        """Inside, keys that it does not know are refused; it knows none."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content="0", trust_env=False).raise_for_status()
        try:
            yield
        finally:
            httpx.post(f"{self.url}/moto-api/reset-auth", content="inf", trust_env=False)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A running server with one empty bucket."""
    port = processes.free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    )
    server = S3Server(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 30
        while not _answers(server.url):
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.1)
        server.boto.create_bucket(Bucket=BUCKET)
        yield server
    finally:
        process.terminate()
        process.wait()


@contextmanager
def in_front_of(server: S3Server, is_forgetful: bool) -> Iterator[str]:
    """The address of one with the objects of `server`, which a forgetful one lets be written over.

    Two commits of a table's version 1 reach the server at the same time.
    """
    meeting = threading.Barrier(2)
    ignored = "if-none-match" if is_forgetful else ""
    client = httpx.Client(base_url=server.url, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() != ignored}
            if self.command == "PUT" and self.path.endswith("_delta_log/00000000000000000001.json"):
                with suppress(threading.BrokenBarrierError):
                    meeting.wait(timeout=5)
            answer = client.request(self.command, self.path, headers=headers, content=body)
            self.send_response(answer.status_code)
            for name in ("ETag", "Content-Type", "Content-Range", "Last-Modified"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", answer.headers.get("Content-Length", str(len(answer.content))))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *said: object) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
        client.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/moto-api/data.json", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
