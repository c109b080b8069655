"""The shape of a model, kept in the store.

To read it from the configuration, transformers must be imported, which takes longer than all else
before the first token.
"""

from __future__ import annotations

from engine.interfaces import ModelFiles
from engine.runtime.packed import families
from engine.runtime.packed.families import Shape
from engine.store import artifacts

_NAME = "shape-1.json"
"""The number grows when the fields of a shape, or what they mean, change."""


def shape(files: ModelFiles) -> Shape | None:
    """The shape of a model if the packed decoder supports it, else None."""
    kept = artifacts.read_json(files.derived, _NAME, Shape)
    if kept is not None:
        return kept
    found = families.shape(files.folder)
    if found is not None:
        artifacts.write_json(files.derived, _NAME, files.folder, found)
    return found
