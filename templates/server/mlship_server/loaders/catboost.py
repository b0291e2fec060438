"""CatBoost models saved as cbm, through the native model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import catboost
import numpy as np

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .boosted import labels, refuse_objective
from .features import feature_order

DISTRIBUTIONS = ("catboost", "numpy")

BINARY = ("Logloss", "CrossEntropy")
MULTICLASS = ("MultiClass", "MultiClassOneVsAll")
# Losses on a logarithmic scale; CatBoost's own regressor answers these so, too.
EXPONENT = ("Poisson", "Tweedie", "LogLinQuantile")


def load(path: Path, _allowed: list[str]) -> catboost.CatBoost:
    model = catboost.CatBoost()
    model.load_model(str(path), format="cbm")
    return model


class Adapter:
    def __init__(self, model: catboost.CatBoost, bundle: Bundle, inputs: Inputs) -> None:
        self.model = model
        names = [str(name) for name in model.feature_names_]
        # Without names CatBoost numbers the features: then the inputs' own order is all there is.
        known = names if set(names) == set(inputs.names) else None
        self.order = feature_order(known, len(names), inputs)
        self.categories = list(model.get_cat_feature_indices())
        self.texts = list(model.get_text_feature_indices())
        if list(model.get_embedding_feature_indices()):
            raise LoadError("the CatBoost model takes embeddings, which no column of a table holds: write a handler")
        positions = self.order or range(len(names))
        special = {*self.categories, *self.texts}
        columns = [inputs.columns[position] for position in positions]
        strange = [column.name for place, column in enumerate(columns) if column.type == "string" and place not in special]
        if strange:
            raise LoadError(f"the CatBoost model takes numbers where the inputs hold text: {', '.join(strange)}")
        self.matrix = not special
        # Whole numbers with gaps come as floats, and categories may not: 3 and 3.0 are different names.
        self.whole = [place for place in self.categories if columns[place].type in ("int64", "bool")]
        self.truths = {place for place in self.categories if columns[place].type == "bool"}
        self.names = names
        self.classes: list[Any] | None = None
        loss = _loss(model)
        if bundle.task == "regression":
            self.kind = "Exponent" if loss in EXPONENT else "RawFormulaVal"
        elif loss in BINARY or loss in MULTICLASS:
            own = [label.item() if isinstance(label, np.generic) else label for label in model.classes_]
            count = len(own) or 2
            self.classes, self.kind = bundle.classes or own or labels(bundle, count), "Probability"
            if own and len(own) != len(self.classes):
                raise LoadError(f"the model tells {len(own)} classes apart and the bundle names {len(self.classes)}")
        else:
            raise refuse_objective(loss, bundle)
        self.several = loss == "MultiClassOneVsAll"

    def inputs(self, table: Table) -> Any:
        if self.matrix:
            return table.matrix(self.order)
        rows = table.objects(self.order)
        for place in (*self.categories, *self.texts):
            # What stood for it in training only its maker knows: CatBoost takes none there either.
            if any(value is None for value in rows[:, place]):
                raise ValueError(f"the CatBoost model takes no missing value in {self.names[place]!r}: fill it in a handler, as in training")
        for place in self.whole:
            rows[:, place] = [bool(value) if place in self.truths else int(value) for value in rows[:, place]]
        return catboost.Pool(
            rows, cat_features=self.categories, text_features=self.texts, feature_names=self.names, thread_count=1
        )

    def predict(self, inputs: Any) -> Outputs:
        answer = self.model.predict(inputs, prediction_type=self.kind, thread_count=1)
        if self.kind != "Probability":
            return Outputs(answer)
        # One-against-all probabilities do not add up to one; their order is what counts.
        return Outputs(None, answer / answer.sum(axis=1, keepdims=True) if self.several else answer)


def _loss(model: catboost.CatBoost) -> str:
    metadata = model.get_metadata()
    if "params" not in list(metadata.keys()):
        raise LoadError("the CatBoost model does not say what it was trained for: write a handler")
    return str(json.loads(metadata["params"])["loss_function"]["type"])
