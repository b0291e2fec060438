"""ONNX models through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .boosted import binary

DISTRIBUTIONS = ("onnxruntime", "numpy")

DTYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
}
NUMBERS = ("tensor(float)", "tensor(double)", "tensor(float16)")


def load(path: Path, _allowed: list[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # The runtime sizes its pool from the host and ignores a container's limits.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Adapter:
    def __init__(self, model: onnxruntime.InferenceSession, bundle: Bundle, inputs: Inputs) -> None:
        self.run = model.run
        self.task = bundle.task
        self.classes = bundle.classes
        self.feeds = _feeds(model.get_inputs(), inputs)
        self.single = any(node.shape and node.shape[0] == 1 for node in model.get_inputs())
        outputs = model.get_outputs()
        maps = [node.name for node in outputs if node.type.startswith("seq(map(")]
        labels = [node.name for node in outputs if node.type in ("tensor(int64)", "tensor(int32)", "tensor(string)")]
        numbers = [node.name for node in outputs if node.type in NUMBERS]
        self.map = bool(maps)
        if bundle.task == "regression":
            self.names = (numbers or labels)[:1]
        else:
            self.names = labels[:1] + (maps or numbers)[:1]
        self.labelled = bundle.task != "regression" and bool(labels)
        if not self.names:
            raise LoadError(f"{bundle.entry} has no output that answers a {bundle.task} task: write a handler")

    def inputs(self, table: Table) -> list[dict[str, np.ndarray]]:
        """What the session is fed, in one run or, for a model made for one row, in one run per row."""
        feed = {name: fill(table) for name, fill in self.feeds.items()}
        if not self.single:
            return [feed]
        return [{name: array[i : i + 1] for name, array in feed.items()} for i in range(len(table))]

    def predict(self, inputs: list[dict[str, np.ndarray]]) -> Outputs:
        runs = [self._read(self.run(self.names, feed)) for feed in inputs]
        if len(runs) == 1:
            return runs[0]
        joined = [None if any(part is None for part in parts) else np.concatenate(parts) for parts in zip(*runs)]
        return Outputs(*joined)

    def _read(self, values: list[Any]) -> Outputs:
        if self.task == "regression":
            return Outputs(values[0].reshape(-1))
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
        elif probabilities.ndim == 1 or probabilities.shape[1] == 1:
            return Outputs(predictions, binary(probabilities).probabilities)
        return Outputs(predictions, probabilities)


def _feeds(nodes: list[Any], inputs: Inputs) -> dict[str, Any]:
    """For each input of the graph the function that fills it from a table."""
    for node in nodes:
        if node.type not in DTYPES:
            raise LoadError(f"the ONNX input {node.name!r} is a {node.type}, which needs a handler")
        if node.shape and isinstance(node.shape[0], int) and node.shape[0] > 1:
            raise LoadError(f"the ONNX input {node.name!r} takes exactly {node.shape[0]} rows at a time")
    if len(nodes) == 1 and len(nodes[0].shape) == 2:
        width = nodes[0].shape[1]
        if isinstance(width, int) and width != len(inputs.names):
            raise LoadError(f"the ONNX model takes {width} features and the bundle names {len(inputs.names)} inputs")
        dtype = DTYPES[nodes[0].type]
        if dtype is object:
            return {nodes[0].name: lambda table: table.objects()}
        if not inputs.numeric:
            raise LoadError("the ONNX model takes numbers only: encode text columns in a handler")
        return {nodes[0].name: lambda table: table.matrix().astype(dtype)}
    if {node.name for node in nodes} != set(inputs.names):
        raise LoadError(
            f"the ONNX model's inputs are {', '.join(node.name for node in nodes)}; the bundle's are not the same"
        )
    return {node.name: _column(node) for node in nodes}


def _column(node: Any) -> Any:
    dtype, shape = DTYPES[node.type], (-1,) if len(node.shape) == 1 else (-1, 1)
    return lambda table: table.columns[node.name].astype(dtype).reshape(shape)
