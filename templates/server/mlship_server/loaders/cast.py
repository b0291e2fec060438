"""Numbers as the type that a network's input is of."""

from __future__ import annotations

from typing import Any

import numpy as np


def cast(values: np.ndarray, dtype: Any, name: str) -> np.ndarray:
    """`values` as `dtype`. Raises ValueError for those that an input of whole numbers or truth values
    does not hold: a missing number, a fraction or one that is too large becomes another without a word."""
    with np.errstate(invalid="ignore"):
        fit = values.astype(dtype)
    if np.dtype(dtype).kind in "iub" and values.dtype != fit.dtype:
        lost = fit != values
        if lost.any():
            raise ValueError(f"the input {name!r} takes {np.dtype(dtype)} and is given {values[lost][0]}")
    return fit
