"""The key of a server: from an environment variable, or from a file that its owner alone can read.

It is never in a message, a log or a session: those hold the name of the variable or the file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.errors import refusal
from engine.json_files import reason
from engine.messages import ServerEntry

_MOST = 64 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key(entry: ServerEntry) -> str | None:
    """The key of a server; None where its entry names none.

    Raises:
        EngineError: ``unable``, if the variable is empty, or if the file cannot be read, is empty,
            or can be read by others; for a key that no HTTP header can hold.
    """
    if entry.key_variable is not None:
        found = os.environ.get(entry.key_variable, "").strip()
        if not found:
            raise refusal("unable", "no_key_variable", name=entry.key_variable)
        return _usable(found, entry.key_variable)
    if entry.key_file is not None:
        return _usable(_read(Path(entry.key_file)), entry.key_file)
    return None


def _read(path: Path) -> str:
    try:
        path = path.expanduser()
        with path.open("rb") as file:
            # Of the open file, as another may be put in its place at any time.
            state = os.fstat(file.fileno())
            if state.st_mode & _OTHERS or state.st_uid not in (os.getuid(), 0):
                raise refusal("unable", "open_key_file", file=path)
            found = file.read(_MOST).decode().strip()
    except (OSError, ValueError, RuntimeError) as error:
        raise refusal("unable", "no_key_file", file=path, why=reason(error)) from error
    if not found:
        raise refusal("unable", "empty_key_file", file=path)
    return found


def _usable(found: str, where: str) -> str:
    if not (found.isascii() and found.isprintable()):
        raise refusal("unable", "unusable_key", where=where)
    return found
