"""The list of files that makes a folder in the store a model: written last, checked ever after."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from engine import json_files
from engine.json_files import Unreadable
from engine.messages import Source

NAME = "tsuzuki.json"

FileName = Annotated[str, Meta(pattern=r"^[^/\\\x00]+$", max_length=255)]
"""A plain file in the model's folder: manifests are read back, so they may not point elsewhere."""


class File(Struct, frozen=True):
    """One file as it was when the folder was sealed."""

    name: FileName
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a sealed folder holds and where it came from."""

    id: str
    source: Source
    origin: str
    """A hub id, a requirement, or the path of a GGUF file."""
    revision: str
    """The commit or version that was really taken; for a GGUF file, its SHA-256."""
    weights: str = ""
    """How the file that they were converted from stored the weights: "Q4_1"; else ""."""
    licence: str = ""
    languages: list[str] = []
    files: list[File]


class Damaged(Exception):
    """The folder is not what its manifest says; the message is a reason for a person."""


def sha256(*paths: Path) -> str:
    """Hash a file, or several as if they were one, without holding them in memory."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()


def describe(folder: Path, names: Iterable[str]) -> list[File]:
    """Measure and hash these files of the folder, in the order of their names."""
    return [
        File(name, (folder / name).stat().st_size, sha256(folder / name)) for name in sorted(names)
    ]


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest as the folder's last file, after its files have reached the disk."""
    for file in manifest.files:
        _flush(folder / file.name)
    path = folder / NAME
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    _flush(path)


def read(folder: Path) -> Manifest:
    """Read a sealed folder's manifest and check that its files are there in their full size.

    Contents are hashed when they arrive, not at every listing.

    Raises:
        Damaged: there is no readable manifest, or a file is missing or has another size.
    """
    try:
        manifest = json_files.json(folder / NAME, Manifest)
    except FileNotFoundError as error:
        raise Damaged(f"its list of files ({NAME}) is missing") from error
    except Unreadable as error:
        raise Damaged(f"its list of files ({NAME}) {error}") from error
    for file in manifest.files:
        try:
            size = (folder / file.name).stat().st_size
        except OSError as error:
            raise Damaged(f"{file.name} is missing") from error
        if size != file.bytes:
            raise Damaged(f"{file.name} has {size:,} bytes, not {file.bytes:,}")
    return manifest


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
