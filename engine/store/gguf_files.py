"""Which files make up a GGUF model: large ones come in parts, `x-00001-of-00002.gguf`."""

from __future__ import annotations

import re
from pathlib import Path

MAGIC = b"GGUF"
"""The first bytes of a GGUF file."""

_PART = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.gguf)", re.I)


def named(path: Path) -> bool:
    """Whether a path is named like a GGUF file, and is not a folder."""
    return path.suffix.lower() == ".gguf" and not path.is_dir()


def parts(path: Path) -> list[Path]:
    """All files of the model that this file belongs to, in order, whether or not they exist."""
    found = _PART.fullmatch(path.name)
    if found is None or not 1 <= int(found["number"]) <= int(found["count"]):
        return [path]
    return [
        path.with_name(f"{found['stem']}-{number:05}-of-{found['count']}{found['suffix']}")
        for number in range(1, int(found["count"]) + 1)
    ]
