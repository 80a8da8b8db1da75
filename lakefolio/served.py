"""Tables of a release as an API sends them: Arrow, with the rows that a token's owner may see."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pyarrow as pa

from storage.errors import SetupError

_TIMEOUT_S = 60.0


class ServedTables:
    """The tables of one release at an API: the newest, or the one with the number `release`."""

    def __init__(self, api: str, token: str | None, release: int | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=f"{api.rstrip('/')}/api/v1", headers=headers, timeout=_TIMEOUT_S)
        try:
            told = self._listed(release)
        except BaseException:
            self.close()
            raise
        self.release_id: int = told["release_id"]
        self.as_of: str | None = told["as_of"]
        self.tables: dict[str, int] = {table["name"]: table["version"] for table in told["tables"]}

    def close(self) -> None:
        self._client.close()

    def _listed(self, release: int | None) -> Any:
        with self._asked("/lake-tables", **({} if release is None else {"release_id": release})) as response:
            response.read()
            return response.json()

    @contextmanager
    def reading(self, table: str) -> Iterator[pa.RecordBatchReader]:
        """The table's rows, some at a time; they are kept in a temporary file until then."""
        with tempfile.TemporaryFile() as file:
            with self._asked(f"/lake-tables/{table}", release_id=self.release_id) as response:
                for piece in response.iter_bytes():
                    file.write(piece)
            file.seek(0)
            with pa.ipc.open_stream(file) as reader:
                yield reader

    @contextmanager
    def _asked(self, path: str, **query: Any) -> Iterator[httpx.Response]:
        try:
            with self._client.stream("GET", path, params=query) as response:
                if response.is_error:
                    response.read()
                    raise SetupError(f"the API answered {path} with {response.status_code}: {response.text[:400]}")
                yield response
        except httpx.TransportError as error:
            raise SetupError(f"no API answers at {self._client.base_url}: {error}") from error
