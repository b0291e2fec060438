"""XGBoost models saved as JSON or UBJ, through the native booster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xgboost

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .boosted import binary, labels, refuse_objective, sigmoid, softmax
from .features import feature_order

DISTRIBUTIONS = ("xgboost", "numpy", "scipy")


def load(path: Path, _allowed: list[str]) -> xgboost.Booster:
    # From bytes: the library then tells JSON from UBJ by content, not by the file's name.
    booster = xgboost.Booster()
    booster.load_model(bytearray(path.read_bytes()))
    booster.set_param({"nthread": 1})
    return booster


class Adapter:
    def __init__(self, model: xgboost.Booster, bundle: Bundle, inputs: Inputs) -> None:
        if not inputs.numeric:
            raise LoadError("an XGBoost model takes numbers only: encode text columns in a handler")
        self.model = model
        learner = json.loads(model.save_config())["learner"]
        objective = learner["objective"]["name"]
        classes = int(learner["learner_model_param"]["num_class"])
        # gblinear has no in-place prediction.
        self.in_place = learner["gradient_booster"]["name"] != "gblinear"
        self.rounds = _rounds(model)
        self.order = feature_order(model.feature_names, model.num_features(), inputs)
        self.names = model.feature_names
        self.classes: list[Any] | None = None
        if bundle.task == "regression":
            self.margin, self.read = False, Outputs
        elif objective in ("binary:logistic", "reg:logistic"):
            self.classes, self.margin, self.read = labels(bundle, 2), False, binary
        elif objective == "binary:logitraw":
            self.classes, self.margin = labels(bundle, 2), True
            self.read = lambda margin: binary(sigmoid(margin))
        elif objective in ("multi:softprob", "multi:softmax"):
            # softmax answers labels only; its margins hold the probabilities.
            self.classes, self.margin = labels(bundle, classes), True
            self.read = lambda margins: Outputs(None, softmax(margins.reshape(-1, classes)))
        else:
            raise refuse_objective(objective, bundle)

    def inputs(self, table: Table) -> Any:
        return table.matrix(self.order)

    def predict(self, inputs: Any) -> Outputs:
        if self.in_place:
            kind = "margin" if self.margin else "value"
            answer = self.model.inplace_predict(
                inputs, iteration_range=self.rounds, predict_type=kind, validate_features=False
            )
        else:
            data = xgboost.DMatrix(inputs, feature_names=self.names, nthread=1)
            answer = self.model.predict(data, output_margin=self.margin, iteration_range=self.rounds)
        return self.read(answer)


def _rounds(model: xgboost.Booster) -> tuple[int, int]:
    """All rounds, or for a model of the scikit-learn interface those up to the best one: it, too,
    predicts with these after early stopping, while the native interface uses all."""
    best = model.attr("best_iteration")
    return (0, int(best) + 1) if best is not None and model.attr("scikit_learn") is not None else (0, 0)
