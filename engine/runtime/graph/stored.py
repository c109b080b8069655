"""Quantised forms kept in the store, so that a model is quantised only once.

A file, named after the form, contains the parts that `building` makes a graph of. It is mapped:
what ONNX Runtime packs for the processor is read once, and the table as far as it is looked up.
What ONNX Runtime packed could be saved too, but it would pack all the same, and only then compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from engine.interfaces import ModelFiles
from engine.messages import Precision
from engine.runtime.graph.matrices import Tensors
from engine.store import artifacts

Parts = Callable[[str], Tensors]
"""Returns the parts of a component: "layer 3", or "outer" for everything outside the layers."""

_VERSION = "6"
"""Incremented when the parts change."""
_BETWEEN = "/"
"""Separates the name of a component from that of its part."""


def read(files: ModelFiles, precision: Precision) -> Parts | None:
    """The parts of a stored form; None if there is none that can be used."""
    if files.derived is None:
        return None
    try:
        with safe_open(files.derived / _name(precision), framework="pt") as file:
            described = file.metadata() or {}
            if described.get("version") != _VERSION:
                return None
            tensors = {name: file.get_tensor(name) for name in file.offset_keys()}
    except (OSError, SafetensorError):
        return None
    return lambda name: of(name, tensors, _BETWEEN)


def write(files: ModelFiles, precision: Precision, parts: Parts, names: Iterable[str]) -> None:
    """Store these components of a form, if there is a place for them."""
    if files.derived is None:
        return
    tensors = {
        f"{name}{_BETWEEN}{part}": tensor for name in names for part, tensor in parts(name).items()
    }
    artifacts.write(
        files.derived,
        _name(precision),
        files.folder,
        lambda path: save_file(tensors, path, metadata={"version": _VERSION}),
    )


def of(name: str, parts: Tensors, between: str = ".") -> Tensors:
    """The parts whose names begin with this one, without it."""
    prefix = name + between
    return {key.removeprefix(prefix): own for key, own in parts.items() if key.startswith(prefix)}


def _name(precision: Precision) -> str:
    return f"{precision}.safetensors"
