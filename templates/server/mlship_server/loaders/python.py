"""Models that only their handler can load: it defines load and predict, and preprocess where rows need it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table

DISTRIBUTIONS = ("numpy",)


def load(_path: Path, _allowed: list[str]) -> Any:
    raise LoadError("a model of format python needs a handler that defines load(folder)")


class Adapter:
    """Hands the columns to the handler's predict as they are."""

    def __init__(self, model: Any, bundle: Bundle, inputs: Inputs) -> None:
        own = getattr(model, "classes_", None)
        self.classes = None if own is None or bundle.task == "regression" else list(own)

    def inputs(self, table: Table) -> Any:
        return table.columns

    def predict(self, inputs: Any) -> Outputs:
        raise LoadError("a model of format python needs a handler that defines predict(model, inputs)")
