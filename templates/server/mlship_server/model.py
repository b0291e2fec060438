"""A bundle's model in memory: the format's loader, with the handler's functions in place of its own."""

from __future__ import annotations

import sys
from typing import Any

from .bundle import Bundle, Folders, check_libraries, installed
from .columnar import Columnar
from .errors import LoadError
from .handler import read_handler
from .loaders import AdapterType, loader_for
from .outputs import (
    Answers,
    Arrays,
    Outputs,
    as_mapping,
    check_probabilities,
    plain,
    read_answers,
    read_arrays,
    read_outputs,
)
from .table import Inputs, Table


class Model:
    """Answers tables. One thread at a time."""

    def __init__(self, folders: Folders, bundle: Bundle) -> None:
        """Loads the model. Raises LoadError, or whatever the user's code or a library raises."""
        check_libraries(bundle.libraries)
        # Pickles and handlers may import modules that lie beside them. Last: a file there must not take
        # the place of a library, which this server and the format's loader import too.
        for beside in dict.fromkeys((folders.model, folders.bundle)):
            sys.path.append(str(beside))
        self.task = bundle.task
        # Numbers that a prediction consists of.
        self.width = bundle.outputs
        self.inputs = Inputs(bundle.inputs)
        self.handler = read_handler(folders.bundle, bundle.handler)
        names = set(bundle.libraries)
        self.adapter: AdapterType | None = None
        if self.handler.complete:
            # The format's library is imported by the handler or not at all.
            self.loaded: Any = self.handler.load(str(folders.model))
        else:
            loader = loader_for(bundle.format)
            names.update(loader.DISTRIBUTIONS)
            own = self.handler.load
            self.loaded = loader.load(folders.model / bundle.entry, bundle.allowed) if own is None else own(str(folders.model))
            if self.handler.preprocess is None or self.handler.predict is None:
                self.adapter = loader.Adapter(self.loaded, bundle, self.inputs)
        self.classes = self._classes(bundle)
        self.libraries = {name: version for name in sorted(names) if (version := installed(name)) is not None}

    def _classes(self, bundle: Bundle) -> list[Any] | None:
        if bundle.task == "regression":
            return None
        own = getattr(self.loaded, "classes_", None) if self.adapter is None else self.adapter.classes
        if own is None:
            return bundle.classes
        classes = [plain(label) for label in own]
        if bundle.classes is not None and classes != bundle.classes:
            raise LoadError("the model's classes are not those of the bundle: package the model again")
        return classes

    def answer(self, rows: list[tuple[Any, ...]]) -> Answers:
        """One answer per row. Raises BadOutput, or whatever the model raises."""
        return read_answers(self.arrays(Table(self.inputs, rows)))

    def arrays(self, table: Table | Columnar) -> Arrays:
        """As `answer`, in arrays."""
        outputs = read_outputs(self._predict(self._inputs(table)), self.task)
        if self.handler.postprocess is not None:
            given = as_mapping(outputs, self.classes)
            outputs = read_outputs(self.handler.postprocess(given, table.columns), self.task)
        return read_arrays(outputs, len(table), self.classes, self.width)

    def _inputs(self, table: Table | Columnar) -> Any:
        if self.handler.preprocess is not None:
            return self.handler.preprocess(table.columns)
        assert self.adapter is not None
        return self.adapter.inputs(table)

    def _predict(self, inputs: Any) -> Any:
        if self.handler.predict is not None:
            return self.handler.predict(self.loaded, inputs)
        assert self.adapter is not None
        outputs: Outputs = self.adapter.predict(inputs)
        return outputs

    def warm_up(self) -> Exception | None:
        """Answers one made-up row, so that the first request does not pay for lazy imports. What the
        model raised is returned: it may rightly refuse a row that means nothing. Raises LoadError
        for what no row can put right."""
        blank = {"float64": 0.0, "float32": 0.0, "int64": 0, "bool": False, "string": ""}
        row = tuple(None if column.nullable else blank[column.type] for column in self.inputs.columns)
        try:
            arrays = self.arrays(Table(self.inputs, [row]))
        except LoadError:
            raise
        except Exception as error:
            return error
        if self.classes is None and self.adapter is not None:
            # ONNX exports name their classes only in what they answer.
            self.classes = self.adapter.classes
        check_probabilities(arrays)
        return None
