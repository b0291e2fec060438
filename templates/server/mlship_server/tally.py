"""Counts what the model says, in cells that are the same for every process and version of a model.

A canary's counts are compared with those of stable, so an answer's cell must not depend on what a
process happened to see first: classes have the place that the model gives them, values a fixed bin."""

from __future__ import annotations

from math import frexp
from zlib import crc32
from typing import Optional

from .bundle import Label
from .outputs import Answers

# Cells for classes; the others share one more. As many for the hashes of labels that no model declares.
CLASSES = 50
# Half powers of two from 2^LEAST, about 0.001, to 2^MOST, about 10^9, for either sign.
LEAST, MOST = -10, 30
BINS = 2 * (MOST - LEAST)
# Negative bins, zero, positive bins, and in the last cell what is no finite number.
CELLS = 2 * BINS + 2
NAN = CELLS - 1
HALF = 0.5**0.5


class Tally:
    """The counts of one worker. Only the thread that runs the model writes them."""

    def __init__(self, cells: memoryview, task: str, classes: Optional[list[Label]]) -> None:
        """`cells`: the worker's own, `CELLS` of them."""
        self.cells = cells
        self.is_value = task == "regression"
        self.places = None if classes is None else {label: min(i, CLASSES) for i, label in enumerate(classes)}

    def count(self, answers: Answers) -> None:
        """Adds the predictions of one batch."""
        cells, broken, places = self.cells, answers.broken, self.places
        for row, label in enumerate(answers.predictions):
            if broken is not None and broken[row]:
                cells[NAN] += 1
            elif self.is_value:
                # The outputs of one row depend on one another: a second one is no second observation.
                cells[bin_of(label[0] if isinstance(label, list) else label)] += 1
            elif places is not None:
                cells[places.get(label, CLASSES)] += 1
            else:
                cells[crc32(str(label).encode()) % CLASSES] += 1


def bin_of(value: Label) -> int:
    """The cell of a value. A text, or an integer beyond all doubles, is no finite number."""
    try:
        fraction, exponent = frexp(abs(value))  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return NAN
    if exponent <= LEAST or fraction == 0:
        return BINS
    # fraction is at least 1/2, and of the upper half power from sqrt(1/2) on.
    place = min(2 * (exponent - LEAST - 1) + (fraction >= HALF), BINS - 1)
    return BINS + 1 + place if value > 0 else BINS - 1 - place  # type: ignore[operator]


def names(task: str, classes: Optional[list[Label]]) -> dict[int, str]:
    """What each cell is called: a class, the smallest magnitude in a bin, or `#` and a hash."""
    if task == "regression":
        found = {BINS: "0"}
        for place in range(BINS):
            least = f"{2 ** (LEAST + place / 2):.4g}"
            found[BINS + 1 + place], found[BINS - 1 - place] = least, f"-{least}"
    elif classes is not None:
        found = {i: str(label)[:64] for i, label in enumerate(classes[:CLASSES])}
        found[CLASSES] = "other"
    else:
        found = {i: f"#{i:02d}" for i in range(CLASSES)}
    found[NAN] = "NaN"
    return found
