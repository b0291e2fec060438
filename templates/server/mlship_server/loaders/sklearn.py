"""scikit-learn estimators and pipelines, saved with joblib or pickle."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

from ..bundle import Bundle
from ..errors import LoadError
from ..outputs import Outputs
from ..table import Inputs, Table
from .features import feature_order

DISTRIBUTIONS = ("scikit-learn", "joblib", "numpy", "scipy")

# Their predict() is the most probable class by construction, so one call gives both answers.
# Others, such as SVC and FixedThresholdClassifier, decide differently and are asked twice.
PREDICTS_MOST_PROBABLE = {
    "LogisticRegression",
    "LogisticRegressionCV",
    "RandomForestClassifier",
    "ExtraTreesClassifier",
    "DecisionTreeClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "GaussianNB",
}


def load(path: Path, _allowed: list[str]) -> Any:
    """joblib reads plain pickles too. A model of another scikit-learn is an error, not a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return joblib.load(path)
        except InconsistentVersionWarning as warning:
            raise LoadError(f"{warning.estimator_name} was saved with another scikit-learn: {warning}") from warning


class Adapter:
    def __init__(self, model: Any, bundle: Bundle, inputs: Inputs) -> None:
        if not callable(getattr(model, "predict", None)):
            raise LoadError(f"{bundle.entry} holds a {type(model).__name__}, which has no predict(): write a handler")
        self.model = model
        names = getattr(model, "feature_names_in_", None)
        self.order = feature_order(names, getattr(model, "n_features_in_", None), inputs)
        self.frame = names is not None and (not inputs.numeric or _reads_names(model))
        self.numeric = inputs.numeric
        self.names = inputs.names if names is None else [str(name) for name in names]
        if self.frame:
            import pandas

            self.pandas = pandas
        # The columns are in the order of the names already.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        self.classes = None
        self.probable = self.decides = False
        if bundle.task != "regression":
            self.classes = _classes(model)
            self.probable = self.classes is not None and hasattr(model, "predict_proba")
            last = model.steps[-1][1] if hasattr(model, "steps") else model
            module, name = type(last).__module__, type(last).__name__
            self.decides = not (module.startswith("sklearn.") and name in PREDICTS_MOST_PROBABLE)

    def inputs(self, table: Table) -> Any:
        if not self.frame:
            return table.matrix(self.order) if self.numeric else table.objects(self.order)
        columns = {}
        for name in self.names:
            column = table.columns[name]
            if column.dtype == object:
                # Missing text is NaN where pandas read the training data, and imputers look for that.
                column = np.array([np.nan if value is None else value for value in column], dtype=object)
            columns[name] = column
        return self.pandas.DataFrame(columns)

    def predict(self, inputs: Any) -> Outputs:
        if not self.probable:
            return Outputs(self.model.predict(inputs))
        probabilities = self.model.predict_proba(inputs)
        return Outputs(self.model.predict(inputs) if self.decides else None, probabilities)


def _classes(model: Any) -> list[Any] | None:
    classes = getattr(model, "classes_", None)
    if classes is None:
        return None
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        raise LoadError("the model answers more than one target, which mlship does not serve: write a handler")
    return classes.tolist()


def _reads_names(model: Any) -> bool:
    """Whether a step may look at column names or dtypes: a ColumnTransformer, a function, foreign code."""
    steps = [model, *(step for step in model.get_params(deep=True).values() if hasattr(step, "get_params"))]
    return any(
        not type(step).__module__.startswith("sklearn.")
        or type(step).__name__ in ("ColumnTransformer", "FunctionTransformer")
        for step in steps
    )
