"""Where the store keeps files computed from a model's weights: quantised forms, distances.

    <root>/derived/<key>/origin     the model's folder, so that stale results can be found
    <root>/derived/<key>/...        one file per result, written atomically

The key is a hash of the folder's path and of the names, sizes and times of config.json and the
weight files: when these change, old results are no longer found. All of it can be deleted at any
time.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from safetensors import SafetensorError

from engine import json_files
from engine.json_files import Unreadable
from engine.store import checkpoint
from engine.store.checkpoint import Broken

T = TypeVar("T")

_ORIGIN = "origin"


def place(root: Path, model: Path) -> Path:
    """The folder for results computed from the model in folder `model`. It need not exist.

    Raises:
        Broken: the model has no weight files.
    """
    stamp = [str(model.resolve())]
    for file in (model / "config.json", *checkpoint.weight_files(model)):
        stat = file.stat()
        stamp += [file.name, str(stat.st_size), str(stat.st_mtime_ns)]
    return root / "derived" / hashlib.sha256("\0".join(stamp).encode()).hexdigest()[:32]


def write(folder: Path, name: str, model: Path, save: Callable[[Path], object]) -> bool:
    """Write a result with `save` under this name, atomically.

    Returns False if it cannot be written, which is not an error, as results only save time.
    """
    partial = folder / f".{name}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _ORIGIN).write_text(str(model.resolve()))
        save(partial)
        partial.replace(folder / name)
    except (OSError, SafetensorError):  # in which it wraps what the disk said
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True


def write_json(folder: Path | None, name: str, model: Path, result: object) -> None:
    """Write a result as JSON, if there is a place for it."""
    if folder is not None:
        data = msgspec.json.encode(result)
        write(folder, name, model, lambda path: path.write_bytes(data))


def read_json(folder: Path | None, name: str, kind: type[T]) -> T | None:
    """Read such a result; None if there is none that can be used."""
    if folder is None:
        return None
    try:
        return json_files.json(folder / name, kind)
    except (FileNotFoundError, Unreadable):
        return None


def forget(root: Path, model: Path) -> None:
    """Delete everything computed from the model in a folder, or from its earlier versions."""
    for folder in (root / "derived").glob("*"):
        if _origin(folder) == model.resolve():
            shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path) -> None:
    """Delete results of models that were deleted or have changed."""
    for folder in (root / "derived").glob("*"):
        origin = _origin(folder)
        try:
            current = origin is not None and place(root, origin) == folder
        except (Broken, OSError):
            current = False
        if not current:
            shutil.rmtree(folder, ignore_errors=True)


def _origin(folder: Path) -> Path | None:
    try:
        return Path((folder / _ORIGIN).read_text())
    except (OSError, UnicodeDecodeError):
        return None
