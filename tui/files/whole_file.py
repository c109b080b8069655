"""Files that are either written whole or left as they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO


def write(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8; whoever reads it meanwhile gets the old one, whole.

    Raises:
        OSError: it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    with _opened(path) as file:
        file.write(data)


@contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """The same of a text that is written part by part; the file is left as it was if that fails.

    Raises:
        OSError: it cannot be written.
    """
    with _opened(path) as file, TextIOWrapper(file, encoding="utf-8", newline="") as parts:
        yield parts


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path.exists() and not path.is_file():  # a device or a pipe, which is to stay one
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            yield file
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
