"""What a model answered, checked and turned into plain Python values."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

import numpy as np

from .bundle import Label
from .errors import LoadError

KEYS = {"predictions", "probabilities"}


class BadOutput(Exception):
    """The model or the handler returned something that is not one answer per row."""


class Outputs(NamedTuple):
    """As a loader gives them. Without predictions they are the most probable classes."""

    predictions: Any
    probabilities: Any = None


class Answers(NamedTuple):
    """One prediction per row; `broken` marks the rows whose numbers are not finite, or is None."""

    predictions: list[Label]
    probabilities: list[list[float]] | None
    broken: list[bool] | None


def read_outputs(value: Any, task: str) -> Outputs:
    """What a handler's function returned: an array, or a mapping of arrays."""
    if isinstance(value, Outputs):
        return value
    if isinstance(value, Mapping):
        if not KEYS.issuperset(value) or not value:
            raise BadOutput('a mapping of outputs may hold "predictions" and "probabilities"')
        return Outputs(value.get("predictions"), value.get("probabilities"))
    array = np.asarray(value)
    if array.ndim == 2 and array.shape[1] > 1 and task != "regression":
        return Outputs(None, array)
    return Outputs(array)


def as_mapping(outputs: Outputs, classes: list[Label] | None) -> dict[str, Any]:
    """What a handler's postprocess is given: predictions always, whichever of the two the model answered."""
    given = {key: value for key, value in outputs._asdict().items() if value is not None}
    if outputs.predictions is None and outputs.probabilities is not None:
        best = np.asarray(outputs.probabilities).argmax(axis=1)
        # Labels of several types would become texts in an array of one type.
        kind = object if classes is not None and len({type(label) for label in classes}) > 1 else None
        given["predictions"] = best if classes is None else np.array(classes, dtype=kind)[best]
    return given


def read_answers(outputs: Outputs, size: int, classes: list[Label] | None) -> Answers:
    """Raises BadOutput unless there is one prediction, and one row of probabilities, per row."""
    rows: list[list[float]] | None = None
    fine = None
    if outputs.probabilities is not None:
        probabilities = np.asarray(outputs.probabilities, dtype=np.float64)
        width = len(classes) if classes is not None else probabilities.shape[-1]
        if probabilities.shape != (size, width):
            raise BadOutput(f"probabilities of shape {probabilities.shape} for {size} rows and {width} classes")
        fine = np.isfinite(probabilities)
        fine = None if fine.all() else fine.all(axis=1)
        rows = probabilities.tolist()
    if outputs.predictions is not None:
        predictions = np.asarray(outputs.predictions)
        if predictions.ndim == 2 and predictions.shape[1] == 1:
            predictions = predictions[:, 0]
        if predictions.shape != (size,):
            raise BadOutput(f"predictions of shape {predictions.shape} for {size} rows")
        labels = predictions.tolist()
        if predictions.dtype.kind == "f":
            finite = np.isfinite(predictions)
            if not finite.all():
                fine = finite if fine is None else fine & finite
        elif predictions.dtype.kind == "O":
            labels = [plain(label) for label in labels]
        elif predictions.dtype.kind not in "iubU":
            raise BadOutput(f"predictions of type {predictions.dtype}")
    elif rows is not None:
        best = probabilities.argmax(axis=1).tolist()
        labels = best if classes is None else [classes[index] for index in best]
    else:
        raise BadOutput("neither predictions nor probabilities")
    return Answers(labels, rows, None if fine is None else (~fine).tolist())


def check_probabilities(answers: Answers) -> None:
    """Raises LoadError when they are something else, such as the logits of a neural network."""
    for row in answers.probabilities or []:
        # 1e-3: float32 sums of a thousand classes stay well within it.
        if min(row) < -1e-3 or abs(sum(row) - 1.0) > 1e-3:
            raise LoadError(
                "the model answers numbers that are not probabilities: turn them into probabilities in a handler"
            )


def plain(label: Any) -> Label:
    """A label as JSON can carry it. Raises BadOutput for one that it cannot."""
    value = label.item() if isinstance(label, np.generic) else label
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and np.isfinite(value)):
        return value
    raise BadOutput(f"a prediction of type {type(label).__name__}")
