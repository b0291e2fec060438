"""TensorFlow on one thread, and tables as the tensors that a network takes."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Sequence

# Read when TensorFlow and Keras are first imported, which this module does below.
os.environ.update(
    KERAS_BACKEND="tensorflow",
    TF_CPP_MIN_LOG_LEVEL="3",
    # Its own order of sums depends on the processor.
    TF_ENABLE_ONEDNN_OPTS="0",
    CUDA_VISIBLE_DEVICES="",
)

import numpy as np
import tensorflow

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .boosted import binary, labels
from .cast import cast

# The pools are sized from the host otherwise, which ignores a container's limits.
tensorflow.config.threading.set_intra_op_parallelism_threads(1)
tensorflow.config.threading.set_inter_op_parallelism_threads(1)
tensorflow.config.experimental.enable_op_determinism()
tensorflow.config.set_soft_device_placement(False)


class Node(NamedTuple):
    """An input of a network. `shape` has rows first, None for any number."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


def feeds(nodes: Sequence[Node], inputs: Inputs) -> list[Any]:
    """For each input of the network the function that fills it from a table. Raises LoadError when the
    bundle's columns cannot be what it takes."""
    for node in nodes:
        if len(node.shape) not in (1, 2) or (len(nodes) > 1 and node.shape[1:] not in ((), (1,))):
            shape = ", ".join("rows" if size is None else str(size) for size in node.shape)
            raise LoadError(f"the network's input {node.name!r} has the shape ({shape}), which needs a handler")
        if node.shape[0] not in (None, 1):
            raise LoadError(f"the network's input {node.name!r} takes exactly {node.shape[0]} rows at a time")
    if len(nodes) == 1:
        return [_matrix(nodes[0], inputs)]
    if {node.name for node in nodes} != set(inputs.names):
        wanted = ", ".join(node.name for node in nodes)
        raise LoadError(f"the network's inputs are {wanted}; the bundle's are not the same")
    return [_column(node, inputs) for node in nodes]


def _matrix(node: Node, inputs: Inputs) -> Any:
    width = node.shape[1] if len(node.shape) == 2 else 1
    if width is not None and width != len(inputs.names):
        raise LoadError(f"the network takes {width} features and the bundle names {len(inputs.names)} inputs")
    flat = len(node.shape) == 1
    if node.dtype == "string":
        if any(column.type != "string" for column in inputs.columns):
            raise LoadError("the network takes texts only: turn the other columns into text in a handler")
        fill = lambda table: _texts(table.objects())
    elif inputs.numeric:
        dtype = _numpy(node)
        fill = lambda table: cast(table.matrix(), dtype, node.name)
    else:
        raise LoadError("the network takes numbers only: encode text columns in a handler")
    return (lambda table: fill(table)[:, 0]) if flat else fill


def _column(node: Node, inputs: Inputs) -> Any:
    column = inputs.columns[inputs.names.index(node.name)]
    if (column.type == "string") != (node.dtype == "string"):
        raise LoadError(f"the network takes {node.dtype} in {node.name!r}, and the bundle's column holds {column.type}")
    shape = (-1,) * len(node.shape) if len(node.shape) == 1 else (-1, 1)
    if node.dtype == "string":
        return lambda table: _texts(table.columns[node.name]).reshape(shape)
    dtype = _numpy(node)
    return lambda table: cast(table.columns[node.name], dtype, node.name).reshape(shape)


def _numpy(node: Node) -> Any:
    try:
        return tensorflow.as_dtype(node.dtype).as_numpy_dtype
    except TypeError as error:
        raise LoadError(f"the network's input {node.name!r} is a {node.dtype}, which needs a handler") from error


def _texts(values: np.ndarray) -> np.ndarray:
    """Null has no tensor: it is the empty text."""
    return np.array(["" if value is None else value for value in values.ravel()], dtype=object).reshape(values.shape)


class Reader:
    """Reads what a network answers: one column of probabilities, one for each class, or numbers."""

    def __init__(self, bundle: Bundle, width: int | None) -> None:
        """`width` is how many numbers it answers per row, where it says so."""
        self.task = bundle.task
        self.classes: list[Any] | None = None
        if bundle.task == "regression":
            return
        if width is None:
            self.classes = bundle.classes
        else:
            self.classes = labels(bundle, 2 if width == 1 else width)

    def __call__(self, values: np.ndarray) -> Outputs:
        if values.dtype.kind not in "fiub":
            raise LoadError(f"the network answers values of type {values.dtype}: write a handler")
        if values.ndim == 1:
            values = values.reshape(-1, 1)
        if values.ndim != 2:
            raise LoadError(f"the network answers {values.ndim - 1} dimensions per row: write a handler")
        values = values.astype(np.float64)
        if self.task == "regression":
            return Outputs(values[:, 0] if values.shape[1] == 1 else values)
        return binary(values) if values.shape[1] == 1 else Outputs(None, values)


def rows_of(feed: list[np.ndarray], nodes: Sequence[Node]) -> list[list[np.ndarray]]:
    """The feed in one run or, for a network made for one row, in one run per row."""
    if all(node.shape[0] is None for node in nodes):
        return [feed]
    return [[array[row : row + 1] for array in feed] for row in range(len(feed[0]))]


def tables(fills: list[Any], nodes: Sequence[Node], table: Table) -> list[list[np.ndarray]]:
    """What a table becomes for the network."""
    return rows_of([fill(table) for fill in fills], nodes)
