"""Ends a process whose parent is gone. A parent that was killed closes its pipe, but a model that works does not read."""

from __future__ import annotations

import os
import threading
import time

INTERVAL = 1.0


def end_with_parent() -> None:
    """From now on this process ends within about a second of its parent. A parent that says its number in
    MLSHIP_PARENT may be gone before this line is reached."""
    parent = int(os.environ.get("MLSHIP_PARENT") or os.getppid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(INTERVAL)
        os._exit(1)

    threading.Thread(target=watch, name="mlship-orphan", daemon=True).start()
