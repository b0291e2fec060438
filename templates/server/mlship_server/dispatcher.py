"""The parent of several workers: accepts connections and hands each to the worker that holds fewest.

Workers that accept for themselves share connections badly: kept alive, most can end up at one."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from typing import Callable

from . import metrics
from .quiet import Quiet

# A worker that dies this often within the time has a cause that a restart does not cure.
MAX_CRASHES = 5
CRASH_SECONDS = 60.0
LOAD_FAILED = 3
RETRYABLE = (BlockingIOError, BrokenPipeError, ConnectionResetError)


class Member:
    """A worker process as its parent sees it."""

    def __init__(self, index: int, pid: int, control: socket.socket, closed: float) -> None:
        self.index = index
        self.pid = pid
        self.control = control
        self.ready = False
        # Connections given to this place since the start, in step with the worker's count of closed ones.
        self.given = closed


class Dispatcher:
    """Runs workers until they are told to end. `work(index, control)` is a worker's whole life."""

    def __init__(
        self,
        listener: socket.socket,
        workers: int,
        board: metrics.Board,
        work: Callable[[int, socket.socket], int],
        drain_seconds: float,
    ) -> None:
        self.listener = listener
        self.board = board
        self.work = work
        self.drain_seconds = drain_seconds
        # poll rather than epoll, which refuses a stdin that is a file.
        self.selector = selectors.PollSelector()
        self.members: dict[int, Member] = {}
        self.crashes: list[float] = []
        self.stopping = False
        self.code = 0
        listener.setblocking(False)
        for index in range(workers):
            self._fork(index)

    def run(self, exit_with_stdin: bool) -> int:
        """Until SIGTERM, SIGINT or (when asked) the end of stdin, and drained; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        if exit_with_stdin:
            self.selector.register(0, selectors.EVENT_READ, self._read_stdin)
        while not self.stopping:
            self._turn()
        return self._drain() if self.code == 0 else self._end(0.0)

    def _turn(self) -> None:
        for key, _ in self.selector.select(0.05):
            key.data()

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _read_stdin(self) -> None:
        if not os.read(0, 4096):
            self.selector.unregister(0)
            self.stopping = True

    def _fork(self, index: int) -> None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            # Whatever happens, a worker never returns into the parent's code.
            code = 1
            try:
                ours.close()
                self.listener.close()
                for member in self.members.values():
                    member.control.close()
                code = self.work(index, theirs)
            finally:
                sys.stderr.flush()
                os._exit(code)
        theirs.close()
        ours.setblocking(False)
        member = Member(index, pid, ours, self.board.row(index)[metrics.CLOSED])
        self.members[index] = member
        self.selector.register(ours, selectors.EVENT_READ, lambda: self._hear(member))

    def _hear(self, member: Member) -> None:
        try:
            message = member.control.recv(1)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            message = b""
        if message:
            member.ready = True
            return
        self._bury(member)
        if not self.stopping:
            self._replace(member.index)

    def _bury(self, member: Member) -> None:
        self.selector.unregister(member.control)
        member.control.close()
        del self.members[member.index]
        _, status = os.waitpid(member.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == LOAD_FAILED:
            # A model that cannot be loaded here cannot be loaded by the next worker either.
            self.code, self.stopping = code, True

    def _replace(self, index: int) -> None:
        now = time.monotonic()
        self.crashes = [at for at in self.crashes if now - at < CRASH_SECONDS] + [now]
        if len(self.crashes) > MAX_CRASHES:
            print("mlship_server: workers keep dying, giving up", file=sys.stderr, flush=True)
            self.code, self.stopping = 1, True
            return
        print("mlship_server: a worker died, starting another", file=sys.stderr, flush=True)
        row = self.board.row(index)
        row[metrics.RESTARTS] += 1
        row[metrics.DEPTH] = row[metrics.IN_FLIGHT] = 0
        self._fork(index)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # Out of file descriptors, most likely: those that wait stay in the backlog.
                print(f"mlship_server: cannot accept a connection: {error.strerror}", file=sys.stderr, flush=True)
                time.sleep(0.05)
                return
            with connection:
                self._give(connection)

    def _give(self, connection: socket.socket) -> None:
        """Prefers workers that are ready; a connection that no worker can take is closed."""

        def load(member: Member) -> tuple[bool, float]:
            return not member.ready, member.given - self.board.row(member.index)[metrics.CLOSED]

        for member in sorted(self.members.values(), key=load):
            try:
                socket.send_fds(member.control, [b"C"], [connection.fileno()])
            except RETRYABLE:
                continue
            member.given += 1
            return

    def _drain(self) -> int:
        until = time.monotonic() + self.drain_seconds
        for member in self.members.values():
            try:
                member.control.send(b"D")
            except RETRYABLE:
                continue
        quiet = Quiet(self.board, time.monotonic())
        while self.members and time.monotonic() < until and not quiet.reached(time.monotonic()):
            self._turn()
        # What connected before the listener closes is still served.
        self._accept()
        return self._end(until - time.monotonic())

    def _end(self, seconds: float) -> int:
        self.listener.close()
        for member in self.members.values():
            # The worker reads the end of its control socket and finishes; its own end stays open
            # until it exits.
            try:
                member.control.shutdown(socket.SHUT_WR)
            except OSError:
                # It died at this moment, and is buried below.
                continue
        # A second more than the workers give their clients, then they are cut as well.
        until = time.monotonic() + max(seconds, 0.0) + 1.0
        waiting = [member.pid for member in self.members.values()]
        while waiting and time.monotonic() < until:
            waiting = [pid for pid in waiting if os.waitpid(pid, os.WNOHANG) == (0, 0)]
            time.sleep(0.02)
        for pid in waiting:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return self.code
