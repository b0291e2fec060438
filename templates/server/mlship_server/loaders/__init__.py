"""One module per format. Each has DISTRIBUTIONS, `load(path, allowed)` and an `Adapter` around what it loaded:
`classes`, `inputs(table)` and `predict(inputs) -> Outputs`. Only the one that is needed is imported."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from ..bundle import Bundle
from ..outputs import Outputs
from ..table import Inputs, Table


class AdapterType(Protocol):
    """Feeds tables to a loaded model and reads what it answers."""

    classes: list[Any] | None

    def __init__(self, model: Any, bundle: Bundle, inputs: Inputs) -> None: ...
    def inputs(self, table: Table) -> Any: ...
    def predict(self, inputs: Any) -> Outputs: ...


def loader_for(format_: str) -> Any:
    """The module that loads a format."""
    return importlib.import_module(f"{__name__}.{format_}")
