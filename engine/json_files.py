"""Reading small files that may be anything, with what is wrong in words for a person."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

_WORDS = {
    errno.EACCES: "this user may not read it",
    errno.EPERM: "this user may not read it",
    errno.ELOOP: "its links lead in a circle",
    errno.ENAMETOOLONG: "its name is too long for this system",
    errno.ENOENT: "it is not there",
    errno.ENOTDIR: "it lies below something that is no folder",
    errno.EISDIR: "it is a folder",
}


class Unreadable(Exception):
    """A file that cannot be used; the message goes on after its name."""


def json(path: Path, kind: type[T]) -> T:
    """Decode a JSON file.

    Raises:
        FileNotFoundError: there is none.
        Unreadable: it is no plain file (a pipe would never end), may not be read, or is not JSON.
    """
    try:
        if path.exists() and not path.is_file():
            raise Unreadable("is no plain file")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"cannot be read: {reason(error)}") from error
    except msgspec.DecodeError as error:
        raise Unreadable(f"cannot be read: {error}") from error


def reason(error: OSError | ValueError | RuntimeError) -> str:
    """Why a path cannot be looked at."""
    if isinstance(error, OSError):
        return _WORDS.get(error.errno or 0) or (error.strerror or "it cannot be read").lower()
    if isinstance(error, UnicodeDecodeError):
        return "it is not in UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, RuntimeError):
        return _WORDS[errno.ELOOP]  # how `Path.resolve` says it before Python 3.13
    return "its name holds a character that no name can hold"
