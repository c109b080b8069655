"""The hosts that ssh's settings of the user name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

_LINE = re.compile(r"\s*(?P<keyword>\w+)(\s*=\s*|\s+)(?P<rest>.*)")
"""A keyword and what is set: "Host box" can also be written "Host=box"."""
_DEEPEST = 8
"""How many files can include one another."""


def hosts(config: Path | None = None) -> list[str]:
    """The names after `Host` in ``~/.ssh/config`` and what it includes, without patterns.

    A file that cannot be read names none.
    """
    path = Path("~/.ssh/config").expanduser() if config is None else config
    return list(dict.fromkeys(_hosts(path, path.parent, 0)))


def _hosts(path: Path, folder: Path, depth: int) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return
    for line in lines:
        found = _LINE.match(line)
        try:
            values = shlex.split(found["rest"], comments=True) if found else []
        except ValueError:  # a quotation that is not closed
            continue
        match found["keyword"].lower() if found else "":
            case "host":
                yield from (v for v in values if not set(v) & set("*?!") and v[:1] != "-")
            case "include" if depth < _DEEPEST:
                for value in values:
                    pattern = Path(value).expanduser()
                    root = Path(pattern.anchor) if pattern.is_absolute() else folder
                    for each in sorted(root.glob(str(pattern.relative_to(pattern.anchor)))):
                        yield from _hosts(each, folder, depth + 1)
