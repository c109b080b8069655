"""N-gram models: a text and an order, named in one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.errors import refusal
from engine.messages.ngrams import HIGHEST, NGRAM

MODEL_TYPE = "ngram"
_MEMORY = 60
"""About how many bytes a model of order 5 takes for each byte of its text."""


@dataclass(frozen=True)
class Ngrams:
    """What an n-gram model is trained on, and its order."""

    order: int
    file: Path

    @property
    def id(self) -> str:
        """Its name in requests."""
        return f"{self.order}-gram:{self.file}"

    @property
    def memory(self) -> int:
        """Estimated bytes in memory."""
        return _MEMORY * self.file.stat().st_size

    @property
    def revision(self) -> str:
        """A digest of the text."""
        stat = self.file.stat()
        return _digest(self.file, stat.st_size, stat.st_mtime_ns)


def named(model: str) -> Ngrams | None:
    """The n-gram model that has this name, if it is the name of one.

    Raises:
        EngineError: unknown_model, for an order that there is not.
    """
    found = NGRAM.fullmatch(model)
    if found is None:
        return None
    order = HIGHEST if found[1] is None else int(found[1])
    if not 1 <= order <= HIGHEST:
        raise refusal("unknown_model", "ngram_order", order=order, highest=HIGHEST)
    try:
        return Ngrams(order, Path(found[2]).expanduser().resolve())
    except (OSError, ValueError, RuntimeError):
        return Ngrams(order, Path(found[2]))  # whoever reads it reports the reason


@lru_cache(maxsize=16)
def _digest(file: Path, size: int, changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
