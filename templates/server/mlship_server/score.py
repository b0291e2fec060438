"""`score`: answers tables that come as JSON lines on stdin, for the validation runner."""

from __future__ import annotations

import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from .bundle import Bundle, Folders
from .errors import LoadError, Refusal
from .model import Model
from .outputs import BadOutput, check_probabilities
from .schema import Schema

LOAD_FAILED = 3


def score(folders: Folders, bundle: Bundle) -> int:
    """Reads until stdin ends; returns the exit code."""
    # The answers own the real stdout; whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    began = time.perf_counter()
    try:
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
    for line in sys.stdin.buffer:
        if line.strip():
            _write(out, _answer(model, schema, line))
    return 0


def _answer(model: Model, schema: Schema, line: bytes) -> dict[str, Any]:
    try:
        answers = model.answer(schema.decode(line))
        if answers.broken is not None:
            row = answers.broken.index(True)
            message = f"The model answered row {row} with no finite number."
            raise Refusal(500, "model.non-finite-output", message, row=row)
        check_probabilities(answers)
    except Refusal as refusal:
        return refusal.document()
    except (BadOutput, LoadError) as error:
        return Refusal(500, "model.bad-output", f"The model's output is not usable: {error}.").document()
    except BaseException as error:
        traceback.print_exc()
        return Refusal(500, "model.failed", f"The model failed with {type(error).__name__}.").document()
    return {"predictions": answers.predictions, "probabilities": answers.probabilities}


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
