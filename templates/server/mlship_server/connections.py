"""uvicorn's HTTP protocol on sockets that this package accepts itself, and the date in its headers."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
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


def answer_at_once(cycle: Any, head: bytes, body: bytes) -> bool:
    """Writes a JSON answer with status 200 in one piece, past uvicorn's general send(), which costs a
    seventh of a prediction's time. False when it is not the plain case of an HTTP/1.1 connection
    that stays open and takes data; then nothing is done."""
    if (
        not isinstance(cycle, RequestResponseCycle)
        or cycle.response_started
        or cycle.disconnected
        or not cycle.keep_alive
        or cycle.flow.write_paused
    ):
        return False
    (_, date), *_ = cycle.default_headers
    cycle.transport.write(
        b"HTTP/1.1 200 OK\r\ndate: %b\r\n%bcontent-length: %d\r\n\r\n%b" % (date, head, len(body), body)
    )
    cycle.response_started = cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True


class Connection(HttpToolsProtocol):
    """Counts closed connections, by which the dispatcher knows how many each worker holds."""

    row: metrics.Row

    def connection_lost(self, exc: Exception | None) -> None:
        self.row.add(metrics.CLOSED)
        super().connection_lost(exc)
