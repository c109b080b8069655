"""Files that are either written whole or left as they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def write(path: Path, content: str) -> None:
    """Write a file in UTF-8; whoever reads it meanwhile gets the old one, whole.

    Raises:
        OSError: it cannot be written.
    """
    with writing(path) as file:
        file.write(content)


@contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """The same of a file that is written part by part, and left as it was where that fails.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():  # a device or a pipe, which is to stay one
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    path = path.resolve()
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as file:
            yield file
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
