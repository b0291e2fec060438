"""Rows that came as typed columns, in the same numpy forms as those that came as values."""

from __future__ import annotations

from functools import cached_property
from typing import Any, BinaryIO

import msgspec
import numpy as np

from .bundle import Column
from .errors import Refusal
from .schema import FLOAT32_MAX
from .table import Inputs


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What follows a batch's line: a block of float64, then one of int32, each column after column.
    NaN is a missing number. Texts are places in their words; -1 is a missing text."""

    rows: int
    numbers: list[str]
    texts: list[tuple[str, list[str]]]


class Columnar:
    """A batch with the forms of `Table`: the same types, the same missing values."""

    def __init__(self, inputs: Inputs, header: Header, numbers: np.ndarray, codes: np.ndarray) -> None:
        """`numbers` and `codes`: columns x rows."""
        self.inputs = inputs
        self.size = header.rows
        self.numbers = numbers
        self.place = {name: index for index, name in enumerate(header.numbers)}
        # The last word is what -1 picks.
        self.texts = {
            name: (codes[index], np.array([*words, None], dtype=object))
            for index, (name, words) in enumerate(header.texts)
        }

    def __len__(self) -> int:
        return self.size

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """As `Table.columns`."""
        return {
            column.name: self._text(column) if column.type == "string" else self._number(column).astype(dtype)
            for column, dtype in zip(self.inputs.columns, self.inputs.dtypes)
        }

    def matrix(self, order: list[int] | None = None) -> np.ndarray:
        """As `Table.matrix`."""
        places = [self.place[name] for name in self.inputs.names]
        block = self.numbers if places == list(range(len(self.numbers))) else self.numbers[places]
        # The layout of rows that came as values: sums over it take the same order.
        matrix = np.ascontiguousarray(block.T)
        return matrix if order is None else matrix[:, order]

    def objects(self, order: list[int] | None = None) -> np.ndarray:
        """As `Table.objects`."""
        matrix = np.empty((self.size, len(self.inputs.names)), dtype=object)
        for place, column in enumerate(self.inputs.columns):
            matrix[:, place] = self._text(column) if column.type == "string" else self._values(column)
        return matrix if order is None else matrix[:, order]

    def _number(self, column: Column) -> np.ndarray:
        return self.numbers[self.place[column.name]]

    def _text(self, column: Column) -> np.ndarray:
        codes, words = self.texts[column.name]
        return words[codes]

    def _values(self, column: Column) -> list[Any]:
        """Python's own values; None for a missing one."""
        numbers = self._number(column)
        missing = np.isnan(numbers)
        kind = {"int64": np.int64, "bool": np.bool_}.get(column.type, np.float64)
        values: list[Any] = np.where(missing, 0, numbers).astype(kind).tolist()
        for row in np.flatnonzero(missing).tolist():
            values[row] = None
        return values

    def check(self) -> None:
        """Refuses what the same rows as values would be refused for: Refusal, naming the first."""
        for column in self.inputs.columns:
            if column.type == "string":
                bad = np.zeros(0, bool) if column.nullable else self.texts[column.name][0] < 0
                code, problem = "input.null", "is null"
            else:
                numbers = self._number(column)
                bad = np.zeros(0, bool) if column.nullable else np.isnan(numbers)
                code, problem = "input.null", "is null"
                if column.type == "float32" and not bad.any():
                    bad = np.abs(numbers) > FLOAT32_MAX
                    code, problem = "input.out-of-range", "is out of range"
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise Refusal(422, code, f'Column "{column.name}" {problem} in row {row}.', column=column.name, row=row)


class BrokenOff(Exception):
    """The batch ended before its last byte."""


def read_batch(header: Header, inputs: Inputs, stream: BinaryIO) -> Columnar:
    """Reads the blocks behind a batch's line to their ends. Raises BrokenOff, or Refusal (4xx)."""
    numbers = _block(stream, "<f8", len(header.numbers), header.rows)
    codes = _block(stream, "<i4", len(header.texts), header.rows)
    given = {*header.numbers, *(name for name, _ in header.texts)}
    expected = {(column.name, column.type == "string") for column in inputs.columns}
    if {(name, name not in header.numbers) for name in given} != expected:
        raise Refusal(422, "input.shape", "The batch does not hold the columns that the model takes.")
    batch = Columnar(inputs, header, numbers, codes)
    batch.check()
    return batch


def _block(stream: BinaryIO, dtype: str, columns: int, rows: int) -> np.ndarray:
    # A bytearray, so that a model's code may write to what it is given, as everywhere.
    block = bytearray(np.dtype(dtype).itemsize * columns * rows)
    view = memoryview(block)
    while len(view) > 0:
        count = stream.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise BrokenOff
        view = view[count:]
    return np.frombuffer(block, dtype=dtype).reshape(columns, rows)
