"""ONNX: every model inside the wheels of onnx and onnxruntime, and models made for one point each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import columns
from mlship_server.bundle import Column, Folders, read_bundle
from mlship_server.errors import LoadError
from mlship_server.loaders import onnx as loader
from mlship_server.loaders.cast import cast
from mlship_server.model import Model
from mlship_server.outputs import BadOutput
from mlship_server.schema import Schema
from mlship_server.table import Table
from onnx import TensorProto, helper

WHEEL = Path(onnx.__file__).parent / "backend" / "test" / "data"
CASES = sorted(
    path for kind in ("light", "simple", "pytorch-converted", "pytorch-operator") for path in (WHEEL / kind).rglob("*.onnx")
) + sorted((Path(onnxruntime.__file__).parent / "datasets").glob("*.onnx"))
KINDS = {"tensor(string)": "string", "tensor(bool)": "bool", "tensor(int64)": "int64", "tensor(int32)": "int64"}
VALUE = {"handler": None, "format": "onnx", "task": "regression", "classes": None}
VALUES = {"float64": 0.5, "int64": 1, "bool": True, "string": "monday"}


def synthetic(nodes) -> list[Column]:
    """Columns of a table as wide as the model's one input, or one for each input."""
    if len(nodes) > 1:
        return [Column(name=node.name, type=KINDS.get(node.type, "float64"), nullable=False) for node in nodes]
    [node] = nodes
    width = node.shape[1] if len(node.shape) == 2 and isinstance(node.shape[1], int) else 1
    return [Column(name=f"x{index}", type=KINDS.get(node.type, "float64"), nullable=False) for index in range(width)]


def test_there_are_all_cases():
    assert len(CASES) >= 140


@pytest.mark.parametrize("path", CASES, ids=[f"{path.parent.name}/{path.stem}" for path in CASES])
def test_every_case_scores_or_is_refused_with_the_reason(path, bundle, monkeypatch):
    try:
        session = loader.load(path, [])
    except LoadError as error:
        assert "does not run this model: " in str(error)
        return
    inputs = synthetic(session.get_inputs())
    # Loading the big ones a second time would take as long again.
    monkeypatch.setattr(loader, "load", lambda _path, _allowed: session)
    folder = bundle(b"loaded already", inputs=[msgspec.to_builtins(column) for column in inputs], **{**VALUE, "task": "multiclass"})
    try:
        model = Model(Folders(folder, folder), read_bundle(Folders(folder, folder)))
    except LoadError as error:
        assert any(word in str(error) for word in ("write a handler", "needs a handler"))
        return
    rows = [tuple(VALUES[column.type] for column in inputs)] * 3
    try:
        arrays = model.arrays(Table(model.inputs, rows))
    except (BadOutput, LoadError) as error:
        assert "rows" in str(error) or "handler" in str(error)
    except loader.onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException as error:
        # Its operator takes one text, not three rows of it.
        assert "StringNormalizer" in str(error)
    else:
        assert len(arrays.predictions) == 3


def graph(nodes, inputs, outputs, constants=()) -> onnx.ModelProto:
    values = [[helper.make_tensor_value_info(*value) for value in side] for side in (inputs, outputs)]
    made = helper.make_graph(nodes, "g", *values, list(constants))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8)


def answer(folder, request):
    read = read_bundle(Folders(folder, folder))
    model = Model(Folders(folder, folder), read)
    return model.answer(Schema(read.inputs, None).decode(json.dumps(request).encode()))


@pytest.mark.parametrize(
    "element", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT8, TensorProto.BOOL]
)
def test_an_input_of_any_number_type(bundle, element):
    nodes = [
        helper.make_node("Cast", ["X"], ["F"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["F", "axis"], ["Y"], keepdims=1),
    ]
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    model = graph(nodes, [("X", element, [None, 2])], [("Y", TensorProto.FLOAT, [None, 1])], [axis])
    folder = bundle(model.SerializeToString(), inputs=columns("a", "b"), **VALUE)
    assert answer(folder, {"columns": {"a": [1, 0], "b": [1, 1]}}).predictions == [2.0, 1.0]


def test_whole_numbers_take_no_gaps(bundle):
    nodes = [helper.make_node("Cast", ["X"], ["Y"], to=TensorProto.FLOAT)]
    model = graph(nodes, [("X", TensorProto.INT32, [None, 1])], [("Y", TensorProto.FLOAT, [None, 1])])
    folder = bundle(model.SerializeToString(), inputs=columns("a", nullable=True), **VALUE)
    with pytest.raises(ValueError, match="takes int32 and is given nan"):
        answer(folder, {"columns": {"a": [1.0, None]}})


def test_inputs_by_name_of_several_types(bundle):
    """score = age + (country == "DE") + member, with the columns in another order than the graph's."""
    nodes = [
        helper.make_node("LabelEncoder", ["country"], ["c"], domain="ai.onnx.ml", keys_strings=["DE"], values_floats=[10.0], default_float=0.0),
        helper.make_node("Cast", ["member"], ["m"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["age"], ["a"], to=TensorProto.FLOAT),
        helper.make_node("Sum", ["a", "c", "m"], ["score"]),
    ]
    inputs = [("age", TensorProto.INT64, [None, 1]), ("country", TensorProto.STRING, [None, 1]), ("member", TensorProto.BOOL, [None])]
    # A vector beside columns would be spread over them.
    nodes.insert(0, helper.make_node("Unsqueeze", ["member", "last"], ["flag"]))
    nodes[2].input[0] = "flag"
    last = helper.make_tensor("last", TensorProto.INT64, [1], [1])
    model = graph(nodes, inputs, [("score", TensorProto.FLOAT, [None, 1])], [last])
    kinds = [*columns("member", type="bool"), *columns("country", type="string"), *columns("age", type="int64")]
    folder = bundle(model.SerializeToString(), inputs=kinds, **VALUE)
    request = {"columns": {"member": [True, False], "country": ["DE", "FR"], "age": [30, 40]}}
    assert answer(folder, request).predictions == [41.0, 40.0]


@pytest.mark.parametrize("labels", [{"classlabels_strings": ["no", "yes"]}, {"classlabels_int64s": [3, 7]}])
def test_zipmap_with_texts_and_whole_numbers(bundle, labels):
    [names] = labels.values()
    kind = TensorProto.STRING if isinstance(names[0], str) else TensorProto.INT64
    own = {key.replace("int64s", "ints"): value for key, value in labels.items()}
    nodes = [
        helper.make_node(
            "LinearClassifier", ["X"], ["label", "scores"], domain="ai.onnx.ml",
            coefficients=[-1.0, 1.0], intercepts=[0.0, 0.0], multi_class=0, post_transform="SOFTMAX", **own,
        ),
        helper.make_node("ZipMap", ["scores"], ["map"], domain="ai.onnx.ml", **labels),
    ]
    model = graph(nodes, [("X", TensorProto.FLOAT, [None, 1])], [("label", kind, [None])])
    key = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    value = onnx.ValueInfoProto(name="map", type=helper.make_sequence_type_proto(helper.make_map_type_proto(kind, key)))
    model.graph.output.append(value)
    folder = bundle(model.SerializeToString(), inputs=columns("a"), **{**VALUE, "task": "binary", "classes": names})
    got = answer(folder, {"columns": {"a": [-2.0, 2.0]}})
    assert got.predictions == names
    np.testing.assert_allclose(got.probabilities[1], [1 / (1 + np.exp(4)), 1 / (1 + np.exp(-4))], rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_model_made_for_a_number_of_rows(bundle, rows):
    nodes = [helper.make_node("Neg", ["X"], ["Y"])]
    model = graph(nodes, [("X", TensorProto.FLOAT, [rows, 1])], [("Y", TensorProto.FLOAT, [rows, 1])])
    folder = bundle(model.SerializeToString(), inputs=columns("a"), **VALUE)
    assert answer(folder, {"columns": {"a": [1.0, 2.0, 3.0, 4.0, 5.0]}}).predictions == [-1.0, -2.0, -3.0, -4.0, -5.0]
    assert answer(folder, {"columns": {"a": [1.0]}}).predictions == [-1.0]


def test_weights_in_a_file_beside_the_model(bundle, tmp_path):
    weights = helper.make_tensor("W", TensorProto.FLOAT, [2, 1], np.array([2.0, 3.0], np.float32).tobytes(), raw=True)
    nodes = [helper.make_node("MatMul", ["X", "W"], ["Y"])]
    model = graph(nodes, [("X", TensorProto.FLOAT, [None, 2])], [("Y", TensorProto.FLOAT, [None, 1])], [weights])
    path = tmp_path / "saved.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    folder = bundle(path.read_bytes(), inputs=columns("a", "b"), **VALUE)
    (tmp_path / "weights.bin").rename(folder / "weights.bin")
    assert answer(folder, {"columns": {"a": [1.0], "b": [10.0]}}).predictions == [32.0]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [2])), "seq(tensor(float))"),
        (helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [2])), "optional(tensor(float))"),
    ],
)
def test_sequences_and_optionals_are_refused_with_the_reason(bundle, kind, said):
    value = onnx.ValueInfoProto(name="X", type=kind)
    node = helper.make_node("SequenceAt" if "seq" in said else "OptionalGetElement", ["X", "zero"][: 2 if "seq" in said else 1], ["Y"])
    zero = helper.make_tensor("zero", TensorProto.INT64, [], [0])
    model = graph([node], [], [("Y", TensorProto.FLOAT, [2])], [zero])
    model.graph.input.append(value)
    folder = bundle(model.SerializeToString(), inputs=columns("a"), **VALUE)
    with pytest.raises(LoadError, match="needs a handler") as caught:
        answer(folder, {"columns": {"a": [1.0]}})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("value", "dtype"), [(1.5, "int64"), (300.0, "uint8"), (-1.0, "uint32"), (2.0, "bool"), (np.inf, "int32"), (2.0**64, "int64")]
)
def test_numbers_that_an_input_does_not_hold_are_told(value, dtype):
    with pytest.raises(ValueError, match=f"'x' takes {dtype} and is given {re.escape(str(value))}"):
        cast(np.array([1.0, value]), np.dtype(dtype), "x")


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float32", "float16"])
def test_numbers_that_an_input_holds_are_given_to_it(dtype):
    np.testing.assert_array_equal(cast(np.array([0.0, 1.0]), np.dtype(dtype), "x"), [0, 1])
