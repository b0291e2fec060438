"""`score`: answers tables that come on stdin, for the validation runner. A line is a request as the server
takes it, or announces a batch of typed columns that follows as bytes, or asks what a row costs; each is answered in its own way."""

from __future__ import annotations

import importlib
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO, Callable, TypeVar

import msgspec
import numpy as np

from .bundle import Folders, read_bundle
from .columnar import BrokenOff, Header, read_batch
from .errors import LoadError, Refusal
from .latency import measure, peak_bytes
from .model import Model
from .orphan import end_with_parent
from .outputs import Arrays, BadOutput, check_probabilities, read_answers
from .schema import Schema
from .table import Table

LOAD_FAILED = 3
Answered = TypeVar("Answered")


def score(folders: Folders, modules: list[str] | None) -> int:
    """Reads until stdin ends; returns the exit code. Given modules it imports them and touches the bundle
    only when a first line has come: whoever writes the bundle has other work meanwhile."""
    # The answers own the real stdout; whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    end_with_parent()
    stream = sys.stdin.buffer
    began = time.perf_counter()
    if modules is not None:
        import_early(modules)
        paused = time.perf_counter()
        if not stream.readline():
            return 0
        began += time.perf_counter() - paused
    try:
        bundle = read_bundle(folders)
        model = Model(folders, bundle)
        refused = model.warm_up()
    except LoadError as error:
        print(f"mlship_server: {error}", file=sys.stderr, flush=True)
        return LOAD_FAILED
    except BaseException:
        traceback.print_exc()
        return LOAD_FAILED
    if refused is not None:
        print(f"mlship_server: the model refused a made-up first row: {refused}", file=sys.stderr, flush=True)
    ready = {
        "classes": model.classes,
        "libraries": model.libraries,
        "loadSeconds": time.perf_counter() - began,
        "rss": resident_bytes(),
    }
    _write(out, {"ready": ready})
    schema = Schema(bundle.inputs, None)
    batches = msgspec.json.Decoder(Announced)
    measures = msgspec.json.Decoder(Measuring)
    while line := stream.readline():
        if line.startswith(b'{"batch":'):
            try:
                _write_arrays(out, _guarded(lambda: _score_batch(model, batches.decode(line).batch, stream)))
            except BrokenOff:
                break
        elif line.startswith(b'{"measure":'):
            _write(out, _guarded(lambda: _measure(model, schema, measures.decode(line).measure)))
        elif line.strip():
            _write(out, _guarded(lambda: _score_rows(model, schema.decode(line))))
    return 0


def import_early(modules: list[str]) -> None:
    """Imports what loading the model will import. What fails here fails again where it is needed, and is told there."""
    for name in modules:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):
            continue


class Announced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    batch: Header


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows as a server takes them, and how long asking them one by one may take, 0 for not at all."""

    seconds: float
    rows: msgspec.Raw


class Measuring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    measure: Measure


def _measure(model: Model, schema: Schema, asked: Measure) -> dict[str, Any]:
    latency = None if asked.seconds <= 0 else measure(model, schema.decode(bytes(asked.rows)), asked.seconds)
    return {"measured": {"latency": latency, "peakRss": peak_bytes()}}


def _score_rows(model: Model, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    arrays = model.arrays(Table(model.inputs, rows))
    if arrays.fine is not None:
        row = arrays.fine.tolist().index(False)
        raise Refusal(500, "model.non-finite-output", f"The model answered row {row} with no finite number.", row=row)
    check_probabilities(arrays)
    answers = read_answers(arrays)
    return {"predictions": answers.predictions, "probabilities": answers.probabilities}


def _score_batch(model: Model, header: Header, stream: BinaryIO) -> Arrays:
    # What is not finite is told like all else: a verdict on the model counts it.
    arrays = model.arrays(read_batch(header, model.inputs, stream))
    check_probabilities(arrays)
    return arrays


def _guarded(work: Callable[[], Answered]) -> Answered | dict[str, Any]:
    """What the work gives, or the document of its refusal."""
    try:
        return work()
    except BrokenOff:
        raise
    except Refusal as refusal:
        return refusal.document()
    except (BadOutput, LoadError) as error:
        return Refusal(500, "model.bad-output", f"The model's output is not usable: {error}.").document()
    except BaseException as error:
        traceback.print_exc()
        # In the reply as well: what is printed comes by another way, and may come too late.
        said = " ".join(str(error).split())[:500]
        reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
        return Refusal(500, "model.failed", f"The model failed with {reason}.").document()


def _write_arrays(out: BinaryIO, answered: Arrays | dict[str, Any]) -> None:
    """A line that says what follows, then the predictions (float64, or int32 places among the labels)
    and the probabilities (float64), row by row."""
    if isinstance(answered, dict):
        return _write(out, answered)
    predictions, labels, probabilities, _ = answered
    if predictions.dtype.kind == "b":
        labels = [False, True]
    elif predictions.dtype.kind == "U":
        texts, predictions = np.unique(predictions, return_inverse=True)
        labels = texts.tolist()
    width = 0 if probabilities is None else probabilities.shape[1]
    outputs = 1 if predictions.ndim == 1 else predictions.shape[1]
    said = {"rows": len(predictions), "labels": labels, "outputs": outputs, "width": width}
    out.write(msgspec.json.encode({"answers": said}) + b"\n")
    out.write(np.ascontiguousarray(predictions, dtype="<f8" if labels is None else "<i4").tobytes())
    if probabilities is not None:
        out.write(np.ascontiguousarray(probabilities, dtype="<f8").tobytes())
    out.flush()


def _write(out: BinaryIO, document: dict[str, Any]) -> None:
    out.write(msgspec.json.encode(document) + b"\n")
    out.flush()


def resident_bytes() -> int:
    """Resident memory of this process; its peak where the system does not tell the present."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()
