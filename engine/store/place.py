"""Where a model is or would be, and what its files say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine import json_files
from engine.messages import Source
from engine.store import checkpoint
from engine.store.catalog import Entry
from engine.store.checkpoint import Broken, Checkpoint
from engine.store.manifest import Damaged, Manifest
from engine.store.manifest import read as read_manifest

UNUSABLE = (Broken, Damaged, OSError, ValueError, RuntimeError)
"""What may be raised for a folder or file that is not a model or cannot be read."""


@dataclass(frozen=True)
class Place:
    """Where a model is, or would be after a pull."""

    id: str
    folder: Path
    source: Source
    entry: Entry | None = None
    gguf: Path | None = None
    """The user's GGUF file that the folder is, or would be, converted from."""

    @property
    def ours(self) -> bool:
        """Whether the folder is in the store: it has a manifest, and may be deleted."""
        return self.source in {"hub", "index"} or self.gguf is not None

    def read(self) -> tuple[Checkpoint, Manifest | None]:
        """What the folder holds, and the list of it that a pull wrote.

        Raises:
            Broken: it is not a model.
            Damaged: the list cannot be read.
        """
        listed = read_manifest(self.folder) if self.ours else None
        return checkpoint.read(self.folder), listed

    def weights(self, listed: Manifest | None) -> str:
        """How the weights were stored: from the manifest, else from the catalogue."""
        return (listed.weights if listed else "") or (self.entry.weights if self.entry else "")


def why(error: Exception) -> str:
    """The message of an exception in `UNUSABLE`, for the user."""
    if isinstance(error, (OSError, ValueError, RuntimeError)):
        return json_files.reason(error)
    return str(error)
