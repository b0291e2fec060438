"""scikit-learn estimators saved with skops, which holds no code: types beyond its own list are refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import skops.io
from sklearn.exceptions import InconsistentVersionWarning

from ..errors import LoadError
from . import sklearn

DISTRIBUTIONS = ("skops", *sklearn.DISTRIBUTIONS)
Adapter = sklearn.Adapter


def load(path: Path, allowed: list[str]) -> Any:
    """Loads the types that the scan allowed: skops alone refuses those of trees and forests."""
    known = set(allowed)
    untrusted = [name for name in skops.io.get_untrusted_types(file=path) if name not in known]
    if untrusted:
        raise LoadError(f"{path.name} holds types that skops does not trust: {', '.join(sorted(untrusted))}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return skops.io.load(path, trusted=sorted(known))
        except InconsistentVersionWarning as warning:
            raise LoadError(f"{warning.estimator_name} was saved with another scikit-learn: {warning}") from warning
