"""Reads small untrusted JSON files, with readable error messages."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.errors import Fault
from engine.messages import Message, Words

T = TypeVar("T")

_REASONS = {
    errno.EACCES: Message.of("reason.not_allowed"),
    errno.EPERM: Message.of("reason.not_allowed"),
    errno.ELOOP: Message.of("reason.loop"),
    errno.ENAMETOOLONG: Message.of("reason.long_name"),
    errno.ENOENT: Message.of("reason.absent"),
    errno.ENOTDIR: Message.of("reason.no_parent"),
    errno.EISDIR: Message.of("reason.is_folder"),
    errno.ENOSPC: Message.of("reason.disk_full"),
    errno.EDQUOT: Message.of("reason.disk_full"),
    errno.EROFS: Message.of("reason.read_only"),
    errno.EIO: Message.of("reason.disk_error"),
}


class Unreadable(Fault):
    """A file that cannot be used."""


def json(path: Path, kind: type[T]) -> T:
    """Decode a JSON file.

    Raises:
        FileNotFoundError: the file does not exist.
        Unreadable: it is not a regular file (a pipe might never end), may not be read, or is not
            JSON of this type.
    """
    try:
        if path.exists() and not path.is_file():
            raise Unreadable("reason.no_regular_file", file=path.name)
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("reason.unreadable", file=path.name, why=reason(error)) from error
    except msgspec.DecodeError as error:
        raise Unreadable("reason.unreadable", file=path.name, why=fault(error)) from error


def reason(error: OSError | ValueError | RuntimeError) -> Words:
    """Why a path cannot be read or written."""
    if isinstance(error, OSError):
        known = _REASONS.get(error.errno or 0)
        return known or error.strerror or Message.of("reason.no_reason")
    if isinstance(error, UnicodeDecodeError):
        return Message.of("reason.not_utf8")
    if isinstance(error, RecursionError):
        return Message.of("reason.too_deep")
    if isinstance(error, RuntimeError):
        return _REASONS[errno.ELOOP]  # as `Path.resolve` reports it before Python 3.13
    return Message.of("reason.odd_name")


def fault(error: msgspec.DecodeError | UnicodeDecodeError | RecursionError) -> Words:
    """What is wrong with the content of a JSON file."""
    if not isinstance(error, msgspec.DecodeError):
        return reason(error)
    place = _PLACE.search(str(error))
    if isinstance(error, msgspec.ValidationError):
        return Message.of("reason.other_value", place=place[1] if place else "$")
    return Message.of("reason.no_json")


_PLACE = re.compile(r"`(\$.*?)`$")
"""Where msgspec puts what it found in a document: "Expected `int`, got `str` - at `$.bytes`"."""
