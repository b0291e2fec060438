"""LightGBM models saved as text, through the native booster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .boosted import binary, labels, refuse_objective
from .features import feature_order

DISTRIBUTIONS = ("lightgbm", "numpy", "scipy")


def load(path: Path, _allowed: list[str]) -> lightgbm.Booster:
    return lightgbm.Booster(model_str=path.read_text(encoding="utf-8"))


class Adapter:
    def __init__(self, model: lightgbm.Booster, bundle: Bundle, inputs: Inputs) -> None:
        if not inputs.numeric:
            raise LoadError("a LightGBM model takes numbers only: encode text columns in a handler")
        self.model = model
        # LightGBM writes names with spaces as underscores and invents Column_0, ... without names:
        # then the inputs' own order is all there is to go by.
        names = model.feature_name()
        known = names if set(names) == set(inputs.names) else None
        self.order = feature_order(known, model.num_feature(), inputs)
        objective = str(model.dump_model(num_iteration=1).get("objective", "none"))
        kind = objective.split(" ", 1)[0]
        count = model.num_model_per_iteration()
        self.classes: list[Any] | None = None
        if bundle.task == "regression":
            self.read: Any = Outputs
        elif kind in ("binary", "cross_entropy"):
            self.classes, self.read = labels(bundle, 2), binary
        elif kind in ("multiclass", "multiclassova"):
            self.classes = labels(bundle, count)
            # One-against-all probabilities do not add up to one; their order is what counts.
            self.read = lambda scores: Outputs(None, scores / scores.sum(axis=1, keepdims=True))
        else:
            raise refuse_objective(objective, bundle)

    def inputs(self, table: Table) -> Any:
        return table.matrix(self.order)

    def predict(self, inputs: Any) -> Outputs:
        return self.read(self.model.predict(inputs, num_threads=1))
