"""Routes, limits and raw sockets against a real server."""

from __future__ import annotations

import json
import os
import re
import stat

import pytest
from conftest import PLAIN_HANDLER, columns

GOOD = {"rows": [{"a": 1, "b": 2}]}
ANSWER = {"model": {"name": "test", "version": "1.2.3"}, "predictions": [6.0]}


def test_routes_methods_and_headers(bundle, serve):
    server = serve(bundle()).until_ready()
    assert server.predict(GOOD) == (200, ANSWER)
    for path in ("/health/live", "/health/ready", "/health/startup", "/info", "/metrics"):
        status, _, headers = server.ask(path)
        assert (status, headers["x-mlship-version"]) == (200, "1.2.3")
        assert "date" in headers
        assert server.ask(path, method="HEAD")[0] == 200
        status, answer, headers = server.ask(path, GOOD)
        assert (status, answer["error"]["code"], headers["allow"]) == (405, "route.method", "GET, HEAD")
    status, answer, headers = server.ask("/predict")
    assert (status, answer["error"]["code"], headers["allow"]) == (405, "route.method", "POST")
    for path in ("/", "/Predict", "/predict/", "/health", "/%70redict%00", "/metrics/../info"):
        status, answer, headers = server.ask(path, GOOD)
        assert (status, answer["error"]["code"]) == (404, "route.unknown")
        assert headers["x-mlship-version"] == "1.2.3"
    info = server.ask("/info")[1]
    assert info["model"]["digest"] == "sha256:" + "a" * 64
    assert info["inputs"] == columns("a", "b")


def test_classes_and_probabilities_come_with_a_classifier(bundle, serve):
    handler = PLAIN_HANDLER + """
def predict(model, inputs):
    p = 1 / (1 + np.exp(-inputs.sum(axis=1)))
    return {"probabilities": np.column_stack([1 - p, p])}
"""
    server = serve(bundle(handler=handler, task="binary", classes=["no", "yes"])).until_ready()
    status, answer = server.predict({"rows": {"a": 0, "b": 1}})
    assert status == 200
    assert (answer["predictions"], answer["classes"]) == (["yes"], ["no", "yes"])
    assert answer["probabilities"][0][1] == pytest.approx(0.7310585786300049)


def test_answers_are_counted_by_class(bundle, serve):
    handler = PLAIN_HANDLER + """
def predict(model, inputs):
    p = inputs[:, 0]
    return {"probabilities": np.column_stack([1 - p, p])}
"""
    server = serve(bundle(handler=handler, task="binary", classes=["no", 'ye"s'])).until_ready()
    assert server.predict({"columns": {"a": [0, 1, 1], "b": 0}})[0] == 200
    assert server.predict({"rows": [{"a": 0, "b": 0}]})[0] == 200
    text = server.ask("/metrics")[1]
    assert "# TYPE mlship_answers_total counter" in text
    assert 'mlship_answers_total{answer="no"} 2.0' in text
    assert 'mlship_answers_total{answer="ye\\"s"} 2.0' in text


def test_answers_are_counted_by_bin_and_no_number_apart(bundle, serve):
    handler = PLAIN_HANDLER + """
def predict(model, inputs):
    return np.where(inputs[:, 1] > 0, np.nan, inputs[:, 0])
"""
    server = serve(bundle(handler=handler)).until_ready()
    assert server.predict({"columns": {"a": [3, 3.5, -3, 0, 1e-9, 1e300], "b": 0}})[0] == 200
    assert server.predict({"columns": {"a": [1, 1], "b": 1}})[0] == 500
    lines = server.ask("/metrics")[1].splitlines()
    counted = dict(line.rsplit(" ", 1) for line in lines if line.startswith("mlship_answers_total{"))
    assert counted == {
        f'mlship_answers_total{{answer="{answer}"}}': count
        for answer, count in {
            "2.828": "2.0", "-2.828": "1.0", "0": "2.0", "7.593e+08": "1.0", "NaN": "2.0"
        }.items()
    }


def test_metrics_are_prometheus_text(bundle, serve):
    server = serve(bundle()).until_ready()
    server.predict({"columns": {"a": [1, 2, 3], "b": 0}})
    server.predict({"rows": []})
    status, text, headers = server.ask("/metrics")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in text.splitlines():
        assert line.startswith("# ") or re.fullmatch(r"[a-z_]+(\{[^}]*\})? [-+0-9.e]+", line), line
    for sample in [
        'mlship_model_info{digest="sha256:' + "a" * 64 + '",name="test",version="1.2.3"} 1.0',
        'mlship_requests_total{code="200",route="/predict"} 1.0',
        'mlship_requests_total{code="422",route="/predict"} 1.0',
        "mlship_predictions_total 3.0",
        'mlship_batch_rows_bucket{le="2.0"} 0.0',
        'mlship_batch_rows_bucket{le="4.0"} 1.0',
        "mlship_batch_rows_sum 3.0",
        "mlship_request_duration_seconds_count 2.0",
        "mlship_queue_wait_seconds_count 1.0",
        "mlship_queue_depth 0.0",
        'mlship_rejected_total{reason="invalid"} 1.0',
    ]:
        assert sample in text, sample
    assert 'mlship_request_duration_seconds_bucket{le="0.0005"}' in text
    assert 'mlship_request_duration_seconds_bucket{le="10.0"}' in text


SLOW_LOAD = """
import os, time
while os.path.exists(os.path.join(os.path.dirname(__file__), "hold")): time.sleep(0.01)
""" + PLAIN_HANDLER


@pytest.mark.parametrize("workers", ["1", "2"])
def test_probes_tell_loading_from_ready(bundle, serve, workers):
    folder = bundle(handler=SLOW_LOAD)
    (folder / "hold").touch()
    server = serve(folder, "--workers", workers)
    server.until(lambda: server.ask("/health/live")[0] == 200)
    assert [server.ask(path)[0] for path in ("/health/startup", "/health/ready")] == [503, 503]
    status, answer, headers = server.ask("/predict", GOOD)
    assert (status, answer["error"]["code"], headers["retry-after"]) == (503, "server.loading", "1")
    (folder / "hold").unlink()
    server.until_ready()
    assert server.ask("/health/startup")[0] == 200
    assert server.predict(GOOD) == (200, ANSWER)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_model_that_cannot_be_loaded_ends_the_server(bundle, serve, workers):
    server = serve(bundle(handler="raise RuntimeError('no such weights')"), "--workers", workers)
    assert server.end() == 3
    server.reader.join(10)
    assert "no such weights" in "".join(server.log)
    assert "could not be loaded" in "".join(server.log)


def test_a_port_in_use_is_said_in_one_line(bundle, serve):
    server = serve(bundle())
    with pytest.raises(AssertionError, match="did not listen: 1 .*cannot listen on 127.0.0.1:"):
        serve(bundle(), "--port", str(server.port))


def send(connection, head: str, body: bytes = b""):
    connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)


def status_of(connection) -> int:
    """Status of the next response; 0 when the server closed instead."""
    line = connection.makefile("rb").readline()
    return int(line.split()[1]) if line else 0


def test_a_body_that_is_too_large(bundle, serve):
    server = serve(bundle(), "--max-body", "1000").until_ready()
    status, answer, _ = server.ask("/predict", b" " * 1001)
    assert (status, answer["error"]["code"], answer["error"]["limit"]) == (413, "input.too-large", 1000)
    # Far beyond: the client sees the refusal although it had not sent everything.
    assert server.ask("/predict", b" " * 3_000_000)[0] == 413
    with server.connect() as connection:
        send(connection, "POST /predict HTTP/1.1\nhost: x\ntransfer-encoding: chunked")
        for _ in range(50):
            connection.sendall(b"64\r\n" + b" " * 100 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert status_of(connection) == 413
    with server.connect() as connection:
        send(connection, "POST /predict HTTP/1.1\nhost: x\ncontent-length: 99999999999")
        assert status_of(connection) == 413
    exact = json.dumps(GOOD).encode().ljust(1000)
    assert server.predict(exact) == (200, ANSWER)
    assert server.metric('mlship_rejected_total{reason="too_large"}') == 4


def test_a_body_in_pieces_and_pipelined_requests(bundle, serve):
    server = serve(bundle()).until_ready()
    body = json.dumps(GOOD).encode()
    with server.connect() as connection:
        send(connection, "POST /predict HTTP/1.1\nhost: x\ntransfer-encoding: chunked")
        for byte in body:
            connection.sendall(b"1\r\n" + bytes([byte]) + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert status_of(connection) == 200
    with server.connect() as connection:
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
        sent = b""
        for a in range(5):
            body = b'{"rows":[{"a":%d,"b":0}]}' % a
            sent += head % len(body) + body
        connection.sendall(sent + b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        received = connection.makefile("rb").read()
    assert re.findall(rb'"predictions":\[(\S+?)\]', received) == [b"0.0", b"2.0", b"4.0", b"6.0", b"8.0"]


@pytest.mark.parametrize(
    "head",
    [
        "POST /predict HTTP/1.1\nhost: x\ncontent-length: -5",
        "POST /predict HTTP/1.1\nhost: x\ncontent-length: 5\ncontent-length: 6",
        "POST /predict HTTP/1.1\nhost: x\ncontent-length: 5\ntransfer-encoding: chunked",
        "POST /predict HTTP/1.1\nhost: x\ncontent-length: five",
        "NONSENSE",
        "\x16\x03\x01 is how TLS begins",
    ],
)
def test_broken_http_is_refused_and_survived(bundle, serve, head):
    server = serve(bundle()).until_ready()
    with server.connect() as connection:
        send(connection, head, b"0\r\n\r\n")
        assert status_of(connection) in (0, 400)
    assert server.predict(GOOD) == (200, ANSWER)


def test_old_clients_and_expect(bundle, serve):
    server = serve(bundle()).until_ready()
    body = json.dumps(GOOD).encode()
    with server.connect() as connection:
        send(connection, f"POST /predict HTTP/1.0\ncontent-length: {len(body)}", body)
        received = connection.makefile("rb").read()
        assert received.startswith(b"HTTP/1.1 200") and received.endswith(json.dumps(ANSWER).replace(" ", "").encode())
    with server.connect() as connection:
        send(connection, f"POST /predict HTTP/1.1\nhost: x\nexpect: 100-continue\ncontent-length: {len(body)}")
        assert status_of(connection) == 100
        connection.sendall(body)
        assert b"200 OK" in connection.recv(4096)


def test_nothing_is_written(bundle, serve, tmp_path):
    folder = bundle(handler="import beside\n" + PLAIN_HANDLER)
    (folder / "beside.py").write_text("x = 1")
    modes = [(path, path.stat().st_mode) for path in (folder, *folder.iterdir())]
    before = sorted(os.listdir(folder))
    for path, mode in modes:
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    server = serve(folder, "--workers", "2").until_ready()
    assert server.predict(GOOD) == (200, ANSWER)
    for path, mode in modes:
        path.chmod(mode)
    assert sorted(os.listdir(folder)) == before
