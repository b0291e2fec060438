"""uvicorn's HTTP protocol on sockets that this package accepts itself, and the date in its headers."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from . import metrics

# Above the 60 s after which common balancers drop an idle connection: who closes first decides
# whether a request can get lost on the way.
KEEP_ALIVE_SECONDS = 75


class Connections:
    """All connections of this process."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop, row: metrics.Row) -> None:
        self.loop = loop
        self.row = row
        self.state = ServerState()
        self.config = Config(
            app,
            interface="asgi3",
            http=HttpToolsProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="error",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self.config.load()
        self._date()

    def _date(self) -> None:
        self.state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        self.loop.call_later(1.0, self._date)

    def protocol(self) -> asyncio.Protocol:
        """For a new connection."""
        protocol = Connection(self.config, self.state, {}, self.loop)
        protocol.row = self.row
        return protocol

    async def close(self, seconds: float) -> bool:
        """Closes idle connections now and the others after their answer. False when that took
        longer than the given time and the rest was cut."""
        until = self.loop.time() + seconds
        for connection in list(self.state.connections):
            connection.shutdown()
        while self.state.tasks and self.loop.time() < until:
            await asyncio.sleep(0.01)
        stalled = bool(self.state.tasks)
        for connection in list(self.state.connections):
            if stalled:
                connection.transport.abort()
            else:
                connection.transport.close()
        # One turn for the transports to flush and close.
        while self.state.connections and self.loop.time() < until:
            await asyncio.sleep(0.01)
        return not stalled


class Connection(HttpToolsProtocol):
    """Counts closed connections, by which the dispatcher knows how many each worker holds."""

    row: metrics.Row

    def connection_lost(self, exc: Exception | None) -> None:
        self.row.add(metrics.CLOSED)
        super().connection_lost(exc)
