"""`serve`: binds the socket, says where it listens, and runs one worker or several."""

from __future__ import annotations

import json
import os
import socket
import sys

from . import metrics
from .bundle import Bundle, Folders
from .limits import Limits

BACKLOG = 2048


def serve(
    folders: Folders, bundle: Bundle, host: str, port: int, workers: int, limits: Limits, exit_with_stdin: bool
) -> int:
    """Serves until told to end; returns the exit code."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        print(f"mlship_server: cannot listen on {host}:{port}: {error.strerror}", file=sys.stderr, flush=True)
        return 1
    document = {"listening": {"port": listener.getsockname()[1], "pid": os.getpid()}}
    print(json.dumps(document), flush=True)
    # Whatever prints from here on cannot block on a pipe that nobody reads.
    os.dup2(2, 1)
    board = metrics.Board(workers)

    if workers == 1:
        from .worker import Worker

        return Worker(folders, bundle, limits, board, 0).listen(listener, exit_with_stdin)

    def work(index: int, control: socket.socket) -> int:
        # Imported after the fork: threads and locks of libraries do not survive one.
        from .worker import Worker

        return Worker(folders, bundle, limits, board, index).receive(control)

    from .dispatcher import Dispatcher

    return Dispatcher(listener, workers, board, work, limits.drain_seconds).run(exit_with_stdin)
