"""Writes metrics.jsonl: small random and degenerate tables with scikit-learn's value of every metric.

Run with Python 3.11 or newer after `pip install scikit-learn==1.9.1 numpy==2.4.6`; the same versions give
the same bytes. `null` stands for what scikit-learn calls undefined (NaN).
"""

import json
import math
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

assert sklearn.__version__ == "1.9.1", sklearn.__version__
warnings.simplefilter("ignore")
random = np.random.default_rng(20240607)


def plain(value):
    value = float(value)
    return value if math.isfinite(value) else None


def calibration_error(confidence, right, weights):
    bins = np.minimum(np.floor(confidence * 10), 9)
    gaps = [abs(np.sum((weights * (right - confidence))[bins == at])) for at in range(10)]
    return sum(gaps) / weights.sum()


def classification(name, truth, predicted, probabilities, weights=None, positive=1):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    probabilities = np.asarray(probabilities, dtype=float)
    classes = probabilities.shape[1]
    labels = list(range(classes))
    w = None if weights is None else np.asarray(weights, dtype=float)
    ones = np.ones(len(truth)) if w is None else w
    binary = classes == 2
    values = {
        "accuracy": m.accuracy_score(truth, predicted, sample_weight=w),
        "balancedAccuracy": m.balanced_accuracy_score(truth, predicted, sample_weight=w),
        "mcc": m.matthews_corrcoef(truth, predicted, sample_weight=w),
        "logLoss": m.log_loss(truth, probabilities, labels=labels, sample_weight=w),
    }
    for average in ["macro", "micro", "weighted"] + (["binary"] if binary else []):
        options = {"average": average, "sample_weight": w, "pos_label": positive}
        values[f"precision {average}"] = m.precision_score(truth, predicted, **options)
        values[f"recall {average}"] = m.recall_score(truth, predicted, **options)
        values[f"f1 {average}"] = m.f1_score(truth, predicted, **options)
    if binary:
        is_positive = (truth == positive).astype(int)
        chance = probabilities[:, positive]
        values["rocAuc"] = m.roc_auc_score(is_positive, chance, sample_weight=w)
        values["averagePrecision"] = m.average_precision_score(is_positive, chance, sample_weight=w)
        values["brier"] = m.brier_score_loss(is_positive, chance, sample_weight=w, pos_label=1)
        values["ece"] = calibration_error(chance, is_positive, ones)
    else:
        hot = np.eye(classes, dtype=int)[truth]
        for average in ["macro", "weighted"]:
            values[f"rocAuc {average}"] = m.roc_auc_score(hot, probabilities, average=average, sample_weight=w)
            values[f"averagePrecision {average}"] = m.average_precision_score(
                hot, probabilities, average=average, sample_weight=w
            )
        values["brier"] = m.brier_score_loss(truth, probabilities, labels=labels, sample_weight=w)
        top = probabilities.argmax(axis=1)
        values["ece"] = calibration_error(probabilities.max(axis=1), (top == truth).astype(float), ones)
    return {
        "name": name,
        "task": "binary" if binary else "multiclass",
        "classes": classes,
        "positive": positive if binary else 0,
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "probabilities": probabilities.tolist(),
        "weights": None if w is None else w.tolist(),
        "values": {key: plain(value) for key, value in values.items()},
    }


def regression(name, truth, predicted, weights=None, quantile=0.5):
    """One output per row, or a list of them; the metrics of several are their plain mean."""
    truth, predicted = np.asarray(truth, dtype=float), np.asarray(predicted, dtype=float)
    w = None if weights is None else np.asarray(weights, dtype=float)
    values = {
        "mae": m.mean_absolute_error(truth, predicted, sample_weight=w),
        "rmse": m.root_mean_squared_error(truth, predicted, sample_weight=w),
        "mape": m.mean_absolute_percentage_error(truth, predicted, sample_weight=w),
        "r2": m.r2_score(truth, predicted, sample_weight=w),
        "medianAbsoluteError": m.median_absolute_error(truth, predicted, sample_weight=w),
        "pinball": m.mean_pinball_loss(truth, predicted, sample_weight=w, alpha=quantile),
    }
    return {
        "name": name,
        "task": "regression",
        "outputs": 1 if truth.ndim == 1 else truth.shape[1],
        "quantile": quantile,
        "truth": truth.ravel().tolist(),
        "predicted": predicted.ravel().tolist(),
        "weights": None if w is None else w.tolist(),
        "values": {key: plain(value) for key, value in values.items()},
    }


def random_classes(rows, classes, ties, weighted, absent):
    """Labels, probabilities that lean to the truth, and the most probable class as prediction."""
    known = classes - 1 if absent else classes
    truth = random.integers(0, known, rows)
    raw = random.gamma(1.0, size=(rows, classes)) + np.eye(classes)[truth] * random.random()
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    if ties and classes == 2:
        first = np.round(probabilities[:, 0] * 4) / 4
        probabilities = np.stack([first, 1 - first], axis=1)
    weights = None
    if weighted:
        weights = np.round(random.random(rows) * 5, 2)
        weights[random.random(rows) < 0.1] = 0
        weights[0] = 1
    return truth, probabilities.argmax(axis=1), probabilities, weights


tables = []
for index in range(60):
    rows = int(random.integers(2, 40))
    truth, predicted, probabilities, weights = random_classes(rows, 2, index % 3 == 0, index % 4 == 1, False)
    tables.append(classification(f"binary {index}", truth, predicted, probabilities, weights, index % 2))
for index in range(45):
    rows, classes = int(random.integers(3, 40)), int(random.integers(3, 6))
    case = random_classes(rows, classes, False, index % 4 == 1, index % 5 == 2)
    tables.append(classification(f"multiclass {index}", *case))
for index in range(35):
    rows = int(random.integers(2, 40))
    truth = np.round(random.normal(10, 5, rows), 3)
    weights = np.round(random.random(rows) * 5 + 0.01, 2) if index % 3 == 1 else None
    tables.append(regression(f"regression {index}", truth, truth + np.round(random.normal(0, 2, rows), 3), weights))

half = [[0.5, 0.5]]
tables += [
    classification("only positives", [1, 1, 1], [1, 0, 1], [[0.2, 0.8], [0.6, 0.4], [0.1, 0.9]]),
    classification("only negatives", [0, 0, 0], [0, 0, 1], [[0.7, 0.3], [0.6, 0.4], [0.4, 0.6]]),
    classification("never positive", [0, 1, 0, 1], [0, 0, 0, 0], [[0.8, 0.2]] * 4),
    classification("always positive", [0, 1, 0, 1], [1, 1, 1, 1], [[0.2, 0.8]] * 4),
    classification("all wrong and certain", [0, 1], [1, 0], [[0.0, 1.0], [1.0, 0.0]]),
    classification("all right and certain", [0, 1], [0, 1], [[1.0, 0.0], [0.0, 1.0]]),
    classification("all ties", [0, 1, 1, 0, 1], [0, 0, 0, 0, 0], half * 5),
    classification("one row", [1], [1], [[0.3, 0.7]]),
    classification("weight on one row", [0, 1, 1], [0, 0, 1], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 0, 2]),
    classification(
        "a class that is only predicted", [0, 0, 1], [0, 2, 1], [[0.6, 0.2, 0.2], [0.2, 0.1, 0.7], [0.1, 0.8, 0.1]]
    ),
    classification("one of three classes", [1, 1], [1, 0], [[0.1, 0.8, 0.1], [0.5, 0.3, 0.2]]),
    classification("bin edges", [0, 1, 0, 1], [0, 0, 1, 1], [[1 - p, p] for p in [0.1, 0.3, 0.7, 1.0]]),
    regression("constant target, exact", [3, 3, 3], [3, 3, 3]),
    regression("constant target, missed", [3, 3, 3], [3, 4, 3]),
    regression("zero target", [0, 1, 2], [1, 1, 2]),
    regression("one row", [5], [4]),
    regression("huge values", [1e150, 2e150, 3e150], [1e150, 2.5e150, 2e150]),
    regression("median between weights", [0, 0, 0, 0], [1, 2, 3, 4], [1, 1, 1, 1]),
    regression("weight zero between", [0, 0, 0], [1, 2, 3], [1, 0, 1]),
]

# Many small ones: ties, single rows, absent classes, zero weights, certain and wrong probabilities.
for index in range(450):
    rows = int(random.integers(1, 9))
    truth, _best, probabilities, weights = random_classes(rows, 2, index % 2 == 0, index % 3 == 0, index % 7 == 0)
    predicted = random.integers(0, 2, rows) if index % 5 == 0 else probabilities.argmax(axis=1)
    probabilities = np.round(probabilities[:, 0], index % 4)
    probabilities = np.stack([probabilities, 1 - probabilities], axis=1)
    tables.append(classification(f"small binary {index}", truth, predicted, probabilities, weights, index % 2))
for index in range(250):
    rows, classes = int(random.integers(1, 9)), int(random.integers(3, 5))
    truth, predicted, probabilities, weights = random_classes(rows, classes, False, index % 3 == 0, index % 4 == 0)
    # Sixteenths add up to 1 without rounding, and tie.
    counts = np.floor(probabilities * 16)
    counts[:, 0] += 16 - counts.sum(axis=1)
    tables.append(classification(f"small multiclass {index}", truth, predicted, counts / 16, weights))
for index in range(200):
    rows, outputs = int(random.integers(1, 9)), int(random.integers(1, 4))
    truth = np.round(random.normal(0, 10.0 ** random.integers(-3, 6), (rows, outputs)), 4)
    predicted = np.round(truth + random.normal(0, 1, truth.shape), index % 4)
    weights = np.round(random.random(rows) * 5 + 0.01, 2) if index % 3 == 1 else None
    quantile = [0.5, 0.1, 0.9, 0.25][index % 4]
    if outputs == 1:
        truth, predicted = truth[:, 0], predicted[:, 0]
    tables.append(regression(f"small regression {index}", truth, predicted, weights, quantile))

path = pathlib.Path(__file__).with_name("metrics.jsonl")
path.write_text("".join(json.dumps(table, separators=(",", ":")) + "\n" for table in tables), encoding="utf-8")
print(f"{len(tables)} tables")
