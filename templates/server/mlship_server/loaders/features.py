"""Puts the bundle's inputs in the order in which a model wants its features."""

from __future__ import annotations

from typing import Sequence

from ..errors import LoadError
from ..table import Inputs


def feature_order(wanted: Sequence[str] | None, count: int | None, inputs: Inputs) -> list[int] | None:
    """Positions of the inputs in the model's order, or None when that is the inputs' own order.

    `wanted` are the model's feature names, `count` how many there are, where it says so.
    Raises LoadError when the inputs cannot be what the model was trained on."""
    if count is not None and count != len(inputs.names):
        raise LoadError(f"the model takes {count} features and the bundle names {len(inputs.names)} inputs")
    if wanted is None or list(wanted) == inputs.names:
        return None
    try:
        order = inputs.positions(wanted)
    except KeyError as error:
        raise LoadError(f"the model takes a feature {error.args[0]!r} that is not among the bundle's inputs") from error
    if len(set(order)) != len(inputs.names):
        raise LoadError("the bundle names inputs that the model does not take")
    return order
