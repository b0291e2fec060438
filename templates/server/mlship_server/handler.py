"""The user's Python file: the only place where a user's code runs, in scoring and in serving alike."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, Callable

from .errors import LoadError

FUNCTIONS = ("load", "preprocess", "predict", "postprocess")


class Handler:
    """The functions that a handler file defines; None for those it leaves to the format's loader."""

    load: Callable[[str], Any] | None = None
    preprocess: Callable[[dict[str, Any]], Any] | None = None
    predict: Callable[[Any, Any], Any] | None = None
    postprocess: Callable[[Any, dict[str, Any]], Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to the format's loader."""
        return None not in (self.load, self.preprocess, self.predict)


def read_handler(folder: Path, file: str | None) -> Handler:
    """Runs the handler file. Raises LoadError when it defines none of the functions."""
    handler = Handler()
    if file is None:
        return handler
    spec = importlib.util.spec_from_file_location("mlship_handler", folder / file)
    if spec is None or spec.loader is None:
        raise LoadError(f"the handler {file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Under its name, so that what it defines can be unpickled and found by dataclasses and typing.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = [name for name in FUNCTIONS if callable(getattr(module, name, None))]
    if not found:
        raise LoadError(f"the handler {file} defines none of {', '.join(FUNCTIONS)}")
    for name in found:
        setattr(handler, name, getattr(module, name))
    return handler
