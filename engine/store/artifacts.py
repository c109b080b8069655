"""Where the store keeps what is computed from a model's weights: packed forms, distances.

    <root>/derived/<key>/origin     the model's folder, so that stale results can be found
    <root>/derived/<key>/...        one file a result, written whole or not at all

The key is made of the weight files' names, sizes and times: when the files change, nothing of what
was computed from them is found any more. All of it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.store import checkpoint
from engine.store.checkpoint import Broken

_ORIGIN = "origin"


def place(root: Path, model: Path) -> Path:
    """The folder for what is computed from the model in a folder. It need not exist.

    Raises:
        Broken: the model has no weight files.
    """
    stamp = [str(model.resolve())]
    for file in (model / "config.json", *checkpoint.weight_files(model)):
        stat = file.stat()
        stamp += [file.name, str(stat.st_size), str(stat.st_mtime_ns)]
    return root / "derived" / hashlib.sha256("\0".join(stamp).encode()).hexdigest()[:32]


def write(folder: Path, name: str, model: Path, save: Callable[[Path], object]) -> bool:
    """Let `save` write a result under this name, which appears there when it is complete.

    False when the disk does not take it: a result is only a saving of time.
    """
    partial = folder / f".{name}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _ORIGIN).write_text(str(model.resolve()))
        save(partial)
        partial.replace(folder / name)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True


def forget(root: Path, model: Path) -> None:
    """Delete everything computed from the model in a folder, also from what it was before."""
    for folder in (root / "derived").glob("*"):
        if _origin(folder) == model.resolve():
            shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path) -> None:
    """Delete what was computed from models that are gone or have changed since."""
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
