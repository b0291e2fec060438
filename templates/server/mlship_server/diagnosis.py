"""Says which column and row of a refused request is wrong. Runs only after the fast check refused."""

from __future__ import annotations

import json
from typing import Any, Iterator

from .bundle import Column
from .errors import Refusal

EXPECTED = {
    "float64": "a finite number",
    "float32": "a finite number within float32",
    "int64": "an integer within int64",
    "bool": "true or false",
    "string": "a text",
}
SHOWN = 5


def diagnose(body: bytes, columns: list[Column], fallback: str) -> Refusal:
    """The refusal for a body that is JSON but not what the model takes. Echoes no values."""
    try:
        # json, unlike msgspec, goes on after 1e999, which can then be named.
        document = json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError):
        # The checking decoder stopped at a wrong type before it met the broken part.
        return Refusal(400, "input.malformed", "The body is not valid JSON.")
    refusal = next(_problems(document, columns), None)
    return refusal or Refusal(422, "input.invalid", f"The input is not valid: {_without_keys(fallback)}.")


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of more than 4300 digits; none of 400 fits any column.
    return int(digits) if len(digits) < 400 else float("inf")


def _without_keys(message: str) -> str:
    return message.split(" - at ", 1)[0].split("unknown field", 1)[0].strip()


def _problems(document: Any, columns: list[Column]) -> Iterator[Refusal]:
    if not isinstance(document, dict) or ("rows" in document) == ("columns" in document):
        yield Refusal(422, "input.shape", 'The body must be an object with either "rows" or "columns".')
        return
    if len(document) > 1:
        yield Refusal(422, "input.shape", 'The body holds other keys next to "rows" or "columns".')
    if "columns" in document:
        if not isinstance(document["columns"], dict):
            yield Refusal(422, "input.shape", '"columns" must be an object of lists.')
            return
        yield from _names(document["columns"], columns, None)
        for column in columns:
            cells = document["columns"].get(column.name)
            for index, cell in enumerate(cells if isinstance(cells, list) else [cells]):
                yield from _value(cell, column, index)
        return
    rows = document["rows"] if isinstance(document["rows"], list) else [document["rows"]]
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            yield Refusal(422, "input.shape", f"Row {index} must be an object of named values.", row=index)
            return
        yield from _names(row, columns, index)
        for column in columns:
            yield from _value(row.get(column.name), column, index)


def _names(given: dict[str, Any], columns: list[Column], row: int | None) -> Iterator[Refusal]:
    where = {} if row is None else {"row": row}
    place = "" if row is None else f" in row {row}"
    missing = [column.name for column in columns if not column.nullable and column.name not in given]
    if missing:
        yield Refusal(
            422, "input.missing-column", f"Missing{place}: {_listed(missing)}.", columns=missing[:SHOWN], **where
        )
    known = {column.name for column in columns}
    extra = [name[:100] for name in given if name not in known]
    if extra:
        yield Refusal(
            422, "input.unknown-column", f"Not an input{place}: {_listed(extra)}.", columns=extra[:SHOWN], **where
        )


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f'"{name}"' for name in names[:SHOWN]) + rest


def _value(value: Any, column: Column, row: int) -> Iterator[Refusal]:
    if value is None and column.nullable:
        return
    if value is None:
        code, problem = "input.null", "is null"
    elif not _has_type(value, column.type):
        code, problem = "input.wrong-type", "has the wrong type"
    elif not _in_range(value, column.type):
        code, problem = "input.out-of-range", "is out of range"
    else:
        return
    yield Refusal(
        422,
        code,
        f'Column "{column.name}" {problem} in row {row}: expected {EXPECTED[column.type]}.',
        column=column.name,
        row=row,
        expected=column.type,
    )


def _has_type(value: Any, type_: str) -> bool:
    if type_ == "string":
        return isinstance(value, str)
    if type_ == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (type_ != "int64" and isinstance(value, float))


def _in_range(value: Any, type_: str) -> bool:
    if type_ == "int64":
        return -(2**63) <= value < 2**63
    if type_ == "float32":
        return abs(value) <= 3.4028234663852886e38
    if type_ == "float64":
        # An integer of 400 digits has the right type and no float.
        return abs(value) <= 1.7976931348623157e308
    return True
