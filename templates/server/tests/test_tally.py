"""Cells of answers: the same for every process, bounded, and named."""

from __future__ import annotations

from math import inf, nan

import pytest

from mlship_server import tally
from mlship_server.outputs import Answers


def counted(task, classes, predictions, broken=None):
    cells = memoryview(bytearray(8 * tally.CELLS)).cast("d")
    tally.Tally(cells, task, classes).count(Answers(predictions, None, broken))
    names = tally.names(task, classes)
    return {names[cell]: count for cell, count in enumerate(cells.tolist()) if count}


def test_classes_beyond_the_fiftieth_are_one():
    classes = [f"c{i}" for i in range(60)]
    assert counted("multiclass", classes, ["c0", "c49", "c50", "c59", "stranger"]) == {"c0": 1, "c49": 1, "other": 3}


def test_labels_without_declared_classes_have_a_place_of_their_own_making():
    assert counted("multiclass", None, ["a", "a", 7]) == counted("multiclass", None, [7, "a", "a"])
    assert len(counted("multiclass", None, [f"label {i}" for i in range(1000)])) <= tally.CLASSES


@pytest.mark.parametrize("sign", [1, -1])
def test_a_bin_holds_values_from_its_name_to_the_next(sign):
    names = tally.names("regression", None)
    for step in range(-80, 260):
        value = 1.1 * 2 ** (step / 8)
        least = float(names[tally.bin_of(sign * value)])
        if value < 2**tally.LEAST:
            assert least == 0
        else:
            assert abs(least) <= value * 1.001
            assert value < abs(least) * 2**0.5 * 1.001 or value >= 2 ** (tally.MOST - 0.5)
            assert (least > 0) == (sign > 0)


def test_every_value_has_a_cell():
    for value in (0, -0.0, 5e-324, 1.7e308, -1.7e308, 10**400, "text", True, nan, inf, -inf):
        assert 0 <= tally.bin_of(value) < tally.CELLS
    assert counted("regression", None, [1.0, 2.0], [True, False]) == {"NaN": 1, "2": 1}
    assert counted("binary", [0, 1], [0, 1], [False, True]) == {"0": 1, "NaN": 1}


def test_names_are_bounded():
    assert len(tally.names("regression", None)) <= tally.CELLS
    assert max(map(len, tally.names("binary", ["x" * 999, "y"]).values())) == 64
