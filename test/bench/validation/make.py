"""Makes the bench's projects below the given folder: a gradient-boosted classifier as ONNX and as joblib,
30 named columns, the given number of labelled rows."""

import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

WIDTH = 30
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(7)


def table(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal features, and a label that depends on a few of them and on chance."""
    x = rng.normal(size=(count, WIDTH)).astype(np.float32)
    margin = x[:, 0] + 0.5 * x[:, 1] * x[:, 2] - np.abs(x[:, 3]) + rng.logistic(size=count)
    return x, (margin > -0.8).astype(np.int64)


x, y = table(20_000)
names = [f"f{place:02d}" for place in range(WIDTH)]
model = RandomForestClassifier(n_estimators=100, max_depth=8, random_state=7, n_jobs=2).fit(x, y)
model.n_jobs = None
held, truth = table(rows)
frame = pd.DataFrame(held, columns=names)
frame["target"] = truth
CONFIG = """name: bench
version: 1.0.0
model: {{ path: {model} }}
python: {{ version: "3.11" }}
validate:
  data: ../rows.csv
  target: target
  gates:
    accuracy: {{ min: 0.6 }}
    rocAuc: {{ min: 0.6 }}
"""
frame.to_csv(folder / "rows.csv", index=False)
for name, file in (("onnx", "model.onnx"), ("joblib", "model.joblib")):
    project = folder / name
    project.mkdir()
    (project / "mlship.yaml").write_text(CONFIG.format(model=file))
graph = to_onnx(model, x[:1], options={"zipmap": False})
(folder / "onnx" / "model.onnx").write_bytes(graph.SerializeToString())
joblib.dump(model, folder / "joblib" / "model.joblib")
