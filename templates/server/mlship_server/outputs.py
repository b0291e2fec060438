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


class Arrays(NamedTuple):
    """One prediction per row, checked. With `labels` the predictions are places among these; without,
    they are numbers, truth values or texts. `fine` is False for rows whose numbers are not finite, or None."""

    predictions: np.ndarray
    labels: list[Label] | None
    probabilities: np.ndarray | None
    fine: np.ndarray | None


class Answers(NamedTuple):
    """One prediction per row, of a regressor with several outputs a list of them; `broken` marks the
    rows whose numbers are not finite, or is None."""

    predictions: list[Any]
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


def read_arrays(outputs: Outputs, size: int, classes: list[Label] | None, width: int = 1) -> Arrays:
    """Raises BadOutput unless there is one prediction of `width` numbers, and one row of probabilities, per row."""
    probabilities, fine = None, None
    if outputs.probabilities is not None:
        probabilities = np.asarray(outputs.probabilities, dtype=np.float64)
        chances = len(classes) if classes is not None else probabilities.shape[-1]
        if probabilities.shape != (size, chances):
            raise BadOutput(f"probabilities of shape {probabilities.shape} for {size} rows and {chances} classes")
        fine = np.isfinite(probabilities)
        fine = None if fine.all() else fine.all(axis=1)
    if outputs.predictions is None:
        if probabilities is None:
            raise BadOutput("neither predictions nor probabilities")
        return Arrays(probabilities.argmax(axis=1), classes, probabilities, fine)
    predictions = np.asarray(outputs.predictions)
    if width == 1 and predictions.ndim == 2 and predictions.shape[1] == 1:
        predictions = predictions[:, 0]
    if predictions.shape != ((size,) if width == 1 else (size, width)):
        raise BadOutput(f"predictions of shape {predictions.shape} for {size} rows")
    kind = predictions.dtype.kind
    if kind == "f":
        finite = np.isfinite(predictions) if width == 1 else np.isfinite(predictions).all(axis=1)
        if not finite.all():
            fine = finite if fine is None else fine & finite
    elif kind == "O" and width == 1:
        return Arrays(*_places(predictions), probabilities, fine)
    elif kind not in ("iubU" if width == 1 else "iu"):
        raise BadOutput(f"predictions of type {predictions.dtype}")
    return Arrays(predictions, None, probabilities, fine)


def read_answers(arrays: Arrays) -> Answers:
    """The same as plain Python values."""
    predictions, labels, probabilities, fine = arrays
    values = predictions.tolist()
    return Answers(
        values if labels is None else [labels[place] for place in values],
        None if probabilities is None else probabilities.tolist(),
        None if fine is None else (~fine).tolist(),
    )


def _places(predictions: np.ndarray) -> tuple[np.ndarray, list[Label]]:
    """Objects as places among the different ones. True, 1 and 1.0 are equal in Python, and three labels."""
    found: dict[tuple[type, Label], int] = {}
    places = [found.setdefault((type(label), label), len(found)) for label in map(plain, predictions)]
    return np.array(places, dtype=np.int64), [label for _, label in found]


def check_probabilities(arrays: Arrays) -> None:
    """Raises LoadError when they are something else, such as the logits of a neural network."""
    if arrays.probabilities is None:
        return
    # 1e-3: float32 sums of a thousand classes stay well within it. What is not finite is told by others.
    rows = arrays.probabilities if arrays.fine is None else arrays.probabilities[arrays.fine]
    if (rows < -1e-3).any() or (np.abs(rows.sum(axis=1) - 1.0) > 1e-3).any():
        raise LoadError(
            "the model answers numbers that are not probabilities: turn them into probabilities in a handler"
        )


def plain(label: Any) -> Label:
    """A label as JSON can carry it. Raises BadOutput for one that it cannot."""
    value = label.item() if isinstance(label, np.generic) else label
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and np.isfinite(value)):
        return value
    raise BadOutput(f"a prediction of type {type(label).__name__}")
