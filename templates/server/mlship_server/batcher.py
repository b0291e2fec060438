"""Zero-wait micro-batching: when the model is free it takes everything that is queued, and never
waits for more. One thread per process runs the model."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
import time
import traceback
from collections import deque
from typing import Any, Callable, Union

import msgspec

from . import metrics
from .bundle import Bundle
from .errors import Refusal
from .limits import BATCH_ROWS, Limits
from .model import Model
from .outputs import Answers, BadOutput
from .tally import Tally

# What a request gets: the bytes of its answer, a refusal, or None when its client is gone.
Outcome = Union[bytes, Refusal, None]
Rows = list[tuple[Any, ...]]


class Work:
    """One request between validation and answer. Times are of time.perf_counter()."""

    __slots__ = ("rows", "arrived", "deadline", "future", "cycle")

    def __init__(self, rows: Rows, arrived: float, deadline: float, future: asyncio.Future[Outcome], cycle: Any):
        self.rows = rows
        self.arrived = arrived
        self.deadline = deadline
        self.future = future
        self.cycle = cycle


def expired() -> Refusal:
    return Refusal(504, "server.deadline", "The model did not answer in time.")


class Batcher:
    """The bounded queue in front of the model."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits, row: metrics.Row) -> None:
        self.loop = loop
        self.limits = limits
        self.row = row
        self.queue: deque[Work] = deque()
        self.running: list[Work] = []
        self.busy = True
        self.sweeping = False
        self.jobs: queue.SimpleQueue[list[Work]] = queue.SimpleQueue()

    def start(
        self, load: Callable[[], Model], bundle: Bundle, loaded: Callable[[Model], None], failed: Callable[[], None]
    ) -> None:
        """Loads the model in its thread, which then answers for as long as the process lives."""

        def run() -> None:
            try:
                model = load()
                writer = Writer(bundle, model)
                tally = Tally(self.row.answers(), model.task, model.classes)
            except BaseException:
                traceback.print_exc()
                self.loop.call_soon_threadsafe(failed)
                return
            self.loop.call_soon_threadsafe(self._began, loaded, model)
            while True:
                batch = self.jobs.get()
                began = time.perf_counter()
                outcomes = run_batch(model, writer, tally, batch)
                self.loop.call_soon_threadsafe(self._finish, batch, outcomes, began)

        threading.Thread(target=run, name="model", daemon=True).start()

    def _began(self, loaded: Callable[[Model], None], model: Model) -> None:
        loaded(model)
        self.busy = False
        self._dispatch()

    @property
    def crowded(self) -> bool:
        """Whether the queue is above its high-water mark of nine tenths."""
        return len(self.queue) * 10 >= self.limits.queue * 9

    def submit(self, rows: Rows, arrived: float, cycle: Any) -> asyncio.Future[Outcome]:
        """Queues a request. Raises Refusal (503) when the queue is full."""
        if len(self.queue) >= self.limits.queue:
            raise Refusal(503, "server.queue-full", "The queue is full: try again shortly.")
        future: asyncio.Future[Outcome] = self.loop.create_future()
        self.queue.append(Work(rows, arrived, arrived + self.limits.timeout, future, cycle))
        self.row.put(metrics.DEPTH, len(self.queue))
        if not self.busy:
            # At the end of this turn of the loop: what arrived in the same turn goes along.
            self.busy = True
            self.loop.call_soon(self._dispatch)
        if not self.sweeping:
            self.sweeping = True
            self.loop.call_later(min(0.05, self.limits.timeout / 4), self._sweep)
        return future

    def _dispatch(self) -> None:
        now, size, batch, waiting = time.perf_counter(), 0, [], self.queue
        while waiting and (not batch or size + len(waiting[0].rows) <= BATCH_ROWS):
            work = waiting.popleft()
            if gone(work):
                work.future.set_result(None)
            elif work.deadline <= now:
                work.future.set_result(expired())
            else:
                batch.append(work)
                size += len(work.rows)
        self.row.put(metrics.DEPTH, len(waiting))
        self.running = batch
        self.busy = bool(batch)
        if batch:
            self.row.batch(size)
            self.jobs.put(batch)

    def _finish(self, batch: list[Work], outcomes: list[Outcome], began: float) -> None:
        self._dispatch()
        for work, outcome in zip(batch, outcomes):
            self.row.seconds(metrics.WAIT, began - work.arrived)
            if type(outcome) is bytes:
                self.row.add(metrics.PREDICTIONS, len(work.rows))
            if not work.future.done():
                work.future.set_result(outcome)

    def _sweep(self) -> None:
        """Gives back what is overdue or unwanted while the model is at work on something else."""
        now = time.perf_counter()
        for work in (*self.queue, *self.running):
            if not work.future.done() and (gone(work) or work.deadline <= now):
                work.future.set_result(None if gone(work) else expired())
        self.queue = deque(work for work in self.queue if not work.future.done())
        self.row.put(metrics.DEPTH, len(self.queue))
        self.sweeping = bool(self.queue or self.running)
        if self.sweeping:
            self.loop.call_later(min(0.05, self.limits.timeout / 4), self._sweep)


def gone(work: Work) -> bool:
    """Whether the client has hung up. ASGI tells that only to a task that waits in receive(), which
    would cost every request a second task; uvicorn's request object knows."""
    return getattr(work.cycle, "disconnected", False)


class Writer:
    """Writes answers; everything that is the same in all of them is encoded once."""

    def __init__(self, bundle: Bundle, model: Model) -> None:
        self.encode = msgspec.json.Encoder().encode
        named = self.encode({"name": bundle.name, "version": bundle.version})
        self.head = b'{"model":' + named + b',"predictions":'
        self.tail = b"}" if model.classes is None else b',"classes":' + self.encode(model.classes) + b"}"

    def write(self, answers: Answers, start: int, end: int) -> Outcome:
        if answers.broken is not None and any(answers.broken[start:end]):
            row = answers.broken.index(True, start) - start
            return Refusal(500, "model.non-finite-output", f"The model answered row {row} with no finite number.", row=row)
        parts = [self.head, self.encode(answers.predictions[start:end])]
        if answers.probabilities is not None:
            parts += [b',"probabilities":', self.encode(answers.probabilities[start:end])]
        parts.append(self.tail)
        return b"".join(parts)


def run_batch(model: Model, writer: Writer, tally: Tally, batch: list[Work]) -> list[Outcome]:
    """One outcome per request. When the batch fails each request is tried alone, so that one
    poisoned row fails nobody else."""
    rows = batch[0].rows if len(batch) == 1 else [row for work in batch for row in work.rows]
    try:
        answers = model.answer(rows)
        outcomes, start = [], 0
        for work in batch:
            outcomes.append(writer.write(answers, start, start + len(work.rows)))
            start += len(work.rows)
        tally.count(answers)
        return outcomes
    except BaseException as error:  # a handler's sys.exit() must not end the model thread
        if len(batch) == 1:
            return [failure(error)]
    return [expired() if work.future.done() else run_batch(model, writer, tally, [work])[0] for work in batch]


def failure(error: BaseException) -> Refusal:
    """What the client is told; the traceback goes to the log."""
    if isinstance(error, BadOutput):
        print(f"mlship_server: the model's output is not usable: {error}", file=sys.stderr, flush=True)
        return Refusal(500, "model.bad-output", "The model did not answer with one prediction per row.")
    traceback.print_exception(type(error), error, error.__traceback__)
    return Refusal(500, "model.failed", "The model failed on this input.")
