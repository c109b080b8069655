"""The shape of a model, kept in the store.

To read it from the configuration, transformers must be imported, which takes longer than all else
before the first token.
"""

from __future__ import annotations

import msgspec

from engine import json_files
from engine.interfaces import ModelFiles
from engine.json_files import Unreadable
from engine.runtime.packed import families
from engine.runtime.packed.families import Shape
from engine.store import artifacts

_NAME = "shape-1.json"
"""The number grows when the fields of a shape, or what they mean, change."""


def shape(files: ModelFiles) -> Shape | None:
    """The shape of a model if the packed decoder supports it, else None."""
    kept = _read(files)
    if kept is not None:
        return kept
    found = families.shape(files.folder)
    if found is not None and files.derived is not None:
        data = msgspec.json.encode(found)
        artifacts.write(files.derived, _NAME, files.folder, lambda path: path.write_bytes(data))
    return found


def _read(files: ModelFiles) -> Shape | None:
    if files.derived is None:
        return None
    try:
        return json_files.json(files.derived / _NAME, Shape)
    except (FileNotFoundError, Unreadable):
        return None
