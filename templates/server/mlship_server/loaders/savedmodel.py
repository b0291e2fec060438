"""TensorFlow SavedModels, through the signature `serving_default`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from . import tensors
from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table

DISTRIBUTIONS = ("tensorflow", "numpy")
SIGNATURE = "serving_default"


def load(path: Path, _allowed: list[str]) -> Any:
    """`path` is saved_model.pb; TensorFlow takes its folder."""
    return tensors.tensorflow.saved_model.load(str(path.parent), tags=["serve"])


class Adapter:
    def __init__(self, model: Any, bundle: Bundle, inputs: Inputs) -> None:
        if SIGNATURE not in model.signatures:
            raise LoadError(f"the SavedModel has no signature {SIGNATURE}: write a handler")
        # The model is kept: its variables die with it.
        self.model, self.run = model, model.signatures[SIGNATURE]
        _, wanted = self.run.structured_input_signature
        self.nodes = [_node(name, spec) for name, spec in sorted(wanted.items())]
        outputs = self.run.structured_outputs
        if len(outputs) != 1:
            raise LoadError(f"the SavedModel's signature has {len(outputs)} outputs: write a handler that names the one to take")
        [(self.output, answer)] = outputs.items()
        self.fills = tensors.feeds(self.nodes, inputs)
        rank = answer.shape.rank
        self.read = tensors.Reader(bundle, 1 if rank == 1 else None if rank is None else answer.shape[-1])
        self.classes = self.read.classes

    def inputs(self, table: Table) -> Any:
        return tensors.tables(self.fills, self.nodes, table)

    def predict(self, inputs: Any) -> Outputs:
        return self.read(np.concatenate([self._call(feed) for feed in inputs]))

    def _call(self, feed: list[np.ndarray]) -> np.ndarray:
        given = {
            node.name: tensors.tensorflow.constant(array, dtype=node.dtype) for node, array in zip(self.nodes, feed)
        }
        return self.run(**given)[self.output].numpy()


def _node(name: str, spec: Any) -> tensors.Node:
    if spec.shape.rank is None:
        raise LoadError(f"the SavedModel's input {name!r} says nothing of its shape, which needs a handler")
    return tensors.Node(name, spec.dtype.name, tuple(spec.shape))
