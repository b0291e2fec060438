"""Trains the bench's model (StandardScaler and LogisticRegression on digits) and writes it to the given
folder: model.joblib, the same as ONNX, a bundle of each, and one request body per envelope."""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1])
digits = load_digits()
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(digits.data, digits.target)
graph = to_onnx(model, digits.data[:1].astype(np.float32), options={"zipmap": False})


def bundle(format_: str, entry: str) -> Path:
    path = folder / format_
    path.mkdir()
    document = {
        "schema": "mlship.bundle/v1",
        "name": "digits",
        "version": "1.0.0",
        "digest": "sha256:" + "0" * 64,
        "format": format_,
        "entry": entry,
        "handler": None,
        "task": "multiclass",
        "classes": list(range(10)),
        "inputs": [{"name": name, "type": "float64", "nullable": False} for name in digits.feature_names],
        "libraries": {},
        "allowed": [],
        "allowed": [],
    }
    (path / "mlship.json").write_text(json.dumps(document))
    return path / entry


joblib.dump(model, bundle("sklearn", "model.joblib"))
bundle("onnx", "model.onnx").write_bytes(graph.SerializeToString())
row = digits.data[0].tolist()
(folder / "columns.json").write_text(json.dumps({"rows": [dict(zip(digits.feature_names, row))]}))
(folder / "instances.json").write_text(json.dumps({"instances": [row]}))
