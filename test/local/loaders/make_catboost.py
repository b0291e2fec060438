"""Makes CatBoost models for one point each, in the folder that is named, and prints what CatBoost itself
answers to the rows that it was fitted on."""

import json
import sys
from pathlib import Path

import numpy as np
from catboost import CatBoost, Pool

HERE = Path(sys.argv[1])
SHARED = {"iterations": 8, "depth": 2, "random_seed": 7, "thread_count": 1, "verbose": 0, "allow_writing_files": False}

A = [float(row % 7) for row in range(24)]
B = [float(row // 4) for row in range(24)]
CODE = [row % 3 for row in range(24)]
FLAG = [row % 2 == 0 for row in range(24)]
WORDS = [["good", "bad", "odd"][row % 3] for row in range(24)]
COUNT = [row % 3 + row // 8 for row in range(24)]
NUMBERS = np.column_stack([A, B])
THREE = [["x", "y", "z"][row % 3] for row in range(24)]

expected = {}


def fit(name, loss, rows, target, kind, **pool):
    names = pool.pop("feature_names", ["a", "b"])
    data = Pool(rows, target, feature_names=names, **pool)
    model = CatBoost({"loss_function": loss, **SHARED}).fit(data)
    model.save_model(str(HERE / f"{name}.cbm"))
    expected[name] = np.asarray(model.predict(data, prediction_type=kind)).tolist()


several = [[a, code, flag, word] for a, code, flag, word in zip(A, CODE, FLAG, WORDS)]
fit("categories", "Logloss", several, [int(code == 1) for code in CODE], "Probability",
    cat_features=[1, 2, 3], feature_names=["a", "code", "flag", "word"])
fit("texts", "Logloss", [[a, f"{word} thing"] for a, word in zip(A, WORDS)], [int(word == "good") for word in WORDS],
    "Probability", text_features=[1], feature_names=["a", "remark"])
fit("one-vs-all", "MultiClassOneVsAll", NUMBERS, THREE, "Probability")
fit("poisson", "Poisson", NUMBERS, COUNT, "Exponent")
fit("two-targets", "MultiRMSE", NUMBERS, np.column_stack([A, COUNT]), "RawFormulaVal")
fit("turned", "RMSE", NUMBERS[:, ::-1], A, "RawFormulaVal", feature_names=["b", "a"])
fit("chance", "CrossEntropy", NUMBERS, [a / 7 for a in A], "Probability")
fit("ranking", "QueryRMSE", NUMBERS, A, "RawFormulaVal", group_id=[row // 4 for row in range(24)])
columns = {"a": A, "b": B, "code": CODE, "flag": FLAG, "word": WORDS, "remark": [f"{word} thing" for word in WORDS]}
print(json.dumps({"expected": expected, "columns": columns}))
