"""Counters in memory that all worker processes share, and their Prometheus text.

Each worker owns one row of doubles in an anonymous mapping made before the fork, so there are no
files, a scrape of any worker sums all rows, and a worker that died leaves its counts behind."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from typing import Any, Iterator

from . import tally

ROUTES = ("/predict", "/health/live", "/health/ready", "/health/startup", "/metrics", "/info", "other")
# 499: the client went away before its answer, as in nginx's logs.
CODES = (200, 400, 404, 405, 408, 413, 415, 422, 499, 500, 503, 504)
REASONS = ("invalid", "too_large", "queue_full", "deadline", "disconnected", "not_ready")

# OpenTelemetry's buckets for request durations, some below them for fast models, and so many between
# them that no bound is more than one and a half times the one before: a canary that takes twice as
# long as stable is told from one that does not.
# fmt: off
SECONDS = (
    0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.0025, 0.0035, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.035,
    0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1, 1.5, 2, 2.5, 3.5, 5, 7.5, 10,
)
# fmt: on
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

REQUESTS = 0
REJECTED = REQUESTS + len(ROUTES) * len(CODES)
PREDICTIONS = REJECTED + len(REASONS)
DURATION = PREDICTIONS + 1
WAIT = DURATION + len(SECONDS) + 2
BATCH = WAIT + len(SECONDS) + 2
DEPTH = BATCH + len(ROWS) + 2
IN_FLIGHT = DEPTH + 1
ARRIVED = IN_FLIGHT + 1
CLOSED = ARRIVED + 1
RESTARTS = CLOSED + 1
ANSWERS = RESTARTS + 1
WIDTH = ANSWERS + tally.CELLS

REQUEST_CELL = {
    (route, code): REQUESTS + i * len(CODES) + j for i, route in enumerate(ROUTES) for j, code in enumerate(CODES)
}
REJECTED_CELL = {reason: REJECTED + i for i, reason in enumerate(REASONS)}


class Row:
    """One worker's counters. Only its own event loop writes them, except those of the answers."""

    def __init__(self, cells: memoryview) -> None:
        self.cells = cells
        # What a worker that died here had in hand is gone.
        cells[DEPTH] = cells[IN_FLIGHT] = 0

    def request(self, route: str, code: int) -> None:
        self.cells[REQUEST_CELL[route, code]] += 1

    def rejected(self, reason: str) -> None:
        self.cells[REJECTED_CELL[reason]] += 1

    def add(self, cell: int, amount: float = 1) -> None:
        self.cells[cell] += amount

    def put(self, cell: int, value: float) -> None:
        self.cells[cell] = value

    def seconds(self, cell: int, value: float) -> None:
        """One observation of the histogram that begins at the cell."""
        self.cells[cell + bisect_left(SECONDS, value)] += 1
        self.cells[cell + len(SECONDS) + 1] += value

    def answers(self) -> memoryview:
        """The cells that the model's thread writes."""
        return self.cells[ANSWERS:]

    def batch(self, rows: int) -> None:
        self.cells[BATCH + bisect_left(ROWS, rows)] += 1
        self.cells[BATCH + len(ROWS) + 1] += rows


class Board:
    """The rows of all workers."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.cells = memoryview(mmap.mmap(-1, workers * WIDTH * 8)).cast("d")

    def row(self, worker: int) -> memoryview:
        return self.cells[worker * WIDTH : (worker + 1) * WIDTH]

    def total(self, cell: int) -> float:
        return sum(self.cells[cell :: WIDTH].tolist())


class Exposition:
    """Renders a board; made after the model is loaded, because the import takes a while."""

    def __init__(self, board: Board, name: str, version: str, digest: str, answers: dict[int, str]) -> None:
        """`answers`: what the cells of the answers are called."""
        from prometheus_client import CollectorRegistry, core, generate_latest

        self.board, self.core, self.model, self.answers = board, core, (name, version, digest), answers
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.generate = generate_latest

    def text(self) -> bytes:
        return self.generate(self.registry)

    def collect(self) -> Iterator[Any]:
        """Called by the registry for each scrape."""
        core, total = self.core, self.board.total
        info = core.GaugeMetricFamily(
            "mlship_model_info", "The model that is served.", labels=("name", "version", "digest")
        )
        info.add_metric(self.model, 1)
        yield info
        requests = core.CounterMetricFamily(
            "mlship_requests", "Requests answered, by route and status code.", labels=("route", "code")
        )
        for (route, code), cell in REQUEST_CELL.items():
            if count := total(cell):
                requests.add_metric((route, str(code)), count)
        yield requests
        rejected = core.CounterMetricFamily(
            "mlship_rejected", "Prediction requests that never reached the model.", labels=("reason",)
        )
        for reason, cell in REJECTED_CELL.items():
            rejected.add_metric((reason,), total(cell))
        yield rejected
        yield core.CounterMetricFamily("mlship_predictions", "Rows predicted.", total(PREDICTIONS))
        answers = core.CounterMetricFamily(
            "mlship_answers",
            "Rows predicted, by answer: a class, the least magnitude in the bin of a value, or NaN.",
            labels=("answer",),
        )
        for answer, count in self._answers().items():
            answers.add_metric((answer,), count)
        yield answers
        yield self._histogram("request_duration_seconds", "Time from body to answer of /predict.", DURATION, SECONDS)
        yield self._histogram("queue_wait_seconds", "Time from arrival in the queue to inference.", WAIT, SECONDS)
        yield self._histogram("batch_rows", "Rows that the model was given at once.", BATCH, ROWS)
        yield core.GaugeMetricFamily("mlship_queue_depth", "Requests that wait for the model.", total(DEPTH))
        yield core.GaugeMetricFamily("mlship_workers", "Processes that hold the model.", self.board.workers)
        yield core.CounterMetricFamily("mlship_worker_restarts", "Workers replaced after a crash.", total(RESTARTS))

    def _answers(self) -> dict[str, float]:
        """Two classes may be written alike: then they are one."""
        found: dict[str, float] = {}
        for cell, answer in self.answers.items():
            if count := self.board.total(ANSWERS + cell):
                found[answer] = found.get(answer, 0.0) + count
        return found

    def _histogram(self, name: str, text: str, cell: int, bounds: tuple[float, ...]) -> Any:
        buckets, running = [], 0.0
        for index, bound in enumerate((*bounds, float("inf"))):
            running += self.board.total(cell + index)
            buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), running))
        return self.core.HistogramMetricFamily(
            f"mlship_{name}", text, buckets=buckets, sum_value=self.board.total(cell + len(bounds) + 1)
        )
