"""PyTorch models: TorchScript, programs of torch.export, or whatever module the handler's load makes of weights."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .boosted import binary

DISTRIBUTIONS = ("torch", "numpy")


def load(path: Path, _allowed: list[str]) -> Any:
    """What the file's own place in the archive says it is, as the scan told it apart."""
    names = _names(path)
    if any(name.endswith(("/archive_format", "/serialized_exported_program.json")) for name in names):
        return torch.export.load(str(path))
    if any(name.endswith("/constants.pkl") for name in names):
        return torch.jit.load(str(path), map_location="cpu")
    raise LoadError(f"{path.name} holds weights without a class: define load(folder) in the handler, which returns the module")


def _names(path: Path) -> list[str]:
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


class Adapter:
    """Gives a module one matrix of float32 and reads one tensor: probabilities, labels or values."""

    def __init__(self, model: Any, bundle: Bundle, inputs: Inputs) -> None:
        if not inputs.numeric:
            raise LoadError("a PyTorch model takes numbers only: encode text columns in a handler")
        # The server runs several processes; each that took all cores would slow down the others.
        torch.set_num_threads(1)
        self.rows: int | None = None
        if isinstance(model, torch.export.ExportedProgram):
            self.rows = _fixed_rows(model)
            # An exported program is what it was when it was exported; it has no training mode to leave.
            self.module: Any = model.module()
        elif callable(model):
            self.module = model.eval() if hasattr(model, "eval") else model
        else:
            raise LoadError(f"{bundle.entry} holds a {type(model).__name__}, which cannot be called: write a handler")
        if self.rows is not None and self.rows != 1:
            raise LoadError(f"the program takes exactly {self.rows} rows at a time: export it with dynamic_shapes")
        self.task = bundle.task
        self.classes = bundle.classes

    def inputs(self, table: Table) -> Any:
        return torch.from_numpy(np.ascontiguousarray(table.matrix(), dtype=np.float32))

    def predict(self, inputs: Any) -> Outputs:
        with torch.inference_mode():
            if self.rows == 1:
                answer = np.concatenate([self._call(inputs[row : row + 1]) for row in range(len(inputs))])
            else:
                answer = self._call(inputs)
        if self.task == "regression" or answer.dtype.kind in "iub":
            return Outputs(answer)
        if answer.ndim == 1 or answer.shape[1] == 1:
            return Outputs(None, binary(answer).probabilities)
        return Outputs(None, answer)

    def _call(self, inputs: Any) -> np.ndarray:
        answer = self.module(inputs)
        if isinstance(answer, (tuple, list)) and len(answer) == 1:
            answer = answer[0]
        if not isinstance(answer, torch.Tensor):
            raise LoadError(f"the model answers a {type(answer).__name__}, not one tensor: pick the answer in a handler")
        answer = answer.detach().cpu()
        return (answer.float() if answer.dtype in (torch.bfloat16, torch.float16) else answer).numpy()


def _fixed_rows(program: Any) -> int | None:
    """How many rows an exported program insists on; None where it takes any number."""
    names = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"}
    shapes = [node.meta["val"].shape for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(shapes) != 1:
        raise LoadError(f"the program takes {len(shapes)} inputs, not one matrix of rows: write a handler")
    first = shapes[0][0] if len(shapes[0]) > 0 else None
    return first if isinstance(first, int) else None
