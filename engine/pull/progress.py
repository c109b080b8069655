"""Progress reports of a pull, and checks for disk space and memory."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from engine.errors import EngineError
from engine.machine.memory import available
from engine.messages import Error, State
from engine.messages.units import size

_SPARE = 64 * 1024 * 1024
"""Bytes of disk space that a pull leaves free."""


class Report(Protocol):
    """A callback for the state of a pull; `done` and `total` are in bytes."""

    def __call__(
        self, state: State, stage: str, done: int | None = None, total: int | None = None
    ) -> None:
        """Report it to whoever requested the pull."""


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk has this many bytes free, before downloading anything.

    Raises:
        EngineError: unable, if it does not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise EngineError(
            Error(
                kind="unable",
                message=f"The disk has {size(free)} free; {size(needed)} are needed.",
                hint=f"Free space on the disk of {folder}.",
            )
        )


def require_memory(needed: int) -> None:
    """Check that this machine has this many bytes of memory free.

    Raises:
        EngineError: too_big, if it does not.
    """
    free = available()
    if free < needed:
        raise EngineError(
            Error(
                kind="too_big",
                message=f"Converting it needs about {size(needed)} of memory; "
                f"{size(free)} are free.",
                hint="Use a smaller model, or close other programs.",
            )
        )
