"""The list of files that makes a folder in the store a model: written last, checked on reading."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from engine import json_files
from engine.errors import Fault
from engine.json_files import Unreadable
from engine.messages import Source

NAME = "tsuzuki.json"

FileName = Annotated[str, Meta(pattern=r"^[^/\\\x00]+$", max_length=255)]
"""A file directly in the model's folder, as manifests may not point elsewhere."""


class File(Struct, frozen=True):
    """One file at the time of sealing."""

    name: FileName
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """The content of a sealed folder, and its source."""

    id: str
    source: Source
    origin: str
    """A hub id, a requirement, or the path of a GGUF file."""
    revision: str
    """The actual commit or version; for a GGUF file, its SHA-256."""
    weights: str = ""
    """How the original file stored the weights, if they were converted: "Q4_1"; else ""."""
    licence: str = ""
    languages: list[str] = []
    files: list[File]


class Damaged(Fault):
    """The folder does not match its manifest."""


def sha256(*paths: Path) -> str:
    """Hash a file, or several as if they were one, without reading them into memory."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()


def describe(folder: Path, names: Iterable[str]) -> list[File]:
    """The sizes and hashes of these files in the folder, sorted by name."""
    return [
        File(name, (folder / name).stat().st_size, sha256(folder / name)) for name in sorted(names)
    ]


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest as the folder's last file, after flushing the others to disk."""
    for file in manifest.files:
        _flush(folder / file.name)
    path = folder / NAME
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    _flush(path)


def read(folder: Path) -> Manifest:
    """Read a sealed folder's manifest and check that its files exist with the right sizes.

    Contents are hashed when they are pulled, not at every listing.

    Raises:
        Damaged: there is no readable manifest, or a file is missing or has the wrong size.
    """
    try:
        manifest = json_files.json(folder / NAME, Manifest)
    except FileNotFoundError as error:
        raise Damaged("reason.no_manifest", file=NAME) from error
    except Unreadable as error:
        raise Damaged(error.reason) from error
    for file in manifest.files:
        try:
            size = (folder / file.name).stat().st_size
        except OSError as error:
            raise Damaged("reason.file_missing", file=file.name) from error
        if size != file.bytes:
            raise Damaged("reason.other_size", file=file.name, size=size, listed=file.bytes)
    return manifest


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
