"""What a row costs, and what is said of it."""

from __future__ import annotations

from conftest import columns, run_score


def test_a_row_at_a_time_is_measured_between_other_requests(bundle):
    handler = """
import time
def load(folder): return None
def preprocess(columns): return columns["a"]
def predict(model, inputs):
    assert len(inputs) == 1 or inputs[0] == 9
    time.sleep(0.002 if inputs[0] == 2 else 0)
    return inputs
"""
    folder = bundle(handler=handler, inputs=columns("a"))
    ask = {"measure": {"seconds": 5, "rows": {"columns": {"a": [1.0, 1.0, 1.0, 2.0]}}}}
    nothing = {"measure": {"seconds": 0, "rows": {"columns": {}}}}
    (ready, first, measured, peak, last), _, code = run_score(
        folder, {"columns": {"a": [9.0, 8.0]}}, ask, nothing, {"columns": {"a": [3.0]}}
    )
    assert code == 0 and first["predictions"] == [9.0, 8.0] and last["predictions"] == [3.0]
    latency = measured["measured"]["latency"]
    assert 200 <= latency["calls"] <= 1000
    # One row in four sleeps: the slowest hundredth does.
    assert 0 < latency["p50"] <= latency["p99"] and latency["p99"] >= 0.002
    assert peak["measured"]["latency"] is None
    assert peak["measured"]["peakRss"] >= ready["ready"]["rss"] // 2


def test_time_ends_the_measuring_of_a_slow_model_and_a_refusal_is_an_answer(bundle):
    handler = """
import time
def load(folder): return None
def preprocess(columns): return columns["a"]
def predict(model, inputs):
    if inputs[0] == 13: raise ValueError("unlucky")
    time.sleep(0.05)
    return inputs
"""
    folder = bundle(handler=handler, inputs=columns("a"))

    def ask(value):
        return {"measure": {"seconds": 0.2, "rows": {"columns": {"a": [value]}}}}

    (_, slow, failed), _, _ = run_score(folder, ask(1.0), ask(13.0))
    latency = slow["measured"]["latency"]
    assert 1 <= latency["calls"] < 20 and latency["p50"] >= 0.05
    assert failed["error"]["code"] == "model.failed"
