"""Quantised forms kept in the store, so that a model is packed only once.

A file, named after the form, contains the parts that `loading` builds a model from. The layout of
4-bit weights is internal to the kernel, so a file is used only by the version of PyTorch, and on
the kind of processor, that it was written with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from engine.interfaces import ModelFiles
from engine.messages import Precision
from engine.precision import QUANTISED
from engine.runtime.packed.linear import Tensors
from engine.store import artifacts

Parts = Callable[[str], Tensors]
"""Returns the parts of a component: "layer 3", or "outer" for everything outside the layers."""

VERSION = 1
"""Incremented when the parts change."""
_BETWEEN = "/"
"""Separates the name of a component from that of its part."""


@contextmanager
def reading(files: ModelFiles, precision: Precision) -> Iterator[Parts | None]:
    """The stored parts of a form; None if there are none that can be used."""
    if files.derived is None or not _kept(precision):
        yield None
        return
    try:
        kept = safe_open(files.derived / _name(precision), framework="pt")
    except (OSError, SafetensorError):
        yield None
        return
    with kept as file:
        usable = file.metadata() == _made_by()
        yield (lambda name: _parts(file, name)) if usable else None


@contextmanager
def writing(files: ModelFiles, precision: Precision) -> Iterator[Callable[[Parts], Parts]]:
    """Yield a wrapper for a source of parts; all parts that it returns are stored at the end."""
    passed: Tensors = {}

    def wrap(source: Parts) -> Parts:
        def parts(name: str) -> Tensors:
            found = source(name)
            if files.derived is not None and _kept(precision):
                passed.update({f"{name}{_BETWEEN}{part}": own for part, own in found.items()})
            return found

        return parts

    yield wrap
    if files.derived is not None and passed:
        artifacts.write(
            files.derived,
            _name(precision),
            files.folder,
            lambda path: save_file(passed, path, metadata=_made_by()),
        )


def _kept(precision: Precision) -> bool:
    """Whether a form is stored: only if packing it takes longer than reading it."""
    return precision in QUANTISED


def _name(precision: Precision) -> str:
    return f"{precision}.safetensors"


def _made_by() -> dict[str, str]:
    return {
        "version": str(VERSION),
        "torch": torch.__version__,
        "processor": torch.backends.cpu.get_cpu_capability(),
    }


def _parts(file: safe_open, name: str) -> Tensors:
    prefix = name + _BETWEEN
    # Cloned: mapped tensors may begin at any byte, and the kernels crash on unaligned ones.
    names: list[str] = file.offset_keys()  # type: ignore[no-untyped-call]
    return {
        key.removeprefix(prefix): file.get_tensor(key).clone()  # type: ignore[no-untyped-call]
        for key in names
        if key.startswith(prefix)
    }
