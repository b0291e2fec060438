"""Keras models: .keras archives and HDF5 files, on TensorFlow."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

# First: it tells Keras which backend to take.
from . import tensors

import keras
import numpy as np

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table

DISTRIBUTIONS = ("keras", "tensorflow", "numpy")


def load(path: Path, _allowed: list[str]) -> Any:
    """Keras tells the two kinds by the file's ending; here the content does."""
    with path.open("rb") as file:
        ending = ".keras" if file.read(2) == b"PK" else ".h5"
    if path.suffix == ending:
        return _load(path)
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, f"model{ending}")
        link.symlink_to(path.resolve())
        return _load(link)


def _load(path: Path) -> Any:
    # Losses and optimizers are of no use here, and may be of the user's own making.
    return keras.models.load_model(path, compile=False, safe_mode=True)


class Adapter:
    def __init__(self, model: Any, bundle: Bundle, inputs: Inputs) -> None:
        given = getattr(model, "inputs", None)
        if not given:
            raise LoadError("the Keras model does not say what it takes: build it before saving, or write a handler")
        outputs = model.outputs
        if len(outputs) != 1:
            raise LoadError(f"the Keras model has {len(outputs)} outputs: write a handler that names the one to take")
        self.model = model
        self.nodes = [
            tensors.Node(tensor.name, str(getattr(tensor.dtype, "name", tensor.dtype)), tuple(tensor.shape))
            for tensor in given
        ]
        self.fills = tensors.feeds(self.nodes, inputs)
        self.read = tensors.Reader(bundle, outputs[0].shape[-1] if len(outputs[0].shape) > 1 else 1)
        self.classes = self.read.classes

    def inputs(self, table: Table) -> Any:
        return tensors.tables(self.fills, self.nodes, table)

    def predict(self, inputs: Any) -> Outputs:
        # Called as it is: predict() would trace a graph for every new number of rows, and print.
        answers = [self._call(feed) for feed in inputs]
        return self.read(np.concatenate(answers))

    def _call(self, feed: list[np.ndarray]) -> np.ndarray:
        given = {node.name: tensors.tensorflow.convert_to_tensor(array) for node, array in zip(self.nodes, feed)}
        # As the model was built: one tensor, a list, or a mapping whose keys need not be the inputs' names.
        # A sequential model says nothing of it: it takes one tensor.
        wanted = getattr(self.model, "input", None)
        if len(given) == 1 and not isinstance(wanted, dict):
            [tensor] = given.values()
            return np.asarray(self.model(tensor, training=False))
        if isinstance(wanted, dict):
            return np.asarray(self.model({key: given[node.name] for key, node in wanted.items()}, training=False))
        return np.asarray(self.model([given[node.name] for node in wanted], training=False))
