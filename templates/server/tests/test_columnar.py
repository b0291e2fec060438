"""Rows that come as typed columns reach a model exactly as those that come as values."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from conftest import ENVIRONMENT, columns
from mlship_server.bundle import Column
from mlship_server.columnar import BrokenOff, Header, read_batch
from mlship_server.errors import Refusal
from mlship_server.table import Inputs, Table

VALUES: dict[str, list[Any]] = {
    "float64": [0.0, -0.0, 1.5, -1e300, 5e-324, 0.1],
    "float32": [0.0, 0.1, -3.4028234663852886e38, 1e-45],
    "int64": [0, -1, 2**53 - 1, -(2**53) + 1],
    "bool": [True, False],
    "string": ["", "a", "née", "line\nbreak", "\x00", "None"],
}


def encode(inputs: list[Column], rows: list[tuple[Any, ...]]) -> tuple[Header, bytes]:
    """As the command line tool sends them: numbers in any order, then texts."""
    numbers = [(place, column) for place, column in enumerate(inputs) if column.type != "string"][::-1]
    texts = [(place, column) for place, column in enumerate(inputs) if column.type == "string"]
    blocks = b"".join(
        struct.pack("<d", float("nan") if row[place] is None else row[place]) for place, _ in numbers for row in rows
    )
    words = []
    for place, column in texts:
        known = sorted({row[place] for row in rows} - {None})
        words.append((column.name, known))
        blocks += b"".join(struct.pack("<i", -1 if row[place] is None else known.index(row[place])) for row in rows)
    return Header(len(rows), [column.name for _, column in numbers], words), blocks


def same(left: np.ndarray, right: np.ndarray) -> None:
    assert (left.dtype, left.shape, left.flags.writeable) == (right.dtype, right.shape, right.flags.writeable)
    assert left.flags.c_contiguous == right.flags.c_contiguous
    assert [repr(value) for value in left.ravel().tolist()] == [repr(value) for value in right.ravel().tolist()]
    if left.dtype == object:
        assert [type(value) for value in left.ravel()] == [type(value) for value in right.ravel()]
    else:
        assert left.tobytes() == right.tobytes() or np.isnan(left).any()


@pytest.mark.parametrize("seed", range(200))
def test_every_form_is_the_same(seed):
    dice = random.Random(seed)
    kinds = dice.choices(list(VALUES), k=dice.randint(1, 6))
    if dice.random() < 0.4:
        kinds = [kind for kind in kinds if kind != "string"] or ["float64"]
    inputs = [Column(f"c{place}", kind, dice.random() < 0.4) for place, kind in enumerate(kinds)]
    rows = [
        tuple(None if column.nullable and dice.random() < 0.3 else dice.choice(VALUES[column.type]) for column in inputs)
        for _ in range(dice.randint(1, 20))
    ]
    plain, header_and_blocks = Table(Inputs(inputs), rows), encode(inputs, rows)
    typed = read_batch(header_and_blocks[0], Inputs(inputs), io.BytesIO(header_and_blocks[1]))
    assert len(typed) == len(plain)
    assert list(typed.columns) == list(plain.columns)
    for name, column in plain.columns.items():
        same(typed.columns[name], column)
    order = dice.sample(range(len(inputs)), len(inputs))
    same(typed.objects(), plain.objects())
    same(typed.objects(order), plain.objects(order))
    if plain.inputs.numeric:
        same(typed.matrix(), plain.matrix())
        same(typed.matrix(order), plain.matrix(order))


@pytest.mark.parametrize(
    "column, value, code",
    [
        (Column("a", "float64", False), None, "input.null"),
        (Column("a", "string", False), None, "input.null"),
        (Column("a", "float32", True), 3.5e38, "input.out-of-range"),
    ],
)
def test_what_values_would_be_refused_for_is_refused(column, value, code):
    good = "x" if column.type == "string" else 1.0
    header, blocks = encode([column], [(good,), (value,)])
    with pytest.raises(Refusal) as caught:
        read_batch(header, Inputs([column]), io.BytesIO(blocks))
    assert (caught.value.code, caught.value.details["row"]) == (code, 1)


def test_other_columns_are_refused_and_a_broken_batch_ends():
    column = Column("a", "float64", False)
    header, blocks = encode([column], [(1.0,), (2.0,)])
    with pytest.raises(Refusal):
        read_batch(header, Inputs([Column("b", "float64", False)]), io.BytesIO(blocks))
    with pytest.raises(BrokenOff):
        read_batch(header, Inputs([column]), io.BytesIO(blocks[:-1]))


def ask(folder, requests: bytes) -> list[Any]:
    """What `score` answers: documents, and after those that announce them the blocks."""
    ran = subprocess.run(
        [sys.executable, "-m", "mlship_server", "score", str(folder)],
        env=ENVIRONMENT,
        input=requests,
        capture_output=True,
        timeout=120,
    )
    found, stream = [], io.BytesIO(ran.stdout)
    while line := stream.readline():
        document = json.loads(line)
        if "answers" in document:
            said = document["answers"]
            kind, size = ("d", 8) if said["labels"] is None else ("i", 4)
            count = said["rows"] * said["outputs"]
            said["predictions"] = list(struct.unpack(f"<{count}{kind}", stream.read(size * count)))
            count = said["rows"] * said["width"]
            said["probabilities"] = list(struct.unpack(f"<{count}d", stream.read(8 * count)))
        found.append(document)
    return found


def batch(inputs: list[dict[str, Any]], rows: list[tuple[Any, ...]]) -> bytes:
    header, blocks = encode([Column(**column) for column in inputs], rows)
    announced = {"rows": header.rows, "numbers": header.numbers, "texts": header.texts}
    return json.dumps({"batch": announced}, separators=(",", ":")).encode() + b"\n" + blocks


HANDLER = """
import numpy as np
def load(folder): return None
def preprocess(columns): return columns["a"]
def predict(model, a):
    if (a == 13).any(): raise ValueError("unlucky")
    return ANSWER
"""


@pytest.mark.parametrize(
    "answer, task, said",
    [
        ("a * 2", "regression", ([2.0, 4.0], None)),
        ("np.where(a > 1, np.inf, np.nan)", "regression", None),
        ("a > 1", "multiclass", ([0, 1], [False, True])),
        ("np.where(a > 1, 'yes', 'no')", "multiclass", ([0, 1], ["no", "yes"])),
        ("np.array(['yes', True], dtype=object)", "multiclass", ([0, 1], ["yes", True])),
        ("np.array([1, True], dtype=object)", "multiclass", ([0, 1], [1, True])),
    ],
)
def test_answers_of_every_type(bundle, answer, task, said):
    folder = bundle(handler=HANDLER.replace("ANSWER", f"({answer})[: len(a)]"), task=task, inputs=columns("a"))
    requests = batch(columns("a"), [(1.0,), (2.0,)])
    unlucky = batch(columns("a"), [(13.0,)])
    row = b'{"rows":[{"a":1}]}\n'
    _, first, failed, values, again = ask(folder, requests + unlucky + row + requests)
    assert failed["error"]["code"] == "model.failed"
    assert first == again or said is None
    found = first["answers"]
    if said is None:
        # What is no finite number is an answer here, and an error where a server would give it.
        assert [str(value) for value in found["predictions"]] == ["nan", "inf"]
        assert values["error"]["code"] == "model.non-finite-output"
    else:
        assert (found["predictions"], found["labels"]) == said
        plain = said[0] if said[1] is None else [said[1][place] for place in said[0]]
        assert values["predictions"] == plain[:1]


def test_a_regressor_with_several_outputs(bundle, serve):
    handler = """
import numpy as np
def load(folder): return None
def preprocess(columns): return np.column_stack([columns["a"], columns["b"]])
def predict(model, inputs): return np.column_stack([inputs.sum(axis=1), inputs[:, 0], 1 / inputs[:, 1]])
"""
    folder = bundle(handler=handler, outputs=3)
    _, values, typed = ask(
        folder, b'{"columns":{"a":[1,2],"b":[4,8]}}\n' + batch(columns("a", "b"), [(1.0, 4.0), (2.0, 8.0)])
    )
    assert values == {"predictions": [[5.0, 1.0, 0.25], [10.0, 2.0, 0.125]], "probabilities": None}
    assert (typed["answers"]["outputs"], typed["answers"]["predictions"]) == (3, [5.0, 1.0, 0.25, 10.0, 2.0, 0.125])
    server = serve(folder).until_ready()
    status, answer = server.predict({"rows": [{"a": 1, "b": 4}, {"a": 2, "b": 8}]})
    assert (status, answer["predictions"]) == (200, [[5.0, 1.0, 0.25], [10.0, 2.0, 0.125]])
    assert server.predict({"rows": [{"a": 1, "b": 0}]})[1]["error"]["code"] == "model.non-finite-output"
    for wrong in (2, 4):
        refused = ask(bundle(handler=handler, outputs=wrong), b'{"columns":{"a":[1],"b":[4]}}\n')[-1]
        assert refused["error"]["code"] == "model.bad-output"


def test_scikit_learn_with_several_outputs(bundle):
    import joblib
    from sklearn.datasets import load_linnerud
    from sklearn.linear_model import Ridge

    data = load_linnerud()
    model = Ridge().fit(data.data, data.target)
    stream = io.BytesIO()
    joblib.dump(model, stream)
    names = [name.lower() for name in data.feature_names]
    folder = bundle(entry=stream.getvalue(), handler=None, inputs=columns(*names), outputs=3)
    rows = [tuple(row) for row in data.data.tolist()]
    request = json.dumps({"rows": [dict(zip(names, row)) for row in rows]}).encode() + b"\n"
    _, values, typed = ask(folder, request + batch(columns(*names), rows))
    expected = model.predict(data.data)
    assert np.array_equal(values["predictions"], expected)
    assert np.array_equal(typed["answers"]["predictions"], expected.ravel())
