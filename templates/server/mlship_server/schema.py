"""Turns a request's bytes into rows that the model can take, or refuses them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Union

import msgspec

from .bundle import Column
from .diagnosis import diagnose
from .errors import Refusal
from .table import Inputs

FLOAT32_MAX = 3.4028234663852886e38

TYPES: dict[str, Any] = {
    "float64": float,
    "float32": Annotated[float, msgspec.Meta(ge=-FLOAT32_MAX, le=FLOAT32_MAX)],
    "int64": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "bool": bool,
    "string": str,
}


class Schema:
    """Decodes `{"rows": [...]}` and `{"columns": {...}}` straight into the types of the inputs."""

    def __init__(self, columns: list[Column], max_rows: int | None) -> None:
        self.inputs = Inputs(columns)
        self.max_rows = max_rows
        # Columns become fields c0, c1, ...: their own names need not be Python identifiers.
        # Fields without a default come first, so positions are mapped back when there are both.
        ordered = sorted(range(len(columns)), key=lambda index: columns[index].nullable)
        back = [ordered.index(index) for index in range(len(columns))] if self.inputs.nullable else None
        self.back = None if back == list(range(len(columns))) else back
        fields = {f"c{index}": column.name for index, column in enumerate(columns)}
        # msgspec takes no field names with quotes, backslashes or control characters: such schemas
        # decode in two steps, with the keys translated between them.
        plain = all(json.dumps(name, ensure_ascii=False) == f'"{name}"' for name in fields.values())
        self.fields = None if plain else {name: field for field, name in fields.items()}
        rename = fields if plain else None
        row = _struct("Row", columns, ordered, rename, lambda item: item)
        cells = _struct("Columns", columns, ordered, rename, lambda item: Union[item, list[item]])
        self.request = msgspec.defstruct(
            "Request",
            [
                ("rows", Union[list[row], row, msgspec.UnsetType], msgspec.UNSET),
                ("columns", Union[cells, msgspec.UnsetType], msgspec.UNSET),
            ],
            forbid_unknown_fields=True,
        )
        self.width = len(columns)
        self.colons = any(":" in column.name for column in columns)
        self.decoder = msgspec.json.Decoder(self.request)

    def decode(self, body: bytes) -> list[tuple[Any, ...]]:
        """Rows in the order of the inputs. Raises Refusal (4xx) for anything that is not valid."""
        try:
            request = self.decoder.decode(body) if self.fields is None else self._translate(body, self.fields)
        except UnicodeDecodeError as error:
            raise Refusal(400, "input.malformed", "The body is not UTF-8.") from error
        except RecursionError as error:
            raise Refusal(400, "input.malformed", "The body is nested too deeply.") from error
        except msgspec.ValidationError as error:
            raise diagnose(body, self.inputs.columns, str(error)) from error
        except msgspec.DecodeError as error:
            raise Refusal(400, "input.malformed", f"The body is not valid JSON: {error}.") from error
        if (request.rows is msgspec.UNSET) == (request.columns is msgspec.UNSET):
            raise Refusal(422, "input.shape", 'The body must hold either "rows" or "columns".')
        if request.rows is msgspec.UNSET:
            rows, objects = self._transpose(msgspec.structs.astuple(request.columns)), 1
        else:
            found = request.rows if isinstance(request.rows, list) else [request.rows]
            rows = [msgspec.structs.astuple(row) for row in found]
            objects = len(rows)
        if not rows:
            raise Refusal(422, "input.no-rows", "The request holds no rows.")
        if self.max_rows is not None and len(rows) > self.max_rows:
            raise Refusal(
                413, "input.too-many-rows", f"A request may hold at most {self.max_rows} rows.", limit=self.max_rows
            )
        self._refuse_duplicates(body, rows, objects * self.width + 1)
        if self.back is None:
            return rows
        return [tuple([row[index] for index in self.back]) for row in rows]

    def _translate(self, body: bytes, fields: dict[str, str]) -> Any:
        def translate(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            # A key that is no input must not pass for the field of one.
            return {fields.get(key, f"unknown {key}"): item for key, item in value.items()}

        document = msgspec.json.decode(body)
        if isinstance(document, dict):
            for key, value in document.items():
                document[key] = [translate(item) for item in value] if isinstance(value, list) else translate(value)
        return msgspec.convert(document, self.request)

    def _transpose(self, cells: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        lengths = {len(cell) for cell in cells if isinstance(cell, list)}
        if len(lengths) > 1:
            raise Refusal(422, "input.unequal-lengths", "The columns are not of equal length.")
        size = lengths.pop() if lengths else 1
        # A scalar next to lists is one value for every row.
        return list(zip(*(cell if isinstance(cell, list) else [cell] * size for cell in cells)))

    def _refuse_duplicates(self, body: bytes, rows: list[tuple[Any, ...]], expected: int) -> None:
        """msgspec keeps the last of two equal keys. Every key has one colon, so a body with as many
        colons as keys cannot hold a duplicate unless a nullable column is left out; only the rest,
        such as text with colons in it, pays for a second look."""
        omitted = self.inputs.nullable and any(None in row for row in rows)
        if body.count(b":") == expected and not omitted and not self.colons:
            return

        def once(pairs: list[tuple[str, Any]]) -> None:
            seen = {key for key, _ in pairs}
            if len(seen) != len(pairs):
                raise Refusal(400, "input.duplicate-key", "The body holds an object with the same key twice.")

        json.loads(body, object_pairs_hook=once, parse_float=str, parse_int=str)


def _struct(
    name: str, columns: list[Column], order: list[int], rename: dict[str, str] | None, cell: Any
) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for index in order:
        item = TYPES[columns[index].type]
        if columns[index].nullable:
            fields.append((f"c{index}", cell(Union[item, None]), None))
        else:
            fields.append((f"c{index}", cell(item)))
    # gc=False: rows hold no containers, so they cannot be part of a cycle.
    return msgspec.defstruct(name, fields, rename=rename, forbid_unknown_fields=True, gc=False)
