"""`guard` against an API server in memory, with a clock that the tests move."""

from __future__ import annotations

import copy
import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable

import pytest

from conftest import ENVIRONMENT
from mlship_server.errors import LoadError
from mlship_server.guard import STALE, Guardian, Watched
from mlship_server.guard_api import Api, Place, Refused, inside
from mlship_server.guard_route import BORROWED, EPOCH, Backends, given_back, is_accepted, without_trace

BACKENDS = Backends("fraud", "fraud-stable", "fraud-canary")
WATCHED = Watched("fraud-rollout", BACKENDS, "fraud-2-canary", ["web"])
Json = dict[str, Any]


def spec(*refs: Json) -> Json:
    return {"parentRefs": [{"name": "gate"}], "rules": [{"matches": [{"path": {"value": "/"}}], "backendRefs": [*refs]}]}


ORIGINAL = spec({"kind": "Service", "group": "", "name": "fraud", "port": 80, "weight": 1})
OWNERS = [{"manager": "flux", "operation": "Apply"}, {"manager": "gate", "subresource": "status", "time": "old"}]


def lent(share: int = 50) -> Json:
    stable = {"kind": "Service", "group": "", "name": "fraud-stable", "port": 80, "weight": 100 - share}
    canary = {"kind": "Service", "group": "", "name": "fraud-canary", "port": 80, "weight": share}
    return {
        "metadata": {
            "name": "web",
            "generation": 3,
            "annotations": {
                BORROWED: json.dumps({"spec": ORIGINAL, "managedFields": OWNERS}),
                EPOCH: "4",
                "team": "risk",
            },
            "managedFields": [{"manager": "mlship"}, {"manager": "gate", "subresource": "status", "time": "new"}],
        },
        "spec": spec(stable, canary),
        "status": {"parents": [{"conditions": conditions(3)}]},
    }


def conditions(generation: int, status: str = "True") -> list[Json]:
    return [{"type": name, "status": status, "observedGeneration": generation} for name in ("Accepted", "ResolvedRefs")]


class Cluster:
    """Objects with resource versions; `before` is called before every request and may refuse it."""

    namespace = "models"

    def __init__(self) -> None:
        self.now = 0.0
        self.writes: list[tuple[float, str, str]] = []
        self.before: Callable[[str, str, str], None] = lambda verb, kind, name: None
        self.on_sleep: Callable[[], None] = lambda: None
        self.objects: dict[tuple[str, str], Json] = {}
        self.put("leases", {"metadata": {"name": "fraud-rollout"}, "spec": holder("driver", 4, "t0")})
        for name in ("fraud", "fraud-stable"):
            self.put("services", {"metadata": {"name": name}, "spec": {"selector": {"instance": "fraud-1"}}})
        self.put("jobs", {"metadata": {"name": "fraud-2-canary"}})
        self.put("httproutes", lent())

    def put(self, kind: str, thing: Json) -> None:
        thing = copy.deepcopy(thing)
        before = self.objects.get((kind, thing["metadata"]["name"]))
        version = 1 if before is None else int(before["metadata"]["resourceVersion"]) + 1
        thing["metadata"]["resourceVersion"] = str(version)
        if kind == "httproutes" and before is not None and before["spec"] != thing["spec"]:
            thing["metadata"]["generation"] += 1
            thing["status"] = {"parents": [{"conditions": conditions(thing["metadata"]["generation"])}]}
        self.objects[kind, thing["metadata"]["name"]] = thing

    def read(self, kind: str, name: str) -> Json | None:
        self.before("GET", kind, name)
        return copy.deepcopy(self.objects.get((kind, name)))

    def replace(self, kind: str, thing: Json) -> Json:
        name = thing["metadata"]["name"]
        self.before("PUT", kind, name)
        there = self.objects.get((kind, name))
        if there is None or there["metadata"]["resourceVersion"] != thing["metadata"]["resourceVersion"]:
            raise Refused(409, "the object has been modified")
        self.put(kind, thing)
        self.writes.append((self.now, kind, name))
        return thing

    def create(self, kind: str, thing: Json) -> Json:
        self.before("POST", kind, "")
        self.writes.append((self.now, kind, thing["reason"]))
        return thing

    def remove(self, kind: str, name: str, resource_version: str) -> None:
        self.before("DELETE", kind, name)
        del self.objects[kind, name]
        self.writes.append((self.now, kind, name))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()

    def run(self) -> int:
        return Guardian(self, WATCHED, lambda: self.now, self.sleep).run()  # type: ignore[arg-type]

    @property
    def route(self) -> Json:
        return self.objects["httproutes", "web"]


def holder(name: str, epoch: int, renewed: str) -> Json:
    return {"holderIdentity": name, "leaseTransitions": epoch, "renewTime": renewed}


def renewing(cluster: Cluster, until: float) -> None:
    """A driver that renews its lease at every look until it dies."""

    def renew() -> None:
        if cluster.now <= until:
            cluster.put("leases", {"metadata": {"name": "fraud-rollout"}, "spec": holder("driver", 4, str(cluster.now))})

    cluster.on_sleep = renew


def test_a_dead_driver_s_routes_are_given_back_before_its_canary_goes() -> None:
    cluster = Cluster()
    renewing(cluster, until=100)
    assert cluster.run() == 0
    assert cluster.route["spec"] == ORIGINAL
    assert cluster.route["metadata"]["annotations"] == {"team": "risk"}
    assert cluster.route["metadata"]["managedFields"] == [
        {"manager": "flux", "operation": "Apply"},
        {"manager": "gate", "subresource": "status", "time": "new"},
    ]
    times = {(kind, name): at for at, kind, name in reversed(cluster.writes)}
    assert 100 + STALE <= times["httproutes", "web"] <= 100 + STALE + 4
    assert times["jobs", "fraud-2-canary"] >= times["httproutes", "web"] + 5
    assert ("jobs", "fraud-2-canary") not in cluster.objects
    assert ("events", "CanaryTakenBack") in times
    lease = cluster.objects["leases", "fraud-rollout"]["spec"]
    assert (lease["holderIdentity"], lease["leaseTransitions"]) == ("", 5)
    assert cluster.objects["services", "fraud-stable"]["metadata"]["annotations"][EPOCH] == "5"


def test_a_renewed_lease_is_watched_for_ever() -> None:
    cluster = Cluster()
    renewing(cluster, until=1000)
    renew = cluster.on_sleep

    def give_up() -> None:
        renew()
        if cluster.now > 900:
            raise KeyboardInterrupt

    cluster.on_sleep = give_up
    with pytest.raises(KeyboardInterrupt):
        cluster.run()
    assert cluster.writes == []


def test_nothing_is_written_when_nothing_is_lent() -> None:
    cluster = Cluster()
    cluster.put("httproutes", {**lent(), "metadata": {"name": "web", "generation": 3}})
    assert cluster.run() == 0
    assert cluster.writes == []


def test_a_lock_that_was_released_with_a_lent_route_has_no_driver() -> None:
    cluster = Cluster()
    cluster.put("leases", {"metadata": {"name": "fraud-rollout"}, "spec": holder("", 4, "t0")})
    assert cluster.run() == 0
    assert cluster.route["spec"] == ORIGINAL


def test_users_follow_a_promotion_that_was_cut_off() -> None:
    cluster = Cluster()
    cluster.put("services", {"metadata": {"name": "fraud-stable"}, "spec": {"selector": {"instance": "fraud-2"}}})
    assert cluster.run() == 0
    assert cluster.objects["services", "fraud"]["spec"]["selector"] == {"instance": "fraud-2"}
    order = [(kind, name) for _, kind, name in cluster.writes]
    assert order.index(("services", "fraud")) < order.index(("httproutes", "web"))


def test_a_driver_that_takes_the_lease_first_is_left_to_it() -> None:
    cluster = Cluster()
    taken: list[float] = []

    def take(verb: str, kind: str, name: str) -> None:
        if verb == "PUT" and kind == "leases" and not taken:
            taken.append(cluster.now)
            cluster.put("leases", {"metadata": {"name": "fraud-rollout"}, "spec": holder("next", 5, "t1")})

    cluster.before = take
    assert cluster.run() == 0
    first = next(at for at, kind, _ in cluster.writes if kind == "httproutes")
    assert first >= taken[0] + STALE, "the next driver had its whole time"
    assert cluster.objects["leases", "fraud-rollout"]["spec"]["leaseTransitions"] == 6


def test_a_driver_that_takes_over_from_the_guardian_stops_it() -> None:
    cluster = Cluster()
    taken: list[float] = []

    def take(verb: str, kind: str, name: str) -> None:
        if (verb, kind, name) == ("GET", "services", "fraud") and not taken:
            taken.append(cluster.now)
            cluster.put("leases", {"metadata": {"name": "fraud-rollout"}, "spec": holder("next", 9, "t1")})
            renewing(cluster, until=cluster.now + 60)
            cluster.on_sleep()

    cluster.before = take
    cluster.put("services", {"metadata": {"name": "fraud-stable"}, "spec": {"selector": {"instance": "fraud-2"}}})
    assert cluster.run() == 0
    assert min(at for at, kind, _ in cluster.writes if kind != "leases") > taken[0] + 60


@pytest.mark.parametrize("fault", [Refused(500, "no leader"), OSError("reset"), Refused(409, "changed")])
@pytest.mark.parametrize("nth", range(1, 24))
def test_a_fault_at_any_request_is_tried_again(nth: int, fault: Exception) -> None:
    cluster = Cluster()
    asked = 0

    def fail(verb: str, kind: str, name: str) -> None:
        nonlocal asked
        if cluster.now < STALE - 4:
            return
        asked += 1
        reads_conflict = verb in ("GET", "POST") and isinstance(fault, Refused) and fault.status == 409
        if asked == nth and not reads_conflict:
            raise fault

    cluster.before = fail
    assert cluster.run() == 0
    assert cluster.route["spec"] == ORIGINAL
    assert ("jobs", "fraud-2-canary") not in cluster.objects
    # The lock's whole time a second time at worst: when it was the taking of it that failed.
    assert cluster.now < 3 * STALE


def test_a_killed_guardian_s_successor_finishes() -> None:
    for nth in range(1, 12):
        cluster = Cluster()
        count = 0

        def die(verb: str, kind: str, name: str) -> None:
            nonlocal count
            count += verb != "GET"
            if count == nth:
                raise KeyboardInterrupt

        cluster.before = die
        try:
            cluster.run()
        except KeyboardInterrupt:
            cluster.before = lambda verb, kind, name: None
            cluster.run()
        assert cluster.route["spec"] == ORIGINAL, nth


def test_what_somebody_changed_meanwhile_stays() -> None:
    route = lent()
    route["spec"]["hostnames"] = ["new.example"]
    route["spec"]["rules"].insert(0, {"backendRefs": [{"name": "other", "port": 80, "weight": 1}]})
    back = given_back(route, BACKENDS)
    assert back["spec"] == {
        **ORIGINAL,
        "hostnames": ["new.example"],
        "rules": [{"backendRefs": [{"name": "other", "port": 80, "weight": 1}]}, *ORIGINAL["rules"]],
    }


def test_without_a_readable_original_everything_goes_to_the_users_service() -> None:
    route = lent()
    route["metadata"]["annotations"][BORROWED] = "{"
    [rule] = given_back(route, BACKENDS)["spec"]["rules"]
    assert [(ref["name"], ref["weight"]) for ref in rule["backendRefs"]] == [("fraud", 50)]
    assert BORROWED not in without_trace(route)["metadata"]["annotations"]


def test_a_route_is_accepted_when_every_gateway_knows_its_generation() -> None:
    route = lent()
    assert is_accepted(route)
    for parents in ([], [{"conditions": conditions(2)}], [{"conditions": conditions(3, "False")}], [{}]):
        assert not is_accepted({**route, "status": {"parents": parents}})


def test_requests_carry_the_token_of_the_moment(tmp_path: Path) -> None:
    seen: list[tuple[str, str, Json | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            seen.append((self.headers["authorization"], self.path, json.loads(self.rfile.read(size)) if size else None))
            status, body = (404, {"message": "gone"}) if self.path.endswith("absent") else (200, {"kind": "Lease"})
            if self.path.endswith("denied"):
                status, body = 403, {"message": "not allowed"}
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_PUT = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    token = tmp_path / "token"
    token.write_text("one\n")
    api = Api(Place("127.0.0.1", server.server_address[1], "models", token, None))
    assert api.read("leases", "x") == {"kind": "Lease"}
    token.write_text("two")
    assert api.read("leases", "absent") is None
    with pytest.raises(Refused, match="403: not allowed"):
        api.read("httproutes", "denied")
    api.remove("jobs", "a/b", "7")
    server.shutdown()
    assert [header for header, _, _ in seen] == ["Bearer one", "Bearer two", "Bearer two", "Bearer two"]
    assert seen[0][1] == "/apis/coordination.k8s.io/v1/namespaces/models/leases/x"
    assert seen[3][1:] == (
        "/apis/batch/v1/namespaces/models/jobs/a%2Fb",
        {"propagationPolicy": "Background", "preconditions": {"resourceVersion": "7"}},
    )


def test_outside_of_a_cluster_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(LoadError, match="no pod with an account of its own"):
        inside()
    names = ["lease", "service", "stable", "canary", "job", "route"]
    options = [word for name in names for word in (f"--{name}", "x")]
    run = subprocess.run(
        [sys.executable, "-m", "mlship_server", "guard", *options, "--port", "8080"],
        env={name: value for name, value in ENVIRONMENT.items() if name != "KUBERNETES_SERVICE_HOST"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 3
    assert "no pod with an account of its own" in run.stderr
