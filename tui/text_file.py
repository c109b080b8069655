"""A text file that a person names: found, and read."""

from __future__ import annotations

from pathlib import Path


def named(written: str) -> Path | None:
    """The file that a text is the name of, if it is one."""
    try:
        path = Path(written).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long for a name, a null, an unknown ~user
        return None


def read(path: Path) -> str:
    """A file's text, without a final line break, as a shell's ``$(...)`` would give it.

    Raises:
        OSError: it cannot be read.
        UnicodeError: it is not UTF-8.
    """
    return without_end(path.read_bytes().decode("utf-8-sig"))


def without_end(content: str) -> str:
    """A text without its final line break."""
    return content.removesuffix("\n").removesuffix("\r")
