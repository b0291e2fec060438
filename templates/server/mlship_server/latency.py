"""What one row at a time costs: time in the model without the way to it, and the most memory that this process held."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

from .model import Model

WARM_UP = 10
# A hundredth of 200 calls are two of them: fewer say little of the slowest hundredth.
ENOUGH_CALLS = 200
MOST_CALLS = 1000


def measure(model: Model, rows: list[tuple[Any, ...]], seconds: float) -> dict[str, float]:
    """Seconds per call, the median and the 99th percentile: of 200 calls, or of as many as fit into
    the time; of up to 1000 where a tenth of the time is enough. Raises whatever the model raises."""
    began = time.perf_counter()
    for call in range(WARM_UP):
        model.answer([rows[call % len(rows)]])
        if time.perf_counter() - began > seconds:
            break
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < MOST_CALLS:
        row = rows[len(taken) % len(rows)]
        before = time.perf_counter()
        model.answer([row])
        after = time.perf_counter()
        taken.append(after - before)
        if after - began > (seconds if len(taken) < ENOUGH_CALLS else seconds / 10):
            break
    return {**quantiles(taken), "calls": len(taken)}


def quantiles(taken: list[float]) -> dict[str, float]:
    """By nearest rank: the 99th percentile of 200 calls is the third slowest one."""
    taken.sort()
    return {"p50": taken[(len(taken) - 1) // 2], "p99": taken[-(len(taken) // 100) - 1]}


def peak_bytes() -> int:
    """The most resident memory so far. Linux would count that of the process that started this one
    into ru_maxrss, so it is asked for the memory of the program itself."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
