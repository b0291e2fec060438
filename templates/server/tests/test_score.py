"""The scorer's conversation: one line per request, whatever user code prints or raises."""

from __future__ import annotations

from conftest import columns, run_score

NOISY = """
import os, sys
print("loading")
import numpy as np
def load(folder):
    os.write(1, b"raw bytes on stdout\\n")
    sys.stdout.write("and more"); sys.stdout.flush()
    return None
def preprocess(columns):
    print("rows", len(columns["a"]))
    return columns["a"]
def predict(model, inputs):
    if (inputs == 13).any(): raise ValueError("unlucky")
    if (inputs == 14).any(): sys.exit(1)
    if (inputs == 15).any(): return inputs[:-1]
    if (inputs == 16).any(): return inputs * np.nan
    return inputs
"""


def test_answers_are_the_only_output(bundle):
    def ask(*values):
        return {"columns": {"a": list(values)}}

    folder = bundle(handler=NOISY, inputs=columns("a"))
    lines, log, code = run_score(
        folder, ask(1.5, 2), ask(13.0), ask(14.0), ask(15.0), ask(16.0), {"columns": {"a": ["x"]}}, {"rows": []}, ask(3)
    )
    assert code == 0
    ready, *answers = lines
    assert ready["ready"]["classes"] is None
    codes = [answer.get("error", {}).get("code") for answer in answers]
    failures = ["model.failed", "model.failed", "model.bad-output", "model.non-finite-output"]
    assert codes == [None, *failures, "input.wrong-type", "input.no-rows", None]
    assert answers[0] == {"predictions": [1.5, 2.0], "probabilities": None}
    assert answers[-1] == {"predictions": [3.0], "probabilities": None}
    assert "raw bytes on stdout" in log and "unlucky" in log


def test_a_handler_may_replace_any_step(bundle):
    handler = """
import numpy as np
def load(folder): return {"weights": np.array([1.0, 2.0])}
def preprocess(columns): return np.column_stack([columns["a"], columns["b"]])
def predict(model, inputs):
    p = 1 / (1 + np.exp(-(inputs @ model["weights"])))
    return {"probabilities": np.column_stack([1 - p, p])}
def postprocess(outputs, columns):
    flagged = (outputs["probabilities"][:, 1] > 0.2) & (columns["a"] > -2)
    return {"predictions": np.where(flagged, "yes", "no"), "probabilities": outputs["probabilities"]}
"""
    folder = bundle(handler=handler, task="binary", classes=["no", "yes"])
    (_, answer), _, _ = run_score(folder, {"columns": {"a": [-1.0, -3.0], "b": [0.0, 1.0]}})
    assert answer["predictions"] == ["yes", "no"]
    assert abs(answer["probabilities"][0][1] - 0.2689414213699951) < 1e-12


def test_column_types_that_a_handler_sees(bundle):
    handler = """
def load(folder): return None
def preprocess(columns): return columns
def predict(model, columns):
    return [" ".join(f"{k}:{v.dtype}:{v[0]!r}" for k, v in columns.items())] * len(columns["f"])
"""
    inputs = [
        *columns("n", type="int64", nullable=True),
        *columns("f"),
        *columns("g", type="float32"),
        *columns("i", type="int64"),
        *columns("t", type="bool"),
        *columns("s", type="string"),
        *columns("q", type="string", nullable=True),
    ]
    request = {"rows": [{"f": 1, "g": 2.5, "i": 9007199254740993, "t": True, "s": "a:b", "q": None}]}
    (_, answer), log, _ = run_score(bundle(handler=handler, task="multiclass", inputs=inputs), request)
    seen = answer["predictions"][0].replace("np.float64(", "").replace("np.float32(", "").replace("np.int64(", "")
    assert seen.replace("np.", "").replace(")", "").replace("True_", "True") == (
        "n:float64:nan f:float64:1.0 g:float32:2.5 i:int64:9007199254740993 t:bool:True s:object:'a:b' q:object:None"
    )


def test_numbers_that_are_not_probabilities_are_refused(bundle):
    handler = """
import numpy as np
def load(folder): return None
def preprocess(columns): return np.column_stack([columns["a"], columns["b"]])
def predict(model, inputs): return {"probabilities": inputs}
"""
    folder = bundle(handler=handler, task="binary", classes=[0, 1])
    lines, log, code = run_score(folder, {"columns": {"a": [-3.0], "b": [2.0]}})
    assert (lines, code) == ([], 3)
    assert "not probabilities" in log


def test_a_bundle_that_cannot_be_read(bundle, tmp_path):
    for folder, expected in [
        (tmp_path / "absent", "cannot read"),
        (bundle(format="tensorflow"), "not a mlship.bundle/v1 document"),
        (bundle(entry=b"x", inputs=[]), "names no inputs"),
        (bundle(inputs=columns("a", "a")), "names an input twice"),
        (bundle(handler="x = 1"), "defines none of load"),
        (bundle(handler="import a_module_that_is_not_there"), "a_module_that_is_not_there"),
        (bundle(version="1\r\nx"), "printable ASCII"),
    ]:
        lines, log, code = run_score(folder)
        assert (lines, code) == ([], 3)
        assert expected in log


def test_a_handler_outside_the_bundle_is_refused(bundle, tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit(9)")
    folder = bundle()
    document = (folder / "mlship.json").read_text().replace('"handler.py"', '"../evil.py"')
    (folder / "mlship.json").write_text(document)
    lines, log, code = run_score(folder)
    assert (lines, code) == ([], 3)
    assert "outside the bundle" in log


def test_postprocess_is_given_predictions_when_the_model_answers_probabilities_only(bundle):
    handler = """
import numpy as np
def load(folder): return None
def preprocess(columns): return columns["a"]
def predict(model, inputs): return {"probabilities": np.column_stack([inputs, 1 - inputs])}
def postprocess(outputs, columns):
    return {"predictions": np.where(columns["b"] > 0, outputs["predictions"], CLASSES[0])}
"""
    for classes in (["no", "yes"], [0, "yes"]):
        folder = bundle(handler=f"CLASSES = {classes}\n{handler}", task="binary", classes=classes)
        (_, answer), _, _ = run_score(folder, {"columns": {"a": [0.9, 0.1, 0.1], "b": [1.0, 1.0, -1.0]}})
        assert answer["predictions"] == [classes[0], classes[1], classes[0]]
