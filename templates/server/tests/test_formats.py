"""Each format answers as its own library does."""

from __future__ import annotations

import io
import json
import pickle
from importlib.metadata import version

import joblib
import lightgbm
import numpy as np
import pandas
import pytest
import sklearn.base
import skops.io
import xgboost
from conftest import columns, run_score
from mlship_server.bundle import Folders, read_bundle
from mlship_server.errors import LoadError
from mlship_server.model import Model
from mlship_server.schema import Schema
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

IRIS, TARGET = load_iris(return_X_y=True)
BINARY = (TARGET == 2).astype(int)
NAMES = ["a", "b", "c", "d"]
ROWS = IRIS[::7]
REQUEST = {"columns": dict(zip(NAMES, ROWS.T.tolist()))}
CLASSES = [0, 1, 2]
MULTI = {"handler": None, "task": "multiclass", "classes": CLASSES, "inputs": columns(*NAMES)}
TWO = {**MULTI, "task": "binary", "classes": [0, 1]}
VALUE = {**MULTI, "task": "regression", "classes": None}


def dumped(model, how=joblib.dump) -> bytes:
    file = io.BytesIO()
    how(model, file)
    return file.getvalue()


def opened(folder, takes_blanks=True):
    """The model of a bundle, loaded and warmed up in this process."""
    folders = Folders(folder, folder)
    bundle = read_bundle(folders)
    model = Model(folders, bundle)
    assert (model.warm_up() is None) == takes_blanks
    return model, bundle


def check(folder, predictions, probabilities, request=REQUEST, tolerance=1e-6, takes_blanks=True):
    model, bundle = opened(folder, takes_blanks)
    answer = model.answer(Schema(bundle.inputs, None).decode(json.dumps(request).encode()))
    assert answer.broken is None
    if np.asarray(predictions).dtype.kind == "f":
        np.testing.assert_allclose(answer.predictions, predictions, rtol=tolerance)
    else:
        assert answer.predictions == np.asarray(predictions).tolist()
    assert all(type(label) in (int, float, str, bool) for label in answer.predictions)
    if probabilities is None:
        assert answer.probabilities is None
    else:
        np.testing.assert_allclose(answer.probabilities, probabilities, atol=tolerance)
    return model


def refusal(folder):
    with pytest.raises(LoadError) as caught:
        opened(folder)
    return str(caught.value)


@pytest.mark.parametrize("how", [joblib.dump, pickle.dump])
def test_sklearn_saved_with_joblib_or_pickle(bundle, how):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, TARGET)
    found = check(bundle(dumped(model, how), **MULTI), model.predict(ROWS), model.predict_proba(ROWS))
    assert found.classes == CLASSES
    assert found.libraries["scikit-learn"] == version("scikit-learn")


@pytest.mark.parametrize("format", ["sklearn", "onnx"])
def test_the_scorer_answers_as_the_model_in_memory(bundle, format):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, TARGET)
    graph = to_onnx(model, ROWS[:1].astype(np.float32)).SerializeToString()
    folder = bundle(graph if format == "onnx" else dumped(model), format=format, **MULTI)
    (ready, answer), _, code = run_score(folder, REQUEST)
    assert code == 0
    assert set(ready["ready"]) == {"classes", "libraries", "loadSeconds", "rss"}
    assert ready["ready"]["classes"] == CLASSES
    assert ready["ready"]["rss"] > 10_000_000
    assert answer["predictions"] == model.predict(ROWS).tolist()
    np.testing.assert_allclose(answer["probabilities"], model.predict_proba(ROWS), atol=1e-5)


def test_sklearn_text_labels_and_no_probabilities(bundle):
    names = np.array(["setosa", "versicolor", "virginica"])
    model = LinearSVC().fit(IRIS, names[TARGET])
    folder = bundle(dumped(model), **{**MULTI, "classes": None})
    assert check(folder, model.predict(ROWS), None).classes == names.tolist()


def test_sklearn_regression(bundle):
    model = LinearRegression().fit(IRIS, IRIS @ [1, 2, 3, 4])
    check(bundle(dumped(model), **VALUE), model.predict(ROWS), None)


def test_sklearn_takes_inputs_by_name_not_by_position(bundle):
    frame = pandas.DataFrame(IRIS, columns=NAMES)
    model = LogisticRegression(max_iter=500).fit(frame, TARGET)
    folder = bundle(dumped(model), **{**MULTI, "inputs": columns("d", "b", "a", "c")})
    rows = pandas.DataFrame(ROWS, columns=NAMES)
    check(folder, model.predict(rows), model.predict_proba(rows))


def test_sklearn_pipeline_with_text_and_missing_values(bundle):
    # Missing as read_csv gives it: NaN, in text columns too.
    gap = np.nan
    frame = pandas.DataFrame({"age": [20.0, 30.0, gap, 50.0, 60.0, 25.0], "city": ["x", "y", "x", gap, "y", "x"]})
    target = [0, 1, 0, 1, 1, 0]
    encode = ColumnTransformer(
        [
            ("age", SimpleImputer(), ["age"]),
            ("city", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["city"]),
        ]
    )
    model = make_pipeline(encode, LogisticRegression()).fit(frame, target)
    inputs = [*columns("city", type="string", nullable=True), *columns("age", nullable=True)]
    folder = bundle(dumped(model), **{**TWO, "inputs": inputs})
    request = {"columns": {"age": [20.0, None, 55.0], "city": ["x", "y", None]}}
    rows = pandas.DataFrame({"age": [20.0, gap, 55.0], "city": ["x", "y", gap]})
    check(folder, model.predict(rows), model.predict_proba(rows), request)


def test_skops(bundle):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, TARGET)
    folder = bundle(skops.io.dumps(model), format="skops", **MULTI)
    check(folder, model.predict(ROWS), model.predict_proba(ROWS))


class Foreign(LogisticRegression):
    pass


def test_skops_with_a_type_it_does_not_trust_is_refused(bundle):
    folder = bundle(skops.io.dumps(Foreign().fit(IRIS, TARGET)), format="skops", **MULTI)
    assert "does not trust: test_formats.Foreign" in refusal(folder)


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("classes", [CLASSES, None])
def test_onnx_with_one_matrix_input(bundle, zipmap, classes):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, TARGET)
    graph = to_onnx(model, ROWS[:1].astype(np.float32), options={"zipmap": zipmap})
    folder = bundle(graph.SerializeToString(), format="onnx", **{**MULTI, "classes": classes})
    found = check(folder, model.predict(ROWS), model.predict_proba(ROWS), tolerance=1e-5)
    assert found.classes == (CLASSES if zipmap or classes else None)


def test_onnx_with_one_input_per_column(bundle):
    frame = pandas.DataFrame({"n": [1.0, 2.0, 3.0, 4.0] * 3, "s": ["x", "y", "x", "z"] * 3})
    encode = ColumnTransformer([("n", StandardScaler(), ["n"]), ("s", OneHotEncoder(), ["s"])])
    model = make_pipeline(encode, LogisticRegression()).fit(frame, ["no", "yes", "no", "yes"] * 3)
    types = [("n", FloatTensorType([None, 1])), ("s", StringTensorType([None, 1]))]
    graph = to_onnx(model, initial_types=types)
    inputs = [*columns("n"), *columns("s", type="string")]
    folder = bundle(
        graph.SerializeToString(), format="onnx", **{**TWO, "classes": ["no", "yes"], "inputs": inputs}
    )
    request = {"columns": {"n": [1.0, 4.0], "s": ["x", "z"]}}
    rows = pandas.DataFrame(request["columns"])
    # "" is no category that the encoder knows.
    check(folder, model.predict(rows), model.predict_proba(rows), request, tolerance=1e-5, takes_blanks=False)


def test_onnx_made_for_one_row_at_a_time(bundle):
    model = LinearRegression().fit(IRIS, IRIS @ [1, 2, 3, 4])
    graph = to_onnx(model, initial_types=[("x", FloatTensorType([1, 4]))])
    check(bundle(graph.SerializeToString(), format="onnx", **VALUE), model.predict(ROWS), None, tolerance=1e-5)


@pytest.mark.parametrize("kind", ["json", "ubj"])
@pytest.mark.parametrize("booster", ["gbtree", "gblinear"])
@pytest.mark.parametrize(
    "objective", ["binary:logistic", "binary:logitraw", "multi:softprob", "multi:softmax", "reg:squarederror"]
)
def test_xgboost(bundle, kind, booster, objective):
    shape = MULTI if objective.startswith("multi") else TWO if objective.startswith("binary") else VALUE
    target = {"multiclass": TARGET, "binary": BINARY, "regression": IRIS[:, 0] * 2}[shape["task"]]
    parameters = {"objective": objective, "booster": booster}
    if shape is MULTI:
        parameters["num_class"] = 3
    data = xgboost.DMatrix(IRIS, target, feature_names=NAMES)
    model = xgboost.train(parameters, data, num_boost_round=5)
    rows = xgboost.DMatrix(ROWS, feature_names=NAMES)
    folder = bundle(bytes(model.save_raw(kind)), format="xgboost", **shape)
    margin = model.predict(rows, output_margin=True)
    if shape is VALUE:
        check(folder, model.predict(rows), None)
    elif shape is TWO:
        positive = 1 / (1 + np.exp(-margin.astype(float)))
        check(folder, (positive > 0.5).astype(int), np.column_stack([1 - positive, positive]))
    else:
        powers = np.exp(margin.astype(float))
        check(folder, margin.argmax(axis=1), powers / powers.sum(axis=1, keepdims=True))


def test_xgboost_of_the_sklearn_interface_stops_at_its_best_round(bundle, tmp_path):
    model = xgboost.XGBClassifier(n_estimators=40, learning_rate=1.0, early_stopping_rounds=2)
    model.fit(IRIS[::2], BINARY[::2], eval_set=[(IRIS[1::2], BINARY[1::2])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    model.save_model(tmp_path / "m.json")
    folder = bundle((tmp_path / "m.json").read_bytes(), format="xgboost", **TWO)
    check(folder, model.predict(ROWS), model.predict_proba(ROWS))


@pytest.mark.parametrize("objective", ["binary", "multiclass", "multiclassova", "regression"])
def test_lightgbm(bundle, objective):
    shape = MULTI if objective.startswith("multi") else TWO if objective == "binary" else VALUE
    target = {"multiclass": TARGET, "binary": BINARY, "regression": IRIS[:, 0] * 2}[shape["task"]]
    parameters = {"objective": objective, "verbose": -1, "num_threads": 1}
    if shape is MULTI:
        parameters["num_class"] = 3
    model = lightgbm.train(parameters, lightgbm.Dataset(IRIS, target), num_boost_round=5)
    folder = bundle(model.model_to_string().encode(), format="lightgbm", **shape)
    answer = model.predict(ROWS)
    if shape is VALUE:
        check(folder, answer, None)
    elif shape is TWO:
        check(folder, (answer > 0.5).astype(int), np.column_stack([1 - answer, answer]))
    else:
        check(folder, answer.argmax(axis=1), answer / answer.sum(axis=1, keepdims=True))


def test_the_task_must_fit_the_objective(bundle):
    model = lightgbm.train({"objective": "regression", "verbose": -1}, lightgbm.Dataset(IRIS, BINARY), 2)
    folder = bundle(model.model_to_string().encode(), format="lightgbm", **TWO)
    assert "objective is regression" in refusal(folder)


def test_classes_that_are_not_the_bundles(bundle):
    model = LogisticRegression().fit(IRIS, TARGET)
    assert "classes are not those" in refusal(bundle(dumped(model), **{**MULTI, "classes": [1, 2, 3]}))


def test_another_version_of_a_library_is_an_error(bundle):
    folder = bundle(dumped(LogisticRegression().fit(IRIS, TARGET)), **MULTI, libraries={"scikit-learn": "0.1.0"})
    assert f"scikit-learn 0.1.0 (here: {version('scikit-learn')})" in refusal(folder)


def test_a_model_of_another_sklearn_is_an_error(bundle, monkeypatch):
    # Saved by a process that says it is another version, as a file of another machine would.
    monkeypatch.setattr(sklearn.base, "__version__", "1.0.0")
    saved = dumped(LinearRegression().fit([[1.0], [2.0]], [1, 2]))
    monkeypatch.undo()
    folder = bundle(saved, **{**VALUE, "inputs": columns("a")})
    assert "LinearRegression was saved with another scikit-learn" in refusal(folder)


@pytest.mark.parametrize("format", ["sklearn", "skops", "onnx", "xgboost", "lightgbm"])
@pytest.mark.parametrize("content", [b" ", b"PK\x03\x04 a zip, or its beginning", b"\x80\x04\x95"])
def test_a_broken_file_does_not_load(bundle, format, content):
    with pytest.raises(Exception) as caught:
        opened(bundle(content, format=format, **MULTI))
    assert not isinstance(caught.value, AssertionError)


def test_features_that_the_bundle_does_not_name(bundle):
    model = LinearRegression().fit(load_diabetes().data, load_diabetes().target)
    assert "takes 10 features and the bundle names 4 inputs" in refusal(bundle(dumped(model), **VALUE))
    named = LinearRegression().fit(pandas.DataFrame(IRIS, columns=["w", *NAMES[1:]]), TARGET)
    assert "a feature 'w' that is not among" in refusal(bundle(dumped(named), **VALUE))


CENTRES = """
import numpy as np

def load(folder):
    return np.loadtxt(folder + "/model.bin", delimiter=",")

def predict(centres, columns):
    rows = np.column_stack([columns[name] for name in "abcd"])
    closeness = np.exp(-((rows[:, None, :] - centres[None]) ** 2).sum(axis=2))
    return {"probabilities": closeness / closeness.sum(axis=1, keepdims=True)}
"""


def centres(bundle, code):
    table = b"5,3.4,1.5,0.2\n5.9,2.8,4.3,1.3\n6.6,3,5.5,2\n"
    return bundle(table, **{**MULTI, "format": "python", "handler": code})


def test_a_handler_alone_is_given_the_columns_as_they_came(bundle):
    rows = ROWS[:, None, :] - np.array([[5, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3, 5.5, 2]])[None]
    closeness = np.exp(-(rows**2).sum(axis=2))
    model = check(centres(bundle, CENTRES), closeness.argmax(axis=1), closeness / closeness.sum(axis=1, keepdims=True))
    assert list(model.libraries) == ["numpy"]


@pytest.mark.parametrize("missing", ["load", "predict"])
def test_a_handler_alone_must_define_load_and_predict(bundle, missing):
    said = refusal(centres(bundle, CENTRES.replace(f"def {missing}(", f"def other_{missing}(")))
    assert f"defines {missing}(" in said
