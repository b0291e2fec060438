"""One process that holds the model and answers requests, from start to drained."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import time

import uvloop

from . import metrics, tally
from .app import App
from .batcher import Batcher
from .bundle import Bundle, Folders
from .connections import Connections
from .limits import Limits
from .model import Model
from .quiet import Quiet

LOAD_FAILED = 3


class Worker:
    """Gets its connections from a listening socket of its own, or from the dispatcher."""

    def __init__(self, folders: Folders, bundle: Bundle, limits: Limits, board: metrics.Board, index: int) -> None:
        self.folders = folders
        self.bundle = bundle
        self.limits = limits
        self.board = board
        self.row = metrics.Row(board.row(index))
        self.loop = uvloop.new_event_loop()
        self.batcher = Batcher(self.loop, limits, self.row)
        self.app = App(bundle, limits, self.batcher, self.row, board)
        self.connections = Connections(self.app, self.loop, self.row)
        self.ended: asyncio.Future[int] = self.loop.create_future()
        self.control: socket.socket | None = None
        self.exposition: metrics.Exposition | None = None

    def listen(self, listener: socket.socket, exit_with_stdin: bool) -> int:
        """Serves until SIGTERM, SIGINT or (when asked) the end of stdin; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self._drain)
        server = self.loop.run_until_complete(self.loop.create_server(self.connections.protocol, sock=listener))
        if exit_with_stdin:
            threading.Thread(target=self._watch_stdin, daemon=True).start()
        return self._run(server)

    def receive(self, control: socket.socket) -> int:
        """Serves connections that arrive on the control socket until that is closed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # The dispatcher gets them too and says what to do.
            signal.signal(number, signal.SIG_IGN)
        control.setblocking(False)
        self.control = control
        self.loop.add_reader(control, self._receive)
        return self._run(None)

    def _run(self, server: asyncio.Server | None) -> int:
        self.batcher.start(self._load, self.bundle, self._loaded, self._failed)
        code = self.loop.run_until_complete(self.ended)
        if server is not None:
            server.close()
        if code == 0:
            left = max(0.0, self.drained_by - self.loop.time()) if self.app.draining else self.limits.drain_seconds
            self.loop.run_until_complete(self.connections.close(left))
        return code

    def _load(self) -> Model:
        model = Model(self.folders, self.bundle)
        refused = model.warm_up()
        if refused is not None:
            print(f"mlship_server: the model refused a made-up first row: {refused}", file=sys.stderr, flush=True)
        bundle, answers = self.bundle, tally.names(self.bundle.task, model.classes)
        self.exposition = metrics.Exposition(self.board, bundle.name, bundle.version, bundle.digest, answers)
        # Libraries and model stay for good: the collector need not look at them again.
        gc.collect()
        gc.freeze()
        return model

    def _loaded(self, model: Model) -> None:
        assert self.exposition is not None
        self.app.loaded(model, self.exposition)
        if self.control is not None:
            self.control.send(b"R")

    def _failed(self) -> None:
        print("mlship_server: the model could not be loaded", file=sys.stderr, flush=True)
        self._end(LOAD_FAILED)

    def _end(self, code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(code)

    def _receive(self) -> None:
        assert self.control is not None
        try:
            message, files, _, _ = socket.recv_fds(self.control, 1, 1)
        except BlockingIOError:
            return
        except OSError:
            message, files = b"", []
        for file in files:
            connection = socket.socket(fileno=file)
            connection.setblocking(False)
            self.loop.create_task(self._adopt(connection))
        if message == b"D":
            self._begin_drain()
        elif message == b"":
            self.loop.remove_reader(self.control)
            self._end(0)

    async def _adopt(self, connection: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(self.connections.protocol, connection)
        except OSError:
            # The client hung up between accept and here.
            self.row.add(metrics.CLOSED)
            connection.close()

    def _watch_stdin(self) -> None:
        while os.read(0, 4096):
            pass
        self.loop.call_soon_threadsafe(self._drain)

    def _begin_drain(self) -> None:
        self.drained_by = self.loop.time() + self.limits.drain_seconds
        self.app.drain()

    def _drain(self) -> None:
        if not self.app.draining:
            self._begin_drain()
            self._check_quiet(Quiet(self.board, time.monotonic()))

    def _check_quiet(self, quiet: Quiet) -> None:
        if quiet.reached(time.monotonic()) or self.loop.time() >= self.drained_by:
            self._end(0)
        else:
            self.loop.call_later(0.05, self._check_quiet, quiet)
