"""What a request may hold. In process first, then on a real socket that must survive all of it."""

from __future__ import annotations

import json

import pytest
from mlship_server.bundle import Column
from mlship_server.errors import Refusal
from mlship_server.schema import Schema

INPUTS = [
    Column("age", "float64", False),
    Column("n", "int64", False),
    Column("ok", "bool", False),
    Column("city", "string", True),
    Column("small", "float32", True),
]
GOOD = {"age": 1.5, "n": 3, "ok": True, "city": "Bern: east", "small": 0.5}
SCHEMA = Schema(INPUTS, 3)


def refusal(body: bytes | dict, schema: Schema = SCHEMA) -> Refusal:
    with pytest.raises(Refusal) as caught:
        schema.decode(body if isinstance(body, bytes) else json.dumps(body).encode())
    return caught.value


def row(**changes):
    return {"rows": [{**GOOD, **changes}]}


def test_rows_columns_and_scalars_are_the_same():
    expected = [(1.5, 3, True, "Bern: east", 0.5)]
    assert SCHEMA.decode(json.dumps(row()).encode()) == expected
    assert SCHEMA.decode(json.dumps({"rows": GOOD}).encode()) == expected
    assert SCHEMA.decode(json.dumps({"columns": GOOD}).encode()) == expected
    lists = {name: [value, value] for name, value in GOOD.items()}
    assert SCHEMA.decode(json.dumps({"columns": lists}).encode()) == expected * 2
    mixed = {**lists, "age": 2, "city": None}
    assert SCHEMA.decode(json.dumps({"columns": mixed}).encode()) == [(2.0, 3, True, None, 0.5)] * 2


def test_nullable_columns_may_be_null_or_absent():
    assert SCHEMA.decode(json.dumps(row(city=None, small=None)).encode()) == [(1.5, 3, True, None, None)]
    assert SCHEMA.decode(b'{"rows":[{"ok":false,"n":1,"age":2}]}') == [(2.0, 1, False, None, None)]


@pytest.mark.parametrize(
    "changes, code, column",
    [
        ({"age": "1.5"}, "input.wrong-type", "age"),
        ({"age": True}, "input.wrong-type", "age"),
        ({"age": None}, "input.null", "age"),
        ({"age": [1]}, "input.wrong-type", "age"),
        ({"age": int("9" * 399)}, "input.out-of-range", "age"),
        ({"n": 1.5}, "input.wrong-type", "n"),
        ({"n": 2**63}, "input.out-of-range", "n"),
        ({"n": int("9" * 399)}, "input.out-of-range", "n"),
        ({"ok": 1}, "input.wrong-type", "ok"),
        ({"city": 5}, "input.wrong-type", "city"),
        ({"small": 1e39}, "input.out-of-range", "small"),
    ],
)
def test_a_wrong_value_is_named_by_column_row_and_type(changes, code, column):
    found = refusal({"rows": [GOOD, {**GOOD, **changes}]})
    assert (found.status, found.code) == (422, code)
    assert found.details["column"] == column
    assert found.details["row"] == 1
    assert found.details["expected"] in {"float64", "int64", "bool", "string", "float32"}
    columns_ = {name: [value, changes.get(name, value)] for name, value in GOOD.items()}
    if changes.get("age") != [1]:
        again = refusal({"columns": columns_})
        assert (again.code, again.details) == (found.code, found.details)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 400, b"9" * 5000])
def test_numbers_without_a_float(number):
    body = json.dumps(row(age=77777)).encode().replace(b"77777", number)
    found = refusal(body)
    assert (found.status, found.code) == (422, "input.out-of-range")
    assert found.details == {"column": "age", "row": 0, "expected": "float64"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xef\xbb\xbf" + json.dumps(row()).encode(),
        json.dumps(row()).encode() + b"x",
        json.dumps(row()).encode() + json.dumps(row()).encode(),
        json.dumps(row(age=float("nan"))).encode(),
        json.dumps(row(age=float("inf"))).encode(),
        json.dumps(row(age=float("-inf"))).encode(),
        json.dumps(row()).encode().replace(b"Bern", b"\xff\xfe"),
        json.dumps(row()).encode().replace(b"Bern", b"\\ud800"),
        json.dumps(row()).encode().replace(b"age", b"\xff"),
        json.dumps(row()).encode().replace(b'"', b"'"),
        json.dumps(row()).encode("utf-16"),
    ],
)
def test_what_is_not_json_is_malformed(body):
    found = refusal(body)
    assert found.status in (400, 422)
    if b"\xff" not in body or b"rows" not in body:
        assert found.code == "input.malformed"


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}"), (b'{"rows":[', b"]}")])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting_is_refused(opening, closing, closed):
    depth = 100_000
    found = refusal(opening * depth + b"1" + (closing * depth if closed else b""))
    assert found.status in (400, 422)


@pytest.mark.parametrize(
    "body, code",
    [
        ({}, "input.shape"),
        ({"rows": [GOOD], "columns": GOOD}, "input.shape"),
        ({"rows": [GOOD], "id": 1}, "input.shape"),
        ([GOOD], "input.shape"),
        ({"rows": 5}, "input.shape"),
        ({"rows": [[1, 2]]}, "input.shape"),
        ({"columns": [1]}, "input.shape"),
        ({"rows": []}, "input.no-rows"),
        ({"columns": {name: [] for name in GOOD}}, "input.no-rows"),
        ({"columns": {**GOOD, "age": [1, 2], "n": [1, 2, 3]}}, "input.unequal-lengths"),
        ({"rows": [{**GOOD, "extra": 1}]}, "input.unknown-column"),
        ({"columns": {**GOOD, "__proto__": 1}}, "input.unknown-column"),
        ({"rows": [{"n": 1, "ok": True}]}, "input.missing-column"),
        ({"columns": {"n": 1, "ok": True}}, "input.missing-column"),
    ],
)
def test_wrong_shapes(body, code):
    assert (refusal(body).status, refusal(body).code) == (422, code)


def test_columns_that_are_missing_or_unknown_are_named():
    assert refusal({"rows": [{"n": 1, "ok": True}]}).details == {"columns": ["age"], "row": 0}
    assert refusal(row(extra=1)).details == {"columns": ["extra"], "row": 0}


def test_too_many_rows():
    found = refusal({"rows": [GOOD] * 4})
    assert (found.status, found.code, found.details) == (413, "input.too-many-rows", {"limit": 3})


@pytest.mark.parametrize(
    "body",
    [
        b'{"rows":[{"age":1,"age":2,"n":3,"ok":true,"city":"x","small":1}]}',
        b'{"rows":[{"age":1,"age":2,"n":3,"ok":true,"city":"x"}]}',
        b'{"rows":[{"age":1,"age":2,"n":3,"ok":true}]}',
        b'{"rows":[],"rows":[{"age":1,"n":3,"ok":true,"city":"x","small":1}]}',
        b'{"columns":{"age":1,"n":3,"ok":true,"city":["a:b"],"small":1,"small":2}}',
        b'{"rows":[{"age":1,"a\\u0067e":2,"n":3,"ok":true,"city":"x","small":1}]}',
    ],
)
def test_duplicate_keys(body):
    assert refusal(body).code == "input.duplicate-key"


def test_duplicate_keys_of_a_name_with_a_colon():
    schema = Schema([Column("a:b", "float64", False), Column("c", "float64", False)], None)
    assert schema.decode(b'{"rows":[{"a\\u003ab":1,"c":2}]}') == [(1.0, 2.0)]
    assert refusal(b'{"rows":[{"a\\u003ab":1,"c":2,"c":3}]}', schema).code == "input.duplicate-key"


@pytest.mark.parametrize("name", ["__proto__", 'a "quoted"\nname', "1", "class", "é", "a.b[0]", ""])
def test_any_name_is_a_name(name):
    schema = Schema([Column(name, "float64", False)], None)
    assert schema.decode(json.dumps({"rows": [{name: 1}]}).encode()) == [(1.0,)]
    assert schema.decode(json.dumps({"columns": {name: [1, 2]}}).encode()) == [(1.0,), (2.0,)]
    assert refusal({"rows": [{name: "x"}]}, schema).details["column"] == name
    assert refusal({"rows": [{"c0": 1}]}, schema).code == "input.missing-column"
    assert refusal({"rows": [{name: 1, "c0": 1}]}, schema).code == "input.unknown-column"
    assert refusal({"rows": [{name: int("9" * 399)}]}, schema).code == "input.out-of-range"


def test_ten_thousand_columns():
    schema = Schema([Column(f"x{i}", "float64", False) for i in range(10_000)], None)
    values = {f"x{i}": float(i) for i in range(10_000)}
    assert schema.decode(json.dumps({"rows": [values]}).encode()) == [tuple(values.values())]
    del values["x9999"]
    assert refusal({"rows": [values]}, schema).details["columns"] == ["x9999"]


SECRET = "a-value-that-must-not-come-back-4711"


def test_the_server_survives_and_echoes_no_values(bundle, serve):
    server = serve(bundle(), "--max-rows", "10").until_ready()
    bodies = [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"rows":[{"a":NaN,"b":1}]}',
        b'{"rows":[{"a":1e999,"b":1}]}',
        b'{"rows":[{"a":1,"b":1}]} trailing',
        {"rows": [{"a": SECRET, "b": 1}]},
        {"rows": [{"a": {SECRET: SECRET}, "b": 1}]},
        {"rows": SECRET},
        {"columns": {"a": [SECRET], "b": [1]}},
        {"columns": {"a": [1], "b": [1, 2]}},
        {"rows": [{"a": 1}]},
        {"rows": [{"a": 1, "b": 2, "c": SECRET}]},
        {"rows": [{"a": 1, "b": 2}] * 11},
        f'{{"rows":[{{"a":1,"b":2,{SECRET}'.encode(),
        f'{{"{SECRET}'.encode(),
    ]
    for body in bodies:
        status, answer, headers = server.ask("/predict", body, method="POST")
        assert 400 <= status < 500, body
        assert set(answer["error"]) >= {"code", "message"}
        assert SECRET not in json.dumps(answer)
        assert headers["x-mlship-version"] == "1.2.3"
        assert "Traceback" not in json.dumps(answer)
    assert server.predict({"rows": [{"a": 1, "b": 2}]}) == (
        200,
        {"model": {"name": "test", "version": "1.2.3"}, "predictions": [6.0]},
    )
    assert SECRET not in "".join(server.log)
    assert server.metric('mlship_rejected_total{reason="invalid"}') == len(bodies) - 1


