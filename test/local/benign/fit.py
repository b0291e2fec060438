"""Fits one small model of every estimator that is installed, and saves it in every way that people do.

Usage: fit.py FOLDER. Prints a JSON object: names of the models saved, and of the estimators that could not be fitted.
"""

import inspect
import json
import pickle
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

warnings.filterwarnings("ignore")
random = np.random.RandomState(0)
X = random.rand(40, 4)
labels = (X[:, 0] > 0.5).astype(int)
numbers = X @ np.arange(4.0)
several = np.c_[labels, 1 - labels]
# What `fit` may be given: most want the first, some only a kind of their own.
tables = [
    (X, labels),
    (X, numbers),
    (X, several),
    (X, np.c_[numbers, numbers + 1]),
    (X[:, :1], numbers),
    ([str(number) for number in range(40)], labels),
    ([{"a": number} for number in range(40)],),
    (labels,),
    ([[1, 2], [2]],),
    (X[:16].reshape(4, 4, 4),),
    (X,),
    (X > 0.5, labels),
    (X @ X.T,),
    (X, np.where(np.arange(40) % 4 == 0, -1, labels)),
]
both = [("a", LogisticRegression()), ("b", make_pipeline(StandardScaler(), LogisticRegression()))]
arguments = {
    "ClassifierChain": {"estimator": LogisticRegression()},
    "RegressorChain": {"estimator": Ridge()},
    "ColumnTransformer": {"transformers": [("a", StandardScaler(), [0, 1])]},
    "FeatureUnion": {"transformer_list": [("a", StandardScaler())]},
    "FrozenEstimator": {"estimator": LogisticRegression().fit(X, labels)},
    "Pipeline": {"steps": [("a", StandardScaler()), ("b", LogisticRegression())]},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "VotingClassifier": {"estimators": both},
    "StackingClassifier": {"estimators": both},
    "VotingRegressor": {"estimators": [("a", Ridge())]},
    "StackingRegressor": {"estimators": [("a", Ridge())]},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1, 2]}},
    "HalvingGridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1, 2]}},
    "RandomizedSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [1, 2]}, "n_iter": 2},
    "HalvingRandomSearchCV": {
        "estimator": LogisticRegression(),
        "param_distributions": {"C": [1, 2]},
        "n_candidates": 2,
    },
    "SparseCoder": {"dictionary": np.eye(4)},
    "LogisticRegressionCV": {"Cs": 2, "cv": 2},
}
# Estimators as small and as quick as they may be.
small = {"n_estimators": 3, "n_components": 1, "max_iter": 20, "n_init": 1, "cv": 2}


def made(name, kind):
    """An unfitted estimator, first a small one, then one as it is by default."""
    given = arguments.get(name)
    if given is None:
        wanted = inspect.signature(kind.__init__).parameters
        needs = "estimator" in wanted and wanted["estimator"].default is inspect.Parameter.empty
        given = {"estimator": Ridge() if "Regressor" in name else LogisticRegression()} if needs else {}
    quick = kind(**given)
    yield quick.set_params(**{key: value for key, value in small.items() if key in quick.get_params() and key not in given})
    yield kind(**given)


def fitted(name, kind):
    for estimator in made(name, kind):
        for table in tables:
            try:
                return estimator.fit(*table)
            except Exception:
                continue
    return None


models = {name: fitted(name, kind) for name, kind in all_estimators()}
rows = {"verbose": -1, "n_estimators": 3, "min_child_samples": 5}
models |= {
    "LGBMClassifier": make_pipeline(StandardScaler(), LGBMClassifier(**rows)).fit(X, labels),
    "LGBMRegressor": LGBMRegressor(**rows).fit(X, numbers),
    "LGBMRanker": LGBMRanker(**rows).fit(X, labels, group=[20, 20]),
    "XGBClassifier": make_pipeline(StandardScaler(), XGBClassifier(n_estimators=3)).fit(X, labels),
    "XGBRegressor": XGBRegressor(n_estimators=3).fit(X, numbers),
    "XGBRanker": XGBRanker(n_estimators=3).fit(X, labels, qid=np.repeat([0, 1], 20)),
    "XGBRFClassifier": XGBRFClassifier(n_estimators=3).fit(X, labels),
    "XGBRFRegressor": XGBRFRegressor(n_estimators=3).fit(X, numbers),
}
folder = Path(sys.argv[1])
for name, model in models.items():
    if model is None:
        continue
    for protocol in (2, 3, 4, 5):
        joblib.dump(model, folder / f"{name}-{protocol}.joblib", protocol=protocol)
        (folder / f"{name}-{protocol}.pkl").write_bytes(pickle.dumps(model, protocol=protocol))
    for compression in ("zlib", "gzip"):
        joblib.dump(model, folder / f"{name}-{compression}.joblib", compress=(compression, 3))
print(json.dumps({"saved": [n for n, m in models.items() if m], "unfitted": [n for n, m in models.items() if m is None]}))
