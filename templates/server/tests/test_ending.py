"""How a server ends: drained, with nothing lost, and in bounded time whatever its clients do."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PLAIN_HANDLER

GOOD = {"rows": [{"a": 1, "b": 2}]}
SLOW = PLAIN_HANDLER + """
def predict(model, inputs):
    import time
    time.sleep(0.02)
    return inputs.sum(axis=1)
"""
BOTH = pytest.mark.parametrize("workers", ["1", "2"])


def keep_asking(server, stop: threading.Event) -> list[object]:
    """Status codes of requests, one after another, that reconnect when told to close."""
    seen: list[object] = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    while not stop.is_set():
        try:
            connection.request("POST", "/predict", json.dumps(GOOD))
            response = connection.getresponse()
            response.read()
            seen.append(response.status)
        except OSError as error:
            seen.append(error)
            break
    connection.close()
    return seen


@BOTH
def test_sigterm_under_load_loses_nothing(bundle, serve, workers):
    server = serve(bundle(handler=SLOW), "--workers", workers).until_ready()
    stop = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(keep_asking, server, stop) for _ in range(8)]
        server.until(lambda: server.metric("mlship_predictions_total") > 50)
        server.process.send_signal(signal.SIGTERM)
        server.until(lambda: server.ask("/health/ready")[0] == 503)
        # Not ready, and still accepting: a balancer needs a moment to send no more.
        assert server.ask("/predict", GOOD)[0] == 200
        assert server.ask("/predict", GOOD)[2]["connection"] == "close"
        time.sleep(0.3)
        stop.set()
        answers = [answer for client in clients for answer in client.result()]
    assert set(answers) == {200}
    assert server.end() == 0


@BOTH
def test_sigterm_when_idle_ends_soon(bundle, serve, workers):
    server = serve(bundle(), "--workers", workers).until_ready()
    with server.connect() as idle:
        server.process.send_signal(signal.SIGTERM)
        assert server.end(4) == 0
        assert idle.recv(1) == b""


@BOTH
def test_a_stalled_client_cannot_block_the_end(bundle, serve, workers):
    server = serve(bundle(), "--workers", workers, "--drain-seconds", "1").until_ready()
    with server.connect() as body, server.connect() as head:
        body.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
        head.sendall(b"POST /predict HTTP/1.1\r\nhost")
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        assert server.end(8) == 0


@BOTH
def test_a_model_that_never_answers_cannot_block_the_end(bundle, serve, workers):
    handler = PLAIN_HANDLER + """
def predict(model, inputs):
    import time
    if (inputs == -1).any(): time.sleep(600)
    return inputs.sum(axis=1)
"""
    server = serve(bundle(handler=handler), "--workers", workers, "--drain-seconds", "1", "--timeout", "60").until_ready()
    with server.connect() as connection:
        body = b'{"rows":[{"a":-1,"b":0}]}'
        connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        assert server.end(8) == 0


@BOTH
def test_the_end_of_stdin_ends_the_server(bundle, serve, workers):
    server = serve(bundle(), "--exit-with-stdin", "--workers", workers).until_ready()
    assert server.predict(GOOD)[0] == 200
    server.process.stdin.close()
    assert server.end(8) == 0


def test_workers_end_when_their_parent_is_killed(bundle, serve):
    server = serve(bundle(), "--workers", "2").until_ready()
    children = worker_pids(server)
    server.process.kill()
    server.end()
    end = time.monotonic() + 10
    while any(alive(pid) for pid in children):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_worker_that_dies_is_replaced_and_counted(bundle, serve):
    server = serve(bundle(), "--workers", "2").until_ready()
    for _ in range(20):
        assert server.predict(GOOD)[0] == 200
    victim = worker_pids(server)[0]
    os.kill(victim, signal.SIGKILL)
    # Reaped, not just dying: a connection that a dying worker was handed goes down with it.
    server.until(lambda: victim not in worker_pids(server) and len(worker_pids(server)) == 2)
    server.until_ready()
    assert server.metric("mlship_worker_restarts_total") == 1
    # What the dead worker counted is still counted.
    assert server.metric("mlship_predictions_total") == 20
    for _ in range(10):
        assert server.predict(GOOD)[0] == 200


def test_workers_share_connections_evenly_and_their_metrics_add_up(bundle, serve):
    server = serve(bundle(), "--workers", "2").until_ready()
    server.until(lambda: len({server.ask("/info")[1]["pid"] for _ in range(6)}) == 2)
    connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in range(16)]
    pids = []
    for connection in connections:
        connection.request("GET", "/info")
        pids.append(json.loads(connection.getresponse().read())["pid"])
        connection.request("POST", "/predict", json.dumps(GOOD))
        assert connection.getresponse().read()
    assert sorted(pids.count(pid) for pid in set(pids)) == [8, 8]
    assert {server.metric("mlship_predictions_total") for _ in range(6)} == {16.0}
    for connection in connections:
        connection.close()


def worker_pids(server) -> list[int]:
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as file:
        return [int(pid) for pid in file.read().split()]


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
