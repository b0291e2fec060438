"""`health`: asks the server on this machine whether its model is loaded; for the HEALTHCHECK of an image.

Not whether it is ready: a server that is crowded or drains is not ill, and must not be restarted."""

from __future__ import annotations

import http.client
import sys

# The check of an image has a timeout of its own; this one gives a reason before that ends the process.
SECONDS = 2.0


def health(port: int) -> int:
    """Returns 0 when the server says that it has started, 1 when it does not or cannot be asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/health/startup")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"mlship_server: nothing answers on port {port}: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        connection.close()
    if status == 200:
        return 0
    print(f"mlship_server: not started: the server answers {status}", file=sys.stderr, flush=True)
    return 1
