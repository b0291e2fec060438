"""Rows that passed validation, and the numpy forms in which models take them."""

from __future__ import annotations

import struct
from functools import cached_property
from typing import Any, Sequence

import numpy as np

from .bundle import Column

DTYPES = {"float64": np.float64, "float32": np.float32, "int64": np.int64, "bool": np.bool_, "string": object}


class Inputs:
    """The columns that a model takes, in the order of the bundle."""

    def __init__(self, columns: list[Column]) -> None:
        self.columns = columns
        self.names = [column.name for column in columns]
        self.nullable = any(column.nullable for column in columns)
        self.numeric = all(column.type != "string" for column in columns)
        # A nullable number is float64 in every table, with NaN for null: a dtype that depended on
        # the rows of one batch would give a model's code two cases to get wrong.
        self.dtypes: list[Any] = [
            np.float64 if column.nullable and column.type in ("int64", "bool") else DTYPES[column.type]
            for column in columns
        ]
        self.pack = struct.Struct(f"={len(columns)}d").pack

    def positions(self, names: Sequence[str]) -> list[int]:
        """Where each of the names is; KeyError for one that is not there."""
        place = {name: index for index, name in enumerate(self.names)}
        return [place[name] for name in names]


class Table:
    """Rows as tuples in the order of the inputs; None is null. Forms are made when asked for."""

    def __init__(self, inputs: Inputs, rows: list[tuple[Any, ...]]) -> None:
        self.inputs = inputs
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Column name to array of one value per row: float64, float32, int64, bool, or str objects."""
        values = zip(*self.rows)
        return {
            name: np.array(column, dtype=dtype)
            for name, column, dtype in zip(self.inputs.names, values, self.inputs.dtypes)
        }

    def matrix(self, order: list[int] | None = None) -> np.ndarray:
        """Rows x columns as float64, null as NaN, columns in the given order or the inputs'."""
        if self.inputs.nullable:
            matrix = np.array(self.rows, dtype=np.float64)
        else:
            # Four times as fast as np.array on tuples of Python floats.
            joined = bytearray().join([self.inputs.pack(*row) for row in self.rows])
            matrix = np.frombuffer(joined, dtype=np.float64).reshape(len(self.rows), -1)
        return matrix if order is None else matrix[:, order]

    def objects(self, order: list[int] | None = None) -> np.ndarray:
        """Rows x columns of Python values."""
        matrix = np.array(self.rows, dtype=object)
        return matrix if order is None else matrix[:, order]
