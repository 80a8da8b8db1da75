"""A server of the S3 protocol for tests: moto's, over HTTP, in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ops import processes
from storage import s3

BUCKET = "lakes"


@dataclass(frozen=True)
class S3Server:
    """Where it answers, and the settings with which a lake is in it."""

    url: str

    def settings(self, prefix: str = "a lake", **other: str) -> dict[str, str]:
        return {
            "lake_uri": f"s3://{BUCKET}/{prefix}",
            "aws_access_key_id": "a key",
            "aws_secret_access_key": "its secret's",
            "aws_endpoint_url": self.url,
            **other,
        }

    def options(self, prefix: str = "a lake") -> dict[str, str]:
        from storage.settings import Settings

        return s3.options_of(Settings(**self.settings(prefix)))  # type: ignore[arg-type]

    @property
    def boto(self) -> Any:
        return s3.client(self.options())

    def ask_for_credentials(self, is_asked: bool) -> None:
        """Whether keys that it does not know are refused; it knows none."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content="0" if is_asked else "inf", trust_env=False)


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


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/moto-api/data.json", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
