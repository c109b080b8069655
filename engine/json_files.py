"""Reads small untrusted JSON files, with readable error messages."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

_WORDS = {
    errno.EACCES: "this user may not read it",
    errno.EPERM: "this user may not read it",
    errno.ELOOP: "its links form a loop",
    errno.ENAMETOOLONG: "its name is too long for this system",
    errno.ENOENT: "it does not exist",
    errno.ENOTDIR: "its parent is not a folder",
    errno.EISDIR: "it is a folder",
}


class Unreadable(Exception):
    """A file that cannot be used. The message is written to follow the file's name."""


def json(path: Path, kind: type[T]) -> T:
    """Decode a JSON file.

    Raises:
        FileNotFoundError: the file does not exist.
        Unreadable: it is not a regular file (a pipe might never end), may not be read, or is not
            JSON of this type.
    """
    try:
        if path.exists() and not path.is_file():
            raise Unreadable("is not a regular file")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"cannot be read: {reason(error)}") from error
    except msgspec.DecodeError as error:
        raise Unreadable(f"cannot be read: {error}") from error


def reason(error: OSError | ValueError | RuntimeError) -> str:
    """Why a path cannot be read, as the end of a sentence."""
    if isinstance(error, OSError):
        return _WORDS.get(error.errno or 0) or (error.strerror or "it cannot be read").lower()
    if isinstance(error, UnicodeDecodeError):
        return "it is not in UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, RuntimeError):
        return _WORDS[errno.ELOOP]  # as `Path.resolve` reports it before Python 3.13
    return "its name contains a character that is not allowed"
