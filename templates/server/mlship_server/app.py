"""The ASGI application: routes, limits, and the way of a prediction through validation and queue."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from typing import Any, Awaitable, Callable, Union

import msgspec

from . import metrics
from .batcher import Batcher, Outcome
from .bundle import Bundle
from .connections import answer_at_once
from .errors import Refusal
from .limits import Limits
from .model import Model
from .schema import Schema

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# How long the rest of a refused body is read, so that the client gets to see the refusal.
LINGER_SECONDS = 1.0

# How long a body may take to arrive; the deadline of the answer counts from its last byte.
BODY_SECONDS = 10.0


class Gone(Exception):
    """The client hung up: nobody reads an answer."""


class App:
    def __init__(
        self, bundle: Bundle, limits: Limits, batcher: Batcher, row: metrics.Row, board: metrics.Board
    ) -> None:
        self.bundle = bundle
        self.limits = limits
        self.batcher = batcher
        self.row = row
        self.board = board
        self.schema = Schema(bundle.inputs, limits.max_rows)
        self.model: Model | None = None
        self.exposition: metrics.Exposition | None = None
        self.draining = False
        self.routes: dict[str, Callable[[], tuple[int, bytes]]] = {
            "/health/live": lambda: (200, b'{"status":"live"}'),
            "/health/startup": self._startup,
            "/health/ready": self._ready,
            "/metrics": self._metrics,
            "/info": self._info,
        }
        self._set_headers()

    def _set_headers(self) -> None:
        version = self.bundle.version.encode("ascii", "replace")
        self.common = [(b"x-mlship-version", version)]
        if self.draining:
            # So that keep-alive clients find the server that takes over.
            self.common.append((b"connection", b"close"))
        self.json = [(b"content-type", b"application/json"), *self.common]
        self.head = b"".join(b"%b: %b\r\n" % header for header in self.json)

    def loaded(self, model: Model, exposition: metrics.Exposition) -> None:
        self.model, self.exposition = model, exposition

    def drain(self) -> None:
        """From now on: not ready, but still answering."""
        self.draining = True
        self._set_headers()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path == "/predict" and method == "POST":
            self.row.add(metrics.ARRIVED)
            self.row.add(metrics.IN_FLIGHT)
            try:
                await self._predict(scope, receive, send)
            finally:
                self.row.add(metrics.IN_FLIGHT, -1)
            return
        route = self.routes.get(path)
        if route is None and path != "/predict":
            await self._refuse("other", Refusal(404, "route.unknown", "There is nothing at this path."), send)
        elif route is None or method not in ("GET", "HEAD"):
            allowed = "POST" if route is None else "GET, HEAD"
            refusal = Refusal(405, "route.method", f"This path takes {allowed}.")
            await self._refuse(path, refusal, send, (b"allow", allowed.encode()))
        else:
            code, body = route()
            kind = b"text/plain; version=0.0.4; charset=utf-8" if path == "/metrics" and code == 200 else None
            headers = self.json if kind is None else [(b"content-type", kind), *self.common]
            self.row.request(path, code)
            await _respond(send, code, headers, body)

    async def _predict(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        # uvicorn's object for this request, which knows what ASGI tells only to those who wait.
        cycle = getattr(receive, "__self__", None)
        outcome: Outcome
        began = time.perf_counter()
        try:
            if getattr(cycle, "more_body", True):
                body = await self._slow_body(scope, receive)
                began = time.perf_counter()
            else:
                message = await receive()
                if message["type"] != "http.request":
                    raise Gone
                body = message["body"]
                if len(body) > self.limits.max_body:
                    raise self._too_large()
            if self.model is None:
                raise Refusal(503, "server.loading", "The model is still loading: try again shortly.")
            outcome = await self.batcher.submit(self.schema.decode(body), began, cycle)
        except Refusal as refusal:
            outcome = refusal
        except Gone:
            outcome = None
        if type(outcome) is bytes:
            self.row.request("/predict", 200)
            self.row.seconds(metrics.DURATION, time.perf_counter() - began)
            if self.draining or not answer_at_once(cycle, self.head, outcome):
                await _respond(send, 200, self.json, outcome)
        elif outcome is None:
            self.row.rejected("disconnected")
            self.row.request("/predict", 499)
        else:
            self.row.seconds(metrics.DURATION, time.perf_counter() - began)
            await self._refuse("/predict", outcome, send, *_hints(outcome))

    def _too_large(self) -> Refusal:
        limit = self.limits.max_body
        return Refusal(413, "input.too-large", f"The body is larger than {limit} bytes.", limit=limit)

    async def _slow_body(self, scope: dict[str, Any], receive: Receive) -> bytes:
        """The whole of a body that did not arrive together with its head."""
        loop, limit = asyncio.get_running_loop(), self.limits.max_body
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        parts: list[bytes] = []
        size = 0
        large = int(declared) > limit
        until = loop.time() + (LINGER_SECONDS if large else BODY_SECONDS)
        more = True
        while more:
            try:
                message = await asyncio.wait_for(receive(), until - loop.time())
            except asyncio.TimeoutError:
                if large:
                    break
                raise Refusal(408, "input.timeout", "The body did not arrive in time.") from None
            if message["type"] != "http.request":
                raise Gone
            more = message["more_body"]
            if not large:
                parts.append(message["body"])
                size += len(message["body"])
                if size > limit:
                    large, parts, until = True, [], loop.time() + LINGER_SECONDS
        if large:
            raise self._too_large()
        return b"".join(parts)

    async def _refuse(self, route: str, refusal: Refusal, send: Send, *headers: tuple[bytes, bytes]) -> None:
        self.row.request(route, refusal.status)
        if route == "/predict" and (reason := _reason(refusal)) is not None:
            self.row.rejected(reason)
        await _respond(send, refusal.status, [*self.json, *headers], refusal.body())

    def _startup(self) -> tuple[int, bytes]:
        return (503, b'{"status":"loading"}') if self.model is None else (200, b'{"status":"started"}')

    def _ready(self) -> tuple[int, bytes]:
        if self.draining:
            return 503, b'{"status":"draining"}'
        if self.model is None:
            return 503, b'{"status":"loading"}'
        if self.batcher.crowded:
            return 503, b'{"status":"crowded"}'
        return 200, b'{"status":"ready"}'

    def _metrics(self) -> tuple[int, bytes]:
        if self.exposition is None:
            return 503, b'{"status":"loading"}'
        return 200, self.exposition.text()

    def _info(self) -> tuple[int, bytes]:
        bundle = self.bundle
        document: dict[str, Any] = {
            "model": {
                "name": bundle.name,
                "version": bundle.version,
                "digest": bundle.digest,
                "format": bundle.format,
                "task": bundle.task,
            },
            "inputs": bundle.inputs,
            "classes": bundle.classes if self.model is None else self.model.classes,
            "libraries": bundle.libraries if self.model is None else self.model.libraries,
            "python": platform.python_version(),
            "workers": self.board.workers,
            "pid": os.getpid(),
            "limits": self.limits._asdict(),
        }
        return 200, msgspec.json.encode(document)


def _reason(refusal: Refusal) -> Union[str, None]:
    """Why a request never reached the model; None when the model itself failed."""
    if refusal.status == 500:
        return None
    named = {413: "too_large", 504: "deadline"}
    if refusal.status == 503:
        return "queue_full" if refusal.code == "server.queue-full" else "not_ready"
    return named.get(refusal.status, "invalid")


def _hints(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    if refusal.status == 503:
        return [(b"retry-after", b"1")]
    # What was not read of the body cannot be told from a next request.
    return [(b"connection", b"close")] if refusal.status in (408, 413) else []


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
