"""`guard`: takes traffic off a canary when nobody drives its rollout any more; the work of a Job beside it.

A Gateway answers 503 for the share of a backend without servers, so the canary must not simply vanish
when the command that drives a rollout is killed. The guardian watches the rollout's Lease. It compares
no clocks: a Lease that has not changed for its whole time, watched by this process, has no holder. Then
it takes the Lease, so that a driver that wakes up finds itself shut out, gives the routes back as they
were, waits until that is in force, and only then takes the canary's servers away."""

from __future__ import annotations

import datetime
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, NamedTuple

from .guard_api import Api, Refused
from .guard_route import EPOCH, Backends, given_back, is_accepted, is_lent, without_trace

# Seconds without a change after which a Lease has no holder, and between two looks at it.
STALE = 30.0
LOOK = 2.0
# Seconds that a Gateway may take to apply what it has accepted: Traefik took 3.2 s at most.
SETTLE = 5.0
# Seconds that the status of a route is waited for; a Gateway that is down cannot be waited for.
ACCEPTED = 10.0
# Seconds without an answer of the API server after which the guardian does not call itself ready.
BLIND = 15.0

# What a request to the API server may end in.
FAULTS = (Refused, OSError, http.client.HTTPException)

Json = dict[str, Any]


class Overtaken(Exception):
    """A driver has taken the Lease."""


class Watched(NamedTuple):
    """Names of the objects of one rollout."""

    lease: str
    backends: Backends
    job: str
    routes: list[str]


class Guardian:
    def __init__(
        self,
        api: Api,
        watched: Watched,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._watched = watched
        self._clock = clock
        self._sleep = sleep
        self.identity = f"guardian-{socket.gethostname()}"
        self.seen_at = float("-inf")

    def run(self) -> int:
        """Watches until the Lease is stale, then acts; returns the exit code."""
        while True:
            self._until_stale()
            try:
                lent = [name for name in self._watched.routes if self._is_lent(name)]
                epoch = self._take_lease() if lent else None
            except FAULTS as error:
                say(f"cannot act: {error}")
                continue
            if not lent:
                say("the Lease is stale and no route is lent: nothing to do")
                return 0
            if epoch is not None and self._finish(lent, epoch):
                return 0
            say("a driver has the Lease: watching it")

    def _finish(self, lent: list[str], epoch: int) -> bool:
        """Everything the guardian is there for, again until it is done. False when a driver took the Lease."""
        say(f"nobody drives this rollout: giving back {', '.join(lent)} under epoch {epoch}")
        while True:
            try:
                self._take_over(lent, epoch)
                return True
            except Overtaken:
                return False
            except FAULTS as error:
                say(f"cannot finish yet: {error}")
                self._sleep(LOOK)

    @property
    def sees(self) -> bool:
        """Whether the API server answered lately."""
        return self._clock() - self.seen_at < BLIND

    def _until_stale(self) -> None:
        known: object = None
        since = self._clock()
        while True:
            try:
                state = _state(self._api.read("leases", self._watched.lease))
            except FAULTS as error:
                say(f"cannot read the Lease: {error}")
            else:
                now = self._clock()
                self.seen_at = now
                if state != known:
                    known, since = state, now
                elif now - since >= STALE:
                    return
            self._sleep(LOOK)

    def _is_lent(self, name: str) -> bool:
        route = self._api.read("httproutes", name)
        return route is not None and is_lent(route)

    def _take_over(self, lent: list[str], epoch: int) -> None:
        self._point_users_at_stable(epoch)
        for name in lent:
            self._write("httproutes", name, lambda route: given_back(route, self._watched.backends), epoch)
        self._wait_until_in_force(lent)
        for name in lent:
            self._write("httproutes", name, without_trace, None)
        self._remove_canary()
        self._tell(lent)
        self._release()
        say("done")

    def _confirm(self) -> None:
        """The Lease is asked before each write: a driver may have come meanwhile."""
        lease = self._api.read("leases", self._watched.lease)
        if lease is not None and lease["spec"].get("holderIdentity") != self.identity:
            raise Overtaken

    def _take_lease(self) -> int | None:
        lease = self._api.read("leases", self._watched.lease)
        if lease is None:
            # Removed by hand: nobody holds it, and what is written names the version it was decided on.
            return 0
        spec = lease.setdefault("spec", {})
        now = _now()
        spec["leaseTransitions"] = epoch = int(spec.get("leaseTransitions") or 0) + 1
        spec["holderIdentity"] = self.identity
        spec["acquireTime"] = spec["renewTime"] = now
        about = {
            "user": "guardian",
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "doing": "mlship_server guard",
            "since": now,
        }
        lease["metadata"].setdefault("annotations", {})["mlship.dev/holder"] = json.dumps(about)
        try:
            self._api.replace("leases", lease)
        except Refused as refused:
            if refused.status == 409:
                return None
            raise
        return epoch

    def _point_users_at_stable(self, epoch: int) -> None:
        """A promotion may have been cut off between the Service that is the truth and the users' one."""
        backends = self._watched.backends
        stable = self._api.read("services", backends.stable)
        if stable is None:
            return
        selector = stable["spec"].get("selector")

        def follow(service: Json) -> Json | None:
            if service["spec"].get("selector") == selector:
                return None
            service["spec"]["selector"] = selector
            return service

        self._write("services", backends.users, follow, epoch)
        # Whatever the driver before decided is refused from now on.
        self._write("services", backends.stable, lambda service: service, epoch)

    def _write(self, kind: str, name: str, change: Callable[[Json], Json | None], epoch: int | None) -> None:
        """Changes what is there, again when another writer came between; what is gone is left alone."""
        while True:
            thing = self._api.read(kind, name)
            wanted = None if thing is None else change(thing)
            if wanted is None:
                return
            self._confirm()
            if epoch:
                wanted["metadata"].setdefault("annotations", {})[EPOCH] = str(epoch)
            try:
                self._api.replace(kind, wanted)
                return
            except Refused as refused:
                if refused.status != 409:
                    raise

    def _wait_until_in_force(self, routes: list[str]) -> None:
        end = self._clock() + ACCEPTED
        while self._clock() < end:
            found = [self._api.read("httproutes", name) for name in routes]
            if all(route is None or is_accepted(route) for route in found):
                break
            self._sleep(0.25)
        # The status says that a route was accepted, not that the last proxy obeys it.
        self._sleep(SETTLE)

    def _remove_canary(self) -> None:
        while True:
            job = self._api.read("jobs", self._watched.job)
            if job is None:
                return
            self._confirm()
            try:
                self._api.remove("jobs", self._watched.job, job["metadata"]["resourceVersion"])
                return
            except Refused as refused:
                if refused.status == 404:
                    return
                if refused.status != 409:
                    raise

    def _tell(self, routes: list[str]) -> None:
        """An Event on the users' Service. Nothing depends on it."""
        users = self._watched.backends.users
        now = _now()
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{users}."},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Service",
                "namespace": self._api.namespace,
                "name": users,
            },
            "type": "Warning",
            "reason": "CanaryTakenBack",
            "message": f"The Lease {self._watched.lease} was not renewed for {STALE:.0f} s: "
            f"{', '.join(routes)} given back, {self._watched.job} removed.",
            "source": {"component": "mlship-guardian"},
            "firstTimestamp": now[:19] + "Z",
            "lastTimestamp": now[:19] + "Z",
            "count": 1,
        }
        try:
            self._api.create("events", event)
        except FAULTS as error:
            say(f"the Event could not be written: {error}")

    def _release(self) -> None:
        lease = self._api.read("leases", self._watched.lease)
        if lease is None or lease["spec"].get("holderIdentity") != self.identity:
            return
        lease["spec"]["holderIdentity"] = ""
        lease["metadata"].setdefault("annotations", {})["mlship.dev/holder"] = "{}"
        self._api.replace("leases", lease)


def guard(api: Api, watched: Watched, port: int) -> int:
    """Guards one rollout. Answers `GET /ready` on the port: 200 while it sees the API server."""
    # As the first process of a container it would not end by SIGTERM otherwise; the Job starts another.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    guardian = Guardian(api, watched)

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if guardian.sees else 503)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """A probe a second is no news."""

    server = ThreadingHTTPServer(("0.0.0.0", port), Ready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"watching Lease {watched.lease}")
    return guardian.run()


def say(words: str) -> None:
    print(f"mlship_server: guard: {words}", file=sys.stderr, flush=True)


def _state(lease: Json | None) -> tuple[str, int, str] | None:
    """What changes when somebody takes or renews the Lease."""
    if lease is None:
        return None
    spec = lease.get("spec") or {}
    return (
        spec.get("holderIdentity") or "",
        int(spec.get("leaseTransitions") or 0),
        spec.get("renewTime") or "",
    )


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
