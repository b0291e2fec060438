"""Micro-batches on a real server: who gets which answer, and what one bad request does to the others."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from conftest import columns

# Sleeps while the file `hold` exists beside it, so that a test decides when the model is free.
HELD = """
import os, time
import numpy as np
folder = os.path.dirname(__file__)
def load(folder): return None
def preprocess(columns): return columns["a"]
def predict(model, a):
    open(os.path.join(folder, "batches"), "a").write(f"{len(a)}\\n")
    while os.path.exists(os.path.join(folder, "hold")) and (a == -1).any(): time.sleep(0.01)
    if (a == 13).any(): raise ValueError("unlucky")
    if (a == 14).any(): raise SystemExit(1)
    if (a == 16).any(): return np.where(a == 16, np.nan, a)
    if (a == 17).any(): return np.where(a == 17, np.inf, a)
    return a * 10
"""


def held(bundle, serve, *options):
    """A server whose model is busy with one request until `hold` is removed."""
    folder = bundle(handler=HELD, inputs=columns("a"))
    server = serve(folder, *options).until_ready()
    (folder / "hold").touch()
    (folder / "batches").write_text("")
    return folder, server


def ask(server, *values):
    return server.predict({"columns": {"a": list(values)}})


def release_when_queued(folder, server, waiting):
    server.until(lambda: server.metric("mlship_queue_depth") == waiting)
    (folder / "hold").unlink()


def test_what_queues_while_the_model_is_busy_is_one_batch(bundle, serve):
    folder, server = held(bundle, serve, "--timeout", "30")
    with ThreadPoolExecutor(40) as pool:
        first = pool.submit(ask, server, -1)
        server.until(lambda: (folder / "batches").read_text() == "1\n")
        others = [pool.submit(ask, server, *range(i, i + 3)) for i in range(20, 50)]
        release_when_queued(folder, server, 30)
        assert first.result()[1]["predictions"] == [-10.0]
        for i, other in zip(range(20, 50), others):
            assert other.result()[1]["predictions"] == [i * 10.0, i * 10.0 + 10, i * 10.0 + 20]
    assert (folder / "batches").read_text() == "1\n90\n"
    assert server.metric("mlship_predictions_total") == 91
    assert server.metric("mlship_batch_rows_count") == 2
    assert server.metric("mlship_queue_wait_seconds_count") == 31


def test_the_cap_counts_rows(bundle, serve):
    folder, server = held(bundle, serve, "--timeout", "30")
    with ThreadPoolExecutor(10) as pool:
        pool.submit(ask, server, -1)
        server.until(lambda: (folder / "batches").read_text() == "1\n")
        others = []
        for size in (100, 100, 100, 300, 1):
            others.append(pool.submit(ask, server, *[0] * size))
            server.until(lambda: server.metric("mlship_queue_depth") == len(others))
        (folder / "hold").unlink()
        assert [len(other.result()[1]["predictions"]) for other in others] == [100, 100, 100, 300, 1]
    assert (folder / "batches").read_text() == "1\n200\n100\n300\n1\n"


def test_a_poisoned_request_fails_alone(bundle, serve):
    folder, server = held(bundle, serve, "--timeout", "30")
    with ThreadPoolExecutor(10) as pool:
        pool.submit(ask, server, -1)
        server.until(lambda: (folder / "batches").read_text() == "1\n")
        values = [1, 13, 2, 14, 3, 4]
        others = [pool.submit(ask, server, value) for value in values]
        release_when_queued(folder, server, 6)
        for value, other in zip(values, others):
            status, answer = other.result()
            if value in (13, 14):
                assert (status, answer["error"]["code"]) == (500, "model.failed")
                assert "unlucky" not in str(answer)
            else:
                assert (status, answer["predictions"]) == (200, [value * 10.0])
    assert "unlucky" in "".join(server.log)
    assert ask(server, 5)[0] == 200


def test_an_answer_that_is_not_finite_fails_alone_and_is_never_sent(bundle, serve):
    folder, server = held(bundle, serve, "--timeout", "30")
    with ThreadPoolExecutor(10) as pool:
        pool.submit(ask, server, -1)
        server.until(lambda: (folder / "batches").read_text() == "1\n")
        bad, good = pool.submit(ask, server, 1, 16), pool.submit(ask, server, 2)
        release_when_queued(folder, server, 2)
        assert bad.result() == (
            500,
            {
                "error": {
                    "code": "model.non-finite-output",
                    "message": "The model answered row 1 with no finite number.",
                    "row": 1,
                }
            },
        )
        assert good.result()[0] == 200
    assert ask(server, 17)[1]["error"]["code"] == "model.non-finite-output"


def test_expired_work_is_dropped_before_inference(bundle, serve):
    folder, server = held(bundle, serve, "--timeout", "0.3")
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(ask, server, -1)
        server.until(lambda: (folder / "batches").read_text() == "1\n")
        others = [pool.submit(ask, server, 7) for _ in range(3)]
        # All are told while the model is still busy.
        for request in (first, *others):
            status, answer = request.result()
            assert (status, answer["error"]["code"]) == (504, "server.deadline")
        assert server.metric("mlship_queue_depth") == 0
        (folder / "hold").unlink()
        assert ask(server, 5) == (200, {"model": {"name": "test", "version": "1.2.3"}, "predictions": [50.0]})
    assert (folder / "batches").read_text() == "1\n1\n"
    assert server.metric('mlship_rejected_total{reason="deadline"}') == 4


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(bundle, serve):
    folder, server = held(bundle, serve, "--timeout", "30", "--queue", "2")
    with ThreadPoolExecutor(10) as pool:
        requests = [pool.submit(ask, server, -1)]
        server.until(lambda: (folder / "batches").read_text() == "1\n")
        requests += [pool.submit(ask, server, 7) for _ in range(2)]
        server.until(lambda: server.metric("mlship_queue_depth") == 2)
        status, answer, headers = server.ask("/predict", {"columns": {"a": [1]}})
        assert (status, answer["error"]["code"], headers["retry-after"]) == (503, "server.queue-full", "1")
        # Probes answer meanwhile: alive, and rather not sent more.
        assert server.ask("/health/live")[0] == 200
        assert server.ask("/health/ready")[0] == 503
        (folder / "hold").unlink()
        assert [request.result()[0] for request in requests] == [200, 200, 200]
    assert server.ask("/health/ready")[0] == 200
    assert server.metric('mlship_rejected_total{reason="queue_full"}') == 1


def test_a_client_that_hangs_up_frees_its_place(bundle, serve):
    folder, server = held(bundle, serve, "--timeout", "30", "--queue", "2")
    body = b'{"columns":{"a":[5]}}'
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(ask, server, -1)
        server.until(lambda: (folder / "batches").read_text() == "1\n")
        leaving = [server.connect(), server.connect()]
        for connection in leaving:
            connection.sendall(head + body)
        server.until(lambda: server.metric("mlship_queue_depth") == 2)
        for connection in leaving:
            connection.close()
        server.until(lambda: server.metric("mlship_queue_depth") == 0)
        (folder / "hold").unlink()
        assert first.result()[0] == 200
    assert (folder / "batches").read_text() == "1\n"
    assert server.metric('mlship_rejected_total{reason="disconnected"}') == 2
    assert server.metric('mlship_requests_total{code="499",route="/predict"}') == 2


def test_a_single_request_does_not_wait(bundle, serve):
    folder, server = held(bundle, serve)
    began = time.perf_counter()
    for _ in range(20):
        assert ask(server, 1)[0] == 200
    assert (folder / "batches").read_text() == "1\n" * 20
    assert server.metric("mlship_queue_wait_seconds_sum") <= time.perf_counter() - began
