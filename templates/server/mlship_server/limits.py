"""The numbers that bound what one server process takes on."""

from __future__ import annotations

from typing import NamedTuple

# Rows given to the model at once; a request with more is a batch of its own.
BATCH_ROWS = 256


class Limits(NamedTuple):
    """Seconds, requests, bytes, rows, seconds."""

    timeout: float = 2.0
    queue: int = 1024
    max_body: int = 4 * 1024 * 1024
    max_rows: int = 4096
    drain_seconds: float = 10.0
