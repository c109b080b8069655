"""Which files make up a GGUF model: large ones come in parts, `x-00001-of-00002.gguf`."""

from __future__ import annotations

import re
from pathlib import Path

MAGIC = b"GGUF"
"""What such a file begins with."""

_PART = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.gguf)", re.I)


def named(path: Path) -> bool:
    """Whether a path reads as a GGUF file, not as a folder of that name."""
    return path.suffix.lower() == ".gguf" and not path.is_dir()


def parts(path: Path) -> list[Path]:
    """The files of the model that this one is of, in their order, whether they are there or not."""
    found = _PART.fullmatch(path.name)
    if found is None or not 1 <= int(found["number"]) <= int(found["count"]):
        return [path]
    return [
        path.with_name(f"{found['stem']}-{number:05}-of-{found['count']}{found['suffix']}")
        for number in range(1, int(found["count"]) + 1)
    ]
