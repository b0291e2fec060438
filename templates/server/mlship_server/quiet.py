"""Knows when a draining server has nothing left to do."""

from __future__ import annotations

from . import metrics

# A balancer that was told to stop sending does so within this time, or keeps the server busy.
QUIET_SECONDS = 0.5


class Quiet:
    """Watches all workers' predictions: none in flight and none new for QUIET_SECONDS."""

    def __init__(self, board: metrics.Board, now: float) -> None:
        self.board = board
        self.seen = board.total(metrics.ARRIVED)
        self.since = now

    def reached(self, now: float) -> bool:
        seen = self.board.total(metrics.ARRIVED)
        if seen != self.seen or self.board.total(metrics.IN_FLIGHT) > 0:
            self.seen, self.since = seen, now
        return now - self.since >= QUIET_SECONDS
