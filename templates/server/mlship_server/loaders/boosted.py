"""Reads what a booster answers: probabilities, margins or values, by its objective."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs


def labels(bundle: Bundle, count: int) -> list[Any]:
    """A booster knows its classes as 0, 1, ...; the bundle may know their names."""
    classes = bundle.classes if bundle.classes is not None else list(range(count))
    if len(classes) != count:
        raise LoadError(f"the booster tells {count} classes apart and the bundle names {len(classes)}")
    return classes


def binary(positive: np.ndarray) -> Outputs:
    """From the probability of the second class; it is predicted above one half."""
    positive = np.asarray(positive, dtype=np.float64).reshape(-1)
    return Outputs(None, np.column_stack([1.0 - positive, positive]))


def sigmoid(margin: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-np.asarray(margin, dtype=np.float64)))


def softmax(margins: np.ndarray) -> np.ndarray:
    margins = np.asarray(margins, dtype=np.float64)
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def refuse_objective(objective: str, bundle: Bundle) -> LoadError:
    return LoadError(
        f"the booster's objective is {objective}, which does not answer a {bundle.task} task: "
        "correct the task or write a handler"
    )
