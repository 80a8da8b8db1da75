"""An answer that is made while it is sent: its first piece is there before the status is, and few are sent at once."""

from collections.abc import Generator, Mapping
from itertools import chain

import anyio
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

AT_ONCE = 4
"""Exports sent at once. Each holds a connection until its client has read it, and others need the rest."""


class ExportTurns:
    """Turns of exports, shared by the requests of one application."""

    def __init__(self) -> None:
        self._turns = anyio.CapacityLimiter(AT_ONCE)

    async def stream(
        self, pieces: Generator[bytes], media_type: str, file_name: str, more: Mapping[str, str]
    ) -> StreamingResponse:
        """The answer; a failure before the first piece is raised here, so that it has a status of its own. `more`
        headers are those that are there after the first piece."""
        await self._turns.acquire_on_behalf_of(pieces)
        try:
            first = await run_in_threadpool(next, pieces, b"")
        except BaseException:
            self._turns.release_on_behalf_of(pieces)
            raise
        headers = {"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store", **more}
        return _Streamed(self._turns, first, pieces, media_type, headers)


class _Streamed(StreamingResponse):
    """Pieces that are closed, and a turn that is given back, also where the client has gone away."""

    def __init__(
        self,
        turns: anyio.CapacityLimiter,
        first: bytes,
        pieces: Generator[bytes],
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(chain([first], pieces), media_type=media_type, headers=headers)
        self._turns, self._pieces = turns, pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._pieces.close)
            self._turns.release_on_behalf_of(self._pieces)
