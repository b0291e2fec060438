"""ONNX models through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import onnxruntime

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .boosted import binary
from .cast import cast

DISTRIBUTIONS = ("onnxruntime", "numpy")

INTEGERS: dict[str, Any] = {
    f"tensor({name})": np.dtype(name) for name in ("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8")
}
DTYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
    **INTEGERS,
}
NUMBERS = ("tensor(float)", "tensor(double)", "tensor(float16)")
LABELS = ("tensor(string)", "tensor(bool)", *INTEGERS)


def load(path: Path, _allowed: list[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # The runtime sizes its pool from the host and ignores a container's limits.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # Its own kinds have no common base.
        reason = str(error).strip().splitlines()[0]
        advice = ": export it again with a newer opset" if "NOT_IMPLEMENTED" in reason else ""
        raise LoadError(f"ONNX Runtime {onnxruntime.__version__} does not run this model: {reason}{advice}") from error


class Adapter:
    def __init__(self, model: onnxruntime.InferenceSession, bundle: Bundle, inputs: Inputs) -> None:
        self.run = model.run
        self.task = bundle.task
        self.classes = bundle.classes
        nodes = model.get_inputs()
        self.feeds = _feeds(nodes, inputs)
        self.rows = _rows_per_run(nodes)
        outputs = model.get_outputs()
        maps = [node.name for node in outputs if node.type in ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")]
        labels = [node.name for node in outputs if node.type in LABELS]
        numbers = [node.name for node in outputs if node.type in NUMBERS]
        self.map = bool(maps)
        if bundle.task == "regression":
            self.names = (numbers or labels)[:1]
        else:
            self.names = labels[:1] + (maps or numbers)[:1]
        self.labelled = bundle.task != "regression" and bool(labels)
        if not self.names:
            kinds = ", ".join(f"{node.name!r} ({node.type})" for node in outputs)
            raise LoadError(f"none of the outputs {kinds} answers a {bundle.task} task: write a handler")

    def inputs(self, table: Table) -> list[tuple[int, dict[str, np.ndarray]]]:
        """What the session is fed, with how many rows of it count: all in one run or, for a model made
        for a number of rows, that many in each run, the last one filled up with its last row."""
        feed = {name: fill(table) for name, fill in self.feeds.items()}
        if self.rows is None:
            return [(len(table), feed)]
        runs = []
        for start in range(0, len(table), self.rows):
            part = {name: array[start : start + self.rows] for name, array in feed.items()}
            count = min(self.rows, len(table) - start)
            if count < self.rows:
                part = {name: np.concatenate([array, np.repeat(array[-1:], self.rows - count, axis=0)]) for name, array in part.items()}
            runs.append((count, part))
        return runs

    def predict(self, inputs: list[tuple[int, dict[str, np.ndarray]]]) -> Outputs:
        runs = [self._read(self.run(self.names, feed), count) for count, feed in inputs]
        if len(runs) == 1:
            return runs[0]
        joined = [None if any(part is None for part in parts) else np.concatenate(parts) for parts in zip(*runs)]
        return Outputs(*joined)

    def _read(self, values: list[Any], count: int) -> Outputs:
        if self.rows is not None:
            # What a model says of one row and what it says of all of them look alike otherwise.
            if any(np.ndim(value) == 0 or len(value) != self.rows for value in values if not isinstance(value, list)):
                raise LoadError(f"the ONNX model takes {self.rows} rows and does not answer one by one: write a handler")
            values = [value[:count] for value in values]
        if self.task == "regression":
            [numbers] = values
            return Outputs(numbers[:, 0] if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers)
        predictions = values[0].reshape(-1) if self.labelled else None
        if len(values) == 1 and self.labelled:
            return Outputs(predictions)
        probabilities = values[-1]
        if self.map:
            # ZipMap: one mapping of class to probability per row.
            if self.classes is None:
                self.classes = list(probabilities[0])
            elif set(self.classes) != set(probabilities[0]):
                raise LoadError("the ONNX model's classes are not those of the bundle: package the model again")
            probabilities = np.array([[row[label] for label in self.classes] for row in probabilities])
        elif probabilities.ndim == 1 or (probabilities.ndim == 2 and probabilities.shape[1] == 1):
            return Outputs(predictions, binary(probabilities).probabilities)
        return Outputs(predictions, probabilities)


def _rows_per_run(nodes: list[Any]) -> int | None:
    """How many rows a model was made for, where that is not any number."""
    fixed = {node.shape[0] for node in nodes if isinstance(node.shape[0], int)}
    if len(fixed) > 1:
        raise LoadError(f"the ONNX inputs take different numbers of rows, {', '.join(map(str, sorted(fixed)))}: write a handler")
    return fixed.pop() if fixed else None


def _feeds(nodes: list[Any], inputs: Inputs) -> dict[str, Callable[[Table], np.ndarray]]:
    """For each input of the graph the function that fills it from a table."""
    if not nodes:
        raise LoadError("the ONNX model takes no input: there is nothing to predict from")
    for node in nodes:
        if node.type not in DTYPES:
            raise LoadError(f"the ONNX input {node.name!r} is a {node.type}, which needs a handler")
        block = isinstance(node.shape[1], int) and node.shape[1] != 1 if len(node.shape) == 2 else False
        if len(node.shape) not in (1, 2) or (block and len(nodes) > 1):
            shape = ", ".join("rows" if index == 0 and size is None else str(size) for index, size in enumerate(node.shape))
            raise LoadError(
                f"the ONNX input {node.name!r} has the shape ({shape}), which "
                f"{'is not one column of a table' if len(nodes) > 1 else 'is no table'}: write a handler"
            )
    if len(nodes) == 1:
        return {nodes[0].name: _matrix(nodes[0], inputs)}
    if {node.name for node in nodes} != set(inputs.names):
        raise LoadError(
            f"the ONNX model's inputs are {', '.join(node.name for node in nodes)}; the bundle's are not the same"
        )
    return {node.name: _column(node, inputs) for node in nodes}


def _matrix(node: Any, inputs: Inputs) -> Callable[[Table], np.ndarray]:
    flat = len(node.shape) == 1
    width = 1 if flat else node.shape[1]
    if isinstance(width, int) and width != len(inputs.names):
        raise LoadError(f"the ONNX model takes {width} features and the bundle names {len(inputs.names)} inputs")
    dtype = DTYPES[node.type]
    if dtype is object:
        # The runtime takes texts only: null is the empty one.
        texts = np.frompyfunc(lambda value: "" if value is None else str(value), 1, 1)
        whole = lambda table: texts(table.objects())
    elif inputs.numeric:
        whole = lambda table: cast(table.matrix(), dtype, node.name)
    else:
        raise LoadError("the ONNX model takes numbers only: encode text columns in a handler")
    return (lambda table: whole(table)[:, 0]) if flat else whole


def _column(node: Any, inputs: Inputs) -> Callable[[Table], np.ndarray]:
    dtype, shape = DTYPES[node.type], (-1,) if len(node.shape) == 1 else (-1, 1)
    column = inputs.columns[inputs.names.index(node.name)]
    if (column.type == "string") != (dtype is object):
        kind = "text" if dtype is object else "numbers"
        raise LoadError(f"the ONNX input {node.name!r} takes {kind} and the bundle's column holds {column.type}")
    if dtype is object:
        texts = np.frompyfunc(lambda value: "" if value is None else value, 1, 1)
        return lambda table: texts(table.columns[node.name]).reshape(shape)
    return lambda table: cast(table.columns[node.name], dtype, node.name).reshape(shape)
