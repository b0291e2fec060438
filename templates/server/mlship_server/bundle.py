"""Reads `mlship.json`, the document that says what a bundle holds, and checks the libraries it insists on."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple, Union

import msgspec

from .errors import LoadError

Label = Union[str, int, float, bool]

# Distributions that provide the same importable library.
ALTERNATIVES = {
    "xgboost": ("xgboost-cpu",),
    "xgboost-cpu": ("xgboost",),
    "onnxruntime": ("onnxruntime-gpu",),
    "tensorflow": ("tensorflow-cpu",),
    "tensorflow-cpu": ("tensorflow",),
}


class Folders(NamedTuple):
    """Where a bundle is: `mlship.json` and the handler, and the model's files. Usually one and the same."""

    bundle: Path
    model: Path


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One named input. A nullable column may be null or left out of a row."""

    name: str
    type: Literal["float64", "float32", "int64", "bool", "string"]
    nullable: bool


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"schema_": "schema"}):
    """`mlship.bundle/v1`, written by the command line tool next to the model's files."""

    schema_: Literal["mlship.bundle/v1"]
    name: str
    version: str
    digest: str
    format: Literal[
        "onnx", "sklearn", "skops", "xgboost", "lightgbm", "catboost", "pytorch", "keras", "savedmodel", "python"
    ]
    entry: str
    handler: Union[str, None]
    task: Literal["binary", "multiclass", "regression"]
    classes: Union[list[Label], None]
    inputs: list[Column]
    libraries: dict[str, str]
    allowed: list[str]
    # How many numbers a regressor answers per row.
    outputs: int = 1


def read_bundle(folders: Folders) -> Bundle:
    """Raises LoadError when `mlship.json` is missing or not a bundle that can be served."""
    path = folders.bundle / "mlship.json"
    try:
        bundle = msgspec.json.decode(path.read_bytes(), type=Bundle)
    except OSError as error:
        raise LoadError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LoadError(f"{path} is not a mlship.bundle/v1 document: {error}") from error
    if not (bundle.version.isascii() and bundle.version.isprintable()):
        # It is sent in a header.
        raise LoadError(f"{path} holds a version that is not printable ASCII")
    names = [column.name for column in bundle.inputs]
    if not names:
        raise LoadError(f"{path} names no inputs")
    if len(set(names)) != len(names):
        raise LoadError(f"{path} names an input twice")
    for folder, file in ((folders.model, bundle.entry), (folders.bundle, bundle.handler)):
        if file is None:
            continue
        inside = (folder / file).resolve()
        if not inside.is_relative_to(folder.resolve()):
            raise LoadError(f"{path} names {file}, which is outside the bundle")
        if not inside.exists():
            raise LoadError(f"{path} names {file}, which is not in {'the bundle' if folder == folders.bundle else folder}")
    return bundle


def installed(distribution: str) -> str | None:
    """Version of a distribution, or of another that provides the same library; None when absent."""
    for name in (distribution, *ALTERNATIVES.get(distribution, ())):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def check_libraries(wanted: dict[str, str]) -> None:
    """Raises LoadError unless exactly the wanted versions are installed."""
    differing = [
        f"{name} {version} (here: {installed(name) or 'not installed'})"
        for name, version in wanted.items()
        if installed(name) != version
    ]
    if differing:
        raise LoadError(
            f"the model was saved with {', '.join(differing)}; install these versions or save the model again"
        )
