"""What a person writes instead: pandas, ONNX Runtime or joblib, and scikit-learn's metrics, without any
statistics, slices or checks. `peer.py onnx|joblib FOLDER`, or `peer.py bare FOLDER`: load and predict alone."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

kind, folder = sys.argv[1], Path(sys.argv[2])
frame = pd.read_csv(folder / "rows.csv")
truth = frame.pop("target").to_numpy()
if kind == "onnx":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "onnx" / "model.onnx"), options)
    matrix = frame.to_numpy(dtype=np.float32)
    parts = [session.run(None, {"X": matrix[at : at + 8192]}) for at in range(0, len(matrix), 8192)]
    predicted = np.concatenate([part[0] for part in parts])
    chances = np.concatenate([part[1] for part in parts])
else:
    import joblib

    model = joblib.load(folder / "joblib" / "model.joblib")
    matrix = frame.to_numpy()
    chances = np.concatenate([model.predict_proba(matrix[at : at + 8192]) for at in range(0, len(matrix), 8192)])
    predicted = model.classes_[chances.argmax(axis=1)]
if kind == "bare":
    print(f"mean\t{chances[:, 1].mean():.6f}")
    sys.exit()

from sklearn import metrics

named = {
    "accuracy": metrics.accuracy_score(truth, predicted),
    "balancedAccuracy": metrics.balanced_accuracy_score(truth, predicted),
    "logLoss": metrics.log_loss(truth, chances),
    "brier": metrics.brier_score_loss(truth, chances[:, 1]),
    "mcc": metrics.matthews_corrcoef(truth, predicted),
    "rocAuc": metrics.roc_auc_score(truth, chances[:, 1]),
    "averagePrecision": metrics.average_precision_score(truth, chances[:, 1]),
}
for average in ("binary", "macro", "micro", "weighted"):
    scores = metrics.precision_recall_fscore_support(truth, predicted, average=average)
    named |= {f"{name} ({average})": score for name, score in zip(("precision", "recall", "f1"), scores)}
metrics.confusion_matrix(truth, predicted)
for name, value in named.items():
    print(f"{name}\t{value:.6f}")
